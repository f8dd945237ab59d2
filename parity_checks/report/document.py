"""The report as data: every operation with its evidence, gates and findings. Everything in it may be shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from parity_checks.mask import mask_at
from parity_checks.report.highlight import Piece, pieces
from strangler.builds import builds_in_force
from strangler.decisions import end_of
from strangler.evidence import Builds, ParityEvidence, Result, Verdict, entry_digest, fingerprint
from strangler.exchange import OutcomeKind, Reason
from strangler.journal import AcceptedSignature, Finding, Journal
from strangler.ledger import Entry, EntryKind
from strangler.plan.models import Plan
from strangler.plan.rule_paths import Path as RulePath
from strangler.plan.rule_paths import parse_path

SCHEMA: Final = "strangler-parity-report/1"
"""Name and version of the JSON form; raised whenever a field goes or changes its meaning."""

MOST_FINDINGS: Final = 1_000
"""About how many findings a report shows, shared out among the operations; those seen most often come first."""

MOST_CHARACTERS: Final = 300
"""Most characters of a value that a report shows."""


class Standing(StrEnum):
    """What people have said about a finding."""

    OPEN = "open"
    ACCEPTED = "accepted"
    OLD_IS_WRONG = "old is wrong"
    LAPSED = "no longer accepted"
    """Accepted once; its day is past, or it is seen more often than was accepted: it counts again."""


@dataclass(frozen=True, slots=True)
class FindingView:
    """One cluster of differences, masked. ``share`` is its part of the operation's judged exchanges, 0 to 1."""

    operation: str
    signature: str
    kind: str
    path: str
    example_path: str
    example: str
    count: int
    share: float
    inputs: int
    first_at: str
    last_at: str
    old: str | None
    new: str | None
    standing: Standing
    owner: str = ""
    why: str = ""
    until: str = ""
    is_current: bool = True
    old_pieces: tuple[Piece, ...] = field(default=(), repr=False)
    new_pieces: tuple[Piece, ...] = field(default=(), repr=False)

    @property
    def has_same_shape(self) -> bool:
        """Whether masking made both values look alike."""
        return self.old is not None and self.old == self.new


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

    @property
    def result(self) -> Result:
        """The worst of its gates; without any, no data."""
        order = (Result.HOLD, Result.STALE, Result.NO_DATA)
        found = {verdict.result for verdict in self.verdicts}
        return next((one for one in order if one in found), Result.PASS if found else Result.NO_DATA)

    @property
    def open_findings(self) -> tuple[FindingView, ...]:
        """Findings under the present fingerprint that count."""
        return tuple(one for one in self.findings if one.standing in {Standing.OPEN, Standing.LAPSED})


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
        ledger_acceptances: the ledger's acceptances and rejections, oldest first.
        verdicts_by_operation: what the gates of each operation's next step say; they carry the bound.
        now: seconds since the epoch (UTC).
    """
    accepted = _in_force(ledger_acceptances)
    most = max(10, min(400, MOST_FINDINGS // max(1, len(plan.operations))))
    operations = tuple(
        _operation(plan, journal, name, accepted.get(name, {}), tuple(verdicts_by_operation.get(name, ())), now, most)
        for name in plan.operations
    )
    return Report(plan.programme, _time(now) or "", operations)


def _in_force(entries: Iterable[Entry]) -> dict[str, dict[str, Entry]]:
    """Acceptances that nobody rejected since, by operation and signature."""
    found: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        by_signature = found.setdefault(str(entry.body.get("operation", "")), {})
        signature = str(entry.body.get("signature", ""))
        if entry.kind is EntryKind.ACCEPTANCE:
            by_signature[signature] = entry
        elif entry.kind is EntryKind.REJECTION:
            by_signature.pop(signature, None)
    return found


def _operation(  # noqa: PLR0917  what one operation's view is made of
    plan: Plan,
    journal: Journal,
    name: str,
    accepted: Mapping[str, Entry],
    verdicts: tuple[Verdict, ...],
    now: float,
    most: int,
) -> OperationView:
    seen = journal.last_builds(name)
    builds = builds_in_force(plan, name, seen) if seen else None
    mark = fingerprint(entry_digest(plan, name), builds) if builds else ""
    signatures = [_signature(entry) for entry in accepted.values()]
    parity = journal.parity(name, mark, now, signatures)
    holding = journal.accepted_in_force(name, mark, now, signatures)
    total = parity.exchanges.total
    show = tuple(parse_path(path) for path in plan.operations[name].compare.show)
    found = journal.findings(name)
    present = [one for one in found if one.fingerprint == mark]
    past = _merged(one for one in found if one.fingerprint != mark)
    shown = [_finding(one, show, total, accepted.get(one.signature), holding) for one in present[:most]]
    earlier = [_finding(one, show, 0, accepted.get(one.signature), holding) for one in past[:most]]
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
        first_at=_time(parity.first_at) or "",
        last_at=_time(parity.last_at) or "",
        verdicts=verdicts,
        findings=tuple(shown),
        earlier=tuple(replace(one, is_current=False) for one in earlier),
        left_out=max(0, len(present) - most) + max(0, len(past) - most),
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


def _finding(
    finding: Finding, show: tuple[RulePath, ...], total: int, entry: Entry | None, holding: frozenset[str]
) -> FindingView:
    old, new = (_masked(value, finding.general_path, show) for value in (finding.old, finding.new))
    old_pieces, new_pieces = pieces(finding.old or "", finding.new or "", old or "", new or "")
    body = entry.body if entry else {}
    return FindingView(
        operation=finding.operation,
        signature=finding.signature,
        kind=finding.kind.value,
        path=finding.general_path,
        example_path=finding.example_path or finding.general_path,
        example=finding.example_exchange_id,
        count=finding.count,
        share=finding.count / total if total else 0.0,
        inputs=finding.inputs,
        first_at=_time(finding.first_at) or "",
        last_at=_time(finding.last_at) or "",
        old=old,
        new=new,
        standing=_standing(finding, entry, holding),
        owner=str(body.get("owner", "")),
        why=str(body.get("why", "")),
        until=str(body.get("until", "")),
        old_pieces=old_pieces,
        new_pieces=new_pieces,
    )


def _masked(value: str | None, path: str, show: tuple[RulePath, ...]) -> str | None:
    masked = mask_at(value, path, show)
    if masked is None or len(masked) <= MOST_CHARACTERS:
        return masked
    return masked[:MOST_CHARACTERS] + "…"


def _standing(finding: Finding, entry: Entry | None, holding: frozenset[str]) -> Standing:
    if entry is None:
        return Standing.OPEN
    if finding.signature not in holding:
        return Standing.LAPSED
    return Standing.OLD_IS_WRONG if entry.body.get("verdict") == "old_is_wrong" else Standing.ACCEPTED


def _time(at: float | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
