from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.decide import Table, compile_table, decide, needs_body
from proxy.decide.entry import Entry, compile_entry
from proxy.decide.explain import conditions_of
from proxy.decide.reading import Reading
from proxy.decide.spelling import normal_path
from strangler.exchange import Headers, Request
from strangler.plan.explain import explain
from strangler.plan.models import Plan
from strangler.rollout import bucket, rollout_from, seed_of
from strangler.stages import Effect, Side, Stage, duty, path_of

SYSTEMS = {
    "old": {"department": "d", "speaks": "http", "url": "http://old:1", "timeout_s": 4},
    "new": {"department": "d", "speaks": "http", "url": "http://new:2", "timeout_s": 7},
    "copy": {"department": "d", "speaks": "http", "url": "http://copy:3"},
    "site": {"department": "d", "speaks": "http", "url": "http://site:4", "serves": ["/site", "/site/deep"]},
    "portal": {"department": "d", "speaks": "http", "url": "http://portal:5", "serves": ["/site/deep/er"]},
    "soap": {"department": "d", "speaks": "soap", "wsdl": "http://soap:6/pensions?wsdl"},
    "base": {"department": "d", "speaks": "odbc", "connection": "x"},
}
READ, WRITE = Effect.READ, Effect.WRITE
EXACT, PREFIX, REGEX = "Exact", "PathPrefix", "RegularExpression"


def _match(value: str = "/a", kind: str = EXACT, **more: Any) -> dict[str, Any]:
    return {"path": {"type": kind, "value": value}, **more}


def _plan(*matches: dict[str, Any], **common: Any) -> Plan:
    """A plan with operations ``a.m0``, ``a.m1``, ... that differ in their match."""
    entry = {"effect": "read", "old": "old", "new": "new", **common}
    operations = {f"a.m{index}": {**entry, "match": match} for index, match in enumerate(matches)}
    return Plan.model_validate(
        {"version": 1, "programme": "p", "gateway": "http://gw:9", "systems": SYSTEMS, "operations": operations}
    )


def _table(*matches: dict[str, Any], rollout: Mapping[str, object] | None = None, **common: Any) -> Table:
    plan = _plan(*(matches or (_match(),)), **common)
    effect = Effect(common.get("effect", "read"))
    rollouts = {name: rollout_from(rollout, effect) for name in plan.operations} if rollout else {}
    return compile_table(plan, rollouts)


def _request(
    target: str = "/a", method: str = "GET", headers: Headers = (), body: bytes | None = b"", size: int = 0
) -> Request:
    return Request(method, target, headers, body, size)


def _name(table: Table, request: Request) -> str | None:
    operation = decide(table, request).operation
    return operation and operation.removeprefix("a.")


@pytest.mark.parametrize(
    ("kind", "value", "path", "expected"),
    [
        (EXACT, "/a", "/a", True),
        (EXACT, "/a", "/a?x=1", True),
        (EXACT, "/a", "/a/", False),
        (EXACT, "/a", "/A", False),
        (PREFIX, "/a", "/a", True),
        (PREFIX, "/a", "/a/", True),
        (PREFIX, "/a", "/a/b/c", True),
        (PREFIX, "/a/", "/a", True),
        (PREFIX, "/a", "/ab", False),
        (PREFIX, "/a/b", "/a/bc", False),
        (PREFIX, "/", "/anything", True),
        (REGEX, "/a/[0-9]+", "/a/12", True),
        (REGEX, "/a/[0-9]+", "/a/12/x", False),
        (REGEX, "^/a/[0-9]+$", "/a/12", True),
        (REGEX, "/(a|b)/c", "/b/c", True),
        (REGEX, "/ab?/c", "/a/c", True),
        (REGEX, "/a/?b", "/ab", True),
        (REGEX, "/a/*b", "/ab", True),
        (REGEX, "/x/a|/y", "/y", True),
        (REGEX, "(?i)/a/b/c", "/A/B/C", True),
        (REGEX, "/a/b{0,1}c", "/a/c", True),
    ],
)
def test_decide_matches_paths_as_the_gateway_api_does(kind: str, value: str, path: str, expected: bool) -> None:
    assert (_name(_table(_match(value, kind)), _request(path)) is not None) is expected


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (_match("/a"), _match("/a", PREFIX, method="GET")),
        (_match("/a/b", PREFIX), _match("/a", PREFIX, method="GET")),
        (_match("/a", PREFIX), _match("/a.*", REGEX, method="GET")),
        (_match(method="GET"), _match(soap_action="S", headers=[{"name": "x-h", "value": "1"}])),
        (_match(soap_action="S"), _match(headers=[{"name": "x-h", "value": "1"}], query=[{"name": "q", "value": "1"}])),
        (_match(headers=[{"name": "x-h", "value": "1"}]), _match(query=[{"name": "q", "value": "1"}])),
        (_match(query=[{"name": "q", "value": "1"}]), _match(json={"path": "$.k", "value": "1"})),
        (_match(json={"path": "$.k", "value": "1"}), _match()),
        (_match("/.*", REGEX, method="GET"), _match("/a.*", REGEX)),
    ],
)
def test_decide_prefers_by_the_order_of_the_gateway_api(better: dict[str, Any], worse: dict[str, Any]) -> None:
    target = "/a/b" if better["path"]["value"] == "/a/b" else "/a"
    request = _request(f"{target}?q=1", headers=(("SOAPAction", "S"), ("X-H", "1")), body=b'{"k": 1}')
    assert _name(_table(better, worse), request) == "m0"
    assert _name(_table(worse, better), request) == "m1"


def test_decide_takes_the_first_in_the_plan_among_equals() -> None:
    first = _match(headers=[{"name": "x-a", "value": "1"}])
    second = _match(headers=[{"name": "x-b", "value": "1"}])
    assert _name(_table(first, second), _request(headers=(("x-b", "1"), ("x-a", "1")))) == "m0"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((("SOAPAction", "Get"),), "m0"),
        ((("soapaction", '"Get"'),), "m0"),
        ((("SOAPAction", "'Get'"),), "m0"),
        ((("Content-Type", 'application/soap+xml; charset=utf-8; action="Get"'),), "m0"),
        ((("SOAPAction", "Got"),), "m1"),
        ((("SOAPAction", '""'),), "m1"),
        ((("SOAPAction", '"'),), "m1"),
        ((), "m1"),
    ],
)
def test_decide_reads_the_soap_action_with_and_without_quotes(headers: Headers, expected: str) -> None:
    assert _name(_table(_match(soap_action="Get"), _match()), _request(headers=headers)) == expected


def test_decide_joins_repeated_headers_and_takes_the_first_of_repeated_queries() -> None:
    header = _match(headers=[{"name": "X-A", "value": "1,2"}])
    assert _name(_table(header), _request(headers=(("x-a", "1"), ("X-a", " 2 ")))) == "m0"
    query = _match(query=[{"name": "q", "value": "a b"}])
    assert _name(_table(query), _request("/a?q=a+b&q=c")) == "m0"
    assert _name(_table(query), _request("/a?q=c&q=a+b")) is None


NINO = b'<e:A xmlns:e="urn:e"><e:Body><q xmlns="urn:q"><nino> ab 12 </nino><nino>no</nino></q></e:Body></e:A>'


@pytest.mark.parametrize(
    ("key", "request_", "expected"),
    [
        ({"xpath": "//nino"}, _request(body=NINO), "ab 12"),
        ({"xpath": "//nino", "drop_spaces": True, "case": "upper"}, _request(body=NINO), "AB12"),
        ({"xpath": "//q/@id"}, _request(body=b"<a><q id='7'/></a>"), "7"),
        ({"xpath": "count(//q)"}, _request(body=b"<a><q/><q/></a>"), "2"),
        ({"xpath": "//nino"}, _request(body="<a><nino>é</nino></a>".encode("utf-16")), "é"),
        ({"json": "$.citizen.nino"}, _request(body=b'{"citizen": {"nino": "AB 12"}}'), "AB 12"),
        ({"json": "$.id"}, _request(body=b'{"id": 12345678901234567890123}'), "12345678901234567890123"),
        ({"json": "$.id"}, _request(body=b'{"id": 1.10}'), "1.10"),
        ({"json": "$.id"}, _request(body=b'{"id": true}'), None),
        ({"json": "$.id"}, _request(body=b'{"id": null}'), None),
        ({"form": "nino"}, _request(body=b"x=1&nino=AB+12&nino=CD"), "AB 12"),
        ({"header": "X-Citizen"}, _request(headers=(("x-citizen", " AB "),)), "AB"),
        ({"header": "X-Citizen"}, _request(headers=(("x-citizen", "caf\udce9"),)), "caf\ufffd\ufffd\ufffd"),
        ({"header": "X-Citizen"}, _request(headers=(("x-citizen", " "),)), None),
        ({"query": "nino", "case": "lower"}, _request("/a?nino=AB"), "ab"),
        ({"path": "^/a/([^/]+)"}, _request("/a/C001/x"), "C001"),
        ({"path": "^/a/(x)?"}, _request("/a/"), None),
    ],
)
def test_decide_reads_the_key_from_where_the_plan_says(
    key: dict[str, Any], request_: Request, expected: str | None
) -> None:
    found = decide(_table(_match("/a", PREFIX), key=key, rollout={"live": 100}), request_)
    assert (found.key, found.keyless) == (expected, expected is None)


ENTITY = b'<!DOCTYPE a [<!ENTITY e "AB12">]><a><nino>&e;</nino></a>'
FILE = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a><nino>&e;</nino></a>'
LAUGHS = (
    b"<!DOCTYPE a [<!ENTITY b 'xxxxxxxxxx'>"
    + b"".join(f"<!ENTITY {chr(99 + n)} '{f'&{chr(98 + n)};' * 10}'>".encode() for n in range(9))
    + b"]><a><nino x='&k;'>&k;</nino></a>"
)


@pytest.mark.parametrize(
    ("key", "body", "said"),
    [
        ({"xpath": "//nino"}, b"not xml", "no XML"),
        ({"xpath": "//nino"}, b"", "no XML"),
        ({"xpath": "//nino"}, b"<a>" * 5000, "no XML"),
        ({"xpath": "//nino"}, b"<a><nino>AB</a>", "no XML"),
        ({"xpath": "//nino"}, b"<a><nino>O\x92Neill</nino></a>", "no XML"),
        ({"xpath": "//nino"}, b'<?xml version="1.0" encoding="nonsense"?><a><nino>A</nino></a>', "no XML"),
        ({"xpath": "//nino"}, ENTITY, "document type"),
        ({"xpath": "//nino"}, FILE, "document type"),
        ({"xpath": "//nino"}, LAUGHS, ""),
        ({"xpath": "//nino"}, b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x'><a><nino>A</nino></a>", "document type"),
        ({"xpath": "//nino"}, b"<a/>", "no key at XPath //nino"),
        ({"xpath": "//nino"}, None, "5000000 bytes was streamed past"),
        ({"json": "$.id"}, b"{", "no JSON"),
        ({"json": "$.id"}, b"[" * 100_000, "no JSON"),
        ({"json": "$.id"}, b'{"id": "\\ud800"}', "no JSON"),
        ({"json": "$.id"}, b'{"id": ' + b"9" * 5000 + b"}", ""),
        ({"json": "$.id"}, None, "streamed past"),
        ({"form": "id"}, None, "streamed past"),
        ({"form": "id"}, b"\xff\xfe%zz", "no key"),
    ],
)
def test_decide_sends_what_it_cannot_read_to_old_and_says_why(
    key: dict[str, Any], body: bytes | None, said: str
) -> None:
    found = decide(_table(key=key, rollout={"complete": 100}), _request(body=body, size=5_000_000))
    if found.key is not None:  # thousands of digits are a key as well as any
        assert (key, len(found.key)) == ({"json": "$.id"}, 5000)
        return
    assert (found.answers, found.asked, found.stage) == (Side.OLD, None, Stage.OFF)
    assert (found.keyless, found.alarm) == (True, True)
    assert said in found.reason


def test_decide_reads_one_body_for_the_match_and_the_key() -> None:
    table = _table(_match(json={"path": "$.k", "value": "1"}), key={"json": "$.id"})
    assert decide(table, _request(body=b'{"k": 1, "id": "x"}')).key == "x"


def test_decide_leaves_a_body_alone_that_it_does_not_need() -> None:
    assert decide(_table(), _request(body=b"not json")).reason == "every key is in off"


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("effect", Effect)
def test_decide_gives_each_side_its_duty(stage: Stage, effect: Effect) -> None:
    if stage not in path_of(effect):
        return
    more: dict[str, Any] = {"writes": {"policy": "dual", "idempotency_header": "Idem"}} if effect is WRITE else {}
    found = decide(_table(effect=effect.value, rollout={stage.value: 100}, **more), _request())
    expected = duty(stage, effect)
    urls = {Side.OLD: "http://old:1", Side.NEW: "http://new:2", None: None}
    assert (found.stage, found.answers, found.asked) == (stage, expected.answers, expected.asked)
    assert (found.upstream, found.asked_upstream) == (urls[expected.answers], urls[expected.asked])
    assert (found.system, found.timeout_s) == (("old", 4.0) if expected.answers is Side.OLD else ("new", 7.0))
    assert found.idempotency_header == ("Idem" if effect is WRITE else None)
    assert found.alarm is False


@pytest.mark.parametrize(
    ("writes", "stage", "expected"),
    [
        ({"policy": "never"}, "shadow", (None, None)),
        ({"policy": "never"}, "live", (None, None)),
        ({"policy": "sandbox", "sandbox": "copy"}, "shadow", (Side.NEW, "http://copy:3")),
        ({"policy": "sandbox", "sandbox": "copy"}, "live", (None, None)),
    ],
)
def test_decide_keeps_writes_to_their_policy(writes: dict[str, str], stage: str, expected: tuple[Any, Any]) -> None:
    found = decide(_table(effect="write", writes=writes, rollout={stage: 100}), _request())
    assert (found.asked, found.asked_upstream) == expected


def test_decide_goes_through_the_gateway_where_something_must_stand_between() -> None:
    table = _table(old="base", new={"system": "new", "facade": "m:f"}, rollout={"shadow": 100})
    found = decide(table, _request())
    assert (found.upstream, found.asked_upstream) == ("http://gw:9/old/a.m0", "http://gw:9/new/a.m0")
    assert (found.via_gateway, found.system) == (True, "base")
    raw = decide(_table(old="soap"), _request())
    assert (raw.upstream, raw.via_gateway) == ("http://soap:6", False)


def test_decide_spreads_keys_by_envoys_bucket() -> None:
    table = _table(key={"header": "k"}, rollout={"shadow": 90, "live": 10})
    for number in range(300):
        key = f"C{number:05}"
        found = decide(table, _request(headers=(("k", key),)))
        expected = bucket(key, seed_of("a.m0"))
        assert found.bucket == expected
        assert found.stage is (Stage.LIVE if expected < 100_000 else Stage.SHADOW)


def test_decide_uses_the_plans_seed() -> None:
    found = decide(_table(key={"header": "k"}, seed=42), _request(headers=(("k", "C00002"),)))
    assert found.bucket == 219_330


def test_decide_without_a_key_in_the_plan_moves_all_at_once_or_not_at_all() -> None:
    assert decide(_table(rollout={"live": 100}), _request()).answers is Side.NEW
    split = decide(_table(rollout={"shadow": 90, "live": 10}), _request())
    assert (split.answers, split.asked, split.keyless) == (Side.OLD, None, True)


@pytest.mark.parametrize("held", [["*"], ["a.m0"], {"a.m0", "x.y"}])
def test_hold_sends_everything_to_old_and_asks_nobody(held: Any) -> None:
    table = _table(key={"header": "k"}, rollout={"complete": 100})
    found = decide(table.moved(table_rollouts(table), held), _request(headers=(("k", "A"),)))
    assert (found.answers, found.asked, found.held, found.stage, found.key) == (Side.OLD, None, True, Stage.OFF, "A")
    assert found.alarm is True


def table_rollouts(table: Table) -> dict[str, Any]:
    return {name: rollout_from({"complete": 100}, READ) for name in table.entries}


def test_hold_of_another_operation_changes_nothing() -> None:
    table = _table(rollout={"complete": 100})
    found = decide(table.moved(table_rollouts(table), ["a.m1"]), _request())
    assert (found.answers, found.held, found.alarm) == (Side.NEW, False, False)


def test_hold_raises_the_alarm_only_for_keys_in_complete() -> None:
    rollouts = {"a.m0": rollout_from({"live": 50, "complete": 50}, READ)}
    table = _table(key={"header": "k"}).moved(rollouts, ["*"])
    for number in range(50):
        found = decide(table, _request(headers=(("k", f"C{number}"),)))
        assert found.bucket is not None
        assert found.alarm is (found.bucket < 500_000)


def test_moved_leaves_the_table_it_came_from_as_it_was() -> None:
    table = _table()
    moved = table.moved({"a.m0": rollout_from({"live": 100}, READ)})
    assert (decide(table, _request()).answers, decide(moved, _request()).answers) == (Side.OLD, Side.NEW)


@pytest.mark.parametrize(
    ("path", "system"),
    [("/site", "site"), ("/site/x", "site"), ("/site/deep/x", "site"), ("/site/deep/er/x", "portal"), ("/sites", None)],
)
def test_decide_gives_unmatched_requests_to_the_system_that_serves_the_path(path: str, system: str | None) -> None:
    found = decide(_table(), _request(path))
    assert (found.operation, found.unmatched, found.system, found.asked) == (None, True, system, None)
    assert (found.upstream is None) is (system is None)


@pytest.mark.parametrize(("method", "effect"), [("GET", READ), ("HEAD", READ), ("POST", WRITE), ("BREW", WRITE)])
def test_decide_takes_unmatched_requests_for_writes_unless_the_method_is_safe(method: str, effect: Effect) -> None:
    assert decide(_table(), _request("/site", method)).effect is effect


@pytest.mark.parametrize(
    ("target", "nearest"),
    [("/a/b/x", "a.m1"), ("/a/zz", "a.m0"), ("/zz", "a.m0"), ("*", "a.m0"), ("http://h/a", "a.m0")],
)
def test_decide_names_the_nearest_operation_where_nobody_serves(target: str, nearest: str) -> None:
    found = decide(_table(_match("/a"), _match("/a/b/c")), _request(target))
    assert found.upstream is None
    assert nearest in found.reason


def test_decide_with_an_empty_plan_answers_nobody() -> None:
    table = compile_table(Plan.model_validate({"version": 1, "programme": "p", "systems": {}, "operations": {}}), {})
    assert decide(table, _request("/")).upstream is None


@pytest.mark.parametrize(
    ("matches", "key", "expected"),
    [
        ([_match()], None, False),
        ([_match()], {"header": "k"}, False),
        ([_match()], {"json": "$.k"}, True),
        ([_match()], {"form": "k"}, True),
        ([_match(json={"path": "$.k", "value": "1"})], None, True),
        ([_match("/b", json={"path": "$.k", "value": "1"})], None, False),
        ([_match(method="GET"), _match(xpath={"path": "//k", "value": "1"})], None, False),
        ([_match(method="POST", json={"path": "$.k", "value": "1"}), _match()], None, False),
        ([_match(json={"path": "$.k", "value": "1"}), _match()], None, True),
    ],
)
def test_needs_body_tells_whether_any_candidate_reads_it(
    matches: list[dict[str, Any]],
    key: dict[str, str] | None,
    expected: bool,
) -> None:
    assert needs_body(_table(*matches, key=key), _request(body=None)) is expected


_LETTERS = "abcXYZ019-._~"


def _spelled(draw: Callable[[st.SearchStrategy[int]], int], path: str) -> str:
    """The same path as a caller may spell it."""
    letters = []
    for letter in path:
        how = draw(st.integers(0, 3))
        if letter == "/":
            letters.append("/" * (how + 1))
        elif how == 0 or letter == "%":
            letters.append(letter)
        else:
            letters.append(f"%{ord(letter):02{'xX'[how % 2]}}")
    return "".join(letters)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), segments=st.lists(st.text(_LETTERS, min_size=1, max_size=4), min_size=1, max_size=3))
def test_decide_takes_every_spelling_of_a_path_for_the_same(data: st.DataObject, segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    spelled = _spelled(data.draw, path)
    key = {"path": "^/.*?([^/]+)$"}
    plan = _plan(_match(path), _match("/"), _match(path, PREFIX), key=key)
    table = compile_table(plan, {name: rollout_from({"live": 50, "shadow": 50}, READ) for name in plan.operations})
    assert decide(table, _request(spelled)) == decide(table, _request(path))
    assert normal_path(spelled) == normal_path(path) == normal_path(normal_path(spelled))


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/a%2Fb", "/a%2Fb"),
        ("/a%2fb", "/a%2Fb"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a%20b%7E", "/a%20b~"),
        ("/%zz%4", "/%zz%4"),
        ("/%2541", "/%2541"),
        ("//a///", "/a/"),
    ],
)
def test_normal_path_leaves_alone_what_means_something_else(path: str, normal: str) -> None:
    assert normal_path(path) == normal


_PATHS = st.sampled_from(["/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/b", "//", "/a//b", "*", "", "/c/1", "/c/x"])
_REGEXES = st.sampled_from(
    ["/a.*", "/a/[a-z]", "/.*", "/c/[0-9]+", "^/c/.$", "/a/b|/b", "/(a|b)", "/ab?", "/a/b/.*", "/a/?b"]
)


@st.composite
def _matches(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from([EXACT, PREFIX, REGEX]))
    value = draw(_REGEXES if kind == REGEX else st.sampled_from(["/", "/a", "/a/", "/a/b", "/a/b/c", "/b", "/c"]))
    match = _match(value, kind)
    for name, choice in (
        ("method", st.sampled_from(["GET", "POST"])),
        ("soap_action", st.sampled_from(["S", '"T"'])),
        ("headers", st.lists(st.builds(lambda v: {"name": "H", "value": v}, st.sampled_from(["1", "2"])), max_size=2)),
        ("query", st.just([{"name": "q", "value": "[12]", "type": REGEX}])),
        ("json", st.just({"path": "$.k", "value": "1"})),
        ("xpath", st.just({"path": "//k", "value": "1"})),
    ):
        if draw(st.integers(0, 3)) == 0:
            match[name] = draw(choice)
    return match


_REQUESTS = st.builds(
    lambda path, query, method, headers, body: Request(method, path + query, tuple(headers), body, len(body or b"")),
    _PATHS,
    st.sampled_from(["", "?q=1", "?q=3&q=1", "?"]),
    st.sampled_from(["GET", "POST", "PUT"]),
    st.lists(st.sampled_from([("h", "1"), ("H", "2"), ("SOAPAction", '"S"'), ("soapaction", "T")]), max_size=3),
    st.sampled_from([b"", b'{"k": 1}', b"<a><k>1</k></a>", b"{", None]),
)


def _naive(entries: list[Entry], request: Request) -> str | None:
    """The reference: try every operation, take the lowest rank."""
    reading = Reading(request)
    held = [entry for entry in entries if all(condition.holds(reading) for condition in conditions_of(entry))]
    return min(held, key=lambda entry: entry.rank).name if held else None


@settings(max_examples=200, deadline=None)
@given(st.lists(_matches(), max_size=8), st.lists(_REQUESTS, min_size=1, max_size=6))
def test_decide_finds_what_a_linear_search_finds(matches: list[dict[str, Any]], requests: list[Request]) -> None:
    plan = _plan(*matches)
    table = compile_table(plan, {})
    entries = [compile_entry(plan, name, order) for order, name in enumerate(plan.operations)]
    for request in requests:
        found = decide(table, request)
        assert found.operation == _naive(entries, request)
        head = Request(request.method, request.target, request.headers, None)
        if not needs_body(table, head):
            assert decide(table, head).operation == found.operation


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=8),
    st.text(max_size=20) | st.text("/?&=%a;#", max_size=20),
    st.lists(st.tuples(st.sampled_from(["soapaction", "content-type", "k", "é"]), st.text(max_size=9)), max_size=3),
    st.binary(max_size=40) | st.none(),
    st.sampled_from(
        [{"xpath": "//k"}, {"json": "$..k"}, {"form": "k"}, {"header": "k"}, {"query": "k"}, {"path": "(.*)"}]
    ),
)
def test_decide_and_explain_never_raise(
    method: str, target: str, headers: list[tuple[str, str]], body: bytes | None, key: dict[str, str]
) -> None:
    table = _table(_match("/", PREFIX), _match("/.*", REGEX, soap_action="S"), key=key, rollout={"off": 50, "live": 50})
    request = Request(method, target, tuple(headers), body)
    found = decide(table, request)
    assert explain(table, request).operation == found.operation
    assert isinstance(needs_body(table, request), bool)


@given(st.text(max_size=20), st.lists(st.integers(0, 100), min_size=1, max_size=6))
def test_decide_never_moves_a_key_back_while_the_share_grows(key: str, shares: list[int]) -> None:
    table = _table(key={"header": "k"})
    was_new = False
    for share in sorted(shares):
        rollouts = {"a.m0": rollout_from({"shadow": 100 - share, "live": share}, READ)}
        is_new = decide(table.moved(rollouts), _request(headers=(("k", key),))).answers is Side.NEW
        assert is_new or not was_new
        was_new = is_new


def test_explain_names_conditions_that_held_and_near_misses_first_failure() -> None:
    table = _table(
        _match(method="GET"),
        _match(method="POST", soap_action="S"),
        _match("/b"),
        _match("/", PREFIX),
        key={"header": "k"},
        rollout={"shadow": 100},
    )
    found = explain(table, _request(headers=(("k", "QQ123456C"),)))
    assert (found.operation, found.conditions) == ("a.m0", ("path Exact /a", "method GET"))
    assert [(miss.operation, miss.failed, miss.held) for miss in found.near_misses] == [
        ("a.m3", "", 1),
        ("a.m1", "method POST", 1),
    ]
    assert found.as_dict()["asked"] == "new"


def test_explain_masks_the_key_in_text_and_data() -> None:
    found = explain(_table(key={"header": "k"}), _request(headers=(("k", "QQ123456C"),)))
    assert found.key == "Q…C (9 characters)"
    assert "123456" not in f"{found}{found.as_dict()}"


def test_explain_text_reads_from_top_to_bottom() -> None:
    found = explain(_table(key={"header": "k"}, rollout={"complete": 100}), _request("/a?nino=QQ123456C"))
    assert str(found).splitlines() == [
        "GET /a",
        "  operation  a.m0",
        "             because path Exact /a",
        "  key        none at header k, no bucket",
        "  stage      off: no key at header k: goes to old",
        "  answers    old: old at http://old:1",
        "  asked      nobody",
        "  note       ALARM: this operation is in complete, and the old system is reached",
        "  note       counted as not compared (not_asked)",
    ]


@pytest.mark.parametrize(
    ("key", "body", "expected"),
    [
        ({"json": "$.id"}, b'{"id": 7', True),
        ({"json": "$.id"}, b'{"name": 7}', False),
        ({"xpath": "//nino"}, b"<a><nino>", True),
        ({"xpath": "//nino"}, ENTITY, True),
        ({"xpath": "//nino"}, b"<a/>", False),
        ({"header": "x-citizen"}, b'{"id": 7', False),
    ],
)
def test_decide_tells_an_unparsable_body_from_an_absent_key(key: dict[str, Any], body: bytes, expected: bool) -> None:
    found = decide(_table(_match("/a", PREFIX), key=key, rollout={"shadow": 100}), _request(body=body))
    assert (found.answers, found.asked, found.keyless, found.unparsable) == (Side.OLD, None, True, expected)
