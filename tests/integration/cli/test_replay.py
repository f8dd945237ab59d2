"""A recorded window asked again of a new build by the command line, against real systems."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Failure, Judged, Observation, Origin, Outcome, OutcomeKind, Request
from strangler.stages import Effect, Side, Stage

READ, WRITE = "library.get-book", "library.lend-book"
JSON = (("content-type", "application/json"),)


class Catalogue:
    """A catalogue; ``titles`` is what it answers by target."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.titles: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                body = body_of(outer.titles.get(self.path, "Emma"))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.do_GET()

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


def body_of(title: str) -> bytes:
    return b'{"title": "%s"}' % title.encode()


@pytest.fixture
def old() -> Iterator[Catalogue]:
    made = Catalogue()
    yield made
    made.close()


@pytest.fixture
def new() -> Iterator[Catalogue]:
    made = Catalogue()
    yield made
    made.close()


@pytest.fixture
def library(programme: Any, old: Catalogue, new: Catalogue) -> Any:
    """A programme with two running catalogues, of whose operation nobody has recorded anything yet."""
    nobody = 'url: "http://127.0.0.1:9", build: '
    text = programme.plan.read_text()
    text = text.replace(f'{nobody}"2019"', f'url: "{old.url}", build: "2019"')
    text = text.replace(f'{nobody}"7"', f'url: "{new.url}", build: "8"')
    text = text.replace("gates: {", "compare: {settle: {attempts: 1, after_s: 0.01}, noise: {sample: 0}}\n    gates: {")
    programme.plan.write_text(text)
    return programme


def recorded(library: Any, name: str, title: str = "Emma", **changes: Any) -> Exchange:
    session = library.session
    body = body_of(title)
    made = Exchange(
        id=name,
        operation=READ,
        effect=Effect.READ,
        key=name,
        cohort=None,
        stage=Stage.SHADOW,
        request=Request("GET", f"/books/{name}", (("Accept", "application/json"),)),
        answer=Observation(Side.OLD, 200, JSON, body, len(body), at=time.time() - 60, build="2019"),
        asked=None,
        entry=entry_digest(session.plan, READ),
        at=time.time() - 60,
    )
    made = replace(made, **changes)
    session.journal.append([made])
    return made


def test_replay_asks_new_what_was_recorded_and_the_outcomes_are_evidence(
    run: Callable[..., Any], library: Any, old: Catalogue, new: Catalogue
) -> None:
    for number in range(5):
        recorded(library, f"b{number}")
    recorded(library, "long-ago", at=time.time() - 8_000)
    told = run("parity", "replay", READ, "--since", "2h", "--json")
    assert (told.code, told.document["outcomes"], told.document["judged"]) == (0, {"match": 5}, 5)
    assert sorted(new.asked) == [f"/books/b{number}" for number in range(5)]
    assert old.asked == []
    evidence = library.session.cutover.evidence(READ).parity
    assert evidence.exchanges.of(OutcomeKind.MATCH) == 5
    assert len(list(library.session.journal.requests(READ))) == 6  # a replay is no traffic


def test_replay_tells_new_findings_and_fails(run: Callable[..., Any], library: Any, new: Catalogue) -> None:
    recorded(library, "b1")
    recorded(library, "b2")
    new.titles["/books/b2"] = "Persuasion"
    told = run("parity", "replay", READ, "--since", "1h")
    assert told.code == 1
    assert "mismatch" in told.out
    (line,) = (one.split() for one in told.out.splitlines() if "$.title" in one)
    assert line[1:] == [READ, "value", "$.title", "1"]
    again = run("parity", "replay", "--all", "--since", "1h", "--json")
    assert (again.code, again.document["findings"]) == (1, [])


def test_replay_of_a_record_that_has_changed_since_is_no_defect(
    run: Callable[..., Any], library: Any, old: Catalogue, new: Catalogue
) -> None:
    recorded(library, "b1", "the title it had then")
    told = run("parity", "replay", READ, "--json")
    assert (told.code, told.document["outcomes"], told.document["settled"]) == (0, {"match": 1}, 1)
    assert set(old.asked) == {"/books/b1"}


def test_replay_takes_what_old_answered_a_worker(run: Callable[..., Any], library: Any, new: Catalogue) -> None:
    by_new = Observation(Side.NEW, 200, JSON, body_of("x"), 14, at=1.0, build="7")
    one = recorded(library, "live", answer=by_new, asked=Side.OLD, stage=Stage.LIVE)
    by_old = Observation(Side.OLD, 200, JSON, body_of("Emma"), 17, at=1.0, build="2019")
    outcome = Outcome(OutcomeKind.MISMATCH, "another", "i")
    library.session.journal.finish([Judged(one.id, outcome, (by_old,))], time.time())
    recorded(library, "no-old", answer=by_new, asked=None)
    recorded(library, "failed", answer=Observation(Side.OLD, None, body=None, failure=Failure.TIMEOUT))
    told = run("parity", "replay", READ, "--json")
    assert (told.document["asked"], told.document["outcomes"]) == (1, {"match": 1})
    assert told.document["left_out"] == {"old gave no answer that is kept whole": 2}
    (copy,) = [one for one in library.session.journal.findings() if one.operation == READ] or [None]
    assert copy is None


def test_replay_refuses_writes_that_are_no_sandbox(run: Callable[..., Any], library: Any, new: Catalogue) -> None:
    told = run("parity", "replay", WRITE)
    assert told.code == 2
    assert "policy 'dual'" in told.err
    assert new.asked == []
    everything = run("parity", "replay", "--all")
    assert everything.code == 3
    assert f"left out: {WRITE}" in everything.err


def test_replay_of_sandbox_writes_asks_the_sandbox(run: Callable[..., Any], library: Any, new: Catalogue) -> None:
    text = library.plan.read_text().replace("policy: dual", "policy: sandbox, sandbox: copy")
    text = text.replace(
        "operations:\n", f'  copy: {{department: d, speaks: http, url: "{new.url}", build: "8"}}\noperations:\n', 1
    )
    library.plan.write_text(text)
    request = Request("POST", "/loans", JSON, b'{"book": 1}', 11)
    entry = entry_digest(library.session.plan, WRITE)
    recorded(library, "w", operation=WRITE, effect=Effect.WRITE, request=request, entry=entry)
    told = run("parity", "replay", WRITE, "--json")
    assert (told.code, told.document["outcomes"]) == (0, {"match": 1})
    assert new.asked == ["/loans"]


def test_replay_says_when_new_is_not_there(run: Callable[..., Any], library: Any, new: Catalogue) -> None:
    library.plan.write_text(library.plan.read_text().replace(new.url, "http://127.0.0.1:9"))
    recorded(library, "b1")
    told = run("parity", "replay", READ)
    assert told.code == 4
    assert "new-catalogue" in told.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((READ, "--since", "yesterday"), 2), ((READ, "--all"), 2), ((), 2), ((READ, "--since", "1s"), 3)],
)
def test_replay_of_nothing_or_of_nonsense(
    run: Callable[..., Any], library: Any, arguments: tuple[str, ...], code: int
) -> None:
    assert run("parity", "replay", *arguments).code == code


def test_replay_copies_say_what_they_are(library: Any, run: Callable[..., Any], new: Catalogue) -> None:
    from parity_checks.ask.replaying import window

    one = recorded(library, "b1")
    found = window(library.session.plan, READ, library.session.journal, 0.0, 10)
    (copy,) = found.exchanges
    assert (copy.origin, copy.asked, copy.key, copy.answer) == (Origin.REPLAY, Side.NEW, one.key, one.answer)
    assert copy.id.startswith("replay-")
    assert copy.id.endswith("-0")
