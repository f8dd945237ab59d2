"""A rollback on purpose: back, forward again within its bound, measured; and staying back where anything is odd."""

from collections.abc import Callable

import orjson
import pytest

from strangler.errors import Refused
from strangler.evidence import Builds
from strangler.exchange import OutcomeKind
from strangler.ledger import EntryKind
from strangler.people import GUARD
from strangler.rehearsal import Followed, Rehearsal, engines
from strangler.rollout import rollout_from
from strangler.stages import Effect
from tests.unit.strangler.room import OP, PLAN, WRITE, Room, published, read

LIVE = read(shadow=90, live=10)


class Engine:
    """An engine that follows what is published ``takes`` looks later, and tells it."""

    def __init__(self, room: Room, takes: int = 3) -> None:
        self.room = room
        self.left = self.takes = takes
        self.on_look: Callable[[], object] = lambda: None
        self.tell()

    def tell(self) -> None:
        told = {"at": self.room.now, "table": {"seq": published(self.room)["seq"]}}
        (self.room.state.path / "engine-1.json").write_bytes(orjson.dumps(told))

    def sleep(self, seconds: float) -> None:
        """A look later."""
        self.room.now += seconds
        self.on_look()
        self.left -= 1
        if self.left <= 0:
            self.tell()
            self.left = self.takes


def live(room: Room) -> None:
    room.cutover.move(OP, read(shadow=100), "olu", "begin")
    room.earn(LIVE)
    room.cutover.move(OP, LIVE, "olu", "earned")


def rehearsal(room: Room, sleep: Callable[[float], None]) -> Rehearsal:
    return Rehearsal(PLAN, room.cutover, room.state, lambda: room.now, sleep)


def kinds(room: Room) -> list[EntryKind]:
    return [entry.kind for entry in room.ledger.entries()]


def test_rehearsal_goes_back_and_forward_and_measures_the_engines(room: Room) -> None:
    live(room)
    done = rehearsal(room, Engine(room).sleep).rehearse(OP, "olu", "once a month", 30.0)
    assert (done.followed_back, done.followed_forward) == (Followed(1, 0, 0.15), Followed(1, 0, 0.15))
    assert kinds(room)[-3:] == [EntryKind.ROLLBACK, EntryKind.ROLLOUT, EntryKind.REHEARSAL]
    assert (room.another().rollouts()[OP], done.reasons) == (LIVE, ())
    kept = room.another().rehearsal(OP)
    assert kept is not None
    assert (kept.body["back"], kept.body["forward"], kept.body["took_s"]) == (done.back.seq, done.back.seq + 1, 0.3)


def test_rehearsal_without_an_engine_says_so(room: Room) -> None:
    live(room)
    assert rehearsal(room, lambda _: None).rehearse(OP, "olu", "x", 30.0).followed_back == Followed(0, 0, None)


def test_rehearsal_stays_back_where_an_engine_does_not_follow(room: Room) -> None:
    live(room)
    done = rehearsal(room, Engine(room, takes=10_000).sleep).rehearse(OP, "olu", "x", 4.0)
    assert (done.forward, done.reasons) == (None, ("1 of 1 engines did not follow in time",))
    assert room.another().rollouts()[OP] == read(shadow=100)
    assert kinds(room)[-2:] == [EntryKind.ROLLBACK, EntryKind.REHEARSAL]


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (lambda room: room.cutover.hold(None, "ana", "stop"), "hold: HOLD: everything is held on old: ana: stop"),
        (lambda room: room.cutover.move(OP, read(off=50, shadow=50), "olu", "less"), "somebody else decided first"),
        (lambda room: room.compare(90, OutcomeKind.MISMATCH, prefix="bad"), "parity: HOLD"),
    ],
)
def test_rehearsal_stays_back_where_anything_happens_on_the_way(
    room: Room, happens: Callable[[Room], object], told: str
) -> None:
    live(room)
    engine = Engine(room)
    happened: list[object] = []
    engine.on_look = lambda: happened or happened.append(happens(room) or True)
    done = rehearsal(room, engine.sleep).rehearse(OP, "olu", "x", 30.0)
    assert done.forward is None
    assert told in done.reasons[0]
    assert room.another().rollouts()[OP] != LIVE


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda room: room.cutover.rollback(OP, "olu", "off"), "there is nothing to take back"),
        (lambda room: room.cutover.note_builds(OP, Builds("old-1", "new-2")), "parity: STALE"),
        (lambda room: room.cutover.hold(None, "ana", "stop"), "hold: HOLD"),
        (
            lambda room: room.cutover.ask_schedule(OP, (read(live=100),), "olu", "x", pause_s=60.0),
            "a schedule runs",
        ),
    ],
)
def test_rehearsal_is_refused_before_anything_moves(room: Room, prepare: Callable[[Room], object], told: str) -> None:
    live(room)
    prepare(room)
    before = kinds(room)
    with pytest.raises(Refused) as refused:
        rehearsal(room, Engine(room).sleep).rehearse(OP, "olu", "x", 30.0)
    assert told in str(refused.value)
    assert kinds(room) == before


def test_rehearsal_needs_an_operator(room: Room) -> None:
    live(room)
    with pytest.raises(Refused, match="ana may not rehearse"):
        rehearsal(room, Engine(room).sleep).rehearse(OP, "ana", "x", 30.0)


def test_rehearsal_bounces_no_writes(room: Room) -> None:
    body = {"operation": WRITE, "before": {"shadow": "100"}, "after": {"live": "100"}}
    room.ledger.append(EntryKind.ROLLOUT, "olu", body, now=room.now)
    (told,) = rehearsal(room, lambda _: None).against(WRITE, "olu")
    assert told.startswith("it writes")
    assert rehearsal(room, lambda _: None).target(WRITE) == rollout_from({"shadow": 100}, Effect.WRITE)


def test_nothing_but_the_rehearsed_rollback_comes_forward_again(room: Room) -> None:
    live(room)
    entry = room.cutover.rollback(OP, GUARD, "it fails")
    with pytest.raises(Refused, match="by somebody else"):
        room.cutover.come_forward_again(OP, LIVE, "olu", entry)
    with pytest.raises(Refused, match="from another rollout"):
        room.cutover.come_forward_again(OP, read(live=100), GUARD, entry)
    with pytest.raises(Refused, match="no rollback"):
        room.cutover.come_forward_again(OP, LIVE, "olu", room.ledger.entries()[0])


def test_engines_that_are_silent_or_damaged_are_not_waited_for(room: Room) -> None:
    for name, content in (
        ("1", {"at": 100.0, "table": {"seq": 4}}),
        ("2", {"at": 90.0, "table": {"seq": 3}}),
        ("3", {"at": 100.0}),
        ("4", []),
    ):
        (room.state.path / f"engine-{name}.json").write_bytes(orjson.dumps(content))
    (room.state.path / "engine-5.json").write_text("{half")
    assert engines(room.state, 101.0) == [4]
