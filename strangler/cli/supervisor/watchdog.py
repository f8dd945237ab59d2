"""Ends process groups whose supervisor is gone, however it went.

Run as a file: ``python -I -S watchdog.py``. Standard input is a pipe from the supervisor with lines ``+GROUP`` and
``-GROUP``. The pipe closes when the supervisor ends; every group still noted is then asked to stop, and killed.
"""

import os
import signal
import sys
import time

_GRACE_S = 1.0


def signal_group(group: int, number: int) -> bool:
    """Send a signal to the group; whether anyone was there."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    """Note groups until the pipe closes, then end those that are left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the supervisor stops us by closing the pipe
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    left = [group for group in groups if signal_group(group, signal.SIGTERM)]
    until = time.monotonic() + _GRACE_S
    while left and time.monotonic() < until:
        time.sleep(0.02)
        left = [group for group in left if signal_group(group, 0)]
    for group in left:
        signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
