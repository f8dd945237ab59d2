import json

from proxy.mitm import problem


def test_a_document_names_the_system_and_follows_rfc_9457() -> None:
    document = json.loads(problem.late("pensions", "pensions.get", 2.5).document())
    assert document == {
        "type": "urn:strangler:problem:system-timeout",
        "title": "Gateway Timeout",
        "status": 504,
        "detail": "The system 'pensions' did not answer within 2.5 seconds.",
        "system": "pensions",
        "operation": "pensions.get",
    }


def test_every_problem_has_its_status() -> None:
    problems = [
        problem.unreachable("s", None),
        problem.broken("s", None),
        problem.no_operation("r"),
        problem.refused(400, "r"),
        problem.internal(),
    ]
    assert [json.loads(one.document())["status"] for one in problems] == [502, 502, 404, 400, 500]
