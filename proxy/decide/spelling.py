"""One spelling for paths that mean the same, for matching only: what is forwarded stays as the caller wrote it.

A letter that needs no percent-encoding means the same with it (RFC 3986, 6.2.2.2), and the case of an escape's digits
means nothing (6.2.2.1). Empty segments are merged, because old systems commonly serve ``//orders`` as ``/orders``: a
write must not reach one side alone for being spelled otherwise. Dot segments are none of this: engines refuse them.
"""

import re

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_SLASHES = re.compile(r"//+")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def normal_path(path: str) -> str:
    """The path with needless escapes decoded and repeated slashes merged. Doing it again changes nothing."""
    if "%" in path:
        path = _ESCAPE.sub(_decoded, path)
    return _SLASHES.sub("/", path) if "//" in path else path


def _decoded(escape: re.Match[str]) -> str:
    letter = chr(int(escape[1], 16))
    return letter if letter in _UNRESERVED else f"%{escape[1].upper()}"
