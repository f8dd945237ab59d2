from typing import Any

import pytest

from strangler.plan.comparison import Compare
from strangler.plan.shape_rules import check_shape_rules


def complaints(*rules: dict[str, Any]) -> list[tuple[str, str, bool]]:
    compare = Compare.model_validate({"rules": [{"why": "because", **rule} for rule in rules]})
    return [(found.code, ".".join(map(str, found.path)), found.is_refusal) for found in check_shape_rules((), compare)]


RENAME = {"path": "$.list[*].surname", "as": "rename", "to": "familyName"}
PRESENT = {"path": "//endDate", "as": "present-if", "member": "status", "is": ["CLOSED"]}


def test_good_rules_have_no_complaint() -> None:
    others = ({**RENAME, "path": "//@seq", "to": "@number"}, {**RENAME, "path": "//@a", "to": "b"})
    odd = {**RENAME, "path": "$['odd name']", "to": "another odd name"}
    assert complaints(RENAME, *others, odd, PRESENT, {**PRESENT, "member": "@status"}) == []


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({**RENAME, "to": "surname"}, "to"),
        ({**RENAME, "path": "//@seq", "to": "seq"}, "to"),
        ({**RENAME, "path": "$.list[*]"}, "path"),
        ({**RENAME, "path": "$.list[3]"}, "path"),
        ({**RENAME, "path": "//*"}, "path"),
        ({**RENAME, "path": "//@*"}, "path"),
        ({**RENAME, "path": "$"}, "path"),
        ({**RENAME, "path": "headers.etag"}, "path"),
        ({**RENAME, "to": "$.list[*].familyName"}, "to"),
        ({**RENAME, "path": "//surname", "to": "p:familyName"}, "to"),
        ({**RENAME, "path": "//surname", "to": "//familyName"}, "to"),
        ({**RENAME, "path": "//surname", "to": "@familyName"}, "to"),
    ],
)
def test_rename_that_cannot_be_meant_is_refused(rule: dict[str, Any], where: str) -> None:
    assert complaints(rule) == [("bad-rename", f"rules.0.{where}", True)]


def test_second_rename_to_one_name_is_refused() -> None:
    second = {**RENAME, "path": "$.list[*].lastName"}
    assert complaints(RENAME, second) == [("bad-rename", "rules.1.to", True)]
    assert complaints(RENAME, {**second, "path": "$.other.lastName"}) == []


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({**PRESENT, "path": "$.list[*]"}, "path"),
        ({**PRESENT, "path": "status"}, "path"),
        ({**PRESENT, "member": "//status"}, "member"),
        ({**PRESENT, "member": "endDate"}, "member"),
    ],
)
def test_present_if_that_cannot_be_meant_is_refused(rule: dict[str, Any], where: str) -> None:
    assert complaints(rule) == [("bad-present-if", f"rules.0.{where}", True)]


def test_present_if_with_white_space_is_warned_of() -> None:
    assert complaints({**PRESENT, "is": ["CLOSED "]}) == [("odd-present-if", "rules.0.is", False)]
