"""What a comparison knows of ids that each side makes of its own. Pure: whoever compares brings the knowledge along."""

from typing import Protocol


class Known(Protocol):
    """The identity map, as a comparison asks it."""

    def new_of(self, name: str, old: str) -> str | None:
        """The new side's id for the old side's, of what ``name`` says; ``None`` where nobody has learnt it."""
        ...


class NothingKnown:
    """The identity map of whoever has none: no id is known."""

    def new_of(self, name: str, old: str) -> str | None:  # noqa: ARG002  it has the same form for all
        """Nothing."""
        return None


NOTHING_KNOWN = NothingKnown()
