"""Decisions against a gate: who asked, who confirmed, what was set aside; and what nobody may set aside. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from strangler.evidence import Result, Verdict

OVERRIDABLE = frozenset({"parity", "coverage", "load", "errors", "latency", "soak", "cool_down", "window"})
"""The gates that weigh evidence or choose a time. Any other one, and one that is yet to come, is never overridden."""

REPLACED = "approvals"
"""Not overridden but replaced: an override needs as many confirmations as the plan asks approvals, and at least one."""

NEVER = {
    "hold": "somebody stopped everything: release the hold first",
    "gaps": "one side may lack a write, and no second person makes it whole: reconcile the rows and close the gap",
    "rows": "the sides hold other rows, or nobody knows: reconcile them",
    "custom": "it is a gate of your own, and says no for reasons of its own",
}

ASKED_FOR_S = 86_400.0
"""How long somebody may confirm, and move, after it was asked."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody asks to move although gates hold.

    ``gates`` are those that held with what each said, ``stands_under`` is what approvals stand under.
    """

    seq: int
    operation: str
    to: str
    who: str
    why: str
    at: float
    gates: Mapping[str, str]
    stands_under: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Somebody else agrees to exactly one ask."""

    seq: int
    ask: int
    who: str
    why: str
    at: float
    stands_under: str


@dataclass(frozen=True, slots=True)
class Overridden:
    """A move that was made although gates held: kept for ever."""

    seq: int
    at: float
    operation: str
    to: Mapping[str, Any]
    asked_by: str
    confirmed_by: tuple[str, ...]
    why: str
    gates: tuple[str, ...]

    def __str__(self) -> str:
        gates, people = ", ".join(self.gates) or "approvals", " and ".join((self.asked_by, *self.confirmed_by))
        return f"moved by override of {gates}: {people}: {self.why} (ledger entry {self.seq})"


def held_back(verdicts: Collection[Verdict]) -> dict[str, str]:
    """The gates that an override of these verdicts sets aside, with what each says."""
    return {one.gate: str(one.result) for one in verdicts if one.result is not Result.PASS and one.gate != REPLACED}


def beyond_override(verdicts: Collection[Verdict]) -> tuple[str, ...]:
    """Why these verdicts cannot be overridden, as sentences; empty where they can."""
    return tuple(
        f"{gate} is never overridden: {NEVER.get(gate.partition(' ')[0], 'it weighs no evidence')}"
        for gate in sorted(held_back(verdicts).keys() - OVERRIDABLE)
    )


def is_same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: case and white space around them make no second one."""
    return one.strip().casefold() == other.strip().casefold()


def missing(
    ask: Ask | None,
    given: Collection[Confirmation],
    verdicts: Collection[Verdict],
    *,
    who: str,
    approvers: Collection[str],
    needed: int,
    mark: str,
    now: float,
) -> tuple[str, ...]:
    """What a move by override still lacks, as sentences; empty where it may be made.

    Args:
        ask: what was asked last for this rollout.
        given: its confirmations.
        verdicts: what the gates say now.
        who: who moves.
        approvers: who may confirm.
        needed: how many approvals the plan asks for.
        mark: what approvals stand under now.
        now: seconds since the epoch.
    """
    if ask is None:
        return ("nobody asked for this override",)
    lacks = list(beyond_override(verdicts)) + list(gone_stale(ask, verdicts, mark, now))
    if not is_same_person(ask.who, who):
        lacks.append(f"{ask.who} asked for it, and only {ask.who} may move on it")
    count, enough = len(confirmers(ask, given, approvers, mark)), max(1, needed)
    if count < enough:
        lacks.append(f"{count} of {enough} confirmations by approvers other than {ask.who}")
    return tuple(lacks)


def gone_stale(ask: Ask, verdicts: Collection[Verdict], mark: str, now: float) -> tuple[str, ...]:
    """Why an ask stands no more, as sentences; empty where it does."""
    lacks = []
    if not 0 <= now - ask.at <= ASKED_FOR_S:
        lacks.append(f"it was asked more than {ASKED_FOR_S / 3600:.0f} h ago")
    if ask.stands_under != mark:
        lacks.append("it was asked on other evidence or under other gates")
    for gate, says in sorted(held_back(verdicts).items()):
        if ask.gates.get(gate) != says:
            lacks.append(f"{gate} said {ask.gates.get(gate, Result.PASS)} when it was asked, and says {says} now")
    return tuple(lacks)


def confirmers(
    ask: Ask, given: Collection[Confirmation], approvers: Collection[str], mark: str
) -> dict[str, Confirmation]:
    """The confirmations that count, by person: approvers', none of them who asked, on the present evidence."""
    return {
        one.who.strip().casefold(): one
        for one in given
        if one.ask == ask.seq
        and one.stands_under == mark
        and not is_same_person(one.who, ask.who)
        and any(is_same_person(one.who, name) for name in approvers)
    }
