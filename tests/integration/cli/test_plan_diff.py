"""``strangler plan diff``: a plan that is thought of, held against what callers really asked for."""

from tests.integration.cli.conftest import PLAN, READ


def other(programme, before: str, after: str) -> str:
    target = programme.folder / "other.yaml"
    assert before in PLAN
    target.write_text(PLAN.replace(before, after), encoding="utf-8")
    return str(target)


def test_plan_diff_says_what_would_go_elsewhere(programme) -> None:
    programme.compare(30)
    after = other(programme, "value: /books}", "value: /volumes}")
    told = programme.run("plan", "diff", str(programme.plan), after, bare=True)
    assert told.code == 1
    assert "30 of 30 recorded requests would go elsewhere" in told.out
    assert f"{READ} in off, old-catalogue answers" in told.out
    assert "now: no operation, old-catalogue answers" in told.out
    found = programme.run("plan", "diff", str(programme.plan), after, "--json", bare=True).document
    assert (found["requests"], found["elsewhere"], found["moved"][0]["count"]) == (30, 30, 30)
    assert programme.session.journal.exchange(found["moved"][0]["example"])[0].operation == READ


def test_plan_diff_is_content_where_nothing_moves(programme) -> None:
    programme.compare(5)
    after = other(programme, "max_mismatch: 0.1", "max_mismatch: 0.2")
    told = programme.run("plan", "diff", str(programme.plan), after, bare=True)
    assert (told.code, told.out.strip()) == (0, "0 of 5 recorded requests would go elsewhere")
    assert programme.run("plan", "diff", str(programme.plan), after, "--limit", "2", "--json", bare=True).document == {
        "requests": 2,
        "elsewhere": 0,
        "moved": [],
    }


def test_plan_diff_without_anything_recorded_is_no_data(programme) -> None:
    told = programme.run("plan", "diff", str(programme.plan), str(programme.plan), bare=True)
    assert (told.code, "nothing was recorded" in told.out) == (3, True)


def test_plan_diff_of_a_plan_that_does_not_load_names_what_is_wrong(programme) -> None:
    after = other(programme, "effect: read", "effect: reed")
    told = programme.run("plan", "diff", str(programme.plan), after, bare=True)
    assert (told.code, "other.yaml" in told.err) == (2, True)
