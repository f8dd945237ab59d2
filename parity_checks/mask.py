"""What people see of personal values: their shape. Pure."""

from collections.abc import Sequence

from strangler.plan.rule_paths import Path, is_at


def mask(text: str) -> str:
    """Letters become ``x`` or ``X``, digits ``9``; punctuation and spaces stay, so that the shape can be read."""
    return "".join(map(_masked, text))


def _masked(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return character


def mask_at(text: str | None, general_path: str, show: Sequence[Path]) -> str | None:
    """The value as people may see it: masked, unless the plan shows values at this path (or it is the status)."""
    if text is None or general_path == "status" or any(is_at(path, general_path) for path in show):
        return text
    return mask(text)
