"""strangler init: what it writes passes plan check as it is, and nothing is overwritten unasked."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ESTATE = Path(__file__).parents[3] / "examples" / "elderly_care" / "estate"
WSDL = ESTATE / "pensions" / "pensions.wsdl"
HTTP = ("http", "--name", "library", "--url", "http://127.0.0.1:8080")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The base URL of a server that has the example's WSDL, with the addresses of an installed one."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    url = f"http://127.0.0.1:{server.server_port}"
    text = WSDL.read_text().replace("@BASE@/pensions?xsd", "pensions.xsd").replace("@BASE@", url)
    (folder / "pensions.wsdl").write_text(text)
    (folder / "pensions.xsd").write_bytes((ESTATE / "pensions" / "pensions.xsd").read_bytes())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def draft(run: Callable, tmp_path: Path) -> Callable:
    """Runs ``strangler init`` into a folder of its own."""
    return lambda *arguments: run("init", *arguments, "--out", str(tmp_path / "drafted.yaml"), bare=True)


def checked(run: Callable, tmp_path: Path) -> object:
    """What ``plan check`` says of the draft."""
    told = run("plan", "check", "--plan", str(tmp_path / "drafted.yaml"), "--json", bare=True)
    assert told.code == 0, told.out
    return (tmp_path / "drafted.yaml").read_text(encoding="utf-8")


def test_wsdl_of_the_example_from_its_file_finds_its_schema_beside_it(draft, run, tmp_path: Path) -> None:
    told = draft("wsdl", str(WSDL), "--name", "pensions")
    assert (told.code, "4 operations" in told.out, "points to decide" in told.out) == (0, True, True)
    text = checked(run, tmp_path)
    assert text.count('key: {xpath: "//nino"}') == 4
    assert text.count("soap_action:") == 4


def test_wsdl_from_an_address_reads_what_it_imports(draft, run, tmp_path: Path, served: str) -> None:
    assert draft("wsdl", f"{served}/pensions.wsdl", "--name", "pensions", "--new-url", "http://127.0.0.1:8").code == 0
    text = checked(run, tmp_path)
    assert f'wsdl: "{served}/pensions.wsdl"' in text
    assert text.count('key: {xpath: "//nino"}') == 4
    assert "http://127.0.0.1:8" in text


def test_openapi_from_a_file(draft, run, tmp_path: Path) -> None:
    document = tmp_path / "api.yaml"
    document.write_text("openapi: 3.0.0\npaths:\n  /books/{bookId}:\n    get: {}\n    put: {}\n")
    assert draft("openapi", str(document), "--name", "library", "--url", "http://127.0.0.1:8080").code == 0
    assert checked(run, tmp_path).count('key: {path: "^/books/([^/]+)$"}') == 2


def test_http(draft, run, tmp_path: Path) -> None:
    assert draft(*HTTP, "--path", "/books").code == 0
    assert "library.get-books:" in checked(run, tmp_path)


def test_odbc_lists_the_tables(draft, run, tmp_path: Path) -> None:
    pyodbc = pytest.importorskip("pyodbc")
    if "SQLite3" not in pyodbc.drivers():
        message = "the ODBC driver for SQLite is not installed: apt-get install libsqliteodbc"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    file = tmp_path / "patients.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE patient (id TEXT)")
        connection.execute("CREATE TABLE care_plan (id TEXT)")
    connection.close()
    told = draft("odbc", "--name", "patient-index", "--connection", f"DRIVER=SQLite3;Database={file}")
    assert told.code == 0, told.err
    text = checked(run, tmp_path)
    assert text.index("reads care_plan") < text.index("reads patient")


def test_nothing_is_overwritten_without_force(draft, run, tmp_path: Path) -> None:
    target = tmp_path / "drafted.yaml"
    target.write_text("ten years of work")
    told = draft(*HTTP)
    assert (told.code, "--force overwrites it" in told.err, target.read_text()) == (2, True, "ten years of work")
    assert draft(*HTTP, "--force").code == 0
    checked(run, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("wsdl", "nothing.wsdl", "--name", "x"), 2, "there is no such file"),
        (("wsdl", __file__, "--name", "x"), 2, "this is no XML"),
        (("wsdl", str(WSDL), "--name", "Pensions"), 2, "write small letters"),
        (("wsdl", "http://127.0.0.1:9/x?wsdl", "--name", "x"), 4, "cannot be reached"),
        (("wsdl", "http://[broken", "--name", "x"), 2, "is no address"),
        (("openapi", str(WSDL), "--name", "x", "--url", "http://127.0.0.1:8"), 2, "this is no OpenAPI document"),
        (("http", "--name", "x", "--url", "ftp://127.0.0.1"), 2, "this is no http address"),
        (("odbc", "--name", "x", "--connection", "DRIVER=None At All;Database=x"), 2, "is not installed"),
    ],
)
def test_bad_input_is_told_and_nothing_written(draft, tmp_path: Path, arguments, code: int, says: str) -> None:
    told = draft(*arguments)
    assert (told.code, says in told.err) == (code, True), told.err
    assert not (tmp_path / "drafted.yaml").exists()


def test_document_that_is_not_there_names_the_answer(draft, served: str) -> None:
    told = draft("wsdl", f"{served}/other.wsdl", "--name", "x")
    assert (told.code, "answers 404" in told.err) == (4, True)
