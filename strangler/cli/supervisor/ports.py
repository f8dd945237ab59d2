"""Free ports on the loopback address, found by binding."""

import errno
import secrets
import socket

from strangler.errors import Refused

HOST = "127.0.0.1"
_LOW, _HIGH = 20_000, 32_000
"""Below Linux's ephemeral range (32,768 up): no outgoing connection takes the port between our look and its use."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
        return True


def free_port(taken: set[int]) -> int:
    """A free port that is not in ``taken``.

    Raises:
        Refused: none found; something is very wrong with this machine's network.
    """
    for _ in range(200):
        port = _LOW + secrets.randbelow(_HIGH - _LOW)
        if port not in taken and is_free(port):
            return port
    raise Refused(f"no free port found on {HOST} between {_LOW} and {_HIGH}")


def claim(name: str, fixed: int | None, taken: set[int]) -> int:
    """The port of one process: the fixed one if it is free, else any free one.

    Raises:
        Refused: the fixed port is in use, by another of ours or by a stranger.
    """
    if fixed is None:
        return free_port(taken)
    if fixed in taken:
        raise Refused(f"{name}: port {fixed} is given to another process of the same file")
    if not is_free(fixed):
        raise Refused(f"{name}: port {fixed} is taken by another program; stop it, or leave out 'port' for a free one")
    return fixed
