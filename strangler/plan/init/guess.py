"""What a name lets one guess: is it a read, is it an identifier, how is it called here. Pure."""

import re
from collections.abc import Iterable

from strangler.stages import Effect

_READS = frozenset(
    ("get", "find", "list", "search", "query", "read", "fetch", "retrieve", "lookup", "view", "describe", "count")
)
_PERSONS = frozenset(
    ("citizen", "person", "customer", "patient", "member", "client", "account", "user", "nhs", "claimant", "taxpayer")
)
_KNOWN = frozenset(("nino", "ssn", "uprn", "nhsnumber", "nationalinsurancenumber", "isbn"))
_NOT_WHOSE = frozenset(
    ("request", "correlation", "message", "trace", "transaction", "session", "conversation", "page", "version", "house")
)
_ENDINGS = ("id", "number", "no", "nr", "identifier", "ref", "reference", "key")


def words(name: str) -> list[str]:
    """The name's words in lower case: ``GetNHSNumber`` is get, nhs, number."""
    parted = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3 \2\4", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", parted) if word]


def kebab(name: str, fallback: str = "operation") -> str:
    """The name as the plan writes names: ``GetEntitlement`` is ``get-entitlement``."""
    text = "-".join(words(name))
    return text if text[:1].isalpha() else f"{fallback}-{text}".rstrip("-")


def effect_of(name: str) -> Effect:
    """A read where the name begins with a verb that only looks; a write otherwise, which is the safe side."""
    return Effect.READ if words(name)[:1] and words(name)[0] in _READS else Effect.WRITE


def likely_key(names: Iterable[str]) -> str | None:
    """The name that most looks like the identifier of a person or a thing; ``None`` where none does."""
    ranked = sorted((rank, order, name) for order, name in enumerate(names) if (rank := _rank(name)) is not None)
    return ranked[0][2] if ranked else None


def _rank(name: str) -> int | None:
    found = words(name)
    if not found or found[0] in _NOT_WHOSE:
        return None
    if "".join(found) in _KNOWN or any(word in _KNOWN for word in found):
        return 0
    if found[-1] not in _ENDINGS:
        return None
    return 1 if found[0] in _PERSONS else 2 + _ENDINGS.index(found[-1])
