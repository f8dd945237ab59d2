"""Ends with its parent: asks Linux for SIGKILL when the parent dies, then becomes the command.

Run as a file by an isolated interpreter: ``python -I -S shim.py PARENT_PID COMMAND...``. It imports nothing of ours,
so that it costs a few milliseconds. See prctl(2), PR_SET_PDEATHSIG: the request survives execve.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Bind this process's life to its parent's, then execute the command. Does not return."""
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606  the command is the plan author's
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
