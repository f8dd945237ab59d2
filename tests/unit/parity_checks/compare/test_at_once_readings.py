"""What is quick must come to the same as what is careful: both readings of JSON and of XML, and the alignment."""

import json
import random
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parity_checks.canonical.decoding import MAX_DEPTH, Unreadable
from parity_checks.canonical.json_body import AmbiguousNumberError, Spelling, is_deep, read_json, read_pair
from parity_checks.canonical.xml_body import read_xml
from parity_checks.canonical.xml_pair import read_xml_pair
from parity_checks.compare.align import Contents, align, align_without_order
from parity_checks.compare.findings import Findings
from parity_checks.compare.walk import Walk
from parity_checks.rules.compiled import compile_rules
from strangler.plan.comparison import Compare
from strangler.plan.rule_paths import Language

quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
RULES = compile_rules("op.x", Compare())

# JSON as it may be written: numbers that are close to each other, or the same in other digits.
numbers = st.sampled_from(
    [
        *(
            "0",
            "1",
            "-0",
            "0.0",
            "1.0",
            "1.10",
            "1.1",
            "-1.5",
            "100",
            "1e2",
            "1E2",
            "100.0",
            "0.1",
            "0.10000000000000000001",
        ),
        *("9007199254740992", "9007199254740993", "9007199254740993.0", "1e16", "10000000000000000", "1e400", "1e-400"),
        *("12345678901234567000", "12345678901234567000.0", "123456789012345678901234567890", "0.00001", "1e-5"),
    ]
)
words = st.sampled_from(
    ['"a"', '"1"', '"1.0"', '"v1.0, x"', '"true"', '"\\u00e9"', '"é"', '"\\u003a"', '":"', '"[{"', '"]\\""']
)
tokens = numbers | words | st.sampled_from(["true", "false", "null"])


def _written(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    space = st.sampled_from(["", " ", "\n  "])
    members = st.lists(st.tuples(st.sampled_from(["a", "b", "a b", "a:b"]), inner), max_size=4)
    lists = st.builds(lambda values, gap: f"[{gap}{f',{gap}'.join(values)}]", st.lists(inner, max_size=4), space)
    objects = st.builds(
        lambda pairs, gap: "{" + f",{gap}".join(f'"{name}":{gap}{value}' for name, value in pairs) + "}", members, space
    )
    return lists | objects


texts = st.recursive(tokens, _written, max_leaves=12)


def carefully(old: str, new: str) -> list[tuple[str, str, str | None, str | None]] | None:
    findings = Findings("op.x", 0)
    try:
        Walk(RULES, Language.JSON, findings).compare(read_json(old), read_json(new))
    except Unreadable:
        return None
    return [(found.kind.value, found.path, found.old, found.new) for found in findings.differences]


def quickly(old: str, new: str) -> list[tuple[str, str, str | None, str | None]] | None:
    pair = read_pair(old.encode(), new.encode())
    if pair is None:
        return None
    if pair.are_equal:
        return []
    findings = Findings("op.x", 0)
    exactly = Spelling(old.encode()).exact, Spelling(new.encode()).exact
    try:
        Walk(RULES, Language.JSON, findings, exactly).compare(pair.old, pair.new)
    except AmbiguousNumberError:
        return None
    return [(found.kind.value, found.path, found.old, found.new) for found in findings.differences]


@settings(quick, max_examples=300)
@given(texts, texts)
def test_json_quick_reading_finds_what_the_careful_one_finds(old: str, new: str) -> None:
    found = quickly(old, new)
    if found is not None:
        assert found == carefully(old, new)


@quick
@given(texts, st.data())
def test_json_quick_reading_of_one_change_finds_what_the_careful_one_finds(old: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(old)))
    new = old[:at] + data.draw(st.sampled_from(["", " ", "1", "0", ".0", "e1", "true", '"', ","])) + old[at + 1 :]
    found = quickly(old, new)
    if found is not None:
        assert found == carefully(old, new)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":1}',
        b'[{"a":1,"a":1}]',
        b'{"a":"\\u003a","b":1,"b":1}',
        b'{"a": NaN}',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":[' * 100 + b"]}" * 100,
        b'{"a":"\xff"}',
        b'{"a":0.10000000000000000001}',
        b'{"a":1e400}',
        b"",
        b"{",
    ],
)
def test_json_quick_reading_leaves_what_it_cannot_tell(body: bytes) -> None:
    assert read_pair(body, body) is None
    assert read_pair(body, b'{"a":1}') is None
    assert read_pair(b'{"a":1}', body) is None


def test_json_quick_reading_takes_the_deepest_that_is_allowed() -> None:
    body = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    pair = read_pair(body, body.replace(b"[]", b"[ ]"))
    assert pair is not None
    assert pair.are_equal


@pytest.mark.parametrize(("depth", "expected"), [(MAX_DEPTH, False), (MAX_DEPTH + 1, True), (10_000, True)])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}"), ('{"a":[', "]}"), ('["]}[{\\"",', "]")])
def test_json_depth_is_told_exactly(opened: str, closed: str, depth: int, expected: bool) -> None:
    levels = 2 if closed == "]}" else 1
    body = opened * (depth // levels) + ("[" if depth % levels else "1") + ("]" if depth % levels else "")
    body += closed * (depth // levels)
    assert is_deep(body.encode()) is expected


def test_json_true_is_not_one_where_all_else_is_equal() -> None:
    for old, new in (("[true,1]", "[1,true]"), ('{"a":true,"b":1}', '{"b":true,"a":1}'), ("[[false]]", "[[0.0]]")):
        assert quickly(old, new) == carefully(old, new) != []


def test_spelling_gives_a_number_its_digits_back() -> None:
    spelling = Spelling(b'{"a":1.10,"b":[21.1,"1.1"],"c":-1.10}')
    assert str(spelling.exact(1.1)) == "1.10"
    assert [str(number) for number in spelling.exact([-1.1, 21.1])] == ["-1.10", "21.1"]
    assert spelling.exact({"a": 1.1}) == {"a": Decimal("1.1")}
    with pytest.raises(AmbiguousNumberError):
        Spelling(b"[1.10,1.1]").exact(1.1)


# XML

Node = tuple[str, dict[str, str], Any]
names = st.sampled_from(["a", "b", "{urn:x}a", "{urn:y}b"])
attributes = st.dictionaries(
    st.sampled_from(["k", "l", "{urn:x}k", "{http://www.w3.org/2001/XMLSchema-instance}nil"]),
    st.sampled_from(["1", "true", "<&\"'", "é"]),
    max_size=2,
)
nodes: st.SearchStrategy[Node] = st.recursive(
    st.tuples(names, attributes, st.sampled_from(["", " ", "x", "1", "é<&"])),
    lambda inner: st.tuples(names, attributes, st.lists(inner, min_size=1, max_size=4)),
    max_leaves=12,
)


def markup(node: Node, prefixes: dict[str, str], gap: str, *, is_turned: bool = False) -> str:
    """The node as a stack writes it that uses these prefixes, and this white space between elements."""
    used: dict[str, str] = {}

    def called(name: str, *, is_attribute: bool = False) -> str:
        if not name.startswith("{"):
            return name
        namespace, _, local = name[1:].partition("}")
        used[namespace] = prefixes[namespace]
        prefix = prefixes[namespace]
        return f"{prefix}:{local}" if prefix or is_attribute else local

    def one(node: Node) -> str:
        name, given_attributes, inner = node
        items = [f" {called(key, is_attribute=True)}={quoteattr(value)}" for key, value in given_attributes.items()]
        items = items[::-1] if is_turned else items
        held = escape(inner) if isinstance(inner, str) else gap + gap.join(one(child) for child in inner) + gap
        return f"<{called(name)}{''.join(items)}>{held}</{called(name)}>"

    inside = one(node)
    bound = "".join(f' xmlns:{prefix}="{namespace}"' for namespace, prefix in prefixes.items())
    return f"<root{bound}>{gap}{inside}{gap}</root>"


OLD_PREFIXES = {"urn:x": "x", "urn:y": "y", "http://www.w3.org/2001/XMLSchema-instance": "xsi"}
NEW_PREFIXES = {"urn:x": "ns1", "urn:y": "ns2", "http://www.w3.org/2001/XMLSchema-instance": "i"}


def xml_carefully(old: str, new: str) -> list[tuple[str, str, str | None, str | None]]:
    findings = Findings("op.x", 0)
    findings.language = Language.XML
    Walk(RULES, Language.XML, findings).compare(read_xml(old.encode(), None)[0], read_xml(new.encode(), None)[0])
    return [(found.kind.value, found.path, found.old, found.new) for found in findings.differences]


def xml_quickly(old: str, new: str) -> list[tuple[str, str, str | None, str | None]] | None:
    pair = read_xml_pair(old.encode(), new.encode())
    if pair is None:
        return None
    if pair.roots is None:
        return []
    findings = Findings("op.x", 0)
    findings.language = Language.XML
    Walk(RULES, Language.XML, findings).compare(*pair.roots)
    return [(found.kind.value, found.path, found.old, found.new) for found in findings.differences]


@settings(quick, max_examples=100)
@given(nodes, nodes)
def test_xml_quick_reading_finds_what_the_careful_one_finds(old: Node, new: Node) -> None:
    texts_ = markup(old, OLD_PREFIXES, ""), markup(new, NEW_PREFIXES, "\n ")
    found = xml_quickly(*texts_)
    if found is not None:
        assert found == xml_carefully(*texts_)


def revalued(node: Node, random_: random.Random) -> Node:
    """The same elements, some with other values."""
    name, given_attributes, inner = node
    if random_.random() < 0.2:
        given_attributes = {**given_attributes, "k": "changed"}
    if isinstance(inner, str):
        return (name, given_attributes, random_.choice([inner, inner, "x", "1"]))
    return (name, given_attributes, [revalued(child, random_) for child in inner])


@settings(quick, max_examples=150)
@given(nodes, st.randoms(use_true_random=False))
def test_xml_quick_reading_of_other_values_finds_what_the_careful_one_finds(node: Node, random_: random.Random) -> None:
    old, new = markup(node, OLD_PREFIXES, "\n"), markup(revalued(node, random_), NEW_PREFIXES, "", is_turned=True)
    assert xml_quickly(old, new) == xml_carefully(old, new)


@quick
@given(nodes)
def test_xml_written_otherwise_is_equal_at_once(node: Node) -> None:
    old, new = markup(node, OLD_PREFIXES, ""), markup(node, NEW_PREFIXES, "\n  ", is_turned=True)
    pair = read_xml_pair(old.encode(), new.encode())
    assert pair is not None
    assert pair.roots is None


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE r [<!ENTITY x "y">]><r>&x;</r>',
        "<r>text <b/> beside elements</r>",
        '<r xml:space="preserve"> <b/></r>',
        '<r xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:t="urn:t" i:type="t:x"/>',
        '<s:Fault xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><faultcode>s:Client</faultcode></s:Fault>',
        '<?xml version="1.0" encoding="latin-1"?><r/>',
        "<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1),
        "<r>",
        "",
        "<r>&undefined;</r>",
    ],
)
def test_xml_quick_reading_leaves_what_it_cannot_tell(body: str) -> None:
    assert read_xml_pair(body.encode(), body.encode()) is None


# Lists

short = st.lists(st.integers(0, 4), max_size=9)


@settings(quick, max_examples=200)
@given(short, short)
def test_alignment_is_whole_and_pairs_equals(old: list[int], new: list[int]) -> None:
    for found in (
        align(Contents.plain(old), Contents.plain(new)),
        align_without_order(*map(Contents.plain, (old, new))),
    ):
        assert sorted([at for at, _ in found.pairs] + list(found.missing)) == list(range(len(old)))
        assert sorted([at for _, at in found.pairs] + list(found.surplus)) == list(range(len(new)))
        equal = sum(old[old_at] == new[new_at] for old_at, new_at in found.pairs)
        assert equal == sum(min(old.count(value), new.count(value)) for value in set(old))


@quick
@given(st.lists(st.integers(0, 3), max_size=20), st.data())
def test_alignment_finds_one_removed_and_one_inserted_among_equals(old: list[int], data: st.DataObject) -> None:
    at, to = data.draw(st.integers(0, len(old))), data.draw(st.integers(0, len(old)))
    new = [*old[:to], 99, *old[to:]]
    assert align(Contents.plain(old), Contents.plain(new)).moved == 0
    longer = [*old[:at], 98, *old[at:]]
    found = align(Contents.plain(longer), Contents.plain(new))
    assert found.moved == 0
    assert len(found.missing) == len(found.surplus) <= 1


class Counted:
    """A key that counts how often it is compared or hashed."""

    steps = 0

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        Counted.steps += 1
        return isinstance(other, Counted) and self.value == other.value

    def __hash__(self) -> int:
        Counted.steps += 1
        return hash(self.value)


def steps(size: int, kinds: int) -> int:
    random_ = random.Random(7)
    old = [random_.randrange(kinds) for _ in range(size)]
    new = [value for value in old if random_.random() > 0.1]
    for _ in range(size // 10):
        new.insert(random_.randrange(len(new)), random_.randrange(kinds))
    Counted.steps = 0
    align(*(Contents.plain([Counted(value) for value in values]) for values in (old, new)))
    return Counted.steps


@pytest.mark.parametrize("kinds", [3, 1_000, 10**9])
def test_alignment_of_ten_times_as_many_takes_few_more_than_ten_times_the_steps(kinds: int) -> None:
    assert steps(40_000, kinds) < 25 * steps(4_000, kinds)


def test_list_of_100_000_objects_with_changes_is_compared() -> None:
    old = [{"id": n, "kind": n % 7} for n in range(100_000)]
    new = [one for one in old if one["id"] % 10_000 != 5]
    new.insert(50_000, {"id": -1, "kind": 0})
    found = quickly(json.dumps(old), json.dumps(new))
    assert found is not None
    # What is removed and inserted side by side is taken for one element that changed.
    assert sorted(kind for kind, *_ in found) == ["missing"] * 9 + ["value"] * 2
