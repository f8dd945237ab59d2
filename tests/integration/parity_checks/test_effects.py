"""What writes must have changed: read on both sides by a real worker, from real servers and databases."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from strangler.errors import SystemUnreachable
from strangler.exchange import Exchange, Outcome, OutcomeKind, Reason
from strangler.plan.models import System
from strangler.stages import Side
from tests.integration.parity_checks.two_sides import LEARN, OWN_CLOCK, OWN_ID, Caller, Things, caller, serving


def from_17(held: int) -> int:
    return 17 + held


def in_words(held: int) -> str:
    return f"N/{held * 7} ü"


READ_IT = {"name": "shown", "read": "t.get", "request": {"target": "/things/{answer:$.id}"}}
READ_ALL = {"name": "listed", "read": "t.find", "request": {"target": "/things"}}
NO_WAIT = {"settle": {"attempts": 0}, "rules": [OWN_ID, OWN_CLOCK]}


def with_effects(*effects: dict[str, Any], **compare: Any) -> dict[str, Any]:
    return {"effects": list(effects), "compare": {"rules": [OWN_ID], **compare}}


async def created(ask: Caller, name: str = "a", **how: Any) -> tuple[Exchange, Outcome]:
    made = await ask.ask("t.create", "POST", "/things", {"name": name}, **how)
    (outcome,) = await ask.outcomes(made)
    return made, outcome


def told(outcome: Outcome) -> list[tuple[str, str, str, str | None, str | None]]:
    return [(one.kind.value, one.path, one.general_path, one.old, one.new) for one in outcome.differences]


@pytest.mark.parametrize("by", [Side.OLD, Side.NEW])
async def test_effect_that_shows_on_both_sides_is_a_match(tmp_path: Path, by: Side) -> None:
    old, new = Things(from_17), Things(in_words)
    async with caller(tmp_path, old, new, **with_effects(READ_IT, READ_ALL)) as ask:
        _, outcome = await created(ask, by=by)
    assert (outcome.kind, outcome.settled, outcome.detail) == (OutcomeKind.MATCH, 0, "")
    assert [request[1] for request in old.seen][1:] == ["/things/17", "/things"]
    assert [request[1] for request in new.seen][1:] == ["/things/N%2F0%20%C3%BC", "/things"]


async def test_effect_of_a_lost_write_is_a_finding_on_the_write(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words, loses=frozenset({"lost"}))
    effect = {**READ_IT, "request": {"target": "/things/{key}"}}
    changes = {"ids": {"use": [{"name": "thing", "at": {"path": "^/things/([^/]+)"}}]}, "effects": [effect]}
    async with caller(tmp_path, old, new, {"t.change": changes, "t.get": {"compare": NO_WAIT}}) as ask:
        old.held["7"], new.held["7"] = {"id": 7, "name": "before"}, {"id": 7, "name": "before"}
        good = await ask.ask("t.change", "PUT", "/things/7", {"name": "kept"}, key="7")
        bad = await ask.ask("t.change", "PUT", "/things/7", {"name": "lost"}, key="7")
        outcomes = await ask.outcomes(good, bad)
        findings = ask.journal.findings("t.change")
    assert told(outcomes[1]) == [("value", "$.name", "effects.shown $.name", "lost", "kept")]
    assert [one.kind for one in outcomes] == [OutcomeKind.MATCH, OutcomeKind.MISMATCH] or told(outcomes[0]) == told(
        outcomes[1]
    )
    assert {(one.operation, one.general_path) for one in findings} == {("t.change", "effects.shown $.name")}


async def test_effect_that_shows_late_is_a_race_and_no_defect(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(from_17, late_s=0.06)
    effect = {**READ_IT, "request": {"target": "/things/{key}"}}
    async with caller(tmp_path, old, new, {"t.change": {"effects": [effect]}}) as ask:
        old.held["7"], new.held["7"] = {"id": 7, "name": "before"}, {"id": 7, "name": "before"}
        made = await ask.ask("t.change", "PUT", "/things/7", {"name": "after"}, key="7")
        (outcome,) = await ask.outcomes(made)
    assert outcome.kind is OutcomeKind.MATCH
    assert outcome.settled > 0


async def test_effect_waits_as_the_plan_says(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(from_17, late_s=0.1)
    effect = {**READ_IT, "request": {"target": "/things/{key}"}, "after_s": 0.3}
    more = {"t.change": {"effects": [effect]}, "t.get": {"compare": NO_WAIT}}
    async with caller(tmp_path, old, new, more) as ask:
        old.held["7"], new.held["7"] = {"id": 7, "name": "before"}, {"id": 7, "name": "before"}
        made = await ask.ask("t.change", "PUT", "/things/7", {"name": "after"}, key="7")
        (outcome,) = await ask.outcomes(made)
    assert (outcome.kind, outcome.settled) == (OutcomeKind.MATCH, 0)


async def test_effects_hold_up_nothing_and_change_no_order(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(from_17)
    effect = {**READ_IT, "request": {"target": "/things/{key}"}, "after_s": 0.5}
    async with caller(tmp_path, old, new, {"t.change": {"effects": [effect]}}) as ask:
        old.held["7"], new.held["7"] = {"id": 7, "name": "before"}, {"id": 7, "name": "before"}
        made = [await ask.ask("t.change", "PUT", "/things/7", {"name": f"n{n}"}, key="7") for n in range(20)]
        outcomes = await ask.outcomes(*made, within_s=8)
    # One after another, half a second each, they would have taken ten.
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.MATCH}
    writes = [(body, headers.get("x-strangler-exchange")) for method, _, body, headers in new.seen if method == "PUT"]
    assert writes == [(one.request.body, one.id) for one in made]
    first_read = next(at for at, request in enumerate(new.seen) if request[0] == "GET")
    assert first_read == 20


async def test_effect_while_the_key_is_written_again_and_again_is_no_false_finding(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(from_17, late_s=0.02)
    effect = {**READ_IT, "request": {"target": "/things/{key}"}}
    async with caller(tmp_path, old, new, {"t.change": {"effects": [effect]}}) as ask:
        old.held["7"], new.held["7"] = {"id": 7, "name": "before"}, {"id": 7, "name": "before"}
        made: list[Exchange] = []

        async def write(numbers: range) -> None:
            for number in numbers:
                made.append(await ask.ask("t.change", "PUT", "/things/7", {"name": f"n{number}"}, key="7"))
                await asyncio.sleep(0.02)

        await write(range(5))
        await asyncio.gather(write(range(5, 40)), ask.outcomes())  # while the worker is at it
        outcomes = await ask.outcomes(*made)
    assert OutcomeKind.MISMATCH not in {outcome.kind for outcome in outcomes}


async def test_effect_sees_a_later_write_that_is_not_journaled_yet(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(from_17)
    effect = {**READ_IT, "request": {"target": "/things/{key}"}, "after_s": 0.4}
    more = {"t.change": {"effects": [effect]}, "t.get": {"compare": NO_WAIT}}
    async with caller(tmp_path, old, new, more) as ask:
        old.held["7"], new.held["7"] = {"id": 7, "name": "before"}, {"id": 7, "name": "before"}
        first = await ask.ask("t.change", "PUT", "/things/7", {"name": "a"}, key="7")
        second = await ask.ask("t.change", "PUT", "/things/7", {"name": "b"}, key="7", is_journaled=False)

        async def journal_late() -> None:
            while not any(request[0] == "GET" for request in new.seen):  # noqa: ASYNC110  as an engine, from outside
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            ask.journal.append([second])

        await asyncio.gather(journal_late(), ask.outcomes(first))
        outcomes = await ask.outcomes(first, second)
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.MATCH, OutcomeKind.MATCH]


async def test_effect_compares_by_the_rules_of_its_read(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    strict = {"t.get": {"compare": {"rules": [OWN_CLOCK], "settle": {"attempts": 0}, "noise": {"sample": 0}}}}
    async with caller(tmp_path, old, new, strict, **with_effects(READ_IT)) as ask:
        _, outcome = await created(ask)
    assert [one[2] for one in told(outcome)] == ["effects.shown $.id"]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (("$.name",), []),
        (("$.note",), ["effects.shown $.note.by"]),
        (("$.note.by",), ["effects.shown $.note.by"]),
        (("$..by",), ["effects.shown $.note.by"]),
        ((), ["effects.shown $.note.by"]),
    ],
)
async def test_effect_is_about_what_the_plan_says_it_changes(
    tmp_path: Path, only: tuple[str, ...], expected: list[str]
) -> None:
    old, new = Things(from_17), Things(from_17)
    effect = {**READ_IT, "request": {"target": "/things/{key}"}, "only": only}
    more = {"t.change": {"effects": [effect]}, "t.get": {"compare": NO_WAIT}}
    async with caller(tmp_path, old, new, more) as ask:
        old.held["7"] = {"id": 7, "name": "before", "note": {"by": "x"}}
        new.held["7"] = {"id": 7, "name": "before", "note": {"by": "y"}}
        made = await ask.ask("t.change", "PUT", "/things/7", {"name": "after"}, key="7")
        (outcome,) = await ask.outcomes(made)
    assert [one[2] for one in told(outcome)] == expected


@pytest.mark.parametrize(
    ("failing", "kind", "reason"),
    [("new", OutcomeKind.NEW_FAILED, None), ("old", OutcomeKind.NOT_COMPARED, Reason.OLD_FAILED)],
)
async def test_effect_that_one_side_fails_to_show_is_counted(
    tmp_path: Path, failing: str, kind: OutcomeKind, reason: Reason | None
) -> None:
    old, new = Things(from_17), Things(in_words)
    (old if failing == "old" else new).fails_reads = 99
    async with caller(tmp_path, old, new, **with_effects(READ_IT)) as ask:
        _, outcome = await created(ask)
        gaps = ask.journal.gaps()
    assert (outcome.kind, outcome.reason, outcome.detail) == (kind, reason, "effects.shown: status 503")
    assert gaps == []  # the write itself was made


async def test_effect_that_a_side_fails_to_show_for_a_moment_is_a_match(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words, fails_reads=1)
    async with caller(tmp_path, old, new, **with_effects(READ_IT)) as ask:
        _, outcome = await created(ask)
    assert (outcome.kind, outcome.settled) == (OutcomeKind.MATCH, 1)


async def test_effect_without_what_its_request_needs_is_not_compared(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    effect = {**READ_IT, "request": {"target": "/things/{answer:$.number}"}}
    async with caller(tmp_path, old, new, **with_effects(effect)) as ask:
        _, outcome = await created(ask)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.NOT_COMPARED, Reason.NOT_ASKED)
    assert outcome.detail == "effects.shown: the old side's answer has nothing at $.number"


class _Stopped(Things):
    """Things whose clock stands at the epoch."""

    async def _get(self, request: web.Request) -> web.StreamResponse:
        found = self.held[request.path.removeprefix("/things/")]
        return web.json_response({**found, "at": "0.0"}, headers={"x-build-id": "b1"})


@pytest.mark.parametrize(("side", "kind"), [(Things, OutcomeKind.NOISE), (_Stopped, OutcomeKind.MISMATCH)])
async def test_effect_at_a_path_that_wavers_is_held_to_what_old_shows(
    tmp_path: Path, side: type[Things], kind: OutcomeKind
) -> None:
    old, new = Things(from_17), side(from_17)
    strict = {"t.get": {"compare": {"rules": [], "settle": {"attempts": 0}, "noise": {"sample": 0}}}}
    async with caller(tmp_path, old, new, strict, **with_effects(READ_IT)) as ask:
        _, outcome = await created(ask)
    assert (outcome.kind, [one[2] for one in told(outcome)]) == (kind, ["effects.shown $.at"] * (side is _Stopped))


async def test_effect_that_both_sides_refuse_is_said(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(from_17)
    effect = {**READ_IT, "request": {"target": "/things/nobody"}}
    async with caller(tmp_path, old, new, **with_effects(effect)) as ask:
        _, outcome = await created(ask)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.MATCH, "effects.shown: both sides refused")


async def test_effect_of_a_write_that_differs_keeps_both_differences(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    strict = {"t.get": {"compare": {"rules": [OWN_CLOCK], "settle": {"attempts": 0}, "noise": {"sample": 0}}}}
    async with caller(tmp_path, old, new, strict, ids=LEARN, effects=[READ_IT], compare={}) as ask:
        _, outcome = await created(ask)
    assert [one[2] for one in told(outcome)] == ["$.id", "effects.shown $.id"]


async def test_effects_of_a_sandboxed_write_are_looked_for_in_the_sandbox(tmp_path: Path) -> None:
    old, new, real = Things(from_17), Things(in_words), Things(from_17)
    sandbox = {"policy": "sandbox", "sandbox": "copy"}
    async with (
        serving(real),
        caller(tmp_path, old, new, **with_effects(READ_IT), writes=sandbox) as ask,
    ):
        systems = {**ask.plan.systems, "new": ask.plan.systems["new"].model_copy(update={"url": real.url})}
        ask.plan = ask.plan.model_copy(update={"systems": systems})
        _, outcome = await created(ask)
    assert outcome.kind is OutcomeKind.MATCH
    assert (len(new.seen), real.seen) == (2, [])


class Rows:
    """Rows of two databases; ``late`` counts how often new shows nothing yet."""

    def __init__(self, late: int = 0, *, is_down: str = "") -> None:
        self.late = late
        self.is_down = is_down
        self.asked: list[tuple[str, str, str]] = []

    async def rows(self, name: str, system: System, query: str, key: str) -> list[dict[str, str | None]]:
        self.asked.append((name, query, key))
        assert system.url is not None
        if name == self.is_down:
            raise SystemUnreachable(name, "gone")
        if name == "new" and self.late:
            self.late -= 1
            return []
        return [{"name": "a", "amount": "1.10" if name == "old" else "1.1", "note": None}]


ROWS = {
    "name": "kept",
    "rows": {"old": "SELECT 1 :key", "new": "SELECT 2 :key", "old_system": "old", "new_system": "new"},
}
AS_NUMBER = {"path": "$[*].amount", "as": "number", "why": "one side has no trailing zeros"}


@pytest.mark.parametrize(
    ("rows", "rules", "kind", "said"),
    [
        (Rows(), [AS_NUMBER], OutcomeKind.MATCH, []),
        (Rows(late=1), [AS_NUMBER], OutcomeKind.MATCH, []),
        (Rows(), [], OutcomeKind.MISMATCH, ["effects.kept $[*].amount"]),
        (Rows(late=99), [AS_NUMBER], OutcomeKind.MISMATCH, ["effects.kept $[*]"]),
        (Rows(is_down="new"), [AS_NUMBER], OutcomeKind.NEW_FAILED, []),
        (Rows(is_down="old"), [AS_NUMBER], OutcomeKind.NOT_COMPARED, []),
        (None, [AS_NUMBER], OutcomeKind.NOT_COMPARED, []),
    ],
)
async def test_effect_in_rows(
    tmp_path: Path, rows: Rows | None, rules: list[Any], kind: OutcomeKind, said: list[str]
) -> None:
    old, new = Things(from_17), Things(in_words)
    compare = {"rules": [OWN_ID, *rules], "settle": {"attempts": 2, "after_s": 0.02}}
    async with caller(tmp_path, old, new, effects=[ROWS], compare=compare) as ask:
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"}, key="K")
        (outcome,) = await ask.outcomes(made, rows=rows)
    assert (outcome.kind, [one[2] for one in told(outcome)]) == (kind, said)
    if rows is not None:
        assert {key for _, _, key in rows.asked} == {"K"}
