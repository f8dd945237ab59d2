"""Values that a contract's field may have, drawn by hypothesis from what the contract says of it.

Randomness comes as an argument, and what is drawn is the smallest value that will do. hypothesis is imported when the
first value is drawn: nothing else here needs it, and it takes a while.
"""

import re
import string
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, Final

from parity_checks.coverage.model import Bound, Facets

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

MOST_LENGTH: Final = 10_000
"""Of a text that is made; a bound beyond it is not tried."""

_INTEGERS: Final = frozenset(
    {"integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger"}
    | {"negativeInteger", "unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte"}
)
_NUMBERS: Final = frozenset({"decimal", "number", "float", "double"})
_SIGNS: Final[dict[str, tuple[int | None, int | None]]] = {
    "positiveInteger": (1, None),
    "negativeInteger": (None, -1),
    "nonPositiveInteger": (None, 0),
    "nonNegativeInteger": (0, None),
    "unsignedInt": (0, None),
    "unsignedLong": (0, None),
    "unsignedShort": (0, 65_535),
    "unsignedByte": (0, 255),
    "byte": (-128, 127),
    "short": (-32_768, 32_767),
}
_LETTERS: Final = string.ascii_letters + string.digits


class NoValue(Exception):
    """No value of this form could be found; the message says of which."""


def text_for(facets: Facets, random: Random, at: Bound | None = None) -> str:
    """A text that the contract allows.

    Args:
        facets: what the contract says of it.
        random: where randomness comes from.
        at: the bound that the value must stand at.

    Raises:
        NoValue: nothing fits, or nothing was found.
    """
    if at is not None and at.of == "number":
        return at.value
    if at is None and facets.values:
        return facets.values[0]
    length = int(at.value) if at is not None else None
    if length is not None and length > MOST_LENGTH:
        raise NoValue(f"a text of {length} characters")
    return str(_smallest(lambda: _strategy(facets, length), length, random))


def _smallest(make: "Callable[[], SearchStrategy[Any]]", length: int | None, random: Random) -> Any:
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis.errors import HypothesisException, NoSuchExample

    how = settings(
        database=None,
        max_examples=200,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        return find(make(), lambda made: length is None or len(made) == length, settings=how, random=random)
    except (NoSuchExample, HypothesisException, re.error, ValueError) as error:
        raise NoValue(f"a value of this form: {str(error)[:120]}") from error


def _strategy(facets: Facets, length: int | None) -> "SearchStrategy[Any]":  # noqa: PLR0911  one line per form
    from hypothesis import strategies as st

    kind = facets.kind
    if facets.pattern:
        return st.from_regex(_as_python(facets.pattern), fullmatch=True, alphabet=st.characters(codec="ascii"))
    if kind in _INTEGERS:
        least, most = _range(facets)
        low, high = _SIGNS.get(kind, (None, None))
        whole = st.integers(_closest(least, low, max), _closest(most, high, min))
        return whole.map(str)
    if kind in _NUMBERS:
        least, most = _range(facets)
        return st.decimals(least, most, allow_nan=False, allow_infinity=False, places=2).map(lambda made: f"{made:f}")
    match kind:
        case "boolean":
            return st.sampled_from(["true", "false"])
        case "date":
            return st.dates().map(lambda made: made.isoformat())
        case "dateTime" | "date-time":
            return st.datetimes().map(lambda made: made.replace(microsecond=0).isoformat() + "Z")
        case "time":
            return st.times().map(lambda made: made.replace(microsecond=0).isoformat())
        case "uuid":
            return st.uuids().map(str)
    shortest, longest = _lengths(facets)
    if length is not None:
        return st.text(_LETTERS, min_size=length, max_size=length)
    return st.text(_LETTERS, min_size=max(1, shortest) if longest != 0 else 0, max_size=longest)


def _range(facets: Facets) -> tuple[Decimal | None, Decimal | None]:
    least = most = None
    for bound in facets.bounds:
        if bound.of == "number" and bound.word.startswith(("min", "exclusiveMin")):
            least = Decimal(bound.value)
        elif bound.of == "number":
            most = Decimal(bound.value)
    return least, most


def _closest(said: Decimal | None, own: int | None, choose: Callable[[int, int], int]) -> int | None:
    if said is None or own is None:
        return own if said is None else int(said)
    return choose(int(said), own)


def _lengths(facets: Facets) -> tuple[int, int | None]:
    said = {bound.word: min(int(bound.value), MOST_LENGTH) for bound in facets.bounds if bound.of == "length"}
    return said.get("minLength", 0), said.get("maxLength")


def _as_python(pattern: str) -> str:
    """A pattern of XML Schema or JSON Schema for Python's engine: JSON's may be anchored, XML's always are."""
    return pattern.removeprefix("^").removesuffix("$")
