"""The console's pages over real stores: complete, masked, escaped, read only."""

import asyncio
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient, Response

from strangler.console import create_app
from strangler.exchange import (
    Difference,
    DifferenceKind,
    Effect,
    Exchange,
    Judged,
    Observation,
    Outcome,
    OutcomeKind,
    Request,
    Side,
    Stage,
)
from strangler.ledger import EntryKind
from strangler.overview import Session, open_session
from strangler.rollout import rollout_from

OPERATION = "library.get-book"
HOSTILE = "<script>alert('x')</script>"
PLAN = """\
version: 1
programme: library
systems:
  old-catalogue: {department: library, speaks: http, url: "http://127.0.0.1:9", build: "2019"}
  new-catalogue: {department: shared, speaks: http, url: "http://127.0.0.1:9", build: "7"}
operations:
  library.get-book:
    description: "One book <script>alert('x')</script>"
    effect: read
    match: {method: GET, path: {type: PathPrefix, value: /books}}
    old: old-catalogue
    new: new-catalogue
    gates: {approvals: 1}
    compare: {show: ["$.shelf"]}
people:
  ann: {roles: [operator]}
  bob: {roles: [approver]}
"""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    plan = tmp_path / "migration.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    made = open_session(plan, tmp_path / "state")
    yield made
    made.close()


class Pages:
    """The console, asked without a socket."""

    def __init__(self, session: Session) -> None:
        self._app = create_app(session)

    def request(self, method: str, path: str, headers: dict[str, str] | None = None) -> Response:
        async def ask() -> Response:
            transport = ASGITransport(self._app, raise_app_exceptions=False)
            async with AsyncClient(transport=transport, base_url="http://127.0.0.1:7400") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())

    def get(self, path: str, headers: dict[str, str] | None = None) -> Response:
        return self.request("GET", path, headers)


@pytest.fixture
def pages(session: Session) -> Pages:
    return Pages(session)


def mismatch(session: Session, path: str = "$.title", old: str = HOSTILE, new: str = "Ann 1932") -> None:
    """One finding with these values."""
    now = time.time() - 1
    answer = Observation(Side.OLD, 200, at=now, build="2019")
    request = Request("GET", "/books/7")
    exchange = Exchange("x1", OPERATION, Effect.READ, "7", None, Stage.SHADOW, request, answer, Side.NEW, "e", now)
    session.journal.append([exchange])
    found = (Difference(DifferenceKind.VALUE, path, old, new, "a1b2c3d4e5f6a7b8", path),)
    fingerprint = session.cutover.evidence(OPERATION).fingerprint
    seen = (Observation(Side.NEW, 200, build="7"),)
    session.journal.finish([Judged("x1", Outcome(OutcomeKind.MISMATCH, fingerprint, "i", None, found), seen)], now)


class Outline(HTMLParser):
    """What a screen reader goes by: landmarks, headings, tables with their captions, and scripts (none)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.unscoped = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.unscoped += tag == "th" and "scope" not in dict(attrs)


def test_status_page_shows_every_operation(session: Session, pages: Pages) -> None:
    mismatch(session)
    page = pages.get("/")
    assert page.status_code == 200
    assert f'<a href="/operations/{OPERATION}">{OPERATION}</a>' in page.text
    assert "<td>off</td>" in page.text


def test_status_page_says_that_everything_is_held(session: Session, pages: Pages) -> None:
    session.cutover.hold(None, "ann", "trouble")
    assert "Every operation is answered by old" in pages.get("/").text
    session.cutover.release("ann", "mended")
    session.cutover.hold([OPERATION], "ann", "trouble")
    assert f"{OPERATION} is answered by old" in pages.get("/").text


def test_operation_page_shows_gates_and_masked_findings(session: Session, pages: Pages) -> None:
    mismatch(session)
    session.cutover.move(OPERATION, rollout_from({"shadow": 100}, Effect.READ), "ann", "begin")
    page = pages.get(f"/operations/{OPERATION}")
    assert page.status_code == 200
    for words in ("parity", "soak", "approvals", "HOLD", "Xxx 9999", "a1b2c3d4e5"):
        assert words in page.text
    assert "1932" not in page.text
    assert "no operator" not in page.text  # nobody asks here: it is only shown


def test_operation_page_shows_for_ever_what_was_overridden(session: Session, pages: Pages) -> None:
    to = rollout_from({"shadow": 90, "live": 10}, Effect.READ)
    session.cutover.move(OPERATION, rollout_from({"shadow": 100}, Effect.READ), "ann", "begin")
    session.cutover.ask_override(OPERATION, to, "ann", HOSTILE)
    session.cutover.confirm_override(OPERATION, to, "bob", "agreed")
    assert "Overridden" not in pages.get(f"/operations/{OPERATION}").text
    session.cutover.move(OPERATION, to, "ann", "go", override=True)
    text = pages.get(f"/operations/{OPERATION}").text
    assert "It was moved by override of parity, soak: ann and bob: &lt;script&gt;" in text


def test_operation_page_shows_what_the_plan_lets_people_see(session: Session, pages: Pages) -> None:
    mismatch(session, "$.shelf", old="B 12", new="B 13")
    text = pages.get(f"/operations/{OPERATION}").text
    assert "<code>B 12</code>" in text
    assert "<code>B 13</code>" in text


def test_hostile_values_are_text(session: Session, pages: Pages) -> None:
    mismatch(session, path=f"$.{HOSTILE}")
    session.ledger.append(EntryKind.HOLD, HOSTILE, {"why": HOSTILE}, now=5.0)
    for path in ("/", f"/operations/{OPERATION}", "/ledger", f"/operations/{HOSTILE}", f"/{HOSTILE}"):
        text = pages.get(path).text
        assert "<script" not in text
    assert "&lt;script&gt;" in pages.get("/ledger").text


def test_changed_plan_is_shown_and_a_broken_one_leaves_the_one_before(session: Session, pages: Pages) -> None:
    assert pages.get(f"/operations/{OPERATION}").status_code == 200
    session.plan_path.write_text(PLAN.replace(OPERATION, "library.find-book"), encoding="utf-8")
    assert "library.find-book" in pages.get("/").text
    assert pages.get(f"/operations/{OPERATION}").status_code == 404
    session.plan_path.write_text("version: [", encoding="utf-8")
    assert "library.find-book" in pages.get("/").text


def test_ledger_page_shows_the_newest_first(session: Session, pages: Pages) -> None:
    assert "Nothing was decided yet" in pages.get("/ledger").text
    session.ledger.append(EntryKind.HOLD, "ann", {"why": "first"}, now=1_700_000_000.0)
    session.ledger.append(EntryKind.HOLD, "ann", {"why": "second"}, now=1_700_000_000.0)
    text = pages.get("/ledger").text
    assert text.index("second") < text.index("first")
    assert "14 November 2023, 22:13:20 UTC" in text


@pytest.mark.parametrize("path", ["/operations/library.get-bok", "/nothing", "/operations/"])
def test_what_is_not_there_is_404_with_a_way_back(pages: Pages, path: str) -> None:
    page = pages.get(path)
    assert (page.status_code, "Go to all operations" in page.text) == (404, True)


def test_stores_that_cannot_be_read_are_503_without_a_trace(tmp_path: Path) -> None:
    plan = tmp_path / "migration.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    session = open_session(plan, tmp_path / "state")
    (session.state.path / "ledger.db").write_bytes(b"this is no database" * 300)
    page = Pages(session).get("/ledger")
    session.close()
    assert (page.status_code, "Traceback" in page.text) == (503, False)
    assert "The stores cannot be read" in page.text


@pytest.mark.parametrize("path", ["/", f"/operations/{OPERATION}", "/ledger", "/nothing", "/health"])
def test_every_answer_forbids_scripts_frames_and_caches(pages: Pages, path: str) -> None:
    headers = pages.get(path).headers
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'none'"} <= set(policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_style_sheet_is_served_and_named_by_every_page(pages: Pages) -> None:
    assert pages.get("/static/console.css").headers["content-type"].startswith("text/css")
    assert 'href="/static/console.css"' in pages.get("/").text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", f"/operations/{OPERATION}", "/ledger"])
def test_nothing_can_be_changed(pages: Pages, method: str, path: str) -> None:
    assert pages.request(method, path).status_code == 405


def test_reading_every_page_decides_nothing(session: Session, pages: Pages) -> None:
    for path in ("/", f"/operations/{OPERATION}", "/ledger"):
        pages.get(path)
    assert session.ledger.entries() == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_page_is_not_told_to_another_name(pages: Pages, host: str) -> None:
    assert pages.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("path", ["/", f"/operations/{OPERATION}", "/ledger"])
def test_page_has_landmarks_and_told_tables(session: Session, pages: Pages, path: str) -> None:
    mismatch(session)
    session.cutover.move(OPERATION, rollout_from({"shadow": 100}, Effect.READ), "ann", "begin")
    text = pages.get(path).text
    outline = Outline(text)
    assert [outline.tags.count(tag) for tag in ("header", "nav", "main", "h1")] == [1, 1, 1, 1]
    assert outline.tags.count("caption") == outline.tags.count("table")
    assert outline.unscoped == 0
    assert 'lang="en"' in text
    assert 'aria-current="page"' in text
    assert "script" not in outline.tags
