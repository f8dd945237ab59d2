# ruff: noqa: ASYNC110  the journal is watched from outside, as an operator would
"""Noise, races and lost writes, told apart against real servers on loopback and a real journal."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from parity_checks.ask import Worker
from parity_checks.ask.client import Client
from parity_checks.ask.entries import Entries
from strangler.evidence import NoiseEvidence, entry_digest
from strangler.exchange import DifferenceKind, Exchange, Observation, Outcome, OutcomeKind, Reason, Request
from strangler.journal import Journal
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage

JSON = (("Content-Type", "application/json"),)
_numbers = itertools.count()

Reads = Callable[[int], dict[str, Any]]
"""What a system answers to its n-th read."""


class System:
    """A system with one record: a POST writes its name, a GET reads it."""

    def __init__(self, reads: Reads | None = None, *, lag_s: float = 0.0, loses: bool = False, slow_s: float = 0.0):
        self.name = "before"
        self.reads = 0
        self.writes = 0
        self._read = reads or (lambda _: {})
        self._lag_s, self._loses, self._slow_s = lag_s, loses, slow_s
        self._shown: list[tuple[float, str]] = [(0.0, "before")]
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            self.reads += 1
            return web.json_response({"name": self.shown(), **self._read(self.reads)})
        body = await request.json()
        await asyncio.sleep(self._slow_s)
        self.writes += 1
        if not self._loses:
            self.write(body["name"])
        return web.json_response({"ok": True})

    def write(self, name: str) -> None:
        self._shown.append((time.monotonic() + self._lag_s, name))

    def shown(self) -> str:
        """What a read shows: a write only once its lag is over."""
        return [name for at, name in self._shown if at <= time.monotonic()][-1]

    def answer(self) -> Observation:
        """What a caller who reads now is answered."""
        self.reads += 1
        return heard({"name": self.shown(), **self._read(self.reads)})


def heard(document: dict[str, Any], side: Side = Side.OLD) -> Observation:
    body = web.json_response(document).body
    assert isinstance(body, bytes)
    return Observation(side, 200, JSON, body, len(body), at=time.time(), build="b")


@asynccontextmanager
async def serving(*systems: System) -> AsyncIterator[None]:
    runners = []
    for system in systems:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", system.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        system.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        runners.append(runner)
    try:
        yield
    finally:
        for runner in runners:
            await runner.cleanup()


def plan_for(old: str, new: str, **compare: Any) -> Plan:
    system = {"department": "d", "speaks": "http", "timeout_s": 2.0, "build": "b"}
    asked = {"match": {"path": {"value": "/people"}}, "old": "old", "new": "new"}
    settle = {"attempts": 2, "after_s": 0.01}
    return Plan.model_validate(
        {
            "version": 1,
            "programme": "p",
            "systems": {"old": {**system, "url": old}, "new": {**system, "url": new}},
            "operations": {
                "a.read": {"effect": "read", **asked, "compare": {"settle": settle, **compare}},
                "a.write": {
                    "effect": "write",
                    **asked,
                    "compare": {"settle": settle},
                    "writes": {"policy": "dual", "idempotency_header": "Idempotency-Key"},
                },
            },
        }
    )


def read(plan: Plan, answer: Observation, key: str | None = "k", at: float | None = None) -> Exchange:
    digest = entry_digest(plan, "a.read")
    made = answer.at if at is None else at
    asked = Request("GET", f"/people?n={next(_numbers)}")
    return Exchange(
        f"r{next(_numbers)}", "a.read", Effect.READ, key, None, Stage.SHADOW, asked, answer, Side.NEW, digest, made
    )


def write(plan: Plan, old: System, name: str, key: str = "k", at: float | None = None) -> Exchange:
    """A caller's write, made on the old side now."""
    old.write(name)
    digest = entry_digest(plan, "a.write")
    body = b'{"name":"%s"}' % name.encode()
    asked = Request("POST", "/people", JSON, body, len(body))
    answer = heard({"ok": True})
    made = answer.at if at is None else at
    return Exchange(
        f"w{next(_numbers)}", "a.write", Effect.WRITE, key, None, Stage.SHADOW, asked, answer, Side.NEW, digest, made
    )


@asynccontextmanager
async def working(plan: Plan, tmp_path: Path, name: str = "") -> AsyncIterator[Journal]:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
        stop = asyncio.Event()
        async with Client(body_bytes=plan.capture.body_bytes) as client:
            running = asyncio.ensure_future(Worker(journal, Entries(plan), client, name=name).run(stop))
            try:
                yield journal
            finally:
                stop.set()
                await running


async def outcomes(journal: Journal, exchanges: Sequence[Exchange], within_s: float = 20) -> list[Outcome]:
    async with asyncio.timeout(within_s):
        while journal.depth():
            await asyncio.sleep(0.02)
    found = [journal.exchange(one.id)[2] for one in exchanges]
    assert None not in found
    return [one for one in found if one is not None]


async def judged(plan: Plan, tmp_path: Path, *exchanges: Exchange) -> list[Outcome]:
    async with working(plan, tmp_path) as journal:
        journal.append(exchanges)
        return await outcomes(journal, exchanges)


def noisy(_: int) -> dict[str, Any]:
    names = ["ann", "bob", "cy", "di"]
    random.shuffle(names)
    return {"ticket": f"{random.getrandbits(64):016x}", "names": names, "rank": random.randint(1, 9)}


async def noise_of(tmp_path: Path, operation: str, fingerprint: str) -> NoiseEvidence:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
        return journal.noise(operation, fingerprint)


def kinds(found: Sequence[Outcome]) -> set[OutcomeKind]:
    return {one.kind for one in found}


async def test_noise_of_old_against_old_is_never_a_mismatch(tmp_path: Path) -> None:
    system = System(noisy)
    async with serving(system):
        plan = plan_for(system.url, system.url, noise={"sample": 0.3})
        found = await judged(plan, tmp_path, *[read(plan, system.answer(), f"k{n % 40}") for n in range(300)])
    assert kinds(found) == {OutcomeKind.NOISE}
    assert all(one.differences for one in found)
    noise = await noise_of(tmp_path, "a.read", found[0].fingerprint)
    assert 5 < noise.samples < 130  # not while old is busy
    assert ("$.ticket", DifferenceKind.VALUE) in {(path.general_path, path.kind) for path in noise.paths}


async def test_noise_hides_no_other_form_and_no_other_field(tmp_path: Path) -> None:
    def badly(count: int) -> dict[str, Any]:
        return {**noisy(count), "ticket": None if count % 2 else "", "rank": 40_000}

    old, new = System(noisy), System(badly)
    async with serving(old, new):
        plan = plan_for(old.url, new.url, noise={"sample": 1.0})
        found = await judged(plan, tmp_path, *[read(plan, old.answer(), f"k{n}") for n in range(60)])
    assert kinds(found) == {OutcomeKind.MISMATCH}
    paths = {difference.general_path for one in found for difference in one.differences}
    assert paths == {"$.ticket", "$.rank"}


def ticking(_: int) -> dict[str, Any]:
    return {"rows": [{"id": at, "tick": random.randint(1_000, 2_000)} for at in range(60)]}


async def test_noise_hides_nothing_among_more_differences_than_are_kept(tmp_path: Path) -> None:
    def badly(count: int) -> dict[str, Any]:
        found = ticking(count)
        found["rows"][50]["tick"] = 900_000
        return found

    old, new = System(ticking), System(badly)
    async with serving(old, new):
        plan = plan_for(old.url, new.url, noise={"sample": 0})
        (wrong,) = await judged(plan, tmp_path, read(plan, old.answer()))
        plan = plan_for(old.url, old.url, noise={"sample": 0})
        (noise,) = await judged(plan, tmp_path, read(plan, old.answer()))
    assert [(one.path, one.new) for one in wrong.differences] == [("$.rows[50].tick", "900000")]
    assert wrong.kind is OutcomeKind.MISMATCH
    assert noise.kind is OutcomeKind.NOISE


@pytest.mark.parametrize("wrong", [{"name": "another"}, {"extra": 1}])
async def test_settling_with_a_token_that_is_good_for_once_hides_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    class Once(System):
        async def handle(self, request: web.Request) -> web.StreamResponse:
            if self.reads:
                return web.json_response({"error": "token used"}, status=401)
            return await super().handle(request)

    old, new = Once(), Once(lambda _: wrong)
    async with serving(old, new):
        plan = plan_for(old.url, new.url, noise={"sample": 0})
        (outcome,) = await judged(plan, tmp_path, read(plan, old.answer()))
    assert outcome.kind is OutcomeKind.MISMATCH
    assert [one.path for one in outcome.differences] == [f"$.{name}" for name in wrong]


async def test_noise_is_not_drawn_for_writes_nor_with_a_share_of_nothing(tmp_path: Path) -> None:
    system = System()
    async with serving(system):
        plan = plan_for(system.url, system.url, noise={"sample": 0.0})
        found = await judged(plan, tmp_path, *[read(plan, system.answer()) for _ in range(20)])
        asked_before = system.reads
        every = plan_for(system.url, system.url, noise={"sample": 1.0})
        await judged(every, tmp_path, *[write(every, system, f"n{n}", f"k{n}") for n in range(5)])
    assert (await noise_of(tmp_path, "a.read", found[0].fingerprint)).samples == 0
    assert (asked_before, system.reads) == (40, 40)


async def test_noise_draw_asks_old_twice_and_keeps_what_it_saw(tmp_path: Path) -> None:
    old, new = System(), System()
    async with serving(old, new):
        plan = plan_for(old.url, new.url, noise={"sample": 1.0})
        one = read(plan, heard({"name": "before"}))
        async with working(plan, tmp_path) as journal:
            journal.append([one])
            (outcome,) = await outcomes(journal, [one])
            observations = journal.exchange(one.id)[1]
    assert (old.reads, new.reads) == (2, 1)
    assert sorted(seen.side for seen in observations) == [Side.NEW, Side.OLD, Side.OLD]
    assert (await noise_of(tmp_path, "a.read", outcome.fingerprint)) == NoiseEvidence(1, ())


async def test_noise_is_not_drawn_for_a_key_that_is_being_written(tmp_path: Path) -> None:
    old, new = System(), System()
    async with serving(old, new):
        plan = plan_for(old.url, new.url, noise={"sample": 1.0})
        before = read(plan, old.answer())
        wrote = write(plan, old, "after")
        found = await judged(plan, tmp_path, before, wrote, read(plan, old.answer()))
    assert kinds(found) == {OutcomeKind.MATCH}
    assert (await noise_of(tmp_path, "a.read", found[0].fingerprint)).samples == 0


async def test_noise_draw_is_dropped_whole_where_old_fails(tmp_path: Path) -> None:
    async def fails(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    old, new = System(), System()
    old.handle = fails  # type: ignore[method-assign]
    async with serving(old, new):
        plan = plan_for(old.url, new.url, noise={"sample": 1.0})
        found = await judged(plan, tmp_path, *[read(plan, heard({"name": "before"}), f"k{n}") for n in range(10)])
    assert kinds(found) == {OutcomeKind.MATCH}
    assert (await noise_of(tmp_path, "a.read", found[0].fingerprint)).samples == 0


async def test_lag_of_old_after_a_write_settles(tmp_path: Path) -> None:
    old, new = System(lag_s=0.3), System()
    async with serving(old, new):
        plan = plan_for(old.url, new.url, noise={"sample": 1.0}, settle={"attempts": 3, "after_s": 0.25})
        async with working(plan, tmp_path) as journal:
            pair = [write(plan, old, "after"), read(plan, old.answer())]
            journal.append(pair)
            found = await outcomes(journal, pair)
    assert [(one.kind, one.settled > 0) for one in found] == [(OutcomeKind.MATCH, False), (OutcomeKind.MATCH, True)]


async def test_lost_write_is_a_mismatch_through_every_attempt(tmp_path: Path) -> None:
    old, new = System(noisy, lag_s=0.05), System(noisy, loses=True)
    async with serving(old, new):
        plan = plan_for(old.url, new.url, noise={"sample": 1.0}, settle={"attempts": 3, "after_s": 0.05})
        async with working(plan, tmp_path) as journal:
            # What old shows of itself is well known, and includes names that change as they are written.
            known = [read(plan, old.answer(), f"q{n}") for n in range(60)]
            journal.append(known)
            assert kinds(await outcomes(journal, known)) == {OutcomeKind.NOISE}
            wrote = [write(plan, old, "after", f"k{n}") for n in range(6)]
            await asyncio.sleep(0.1)
            reads = [read(plan, old.answer(), f"k{n}") for n in range(6)]
            journal.append([*wrote, *reads])
            found = await outcomes(journal, reads)
    assert new.writes == 6
    assert kinds(found) == {OutcomeKind.MISMATCH}
    assert all("$.name" in {difference.path for difference in one.differences} for one in found)


async def test_lost_write_is_no_noise_although_old_goes_on_being_written(tmp_path: Path) -> None:
    old, new = System(), System(loses=True)
    async with serving(old, new):
        plan = plan_for(old.url, new.url, noise={"sample": 1.0}, settle={"attempts": 2, "after_s": 0.2})
        async with working(plan, tmp_path) as journal:
            every: list[Exchange] = []
            for number in range(12):
                pair = [write(plan, old, f"name {number}"), read(plan, old.answer())]
                journal.append(pair)
                every += pair
                await asyncio.sleep(0.1)
            found = [one for one in await outcomes(journal, every) if one.kind is not OutcomeKind.MATCH]
    assert found
    assert OutcomeKind.NOISE not in kinds(found)
    assert OutcomeKind.MISMATCH in kinds(found)


async def test_read_that_overtook_a_slow_write_is_no_defect(tmp_path: Path) -> None:
    old, new = System(), System(slow_s=0.8)
    async with serving(old, new):
        plan = plan_for(old.url, new.url, noise={"sample": 1.0})
        wrote = write(plan, old, "after", at=time.time() + 0.01)
        raced = read(plan, old.answer(), at=time.time())  # it began before the write, and was served after it
        found = await judged(plan, tmp_path, raced, wrote)
    assert [(one.kind, one.settled > 0) for one in found] == [(OutcomeKind.MATCH, True), (OutcomeKind.MATCH, False)]


async def test_later_write_is_no_defect_of_an_earlier_read(tmp_path: Path) -> None:
    lagging = itertools.count()
    old, new = System(), System(lambda _: {"late": next(lagging) < 1}, slow_s=0.6)
    async with serving(old, new):
        plan = plan_for(old.url, new.url)
        first = read(plan, heard({"name": "before", "late": False}))
        old._read = lambda _: {"late": False}
        wrote = write(plan, old, "after")
        found = await judged(plan, tmp_path, first, wrote)
    assert [(one.kind, one.settled > 0) for one in found] == [(OutcomeKind.MATCH, True), (OutcomeKind.MATCH, False)]


async def test_read_waits_for_the_worker_that_has_its_keys_write(tmp_path: Path) -> None:
    old, new = System(), System()
    async with serving(old, new):
        plan = plan_for(old.url, new.url)
        wrote = write(plan, old, "after")
        one = read(plan, old.answer(), at=wrote.at - 1)
        with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
            journal.append([wrote])
            journal.claim("another, that hangs", 1, 2.0, time.time())
            journal.append([one])
            # The other worker has the key: the read is only claimed once its lease is over.
            assert journal.claim("this", 10, 1.0, time.time()) == []
            assert journal.unfinished_writes("k") == [wrote.id]
        found = await judged(plan, tmp_path)
        with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
            told = journal.exchange(one.id)[2]
    assert found == []
    assert told is not None
    assert told.kind is OutcomeKind.MATCH


async def test_read_under_writes_without_end_is_counted_and_called_neither(tmp_path: Path) -> None:
    old, new = System(), System(loses=True)
    stop = asyncio.Event()

    async def keep_writing(journal: Journal, plan: Plan) -> None:
        while not stop.is_set():
            journal.append([write(plan, old, "another")])
            await asyncio.sleep(0.05)

    async with serving(old, new):
        plan = plan_for(old.url, new.url)
        async with working(plan, tmp_path) as journal:
            writing = asyncio.ensure_future(keep_writing(journal, plan))
            await asyncio.sleep(0.2)
            one = read(plan, old.answer())
            journal.append([one])
            async with asyncio.timeout(20):
                while (told := journal.exchange(one.id)[2]) is None:
                    await asyncio.sleep(0.05)
            stop.set()
            await writing
    assert (told.kind, told.reason) == (OutcomeKind.NOT_COMPARED, Reason.WRITE_UNCERTAIN)


async def test_order_of_a_key_holds_across_operations_and_workers(tmp_path: Path) -> None:
    seen: list[str] = []
    under_way: set[str] = set()

    async def slow(request: web.Request) -> web.StreamResponse:
        name = request.headers["x-strangler-exchange"]
        key = request.headers["x-key"]
        assert key not in under_way
        under_way.add(key)
        await asyncio.sleep(random.random() / 100)
        seen.append(name)
        under_way.discard(key)
        return web.json_response({"ok": True})

    new = System()
    new.handle = slow  # type: ignore[method-assign]
    async with serving(new):
        plan = plan_for("http://127.0.0.1:9", new.url, noise={"sample": 0.0})
        exchanges = []
        for number in range(120):
            key = f"k{number % 6}"
            name = ("a.write", "a.read")[number % 5 % 2]
            asked = Request("POST", "/people", (*JSON, ("x-key", key)), b"{}", 2)
            effect = plan.operations[name].effect
            digest = entry_digest(plan, name)
            at = time.time() - 10 + number / 100
            answer = heard({"ok": True})
            exchanges.append(
                Exchange(f"o{number}", name, effect, key, None, Stage.SHADOW, asked, answer, Side.NEW, digest, at)
            )
        async with working(plan, tmp_path, "one") as journal, working(plan, tmp_path, "another"):
            for start in range(0, 120, 10):
                journal.append(exchanges[start : start + 10])
                await asyncio.sleep(0.02)
            found = await outcomes(journal, exchanges)
    assert kinds(found) == {OutcomeKind.MATCH}
    for key in range(6):
        mine = [one.id for one in exchanges if one.key == f"k{key}"]
        assert [name for name in seen if name in mine] == mine
