"""The demo's figures, counted from the journal and the ledger and from nothing else."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from examples.elderly_care.story.truth import Defect, explained
from strangler.exchange import Exchange, OutcomeKind
from strangler.journal import Finding, Journal
from strangler.ledger import Entry, EntryKind, Ledger
from strangler.stages import Side

SWAP_S = 1.0
"""After a rollout is published, engines have this long to swap their tables before a moved key counts."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the demo is judged by. ``rollback_s`` is from the first failed answer to the ledger's entry."""

    requests: int
    caller_failures_before_fault: int
    not_compared: dict[str, int]
    seeded_defects: tuple[str, ...]
    found_defects: tuple[str, ...]
    false_findings: tuple[str, ...]
    gate_release_1: str
    gate_release_2: str
    rollout_steps: tuple[dict[str, object], ...]
    sticky_violations: int
    rollback_s: float | None
    failed_requests: int
    failed_at_most: int
    ledger_verified: bool
    seconds: float

    @property
    def is_as_promised(self) -> bool:
        """Whether everything happened that must, and nothing that must not."""
        return (
            self.found_defects == self.seeded_defects
            and not self.false_findings
            and self.caller_failures_before_fault == 0
            and self.sticky_violations == 0
            and self.gate_release_1 != "PASS"
            and self.gate_release_2 == "PASS"
            and self.rollback_s is not None
            and self.failed_requests <= self.failed_at_most
            and self.ledger_verified
        )

    def as_dict(self) -> dict[str, object]:
        """The document that ``strangler demo --json`` writes."""
        return {
            "requests": self.requests,
            "caller_failures_before_fault": self.caller_failures_before_fault,
            "not_compared": self.not_compared,
            "seeded_defects": self.seeded_defects,
            "found_defects": self.found_defects,
            "false_findings": self.false_findings,
            "gate_release_1": self.gate_release_1,
            "gate_release_2": self.gate_release_2,
            "rollout_steps": self.rollout_steps,
            "sticky_violations": self.sticky_violations,
            "rollback": {
                "seconds": self.rollback_s,
                "failed_requests": self.failed_requests,
                "failed_at_most": self.failed_at_most,
            },
            "ledger_verified": self.ledger_verified,
            "seconds": round(self.seconds, 1),
            "as_promised": self.is_as_promised,
        }

    def in_words(self) -> tuple[str, ...]:
        """The same for people, one line each."""
        skipped = ", ".join(f"{count} {reason}" for reason, count in self.not_compared.items()) or "none"
        went_back = f"{self.rollback_s} s after the first failure" if self.rollback_s is not None else "never"
        found = f"{len(self.found_defects)} of {len(self.seeded_defects)}"
        verdict = "everything as promised" if self.is_as_promised else "NOT as promised"
        return (
            f"{self.requests:,} requests, {self.caller_failures_before_fault} failed before the fault was made",
            f"{found} seeded defects found: {', '.join(self.found_defects)}",
            f"false findings: {', '.join(self.false_findings) or 'none'}; not compared: {skipped}",
            f"parity gate: release 1 {self.gate_release_1}, release 2 {self.gate_release_2}",
            f"{len(self.rollout_steps)} rollout steps; {self.sticky_violations} citizens changed sides by themselves",
            f"went back {went_back}; callers saw {self.failed_requests} failures of the {self.failed_at_most} allowed",
            f"ledger {'verified' if self.ledger_verified else 'BROKEN'}; {self.seconds:.0f} s; {verdict}",
        )


def count(
    journal: Journal,
    ledger: Ledger,
    defects: Sequence[Defect],
    operation: str,
    failed_at_most: int,
    *,
    began: float,
    now: float,
) -> Figures:
    """Count everything. ``operation`` is the one that was cut over and failed; the times are those of the whole demo.

    Raises:
        LedgerBroken: the chain does not verify.
    """
    entries = ledger.entries()
    exchanges = sorted(journal.requests(limit=10_000_000), key=lambda exchange: exchange.at)
    mine = [exchange for exchange in exchanges if exchange.operation == operation]
    fault_at = next((entry.at for entry in entries if entry.kind is EntryKind.REHEARSAL), now)
    findings = journal.findings()
    accepted = {entry.body["signature"] for entry in entries if entry.kind is EntryKind.ACCEPTANCE}
    rollback = next((entry for entry in entries if entry.kind is EntryKind.ROLLBACK), None)
    failed = [exchange for exchange in exchanges if exchange.at >= fault_at and exchange.answer.has_failed]
    return Figures(
        requests=len(exchanges),
        caller_failures_before_fault=sum(e.answer.has_failed for e in exchanges if e.at < fault_at),
        not_compared=_not_compared(journal),
        seeded_defects=tuple(sorted(defect.id for defect in defects)),
        found_defects=tuple(sorted({found for finding in findings if (found := explained(defects, finding))})),
        false_findings=tuple(_told(finding) for finding in findings if _is_false(finding, defects, accepted)),
        gate_release_1=_gate(entries, EntryKind.REFUSAL, operation),
        gate_release_2=_gate(entries, EntryKind.ROLLOUT, operation),
        rollout_steps=tuple(_step(entry) for entry in entries if entry.kind in (EntryKind.ROLLOUT, EntryKind.ROLLBACK)),
        sticky_violations=sticky_violations(mine, [entry for entry in entries if _changes(entry, operation)]),
        rollback_s=round(rollback.at - failed[0].at, 2) if rollback is not None and failed else None,
        failed_requests=len(failed),
        failed_at_most=failed_at_most,
        ledger_verified=ledger.verify() == len(entries) > 0,
        seconds=now - began,
    )


def sticky_violations(exchanges: Sequence[Exchange], changes: Sequence[Entry]) -> int:
    """How often a key changed sides when no decision moved it.

    A key may go to new once a rollout forward is published, and back to old only after a rollback. ``exchanges`` are of
    one operation, oldest first; ``changes`` are its rollout changes.
    """
    last: dict[str, tuple[Side, float]] = {}
    violations = 0
    for exchange in exchanges:
        if exchange.key is None:
            continue
        side = exchange.answer.side
        before, at = last.get(exchange.key, (side, exchange.at))
        if side is not before:
            wanted = EntryKind.ROLLOUT if side is Side.NEW else EntryKind.ROLLBACK
            # A request that was decided just before the swap may be journaled just after it.
            between = [entry for entry in changes if at - SWAP_S <= entry.at <= exchange.at + SWAP_S]
            violations += not any(entry.kind is wanted for entry in between)
        last[exchange.key] = (side, exchange.at)
    return violations


def sides_by_key(exchanges: Iterable[Exchange]) -> dict[str, set[Side]]:
    """For each key, the sides that answered it."""
    sides: dict[str, set[Side]] = {}
    for exchange in exchanges:
        if exchange.key is not None:
            sides.setdefault(exchange.key, set()).add(exchange.answer.side)
    return sides


def _changes(entry: Entry, operation: str) -> bool:
    return entry.kind in (EntryKind.ROLLOUT, EntryKind.ROLLBACK) and entry.body.get("operation") == operation


def _not_compared(journal: Journal) -> dict[str, int]:
    reasons: Counter[str] = Counter()
    for tally in journal.outcomes_count():
        if tally.kind is OutcomeKind.NOT_COMPARED and tally.reason is not None:
            reasons[tally.reason.value] += tally.count
    return dict(sorted(reasons.items()))


def _is_false(finding: Finding, defects: Sequence[Defect], accepted: set[str]) -> bool:
    return finding.signature not in accepted and explained(defects, finding) is None


def _told(finding: Finding) -> str:
    return f"{finding.operation} {finding.kind} {finding.general_path} ({finding.count})"


def _gate(entries: Sequence[Entry], kind: EntryKind, operation: str) -> str:
    """The parity gate's result when the operation was first refused, or first moved to where callers hear new."""
    for entry in entries:
        if entry.kind is kind and entry.body.get("operation") == operation:
            results = {verdict["gate"]: verdict["result"] for verdict in entry.body.get("gates", ())}
            if "parity" in results:
                return str(results["parity"])
    return "NO DATA"


def _step(entry: Entry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "kind": entry.kind.value,
        "who": entry.who,
        "operation": entry.body.get("operation"),
        "to": entry.body.get("after"),
    }
