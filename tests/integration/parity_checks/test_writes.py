"""Write policies, end to end: who gets a write, in which order, how often, and what is counted."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strangler.builds import builds_in_force
from strangler.evidence import entry_digest, fingerprint
from strangler.exchange import OutcomeKind, Reason
from strangler.stages import Side
from tests.integration.parity_checks.two_sides import JSON, Caller, Things, caller, opened, serving, work


def from_1(held: int) -> int:
    return 1 + held


SANDBOX = {"policy": "sandbox", "sandbox": "copy"}
NEVER = {"policy": "never"}
PLAIN: dict[str, Any] = {"ids": {}, "compare": {}}


def bodies(things: Things) -> list[bytes]:
    return [body for method, _, body, _ in things.seen if method == "POST"]


@pytest.mark.parametrize(
    ("writes", "by", "asked"),
    [
        (None, Side.OLD, ["new"]),
        (None, Side.NEW, ["old"]),
        (SANDBOX, Side.OLD, ["copy"]),
        (SANDBOX, Side.NEW, []),
        (NEVER, Side.OLD, []),
        (NEVER, Side.NEW, []),
    ],
)
async def test_write_reaches_whom_its_policy_says(
    tmp_path: Path, writes: dict[str, str] | None, by: Side, asked: list[str]
) -> None:
    old, new, copy = Things(from_1), Things(from_1), Things(from_1)
    policy = {} if writes is None else {"writes": writes}
    async with serving(copy), caller(tmp_path, old, new, **PLAIN, **policy) as ask:
        systems = {**ask.plan.systems, "copy": ask.plan.systems["copy"].model_copy(update={"url": copy.url})}
        ask.plan = ask.plan.model_copy(update={"systems": systems})
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"}, by=by)
        heard = {"old": old, "new": new, "copy": copy}
        before = {name: len(one.seen) for name, one in heard.items()}
        (outcome,) = await ask.outcomes(made)
        gaps = ask.journal.gaps()
    assert [name for name, one in heard.items() if len(one.seen) > before[name]] == asked
    assert gaps == []
    expected = (OutcomeKind.MATCH, None) if asked else (OutcomeKind.NOT_COMPARED, Reason.NOT_ASKED)
    assert (outcome.kind, outcome.reason) == expected


async def test_write_that_is_never_asked_counts_as_not_compared(tmp_path: Path) -> None:
    old, new = Things(from_1), Things(from_1)
    async with caller(tmp_path, old, new, **PLAIN, writes=NEVER) as ask:
        made = [await ask.ask("t.create", "POST", "/things", {"name": f"n{n}"}) for n in range(3)]
        outcomes = await ask.outcomes(*made)
        builds = builds_in_force(ask.plan, "t.create", ask.journal.last_builds("t.create"))
        present = fingerprint(entry_digest(ask.plan, "t.create"), builds)
        evidence = ask.journal.parity("t.create", present, time.time())
    assert {outcome.detail for outcome in outcomes} == {"the plan's write policy asks nobody"}
    assert evidence.exchanges.not_compared == {Reason.NOT_ASKED: 3}
    assert evidence.exchanges.total == 3


async def test_writes_of_a_key_keep_their_order_with_several_workers(tmp_path: Path) -> None:
    old, new = Things(from_1), Things(from_1)
    async with caller(tmp_path, old, new, **PLAIN) as ask:
        made = [
            await ask.ask("t.create", "POST", "/things", {"name": f"{key}{n}"}, key=key)
            for n in range(15)
            for key in "ABC"
        ]
        with opened(tmp_path) as another:
            await asyncio.gather(work(ask.plan, ask.journal), work(ask.plan, another))
        outcomes = await ask.outcomes(*made)
    assert {outcome.kind for outcome in outcomes} <= {
        OutcomeKind.MATCH,
        OutcomeKind.MISMATCH,
    }  # ids are each side's own
    got = [body.decode() for body in bodies(new)]
    for key in "ABC":
        assert [body for body in got if f'"{key}' in body] == [f'{{"name":"{key}{n}"}}' for n in range(15)]


async def test_write_of_a_worker_that_died_is_asked_again_by_the_same_key_and_done_once(tmp_path: Path) -> None:
    old, new = Things(from_1), Things(from_1)
    async with caller(tmp_path, old, new, **PLAIN) as ask:
        made = [await ask.ask("t.create", "POST", "/things", {"name": f"n{n}"}, key="K") for n in range(3)]
        # It had asked for the first, and died before it could say so: its lease is over.
        ask.journal.claim("a worker that died", 3, 0.0, time.time() - 60)
        await _asked_once(ask, made[0].id, made[0].request.body or b"")
        outcomes = await ask.outcomes(*made)
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.MATCH] * 3
    assert [one["name"] for one in new.held.values()] == ["n0", "n1", "n2"]
    keys = [headers["Idempotency-Key"] for _, _, _, headers in new.seen]
    assert keys == [made[0].id, *(one.id for one in made)]


async def _asked_once(ask: Caller, key: str, body: bytes) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        url = f"{ask.plan.systems['new'].url}/things"
        await session.post(url, data=body, headers={**JSON, "Idempotency-Key": key})


async def test_write_with_the_callers_own_idempotency_key_keeps_it(tmp_path: Path) -> None:
    old, new = Things(from_1), Things(from_1)
    async with caller(tmp_path, old, new, **PLAIN) as ask:
        headers = {**JSON, "idempotency-key": "mine"}
        made = [await ask.ask("t.create", "POST", "/things", {"name": "a"}, headers=headers) for _ in range(2)]
        outcomes = await ask.outcomes(*made)
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.MATCH] * 2
    assert (len(old.held), len(new.held)) == (1, 1)
    sent = [{name.lower(): value for name, value in headers.items()} for _, _, _, headers in new.seen]
    assert [one["idempotency-key"] for one in sent] == ["mine", "mine"]


async def test_write_that_the_answering_side_refused_is_asked_of_nobody(tmp_path: Path) -> None:
    old, new = Things(from_1), Things(from_1)
    async with caller(tmp_path, old, new) as ask:
        refused = await ask.ask("t.change", "PUT", "/things/nobody", {"name": "a"})
        (outcome,) = await ask.outcomes(refused)
    assert (refused.answer.status, outcome.reason, new.seen) == (404, Reason.NOT_ASKED, [])


async def test_reads_of_a_key_see_its_writes(tmp_path: Path) -> None:
    old, new = Things(from_1), Things(from_1)
    one_look = {"t.get": {"compare": {"settle": {"attempts": 0}, "rules": [], "noise": {"sample": 0}}}}
    async with caller(tmp_path, old, new, one_look, **PLAIN) as ask:
        made = []
        for number in range(10):
            made.append(await ask.ask("t.create", "POST", "/things", {"name": f"n{number}"}, key="K"))
            made.append(await ask.ask("t.find", "GET", f"/things?id={number + 1}", key="K"))
        outcomes = await ask.outcomes(*made)
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.MATCH}


async def test_write_under_an_entry_that_is_gone_still_reaches_the_other_side(tmp_path: Path) -> None:
    old, new = Things(from_1), Things(from_1)
    async with caller(tmp_path, old, new) as ask:
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"}, is_journaled=False)
        ask.journal.append([replace(made, entry="gone")])
        (outcome,) = await ask.outcomes(made)
        assert ask.journal.ids("thing", ["1"], Side.OLD) == {"1": "1"}
    assert (outcome.reason, len(new.held)) == (Reason.EXPIRED, 1)
