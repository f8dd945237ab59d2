"""Every verb and every option says what it is for."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from strangler.cli import app


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_verb_has_a_help_text_and_so_has_each_option(path: tuple[str, ...]) -> None:
    command = ALL[path]
    assert command.help
    without = [parameter.name for parameter in command.params if not getattr(parameter, "help", None)]
    assert without == []


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_verb_shows_its_help(path: tuple[str, ...]) -> None:
    told = CliRunner().invoke(app, [*path, "--help"])
    assert (told.exit_code, "Usage:" in told.output) == (0, True)


def test_every_verb_that_reads_speaks_to_machines() -> None:
    reading = {"status", "gate", "doctor", "plan check", "plan explain", "parity report", "parity show"}
    reading |= {"ledger show", "ledger verify", "load report"}
    options = {
        " ".join(path): {name for parameter in command.params for name in parameter.opts}
        for path, command in ALL.items()
    }
    assert {verb for verb in reading if "--json" not in options[verb]} == set()


@pytest.mark.parametrize("words", ["nonsense", "gate", "plan check --nonsense", "serve --port x", "rollback a.b"])
def test_wrong_use_ends_with_2(words: str) -> None:
    assert CliRunner().invoke(app, words.split()).exit_code == 2
