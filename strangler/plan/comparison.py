"""How two answers are compared: the part of the plan that testers write. Pydantic models; defaults live here."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from strangler.plan.basis import Model, Name, OperationName, Ratio, Reference, Why


class RuleBase(Model):
    """What every comparison rule says: where it holds, and why."""

    path: str = Field(description="JSONPath or XPath of what this rule is about.")
    why: Why
    at_most: Ratio | None = Field(
        None, description="Share of compared exchanges in which it may hide something; above it the parity gate holds."
    )


class IgnoreRule(RuleBase):
    """The value may differ or be absent. The bluntest rule: prefer ``opaque``."""

    as_: Literal["ignore"] = Field(alias="as")
    """Which rule this is."""
    hides: Literal["value", "structure"] = "value"
    """``value``: a single value, or its absence; ``structure``: lists, objects and elements with all they hold."""


class OpaqueRule(RuleBase):
    """Both sides must have one, of this form; the value is each side's own (ids, timestamps made by a server)."""

    as_: Literal["opaque"] = Field(alias="as")
    """Which rule this is."""
    like: str = Field(".+", description="Regular expression that both values must match whole.")


class DatetimeRule(RuleBase):
    """Equal as points in time."""

    as_: Literal["datetime"] = Field(alias="as")
    """Which rule this is."""
    within_s: float = Field(0.0, ge=0)
    """How far apart the two may be, in seconds."""
    zone: str = Field("UTC", description="Time zone of values that name none.")
    old_zone: str | None = Field(None, description="The old side's zone, where the two sides differ; else ``zone``.")
    new_zone: str | None = Field(None, description="The new side's zone, where the two sides differ; else ``zone``.")
    formats: tuple[str, ...] = Field((), description="strptime formats beside ISO 8601.")
    year_from: int = Field(
        1969,
        ge=1800,
        le=2100,
        description="A two-digit year is the first such from this one on: with 1920, 31 is 1931.",
    )


class NumberRule(RuleBase):
    """Equal as exact numbers: 1.10 is 1.1."""

    as_: Literal["number"] = Field(alias="as")
    """Which rule this is."""
    within: Decimal = Field(Decimal(0), ge=0)
    """How far apart the two may be."""


class MoneyRule(RuleBase):
    """Equal as amounts of money, whatever the unit each side uses."""

    as_: Literal["money"] = Field(alias="as")
    """Which rule this is."""
    old: Literal["pounds", "pence"] = "pounds"
    """The unit in which the old side writes amounts."""
    new: Literal["pounds", "pence"] = "pounds"
    """The unit in which the new side writes amounts."""


class TextRule(RuleBase):
    """Equal as text after folding; a number is the text it is written as, so that 1.10 is not 1.1."""

    as_: Literal["text"] = Field(alias="as")
    """Which rule this is."""
    fold: Literal["case"] | None = None
    """What does not count: the case of letters."""
    trim: bool = False
    """Whether white space around the text does not count."""
    spaces: Literal["keep", "collapse", "drop"] = "keep"
    """How white space inside the text counts."""
    form: Literal["NFC", "NFKC"] | None = None
    """The Unicode form both are brought into first."""


class SetRule(RuleBase):
    """The list at this path has no order."""

    as_: Literal["set"] = Field(alias="as")
    """Which rule this is."""
    by: str | None = Field(None, description="Member that identifies an element; without it elements match by content.")


class CodeRule(RuleBase):
    """Old codes and new codes that mean the same."""

    as_: Literal["code"] = Field(alias="as")
    """Which rule this is."""
    table: dict[str, str] = Field(description="Old code to new code.")


class AbsenceRule(RuleBase):
    """Which of null, absent and empty mean the same here."""

    as_: Literal["absence"] = Field(alias="as")
    """Which rule this is."""
    equal: tuple[Literal["null", "absent", "empty"], ...] = Field(min_length=2)
    """The ones that mean the same."""


class RenameRule(RuleBase):
    """The new side calls this member or element by another name; ``path`` is the old side's."""

    as_: Literal["rename"] = Field(alias="as")
    """Which rule this is."""
    to: str = Field(min_length=1, description="The new side's name of it, in the same place.")


class PresentIfRule(RuleBase):
    """Must be on both sides only where a member beside it says so; elsewhere one side may lack it."""

    as_: Literal["present-if"] = Field(alias="as")
    """Which rule this is."""
    member: str = Field(min_length=1, description="The member, element or @attribute beside it that decides.")
    is_: tuple[str, ...] = Field(
        alias="is", min_length=1, description="The old side's values with which it must be there."
    )


class IdRule(RuleBase):
    """Each side's own id of the same thing: equal where the identity map says so."""

    as_: Literal["id"] = Field(alias="as")
    """Which rule this is."""
    of: Name = Field(description="What it identifies: a name under some operation's ``ids.learn``.")


class CustomRule(RuleBase):
    """Equal where a function of yours says so: ``function(old, new)``, each text or None where a side has nothing."""

    as_: Literal["custom"] = Field(alias="as")
    """Which rule this is."""
    function: Reference
    """The function; it must be quick, and do nothing but look at what it is given."""
    code: str = Field(
        pattern="^[0-9a-f]{16}$",
        description="Digest of the function's module, as strangler plan check tells it: other code is other evidence.",
    )
    within_ms: int = Field(50, ge=1, le=1000, description="Longest it may take; an answer that takes longer is none.")


Rule = Annotated[
    IgnoreRule
    | OpaqueRule
    | DatetimeRule
    | NumberRule
    | MoneyRule
    | TextRule
    | SetRule
    | CodeRule
    | AbsenceRule
    | RenameRule
    | PresentIfRule
    | IdRule
    | CustomRule,
    Field(discriminator="as_"),
]


class Settle(Model):
    """How a mismatch on a read is asked again on both sides, so that a race is told from a defect."""

    attempts: int = Field(2, ge=0, le=5)
    """How often both sides are asked again."""
    after_s: float = Field(0.25, ge=0, le=10, description="Wait before each attempt, in seconds.")


class Noise(Model):
    """How the old side is asked twice, so that what differs between old and old is told from what new does wrong."""

    sample: Ratio = Field(0.02, description="Share of reads for which old is asked again beside new.")


COMPARED_HEADERS = (
    "content-type",
    "content-disposition",
    "content-language",
    "location",
    "link",
    "allow",
    "retry-after",
    "www-authenticate",
    "set-cookie",
    "cache-control",
    "etag",
    "last-modified",
    "access-control-allow-origin",
)
"""Headers that callers act on: how to read the body, where to go next, what they may do, when to come back, what to
keep.

Left out is what each server makes for itself (date, server, via, x-...), what belongs to one connection, and what says
how the body travelled (content-length, content-encoding, transfer-encoding): the body itself is compared. Of some, only
a part counts: of a cookie its name and attributes, of ``location`` and ``link`` what comes after the host, of ``etag``
and ``last-modified`` that they are there, of ``retry-after`` seconds but no date.
"""


class Compare(Model):
    """How two answers are compared, as the caller would have seen them."""

    rules: tuple[Rule, ...] = ()
    """Where the two answers may differ, and why."""
    headers: tuple[str, ...] = Field(
        COMPARED_HEADERS,
        description="Response headers that are compared; a list given here replaces the default one.",
    )
    show: tuple[str, ...] = Field((), description="Paths whose values are not personal and may be shown unmasked.")
    same_input_ignoring: tuple[str, ...] = Field(
        (), description="Paths in the request that do not make it a different input (request ids, timestamps)."
    )
    settle: Settle = Settle()
    """How a mismatch on a read is asked again."""
    noise: Noise = Noise()
    """How often old is compared with itself."""
    minor: tuple[str, ...] = Field(
        (), description="Paths at which a difference is minor: a parity gate of severity major lets it pass."
    )


class LearnId(Model):
    """An id that each side makes of its own when this operation creates something."""

    name: Name
    """What it identifies; other operations use it by this name."""
    old: str = Field(description="JSONPath or XPath of the id in the old side's answer.")
    new: str | None = Field(None, description="The same in the new side's answer; like ``old`` where not given.")


class Place(Model):
    """Where an id is in a request: exactly one place."""

    xpath: str | None = Field(None, description="XPath in the body; unprefixed names match by local name.")
    json_: str | None = Field(None, alias="json", description="JSONPath in the body.")
    form: str | None = Field(None, description="Field of a form-encoded body.")
    header: str | None = None
    """The request header."""
    query: str | None = None
    """The query parameter."""
    path: str | None = Field(None, description="Regular expression on the path; its first group is the id.")

    @model_validator(mode="after")
    def _one_place(self) -> "Place":
        places = (self.xpath, self.json_, self.form, self.header, self.query, self.path)
        if sum(place is not None for place in places) != 1:
            raise ValueError("say exactly one of xpath, json, form, header, query, path")
        return self


class UseId(Model):
    """An id in this operation's requests, which the other side knows by another id."""

    name: Name
    """What it identifies."""
    at: Place
    """Where it is."""


class Ids(Model):
    """Ids that the two sides make each of their own: learnt where created, rewritten where used."""

    learn: tuple[LearnId, ...] = ()
    """Ids that this operation creates."""
    use: tuple[UseId, ...] = ()
    """Ids in this operation's requests."""


class EffectRequest(Model):
    """The request by which a write's effect is read.

    ``{key}`` stands for the write's key, ``{answer:PATH}`` for a value of the answer to it, on each side its own.
    """

    method: Literal["GET", "POST"] = "GET"
    """The HTTP method."""
    target: str = Field(description="Path and query.")
    headers: dict[str, str] = Field(default_factory=dict)
    """Header fields."""
    body: str = ""
    """The body."""


class RowsQuery(Model):
    """A query that reads the rows a write should have left, on each side. ``:key`` is the write's key."""

    old: str
    """SQL for the old side's database."""
    new: str
    """SQL for the new side's database."""
    old_system: Name = Field(description="A system that speaks odbc, or has ``rows_connection``.")
    new_system: Name = Field(description="A system that speaks odbc, or has ``rows_connection``.")


class Consequence(Model):
    """What is compared on both sides once a write has been made there."""

    name: Name
    """What it is called in findings."""
    read: OperationName | None = Field(None, description="A read of this plan, asked on both sides by its rules.")
    request: EffectRequest | None = Field(None, description="How it is asked (with ``read``).")
    rows: RowsQuery | None = Field(None, description="Rows that are compared instead.")
    only: tuple[str, ...] = Field(
        (), description="Paths that the write changes; without any, all of the answer or rows is compared."
    )
    after_s: float = Field(0.0, ge=0, le=10, description="Wait after the write, in seconds; it settles as a read does.")

    @model_validator(mode="after")
    def _one_way(self) -> "Consequence":
        if (self.read is None) == (self.rows is None) or (self.read is None) != (self.request is None):
            raise ValueError("say either read with request, or rows")
        return self
