from examples.elderly_care.story.figures import sides_by_key, sticky_violations
from strangler.exchange import Exchange, Observation, Request
from strangler.ledger import Entry, EntryKind
from strangler.stages import Effect, Side, Stage

OPERATION = "shop.get-book"


def exchange(key: str | None, side: Side, at: float) -> Exchange:
    stage = Stage.SHADOW if side is Side.OLD else Stage.LIVE
    answer = Observation(side, 200, at=at)
    return Exchange(f"{key}-{at}", OPERATION, Effect.READ, key, None, stage, Request("GET", "/"), answer, None, "e", at)


def change(kind: EntryKind, at: float) -> Entry:
    return Entry(1, at, kind, "dev", {"operation": OPERATION}, "", "")


def test_sticky_violations_are_none_where_a_rollout_moved_the_key() -> None:
    seen = [exchange("a", Side.OLD, 10.0), exchange("a", Side.NEW, 30.0)]
    assert sticky_violations(seen, [change(EntryKind.ROLLOUT, 20.0)]) == 0


def test_sticky_violations_count_a_key_that_moved_by_itself() -> None:
    seen = [exchange("a", Side.OLD, 10.0), exchange("a", Side.NEW, 30.0), exchange("b", Side.OLD, 31.0)]
    assert sticky_violations(seen, []) == 1


def test_sticky_violations_count_a_key_that_went_back_without_a_rollback() -> None:
    seen = [exchange("a", Side.NEW, 10.0), exchange("a", Side.OLD, 30.0)]
    assert sticky_violations(seen, [change(EntryKind.ROLLOUT, 20.0)]) == 1
    assert sticky_violations(seen, [change(EntryKind.ROLLBACK, 20.0)]) == 0


def test_sides_by_key_leaves_out_requests_without_a_key() -> None:
    seen = [exchange("a", Side.NEW, 1.0), exchange("a", Side.OLD, 2.0), exchange(None, Side.OLD, 3.0)]
    assert sides_by_key(seen) == {"a": {Side.NEW, Side.OLD}}
