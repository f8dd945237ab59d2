"""One cluster of differences as people see it: masked, with what was said of it and what may have caused it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from parity_checks.causes import Cause, likely_cause
from parity_checks.mask import mask_at
from parity_checks.report.highlight import Piece, pieces
from parity_checks.report.rule_text import rule_text
from strangler.journal import Finding
from strangler.journal.findings import MOST_SAMPLES
from strangler.ledger import Entry, EntryKind
from strangler.plan.comparison import Rule
from strangler.plan.rule_paths import Path as RulePath
from strangler.plan.rule_paths import is_at

MOST_CHARACTERS: Final = 300
"""Most characters of a value that a report shows."""


class Standing(StrEnum):
    """What people have said about a finding."""

    OPEN = "open"
    ACCEPTED = "accepted"
    OLD_IS_WRONG = "old is wrong"
    NEW_IS_WRONG = "new is wrong"
    """Somebody said that it is a defect: it counts until it is gone."""
    LAPSED = "no longer accepted"
    """Accepted once; its day is past, or it is seen more often than was accepted: it counts again."""

    @property
    def counts(self) -> bool:
        """Whether it counts against the parity gate."""
        return self not in {Standing.ACCEPTED, Standing.OLD_IS_WRONG}


@dataclass(frozen=True, slots=True)
class FindingView:
    """One cluster of differences, masked. ``share`` is its part of the operation's judged exchanges, 0 to 1.

    ``example`` is the smallest exchange that shows it. ``cause`` says in words what may be behind it, ``rule`` is the
    line for the plan that would make all of it equal; both are empty where nothing can be told.
    """

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
    cause: str = ""
    rule: str = ""
    old_pieces: tuple[Piece, ...] = field(default=(), repr=False)
    new_pieces: tuple[Piece, ...] = field(default=(), repr=False)

    @property
    def has_same_shape(self) -> bool:
        """Whether masking made both values look alike."""
        return self.old is not None and self.old == self.new


def finding_view(  # noqa: PLR0917  what one view is made of
    finding: Finding,
    show: tuple[RulePath, ...],
    total: int,
    said: Entry | None,
    holding: frozenset[str],
    rules: Sequence[Rule] = (),
) -> FindingView:
    """One finding, ready to be shown.

    Args:
        finding: the finding, with clear values.
        show: the plan's paths whose values may be shown.
        total: how many exchanges were judged under the present evidence; 0 where its share means nothing.
        said: the last acceptance or rejection of it, if any.
        holding: the accepted signatures that hold now.
        rules: the plan's rules: a code that their tables lack is told as such.
    """
    old, new = (_masked(value, finding.general_path, show) for value in (finding.old, finding.new))
    old_pieces, new_pieces = pieces(finding.old or "", finding.new or "", old or "", new or "")
    body: Mapping[str, object] = said.body if said else {}
    cause = cause_of(finding, show, rules)
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
        first_at=time_text(finding.first_at) or "",
        last_at=time_text(finding.last_at) or "",
        old=old,
        new=new,
        standing=_standing(finding, said, holding),
        owner=str(body.get("owner", said.who if said else "")),
        why=str(body.get("why", "")),
        until=str(body.get("until", "")),
        cause=cause.words if cause else "",
        rule=rule_text(cause.rule) if cause and cause.rule else "",
        old_pieces=old_pieces,
        new_pieces=new_pieces,
    )


def cause_of(finding: Finding, show: tuple[RulePath, ...], rules: Sequence[Rule] = ()) -> Cause | None:
    """What may be behind a finding, as far as its values tell; ``None`` where they do not.

    Codes are values: they are told only where the plan shows values at this path.
    """
    values = finding.samples or ((finding.old, finding.new),)
    if len(values) < MOST_SAMPLES and finding.count >= 3 * len(values):
        values = values * 3  # samples are distinct, and these are all there are: so they come again
    cause = likely_cause(finding.kind, finding.general_path, values, paths=(finding.example_path,), rules=rules)
    is_shown = any(is_at(path, finding.general_path) for path in show)
    if cause is None or cause.rule is None or "table" not in cause.rule or is_shown:
        return cause
    return Cause("the two sides use other codes; to see them, name this path under 'show' in the plan")


def _masked(value: str | None, path: str, show: tuple[RulePath, ...]) -> str | None:
    masked = mask_at(value, path, show)
    if masked is None or len(masked) <= MOST_CHARACTERS:
        return masked
    return masked[:MOST_CHARACTERS] + "…"


def _standing(finding: Finding, said: Entry | None, holding: frozenset[str]) -> Standing:
    if said is None:
        return Standing.OPEN
    if said.kind is EntryKind.REJECTION:
        return Standing.NEW_IS_WRONG
    if finding.signature not in holding:
        return Standing.LAPSED
    return Standing.OLD_IS_WRONG if said.body.get("verdict") == "old_is_wrong" else Standing.ACCEPTED


def time_text(at: float | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
