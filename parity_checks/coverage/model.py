"""A contract as a list of items that evidence can show. Pure data.

An item is a short stable text, the same wherever the contract is read:

=====================================  ===========================================================================
``status 404``                         an answer with a status that the contract names (HTTP)
``answer GetEntitlementResponse``      the answer's element (SOAP)
``fault PensionsFault``                a declared fault (SOAP)
``request //requestId present``        an optional field is there; ``absent``: its parent is, and it is not
``answer //nextReview nil``            a field that may be nil is nil (``null`` in JSON)
``answer //status = A``                one of the enumerated values; both values of a boolean
``answer //payment size many``         a list with none (``0``), one (``1``) or more elements, where it may have them
``request //name boundary maxLength``  a value, or a list, right at a bound that the contract names
``column plan.note null``              a nullable column behind the answer is null; ``filled``: it is not
=====================================  ===========================================================================

A required field gives no item of its own: wherever its parent is seen, so is it, and counting it would only make the
share look better. In HTTP contracts ``answer`` is followed by the status whose answer has the field.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from hashlib import blake2b
from itertools import islice
from typing import Final, Literal

MOST_ITEMS: Final = 2_000
"""Of one operation; a contract with more is followed no further, and says so."""

MOST_CHARACTERS: Final = 300
"""Of one item; a longer one is cut and ends in a digest of all of it."""


class NoContract(Exception):
    """What the old side's contract holds for an operation is not known; the message says why, in words for people.

    ``may_pass`` is true where it is worth trying again: something did not answer.
    """

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        self.may_pass = may_pass
        super().__init__(message)


class Presence(Enum):
    """Whether a field must be there."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    BRANCH = "branch"
    """One of several of which some are there: that it is missing says nothing."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound that the contract names: of a text's length, of a number, or of a list's size."""

    word: str
    """What the contract calls it, such as ``maxLength``."""
    of: Literal["length", "number", "size"]
    value: str
    """Exact; for numbers any spelling of it."""


@dataclass(frozen=True, slots=True)
class Facets:
    """What the contract says of a single value. ``kind`` is the XSD type's or JSON type's name, such as ``date``."""

    kind: str = "string"
    values: tuple[str, ...] = ()
    bounds: tuple[Bound, ...] = ()
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One place in a message: an element, an attribute (``@name``), a member, a parameter.

    ``label`` is its path in items. ``most`` above 1, or ``None`` for no bound, makes it a list: XML repeats the field
    itself, in JSON ``each`` is what an element is.
    """

    name: str
    label: str
    facets: Facets = Facets()
    presence: Presence = Presence.REQUIRED
    is_nullable: bool = False
    least: int = 1
    most: int | None = 1
    children: tuple["Field", ...] = ()
    each: "Field | None" = None
    namespace: str = ""

    @property
    def is_list(self) -> bool:
        """Whether it may have more than one element."""
        return self.most is None or self.most > 1

    @property
    def null(self) -> str:
        """What it is called in items that nothing is there."""
        return "null" if self.label.startswith("$") else "nil"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the database behind the old side. ``length`` is in characters; ``None`` where there is no bound."""

    table: str
    name: str
    is_nullable: bool
    length: int | None = None

    @property
    def label(self) -> str:
        """What it is called in items."""
        return f"{self.table}.{self.name}"


@dataclass(frozen=True, slots=True)
class Contract:
    """What the old side promises of one operation.

    ``answers`` and ``faults`` are by element (SOAP) or by status (``200``, ``4XX``, ``default``). ``parameters`` are
    labelled ``query.name``, ``headers.name`` or ``path.name``; ``path`` has one named group for each of the last.
    """

    source: str
    speaks: Literal["soap", "http", "columns"]
    request: Field | None = None
    parameters: tuple[Field, ...] = ()
    path: "re.Pattern[str] | None" = None
    answers: Mapping[str, Field | None] = field(default_factory=dict)
    faults: Mapping[str, Field | None] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    items: frozenset[str] = frozenset()
    left_out: int = 0
    """How many items beyond the bound are not followed."""


def finished(contract: Contract) -> Contract:
    """The contract with its items."""
    every = dict.fromkeys(_items(contract))
    kept = frozenset(islice(every, MOST_ITEMS))
    return replace(contract, items=kept, left_out=len(every) - len(kept))


def item(prefix: str, label: str, what: str) -> str:
    """One item's text: printable, on one line, and bounded."""
    text = f"{prefix} {label} {what}" if label else f"{prefix} {what}"
    if not text.isprintable():
        text = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[: MOST_CHARACTERS - 20]}… {blake2b(text.encode(), digest_size=8).hexdigest()}"


def answer_prefix(contract: Contract, name: str) -> str:
    """What items about the fields of this answer begin with."""
    return "answer" if contract.speaks == "soap" else f"answer {name}"


def fields_of(root: Field) -> Iterator[Field]:
    """The field and all below it, parents first."""
    yield root
    for child in root.children:
        yield from fields_of(child)
    if root.each is not None:
        yield from fields_of(root.each)


def _items(contract: Contract) -> Iterator[str]:
    for name in contract.answers:
        yield item("answer" if contract.speaks == "soap" else "status", "", name)
    for name in contract.faults:
        yield item("fault", "", name)
    for parameter in contract.parameters:
        yield from _of_field("request", parameter)
    if contract.request is not None:
        yield from _of_tree("request", contract.request)
    for name, root in contract.answers.items():
        if root is not None:
            yield from _of_tree(answer_prefix(contract, name), root)
    for name, root in contract.faults.items():
        if root is not None:
            yield from _of_tree(f"fault {name}", root)
    for column in contract.columns:
        yield from _of_column(column)


def _of_tree(prefix: str, root: Field) -> Iterator[str]:
    for found in fields_of(root):
        yield from _of_field(prefix, found)


def _of_field(prefix: str, found: Field) -> Iterator[str]:
    if found.is_list:
        for size in sizes(found):
            yield item(prefix, found.label, f"size {size}")
    if found.presence is not Presence.REQUIRED and (found.each is not None or not found.is_list):
        yield item(prefix, found.label, "present")
        if found.presence is Presence.OPTIONAL:
            yield item(prefix, found.label, "absent")
    if found.is_nullable:
        yield item(prefix, found.label, found.null)
    for value in found.facets.values:
        yield item(prefix, found.label, f"= {value}")
    for bound in found.facets.bounds:
        yield item(prefix, found.label, f"boundary {bound.word}")


def sizes(found: Field) -> tuple[str, ...]:
    """The sizes that this list may have, of 0, 1 and many."""
    may_be = {"0": found.least == 0, "1": found.least <= 1, "many": found.most is None or found.most > 1}
    return tuple(size for size, is_allowed in may_be.items() if is_allowed)


def _of_column(column: Column) -> Iterator[str]:
    if column.is_nullable:
        yield item("column", column.label, "null")
        yield item("column", column.label, "filled")
    if column.length is not None and column.length > 1:
        yield item("column", column.label, "boundary length")


def folded(name: str) -> str:
    """A column's or member's name by which the two are tied: without case, ``_``, ``-`` and spaces."""
    return re.sub(r"[\s_-]", "", name).casefold()
