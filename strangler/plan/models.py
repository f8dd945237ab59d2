"""The plan's form: ``migration.yaml`` as pydantic models. Defaults live here and nowhere else.

Every field's description is what an editor shows (through the JSON Schema) and what the reference page prints.
Cross-field rules, the ones that need the whole plan, are in ``strangler.plan.lint``.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from strangler.stages import Effect, Stage

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
OperationName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$")]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", description="module:attribute")]
Ratio = Annotated[float, Field(ge=0, le=1)]
Why = Annotated[str, Field(min_length=3, description="The reason, for the people who review this line later.")]


class Model(BaseModel):
    """Unknown fields refuse to load; a loaded plan never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class System(Model):
    """One system that answers: an old one, or a new shared service."""

    department: str = Field(description="Who owns it.")
    speaks: Literal["soap", "odbc", "http"] = Field(description="The protocol it is reached by.")
    wsdl: str | None = Field(None, description="Where its WSDL is (soap).")
    connection: str | None = Field(None, description="ODBC connection string (odbc); keep it in ${ENV}.")
    dialect: Literal["sqlite", "postgresql", "mariadb", "mssql"] | None = Field(
        None, description="The database behind the ODBC driver (odbc)."
    )
    url: str | None = Field(None, description="Base URL (http; for soap where it differs from the WSDL's host).")
    timeout_s: float = Field(10.0, gt=0, le=300, description="Longest wait for an answer, in seconds.")
    concurrency: int = Field(16, ge=1, le=1024, description="Most requests of ours under way at once.")
    build_header: str | None = Field(None, description="The response header that names the running build.")
    build: str | None = Field(None, description="The build, where no header tells it.")
    health: str = Field("/health", description="Path that answers 200 when it is up, with the build header (http).")
    serves: tuple[str, ...] = Field(
        (), description="Path prefixes whose requests go here when no operation matches; counted, never compared."
    )


class Target(Model):
    """Who answers one side of an operation, and what stands between: an adapter (old) or a facade (new)."""

    system: Name
    adapter: Reference | None = Field(None, description="Reaches a system that callers cannot: a database, a session.")
    facade: Reference | None = Field(None, description="Lets a new service answer in the caller's old protocol.")


class PathMatch(Model):
    """A path condition, as in the Kubernetes Gateway API."""

    type: Literal["Exact", "PathPrefix", "RegularExpression"] = "Exact"
    value: str


class ValueMatch(Model):
    """A header or query condition, as in the Kubernetes Gateway API."""

    name: str
    type: Literal["Exact", "RegularExpression"] = "Exact"
    value: str


class BodyMatch(Model):
    """A condition on the body: the value at a path."""

    path: str = Field(description="XPath (xpath) or JSONPath (json).")
    value: str


class Match(Model):
    """Which requests are this operation. All conditions must hold."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] | None = None
    path: PathMatch
    headers: tuple[ValueMatch, ...] = ()
    query: tuple[ValueMatch, ...] = ()
    soap_action: str | None = Field(None, description="The SOAPAction header, with or without quotes.")
    xpath: BodyMatch | None = None
    json_: BodyMatch | None = Field(None, alias="json")


class Key(Model):
    """Where the key is: exactly one place."""

    xpath: str | None = Field(None, description="XPath in the body; unprefixed names match by local name.")
    json_: str | None = Field(None, alias="json", description="JSONPath in the body.")
    form: str | None = Field(None, description="Field of a form-encoded body.")
    header: str | None = None
    query: str | None = None
    path: str | None = Field(None, description="Regular expression on the path; its first group is the key.")
    case: Literal["keep", "upper", "lower"] = Field("keep", description="How the key's letters are folded.")
    drop_spaces: bool = Field(False, description="Whether white space inside the key is removed.")

    @model_validator(mode="after")
    def _one_place(self) -> "Key":
        places = (self.xpath, self.json_, self.form, self.header, self.query, self.path)
        if sum(place is not None for place in places) != 1:
            raise ValueError("say exactly one of xpath, json, form, header, query, path")
        return self


class Writes(Model):
    """How a write may reach the other side."""

    policy: Literal["dual", "sandbox", "never"] = Field(
        description="dual: idempotent by key; sandbox: to a copy; never: not at all, so parity is not compared."
    )
    idempotency_header: str | None = Field(None, description="The header that carries the idempotency key (dual).")
    sandbox: Name | None = Field(None, description="The system that stands in (sandbox).")


class RuleBase(Model):
    """What every comparison rule says: where it holds, and why."""

    path: str = Field(description="JSONPath or XPath of what this rule is about.")
    why: Why


class IgnoreRule(RuleBase):
    """The value may differ or be absent. The bluntest rule: prefer ``opaque``."""

    as_: Literal["ignore"] = Field(alias="as")


class OpaqueRule(RuleBase):
    """Both sides must have one, of this form; the value is each side's own (ids, timestamps made by a server)."""

    as_: Literal["opaque"] = Field(alias="as")
    like: str = Field(".+", description="Regular expression that both values must match whole.")


class DatetimeRule(RuleBase):
    """Equal as points in time."""

    as_: Literal["datetime"] = Field(alias="as")
    within_s: float = Field(0.0, ge=0)
    zone: str = Field("UTC", description="Time zone of values that name none.")
    formats: tuple[str, ...] = Field((), description="strptime formats beside ISO 8601.")


class NumberRule(RuleBase):
    """Equal as exact numbers: 1.10 is 1.1."""

    as_: Literal["number"] = Field(alias="as")
    within: Decimal = Field(Decimal(0), ge=0)


class MoneyRule(RuleBase):
    """Equal as amounts of money, whatever the unit each side uses."""

    as_: Literal["money"] = Field(alias="as")
    old: Literal["pounds", "pence"] = "pounds"
    new: Literal["pounds", "pence"] = "pounds"


class TextRule(RuleBase):
    """Equal as text after folding."""

    as_: Literal["text"] = Field(alias="as")
    fold: Literal["case"] | None = None
    trim: bool = False
    spaces: Literal["keep", "collapse", "drop"] = "keep"
    form: Literal["NFC", "NFKC"] | None = None


class SetRule(RuleBase):
    """The list at this path has no order."""

    as_: Literal["set"] = Field(alias="as")
    by: str | None = Field(None, description="Member that identifies an element; without it elements match by content.")


class CodeRule(RuleBase):
    """Old codes and new codes that mean the same."""

    as_: Literal["code"] = Field(alias="as")
    table: dict[str, str] = Field(description="Old code to new code.")


class AbsenceRule(RuleBase):
    """Which of null, absent and empty mean the same here."""

    as_: Literal["absence"] = Field(alias="as")
    equal: tuple[Literal["null", "absent", "empty"], ...] = Field(min_length=2)


Rule = Annotated[
    IgnoreRule | OpaqueRule | DatetimeRule | NumberRule | MoneyRule | TextRule | SetRule | CodeRule | AbsenceRule,
    Field(discriminator="as_"),
]


class Settle(Model):
    """How a mismatch on a read is asked again on both sides, so that a race is told from a defect."""

    attempts: int = Field(2, ge=0, le=5)
    after_s: float = Field(0.25, ge=0, le=10, description="Wait before each attempt, in seconds.")


class Compare(Model):
    """How two answers are compared, as the caller would have seen them."""

    rules: tuple[Rule, ...] = ()
    headers: tuple[str, ...] = Field(("content-type",), description="Response headers that are compared.")
    show: tuple[str, ...] = Field((), description="Paths whose values are not personal and may be shown unmasked.")
    same_input_ignoring: tuple[str, ...] = Field(
        (), description="Paths in the request that do not make it a different input (request ids, timestamps)."
    )
    settle: Settle = Settle()


class ParityGate(Model):
    """The anytime-valid bound on the mismatch rate, over distinct inputs."""

    max_mismatch: float = Field(0.001, gt=0, lt=1)
    confidence: float = Field(0.95, gt=0.5, lt=1)
    severity: Literal["any"] = "any"
    max_not_compared: Ratio = Field(
        0.0, description="Share of inputs that may go uncompared; above it each counts as a mismatch."
    )


class LoadGate(Model):
    """A load run within this budget, on the builds that are running now."""

    budget: Name
    max_age_h: float = Field(168.0, gt=0)


class Gates(Model):
    """What must be shown before callers hear the new side."""

    parity: ParityGate = ParityGate()
    load: LoadGate | None = None
    soak_h: float = Field(24.0, ge=0, description="Hours from the first comparison under the present evidence.")
    approvals: int = Field(1, ge=0, le=10, description="How many approvers, none of them the requester.")


class RollbackWhen(Model):
    """Any one of these, within the window, takes the operation back."""

    mismatch_over: Ratio | None = None
    errors_over: Ratio | None = None
    p99_ratio_over: float | None = Field(None, gt=0, description="p99 of new against old, where both are observed.")


class Rollback(Model):
    """When the operation is taken back without asking anybody."""

    when: RollbackWhen
    window_s: float = Field(300.0, gt=0)
    min_requests: int = Field(20, ge=1, description="Fewest requests in the window before a ratio counts.")
    failed_at_most: int = Field(
        50, ge=1, description="Failed answers of the new side after which the engine itself goes back to old at once."
    )
    to: Stage = Stage.SHADOW


class Operation(Model):
    """The unit of migration: one thing a caller can ask."""

    description: str = ""
    effect: Effect
    match: Match
    old: Target
    new: Target
    key: Key | None = None
    seed: int | None = Field(None, ge=0, lt=2**64, description="Seed of the bucket; from the name where not given.")
    writes: Writes | None = Field(None, description="Required where effect is write.")
    compare: Compare = Compare()
    gates: Gates = Gates()
    rollback: Rollback | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_targets(cls, data: object) -> object:
        """``old: pensions`` is short for ``old: {system: pensions}``."""
        if isinstance(data, dict):
            data = dict(data)
            for side in ("old", "new"):
                if isinstance(data.get(side), str):
                    data[side] = {"system": data[side]}
        return data


class Budget(Model):
    """What a load run must stay within."""

    rate_per_s: float = Field(gt=0, description="Arrivals per second, for each side.")
    duration_s: float = Field(30.0, gt=0)
    p99_ms: float | None = Field(None, gt=0)
    p99_ratio: float | None = Field(None, gt=0, description="p99 of new against old in the same run.")
    error_ratio: Ratio = 0.001
    min_requests: int = Field(50, ge=1, description="Fewest answers of each side; fewer is no data.")


class Person(Model):
    """Somebody who decides."""

    roles: tuple[Literal["viewer", "tester", "operator", "approver"], ...]


class Capture(Model):
    """Bounds of what the engine keeps of an exchange."""

    body_bytes: int = Field(1_048_576, ge=1024, description="Larger bodies are streamed past and not compared.")
    queue: int = Field(10_000, ge=1, description="Exchanges waiting for the journal; more are counted as lost.")
    retention_h: float = Field(720.0, gt=0, description="How long bodies are kept.")


class Plan(Model):
    """The whole plan."""

    version: Literal[1]
    programme: Name
    gateway: str | None = Field(None, description="Base URL of the gateway, where an adapter or a facade is used.")
    systems: dict[Name, System]
    operations: dict[OperationName, Operation]
    budgets: dict[Name, Budget] = Field(default_factory=dict)
    people: dict[str, Person] = Field(default_factory=dict)
    capture: Capture = Capture()
