"""The plan's form: ``migration.yaml`` as pydantic models. Defaults live here and nowhere else.

Every field's description is what an editor shows (through the JSON Schema) and what the reference page prints.
Cross-field rules, the ones that need the whole plan, are in ``strangler.plan.lint``.
"""

from typing import Literal

from pydantic import Field, model_validator

from strangler.plan.basis import Model, Name, OperationName, Ratio, Reference, Why
from strangler.plan.comparison import Compare, Consequence, Ids
from strangler.plan.gate_models import CustomGate, ErrorsGate, LatencyGate, RowsGate, WindowGate
from strangler.plan.rows import Rows
from strangler.stages import Effect, Stage


class System(Model):
    """One system that answers: an old one, or a new shared service."""

    department: str = Field(description="Who owns it.")
    speaks: Literal["soap", "odbc", "http"] = Field(description="The protocol it is reached by.")
    wsdl: str | None = Field(None, description="Where its WSDL is (soap).")
    openapi: str | None = Field(None, description="Its OpenAPI document: an address, or a file beside the plan (http).")
    rows_connection: str | None = Field(
        None, description="SQLAlchemy address of its database, for comparing rows; keep it in ${ENV}."
    )
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
    """The system's name under ``systems``."""
    adapter: Reference | None = Field(None, description="Reaches a system that callers cannot: a database, a session.")
    facade: Reference | None = Field(None, description="Lets a new service answer in the caller's old protocol.")
    also: tuple[Name, ...] = Field(
        (), description="Further systems that its adapter or facade asks; their builds are part of the evidence."
    )


class PathMatch(Model):
    """A path condition, as in the Kubernetes Gateway API."""

    type: Literal["Exact", "PathPrefix", "RegularExpression"] = "Exact"
    """How the value is compared; a prefix matches whole segments."""
    value: str
    """The path, its prefix, or a regular expression that matches all of it."""


class ValueMatch(Model):
    """A header or query condition, as in the Kubernetes Gateway API."""

    name: str
    """The header's or query parameter's name."""
    type: Literal["Exact", "RegularExpression"] = "Exact"
    """How the value is compared."""
    value: str
    """The value, or a regular expression that matches all of it."""


class BodyMatch(Model):
    """A condition on the body: the value at a path."""

    path: str = Field(description="XPath (xpath) or JSONPath (json).")
    value: str
    """The text that one of the values at the path must equal."""


class Match(Model):
    """Which requests are this operation. All conditions must hold."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] | None = None
    """The HTTP method; any where not given."""
    path: PathMatch
    """The path condition."""
    headers: tuple[ValueMatch, ...] = ()
    """Header conditions; all must hold."""
    query: tuple[ValueMatch, ...] = ()
    """Query conditions; all must hold."""
    soap_action: str | None = Field(None, description="The SOAPAction header, with or without quotes.")
    xpath: BodyMatch | None = None
    """A condition on an XML body."""
    json_: BodyMatch | None = Field(None, alias="json")
    """A condition on a JSON body."""


class Key(Model):
    """Where the key is: exactly one place."""

    xpath: str | None = Field(None, description="XPath in the body; unprefixed names match by local name.")
    json_: str | None = Field(None, alias="json", description="JSONPath in the body.")
    form: str | None = Field(None, description="Field of a form-encoded body.")
    header: str | None = None
    """The request header that is the key."""
    query: str | None = None
    """The query parameter that is the key."""
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


class ParityGate(Model):
    """The anytime-valid bound on the mismatch rate, over distinct inputs."""

    max_mismatch: float = Field(0.001, gt=0, lt=1)
    """The mismatch rate that must be ruled out."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """How sure the bound must be."""
    severity: Literal["any", "major"] = "any"
    """Which mismatches count; ``major`` leaves out those at the paths under ``compare.minor``."""
    max_not_compared: Ratio = Field(
        0.0, description="Share of inputs that may go uncompared; above it each counts as a mismatch."
    )
    max_settled: Ratio = Field(
        0.02, description="Share of compared requests that may agree only when both sides are asked again."
    )
    max_refused: Ratio = Field(
        0.5, description="Share of compared requests that both sides may refuse; above it too little was compared."
    )
    max_noise: Ratio = Field(
        0.2, description="Share of compared requests that may differ only where old differs from itself."
    )


class NeverSeen(Model):
    """An item of the contract that no traffic can show."""

    item: str = Field(
        description="The item, as ``strangler parity coverage`` writes it; ``*`` at its end stands for more."
    )
    why: Why


class CoverageGate(Model):
    """Which share of the old side's contract the evidence has shown."""

    min: Ratio = 0.9
    """The share of items that must have been seen."""
    never: tuple[NeverSeen, ...] = ()
    """Items that are left out, each with its reason."""


class LoadGate(Model):
    """A load run within this budget, on the builds that are running now."""

    budget: Name
    """The budget's name under ``budgets``."""
    max_age_h: float = Field(168.0, gt=0)
    """How old the run may be, in hours."""


class Gates(Model):
    """What must be shown before callers hear the new side."""

    parity: ParityGate = ParityGate()
    """The parity gate."""
    coverage: CoverageGate | None = None
    """The coverage gate; none where not given."""
    load: LoadGate | None = None
    """The load gate; none where not given."""
    soak_h: float = Field(24.0, ge=0, description="Hours from the first comparison under the present evidence.")
    approvals: int = Field(1, ge=0, le=10, description="How many approvers, none of them the requester.")
    window: WindowGate | None = None
    """The change window; any time where not given."""
    errors: ErrorsGate | None = None
    """The gate on the new side's failed answers; none where not given."""
    latency: LatencyGate | None = None
    """The gate on how long new takes; none where not given."""
    rows: RowsGate | None = None
    """The gate on reconciled rows; none where not given."""
    custom: tuple[CustomGate, ...] = ()
    """Gates of your own."""


class RollbackWhen(Model):
    """Any one of these, within the window, takes the operation back."""

    mismatch_over: Ratio | None = None
    """Share of compared requests that mismatch."""
    errors_over: Ratio | None = None
    """Share of the new side's answers that failed."""
    p99_ratio_over: float | None = Field(None, gt=0, description="p99 of new against old, where both are observed.")


class Rollback(Model):
    """When the operation is taken back without asking anybody."""

    when: RollbackWhen
    """The conditions; any one is enough."""
    window_s: float = Field(300.0, gt=0)
    """The time looked back over, in seconds."""
    min_requests: int = Field(20, ge=1, description="Fewest requests in the window before a ratio counts.")
    failed_at_most: int = Field(
        50, ge=1, description="Failed answers of the new side after which the engine itself goes back to old at once."
    )
    to: Stage = Stage.SHADOW
    """The stage it goes back to; one that old answers."""
    cool_down_s: float = Field(
        600.0, ge=0, description="How long no move forward is made after it went back, in seconds."
    )


class Operation(Model):
    """The unit of migration: one thing a caller can ask."""

    description: str = ""
    """What it is for, for people."""
    effect: Effect
    """Whether it changes anything in the system that answers."""
    match: Match
    """Which requests are this operation."""
    old: Target
    """Who answers on the old side; a system's name is short for {system: name}."""
    new: Target
    """Who answers on the new side; a system's name is short for {system: name}."""
    key: Key | None = None
    """What a caller's requests have in common: makes a share sticky, and orders writes."""
    seed: int | None = Field(None, ge=0, lt=2**64, description="Seed of the bucket; from the name where not given.")
    writes: Writes | None = Field(None, description="Required where effect is write.")
    compare: Compare = Compare()
    """How the two answers are compared."""
    ids: Ids = Ids()
    """Ids that each side makes of its own."""
    effects: tuple[Consequence, ...] = Field((), description="What a write must have changed on both sides (write).")
    gates: Gates = Gates()
    """The evidence it must have before it moves."""
    rollback: Rollback | None = None
    """When it is taken back without asking anybody."""

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
    """How long the run lasts, in seconds."""
    p99_ms: float | None = Field(None, gt=0)
    """The new side's p99 latency at most, in milliseconds."""
    p99_ratio: float | None = Field(None, gt=0, description="p99 of new against old in the same run.")
    error_ratio: Ratio = 0.001
    """Share of the new side's answers that may fail."""
    min_requests: int = Field(50, ge=1, description="Fewest answers of each side; fewer is no data.")


class Person(Model):
    """Somebody who decides."""

    roles: tuple[Literal["viewer", "tester", "operator", "approver"], ...]
    """What this person may do."""


class Capture(Model):
    """Bounds of what the engine keeps of an exchange."""

    body_bytes: int = Field(1_048_576, ge=1024, description="Larger bodies are streamed past and not compared.")
    queue: int = Field(10_000, ge=1, description="Exchanges waiting for the journal; more are counted as lost.")
    retention_h: float = Field(720.0, gt=0, description="How long bodies are kept.")


class Plan(Model):
    """The whole plan."""

    version: Literal[1]
    """The version of the plan's form."""
    programme: Name
    """The name of the whole migration."""
    gateway: str | None = Field(None, description="Base URL of the gateway, where an adapter or a facade is used.")
    systems: dict[Name, System]
    """Every system that answers, by name."""
    operations: dict[OperationName, Operation]
    """What is migrated, by name: department.verb-noun."""
    budgets: dict[Name, Budget] = Field(default_factory=dict)
    """What load runs must stay within, by name."""
    people: dict[str, Person] = Field(default_factory=dict)
    """Who decides, by name."""
    rows: dict[Name, Rows] = Field(
        default_factory=dict, description="Tables or queries whose rows must be the same on both sides, by name."
    )
    capture: Capture = Capture()
    """Bounds of what the engine keeps."""
