"""The reference pages say what the code says."""

import getpass
import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from docs.generate import REFERENCE, pages
from strangler.cli import app

ROOT = Path(__file__).parents[3]
PROSE = sorted(
    {ROOT / "README.md", *(ROOT / "docs").glob("**/*.md"), *(ROOT / "examples").glob("**/*.md")}
    - set(pages())
    - set((ROOT / "docs" / "adr").glob("*.md"))
)


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == pages()[path], "run: make docs"


def test_reference_holds_no_other_page() -> None:
    assert set(REFERENCE.iterdir()) == set(pages())


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_page_names_nobody_and_no_place_of_this_machine(path: Path) -> None:
    text = pages()[path]
    assert str(ROOT) not in text
    assert str(Path.home()) not in text
    assert f"`{getpass.getuser()}`" not in text


def test_every_link_within_the_plan_page_leads_somewhere() -> None:
    text = pages()[REFERENCE / "plan.md"]
    headings = {heading.lower() for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) - headings == set()


def test_every_field_of_the_plan_has_a_meaning() -> None:
    without = [line for line in pages()[REFERENCE / "plan.md"].splitlines() if line.endswith("|  |")]
    assert without == []


def test_schema_page_is_what_the_verb_prints() -> None:
    printed = CliRunner().invoke(app, ["plan", "schema"])
    assert printed.stdout == pages()[REFERENCE / "plan.schema.json"]


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_prose_names_exists(page: Path) -> None:
    unknown = [command for command in commands_in(page.read_text(encoding="utf-8")) if not is_known(command)]
    assert unknown == []


def commands_in(text: str) -> list[list[str]]:
    """What follows ``strangler`` in code: in a code span, or at the beginning of a command in a code block."""
    spans = re.findall(r"`(?:\.venv/bin/)?strangler ([^`]+)`", text)
    blocks = re.findall(r"^\s*(?:\$ )?(?:\.venv/bin/)?strangler ((?:[^\n\\]|\\\n)+)$", text, re.MULTILINE)
    return [_words(command) for command in [*spans, *blocks]]


def is_known(words: list[str]) -> bool:
    """Whether the verb is there, and has every long option that is named."""
    command = typer.main.get_command(app)
    rest = list(words)
    while hasattr(command, "commands"):
        verb = rest.pop(0) if rest else ""
        if "|" in verb:  # `plan check|explain`: each of them
            return all(is_known([*words[: -len(rest) - 1], one]) for one in verb.split("|"))
        if verb not in command.commands:
            return verb == "" and command.name != "strangler"  # a whole group may be named
        command = command.commands[verb]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return all(word.partition("=")[0] in options for word in rest if word.startswith("--"))


def _words(command: str) -> list[str]:
    bare = command.replace("\\\n", " ").replace("…", "").partition(" #")[0]
    try:
        return [word.rstrip(",.;:") for word in shlex.split(bare)]
    except ValueError:
        return bare.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["plan", "check"], True),
        (["parity"], True),
        (["plan", "check|explain"], True),
        (["plan", "check|nonsense"], False),
        (["cutover", "a.b", "--to", "live", "--yes"], True),
        (["cutover", "a.b", "--soon"], False),
        (["nonsense"], False),
    ],
)
def test_is_known_tells_real_commands(words: list[str], *, expected: bool) -> None:
    assert is_known(words) is expected
