"""The report as data: every operation with its evidence, gates and findings. Everything in it may be shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from parity_checks.report.finding import FindingView, finding_view, time_text
from parity_checks.report.observed import NoiseView, RuleView, noise_views, rule_views
from strangler.builds import builds_in_force
from strangler.decisions import end_of
from strangler.evidence import Builds, CoverageEvidence, ParityEvidence, Result, Verdict, entry_digest, fingerprint
from strangler.exchange import OutcomeKind, Reason
from strangler.journal import AcceptedSignature, Finding, Journal
from strangler.ledger import Entry, EntryKind
from strangler.plan.models import Plan
from strangler.plan.rule_paths import parse_path

SCHEMA: Final = "strangler-parity-report/2"
"""Name and version of the JSON form; raised whenever a field goes or changes its meaning."""

_LATELY_S: Final = 86_400.0
MOST_FINDINGS: Final = 1_000
"""About how many findings a report shows, shared out among the operations; those seen most often come first."""


@dataclass(frozen=True, slots=True)
class OperationView:
    """One operation under its present fingerprint (empty where neither side was ever observed)."""

    name: str
    description: str
    fingerprint: str
    builds: Builds | None
    inputs: Mapping[str, int]
    exchanges: Mapping[str, int]
    not_compared: Mapping[str, int]
    settled: int
    pending: int
    other_fingerprints: int
    first_at: str
    last_at: str
    verdicts: tuple[Verdict, ...]
    findings: tuple[FindingView, ...]
    earlier: tuple[FindingView, ...]
    left_out: int = 0
    rules: tuple[RuleView, ...] = ()
    noise: tuple[NoiseView, ...] = ()
    coverage: CoverageEvidence | None = None
    p99_old_ms: float | None = None
    p99_new_ms: float | None = None
    """Of the last day's answers, in milliseconds: an observation of its own, which no comparison looks at."""

    @property
    def idle_rules(self) -> tuple[RuleView, ...]:
        """Rules that hid nothing, where something was compared at all."""
        return tuple(rule for rule in self.rules if rule.is_idle) if sum(self.exchanges.values()) else ()

    @property
    def result(self) -> Result:
        """The worst of its gates; without any, no data."""
        order = (Result.HOLD, Result.STALE, Result.NO_DATA)
        found = {verdict.result for verdict in self.verdicts}
        return next((one for one in order if one in found), Result.PASS if found else Result.NO_DATA)

    @property
    def open_findings(self) -> tuple[FindingView, ...]:
        """Findings under the present fingerprint that count."""
        return tuple(one for one in self.findings if one.standing.counts)


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report, ready to be written."""

    programme: str
    at: str
    operations: tuple[OperationView, ...]

    @property
    def open_findings(self) -> tuple[FindingView, ...]:
        """Every finding that counts, over all operations."""
        return tuple(finding for operation in self.operations for finding in operation.open_findings)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        operations = [_operation_dict(operation) for operation in self.operations]
        return {"schema": SCHEMA, "programme": self.programme, "at": self.at, "operations": operations}


def _operation_dict(operation: OperationView) -> dict[str, Any]:
    plain = asdict(operation)
    for findings in (plain["findings"], plain["earlier"]):
        for finding in findings:
            del finding["old_pieces"], finding["new_pieces"]
    return {**plain, "result": operation.result.value}


def build_report(
    plan: Plan,
    journal: Journal,
    ledger_acceptances: Iterable[Entry],
    verdicts_by_operation: Mapping[str, Sequence[Verdict]],
    now: float,
) -> Report:
    """Gather the report.

    Args:
        plan: the plan in force: its operations, and which paths may be shown unmasked.
        journal: where outcomes and findings are.
        ledger_acceptances: what the ledger has of acceptances, rejections and reopenings, oldest first.
        verdicts_by_operation: what the gates of each operation's next step say; they carry the bound.
        now: seconds since the epoch (UTC).
    """
    said = _said_last(ledger_acceptances)
    most = max(10, min(400, MOST_FINDINGS // max(1, len(plan.operations))))
    operations = tuple(
        _operation(plan, journal, name, said.get(name, {}), tuple(verdicts_by_operation.get(name, ())), now, most)
        for name in plan.operations
    )
    return Report(plan.programme, time_text(now) or "", operations)


def _said_last(entries: Iterable[Entry]) -> dict[str, dict[str, Entry]]:
    """The last acceptance or rejection that nobody took back since, by operation and signature."""
    found: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        by_signature = found.setdefault(str(entry.body.get("operation", "")), {})
        signature = str(entry.body.get("signature", ""))
        if entry.kind in {EntryKind.ACCEPTANCE, EntryKind.REJECTION}:
            by_signature[signature] = entry
        elif entry.kind is EntryKind.REOPENING:
            by_signature.pop(signature, None)
    return found


def _operation(  # noqa: PLR0917  what one operation's view is made of
    plan: Plan,
    journal: Journal,
    name: str,
    said: Mapping[str, Entry],
    verdicts: tuple[Verdict, ...],
    now: float,
    most: int,
) -> OperationView:
    seen = journal.last_builds(name)
    builds = builds_in_force(plan, name, seen) if seen else None
    mark = fingerprint(entry_digest(plan, name), builds) if builds else ""
    signatures = [_signature(entry) for entry in said.values() if entry.kind is EntryKind.ACCEPTANCE]
    parity = journal.parity(name, mark, now, signatures)
    holding = journal.accepted_in_force(name, mark, now, signatures)
    total = parity.exchanges.total
    compare = plan.operations[name].compare
    lately = journal.window(name, now - _LATELY_S, signatures)
    compared = total - parity.exchanges.of(OutcomeKind.NOT_COMPARED) - parity.exchanges.of(OutcomeKind.NEW_FAILED)
    show = tuple(parse_path(path) for path in compare.show)
    found = journal.findings(name)
    present = [one for one in found if one.fingerprint == mark]
    past = _merged(one for one in found if one.fingerprint != mark)
    shown = [finding_view(one, show, total, said.get(one.signature), holding, compare.rules) for one in present[:most]]
    earlier = [finding_view(one, show, 0, said.get(one.signature), holding, compare.rules) for one in past[:most]]
    return OperationView(
        name=name,
        description=plan.operations[name].description,
        fingerprint=mark,
        builds=builds,
        inputs=_by_kind(parity.inputs.by_kind),
        exchanges=_by_kind(parity.exchanges.by_kind),
        not_compared=_not_compared(parity),
        settled=parity.settled,
        pending=parity.pending,
        other_fingerprints=parity.other_fingerprints,
        first_at=time_text(parity.first_at) or "",
        last_at=time_text(parity.last_at) or "",
        verdicts=verdicts,
        findings=tuple(shown),
        earlier=tuple(replace(one, is_current=False) for one in earlier),
        left_out=max(0, len(present) - most) + max(0, len(past) - most),
        rules=rule_views(compare.rules, journal.rule_uses(name, mark), compared),
        noise=noise_views(journal.noise(name, mark)),
        coverage=journal.coverage(name, entry_digest(plan, name), mark),
        p99_old_ms=lately.p99_old_ms,
        p99_new_ms=lately.p99_new_ms,
    )


def _signature(entry: Entry) -> AcceptedSignature:
    return AcceptedSignature(str(entry.body["signature"]), end_of(str(entry.body["until"])), entry.body.get("max_rate"))


def _by_kind(counts: Mapping[OutcomeKind, int]) -> dict[str, int]:
    return {kind.value: counts.get(kind, 0) for kind in OutcomeKind}


def _not_compared(parity: ParityEvidence) -> dict[str, int]:
    counts = parity.exchanges.not_compared
    return {reason.value: counts[reason] for reason in Reason if counts.get(reason)}


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """Findings of one signature under several fingerprints as one: counts added, the latest example kept."""
    by_signature: dict[str, Finding] = {}
    for one in findings:
        before = by_signature.get(one.signature)
        if before is None:
            by_signature[one.signature] = one
            continue
        latest = one if one.last_at >= before.last_at else before
        by_signature[one.signature] = replace(
            latest,
            count=before.count + one.count,
            inputs=before.inputs + one.inputs,
            first_at=min(before.first_at, one.first_at),
        )
    return sorted(by_signature.values(), key=lambda one: (-one.count, one.signature))
