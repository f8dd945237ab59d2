"""One change anywhere in a document is one finding, at a path that other tools can read, with rules and without."""

import copy
import json
from typing import Any
from xml.sax.saxutils import escape

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import CompiledRules, compile_rules
from strangler.exchange import Difference, Observation
from strangler.plan.comparison import Compare
from strangler.stages import Side

quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
ODD = "a value that no generator makes"


def ruled(*rules: dict[str, Any]) -> CompiledRules:
    return compile_rules("op.x", Compare.model_validate({"rules": [{"why": "because", **rule} for rule in rules]}))


BARE = ruled()
BUSY = ruled(
    {"path": "$..ignored", "as": "ignore", "hides": "structure"},
    {"path": "$..opaque", "as": "opaque", "like": "[a-z]+"},
    {"path": "$..at", "as": "datetime", "within_s": 5},
    {"path": "$..amount", "as": "number"},
    {"path": "$..items", "as": "set"},
    {"path": "$..old", "as": "rename", "to": "new"},
    {"path": "$..end", "as": "present-if", "member": "status", "is": ["CLOSED"]},
    {"path": "//ignored", "as": "ignore", "hides": "structure"},
    {"path": "//at", "as": "datetime", "within_s": 5},
    {"path": "//code", "as": "code", "table": {"A": "active"}},
    {"path": "//@id", "as": "opaque"},
)


def found(old: str, new: str, rules: CompiledRules, media: str = "application/json") -> tuple[Difference, ...]:
    headers = (("content-type", media),)
    result = compare(
        Observation(Side.OLD, 200, headers, old.encode()), Observation(Side.NEW, 200, headers, new.encode()), rules
    )
    assert isinstance(result, Comparison), result
    return result.differences


def compared(old: Any, new: Any, rules: CompiledRules) -> tuple[Difference, ...]:
    return found(json.dumps(old), json.dumps(new), rules)


# JSON

member_names = st.sampled_from(["a", "b", "a b", "it's", 'a"b', "a\\b", "é", "@c", "0", "*", "status", ""])
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 1.0, -2.25, 10**17 + 1])
    | st.text("ab é\\'\"", max_size=3)
)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(member_names, inner, max_size=4), max_leaves=20
)
rule_sets = st.sampled_from([BARE, BUSY])


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, child in children for place in places(child, (*path, step)))]


def evaluated(path: str, value: Any) -> Any:
    """What a JSONPath of names and indexes leads to (RFC 9535, 2.3), read by a walk of the test's own."""
    assert path[0] == "$"
    rest = path[1:]
    while rest:
        if rest.startswith("['"):
            end = 2
            while rest[end] != "'":
                end += 2 if rest[end] == "\\" else 1
            value = value[rest[2:end].replace("\\'", "'").replace("\\\\", "\\")]
            rest = rest[end + 2 :]
        elif rest[0] == "[":
            index, _, rest = rest[1:].partition("]")
            value = value[int(index)]
        else:
            end = next((at for at, char in enumerate(rest[1:], 1) if char in ".["), len(rest))
            assert rest[0] == "."
            value = value[rest[1:end]]
            rest = rest[end:]
    return value


@quick
@given(documents, rule_sets, st.data())
def test_json_leaf_changed_is_one_finding(value: Any, rules: CompiledRules, data: st.DataObject) -> None:
    old = {"root": value}
    path = data.draw(
        st.sampled_from([path for path in places(old) if not isinstance(at(old, path), dict | list)] or [()])
    )
    if not path:
        return
    new = copy.deepcopy(old)
    before = at(old, path)
    at(new, path[:-1])[path[-1]] = data.draw(st.sampled_from([ODD, 987_654, {"no": "generator"}, 0.123]))
    (difference,) = compared(old, new, rules)
    assert difference.kind.value in {"value", "type"}
    assert evaluated(difference.path, old) is at(old, path)
    assert (before, difference.new) != (None, None)


@quick
@given(documents, rule_sets, st.data())
def test_json_member_removed_or_added_is_one_finding(value: Any, rules: CompiledRules, data: st.DataObject) -> None:
    less = {"root": value}
    path = data.draw(st.sampled_from([path for path in places(less) if isinstance(at(less, path), dict)]))
    more = copy.deepcopy(less)
    at(more, path)["added"] = data.draw(st.sampled_from([ODD, None, False, [], {"a": 1}]))
    (surplus,) = compared(less, more, rules)
    (missing,) = compared(more, less, rules)
    assert (surplus.kind.value, missing.kind.value) == ("surplus", "missing")
    assert surplus.path == missing.path
    assert evaluated(surplus.path, more) is at(more, path)["added"]


@quick
@given(documents, rule_sets, st.data())
def test_json_element_removed_or_added_is_one_finding(value: Any, rules: CompiledRules, data: st.DataObject) -> None:
    less = {"root": [value, {"items": [copy.deepcopy(value)]}]}
    path = data.draw(st.sampled_from([path for path in places(less) if isinstance(at(less, path), list)]))
    more = copy.deepcopy(less)
    index = data.draw(st.integers(0, len(at(more, path))))
    at(more, path).insert(index, data.draw(st.sampled_from([ODD, {"no": "generator"}, ["no", "generator"]])))
    (surplus,) = compared(less, more, rules)
    (missing,) = compared(more, less, rules)
    assert (surplus.kind.value, missing.kind.value) == ("surplus", "missing")
    assert surplus.path == missing.path
    assert evaluated(surplus.path, more) is at(more, (*path, index))


@quick
@given(documents, st.data())
def test_json_member_renamed_is_missing_and_surplus_and_nothing_where_a_rule_says_so(
    value: Any, data: st.DataObject
) -> None:
    old = {"root": value}
    path = data.draw(st.sampled_from([path for path in places(old) if isinstance(at(old, path), dict)]))
    inner = at(old, path)
    inner["old"] = data.draw(leaves)
    new = copy.deepcopy(old)
    at(new, path)["new"] = at(new, path).pop("old")
    assert [difference.kind.value for difference in compared(old, new, BARE)] == ["missing", "surplus"]
    assert compared(old, new, BUSY) == ()


@quick
@given(documents, documents, rule_sets)
def test_json_compare_is_symmetric_but_for_direction_whatever_the_rules(
    old: Any, new: Any, rules: CompiledRules
) -> None:
    turned = {"missing": "surplus", "surplus": "missing"}
    forth, back = compared(old, new, BARE), compared(new, old, BARE)
    assert sorted((turned.get(d.kind.value, d.kind.value), d.general_path) for d in back) == sorted(
        (d.kind.value, d.general_path) for d in forth
    )
    values = [d for d in forth if d.kind.value in {"value", "type"}]
    mirrored = [d for d in back if d.kind.value in {"value", "type"}]
    assert sorted((d.old or "", d.new or "") for d in values) == sorted((d.new or "", d.old or "") for d in mirrored)
    assert bool(compared(old, new, rules)) == bool(compared(new, old, rules))


@quick
@given(documents, rule_sets)
def test_json_compare_is_reflexive_however_it_is_written(value: Any, rules: CompiledRules) -> None:
    assert compared(value, value, rules) == ()
    for options in ({"indent": 1}, {"sort_keys": True}, {"ensure_ascii": False}, {"separators": (",", ":")}):
        assert found(json.dumps(value), json.dumps(value, **options), rules) == ()  # type: ignore[arg-type]


# XML

Node = tuple[str, dict[str, str], Any]
element_names = st.sampled_from(["a", "b", "p:a", "p:c", "list"])
nodes: st.SearchStrategy[Node] = st.recursive(
    st.tuples(
        element_names,
        st.dictionaries(st.sampled_from(["k", "p:k"]), st.text("ab<é", max_size=2)),
        st.text("xy &é", max_size=3),
    ),
    lambda inner: st.tuples(element_names, st.just({}), st.lists(inner, min_size=1, max_size=4)),
    max_leaves=15,
)


def markup(node: Node) -> str:
    name, attributes, inner = node
    items = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    held = escape(inner) if isinstance(inner, str) else "".join(map(markup, inner))
    return f"<{name}{items}>{held}</{name}>"


def whole(node: Node) -> str:
    return f'<root xmlns:p="urn:p">{markup(node)}</root>'


def steps(node: Node, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    inner = node[2]
    below = () if isinstance(inner, str) else (s for n, child in enumerate(inner) for s in steps(child, (*path, n)))
    return [path, *below]


def changed(node: Node, path: tuple[int, ...], change: Any) -> Node:
    name, attributes, inner = node
    if not path:
        return change(node)  # type: ignore[no-any-return]
    return (
        name,
        attributes,
        [changed(child, path[1:], change) if n == path[0] else child for n, child in enumerate(inner)],
    )


def node_at(node: Node, path: tuple[int, ...]) -> Node:
    for step in path:
        node = node[2][step]
    return node


def selected(text: str, path: str) -> Any:
    (one,) = etree.fromstring(text.encode()).xpath(path)  # type: ignore[misc]
    return one


@quick
@given(nodes, rule_sets, st.data())
def test_xml_value_changed_is_one_finding_that_lxml_finds(
    node: Node, rules: CompiledRules, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from([path for path in steps(node) if isinstance(node_at(node, path)[2], str)]))
    is_text = data.draw(st.booleans())

    def change(before: Node) -> Node:
        name, attributes, inner = before
        return (name, attributes, ODD) if is_text else (name, {**attributes, "k": ODD}, inner)

    old, new = whole(node), whole(changed(node, path, change))
    (difference,) = found(old, new, rules, "text/xml")
    assert difference.new == ODD
    assert written(selected(new, difference.path)) == ODD
    if difference.old is not None:
        assert written(selected(old, difference.path)) == difference.old


def written(selected_: Any) -> str:
    return selected_ if isinstance(selected_, str) else selected_.text or ""


@quick
@given(nodes, rule_sets, st.data())
def test_xml_element_added_or_removed_is_one_finding_that_lxml_finds(
    node: Node, rules: CompiledRules, data: st.DataObject
) -> None:
    lists = [path for path in steps(node) if not isinstance(node_at(node, path)[2], str)]
    if not lists:
        return
    path = data.draw(st.sampled_from(lists))
    index = data.draw(st.integers(0, len(node_at(node, path)[2])))
    name = data.draw(element_names)

    def change(before: Node) -> Node:
        inner = list(before[2])
        inner.insert(index, (name, {}, ODD))
        return (before[0], before[1], inner)

    less, more = whole(node), whole(changed(node, path, change))
    surplus = found(less, more, rules, "text/xml")
    missing = found(more, less, rules, "text/xml")
    assert [d.kind.value for d in surplus if d.kind.value != "order"] == ["surplus"]
    assert [d.kind.value for d in missing if d.kind.value != "order"] == ["missing"]
    assert selected(more, surplus[0].path).text == ODD
    assert [d.path for d in surplus] == [d.path for d in missing]
    assert len(surplus) == 1


@quick
@given(nodes, rule_sets)
def test_xml_compare_is_reflexive_however_it_is_written(node: Node, rules: CompiledRules) -> None:
    old = whole(node)
    assert found(old, old, rules, "text/xml") == ()
    prefixed = old.replace("<p:", "<q:").replace("</p:", "</q:").replace(" p:", " q:").replace("xmlns:p", "xmlns:q")
    assert found(old, prefixed, rules, "text/xml") == ()
    assert found(old, old.replace("é", "&#233;"), rules, "text/xml") == ()
    assert found(old, '<?xml version="1.0"?>\n<!-- written by hand -->\n' + old, rules, "text/xml") == ()
