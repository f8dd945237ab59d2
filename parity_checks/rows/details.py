"""Reads candidates' rows whole, judges them, and waits for those that may be on their way.

A row that is being written is on one side before it is on the other. So what differs is read again on both sides after
a while, and only what still differs is a finding; what does not is counted as settled. A row that goes on changing is
read a few times more.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

from parity_checks.rows.findings import Key, RowFinding, RowKind, Tally
from parity_checks.rows.statements import Statements
from parity_checks.rows.values import are_same, text_of
from parity_checks.rows.work import Work
from parity_checks.rules.known import Known
from strangler.stages import Side as Which

Whole = dict[Key, list[tuple[str | None, ...]]]
"""The rows by key: each compared column's value as text."""

BATCH = 200
"""Keys asked for in one statement."""

_MOST_WAITING = 20_000
_MOST_READS = 4


class Details:
    """Judges candidates.

    Args:
        work: the plan of work.
        ask: starts one side's read of these keys' rows; see ``rows_by_key``.
        tally: where what settled is counted.
        known: the identity map.
        in_flight_s: how long to wait before reading again.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        work: Work,
        ask: Callable[[Which, Sequence[Key]], "Future[Whole]"],
        *,
        tally: Tally,
        known: Known,
        in_flight_s: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._work, self._ask, self._tally, self._known = work, ask, tally, known
        self._in_flight_s, self._sleep = in_flight_s, sleep
        self._waiting: deque[tuple[float, int, list[RowFinding]]] = deque()
        self._count = 0
        self._unread: list[Key] = []
        self._twice: set[Key] = set()

    def judge(self, candidates: Sequence[Key]) -> Iterator[RowFinding]:
        """Read these keys' rows, a batch at a time; what differs waits, and what has waited long enough is told."""
        self._unread = list(dict.fromkeys([*self._unread, *candidates]))
        while len(self._unread) >= BATCH:
            yield from self._judge_batch()

    def finish(self) -> Iterator[RowFinding]:
        """Wait for all that is left."""
        while self._unread:
            yield from self._judge_batch()
        yield from self._due(at_most=0)

    def _judge_batch(self) -> Iterator[RowFinding]:
        batch, self._unread = self._unread[:BATCH], self._unread[BATCH:]
        self._wait_for(self._read(batch), 1)
        yield from self._due(at_most=_MOST_WAITING)

    def waiting(self) -> list[Key]:
        """The keys that are to be read, or read again."""
        return [*self._unread, *(finding.key for _, _, findings in self._waiting for finding in findings)]

    def _wait_for(self, found: list[RowFinding], reads: int) -> None:
        if found:
            self._waiting.append((time.monotonic() + self._in_flight_s, reads, found))
            self._count += len(found)

    def _due(self, at_most: int) -> Iterator[RowFinding]:
        """Read again what is due, and as much more as must go to keep no more than ``at_most`` waiting."""
        while self._waiting and (self._waiting[0][0] <= time.monotonic() or self._count > at_most):
            at, reads, before = self._waiting.popleft()
            self._count -= len(before)
            self._sleep(max(0.0, at - time.monotonic()))
            yield from self._again(before, reads)

    def _again(self, before: list[RowFinding], reads: int) -> Iterator[RowFinding]:
        now = {finding.key: finding for finding in self._read([finding.key for finding in before])}
        moving: list[RowFinding] = []
        for finding in before:
            found = now.get(finding.key)
            if found is None:
                self._tally.settled += 1
            elif found == finding or reads + 1 >= _MOST_READS:
                if found.kind is RowKind.DUPLICATE:
                    self._twice.add(found.key)
                yield found
            else:
                moving.append(found)
        self._wait_for(moving, reads + 1)

    def _read(self, keys: Sequence[Key]) -> list[RowFinding]:
        asked = [self._ask(which, keys) for which in (Which.OLD, Which.NEW)]
        old, new = (future.result() for future in asked)
        return [found for key in keys if (found := self._judged(key, old.get(key, []), new.get(key, [])))]

    def _judged(
        self, key: Key, old: list[tuple[str | None, ...]], new: list[tuple[str | None, ...]]
    ) -> RowFinding | None:
        if len(old) > 1 or len(new) > 1:
            if key in self._twice:
                return None
            return RowFinding(RowKind.DUPLICATE, key, copies=(len(old), len(new)))
        names = [pair.old.name for pair in self._work.columns]
        before = dict(zip(names, old[0], strict=True)) if old else {}
        after = dict(zip(names, new[0], strict=True)) if new else {}
        if not old or not new:
            if not old and not new:
                return None
            kind = RowKind.MISSING if old else RowKind.SURPLUS
            return RowFinding(kind, key, old=before, new=after, copies=(len(old), len(new)))
        columns = tuple(
            pair.old.name
            for pair, left, right in zip(self._work.columns, old[0], new[0], strict=True)
            if not are_same(pair.form, pair.rules, left, right, self._known)
        )
        return RowFinding(RowKind.CHANGED, key, columns, before, after) if columns else None


def rows_by_key(statements: Statements, size: int, rows: Sequence[Sequence[Any]], wanted: set[Key]) -> Whole:
    """The details' rows by key, without those that nobody asked for (a collation that folds case finds them).

    Args:
        statements: of the side that was asked.
        size: how many columns the key has.
        rows: the rows of ``Statements.details``.
        wanted: the keys that were asked for.
    """
    found: Whole = {}
    for row in rows:
        key = statements.key_of(row[:size])
        if key in wanted:
            found.setdefault(key, []).append(tuple(map(text_of, row[2 * size :])))
    return found
