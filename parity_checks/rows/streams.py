"""Finds candidates by reading every row of both sides in one order; the next rows are read while these are compared."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from parity_checks.rows.findings import Key
from parity_checks.rows.merge import Merge, Row, Unordered
from parity_checks.rows.progress import Position
from parity_checks.rows.sorting import ordered
from parity_checks.rows.statements import Statements
from parity_checks.rows.values import are_same, text_of
from parity_checks.rules.parting import may_part
from strangler.stages import Side as Which

if TYPE_CHECKING:
    from parity_checks.rows.reconcile import Reconciliation


@dataclass(frozen=True, slots=True)
class Step:
    """Some rows were compared: the keys that may differ, and where to go on from once they are judged."""

    candidates: Sequence[Key]
    old_rows: int
    new_rows: int
    position: Position | None


def merger(owner: "Reconciliation") -> Merge:
    """A merge by this plan of work."""
    pairs, known = owner.work.merged, owner.known

    def judge(old: Row, new: Row) -> bool:
        return all(
            are_same(pair.form, pair.rules, text_of(left), text_of(right), known)
            for pair, left, right in zip(pairs, old, new, strict=True)
        )

    parting = any(may_part(rule) for pair in pairs for rule in pair.rules)
    return Merge(len(owner.work.key), judge, may_part=parting)


def merged_lists(owner: "Reconciliation", old: list[Row], new: list[Row]) -> list[Key]:
    """The keys that may differ among rows that are all here."""
    return [key for found in merger(owner).candidates([old], [new]) for key in found]


def merged(owner: "Reconciliation", position: Position) -> Iterator[Step]:
    """Merge two streams, after the keys that are done."""
    after = tuple(position.after) if position.after is not None else None
    try:
        for step in _merged(owner, after):
            if step.position is not None and step.position.after is not None:
                after = tuple(step.position.after)
            yield step
    except Unordered:
        # The database orders otherwise than it was asked to: sort here, and go on from what is done.
        owner.work = replace(owner.work, sorts=frozenset(Which))
        for which, statements in owner.statements.items():
            owner.statements[which] = statements.of(owner.work)
        yield from _merged(owner, after)


def _merged(owner: "Reconciliation", after: Key | None) -> Iterator[Step]:
    merge = merger(owner)
    ahead = {which: _Ahead(owner, which, after) for which in Which}
    counted = (0, 0)
    with closing(ahead[Which.OLD]) as old, closing(ahead[Which.NEW]) as new:
        for candidates in merge.candidates(iter(old), iter(new)):
            old_rows, new_rows = merge.old_rows - counted[0], merge.new_rows - counted[1]
            counted = merge.old_rows, merge.new_rows
            position = Position(after=list(merge.done)) if merge.done is not None else None
            yield Step(candidates, old_rows, new_rows, position)


class _Ahead:
    """One side's rows, some at a time; the next ones are read on the side's own thread meanwhile."""

    def __init__(self, owner: "Reconciliation", which: Which, after: Key | None) -> None:
        self._owner, self._which = owner, which
        self._rows = _rows(owner, which, after)
        self._next = owner.ask(which, next, self._rows, None)

    def __iter__(self) -> Iterator[list[Row]]:
        while True:
            rows = self._next.result()
            if rows is None:
                return
            self._next = self._owner.ask(self._which, next, self._rows, None)
            yield rows

    def close(self) -> None:
        """Give the stream up."""
        self._owner.ask(self._which, self._rows.close).result()


def _rows(owner: "Reconciliation", which: Which, after: Key | None) -> Generator[list[Row], None, None]:
    statements, size = owner.statements[which], len(owner.work.key)
    parts = _parts(owner, which)
    chunks = _chunks(owner, which, parts)
    rows: Iterator[list[Row]] = (_made(statements, chunk) for chunk in chunks)
    if which in owner.work.sorts or parts > 1:
        rows = ordered(rows, size)
    try:
        for chunk in rows:
            left = chunk if after is None else [row for row in chunk if row[:size] > after]
            if left:
                yield left
    finally:
        chunks.close()


def _parts(owner: "Reconciliation", which: Which) -> int:
    """How many statements the side's rows are read by: one, but where its driver would keep them all in memory."""
    if not owner.sides[which].dialect.keeps_answers:
        return 1
    return 1 + owner.estimate(which) // owner.limits.kept_rows


def _chunks(owner: "Reconciliation", which: Which, parts: int) -> Generator[list[Row], None, None]:
    side, statements = owner.sides[which], owner.statements[which]
    for number in range(parts):
        yield from side.stream(statements.rows(None, (number, parts) if parts > 1 else None))


def _made(statements: Statements, chunk: list[Any]) -> list[Row]:
    return chunk if statements.makes_text else list(map(statements.made_here, chunk))
