from collections.abc import Callable

import pytest

from strangler.errors import Problem
from strangler.plan import LoadedPlan
from strangler.plan.effect_text import filled, placeholders

Load = Callable[..., LoadedPlan]
Problems = Callable[..., tuple[Problem, ...]]
READ = "operations.pensions.get-entitlement"
WRITE = "operations.health.update-contact"
KEY = '    key: {path: "^/patients/([^/]+)"}\n'
DUAL = "{policy: dual, idempotency_header: Idempotency-Key}"
LEARN = '    ids: {learn: [{name: contact, old: "$.id", new: "$.contact.id"}]}\n'
EFFECT = """    effects:
      - name: entitlement
        read: pensions.get-entitlement
        request: {method: POST, target: "/pensions?of={key}", headers: {x-of: "{answer:$.id}"}, body: "<of>{key}</of>"}
        only: ["//telephone"]
"""
ROWS = """    effects:
      - name: letters
        rows: {old: "SELECT a FROM t WHERE k = :key", new: "with x AS (SELECT 1) SELECT a FROM u WHERE k = :key",
               old_system: patient-index, new_system: citizen-record}
"""
DATABASE = 'url: "http://127.0.0.1:7201", rows_connection: "sqlite:///rows.db"'


def with_ids(text: str) -> str:
    return text.replace(KEY, KEY + LEARN, 1)


@pytest.mark.parametrize(
    "more",
    [
        LEARN,
        LEARN + EFFECT,
        LEARN.replace("learn:", 'use: [{name: contact, at: {path: "^/c/([^/]+)"}}], learn:'),
        ROWS,
    ],
)
def test_consequences_that_are_right_load(load: Load, good: str, more: str) -> None:
    text = good.replace(KEY, KEY + more, 1).replace('url: "http://127.0.0.1:7201"', DATABASE)
    text = text.replace("PATIENT_INDEX_ODBC}", "PATIENT_INDEX_ODBC}").replace(
        "speaks: odbc,", "speaks: odbc, dialect: sqlite,"
    )
    operation = load(text).plan.operations["health.update-contact"]
    assert bool(operation.ids.learn) or bool(operation.effects)


@pytest.mark.parametrize(
    ("before", "after", "code", "told"),
    [
        (
            'key: {xpath: "//nino"}',
            f'key: {{xpath: "//nino"}}\n{LEARN.rstrip()}',
            "learn-in-read",
            (f"{READ}.ids.learn[0]", "use it here"),
        ),
        (KEY, KEY + LEARN.replace("$.id", "id["), "bad-xpath", (f"{WRITE}.ids.learn[0].old", "//nino")),
        (KEY, KEY + LEARN.replace("$.contact.id", "$.a b"), "bad-jsonpath", (f"{WRITE}.ids.learn[0].new", "$.citizen")),
        (
            KEY,
            KEY + LEARN.replace("]}", ', {name: contact, old: "$.a"}]}'),
            "learnt-twice",
            (f"{WRITE}.ids.learn[1].name", "otherwise"),
        ),
        (
            KEY,
            KEY + LEARN.replace("learn:", "use: [{name: contract, at: {query: id}}], learn:"),
            "unknown-id",
            (f"{WRITE}.ids.use[0].name", "'contact'?"),
        ),
        (
            KEY,
            KEY + "    ids: {use: [{name: contact, at: {query: id}}]}\n",
            "unknown-id",
            (f"{WRITE}.ids.use[0].name", "that creates it"),
        ),
        (
            KEY,
            KEY + LEARN.replace("learn:", 'use: [{name: contact, at: {path: "^/c/.+"}}], learn:'),
            "bad-regex",
            (f"{WRITE}.ids.use[0].at.path", "no group"),
        ),
        (
            KEY,
            KEY + LEARN.replace("learn:", "use: [{name: contact, at: {json: id}}], learn:"),
            "bad-jsonpath",
            (f"{WRITE}.ids.use[0].at.json", "begin with $"),
        ),
        (
            KEY,
            KEY + LEARN.replace("learn:", "use: [{name: contact, at: {header: a b}}], learn:"),
            "bad-header",
            (f"{WRITE}.ids.use[0].at.header", "letters"),
        ),
        (
            "as: text, fold: case,",
            "as: id, of: contact,",
            "unknown-id",
            (f"{READ}.compare.rules[1].of", "that creates it"),
        ),
        (
            KEY,
            KEY + EFFECT.replace("get-entitlement", "get-entitlements"),
            "unknown-operation",
            (f"{WRITE}.effects[0].read", "get-entitlement'?"),
        ),
        (
            KEY,
            KEY + EFFECT.replace("pensions.get-entitlement", "health.update-contact"),
            "effect-writes",
            (f"{WRITE}.effects[0].read", "name a read"),
        ),
        (
            'key: {xpath: "//nino"}',
            f'key: {{xpath: "//nino"}}\n{EFFECT.rstrip()}',
            "effects-of-read",
            (f"{READ}.effects", "remove them"),
        ),
        (
            KEY,
            KEY + EFFECT + EFFECT.replace("    effects:\n", ""),
            "effect-twice",
            (f"{WRITE}.effects[1].name", "otherwise"),
        ),
        (
            KEY,
            EFFECT.replace("<of>{key}</of>", ""),
            "key-missing",
            (f"{WRITE}.effects[0].request.target", "{answer:PATH}"),
        ),
        (
            KEY,
            KEY + EFFECT.replace("$.id", "$.a b"),
            "bad-jsonpath",
            (f"{WRITE}.effects[0].request.headers.x-of", "$.citizen"),
        ),
        (
            KEY,
            KEY + EFFECT.replace('"/pensions', '"pensions'),
            "bad-path",
            (f"{WRITE}.effects[0].request.target", "'/pensions"),
        ),
        (
            KEY,
            KEY + EFFECT.replace("x-of:", "x-strangler-of:"),
            "bad-header",
            (f"{WRITE}.effects[0].request.headers.x-strangler-of", "another header"),
        ),
        (KEY, KEY + EFFECT.replace('"//telephone"', '"//a["'), "bad-xpath", (f"{WRITE}.effects[0].only[0]", "")),
        (KEY, KEY + ROWS, "no-rows", (f"{WRITE}.effects[0].rows.new_system", "rows_connection:")),
        (
            KEY,
            KEY + ROWS.replace("_system: citizen-record", "_system: citizen"),
            "unknown-system",
            (f"{WRITE}.effects[0].rows.new_system", "citizen-record"),
        ),
        (
            KEY,
            KEY + ROWS.replace('old: "SELECT a FROM', 'old: "DELETE FROM'),
            "rows-not-read",
            (f"{WRITE}.effects[0].rows.old", "SELECT"),
        ),
        (
            KEY,
            KEY + ROWS.replace("FROM t WHERE k = :key", "FROM t WHERE k = :keys OR j = '::key'"),
            "rows-without-key",
            (f"{WRITE}.effects[0].rows.old", ":key"),
        ),
        (KEY, ROWS, "key-missing", (f"{WRITE}.effects[0].rows", "'key:'")),
    ],
)
def test_consequences_that_are_wrong_are_refused(
    problems: Problems, before: str, after: str, code: str, told: tuple[str, str]
) -> None:
    found = [problem for problem in problems(before, after) if problem.code == code]
    assert [problem.key for problem in found] == [told[0]]
    assert told[1] in f"{found[0].message} {found[0].fix}"


@pytest.mark.parametrize(
    ("policy", "more", "code"),
    [
        ("{policy: never}", LEARN, "learn-never"),
        ("{policy: never}", EFFECT, "effects-never"),
        ("{policy: sandbox, sandbox: stand-in}", EFFECT, "sandbox-needs-gateway"),
        ("{policy: sandbox, sandbox: stand-in}", ROWS, "rows-elsewhere"),
    ],
)
def test_consequences_that_the_write_policy_makes_impossible_are_refused(
    problems: Problems, policy: str, more: str, code: str
) -> None:
    found = problems(f"{KEY}    writes: {DUAL}\n", f"{KEY}{more}    writes: {policy}\n")
    assert code in {problem.code for problem in found}


def test_place_says_exactly_one(problems: Problems) -> None:
    both = LEARN.replace("learn:", "use: [{name: contact, at: {query: id, header: id}}], learn:")
    (problem,) = problems(KEY, KEY + both)
    assert "exactly one of" in problem.message


def test_effect_text_has_only_our_placeholders() -> None:
    text = '{"id": {answer:$.id}, "a": "{key}{Key}{}", "b": {"key": 1}}'
    assert placeholders(text) == ("answer:$.id", "key")
    assert filled(text, len_of) == '{"id": 11, "a": "3{Key}{}", "b": {"key": 1}}'


def len_of(said: str) -> str:
    return str(len(said))
