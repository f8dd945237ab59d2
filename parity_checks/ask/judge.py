"""From observations to an outcome. Pure, and never raises: a fault of the comparer is an outcome of its own."""

from dataclasses import dataclass

from parity_checks.ask.inputs import input_digest
from parity_checks.compare.comparison import Comparison, NotCompared, compare
from parity_checks.compare.findings import MOST_OF_ONE_KIND
from parity_checks.rules.compiled import CompiledRules, RuleFailed
from strangler.evidence import Builds, fingerprint
from strangler.exchange import (
    Difference,
    DifferenceKind,
    Exchange,
    Observation,
    Outcome,
    OutcomeKind,
    Reason,
    Request,
    digest,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation as the plan had it under one digest: what exchanges decided under it are judged by."""

    operation: str
    digest: str
    rules: CompiledRules
    ignoring: CompiledRules
    own: CompiledRules
    """The rules without what they say of the two sides' ways: for answers of one side."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges one exchange under one entry and the builds that answered."""

    entry: Entry
    builds: Builds
    input: str

    def judge(self, old: Observation, new: Observation) -> Outcome:
        """The outcome of two observations, with how many differences each rule hid."""
        if old.has_failed:
            return self.not_compared(Reason.OLD_FAILED, _failure(old))
        if new.has_failed:
            return self.new_failed(new)
        try:
            result = compare(old, new, self.entry.rules)
        except RuleFailed as failed:
            return self.not_compared(Reason.COMPARER_FAILED, str(failed)[:500])
        except Exception as error:  # noqa: BLE001  one exchange must never stop the worker
            return self.not_compared(Reason.COMPARER_FAILED, f"{type(error).__name__}: {error}"[:500])
        match result:
            case NotCompared(reason, detail):
                return self.not_compared(reason, detail)
            case Comparison(differences, hidden, left_out):
                kind = OutcomeKind.MISMATCH if differences else OutcomeKind.MATCH
                detail = f"{left_out} more differences of these kinds" if left_out else ""
                refused = Reason.BOTH_REFUSED if old.has_refused and new.has_refused else None
                return Outcome(kind, self.fingerprint, self.input, refused, differences, detail=detail, hidden=hidden)

    @property
    def fingerprint(self) -> str:
        """What the outcome stands under."""
        return fingerprint(self.entry.digest, self.builds)

    def not_compared(self, reason: Reason, detail: str = "") -> Outcome:
        """Counted, with its reason."""
        return Outcome(OutcomeKind.NOT_COMPARED, self.fingerprint, self.input, reason, detail=detail)

    def new_failed(self, new: Observation) -> Outcome:
        """The new side gave no answer."""
        return Outcome(OutcomeKind.NEW_FAILED, self.fingerprint, self.input, detail=_failure(new))


def differences(
    entry: Entry, one: Observation, other: Observation, most: int = MOST_OF_ONE_KIND
) -> tuple[Difference, ...] | None:
    """Where two answers differ, of two sides or of one; ``None`` where they cannot be compared.

    At most ``most`` of one signature; where more than usual are asked for, ``None`` too if those are not all.
    """
    is_one_side = one.side is other.side
    try:
        result = compare(one, other, entry.own if is_one_side else entry.rules, most=most)
    except Exception:  # noqa: BLE001  the exchange's own comparison tells of it
        return None
    if isinstance(result, NotCompared) or (most > MOST_OF_ONE_KIND and result.left_out):
        return None
    if not is_one_side:
        return result.differences
    return tuple(found for found in result.differences if not _is_by_rule_alone(found))


def _is_by_rule_alone(found: Difference) -> bool:
    """Whether one side's two values are the same, and a rule made for two sides (a function of yours) parts them."""
    is_whole = found.old is not None and not found.old.endswith("…")
    return found.kind is DifferenceKind.VALUE and is_whole and found.old == found.new


def _failure(observation: Observation) -> str:
    return observation.failure.value if observation.failure else f"status {observation.status}"


def input_of(exchange: Exchange, ignoring: CompiledRules) -> str:
    """The exchange's input digest; of the raw request where even that cannot be read."""
    try:
        return input_digest(exchange.request, ignoring)
    except Exception:  # noqa: BLE001  the raw request is an honest input too
        return _raw(exchange.request)


def _raw(request: Request) -> str:
    return digest(request.method.encode(), request.target.encode(), request.body or b"")
