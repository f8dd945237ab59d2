"""What of JSON is refused before it is parsed, because it would take more room or time than anybody means. Pure."""

import re
from typing import Final

from parity_checks.canonical.decoding import MAX_VALUES, Unreadable, bounded
from strangler.exchange import Reason

LONGEST_NUMBER: Final = 4_300
"""Most digits of one number: as many as Python reads into an integer by default, for the time that takes."""

_STRINGS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_DIGITS: Final = bytes.maketrans(bytes(range(256)), bytes(48 if chr(b) in "0123456789." else 32 for b in range(256)))
_TOO_LONG: Final = b"0" * (LONGEST_NUMBER + 1)


def check_bounds(text: str) -> None:
    """Count values, and look for endless numbers, outside of strings.

    Raises:
        Unreadable: too many values, or a number with too many digits.
    """
    if len(text) <= LONGEST_NUMBER:
        return
    is_suspect = text.count(",") > MAX_VALUES or _has_long_number(text)
    if is_suspect:
        bare = _STRINGS.sub('""', text)
        bounded(bare.count(","), "values")
        if _has_long_number(bare):
            raise Unreadable(Reason.UNPARSABLE, f"a number of more than {LONGEST_NUMBER} digits")


def _has_long_number(text: str) -> bool:
    return _TOO_LONG in text.encode("utf-8", "replace").translate(_DIGITS)
