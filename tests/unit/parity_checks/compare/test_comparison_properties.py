"""Properties: reflexive, symmetric but for direction, stable under re-encoding, one mutation is one finding."""

import copy
import json
from typing import Any
from xml.sax.saxutils import escape

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parity_checks.compare.comparison import Comparison, NotCompared, compare
from parity_checks.rules.compiled import compile_rules
from strangler.exchange import Difference, DifferenceKind, Headers, Observation
from strangler.plan.comparison import Compare
from strangler.stages import Side

RULES = compile_rules("op.x", Compare())
quick = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))

names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-1000, max_value=1000).map(float)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(names, inner, max_size=5),
    max_leaves=25,
)


def differences(old: bytes, new: bytes, content_type: str = "application/json") -> tuple[Difference, ...]:
    headers: Headers = (("content-type", content_type),)
    result = compare(Observation(Side.OLD, 200, headers, old), Observation(Side.NEW, 200, headers, new), RULES)
    assert isinstance(result, Comparison), result
    return result.differences


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@quick
@given(documents)
def test_compare_is_reflexive_and_stable_under_reencoding(value: Any) -> None:
    assert differences(encoded(value), encoded(value)) == ()
    again = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode()
    assert differences(encoded(value), again) == ()


@quick
@given(documents, documents)
def test_compare_is_symmetric_but_for_direction(old: Any, new: Any) -> None:
    turned = {DifferenceKind.MISSING: DifferenceKind.SURPLUS, DifferenceKind.SURPLUS: DifferenceKind.MISSING}
    forth, back = differences(encoded(old), encoded(new)), differences(encoded(new), encoded(old))
    assert bool(forth) == bool(back)
    assert sorted((turned.get(d.kind, d.kind), d.general_path) for d in back) == sorted(
        (d.kind, d.general_path) for d in forth
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [place for name, member in value.items() for place in places(member, (*path, name))]
    if isinstance(value, list):
        found += [place for at, member in enumerate(value) for place in places(member, (*path, at))]
    return found


def written(path: tuple[Any, ...]) -> str:
    steps = (
        f"[{step}]"
        if isinstance(step, int)
        else f".{step}"
        if step.isidentifier() and step.isascii()
        else "['" + step.replace("\\", "\\\\").replace("'", "\\'") + "']"
        for step in path
    )
    return "$" + "".join(steps)


@quick
@given(documents, st.data())
def test_compare_one_mutation_is_one_finding_at_its_path(value: Any, data: st.DataObject) -> None:
    root = {"root": value}
    path = data.draw(st.sampled_from(places(root)[1:]))
    mutated = copy.deepcopy(root)
    parent: Any = mutated
    for step in path[:-1]:
        parent = parent[step]
    is_list = isinstance(parent, list)
    if is_list or data.draw(st.booleans()):
        parent[path[-1]] = "a value that no generator makes"
        expected = {"value", "type"}
    else:
        del parent[path[-1]]
        expected = {"missing"}
    (found,) = differences(encoded(root), encoded(mutated))
    assert found.kind.value in expected
    assert found.path == written(path)


@quick
@given(st.lists(documents, min_size=1, max_size=30), st.data())
def test_compare_one_insertion_is_one_finding(values: list[Any], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(values)))
    longer = [*values[:at], "a value that no generator makes", *values[at:]]
    assert [(d.kind.value, d.path) for d in differences(encoded(values), encoded(longer))] == [("surplus", f"$[{at}]")]
    assert [(d.kind.value, d.path) for d in differences(encoded(longer), encoded(values))] == [("missing", f"$[{at}]")]


elements = st.recursive(
    st.text("ab &<é’", max_size=5).map(escape),
    lambda inner: st.lists(st.tuples(st.sampled_from("abc"), inner), min_size=1, max_size=4).map(
        lambda children: "".join(f"<{name}>{body}</{name}>" for name, body in children)
    ),
    max_leaves=15,
)


@quick
@given(elements)
def test_compare_xml_is_reflexive_whatever_the_prefix(body: str) -> None:
    old = f"<r>{body}</r>"
    assert differences(old.encode(), ("<?xml version='1.0'?>\n" + old).encode(), "text/xml") == ()
    qualified = f'<r xmlns="urn:x">{body}</r>'
    prefixed = (
        qualified.replace("</", "</p:").replace("<", "<p:").replace("<p:/p:", "</p:").replace("xmlns=", "xmlns:p=")
    )
    assert differences(qualified.encode(), prefixed.encode(), "text/xml") == ()


@quick
@given(
    st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=200),
    st.sampled_from(
        ["application/json", "text/xml", "text/plain", "application/x-www-form-urlencoded", "a", "", ";;="]
    ),
    st.sampled_from([None, "gzip", "deflate", "br", "gzip, br", "x"]),
    st.sampled_from(["", "; charset=utf-16", "; charset=nonsense", '; charset="', "; charset=zlib", "; charset=idna"]),
)
def test_compare_never_raises(old: bytes, new: bytes, media: str, coding: str | None, charset: str) -> None:
    headers = [("content-type", media + charset)]
    if coding:
        headers.append(("content-encoding", coding))
    result = compare(
        Observation(Side.OLD, 200, tuple(headers), old), Observation(Side.NEW, 200, tuple(headers), new), RULES
    )
    assert isinstance(result, Comparison | NotCompared)


Node = tuple[str, Any]
nodes = st.recursive(
    st.tuples(st.sampled_from("abc"), st.text("xy é", max_size=3)),
    lambda inner: st.tuples(st.sampled_from("abc"), st.lists(inner, min_size=1, max_size=4)),
    max_leaves=20,
)


def markup(node: Node) -> str:
    name, inner = node
    return f"<{name}>{escape(inner) if isinstance(inner, str) else ''.join(map(markup, inner))}</{name}>"


def steps(node: Node, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    inner = node[1]
    below = [] if isinstance(inner, str) else [s for at, child in enumerate(inner) for s in steps(child, (*path, at))]
    return [path, *below]


def changed(node: Node, path: tuple[int, ...], change: Any) -> Node:
    name, inner = node
    if not path:
        return (name, change(inner))
    children = list(inner)
    children[path[0]] = changed(children[path[0]], path[1:], change)
    return (name, children)


@quick
@given(nodes, st.data())
def test_compare_xml_one_mutation_is_one_finding(inner: Node, data: st.DataObject) -> None:
    root: Node = ("root", [inner])
    path = data.draw(st.sampled_from(steps(root)[1:]))
    mutated = changed(root, path, lambda before: "new" if isinstance(before, str) else [*before, ("d", "new")])
    (found,) = differences(markup(root).encode(), markup(mutated).encode(), "text/xml")
    assert found.kind in {DifferenceKind.VALUE, DifferenceKind.SURPLUS}
    assert found.new == "new"
