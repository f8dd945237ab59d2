"""Who answers one request, who is asked after, and why. Pure: the table and the request are all it reads."""

from typing import NamedTuple

from proxy.decide.entry import Entry
from proxy.decide.reading import Reading
from proxy.decide.table import Move, Table
from strangler.exchange import Request
from strangler.rollout import bucket, stage_for
from strangler.stages import Effect, Side, Stage


class Decision(NamedTuple):
    """What to do with one request.

    Attributes:
        operation: ``None`` where no operation matches; the request then goes to the system that ``serves`` its path.
        stage: the stage the request is treated by; ``off`` where it is held, has no key or matches nothing.
        answers, asked: the side the caller hears, and the side to be asked for comparison afterwards, if any.
        upstream, asked_upstream: base URLs, to which the caller's target is appended. ``upstream`` is ``None`` where
            nobody serves the path: answer 404.
        system: the answering system's name in the plan.
        entry: digest of the operation's plan entry; empty where no operation matches.
        timeout_s: longest wait for the answering system, in seconds.
        reason: why, as a sentence without the key or any other personal value.
        idempotency_header: the header that carries a write's idempotency key to the new side.
        via_gateway: whether ``upstream`` is the gateway.
        unmatched, keyless, held: no operation matches; the key is needed and absent; the kill switch decided.
        unparsable: the key is absent because the body that holds it does not parse.
        alarm: an operation in ``complete`` reached the old system.
        bucket: the key's bucket, 0 to 999,999.
    """

    operation: str | None
    effect: Effect
    key: str | None
    cohort: str | None
    stage: Stage
    answers: Side
    asked: Side | None
    upstream: str | None
    asked_upstream: str | None
    system: str | None
    entry: str
    timeout_s: float
    reason: str
    idempotency_header: str | None = None
    via_gateway: bool = False
    unmatched: bool = False
    keyless: bool = False
    held: bool = False
    alarm: bool = False
    bucket: int | None = None
    unparsable: bool = False


class Placement(NamedTuple):
    """A request's stage within its operation's rollout, and why."""

    stage: Stage
    reason: str
    bucket: int | None = None
    keyless: bool = False
    held: bool = False
    alarm: bool = False


_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def needs_body(table: Table, head: Request) -> bool:
    """Whether the body must be read before ``decide``: for a match or for the key. ``head.body`` is not looked at."""
    for entry in table.index.candidates(Reading(head)):
        if entry.body:
            return True
        return entry.key is not None and entry.key.is_in_body
    return False


def decide(table: Table, request: Request) -> Decision:
    """Decide one request. Never raises for anything a caller can send."""
    reading = Reading(request)
    entry = find(table, reading)
    if entry is None:
        return _unmatched(table, reading)
    key = entry.key.read(reading) if entry.key is not None else None
    placement = place(table, entry, key, reading.complaint)
    return _decision(entry, key, placement, unparsable=placement.keyless and reading.is_unparsable)


def find(table: Table, reading: Reading) -> Entry | None:
    """The operation a request is."""
    for entry in table.index.candidates(reading):
        if not entry.body or entry.is_body(reading):
            return entry
    return None


def place(table: Table, entry: Entry, key: str | None, complaint: str = "") -> Placement:
    """The stage of a key. ``complaint`` is why there is no key, where that is known."""
    move = table.move(entry.name)
    key_bucket = bucket(key, entry.seed) if key is not None else None
    if table.is_held(entry.name):
        alarm = _would_complete(move, key_bucket)
        return Placement(Stage.OFF, "held: everything goes to old", key_bucket, held=True, alarm=alarm)
    if move.sole is not None and (key is not None or entry.key is None):
        return Placement(move.sole, "every key " + entry.course(move.sole).in_stage, key_bucket)
    if key_bucket is not None:
        stage = stage_for(move.limits, key_bucket)
        return Placement(stage, f"bucket {key_bucket} of 1000000 {entry.course(stage).in_stage}", key_bucket)
    if entry.key is None:
        why = "the plan names no key, and the rollout has several stages"
    else:
        why = f"no key at {entry.key.place}" + (f": {complaint}" if complaint else "")
    return Placement(Stage.OFF, f"{why}: goes to old", keyless=True, alarm=move.has_complete)


def _would_complete(move: Move, key_bucket: int | None) -> bool:
    if key_bucket is None:
        return move.has_complete
    return move.has_complete and stage_for(move.limits, key_bucket) is Stage.COMPLETE


def _decision(entry: Entry, key: str | None, placement: Placement, *, unparsable: bool) -> Decision:
    course = entry.course(placement.stage)
    answering = course.upstream
    return Decision(
        entry.name,
        entry.effect,
        key,
        None,
        course.stage,
        course.answers,
        course.asked,
        answering.url,
        course.asked_upstream,
        answering.system,
        entry.digest,
        answering.timeout_s,
        placement.reason,
        entry.idempotency_header,
        answering.via_gateway,
        False,
        placement.keyless,
        placement.held,
        placement.alarm,
        placement.bucket,
        unparsable,
    )


def _unmatched(table: Table, reading: Reading) -> Decision:
    upstream = None
    reason = "no operation matches, and no system serves this path"
    for prefix, candidate in table.serves:
        if reading.path == prefix or reading.path.startswith(prefix.rstrip("/") + "/"):
            upstream = candidate
            reason = f"no operation matches; {candidate.system} serves {prefix}"
            break
    else:
        nearest = table.index.nearest(reading)
        if nearest is not None:
            reason += f"; the nearest operation is {nearest.name} ({nearest.path_condition.says})"
    return Decision(
        operation=None,
        effect=Effect.READ if reading.method in _READING_METHODS else Effect.WRITE,
        key=None,
        cohort=None,
        stage=Stage.OFF,
        answers=Side.OLD,
        asked=None,
        upstream=upstream.url if upstream else None,
        asked_upstream=None,
        system=upstream.system if upstream else None,
        entry="",
        timeout_s=upstream.timeout_s if upstream else 0.0,
        reason=reason,
        unmatched=True,
    )
