import pytest

from strangler.plan.source import dotted, read_source


def test_read_source_keeps_stage_names_codes_and_times_as_text() -> None:
    source = read_source("to: off\ncode: 007\nat: 12:30\nday: 2026-11-23\ntable: {01: A, yes: B}", "p.yaml", {})
    assert source.data == {
        "to": "off",
        "code": "007",
        "at": "12:30",
        "day": "2026-11-23",
        "table": {"01": "A", "yes": "B"},
    }
    assert source.problems == []


def test_read_source_reads_numbers_booleans_and_null() -> None:
    source = read_source("a: 1_000\nb: -0.5\nc: true\nd: ~\ne: 'true'\nf: 1e3\n", "p.yaml", {})
    assert source.data == {"a": 1000, "b": -0.5, "c": True, "d": None, "e": "true", "f": "1e3"}


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("${A}", {"A": "x"}, "x"),
        ("${A}", {"A": ""}, ""),
        ("${A:-y}", {}, "y"),
        ("${A:-y}", {"A": ""}, "y"),
        ("${A:-}", {}, ""),
        ("${A:-http://h:1/p}", {}, "http://h:1/p"),
        ("http://${H}:${P:-80}/", {"H": "h"}, "http://h:80/"),
        ("$${A}", {}, "${A}"),
        ("$A costs $5", {"A": "x"}, "$A costs $5"),
        ("${A}", {"A": "${B}", "B": "no"}, "${B}"),
    ],
)
def test_read_source_fills_in_variables(text: str, environ: dict[str, str], expected: str) -> None:
    assert read_source(f"a: '{text}'", "p.yaml", environ).data == {"a": expected}


@pytest.mark.parametrize("text", ["${}", "${1A}", "${A-b}", "${A b}"])
def test_read_source_refuses_what_names_no_variable(text: str) -> None:
    source = read_source(f"a: '{text}'", "p.yaml", {"A": "x"})
    assert [(problem.code, problem.key, problem.line) for problem in source.problems] == [("bad-variable", "a", 1)]


def test_read_source_merges_what_an_alias_names_and_lets_the_entry_win() -> None:
    source = read_source("base: &b {x: 1, y: 2}\nitem:\n  <<: *b\n  y: 3\n", "p.yaml", {})
    assert source.data == {"base": {"x": 1, "y": 2}, "item": {"x": 1, "y": 3}}


def test_read_source_names_both_lines_of_a_duplicate_key() -> None:
    source = read_source("a: 1\nb: 2\na: 3\n", "p.yaml", {})
    (problem,) = source.problems
    assert (problem.code, problem.key, problem.line) == ("duplicate-key", "a", 3)
    assert "line 1" in problem.message


def test_line_of_falls_back_to_the_entry_around() -> None:
    source = read_source("a:\n  b:\n    - c: 1\n", "p.yaml", {})
    assert [source.line_of(path) for path in (("a", "b", 0, "c"), ("a", "b", 0, "d"), ("a", "z"), ("z",))] == [
        3,
        3,
        1,
        1,
    ]


def test_dotted_writes_list_positions_in_brackets() -> None:
    assert dotted(("operations", "a.b", "rules", 0, "why")) == "operations.a.b.rules[0].why"
