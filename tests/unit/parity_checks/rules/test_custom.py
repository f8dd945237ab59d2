import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from parity_checks.compare.comparison import compare
from parity_checks.rules.compiled import Function, RuleFailed, compile_rules
from parity_checks.rules.custom import MOST_ALIVE, CustomFunctions
from parity_checks.rules.source_code import digest_of
from strangler.exchange import Observation
from strangler.plan.comparison import Compare, CustomRule
from strangler.stages import Side

Make = Callable[..., Function]


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def functions(now: list[float]) -> Iterator[CustomFunctions]:
    made = CustomFunctions(lambda: now[0])
    yield made
    made.close()


def rule_of(body: str, folder: Path, *, within_ms: int = 1000, code: str = "") -> CustomRule:
    name = f"custom_{digest_of(body.encode())}"
    (folder / f"{name}.py").write_text(body)
    written = {"path": "$.a", "as": "custom", "function": f"{name}:same", "code": code or digest_of(body.encode())}
    return CustomRule.model_validate({**written, "within_ms": within_ms, "why": "because"})


@pytest.fixture
def make(functions: CustomFunctions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.syspath_prepend(tmp_path)

    def made(body: str, *, within_ms: int = 1000, code: str = "") -> Function:
        return functions.of((rule_of(body, tmp_path, within_ms=within_ms, code=code),))[0]

    return made


def same(body: str, before: str = "") -> str:
    return f"{before}\ndef same(old, new):\n    {body}\n"


def test_function_decides(make: Make) -> None:
    function = make(same("return (old or '').lower() == (new or '').lower()"))
    assert [function("A", "a"), function("A", "b"), function(None, ""), function("é\ud800\n", "É\ud800\n")] == [
        True,
        False,
        True,
        True,
    ]


def test_one_process_serves_many_values(make: Make, functions: CustomFunctions) -> None:
    function = make(same("return old == new"))
    assert [function(str(at), "5") for at in range(7)] == [at == 5 for at in range(7)]
    assert functions.starts == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("return 1", "it returned int, which is no bool"),
        ("return None", "it returned NoneType, which is no bool"),
        ("raise ValueError(old)", "it raised ValueError in line 4"),
        ("raise SystemExit(0)", "it raised SystemExit in line 4"),
        ("import sys; sys.exit(3)", "it raised SystemExit in line 4"),
        ("return same(old, new)", "it raised RecursionError in line 4"),
        ("return bool(bytearray(1 << 40))", "it raised MemoryError in line 4"),
        ("return bool(open('made', 'w').write('x' * 10000))", "it raised"),
        ("import os; os._exit(3)", "it ended its process"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "it ended its process"),
        ("while True: pass", "it took longer than 200 ms"),
        ("import time; time.sleep(60)", "it took longer than 200 ms"),
        ("import os; os.closerange(3, 64)", "it "),
    ],
)
def test_function_that_gives_no_answer_is_named_and_the_next_is_asked(
    make: Make, body: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    function = make(same(f"if old == 'well': return True\n    {body}"), within_ms=200 if "longer" in why else 1000)
    with pytest.raises(RuleFailed) as failed:
        function("AB123456C", "x")
    assert why in str(failed.value)
    assert "$.a (custom_" in str(failed.value)
    assert "AB123456C" not in str(failed.value)
    assert function("well", "x") is True


def test_function_that_prints_megabytes_is_answered_for(make: Make) -> None:
    function = make(same("print('x' * 5_000_000); import sys; sys.stderr.write('y' * 5_000_000); return True"))
    assert function("a", "b") is True


def test_function_that_reads_its_input_gets_nothing(make: Make) -> None:
    assert make(same("import sys; return sys.stdin.read() == ''"))("a", "b") is True


def test_function_that_forks_does_not_answer_twice(make: Make) -> None:
    function = make(same("import os\n    try: os.fork()\n    except OSError: pass\n    return old == new"))
    assert [function(str(at), "3") for at in range(5)] == [at == 3 for at in range(5)]


def alive_in_group(group: int) -> list[str]:
    """Processes of one group that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(stat.parent.name)
    return found


@pytest.mark.skipif(os.getuid() != 0, reason="only root may fork here: for others the limit is the guard")
def test_children_of_a_function_end_with_it(make: Make, functions: CustomFunctions) -> None:
    function = make(same("import os, time\n    if os.fork() == 0: time.sleep(600)\n    return True"))
    assert function("1", "2") is True
    (group,) = [running._process._process.pid for running in functions._functions.values() if running._process]
    assert len(alive_in_group(group)) == 2
    functions.close()
    deadline = time.monotonic() + 5
    while alive_in_group(group) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert alive_in_group(group) == []


def test_function_sees_nothing_of_the_environment(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATIENT_INDEX_ODBC", "secret")
    assert make(same("import os; return 'PATIENT_INDEX_ODBC' in os.environ"))("a", "b") is False


def test_function_in_a_package_is_imported_with_what_is_above_it(
    functions: CustomFunctions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "ours_pack").mkdir()
    (tmp_path / "ours_pack" / "__init__.py").write_text("LETTERS = {'A': 'active'}")
    body = "from . import LETTERS\ndef same(old, new):\n    return LETTERS.get(old) == new\n"
    (tmp_path / "ours_pack" / "codes.py").write_text(body)
    written = {"path": "$.a", "as": "custom", "function": "ours_pack.codes:same", "why": "codes"}
    rule = CustomRule.model_validate({**written, "code": digest_of(body.encode()), "within_ms": 1000})
    assert functions.of((rule,))[0]("A", "active") is True


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("raise RuntimeError('secret')", "its import raised RuntimeError in line 1"),
        ("import os; os._exit(1)", "it ended its process"),
        ("del same", "its import raised NameError in line 1"),
        ("import no_such_thing", "its import raised ModuleNotFoundError"),
    ],
)
def test_module_that_cannot_be_imported_is_named(make: Make, before: str, why: str) -> None:
    with pytest.raises(RuleFailed, match=why):
        make(same("return True", before))("a", "b")


def test_missing_function_and_missing_module_are_named(make: Make, functions: CustomFunctions) -> None:
    with pytest.raises(RuleFailed, match="has no function 'same'"):
        make("other = 1\n")("a", "b")
    written = {"path": "$.a", "as": "custom", "function": "no_such_module:f", "code": "0" * 16, "why": "because"}
    with pytest.raises(RuleFailed, match="there is no module 'no_such_module' on the Python path"):
        functions.of((CustomRule.model_validate(written),))[0]("a", "b")


def test_other_code_than_the_plan_says_is_not_run(make: Make, functions: CustomFunctions) -> None:
    body = same("return True")
    with pytest.raises(RuleFailed, match=f"its code is {digest_of(body.encode())} now, and the plan says 0{{16}}"):
        make(body, code="0" * 16)("a", "b")
    assert functions.starts == 0


def test_rule_that_always_loops_does_not_cost_a_process_each_time(
    make: Make, functions: CustomFunctions, now: list[float]
) -> None:
    function = make(same("while True: pass"), within_ms=20)
    said = []
    for _ in range(40):
        with pytest.raises(RuleFailed) as failed:
            function("a", "b")
        said.append(str(failed.value))
    assert functions.starts == 5
    assert said[-1].endswith("it is left alone for a while: it took longer than 20 ms")
    now[0] += 1.0
    for _ in range(3):
        with pytest.raises(RuleFailed):
            function("a", "b")
    assert functions.starts == 6


def test_too_long_a_value_is_not_given(make: Make, functions: CustomFunctions) -> None:
    function = make(same("return True"))
    with pytest.raises(RuleFailed, match="longer than 100000 characters"):
        function("x" * 100_001, "y")
    assert functions.starts == 0
    assert function("x" * 100_000, "y" * 100_000) is True


def test_many_functions_share_few_processes(make: Make, functions: CustomFunctions) -> None:
    made = [make(same(f"return old == '{at}'")) for at in range(MOST_ALIVE + 2)]
    assert all(function(str(at), "") for at, function in enumerate(made))
    assert functions.starts == MOST_ALIVE + 2
    assert made[0]("0", "") is True
    assert functions.starts == MOST_ALIVE + 3


def test_threads_may_ask_at_once(make: Make) -> None:
    function, found = make(same("return old == new")), []
    threads = [
        threading.Thread(target=lambda at=at: found.extend(function(str(at), "2") is (at == 2) for _ in range(50)))  # type: ignore[misc]
        for at in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 200


def test_closing_ends_the_processes(make: Make, functions: CustomFunctions) -> None:
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    before = set(listed.read_text().split())  # of other tests in this process
    function = make(same("import os; raise OSError if old == 'x' else KeyError(os.getpid()); return True"))
    with pytest.raises(RuleFailed):
        function("a", "b")
    children = set(listed.read_text().split()) - before
    functions.close()
    assert children
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_comparison_asks_the_function_for_single_values_only(
    functions: CustomFunctions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    rule = rule_of(same("return old is None or new is None or old[0] == new[0]"), tmp_path)
    said = Compare(rules=(rule,))
    rules = compile_rules("op.x", said, functions.of(said.rules))

    def differences(old: bytes, new: bytes) -> int:
        headers = (("content-type", "application/json"),)
        sides = Observation(Side.OLD, 200, headers, old), Observation(Side.NEW, 200, headers, new)
        return len(compare(*sides, rules).differences)  # type: ignore[union-attr]

    assert differences(b'{"a":"xy"}', b'{"a":"xz"}') == 0
    assert differences(b'{"a":"xy"}', b'{"a":"yz"}') == 1
    assert differences(b'{"a":"xy"}', b"{}") == 0
    assert differences(b'{"a":null}', b'{"a":"x"}') == 0
    assert differences(b'{"a":{"b":1}}', b'{"a":"x"}') == 1
    assert differences(b'{"a":{"b":1}}', b"{}") == 1
    with pytest.raises(RuleFailed, match="nobody runs its function here"):
        compile_rules("op.x", said).holds(0, "a", "b")
