"""Rules that live in the walk: rename, present-if, and what an ignore hides."""

from typing import Any

import pytest

from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Observation
from strangler.plan.comparison import Compare
from strangler.stages import Side

FORM = "application/x-www-form-urlencoded"


def outcome(
    old: str, new: str, *rules: dict[str, Any], content_type: str = ""
) -> tuple[list[tuple[str, str, str | None, str | None]], tuple[int, ...]]:
    content_type = content_type or ("text/xml" if old.startswith("<") else "application/json")
    compiled = compile_rules("op.x", Compare.model_validate({"rules": [{"why": "because", **rule} for rule in rules]}))
    headers = (("content-type", content_type),)
    result = compare(
        Observation(Side.OLD, 200, headers, old.encode()), Observation(Side.NEW, 200, headers, new.encode()), compiled
    )
    assert isinstance(result, Comparison), result
    return [(found.kind.value, found.path, found.old, found.new) for found in result.differences], result.hidden


def rename(path: str, to: str) -> dict[str, Any]:
    return {"path": path, "as": "rename", "to": to}


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('{"a":{"surname":"X","n":1}}', '{"a":{"n":1,"family":"X"}}', rename("$.a.surname", "family")),
        ("<r><surname>X</surname><n/></r>", "<r><family>X</family><n/></r>", rename("//surname", "family")),
        ('<r a="1" b="2"/>', '<r c="1" b="2"/>', rename("/r/@a", "c")),
        ('<r a="1" b="2"/>', '<r c="1" b="2"/>', rename("/r/@a", "@c")),
        ("<old><a/></old>", "<new><a/></new>", rename("/old", "new")),
        ("a=1&b=2", "c=1&b=2", rename("$.a", "c")),
        (
            '<p:r xmlns:p="urn:x"><p:a>1</p:a><p:b/></p:r>',
            '<r xmlns="urn:x"><c>1</c><b/></r>',
            rename("//a", "c"),
        ),
    ],
)
def test_rename_is_met_and_counted(old: str, new: str, rule: dict[str, Any]) -> None:
    form = FORM if "=" in old[:2] else ""
    assert outcome(old, new, rule, content_type=form) == ([], (1,))
    assert outcome(old, old, rule, content_type=form) == ([], (0,))
    assert outcome(old, new, content_type=form)[0] != []


def test_rename_leaves_the_value_compared_at_the_old_name() -> None:
    rule = rename("$.a", "b")
    assert outcome('{"a":1}', '{"b":2}', rule) == ([("value", "$.a", "1", "2")], (1,))
    assert outcome("<r><a>1</a></r>", "<r><b>2</b></r>", rename("//a", "b")) == ([("value", "/r/a", "1", "2")], (1,))


def test_rename_says_what_is_lacking_where_it_is() -> None:
    rule = rename("$.a", "b")
    assert outcome('{"a":1}', "{}", rule) == ([("missing", "$.a", "1", None)], (0,))
    assert outcome("{}", '{"b":1}', rule) == ([("surplus", "$.b", None, "1")], (0,))
    assert outcome('<r x="1"/>', '<r x="1" b="2"/>', rename("//@a", "b")) == ([("surplus", "/r/@b", None, "2")], (0,))
    xml = outcome("<r><x/></r>", "<r><x/><b>1</b></r>", rename("//a", "b"))
    assert xml == ([("surplus", "/r/b", None, "1")], (0,))


def test_rename_is_not_met_where_the_other_name_is_taken() -> None:
    rule = rename("$.a", "b")
    assert outcome('{"a":1,"b":2}', '{"b":2}', rule) == ([("missing", "$.a", "1", None)], (0,))
    assert outcome('{"a":1}', '{"a":1,"b":2}', rule) == ([("surplus", "$.b", None, "2")], (0,))
    assert outcome('{"b":1}', '{"b":1}', rule) == ([], (0,))


def test_rename_in_another_namespace_is_not_met() -> None:
    found, hidden = outcome('<r xmlns:p="urn:x"><p:a/></r>', '<r xmlns:p="urn:y"><p:b/></r>', rename("//a", "b"))
    assert ([kind for kind, *_ in found], hidden) == (["missing", "surplus"], (0,))


def test_rename_does_not_keep_list_elements_apart() -> None:
    rules = (rename("$[*].a", "b"), {"path": "$", "as": "set"})
    old = '[{"a":1,"n":"x"},{"a":2,"n":"x"},{"a":3,"n":"x"}]'
    new = '[{"b":3,"n":"x"},{"b":1,"n":"x"},{"b":2,"n":"x"}]'
    assert outcome(old, new, *rules) == ([], (3, 0))
    assert outcome(old, '[{"b":1,"n":"x"},{"b":9,"n":"y"},{"b":2,"n":"x"},{"b":3,"n":"x"}]', rules[0]) == (
        [("surplus", "$[1]", None, '{"b":9,"n":"y"}')],
        (3,),
    )
    xml = ("<r><i><a>1</a></i><i><a>2</a></i></r>", "<r><i><b>0</b></i><i><b>1</b></i><i><b>2</b></i></r>")
    assert outcome(*xml, rename("//a", "b")) == ([("surplus", "/r/i[1]", None, "<i><b>0</b></i>")], (2,))


def test_rename_takes_the_old_names_rules_along() -> None:
    rules = (rename("//a", "b"), {"path": "//a", "as": "number"}, {"path": "//a/@u", "as": "opaque"})
    assert outcome('<r><a u="1">1.0</a></r>', '<r><b u="2">1</b></r>', *rules) == ([], (1, 1, 1))


PRESENT = {"path": "$.end", "as": "present-if", "member": "status", "is": ["CLOSED", "3"]}


@pytest.mark.parametrize(
    ("old", "new", "found", "hidden"),
    [
        ('{"status":"OPEN","end":1}', '{"status":"OPEN"}', [], 1),
        ('{"status":"OPEN"}', '{"status":"OPEN","end":1}', [], 1),
        ('{"status":"CLOSED","end":1}', '{"status":"CLOSED"}', [("missing", "$.end", "1", None)], 0),
        ('{"status":3}', '{"status":3,"end":1}', [("surplus", "$.end", None, "1")], 0),
        ('{"end":1}', "{}", [], 1),
        ('{"status":"OPEN","end":1}', '{"status":"OPEN","end":2}', [("value", "$.end", "1", "2")], 0),
        ('{"status":"OPEN","end":1}', '{"status":"OPEN","end":null}', [("type", "$.end", "1", "null")], 0),
    ],
)
def test_present_if_lets_one_side_lack_it(
    old: str, new: str, found: list[tuple[str, str, str | None, str | None]], hidden: int
) -> None:
    assert outcome(old, new, PRESENT) == (found, (hidden,))


def test_present_if_reads_the_old_sides_member() -> None:
    found, hidden = outcome('{"status":"CLOSED","end":1}', '{"status":"OPEN"}', PRESENT)
    assert ([path for _, path, *_ in found], hidden) == (["$.status", "$.end"], (0,))
    found, hidden = outcome('{"status":"OPEN","end":1}', '{"status":"CLOSED"}', PRESENT)
    assert ([path for _, path, *_ in found], hidden) == (["$.status"], (1,))


def test_present_if_in_xml_with_an_attribute_and_in_a_list() -> None:
    rule = {"path": "//end", "as": "present-if", "member": "@status", "is": ["CLOSED"]}
    old = '<r><p status="OPEN"><end>1</end><n>1</n></p><p status="CLOSED"><end>2</end><n>2</n></p></r>'
    assert outcome(old, old.replace("<end>1</end>", ""), rule) == ([], (1,))
    assert outcome(old.replace("<end>1</end>", ""), old, rule) == ([], (1,))
    assert outcome(old, old.replace("<end>2</end>", ""), rule) == ([("missing", "/r/p[2]/end", "2", None)], (0,))
    attribute = {"path": "//@end", "as": "present-if", "member": "status", "is": ["CLOSED"]}
    assert outcome('<r end="1"><status>OPEN</status></r>', "<r><status>OPEN</status></r>", attribute) == ([], (1,))


def test_present_if_does_not_keep_list_elements_apart() -> None:
    rule = {**PRESENT, "path": "$[*].end"}
    old = '[{"n":1,"status":"A","end":1},{"n":2,"status":"A","end":2}]'
    new = '[{"n":0,"status":"A"},{"n":1,"status":"A"},{"n":2,"status":"A"}]'
    assert outcome(old, new, rule) == ([("surplus", "$[0]", None, '{"n":0,"status":"A"}')], (2,))


def test_ignored_value_does_not_hide_a_structure() -> None:
    rule = {"path": "$.a", "as": "ignore"}
    assert outcome('{"a":{"b":1}}', '{"a":{"b":2}}', rule) == ([("value", "$.a.b", "1", "2")], (0,))
    assert outcome('{"a":[1]}', "{}", rule) == ([("missing", "$.a", "[1]", None)], (0,))
    assert outcome('{"a":null}', '{"a":{"b":2}}', rule) == ([("type", "$.a", "null", '{"b":2}')], (0,))
    assert outcome('{"a":null}', '{"a":[]}', rule) == ([], (1,))
    assert outcome('{"a":1}', "{}", rule) == ([], (1,))
    xml = {"path": "//a", "as": "ignore"}
    assert outcome("<r><a>1</a></r>", "<r><a><b/></a></r>", xml)[1] == (0,)
    assert outcome("<r><a>1</a></r>", '<r><a c="2">3</a></r>', xml) == ([], (2,))
    structure = {**xml, "hides": "structure"}
    assert outcome("<r><a><b/></a><c/></r>", "<r><c/></r>", structure) == ([], (1,))


def test_ignored_value_keeps_list_elements_apart_by_their_structure() -> None:
    rule = {"path": "$[*].t", "as": "ignore"}
    assert outcome('[{"t":[1]},{"t":[2]}]', '[{"t":[2]}]', rule) == ([("missing", "$[0]", '{"t":[1]}', None)], (0,))


def test_elements_equal_by_rule_that_changed_places_are_one_order_difference() -> None:
    rule = {"path": "$[*].t", "as": "ignore"}
    old, new = '[{"x":1,"t":1},{"m":0},{"x":2,"t":2}]', '[{"x":2,"t":3},{"m":0},{"x":1,"t":4}]'
    found, _ = outcome(old, new, rule)
    assert [(kind, path) for kind, path, *_ in found] == [("order", "$")]


def test_only_the_namespace_of_a_name_that_is_there_twice_is_said() -> None:
    old = '<r xmlns:p="urn:p"><a>1</a><p:a>1</p:a><p:b>1</p:b></r>'
    ((_, path, *_),) = outcome(old, old.replace("<p:a>1", "<p:a>2"))[0]
    assert path == "/r/*[local-name()='a' and namespace-uri()='urn:p']"
    ((_, path, *_),) = outcome(old, old.replace("<p:b>1", "<p:b>2"))[0]
    assert path == "/r/*[local-name()='b']"


def test_inserted_element_is_no_difference_of_order() -> None:
    old, new = "<r><b/><a>1</a></r>", "<r><a>0</a><b/><a>1</a></r>"
    assert outcome(old, new)[0] == [("surplus", "/r/a[1]", None, "0")]
    assert outcome(new, old)[0] == [("missing", "/r/a[1]", "0", None)]
    assert [kind for kind, *_ in outcome("<r><a/><b/><c/></r>", "<r><d/><b/><a/></r>")[0]] == [
        "missing",
        "surplus",
        "order",
    ]
