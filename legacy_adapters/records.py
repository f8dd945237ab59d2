"""Serves a database as HTTP: a statement, where its parameters come from, and the shape of the JSON answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from legacy_adapters.contract import Context, Handler

Row = Mapping[str, Any]
Shape = Callable[[Sequence[Row]], Any]
"""Rows in, the answer's JSON value out. ``None`` says that there is nothing: the answer is ``missing``."""


@dataclass(frozen=True, slots=True)
class FromPath:
    """The named group of ``RecordQuery.path``."""

    name: str


@dataclass(frozen=True, slots=True)
class FromQuery:
    """The named value of the query. Without a ``default`` the caller must send it."""

    name: str
    default: str | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class FromJson:
    """The member at a dotted path of the JSON body, such as ``address.postcode``."""

    path: str
    required: bool = True


Source = FromPath | FromQuery | FromJson


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """A read. ``statement`` has ``:name`` parameters, which are always bound, never pasted.

    ``path`` is a template such as ``/health/patients/{nhs}/care-plan``. ``more`` runs further statements with the same
    parameters, and ``shape`` then gets a mapping of all results: ``rows`` and each of their names.
    """

    statement: str
    path: str
    parameters: Mapping[str, Source]
    shape: Callable[[Mapping[str, Sequence[Row]]], Any]
    more: Mapping[str, str] = field(default_factory=dict)
    missing: Any = field(default_factory=lambda: {"error": "not-found"})

    def __call__(self, context: Context) -> Handler:
        """Make the handler (the kit's side of the contract)."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class RecordUpdate:
    """A write: ``statements`` run in order in one transaction; no row touched by the first is ``missing`` (404).

    ``then`` is read back in the same transaction and given to ``shape``, where the answer tells what was stored;
    without it the answer is 204.
    """

    statements: Sequence[str]
    path: str
    parameters: Mapping[str, Source]
    then: str | None = None
    shape: Callable[[Mapping[str, Sequence[Row]]], Any] | None = None
    missing: Any = field(default_factory=lambda: {"error": "not-found"})
    status: int = 200

    def __call__(self, context: Context) -> Handler:
        """Make the handler (the kit's side of the contract)."""
        raise NotImplementedError
