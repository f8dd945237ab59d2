"""What a route is called: how Envoy tells us afterwards which side answered. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from strangler.stages import Side

ROUTE_HEADER = "x-strangler-route"
EXCHANGE_HEADER = "x-strangler-exchange"
PATH_HEADER = "x-strangler-path"
"""The path without its query, for matching."""
KEY_HEADER = "x-strangler-key-"
"""Followed by a number: the key as one place of the plan has it."""


class Way(StrEnum):
    """How a route came to be taken."""

    ASKED = "asked"
    """``decide`` was asked, and said so."""
    NATIVE = "native"
    """Envoy decided by itself."""
    OPEN = "open"
    """``decide`` was to be asked and did not say, or could not: the old system answers."""
    SERVED = "served"
    """No operation; a system serves the path."""
    NOBODY = "nobody"
    """No operation, and no system serves the path."""


@dataclass(frozen=True, slots=True)
class RouteName:
    """One route. ``name`` is the operation's, or the system's where it is ``SERVED``."""

    way: Way
    generation: int
    name: str = ""
    side: Side = Side.OLD

    def __str__(self) -> str:
        return f"{self.way}|{self.generation}|{self.side}|{self.name}"

    @classmethod
    def read(cls, text: str) -> "RouteName | None":
        """The name in Envoy's words; ``None`` where the text is no name of ours."""
        parts = text.split("|")
        try:
            way, generation, side, name = parts
            return cls(Way(way), int(generation), name, Side(side))
        except ValueError:
            return None


def answer_value(name: str, side: Side) -> str:
    """What ``x-strangler-route`` says of an operation that was asked for."""
    return f"{side}|{name}"


def served_value(system: str) -> str:
    """What ``x-strangler-route`` says where a system serves the path without an operation."""
    return f"served|{system}"
