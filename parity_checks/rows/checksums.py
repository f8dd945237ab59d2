"""Finds candidates by counts and sums of hashes: only pieces that differ are looked at more closely.

Many pieces are summed by one statement, so that a difference costs no round trip of its own: one statement for each
quarter of a million rows gives the sums of a thousand pieces, one more gives the hashes of all rows in the pieces that
differ. Where most pieces differ, their rows are read and merged instead.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from parity_checks.rows.findings import Key
from parity_checks.rows.merge import unlike_lines
from parity_checks.rows.progress import Position
from parity_checks.rows.statements import Range
from parity_checks.rows.streams import Step, merged_lists
from parity_checks.rows.work import Strategy
from strangler.errors import UsageError
from strangler.stages import Side as Which

if TYPE_CHECKING:
    from parity_checks.rows.reconcile import Reconciliation

PIECE_ROWS = 256
"""Rows that one sum is about, where keys are spread evenly."""
_HEAVY_ROWS = 16 * PIECE_ROWS
"""A piece with more rows is summed again in smaller pieces."""
_SPLIT = 64
_RANGES = 200
"""Ranges that one statement names."""
_MOST_BUCKETS = 65_536
_BUCKETS = 2_000
"""Buckets that one statement names."""

Sums = dict[int, tuple[int, int]]


def by_range(owner: "Reconciliation", position: Position, total: int) -> Iterator[Step]:
    """Go through the keys, some at a time, one statement ahead.

    Args:
        owner: the reconciliation.
        position: what is done already.
        total: about how many rows there are.
    """
    span = _span(owner)
    if span is None:
        return
    is_checksum = owner.work.strategy is Strategy.CHECKSUM_RANGES
    rows = _chunk_rows(owner, is_checksum=is_checksum)
    width = max(1, min(span.high - span.low, (span.high - span.low) * rows // max(total, 1)))
    start = span.low if position.next is None else max(span.low, position.next)
    chunks = [Range(low, min(low + width, span.high)) for low in range(start, span.high, width)]
    piece = max(1, width * PIECE_ROWS // rows)
    ahead: list[Any] = []
    for index, chunk in enumerate(chunks):
        if not ahead:
            ahead = _asked(owner, chunk, piece, is_checksum=is_checksum)
        current, following = ahead, chunks[index + 1 : index + 2]
        ahead = _asked(owner, following[0], piece, is_checksum=is_checksum) if following else []
        old, new = (future.result() for future in current)
        step = _summed(owner, chunk, piece, old, new) if is_checksum else _read(owner, old, new)
        yield Step(step.candidates, step.old_rows, step.new_rows, Position(next=chunk.high))


def _chunk_rows(owner: "Reconciliation", *, is_checksum: bool) -> int:
    from parity_checks.rows.reconcile import CHUNK_ROWS, MERGED_ROWS

    rows = CHUNK_ROWS if is_checksum else MERGED_ROWS
    return rows if owner.limits.rows_per_s is None else max(PIECE_ROWS, min(rows, int(owner.limits.rows_per_s)))


def _span(owner: "Reconciliation") -> Range | None:
    """From the least key of either side to the greatest; ``None`` where both are empty."""
    asked = [owner.ask(which, owner.sides[which].run, owner.statements[which].bounds()) for which in Which]
    ends = [value for future in asked for value in future.result()[0] if value is not None]
    if not ends:
        return None
    try:
        return Range(min(map(int, ends)), max(map(int, ends)) + 1)
    except ValueError as error:
        raise UsageError(f"{owner.work.key[0].old.name} is a whole number by its type, but not all are") from error


def _asked(owner: "Reconciliation", chunk: Range, piece: int, *, is_checksum: bool) -> list["Future[Any]"]:
    if is_checksum:
        return [owner.ask(which, _sums, owner, which, chunk, piece) for which in Which]
    if owner.reads_lines:
        return [owner.ask(which, _lines, owner, which, chunk) for which in Which]
    return [owner.ask(which, owner.sides[which].run, owner.statements[which].rows(chunk)) for which in Which]


def _sums(owner: "Reconciliation", which: Which, keys: Range, piece: int) -> Sums:
    rows = owner.sides[which].run(owner.statements[which].sums(keys, piece))
    return {int(number): (int(count), int(total)) for number, count, total in rows}


def _lines(owner: "Reconciliation", which: Which, keys: Range) -> list[str]:
    return [row[0] for row in owner.sides[which].run(owner.statements[which].lines(keys))]


def _read(owner: "Reconciliation", old: list[Any], new: list[Any]) -> Step:
    if owner.reads_lines:
        return Step(unlike_lines(old, new), len(old), len(new), None)
    return Step(merged_lists(owner, old, new), len(old), len(new), None)


def _summed(owner: "Reconciliation", keys: Range, piece: int, old: Sums, new: Sums) -> Step:
    """Look more closely at the pieces of these keys whose sums differ."""
    rows = [sum(count for count, _ in sums.values()) for sums in (old, new)]
    differing = sorted(number for number in old.keys() | new.keys() if old.get(number) != new.get(number))
    heavy: list[tuple[Range, int]] = []
    light: list[tuple[Range, int]] = []
    for number in differing:
        low = keys.low + number * piece
        count = max(old.get(number, (0, 0))[0], new.get(number, (0, 0))[0])
        part = Range(low, min(low + piece, keys.high))
        (heavy if count > _HEAVY_ROWS and piece > 1 else light).append((part, count))
    candidates: list[Key] = []
    if sum(count for _, count in light) * 2 > max(rows) and max(rows) > _HEAVY_ROWS:
        candidates += _merged_ranges(owner, [part for part, _ in light])
    else:
        candidates += _unlike_hashes(owner, _joined([part for part, _ in light]))
    for part, _ in heavy:
        smaller = max(1, -(-(part.high - part.low) // _SPLIT))
        parts = [owner.ask(which, _sums, owner, which, part, smaller) for which in Which]
        candidates += _summed(owner, part, smaller, *(future.result() for future in parts)).candidates
    return Step(candidates, rows[0], rows[1], None)


def _joined(parts: Sequence[Range]) -> list[Range]:
    """Ranges that touch are one."""
    found: list[Range] = []
    for part in parts:
        if found and found[-1].high == part.low:
            found[-1] = Range(found[-1].low, part.high)
        else:
            found.append(part)
    return found


def _merged_ranges(owner: "Reconciliation", parts: Sequence[Range]) -> list[Key]:
    """Read all rows of these ranges: cheaper than hashes first where most of them differ."""
    found: list[Key] = []
    for part in parts:
        asked = [owner.ask(which, owner.sides[which].run, owner.statements[which].rows(part)) for which in Which]
        found += merged_lists(owner, *(future.result() for future in asked))
    return found


def _unlike_hashes(owner: "Reconciliation", ranges: Sequence[Range]) -> list[Key]:
    found: list[Key] = []
    for start in range(0, len(ranges), _RANGES):
        some = ranges[start : start + _RANGES]
        asked = [owner.ask(which, owner.sides[which].run, owner.statements[which].hashes(some)) for which in Which]
        found += _unlike(*(future.result() for future in asked))
    return found


def _unlike(old: Sequence[tuple[Any, ...]], new: Sequence[tuple[Any, ...]]) -> list[Key]:
    """The keys whose rows have other hashes, or are on one side only; the hash is each row's last column."""
    return sorted({row[:-1] for row in set(old) ^ set(new)})


def by_bucket(owner: "Reconciliation", position: Position, total: int) -> Iterator[Step]:
    """For keys that are no number: buckets by a hash of the key, whatever the databases' collations are."""
    buckets, chosen = position.buckets, position.chosen
    rows = [0, 0]
    if chosen is None:
        buckets = min(_MOST_BUCKETS, max(1, 1 << max(0, (total // PIECE_ROWS)).bit_length()))
        asked = [owner.ask(which, _bucket_sums, owner, which, buckets) for which in Which]
        old, new = (future.result() for future in asked)
        rows = [sum(count for count, _ in sums.values()) for sums in (old, new)]
        chosen = sorted(number for number in old.keys() | new.keys() if old.get(number) != new.get(number))
        yield Step([], rows[0], rows[1], Position(buckets=buckets, chosen=chosen))
    while chosen:
        some, chosen = chosen[:_BUCKETS], chosen[_BUCKETS:]
        asked_hashes = [
            owner.ask(which, owner.sides[which].run, owner.statements[which].bucket_hashes(buckets, some))
            for which in Which
        ]
        candidates = _unlike(*(future.result() for future in asked_hashes))
        yield Step(candidates, 0, 0, Position(buckets=buckets, chosen=chosen))


def _bucket_sums(owner: "Reconciliation", which: Which, buckets: int) -> Sums:
    rows = owner.sides[which].run(owner.statements[which].bucket_sums(buckets))
    return {int(number): (int(count), int(total)) for number, count, total in rows}
