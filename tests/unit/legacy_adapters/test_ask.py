import pytest

from legacy_adapters.ask import FromJson, FromPath, FromQuery, form_values, parameters, path_values
from legacy_adapters.contract import BadRequest
from strangler.exchange import Request


def test_path_values_are_percent_decoded():
    request = Request("GET", "/patients/O%27Neill%2F1/care-plan?x=1")
    assert path_values("/patients/{name}/care-plan", request) == {"name": "O'Neill/1"}


def test_path_values_refuse_another_path():
    with pytest.raises(BadRequest, match=r"/patients/\{name\}"):
        path_values("/patients/{name}", Request("GET", "/patients/1/2"))


def test_path_template_is_no_regular_expression():
    with pytest.raises(BadRequest):
        path_values("/a.b/{x}", Request("GET", "/aXb/1"))


def test_parameters_come_from_path_query_and_body():
    request = Request("PUT", "/p/7?lang=cy&lang=en", body=b'{"address": {"postcode": "AB1 2CD"}}')
    sources = {
        "id": FromPath("id"),
        "lang": FromQuery("lang"),
        "page": FromQuery("page", default="1", required=False),
        "postcode": FromJson("address.postcode"),
        "line": FromJson("address.line", required=False),
    }
    expected = {"id": "7", "lang": "cy", "page": "1", "postcode": "AB1 2CD", "line": None}
    assert expected == parameters(sources, "/p/{id}", request)


@pytest.mark.parametrize(
    ("target", "body", "says"),
    [
        ("/p/7", b'{"a": 1}', "the query has no n"),
        ("/p/7?n=1", b"{}", "the body has no a"),
        ("/p/7?n=1", b'{"a": {}}', "a is not one value"),
        ("/p/7?n=1", b"<a/>", "not JSON"),
    ],
)
def test_parameters_say_what_is_wrong_with_a_request(target: str, body: bytes, says: str):
    with pytest.raises(BadRequest, match=says):
        parameters({"n": FromQuery("n"), "a": FromJson("a")}, "/p/{id}", Request("PUT", target, body=body))


def test_form_values_keep_blanks_and_the_first_of_each():
    assert form_values(Request("POST", "/", body=b"nino=QQ+12&nino=x&reason=")) == {"nino": "QQ 12", "reason": ""}


def test_form_values_refuse_another_encoding():
    with pytest.raises(BadRequest, match="UTF-8"):
        form_values(Request("POST", "/", body=b"name=O\x92Neill"))
