"""README's "Your own system in ten minutes", typed as it stands there."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from strangler.journal import Journal
from strangler.state import StateFolder
from tests.e2e.product import Caller, Reply, Said, Service, Up, eventually, free_port, is_alive, strangler

README = Path(__file__).parents[2] / "README.md"
OPERATION = "library.get-book"
BOOKS = 520
"""Distinct books, enough for the plan's parity gate: 1% ruled out at 95% takes 472 clean inputs."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the README says: the plan, the two systems' ports, the proxy's port, the commands in order."""

    plan: str
    commands: tuple[tuple[str, ...], ...]

    def command(self, *beginning: str, nth: int = 0) -> tuple[str, ...]:
        """The command that begins so, without ``strangler``."""
        found = [words for words in self.commands if words[: len(beginning)] == beginning]
        assert len(found) > nth, f"README has no 'strangler {' '.join(beginning)}'"
        return found[nth]


def read_page() -> Page:
    text = README.read_text("utf-8").partition("## Your own system in ten minutes")[2].partition("\n## ")[0]
    block = re.search(r"\n( *)```yaml\n(.*?)\n\1```", text, re.DOTALL)
    assert block is not None, "README's section has no YAML block"
    spans = re.findall(r"`strangler ([^`]+)`", text.replace(block[0], ""))
    return Page(dedent(block[2]) + "\n", tuple(tuple(shlex.split(span)) for span in spans))


def book(target: str, *, shelf: str = "A") -> Reply:
    number = target.rpartition("/")[2]
    document = {"isbn": number, "title": f"The {number}th Night", "shelf": shelf, "lent": int(number) % 3 == 0}
    return Reply(200, json.dumps(document).encode())


def first_release(_: str, target: str, __: bytes) -> Reply:
    return book(target, shelf="A" if int(target.rpartition("/")[2]) % 10 else "unknown")


@dataclass
class Library:
    """The reader's own two systems, and what they typed so far."""

    page: Page
    folder: Path
    old: Service
    new: Service
    port: int
    up: Up | None = None

    def type(self, *beginning: str, nth: int = 0, more: tuple[str, ...] = ()) -> Said:
        return strangler(*self.page.command(*beginning, nth=nth), *more, cwd=self.folder)

    def callers_come(self, books: range) -> list[int]:
        with Caller(self.port) as caller:
            answers = [caller.get(f"/books/{number}") for number in books]
        assert [answer.body for answer in answers] == [book(f"/books/{number}").body for number in books]
        return [answer.status for answer in answers]

    def status(self) -> dict[str, object]:
        document = strangler("status", "--json", cwd=self.folder).document
        return {"pending": document["pending"], "held": document["held"], **document["operations"][OPERATION]}

    def until_compared(self) -> None:
        eventually(self._journal_is_settled, "every exchange compared", 60)

    def _journal_is_settled(self) -> bool:
        """Read where commands read it: asking by command is a process each time."""
        state = StateFolder(self.folder / ".strangler")
        with Journal.open(state.journal_url, key=state.journal_key()) as journal:
            return journal.depth() == 0

    def is_new_asked(self) -> bool:
        """Whether the new side is asked, after a caller was answered, what the caller asked."""
        self.new.asked.clear()
        self.callers_come(range(3))
        self.until_compared()
        return any(target.startswith("/books/") for _, target, _ in self.new.asked)

    def answered_by_new(self) -> frozenset[int]:
        """Which books callers are told by the new side: it names its build."""
        with Caller(self.port) as caller:
            return frozenset(n for n in range(BOOKS) if "x-build-id" in caller.get(f"/books/{n}").headers)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    page = read_page()
    old = Service(lambda _method, target, _body: book(target))
    new = Service(first_release, build="1")
    port = free_port()
    plan = page.plan
    for told, real in (("127.0.0.1:8080", old.port), ("127.0.0.1:8090", new.port)):
        assert told in plan
        plan = plan.replace(told, f"127.0.0.1:{real}")
    ports = {"7000": str(port)}
    commands = tuple(tuple(ports.get(word, word) for word in words) for words in page.commands)
    (tmp_path / "migration.yaml").write_text(plan, "utf-8")
    library = Library(Page(plan, commands), tmp_path, old.start(), new.start(), port)
    try:
        yield library
    finally:
        if library.up is not None:
            library.up.end()
        old.stop()
        new.stop()


def test_the_readers_own_system_moves_and_comes_back(library: Library) -> None:
    checked = library.type("plan", "check")
    assert checked.code == 0, checked.err

    library.up = Up(library.folder, *library.page.command("up"))
    library.up.until_up()
    assert library.up.port == library.port
    assert library.callers_come(range(20)) == [200] * 20
    assert not library.is_new_asked()

    shadow = library.type("cutover", OPERATION)
    assert shadow.code == 0, shadow.out + shadow.err
    eventually(library.is_new_asked, "the shadow is in force")

    # The first release is wrong about one book in ten: the report says so, the gate holds.
    library.callers_come(range(BOOKS))
    library.until_compared()
    report = library.type("parity", "report")
    assert report.code == 1
    assert "shelf" in report.out
    assert (library.folder / ".strangler/reports/parity.html").read_text("utf-8").startswith("<!doctype html>")
    held = library.type("gate", OPERATION)
    assert held.code == 1
    assert "parity" in held.out
    refused = library.type("cutover", OPERATION, nth=1)
    assert refused.code == 1
    assert "refused" in refused.out

    # The second release is right: the earlier evidence is stale, the new evidence passes but for the approval.
    library.new.answer, library.new.build = library.old.answer, "2"
    stale = library.type("gate", OPERATION)
    assert stale.code != 0
    assert "STALE" in stale.out
    library.callers_come(range(BOOKS))
    library.until_compared()
    unapproved = library.type("gate", OPERATION, more=("--to", "{shadow: 90, live: 10}", "--json"))
    assert {gate["gate"]: gate["result"] for gate in unapproved.document["gates"]}["parity"] == "PASS", unapproved.out
    assert unapproved.code != 0

    approved = library.type("approve", OPERATION)
    assert approved.code == 0, approved.err
    moved = library.type("cutover", OPERATION, nth=1)
    assert moved.code == 0, moved.out + moved.err

    # One book in ten is answered by new, and it is the same ones every time.
    eventually(library.answered_by_new, "callers hear new")
    first, second = library.answered_by_new(), library.answered_by_new()
    assert first == second
    assert 0.05 * BOOKS < len(first) < 0.16 * BOOKS

    back = library.type("rollback", OPERATION)
    assert back.code == 0, back.err
    assert library.status()["rollout"] == "shadow"
    eventually(lambda: not library.answered_by_new(), "callers hear old again")

    hold = library.type("hold")
    assert hold.code == 0, hold.err
    assert library.status()["held"] == ["*"]
    eventually(lambda: not library.is_new_asked(), "held: new is not even asked")
    release = library.type("release")
    assert release.code == 0, release.err
    eventually(library.is_new_asked, "released: new is asked again")

    verified = strangler("ledger", "verify", cwd=library.folder)
    assert verified.code == 0, verified.out + verified.err

    family = library.up.family()
    assert len(family) > 5
    assert library.up.interrupt() == 0, library.up.log
    assert [pid for pid in family if is_alive(pid)] == []
    assert "Traceback" not in library.up.log
