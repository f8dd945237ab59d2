"""Reports out of a real journal."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree, html

from parity_checks.compare.comparison import Comparison, compare
from parity_checks.report import Report, Standing, build_report, write_html, write_json, write_junit
from parity_checks.rules.compiled import compile_rules
from strangler.evidence import Builds, Result, Verdict, entry_digest, fingerprint
from strangler.exchange import (
    DifferenceKind,
    Exchange,
    Judged,
    NoiseSample,
    Observation,
    Outcome,
    OutcomeKind,
    Reason,
    Request,
)
from strangler.journal import Journal
from strangler.ledger import Entry, EntryKind
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage

NOW = 1_790_000_000.0
HEADERS = (("content-type", "application/json"),)
PLAN = Plan.model_validate(
    {
        "version": 1,
        "programme": "elderly-care",
        "systems": {
            name: {"department": "d", "speaks": "http", "url": "http://127.0.0.1:9"} for name in ("old", "new")
        },
        "operations": {
            "a.read": {
                "description": "Who someone is.",
                "effect": "read",
                "match": {"path": {"value": "/"}},
                "old": "old",
                "new": "new",
                "compare": {"show": ["$.status"]},
            },
            "b.read": {"effect": "read", "match": {"path": {"value": "/b"}}, "old": "old", "new": "new"},
        },
    }
)
ENTRY = entry_digest(PLAN, "a.read")
GATES = {"a.read": (Verdict("parity", Result.HOLD, ("1 of 3 <inputs>",), "at most 5 %", "below 0.1 %", "more"),)}


def judged(number: int, old: dict[str, object], new: dict[str, object], new_build: str) -> tuple[Exchange, Judged]:
    sides = [
        Observation(side, 200, HEADERS, json.dumps(body).encode(), 9, at=NOW, build=build)
        for side, body, build in ((Side.OLD, old, "1"), (Side.NEW, new, new_build))
    ]
    result = compare(sides[0], sides[1], compile_rules("a.read", PLAN.operations["a.read"].compare))
    assert isinstance(result, Comparison)
    kind = OutcomeKind.MISMATCH if result.differences else OutcomeKind.MATCH
    exchange = Exchange(
        f"x{number}", "a.read", Effect.READ, "k", None, Stage.SHADOW, Request("GET", f"/{number}"), sides[0], Side.NEW,
        ENTRY, NOW + number,
    )  # fmt: skip
    mark = fingerprint(ENTRY, Builds("1", new_build))
    return exchange, Judged(exchange.id, Outcome(kind, mark, str(number), None, result.differences), (sides[1],))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
        made = [
            judged(1, {"gone": "early"}, {}, "0"),
            judged(2, {"name": "<b>O’Neill", "status": "A1"}, {"name": "<b>O'Neill", "status": "B1"}, "2"),
            judged(3, {"name": "X"}, {"name": "X"}, "2"),
        ]
        for exchange, result in made:
            journal.append([exchange])
            journal.claim("w", 10, 60, NOW + 10)
            journal.finish([result], NOW + 20)
        late = Exchange(
            "x9", "a.read", Effect.READ, None, None, Stage.SHADOW, Request("GET", "/"),
            Observation(Side.OLD, 200, HEADERS, b"{}", build="1"), Side.NEW, ENTRY, NOW, Reason.TOO_LARGE,
        )  # fmt: skip
        journal.append([late])
        yield journal


def acceptance(signature: str, kind: EntryKind = EntryKind.ACCEPTANCE, until: str = "2099-01-01") -> Entry:
    body = {
        "signature": signature, "operation": "a.read", "verdict": "old_is_wrong", "owner": "Amina",
        "why": "old drops it",
        "until": until, "max_rate": 1.0,
    }  # fmt: skip
    return Entry(1, NOW, kind, "ben", body, "", "")


def reported(journal: Journal, *entries: Entry) -> Report:
    return build_report(PLAN, journal, entries, GATES, NOW + 100)


def test_report_tells_findings_masked_with_present_and_earlier_apart(journal: Journal) -> None:
    operation = reported(journal).operations[0]
    assert {(one.path, one.old, one.new, one.standing) for one in operation.findings} == {
        ("$.name", "<x>X’Xxxxx", "<x>X'Xxxxx", Standing.OPEN),
        ("$.status", "A1", "B1", Standing.OPEN),
    }
    assert [(one.path, one.is_current) for one in operation.earlier] == [("$.gone", False)]
    assert (operation.builds, operation.result) == (Builds("1", "2"), Result.HOLD)
    assert operation.not_compared == {"too_large": 1}
    assert operation.inputs["match"] == 1


def test_report_acceptance_closes_until_rejected_or_past(journal: Journal) -> None:
    signature = next(one.signature for one in reported(journal).operations[0].findings if one.path == "$.name")

    def standing(*entries: Entry) -> Standing:
        findings = reported(journal, *entries).operations[0].findings
        return next(one.standing for one in findings if one.signature == signature)

    assert standing(acceptance(signature)) is Standing.OLD_IS_WRONG
    assert standing(acceptance(signature), acceptance(signature, EntryKind.REJECTION)) is Standing.NEW_IS_WRONG
    reopened = acceptance(signature, EntryKind.REOPENING)
    assert standing(acceptance(signature, EntryKind.REJECTION), reopened) is Standing.OPEN
    assert standing(acceptance(signature, until="2020-01-01")) is Standing.LAPSED
    assert len(reported(journal, acceptance(signature)).open_findings) == 1


def test_report_html_is_self_contained_escaped_and_accessible(journal: Journal, tmp_path: Path) -> None:
    page = tmp_path / "out" / "parity.html"
    page.parent.mkdir()
    write_html(reported(journal), page)
    assert page.stat().st_mode & 0o777 == 0o600
    text = page.read_text("utf-8")
    root = html.fromstring(text)
    assert root.xpath("//script | //link | //img | //@src") == []
    assert all(target.startswith("#") for target in root.xpath("//a/@href"))
    assert root.get("lang") == "en-GB"
    assert all(table.find("caption") is not None for table in root.iter("table"))
    assert "<b>" not in text
    assert "Neill" not in text
    assert [mark.text for mark in root.xpath("//article[.//h4='$.name']//mark")] == ["’", "'"]
    assert "1 of 3 &lt;inputs&gt;" in text


def test_report_json_names_its_schema(journal: Journal, tmp_path: Path) -> None:
    write_json(reported(journal), tmp_path / "parity.json")
    found = json.loads((tmp_path / "parity.json").read_bytes())
    assert found["schema"] == "strangler-parity-report/2"
    assert found["operations"][0]["result"] == "HOLD"
    assert set(found["operations"][0]["findings"][0]) == {
        "operation", "signature", "kind", "path", "example_path", "example", "count", "share", "inputs", "first_at",
        "last_at", "old", "new", "standing", "owner", "why", "until", "is_current", "cause", "rule",
    }  # fmt: skip


def test_report_junit_has_a_failure_for_each_open_finding(journal: Journal, tmp_path: Path) -> None:
    write_junit(reported(journal), tmp_path / "parity.xml")
    root = etree.parse(str(tmp_path / "parity.xml")).getroot()
    assert [suite.get("name") for suite in root] == ["a.read", "b.read"]
    assert len(root.findall(".//failure")) == 2
    assert [case.get("name") for case in root.xpath("//testcase[skipped]")] == ["gate parity"]


def test_report_without_any_data_says_so(tmp_path: Path) -> None:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as empty:
        report = build_report(PLAN, empty, [], {}, NOW)
    write_html(report, tmp_path / "p.html")
    assert [operation.result for operation in report.operations] == [Result.NO_DATA, Result.NO_DATA]


def test_report_of_many_mismatches_stays_small(tmp_path: Path) -> None:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
        made = [
            judged(n, {f"field{n % 1000}": "é<" * 400, "name": f"n{n}"}, {"name": f"m{n}"}, "2") for n in range(3000)
        ]
        journal.append([exchange for exchange, _ in made])
        journal.claim("w", 5000, 60, NOW + 5000)
        journal.finish([result for _, result in made], NOW + 5000)
        report = reported(journal)
    write_html(report, tmp_path / "p.html")
    operation = report.operations[0]
    assert len(operation.findings) + operation.left_out == 1001
    assert operation.findings[0].path == "$.name"
    assert "more findings are not shown" in (tmp_path / "p.html").read_text("utf-8")
    assert (tmp_path / "p.html").stat().st_size < 5_000_000


def many(journal: Journal, values: list[tuple[dict[str, object], dict[str, object]]]) -> None:
    made = [judged(100 + number, old, new, "2") for number, (old, new) in enumerate(values)]
    journal.append([exchange for exchange, _ in made])
    journal.claim("w", 1000, 60, NOW + 500)
    journal.finish([result for _, result in made], NOW + 500)


def test_report_tells_a_likely_cause_and_the_rule_that_would_accept_it(tmp_path: Path) -> None:
    names = ["Ann O'Neill", "Łukasz Ñúñez", "Mary Ann", "Jo", "Bea"]
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
        many(journal, [({"surname": name.upper()}, {"surname": name}) for name in names])
        report = reported(journal)
    (found,) = report.operations[0].findings
    assert "case" in found.cause
    assert found.rule.startswith("- {path: $.surname, as: text, fold: case")
    write_html(report, tmp_path / "p.html")
    text = (tmp_path / "p.html").read_text("utf-8")
    assert "Likely cause:" in text
    assert "Neill" not in text


def test_report_shows_codes_only_where_the_plan_shows_values(tmp_path: Path) -> None:
    codes = [("A", "ACT"), ("D", "DEC"), ("S", "SUS")] * 5
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
        many(journal, [({"status": old, "band": old}, {"status": new, "band": new}) for old, new in codes])
        found = {one.path: one for one in reported(journal).operations[0].findings}
    assert "A is ACT" in found["$.status"].cause
    assert "table: {A: ACT" in found["$.status"].rule
    assert ("ACT" in found["$.band"].cause, found["$.band"].rule) == (False, "")


def test_report_lists_what_rules_hid_and_which_are_idle(tmp_path: Path) -> None:
    rules = [
        {"path": "$.name", "as": "text", "fold": "case", "why": "capitals", "at_most": 0.1},
        {"path": "$.nmae", "as": "ignore", "why": "a typing mistake"},
    ]
    data = PLAN.model_dump(mode="json", by_alias=True)
    data["operations"]["a.read"]["compare"]["rules"] = rules
    plan = Plan.model_validate(data)
    mark = fingerprint(entry_digest(plan, "a.read"), Builds("1", "2"))
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
        for number in range(4):
            exchange, result = judged(number, {"name": "X"}, {"name": "X"}, "2")
            hidden = (1, 0) if number == 0 else (0, 0)
            journal.append([exchange])
            outcome = Outcome(OutcomeKind.MATCH, mark, str(number), hidden=hidden)
            journal.finish([Judged(exchange.id, outcome, result.observations)], NOW + 9)
        operation = build_report(plan, journal, [], {}, NOW + 100).operations[0]
    assert [(rule.path, rule.exchanges, rule.share, rule.is_over) for rule in operation.rules] == [
        ("$.name", 1, 0.25, True),
        ("$.nmae", 0, 0.0, False),
    ]
    assert [rule.path for rule in operation.idle_rules] == ["$.nmae"]


def test_report_tells_where_old_differs_from_itself(journal: Journal, tmp_path: Path) -> None:
    exchange, result = judged(50, {"at": 1}, {"at": 2}, "2")
    seen = frozenset({("$.at", DifferenceKind.VALUE)})
    journal.append([exchange])
    journal.finish([replace(result, sample=NoiseSample(seen, frozenset()))], NOW + 20)
    (noise,) = reported(journal).operations[0].noise
    assert (noise.path, noise.draws, noise.old_from_old, noise.new_from_old) == ("$.at", 1, 1, 0)
    write_html(reported(journal), tmp_path / "p.html")
    assert "Where old differs from itself" in (tmp_path / "p.html").read_text("utf-8")


def test_report_tells_timings_as_an_observation_of_their_own(tmp_path: Path) -> None:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", key=b"k" * 32) as journal:
        made = [judged(number, {}, {}, "2") for number in range(40)]
        timed = [replace(exchange, answer=replace(exchange.answer, duration_s=0.02)) for exchange, _ in made]
        journal.append(timed)
        seen = [
            replace(result, observations=tuple(replace(one, duration_s=0.05) for one in result.observations))
            for _, result in made
        ]
        journal.finish(seen, NOW + 60)
        report = reported(journal)
    operation = report.operations[0]
    assert (round(operation.p99_old_ms or 0), round(operation.p99_new_ms or 0)) == (20, 50)
    write_html(report, tmp_path / "p.html")
    assert "ms from old and" in (tmp_path / "p.html").read_text("utf-8")
