import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from parity_checks.coverage.model import Column, NoContract
from parity_checks.coverage.sources import MOST_BYTES, Sources
from strangler.plan.models import Plan

PENSIONS = Path(__file__).parents[4] / "examples/elderly_care/estate/pensions"
OPENAPI = b"openapi: 3.0.0\npaths: {/x: {get: {responses: {'200': {description: ok}}}}}"


class Handler(BaseHTTPRequestHandler):
    """A server that has a contract, and everything that can be wrong with one."""

    def do_GET(self) -> None:
        base = f"http://{self.headers['host']}"
        match self.path:
            case "/pensions?wsdl":
                self._say(200, (PENSIONS / "pensions.wsdl").read_bytes().replace(b"@BASE@", base.encode()))
            case "/pensions?xsd":
                self._say(200, (PENSIONS / "pensions.xsd").read_bytes())
            case "/large":
                self._say(200, b" " * (MOST_BYTES + 1))
            case "/dtd":
                self._say(200, b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>')
            case "/html":
                self._say(200, b"<html><br></html>")
            case "/moved":
                self.send_response(302)
                self.send_header("location", "http://localhost:1/pensions?wsdl")
                self.end_headers()
            case "/slow":
                self.send_response(200)
                self.end_headers()
                try:
                    for _ in range(100):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                        time.sleep(0.05)
                except OSError:
                    return
            case _:
                self._say(503, b"")

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


def plan(**system: str) -> Plan:
    old = {"department": "d", "speaks": "http", "url": "http://x", **system}
    match = {"path": {"value": "/x"}, **({"soap_action": "GetEntitlement"} if "wsdl" in system else {})}
    return Plan.model_validate(
        {
            "version": 1,
            "programme": "p",
            "systems": {"a": old, "b": {"department": "d", "speaks": "http", "url": "http://y"}},
            "operations": {"x.get": {"effect": "read", "match": match, "old": "a", "new": "b"}},
        }
    )


def test_wsdl_of_a_running_service_is_read_with_what_it_imports(server: str, tmp_path: Path) -> None:
    found = Sources(plan(speaks="soap", wsdl=f"{server}/pensions?wsdl"), tmp_path).contract("x.get")
    assert (found.source, len(found.items)) == (f"{server}/pensions?wsdl", 17)


def test_wsdl_beside_the_plan_is_read_with_the_schema_beside_it(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    for name in ("pensions.wsdl", "pensions.xsd"):
        (tmp_path / "contracts" / name).write_bytes((PENSIONS / name).read_bytes())
    found = Sources(plan(speaks="soap", wsdl="contracts/pensions.wsdl"), tmp_path).contract("x.get")
    assert len(found.items) == 17


def test_openapi_beside_the_plan_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(OPENAPI)
    assert Sources(plan(openapi="a.yaml"), tmp_path).contract("x.get").items == {"status 200"}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/gone", "answers 503"),
        ("/large", "larger than 8 MiB"),
        ("/dtd", "document type declaration"),
        ("/html", "this is no XML"),
        ("/moved", "redirected to http://localhost:1/pensions"),
    ],
)
def test_source_that_gives_no_contract_says_why(server: str, tmp_path: Path, path: str, why: str) -> None:
    with pytest.raises(NoContract, match=why):
        Sources(plan(speaks="soap", wsdl=server + path), tmp_path).contract("x.get")


def test_source_that_trickles_is_given_up(server: str, tmp_path: Path) -> None:
    with pytest.raises(NoContract, match="not read within") as caught:
        Sources(plan(speaks="soap", wsdl=f"{server}/slow"), tmp_path, time_limit_s=0.3).contract("x.get")
    assert caught.value.may_pass


@pytest.mark.parametrize(
    ("system", "why"),
    [
        ({"openapi": "none.yaml"}, "none.yaml: No such file"),
        ({"speaks": "soap", "wsdl": "http://127.0.0.1:1/?wsdl"}, "cannot be read"),
        ({}, "a has no contract: say 'openapi:' or 'wsdl:'"),
        ({"speaks": "odbc"}, "a has no contract"),
    ],
)
def test_operation_without_a_contract_says_why(tmp_path: Path, system: dict[str, str], why: str) -> None:
    with pytest.raises(NoContract, match=why):
        Sources(plan(**system), tmp_path).contract("x.get")


def test_document_that_is_neither_json_nor_yaml_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"{[:\x00")
    with pytest.raises(NoContract, match=r"a\.yaml: this is neither JSON nor YAML"):
        Sources(plan(openapi="a.yaml"), tmp_path).contract("x.get")


def test_document_is_asked_for_once_even_if_it_does_not_come(tmp_path: Path) -> None:
    source = Sources(plan(openapi="a.yaml"), tmp_path)
    with pytest.raises(NoContract):
        source.contract("x.get")
    (tmp_path / "a.yaml").write_bytes(OPENAPI)
    with pytest.raises(NoContract):
        source.contract("x.get")


def test_columns_are_asked_of_who_knows_them(tmp_path: Path) -> None:
    column = Column("plan", "note", is_nullable=True)
    found = Sources(plan(speaks="odbc"), tmp_path, columns=lambda *_: (column,)).contract("x.get")
    assert found.items == {"column plan.note null", "column plan.note filled"}
