"""What no caller has asked, asked of two real systems by the command line."""

import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Observation, Origin, OutcomeKind, Request
from strangler.stages import Effect, Side, Stage

READ, WRITE = "library.get-book", "library.lend-book"
CONTRACT = """\
openapi: 3.0.3
paths:
  /books/{id}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {type: string, maxLength: 8}}
        - {name: detail, in: query, schema: {type: string, enum: [short, full]}}
      responses:
        '200': {description: found, content: {application/json: {schema: {properties: {title: {type: string}}}}}}
        '404': {description: none}
"""


class Catalogue:
    """A catalogue; ``asked`` is every target it was asked for. The new one is wrong about full details."""

    def __init__(self, wrong: str = "") -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                body = b'{"title": "Emma"}' if not wrong or wrong not in self.path else b'{"title": "EMMA"}'
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def old() -> Iterator[Catalogue]:
    made = Catalogue()
    yield made
    made.close()


@pytest.fixture
def new() -> Iterator[Catalogue]:
    made = Catalogue(wrong="full")
    yield made
    made.close()


@pytest.fixture
def library(programme: Any, old: Catalogue, new: Catalogue) -> Any:
    """A programme with two running catalogues, and one request that a caller has made."""
    nobody = 'url: "http://127.0.0.1:9", build: '
    text = programme.plan.read_text()
    text = text.replace(f'{nobody}"2019"', f'url: "{old.url}", openapi: catalogue.yaml, build: "2019"')
    text = text.replace(f'{nobody}"7"', f'url: "{new.url}", build: "7"')
    exactly = "compare: {settle: {attempts: 0}, noise: {sample: 0}}"
    programme.plan.write_text(text.replace("gates: {", exactly + "\n    gates: {coverage: {}, "))
    (programme.folder / "catalogue.yaml").write_text(CONTRACT)
    record(programme)
    return programme


def record(programme: Any) -> None:
    session = programme.session
    answer = Observation(Side.OLD, 200, (("content-type", "application/json"),), b'{"title": "Emma"}', 17, build="2019")
    request = Request("GET", "/books/7?other=1", (("Accept", "application/json"),))
    entry = entry_digest(session.plan, READ)
    session.journal.append(
        [Exchange("x1", READ, Effect.READ, "7", None, Stage.SHADOW, request, answer, None, entry, time.time())]
    )


def test_probe_asks_both_sides_and_the_outcome_is_evidence(
    run: Callable[..., Any], library: Any, old: Catalogue
) -> None:
    told = run("parity", "probe", READ, "--item", "request query.detail = short", "--json")
    (document,) = told.document
    assert (told.code, document["outcome"], document["old"], document["model"]) == (0, "match", 200, "x1")
    assert old.asked == ["/books/7?other=1&detail=short"]
    exchange, _, outcome = library.session.journal.exchange(document["exchange"])
    assert (exchange.origin, exchange.key, exchange.asked) == (Origin.PROBE, "7", Side.NEW)
    assert outcome.kind is OutcomeKind.MATCH
    covered = run("parity", "coverage", READ, "--json").document[0]
    assert {item["item"] for item in covered["shown"]} == {
        "answer 200 $.title present",
        "request query.detail = short",
        "request query.detail present",
        "status 200",
    }


def test_probe_that_finds_a_difference_ends_with_1(run: Callable[..., Any], library: Any) -> None:
    told = run("parity", "probe", READ, "--rate", "50")
    assert told.code == 1
    rows = {line.split("  ")[0]: line for line in told.out.splitlines()}
    assert "mismatch: $.title" in rows["request query.detail = full"]
    assert "match" in rows["request query.detail = short"]
    assert "not made: it would be about another key" in rows["request path.id boundary maxLength"]


def test_probe_again_asks_only_for_what_is_still_unseen(run: Callable[..., Any], library: Any, old: Catalogue) -> None:
    run("parity", "probe", READ, "--rate", "50")
    before = len(old.asked)
    told = run("parity", "probe", READ, "--rate", "50", "--json")
    assert (told.code, len(old.asked)) == (3, before)
    assert [document["item"] for document in told.document] == ["request path.id boundary maxLength"]


def test_probe_dry_run_asks_nobody(run: Callable[..., Any], library: Any, old: Catalogue) -> None:
    told = run("parity", "probe", READ, "--item", "request query.detail*", "--dry-run", "--limit", "2", "--json")
    assert [document["item"] for document in told.document] == [
        "request query.detail = full",
        "request query.detail = short",
    ]
    assert (told.code, old.asked) == (0, [])


def test_probe_leaves_other_exchanges_to_real_workers(run: Callable[..., Any], library: Any, new: Catalogue) -> None:
    waiting = library.exchange("9", time.time())
    library.session.journal.append([waiting])
    run("parity", "probe", READ, "--item", "request query.detail = short")
    assert library.session.journal.depth() == 1
    assert new.asked == ["/books/9?detail=short"]


def test_probe_refuses_a_write(run: Callable[..., Any], library: Any, old: Catalogue) -> None:
    told = run("parity", "probe", WRITE)
    assert (told.code, old.asked) == (2, [])
    assert "is a write" in told.err


def test_probe_of_an_item_that_no_request_shows_is_wrong_use(run: Callable[..., Any], library: Any) -> None:
    assert run("parity", "probe", READ, "--item", "status 404").code == 2


def test_probe_without_a_contract_has_no_data(run: Callable[..., Any], programme: Any) -> None:
    told = run("parity", "probe", READ)
    assert (told.code, "NO DATA: old-catalogue has no contract" in told.out) == (3, True)
    told = run("parity", "probe", READ, "--json")
    assert (told.code, told.document, "NO DATA" in told.err) == (3, [], True)


def test_probe_without_a_recorded_request_has_no_data(run: Callable[..., Any], library: Any) -> None:
    library.session.journal.purge(time.time() + 1, time.time())
    told = run("parity", "probe", READ)
    assert (told.code, "no recorded request" in told.out) == (3, True)


def test_probe_of_an_old_side_that_does_not_answer_says_so(
    run: Callable[..., Any], library: Any, old: Catalogue
) -> None:
    text = library.plan.read_text().replace(old.url, "http://127.0.0.1:9")
    library.plan.write_text(text)
    told = run("parity", "probe", READ, "--item", "request query.detail = short")
    assert (told.code, "old-catalogue: no answer to any probe: unreachable" in told.err) == (4, True)
