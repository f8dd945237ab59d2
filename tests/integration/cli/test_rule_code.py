"""strangler plan check on the code of custom rules: it tells the digest to write, and runs nothing of it."""

import sys

import pytest

from parity_checks.rules.source_code import digest_of

CODE = "raise SystemExit('imported')\ndef same(old, new):\n    return True\n"
DIGEST = digest_of(CODE.encode())
AT = "operations.library.get-book.compare.rules[0]"


@pytest.fixture
def check(programme, monkeypatch):
    """Checks the plan with a rule whose ``function`` and ``code`` are these."""
    (programme.folder / "ours_for_books.py").write_text(CODE)
    monkeypatch.syspath_prepend(programme.folder)

    def checked(function: str, code: str):
        rule = f'{{path: "//isbn", as: custom, function: "{function}", {code}why: "hyphens"}}'
        programme.change_plan("    gates: {parity", f"    compare: {{rules: [{rule}]}}\n    gates: {{parity")
        return programme.run("plan", "check", "--json")

    return checked


def test_plan_check_of_a_custom_rule_with_its_code(check) -> None:
    told = check("ours_for_books:same", f"code: '{DIGEST}', ")
    assert (told.code, told.document["ok"]) == (0, True)
    assert "ours_for_books" not in sys.modules


@pytest.mark.parametrize("code", ["code: '0123456789abcdef', ", "code: wrong, ", ""])
def test_plan_check_tells_the_digest_to_write(check, code: str) -> None:
    told = check("ours_for_books:same", code)
    assert (told.code, told.document["ok"]) == (2, False)
    assert [(one["key"], one["fix"]) for one in told.document["problems"]] == [
        (f"{AT}.code", f'write code: "{DIGEST}"')
    ]
    assert told.document["problems"][0]["line"] > 1


@pytest.mark.parametrize("code", ["code: '0123456789abcdef', ", ""])
def test_plan_check_tells_of_a_module_that_is_not_there(check, code: str) -> None:
    told = check("no_such_module_here:same", code)
    assert told.code == 2
    assert "PYTHONPATH" in told.document["problems"][0]["fix"]


def test_plan_check_tells_of_a_function_that_is_not_there(check) -> None:
    told = check("ours_for_books:sane", f"code: '{DIGEST}', ")
    assert (told.code, [one["code"] for one in told.document["problems"]]) == (2, ["no-function"])
    assert told.document["problems"][0]["key"] == f"{AT}.function"
