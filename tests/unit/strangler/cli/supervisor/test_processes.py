"""``processes.yaml``: what it may say, and how its mistakes are told."""

from pathlib import Path

import pytest

from strangler.cli.supervisor import Ready, load_processes
from strangler.errors import PlanError, Problem


def write(folder: Path, text: str) -> Path:
    path = folder / "processes.yaml"
    path.write_text(text)
    return path


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(PlanError) as caught:
        load_processes(path)
    return caught.value.problems


def test_a_whole_file_loads(tmp_path: Path) -> None:
    text = """
processes:
  seed:
    command: ["{python}", "-m", "seed"]
    once: true
  pensions:
    command: ["{python}", "-m", "pensions", "--port", "{port}"]
    port: 7101
    ready: {http: /health, within_s: 5}
    provides: {PENSIONS_URL: "http://127.0.0.1:{port}"}
    after: [seed]
    env: {TZ: Europe/London}
    stop_s: 2
"""
    seed, pensions = load_processes(write(tmp_path, text)).specs()
    assert (seed.name, seed.once, seed.ready, seed.here) == ("seed", True, None, tmp_path)
    assert (pensions.name, pensions.port, pensions.after, pensions.stop_s) == ("pensions", 7101, ("seed",), 2)
    assert pensions.ready == Ready(http="/health", within_s=5)
    assert pensions.provides == {"PENSIONS_URL": "http://127.0.0.1:{port}"}


def test_an_unknown_field_is_named_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    text = "processes:\n  pensions:\n    command: [x]\n    provide: {A: b}\n"
    (problem,) = problems(write(tmp_path, text))
    assert (problem.code, problem.line, problem.key) == ("unknown-field", 4, "processes.pensions.provide")
    assert problem.fix == "did you mean 'provides'?"


def test_every_problem_is_told(tmp_path: Path) -> None:
    text = "processes:\n  one:\n    command: []\n  two:\n    command: [x]\n    port: 70000\n"
    assert [(p.line, p.key) for p in problems(write(tmp_path, text))] == [
        (3, "processes.one.command"),
        (6, "processes.two.port"),
    ]


@pytest.mark.parametrize(
    ("ready", "message"),
    [
        ("{}", "say exactly one of http"),
        ("{http: /a, tcp: true}", "say exactly one of http"),
        ("{exit: 0}", "goes with once: true"),
    ],
)
def test_readiness_that_does_not_fit_is_refused(tmp_path: Path, ready: str, message: str) -> None:
    (problem,) = problems(write(tmp_path, f"processes:\n  one:\n    command: [x]\n    ready: {ready}\n"))
    assert message in problem.message


def test_a_name_that_is_no_name_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, "processes:\n  Two Words:\n    command: [x]\n"))
    assert (problem.line, problem.key) == (2, "processes.Two Words")


@pytest.mark.parametrize(
    ("text", "code"),
    [("processes: [", "not-yaml"), ("- a\n", "not-a-mapping"), ("", "not-a-mapping")],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, code: str) -> None:
    (problem,) = problems(write(tmp_path, text))
    assert problem.code == code


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "none.yaml")
    assert (problem.code, problem.file) == ("unreadable", str(tmp_path / "none.yaml"))
