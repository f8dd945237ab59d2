import string
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strangler.errors import PlanError, Problem
from strangler.plan import LoadedPlan, load_plan, parse_plan

Load = Callable[..., LoadedPlan]
Problems = Callable[..., tuple[Problem, ...]]
ENTITLEMENT = "operations.pensions.get-entitlement"


def test_load_plan_reads_a_good_plan_without_warnings(tmp_path: Path, good: str) -> None:
    path = tmp_path / "migration.yaml"
    path.write_text(good)
    loaded = load_plan(path, {"PATIENT_INDEX_ODBC": "DRIVER=SQLite3"})
    assert loaded.warnings == ()
    assert list(loaded.plan.operations) == ["pensions.get-entitlement", "health.update-contact"]
    assert loaded.plan.systems["patient-index"].connection == "DRIVER=SQLite3"
    assert loaded.lines[f"{ENTITLEMENT}.compare.rules[1].why"] == 19


def test_load_plan_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as caught:
        load_plan(tmp_path / "none.yaml", {})
    assert [problem.code for problem in caught.value.problems] == ["no-plan"]


def test_load_plan_names_the_line_that_is_no_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "migration.yaml"
    path.write_bytes(b"version: 1\nprogramme: O\x92Neill\n")
    with pytest.raises(PlanError) as caught:
        load_plan(path, {})
    assert [(problem.code, problem.line) for problem in caught.value.problems] == [("not-utf-8", 2)]


def test_digest_changes_with_the_environment_and_not_with_comments(load: Load, good: str) -> None:
    first = load(good)
    assert load(f"# why\n{good}").digest == first.digest
    assert load(good, {"PATIENT_INDEX_ODBC": "elsewhere"}).digest != first.digest


@pytest.mark.parametrize(
    ("before", "after", "code", "key", "line", "said"),
    [
        ("effect: read", "efect: read", "unknown-field", f"{ENTITLEMENT}.efect", 11, "did you mean 'effect'?"),
        ("within_s: 5", "within: 5", "unknown-field", f"{ENTITLEMENT}.compare.rules[0].within", 18, "'within_s'"),
        (
            ', why: "clocks differ"',
            "",
            "rule-without-why",
            f"{ENTITLEMENT}.compare.rules[0].why",
            18,
            "add 'why:'",
        ),
        ("as: text", "as: txt", "unknown-rule", f"{ENTITLEMENT}.compare.rules[1]", 19, "did you mean 'text'?"),
        ("as: text, ", "", "missing-field", f"{ENTITLEMENT}.compare.rules[1]", 19, "add 'as:'"),
        ("effect: read", "effect: reed", "bad-choice", f"{ENTITLEMENT}.effect", 11, "did you mean 'read'?"),
        ("programme: elderly-care\n", "", "missing-field", "programme", 1, "add 'programme:'"),
        ("programme: elderly-care", "programme: Elderly Care", "bad-name", "programme", 2, "^[a-z]"),
        ("version: 1", "version: 2", "bad-choice", "version", 1, "choose from 1"),
        ("timeout_s: 5", "timeout_s: soon", "bad-value", "systems.pensions.timeout_s", 5, "number"),
        (
            '"examples.elderly_care.facades:entitlement"',
            "facades.entitlement",
            "bad-name",
            f"{ENTITLEMENT}.new.facade",
            14,
            "",
        ),
        (
            'key: {xpath: "//nino"}',
            'key: {xpath: "//a", query: b}',
            "bad-value",
            f"{ENTITLEMENT}.key",
            15,
            "exactly one",
        ),
        (
            "    effect: read",
            "    effect: read\n    effect: write",
            "duplicate-key",
            f"{ENTITLEMENT}.effect",
            12,
            "twice",
        ),
        ("programme: elderly-care", "programme: {a", "bad-yaml", "plan", 3, "quote"),
    ],
)
def test_loader_refuses_a_wrong_form_with_file_line_key_and_way_out(
    problems: Problems, *, before: str, after: str, code: str, key: str, line: int, said: str
) -> None:
    found = [problem for problem in problems(before, after) if problem.code == code]
    assert [(problem.file, problem.line, problem.key) for problem in found] == [("migration.yaml", line, key)]
    assert said in str(found[0])


def test_loader_refuses_a_missing_variable_by_name(problems: Problems) -> None:
    (found,) = problems("timeout_s: 5", "timeout_s: 5", {})
    assert (found.code, found.line, found.key) == ("missing-variable", 6, "systems.patient-index.connection")
    assert "set PATIENT_INDEX_ODBC, or write ${PATIENT_INDEX_ODBC:-default}" in found.fix


def test_loader_collects_form_and_meaning_in_one_refusal(load: Load, good: str) -> None:
    text = good.replace("effect: read", "efect: read").replace("to: dualwrite", "to: live").replace("[^/]+/c", "[/c")
    with pytest.raises(PlanError) as caught:
        load(text)
    assert {problem.code for problem in caught.value.problems} == {
        "unknown-field",
        "missing-field",
        "bad-rollback",
        "bad-regex",
    }


def test_loader_keeps_a_secret_out_of_its_messages(problems: Problems) -> None:
    found = problems(
        "department: health, speaks: odbc",
        'department: health, speaks: "${S}"',
        {"S": "x", "PATIENT_INDEX_ODBC": "PWD=hunter2"},
    )
    assert "hunter2" not in "".join(map(str, found))


_NAMES = st.sampled_from(
    [
        "version",
        "programme",
        "systems",
        "operations",
        "match",
        "path",
        "old",
        "new",
        "key",
        "pensions.get",
        "compare",
        "<<",
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=20,
)


def _refused_or_loaded(text: str) -> None:
    try:
        parse_plan(text, Path("migration.yaml"), {})
    except PlanError as error:
        assert error.problems  # noqa: PT017  either way is right; only another exception is not


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80) | st.text("[]{}:-,&*!<>?|#'\"%@`ab \n${}", max_size=60))
def test_loader_never_crashes_on_any_text(text: str) -> None:
    _refused_or_loaded(text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_NAMES, _VALUES, max_size=6))
def test_loader_never_crashes_on_any_data(data: dict[str, object]) -> None:
    import yaml

    _refused_or_loaded(yaml.safe_dump(data))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_loader_never_crashes_on_a_plan_with_one_line_spoilt(data: st.DataObject) -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("plan_under_test", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    lines = module.GOOD.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    head = lines[at].partition(":")[0]
    spoilt = data.draw(st.sampled_from(["", "~", "[]", "{}", "1", "x", "[[1]]", "{a: {b: 1}}", "!!set {a}", "*a"]))
    lines[at] = f"{head}: {spoilt}"
    _refused_or_loaded("\n".join(lines))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 5_000,
        "a: &a [*a]",
        "a: &a {b: *a}",
        "!!python/object/apply:os.system ['true']",
        "&a [x, x]: 1",
        "x: 1" + "0" * 5_000,
        "x: 0x" + "f" * 5_000,
        "\x00",
        "x: 2026-02-30",
        "- !!binary '%'",
        "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
        + "".join(f"{chr(99 + n)}: &{chr(99 + n)} [{','.join(['*' + chr(98 + n)] * 10)}]\n" for n in range(8)),
    ],
    ids=lambda text: text[:24],
)
def test_loader_refuses_hostile_yaml_quickly(text: str) -> None:
    with pytest.raises(PlanError):
        parse_plan(text, Path("migration.yaml"), {})
