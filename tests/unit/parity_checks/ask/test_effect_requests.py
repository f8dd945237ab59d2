import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from parity_checks.ask.effect_requests import Unfilled, effect_request
from strangler.exchange import Observation
from strangler.plan.comparison import EffectRequest
from strangler.stages import Side

JSON = {"content-type": "application/json"}
XML = {"content-type": "text/xml; charset=utf-8"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def answered(said: Any) -> Observation:
    return Observation(Side.OLD, 200, tuple(JSON.items()), json.dumps(said).encode())


def request(**form: Any) -> EffectRequest:
    return EffectRequest.model_validate({"target": "/", **form})


@pytest.mark.parametrize(
    ("form", "target", "body"),
    [
        ({"target": "/a/{key}/b?id={answer:$.id}"}, "/a/A%2FB%20%26/b?id=x%3C1%22%3E", b""),
        (
            {"body": '{"k": "{key}", "o": {"a": "{answer:$.id}"}}', "headers": JSON},
            "/",
            b'{"k": "A/B &", "o": {"a": "x<1\\">"}}',
        ),
        ({"body": "<k a='{key}'>{answer:$.id}</k>", "headers": XML}, "/", b"<k a='A/B &amp;'>x&lt;1&quot;&gt;</k>"),
        ({"body": "k={key}&id={answer:$.id}", "headers": FORM}, "/", b"k=A%2FB+%26&id=x%3C1%22%3E"),
        ({"body": "{key}|{keys}|{ key }"}, "/", b"A/B &|{keys}|{ key }"),
    ],
)
def test_effect_request_escapes_for_where_a_value_stands(form: dict[str, Any], target: str, body: bytes) -> None:
    made = effect_request(request(**form), "A/B &", answered({"id": 'x<1">'}))
    assert (made.target, made.body, made.body_bytes) == (target, body, len(body))


def test_effect_request_has_the_plans_method_and_headers() -> None:
    made = effect_request(request(method="POST", headers={"X-Of": "id {answer:$.id}"}), None, answered({"id": 17}))
    assert (made.method, made.headers) == ("POST", (("X-Of", "id 17"),))


@pytest.mark.parametrize(
    ("form", "key", "said", "why"),
    [
        ({"target": "/{key}"}, None, {}, "the write has no key"),
        ({"target": "/{answer:$.id}"}, "k", {"id": None}, "the old side's answer has nothing at $.id"),
        (
            {"headers": {"x-of": "{answer:$.id}"}},
            "k",
            {"id": "a\r\nx-admin: 1"},
            "a value cannot stand in a header field",
        ),
        ({"headers": {"x-of": "{key}"}}, "Ł", {}, "a value cannot stand in a header field"),
    ],
)
def test_effect_request_without_what_it_needs_says_why(
    form: dict[str, Any], key: str | None, said: dict[str, Any], why: str
) -> None:
    with pytest.raises(Unfilled) as unfilled:
        effect_request(request(**form), key, answered(said))
    assert str(unfilled.value) == why


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="￾￿"), min_size=1))
def test_effect_request_body_reads_back_as_the_key(key: str) -> None:
    as_json = effect_request(request(body='{"k":"{key}"}', headers=JSON), key, answered({}))
    as_xml = effect_request(request(body="<k a='{key}'>{key}</k>", headers=XML), key, answered({}))
    root = etree.fromstring(as_xml.body or b"")
    assert json.loads(as_json.body or b"") == {"k": key}
    assert (root.text, root.get("a")) == (key, key)
