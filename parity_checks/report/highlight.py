"""Which characters of two values differ, told on the clear values and shown on the masked ones. Pure."""

Piece = tuple[str, bool]
"""Some characters, and whether they differ."""


def pieces(old: str, new: str, shown_old: str, shown_new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Each shown value cut where it begins and ends to differ from the other.

    Masking keeps every character's place, so the cuts of the clear values hold for the masked ones.
    """
    shortest = min(len(old), len(new))
    head = 0
    while head < shortest and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return _cut(shown_old, head, len(old) - tail), _cut(shown_new, head, len(new) - tail)


def _cut(text: str, start: int, end: int) -> tuple[Piece, ...]:
    parts = ((text[:start], False), (text[start:end], True), (text[end:], False))
    return tuple(part for part in parts if part[0])
