"""What happened on the wire, frozen: requests, observations, exchanges, differences, outcomes.

These are the only types that travel between the engine, the journal and the worker.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b

from strangler.stages import Effect, Side, Stage

Headers = tuple[tuple[str, str], ...]
"""Header fields in wire order; names as received, compared without case; repeated fields stay repeated."""


class Failure(StrEnum):
    """Why a side gave no answer at all."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RESET = "reset"
    BREAKER_OPEN = "breaker_open"
    PROTOCOL = "protocol"


class Reason(StrEnum):
    """Why an exchange was not compared, or why comparing it told little. Every one of them is counted by the gates."""

    UNPARSABLE = "unparsable"
    TOO_LARGE = "too_large"
    OLD_FAILED = "old_failed"
    NOT_JOURNALED = "not_journaled"
    NOT_ASKED = "not_asked"
    UNSUPPORTED_MEDIA = "unsupported_media"
    WRITE_UNCERTAIN = "write_uncertain"
    COMPARER_FAILED = "comparer_failed"
    EXPIRED = "expired"
    BOTH_REFUSED = "both_refused"
    """It was compared, but both sides refused: nothing was seen of what the operation is for."""


class Origin(StrEnum):
    """Where an exchange comes from. Only callers' exchanges are traffic; all of them may be evidence."""

    CALLER = "caller"
    REPLAY = "replay"
    """A recorded exchange, asked again of a new build without any caller."""
    PROBE = "probe"
    """A request made from the contract, to show what no caller has asked for."""


class OutcomeKind(StrEnum):
    """What comparing an exchange told. Never a bool."""

    MATCH = "match"
    ACCEPTED = "accepted"
    NOISE = "noise"
    MISMATCH = "mismatch"
    NEW_FAILED = "new_failed"
    NOT_COMPARED = "not_compared"


class DifferenceKind(StrEnum):
    """The closed union of ways in which two observations disagree at one path."""

    MISSING = "missing"
    """Old has it, new has not."""
    SURPLUS = "surplus"
    """New has it, old has not."""
    VALUE = "value"
    TYPE = "type"
    ORDER = "order"
    LENGTH = "length"
    """Bodies that are compared by digest, or lists, that are not equally long."""
    STATUS = "status"
    HEADER = "header"
    MEDIA_TYPE = "media_type"
    CHARSET = "charset"
    """One side's bytes are not in the charset it declares, or the declared charsets differ."""
    UNPARSABLE = "unparsable"
    """One side's body does not parse as what it says it is, and the other's does."""
    NOISE_RATE = "noise_rate"
    """A path differs between old and new more, or less, often than between old and old."""
    IDENTITY = "identity"
    """An id stands for another thing than it did: two ids of one side are said to be the same id of the other."""


@dataclass(frozen=True, slots=True)
class Request:
    """One caller's request as it arrived.

    ``target`` is the path with its query, as sent. ``body`` is ``None`` when it was streamed past and not captured;
    ``body_bytes`` is its size on the wire either way.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes | None = b""
    body_bytes: int = 0

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query without its question mark; empty where there is none."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The field's value, repeated fields joined with a comma (RFC 9110, 5.3); ``None`` where absent."""
        return header(self.headers, name)


@dataclass(frozen=True, slots=True)
class Observation:
    """One side's answer, or its failure. ``at`` is seconds since the epoch (UTC) when it was asked."""

    side: Side
    status: int | None
    headers: Headers = ()
    body: bytes | None = b""
    body_bytes: int = 0
    failure: Failure | None = None
    at: float = 0.0
    duration_s: float = 0.0
    build: str | None = None

    @property
    def has_failed(self) -> bool:
        """Whether there was no answer, or one that says the server itself broke.

        A SOAP fault is an answer although it comes with status 500 (SOAP 1.1, 6.2); a 500 without one is not.
        """
        if self.failure is not None or self.status is None:
            return True
        return self.status >= 500 and not (self.status == 500 and b"Fault>" in (self.body or b""))

    @property
    def has_succeeded(self) -> bool:
        """Whether a write took effect, as far as its answer tells: 2xx, and no SOAP fault."""
        if self.status is None or not 200 <= self.status < 300 or self.has_failed:
            return False
        return b"Fault>" not in (self.body or b"")

    @property
    def has_refused(self) -> bool:
        """Whether it is an answer that says no: status 400 or above, or a SOAP fault."""
        return self.status is not None and (self.status >= 400 or b"Fault>" in (self.body or b""))

    def header(self, name: str) -> str | None:
        """The field's value, repeated fields joined with a comma; ``None`` where absent."""
        return header(self.headers, name)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One caller's request with the answer the caller got, as the engine journals it.

    ``entry`` is the digest of the plan entry under which it was decided. ``asked`` is the side to be asked for
    comparison, or ``None``. ``not_compared`` is set where the engine already knows that it cannot be compared.
    """

    id: str
    operation: str
    effect: Effect
    key: str | None
    cohort: str | None
    stage: Stage
    request: Request
    answer: Observation
    asked: Side | None
    entry: str
    at: float
    not_compared: Reason | None = None
    fell_back: Observation | None = None
    """The new side's failed observation, where the caller was answered from old after it."""
    origin: Origin = Origin.CALLER


@dataclass(frozen=True, slots=True)
class Difference:
    """One path where old and new disagree. Values are clear text: they are masked before anyone sees them.

    ``path`` is concrete, a JSONPath or XPath that can be pasted elsewhere; ``signature`` groups it with its like.
    ``old`` and ``new`` are ``None`` where that side has nothing there.
    """

    kind: DifferenceKind
    path: str
    old: str | None
    new: str | None
    signature: str = ""
    general_path: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was learnt from one exchange.

    ``input`` is the digest that makes two requests the same input. ``settled`` counts how often both sides had to be
    asked again before they agreed. ``hidden`` says how many differences each rule hid, in the order of the plan's
    rules; empty where nothing was compared.
    """

    kind: OutcomeKind
    fingerprint: str
    input: str
    reason: Reason | None = None
    differences: tuple[Difference, ...] = ()
    settled: int = 0
    detail: str = ""
    hidden: tuple[int, ...] = ()


PathAndKind = tuple[str, DifferenceKind]
"""A generalised path and the kind of difference there."""


@dataclass(frozen=True, slots=True)
class NoiseSample:
    """One fair draw: in the same breath old was asked again, and new was asked.

    ``again`` is where old and old again differ, ``beside`` where old and new differ. Were new no other than old, a path
    would be in the one as often as in the other.
    """

    again: frozenset[PathAndKind]
    beside: frozenset[PathAndKind]


@dataclass(frozen=True, slots=True)
class Judged:
    """The worker's result for one claimed exchange: every further observation made, and the outcome.

    ``covered`` are the items of the contract that this exchange shows and the worker has not given the journal yet,
    under the outcome's fingerprint.
    """

    exchange_id: str
    outcome: Outcome
    observations: tuple[Observation, ...] = field(default=())
    gap: str = ""
    """Why the asked side may lack this write, where it may: the journal then keeps a gap. Empty for everything else."""
    sample: NoiseSample | None = None
    covered: frozenset[str] = frozenset()


def header(headers: Headers, name: str) -> str | None:
    """The named field's value, repeated fields joined with a comma (RFC 9110, 5.3); ``None`` where absent."""
    wanted = name.lower()
    values = [value for field_name, value in headers if field_name.lower() == wanted]
    return ", ".join(values) if values else None


def digest(*parts: bytes) -> str:
    """A short stable digest (16 bytes, hexadecimal) of the parts, each framed by its length."""
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.hexdigest()
