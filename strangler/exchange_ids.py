"""Ids of exchanges: UUIDs of version 7 (RFC 9562, 5.7), which begin with the time.

Ids in the order of time go to the end of the journal's index of ids. Random ones fall all over it, so that every batch
rewrites most of its pages.
"""

from collections.abc import Callable
from secrets import randbits

_RANDOM_BITS = 74
"""What a version 7 UUID holds beside its milliseconds, version and variant."""
_STEP_BITS = 32
_LOW_BITS = 62
_LARGEST_MS = (1 << 48) - 1


class ExchangeIds:
    """Makes ids, each greater than the one before, as text too. For one thread: an engine's event loop has its own.

    Where the clock stands still or goes back, the last id is counted on by a random step (RFC 9562, 6.2, method 2).
    What is too much for the random part carries over into the time.

    Args:
        draw: so many random bits, as a number.
    """

    def __init__(self, draw: Callable[[int], int] = randbits) -> None:
        self._draw = draw
        self._last = -1

    def made(self, at: float) -> str:
        """The next id, of 36 characters.

        Args:
            at: when the exchange began, in seconds since the epoch.
        """
        millis = min(max(int(at * 1000), 0), _LARGEST_MS)
        value = (millis << _RANDOM_BITS) | self._draw(_RANDOM_BITS - 1)  # the highest bit is left, to count on into
        if value <= self._last:
            value = self._last + 1 + self._draw(_STEP_BITS)
        self._last = value
        return _text(value)


def _text(value: int) -> str:
    """Time and random bits as a UUID, with version 7 and variant 10 between them."""
    low = value & ((1 << _LOW_BITS) - 1)
    middle = (value >> _LOW_BITS) & 0xFFF
    millis = value >> _RANDOM_BITS
    digits = f"{millis:012x}7{middle:03x}{0x8000_0000_0000_0000 | low:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
