import asyncio
from dataclasses import dataclass, field, replace

import pytest

from parity_checks.coverage.model import Contract, NoContract, finished
from parity_checks.coverage.watch import LARGE_BODY, LARGE_SPARSE, LOOKS, MOST_SPARSE, Watch
from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Judged, Observation, Outcome, OutcomeKind, Reason, Request
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage

SYSTEM = {"department": "d", "speaks": "http", "url": "http://x"}
PLAN = Plan.model_validate(
    {
        "version": 1,
        "programme": "p",
        "systems": {"a": {**SYSTEM, "openapi": "a.yaml"}, "b": SYSTEM},
        "operations": {
            "x.get": {"effect": "read", "match": {"path": {"value": "/x"}}, "old": "a", "new": "b"},
            "y.get": {"effect": "read", "match": {"path": {"value": "/y"}}, "old": "b", "new": "a"},
        },
    }
)
CONTRACT = finished(Contract("a.yaml", "http", answers={"200": None, "404": None}))


@dataclass
class Stored:
    """What was expected, as a journal would be told."""

    expected: dict[str, tuple[frozenset[str], str, str]] = field(default_factory=dict)

    def expect(
        self, operation: str, entry: str, items: frozenset[str], *, source: str, trouble: str, now: float
    ) -> None:
        self.expected[operation] = (items, source, trouble)


@dataclass
class Source:
    """Gives contracts, or refuses a number of times."""

    refusals: int = 0
    reads: int = 0

    def named(self, operation: str) -> str:
        return "a.yaml" if operation == "x.get" else ""

    def contract(self, operation: str) -> Contract:
        self.reads += 1
        if self.reads <= self.refusals:
            raise NoContract("nobody answers", may_pass=True)
        return CONTRACT


def exchange(status: int = 200, side: Side = Side.OLD) -> Exchange:
    return Exchange(
        id="1",
        operation="x.get",
        effect=Effect.READ,
        key=None,
        cohort=None,
        stage=Stage.SHADOW,
        request=Request("GET", "/x"),
        answer=Observation(side, status),
        asked=side.other,
        entry=entry_digest(PLAN, "x.get"),
        at=0.0,
    )


def judged(kind: OutcomeKind = OutcomeKind.MATCH, fingerprint: str = "f") -> Judged:
    reason = Reason.OLD_FAILED if kind is OutcomeKind.NOT_COMPARED else None
    return Judged("1", Outcome(kind, fingerprint, "i", reason))


def watch() -> Watch:
    made = Watch(Stored())
    made.read(PLAN, Source())
    return made


def test_contracts_are_stored_for_operations_that_have_one() -> None:
    store = Stored()
    Watch(store).read(PLAN, Source())
    assert store.expected == {"x.get": (CONTRACT.items, "a.yaml", "")}


def test_contract_that_cannot_be_read_is_stored_with_what_is_wrong() -> None:
    store = Stored()
    assert Watch(store).read(PLAN, Source(refusals=1)) == {"x.get"}
    assert store.expected == {"x.get": (frozenset(), "a.yaml", "nobody answers")}


def test_operation_with_a_gate_and_no_contract_is_told_why_it_has_no_data() -> None:
    entry = PLAN.operations["x.get"]
    gated = entry.model_copy(update={"gates": entry.gates.model_validate({"coverage": {}})})
    plan = PLAN.model_copy(update={"operations": {"z.get": gated}})
    store = Stored()
    assert Watch(store).read(plan, Source(refusals=1)) == {"z.get"}
    assert store.expected == {"z.get": (frozenset(), "", "nobody answers")}


def test_item_is_given_once_under_each_fingerprint() -> None:
    seen = watch()
    first = seen.shown(exchange(), judged())
    again = seen.shown(exchange(), judged())
    elsewhere = seen.shown(exchange(), judged(fingerprint="g"))
    assert [found.covered for found in (first, again, elsewhere)] == [{"status 200"}, set(), {"status 200"}]


@pytest.mark.parametrize("kind", [OutcomeKind.NOT_COMPARED, OutcomeKind.NEW_FAILED])
def test_exchange_that_was_not_compared_shows_nothing(kind: OutcomeKind) -> None:
    assert watch().shown(exchange(), judged(kind)).covered == frozenset()


def test_exchange_that_new_answered_shows_what_old_said_when_asked() -> None:
    observed = replace(judged(), observations=(Observation(Side.OLD, 404),))
    assert watch().shown(exchange(200, Side.NEW), observed).covered == {"status 404"}


def test_exchange_of_another_entry_shows_nothing() -> None:
    assert watch().shown(replace(exchange(), entry="another"), judged()).covered == frozenset()


def test_looking_becomes_sparse_while_nothing_new_comes_and_eager_once_it_does() -> None:
    seen = watch()
    for _ in range(20 * LOOKS):
        seen.shown(exchange(), judged())
    late = [bool(seen.shown(exchange(404), judged()).covered) for _ in range(MOST_SPARSE)]
    assert late.count(True) == 1


def test_large_bodies_are_looked_at_now_and_then() -> None:
    seen = watch()
    large = replace(exchange(404), answer=replace(exchange(404).answer, body=b" " * (LARGE_BODY + 1)))
    assert seen.shown(large, judged()).covered == {"status 404"}
    other = replace(large, answer=replace(large.answer, status=200))
    found = [bool(seen.shown(other, judged()).covered) for _ in range(LARGE_SPARSE)]
    assert found == [False] * (LARGE_SPARSE - 1) + [True]


async def test_contract_that_nobody_gave_is_read_again_until_it_comes() -> None:
    store, source = Stored(), Source(refusals=2)
    seen = Watch(store)
    following = seen.follow(lambda: PLAN, lambda _: source, look_every_s=0.01, try_again_s=(0.01, 0.02))
    task = asyncio.create_task(following)
    async with asyncio.timeout(10):
        while store.expected.get("x.get", (None, "", "?"))[2]:  # noqa: ASYNC110  it is another thread that stores
            await asyncio.sleep(0.01)
    task.cancel()
    assert seen.shown(exchange(), judged()).covered == {"status 200"}


def test_contract_that_does_not_come_again_is_what_it_was() -> None:
    store = Stored()
    seen = Watch(store)
    seen.read(PLAN, Source())
    assert seen.read(PLAN, Source(refusals=1)) == {"x.get"}
    assert seen.shown(exchange(), judged()).covered == {"status 200"}
    assert store.expected["x.get"] == (frozenset(), "a.yaml", "nobody answers")


async def test_source_that_breaks_does_not_end_the_following() -> None:
    def broken(_: Plan) -> Source:
        raise KeyError("nonsense")

    seen = Watch(Stored())
    following = seen.follow(lambda: PLAN, broken, look_every_s=0.01, try_again_s=(0.01, 0.02))
    task = asyncio.create_task(following)
    async with asyncio.timeout(10):
        while seen.faults < 2:  # noqa: ASYNC110  it is another thread that counts
            await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()
