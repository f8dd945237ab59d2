"""curl commands and HAR entries as requests."""

import json
from pathlib import Path

import pytest

from strangler.cli.request_forms import from_curl, from_har
from strangler.errors import UsageError
from strangler.exchange import Request

SOAP = """curl -sS 'http://127.0.0.1:7000/pensions?x=1' \\
  -H 'SOAPAction: "GetEntitlement"' -H 'Content-Type: text/xml' --compressed \\
  --data-raw '<a>@b</a>'"""


@pytest.mark.parametrize(
    ("command", "method", "target", "body"),
    [
        ("curl http://h/books/1", "GET", "/books/1", b""),
        ("curl h:7000", "GET", "/", b""),
        (SOAP, "POST", "/pensions?x=1", b"<a>@b</a>"),
        ("curl -XPUT http://h/a -d a=1 -d b=2", "PUT", "/a", b"a=1&b=2"),
        ("curl -G http://h/a?c=3 --data a=1", "GET", "/a?c=3&a=1", b""),
        ("curl --request=DELETE --url http://h/a -k", "DELETE", "/a", b""),
        ("curl -I http://h/a", "HEAD", "/a", b""),
        ("""curl http://h/a --json '{"id": 7}'""", "POST", "/a", b'{"id": 7}'),
    ],
)
def test_curl_is_the_request_it_would_send(command: str, method: str, target: str, body: bytes) -> None:
    made = from_curl(command)
    assert (made.method, made.target, made.body, made.body_bytes) == (method, target, body, len(body))


def test_curl_headers_are_those_it_would_send() -> None:
    made = from_curl("curl -H 'X-Id: 7' -u ann:secret -A me -d x=1 http://h:1/a")
    assert made.headers == (
        ("Host", "h:1"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("X-Id", "7"),
        ("Authorization", "Basic YW5uOnNlY3JldA=="),
        ("User-Agent", "me"),
    )


def test_curl_body_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "body.xml").write_text("<a>\n</a>\n")
    assert from_curl(f"curl http://h/ -d @{tmp_path}/body.xml").body == b"<a></a>"
    assert from_curl(f"curl http://h/ --data-binary @{tmp_path}/body.xml").body == b"<a>\n</a>\n"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("curl 'http://h", "cannot be read"),
        ("curl -X", "no value"),
        ("curl -k", "no address"),
        ("curl -F a=@b http://h/", "-F"),
    ],
)
def test_curl_that_is_not_understood_says_what(command: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        from_curl(command)


def test_har_entry_is_the_request_it_recorded(tmp_path: Path) -> None:
    request = {
        "method": "POST",
        "url": "http://h/pensions?x=1",
        "headers": [{"name": ":authority", "value": "h"}, {"name": "SOAPAction", "value": "Get"}],
        "postData": {"mimeType": "text/xml", "text": "<é/>"},
    }
    file = tmp_path / "a.har"
    file.write_text(json.dumps({"log": {"entries": [{"request": request}]}}))
    body = "<é/>".encode()
    assert from_har(file) == Request("POST", "/pensions?x=1", (("SOAPAction", "Get"),), body, len(body))
    with pytest.raises(UsageError, match="no entry 2"):
        from_har(file, 2)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"log": {"entries": [{}]}}'])
def test_har_file_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.har").write_text(text)
    with pytest.raises(UsageError, match="no HAR file"):
        from_har(tmp_path / "a.har")
