from strangler.cli.sarif import sarif
from strangler.errors import Problem

REFUSAL = Problem("unknown-field", "plans/migration.yaml", 7, "operations.a.b.efect", "unknown field", "write 'effect'")
WARNING = Problem("no-key", "plans/migration.yaml", 0, "operations.a.b", "no key")


def test_sarif_has_a_result_for_each_problem_at_its_line() -> None:
    run = sarif([REFUSAL], [WARNING])["runs"][0]  # type: ignore[index]
    told = [
        (
            result["ruleId"],
            result["level"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            result["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for result in run["results"]
    ]
    assert told == [
        ("unknown-field", "error", "plans/migration.yaml", 7),
        ("no-key", "warning", "plans/migration.yaml", 1),
    ]
    assert run["results"][0]["message"]["text"] == "operations.a.b.efect: unknown field; write 'effect'"


def test_sarif_names_every_rule_that_its_results_use() -> None:
    run = sarif([REFUSAL], [WARNING])["runs"][0]  # type: ignore[index]
    assert {rule["id"]: rule["name"] for rule in run["tool"]["driver"]["rules"]} == {
        "no-key": "NoKey",
        "unknown-field": "UnknownField",
    }


def test_sarif_of_a_good_plan_has_no_results() -> None:
    document = sarif([], [])
    assert (document["version"], document["runs"][0]["results"]) == ("2.1.0", [])  # type: ignore[index]
