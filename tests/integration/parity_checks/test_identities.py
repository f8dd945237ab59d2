"""Ids that each side makes of its own, learnt and exchanged by a real worker between real servers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from strangler.exchange import DifferenceKind, Observation, Origin, Outcome, OutcomeKind
from strangler.journal import LearntId
from strangler.stages import Side
from tests.integration.parity_checks.two_sides import Things, caller

XML = {"content-type": "text/xml; charset=utf-8"}


def from_17(held: int) -> int:
    return 17 + held


def in_words(held: int) -> str:
    return f"N/{held * 7} ü"


def from_18(held: int) -> int:
    """Ids that the other side gives to other things."""
    return 18 - held


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [outcome.kind.value for outcome in outcomes]


@pytest.mark.parametrize("number", [in_words, from_18], ids=["text", "crossed"])
@pytest.mark.parametrize("by", [Side.OLD, Side.NEW])
async def test_identities_are_used_wherever_the_plan_says(tmp_path: Path, number: Any, by: Side) -> None:
    old, new = Things(from_17), Things(number)
    asked = new if by is Side.OLD else old
    async with caller(tmp_path, old, new) as ask:
        made = [await ask.ask("t.create", "POST", "/things", {"name": name}, key="K", by=by) for name in "ab"]
        ids = [str(json.loads(one.answer.body or b"")["id"]) for one in made]
        quoted = [one.replace("/", "%2F").replace(" ", "%20").replace("ü", "%C3%BC") for one in ids]
        envelope = f"<g><id> {ids[1]} </id></g>".encode()
        used = [
            await ask.ask("t.change", "PUT", f"/things/{quoted[0]}", {"name": "c"}, key="K", by=by),
            await ask.ask("t.get", "GET", f"/things/{quoted[0]}", key="K", by=by),
            await ask.ask("t.find", "GET", f"/things?id={quoted[1]}&id={quoted[0]}", key="K", by=by),
            await ask.ask("t.soap", "POST", "/soap", body=envelope, headers=XML, key="K", by=by),
        ]
        outcomes = await ask.outcomes(*made, *used)
    assert kinds(outcomes) == ["match"] * 6
    assert [outcome.detail for outcome in outcomes] == [""] * 6
    assert {one["name"] for one in asked.held.values()} == {"b", "c"}
    assert [(method, len(body)) for method, _, body, _ in asked.seen][2] == ("PUT", len(b'{"name":"c"}'))


async def test_identities_are_remembered_by_the_next_worker(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    async with caller(tmp_path, old, new) as ask:
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"})
        await ask.outcomes(made)
        ask.journal.purge(before=2e10, now=2e10)
        used = await ask.ask("t.get", "GET", "/things/17", key="another")
        assert kinds(await ask.outcomes(used)) == ["match"]


async def test_identities_of_a_create_that_is_still_on_its_way_are_waited_for(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    async with caller(tmp_path, old, new) as ask:
        before = [await ask.ask("t.create", "POST", "/things", {"name": f"n{n}"}, key="A") for n in range(30)]
        used = await ask.ask("t.get", "GET", "/things/46", key="B")  # of the last one, and of another key
        outcomes = await ask.outcomes(*before, used)
    assert kinds(outcomes) == ["match"] * 31


async def test_identities_that_nobody_knows_are_sent_as_they_are_and_said(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    for side in (old, new):
        side.held["5"] = {"id": 5, "name": "taken on"}  # the same on both sides, long before
    new.held["6"] = {"id": 6, "name": "another"}
    old.held["6"] = {"id": 6, "name": "one"}
    async with caller(tmp_path, old, new) as ask:
        used = [await ask.ask("t.get", "GET", f"/things/{number}") for number in (5, 6)]
        outcomes = await ask.outcomes(*used)
    assert kinds(outcomes) == ["match", "mismatch"]
    assert [outcome.detail for outcome in outcomes] == ["ids sent as they are (1 unknown: thing)"] * 2


async def test_identities_of_the_asked_side_itself_need_no_exchange(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    async with caller(tmp_path, old, new) as ask:
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"}, key="K")
        await ask.outcomes(made)
        # The caller learnt old's id while old answered; now new answers, and old is asked. (A facade knows old's ids.)
        new.held["17"] = {**new.held["N/0 ü"]}
        used = await ask.ask("t.get", "GET", "/things/17", key="K", by=Side.NEW)
        (outcome,) = await ask.outcomes(used)
    assert outcome.detail == ""
    assert old.seen[-1][1] == "/things/17"


async def test_identities_in_conflict_are_a_finding_on_the_create(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    async with caller(tmp_path, old, new) as ask:
        ask.journal.learn_ids([LearntId("thing", "17", "N-before", "t.create", "x-before", 1.0)])
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"})
        (outcome,) = await ask.outcomes(made)
        assert ask.journal.ids("thing", ["17"], Side.OLD) == {"17": "N-before"}
        findings = {(one.kind, one.general_path) for one in ask.journal.findings("t.create")}
    (conflict,) = [one for one in outcome.differences if one.kind is DifferenceKind.IDENTITY]
    assert outcome.kind is OutcomeKind.MISMATCH
    assert (conflict.old, conflict.new, conflict.general_path) == ("17", "N/0 ü (was N-before)", "ids.thing")
    assert (DifferenceKind.IDENTITY, "ids.thing") in findings


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], {("missing", "$.id")}),
        ([{"path": "$.id", "as": "ignore", "why": "any"}], {("missing", "ids.thing")}),
    ],
)
async def test_identities_that_one_side_does_not_tell_are_missing(
    tmp_path: Path, rules: list[Any], expected: set[tuple[str, str]]
) -> None:
    old, new = Things(from_17), Things(lambda _: None)
    async with caller(tmp_path, old, new, compare={"rules": rules}) as ask:
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"})
        (outcome,) = await ask.outcomes(made)
    found = {(one.kind.value, one.general_path) for one in outcome.differences}
    assert outcome.kind is OutcomeKind.MISMATCH
    assert found == (expected if rules else {("type", "$.id"), ("missing", "ids.thing")})


async def test_identities_by_rule_differ_where_the_map_says_otherwise(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    async with caller(tmp_path, old, new) as ask:
        made = [await ask.ask("t.create", "POST", "/things", {"name": "same"}, key="K") for _ in "ab"]
        await ask.outcomes(*made)
        new.held["N/0 ü"]["id"] = "N/7 ü"  # the new side answers with another thing's id
        used = await ask.ask("t.get", "GET", "/things/17", key="K")
        (outcome,) = await ask.outcomes(used)
    assert [(one.kind.value, one.path, one.old, one.new) for one in outcome.differences] == [
        ("type", "$.id", "17", '"N/7 ü"')
    ]


@pytest.mark.parametrize("is_crossed", [False, True])
async def test_identities_of_old_in_answers_of_new_are_a_finding(tmp_path: Path, *, is_crossed: bool) -> None:
    old, new = Things(from_17), Things(from_18)
    async with caller(tmp_path, old, new) as ask:
        made = [await ask.ask("t.create", "POST", "/things", {"name": "same"}, key="K") for _ in "ab"]
        await ask.outcomes(*made)
        if is_crossed:  # both ids are in both answers, and rightly
            used = await ask.ask("t.find", "GET", "/things", key="K")
        else:
            new.held["18"]["id"] = 17
            used = await ask.ask("t.get", "GET", "/things/17", key="K")
        (outcome,) = await ask.outcomes(used)
    found = [(one.kind.value, one.general_path, one.path, one.old, one.new) for one in outcome.differences]
    assert found == ([] if is_crossed else [("identity", "$.id", "$.id", "17", "17 (is 18)")])


async def test_identities_unknown_on_both_sides_differ_in_value(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    old.held["A"], new.held["A"] = {"id": "o-1", "name": "a"}, {"id": "n-1", "name": "a"}
    async with caller(tmp_path, old, new) as ask:
        used = await ask.ask("t.get", "GET", "/things/A")
        (outcome,) = await ask.outcomes(used)
    assert [(one.kind.value, one.old, one.new) for one in outcome.differences] == [("value", "o-1", "n-1")]


@pytest.mark.parametrize("by", ["id", None])
async def test_identities_align_lists(tmp_path: Path, by: str | None) -> None:
    old, new = Things(from_17), Things(in_words)
    listed = {"path": "$.things", "as": "set", "why": "no order"} | ({"by": by} if by else {})
    rules = [listed, {"path": "$.things[*].id", "as": "id", "of": "thing", "why": "own ids"}]
    async with caller(tmp_path, old, new, {"t.find": {"compare": {"rules": rules, "settle": {"attempts": 0}}}}) as ask:
        made = [await ask.ask("t.create", "POST", "/things", {"name": f"n{n}"}, key="K") for n in range(40)]
        await ask.outcomes(*made)
        new.held = dict(reversed(new.held.items()))
        good = await ask.ask("t.find", "GET", "/things", key="K")
        (match,) = await ask.outcomes(good)
        new.held["N/21 ü"]["name"] = "changed"
        bad = await ask.ask("t.find", "GET", "/things", key="K")
        (mismatch,) = await ask.outcomes(bad)
    assert match.kind is OutcomeKind.MATCH
    assert [(one.path, one.old, one.new) for one in mismatch.differences] == [("$.things[3].name", "n3", "changed")]


async def test_identities_learnt_from_a_sandbox_are_the_sandboxs_own(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    sandbox = {"policy": "sandbox", "sandbox": "copy"}
    async with caller(tmp_path, old, new, {"t.change": {"writes": sandbox}}, writes=sandbox) as ask:
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"}, key="K")
        changed = await ask.ask("t.change", "PUT", "/things/17", {"name": "b"}, key="K")
        read = await ask.ask("t.get", "GET", "/things/17", key="K")
        outcomes = await ask.outcomes(made, changed, read)
        assert ask.journal.ids("thing", ["17"], Side.OLD) == {}
        assert ask.journal.ids("thing@copy", ["17"], Side.OLD) == {"17": "N/0 ü"}
    assert kinds(outcomes)[:2] == ["match", "match"]
    assert outcomes[2].detail == "ids sent as they are (1 unknown: thing)"


async def test_identities_of_a_replay_are_nobodys(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    sandbox = {"policy": "sandbox", "sandbox": "copy"}
    opaque = {"rules": [{"path": "$.id", "as": "opaque", "why": "each side makes its own ids"}]}
    async with caller(tmp_path, old, new, writes=sandbox, compare=opaque) as ask:
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"})
        again = replace(made, id="replay-1-0", origin=Origin.REPLAY)
        (first,) = await ask.outcomes(made)
        ask.journal.append([again])
        (second,) = await ask.outcomes(again)
        assert ask.journal.ids("thing@copy", ["17"], Side.OLD) == {"17": "N/0 ü"}
    assert (len(new.held), first.kind, second.kind) == (2, OutcomeKind.MATCH, OutcomeKind.MATCH)


async def test_identities_are_not_learnt_where_a_side_refused(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    async with caller(tmp_path, old, new) as ask:
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"}, is_journaled=False)
        refused = replace(made, answer=Observation(Side.OLD, 409, made.answer.headers, made.answer.body))
        ask.journal.append([refused])
        await ask.outcomes(refused)
        assert ask.journal.ids("thing", ["17"], Side.OLD) == {}
    assert new.seen == []


async def test_identities_asked_again_by_their_idempotency_key_are_learnt_once(tmp_path: Path) -> None:
    old, new = Things(from_17), Things(in_words)
    async with caller(tmp_path, old, new) as ask:
        made = await ask.ask("t.create", "POST", "/things", {"name": "a"})
        ask.journal.claim("a worker that died", 1, 0.0, made.at)
        async with aiohttp.ClientSession() as session:  # it had asked already
            headers = {"Idempotency-Key": made.id, "content-type": "application/json"}
            await session.post(f"{new.url}/things", data=made.request.body, headers=headers)
        (outcome,) = await ask.outcomes(made)
        assert ask.journal.ids("thing", ["17"], Side.OLD) == {"17": "N/0 ü"}
    assert (outcome.kind, len(new.held)) == (OutcomeKind.MATCH, 1)
