"""What processes provide to each other."""

import json
from pathlib import Path

import pytest

from strangler.cli.supervisor import ProcessSpec
from strangler.cli.supervisor.settings import command_and_environment, provided, write_environment
from strangler.errors import UsageError

STATE = Path("/state")


def spec(name: str, **fields: object) -> ProcessSpec:
    return ProcessSpec(**{"name": name, "command": ("run",), "here": Path("/here"), **fields})


def test_provided_variables_may_name_each_other_in_any_order() -> None:
    specs = [
        spec("b", provides={"B": "{A}/b:{port}"}),
        spec("a", provides={"A": "http://{port}{state}{here}"}),
    ]
    variables = provided(specs, {"a": 1, "b": 2}, STATE, {})
    assert variables == {"A": "http://1/state/here", "B": "http://1/state/here/b:2"}


def test_two_that_need_each_other_are_refused() -> None:
    specs = [spec("a", provides={"A": "{B}"}), spec("b", provides={"B": "{A}"})]
    with pytest.raises(UsageError, match="is unknown"):
        provided(specs, {"a": 1, "b": 2}, STATE, {})


def test_two_that_provide_the_same_name_are_refused() -> None:
    with pytest.raises(UsageError, match="b and a both provide A"):
        provided([spec("a", provides={"A": "1"}), spec("b", provides={"A": "2"})], {"a": 1, "b": 2}, STATE, {})


def test_a_process_own_variables_win_over_provided_over_inherited() -> None:
    command, environment = command_and_environment(
        spec("a", command=("run", "{X}"), env={"Z": "own"}),
        1,
        STATE,
        {"X": "inherited", "Y": "inherited", "Z": "inherited"},
        {"Y": "provided", "Z": "provided"},
    )
    assert command == ("run", "inherited")
    assert environment == {"PYTHONUNBUFFERED": "1", "X": "inherited", "Y": "provided", "Z": "own"}


def test_the_environment_file_is_private_and_leaves_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "environment.json"
    write_environment(path, {"A": "1"})
    write_environment(path, {"A": "2"})
    assert json.loads(path.read_text()) == {"A": "2"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
