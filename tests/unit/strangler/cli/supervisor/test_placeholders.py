"""Placeholders in commands and variables."""

import pytest

from strangler.cli.supervisor.placeholders import fill
from strangler.errors import UsageError


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("http://127.0.0.1:{port}/x", "http://127.0.0.1:7101/x"),
        ("DRIVER={MariaDB Unicode};PORT={port}", "DRIVER={MariaDB Unicode};PORT=7101"),
        ("DRIVER={{SQLite3}};Database={state}/a.db", "DRIVER={SQLite3};Database=/s/a.db"),
        ("plain", "plain"),
        ("{}", "{}"),
    ],
)
def test_fill_replaces_names_and_nothing_else(template: str, expected: str) -> None:
    assert fill(template, {"port": "7101", "state": "/s"}, "x") == expected


def test_fill_does_not_look_into_what_it_put_in() -> None:
    assert fill("{a}", {"a": "{b}", "b": "no"}, "x") == "{b}"


def test_fill_names_what_nobody_provides() -> None:
    with pytest.raises(UsageError, match=r"shop\.command: \{prot\} is unknown; did you mean \{port\}\?"):
        fill("{prot}", {"port": "1"}, "shop.command")
