import json
from pathlib import Path

import pytest

from proxy.decide import decide
from proxy.mitm.tables import Sources, Switch, read_hold, read_rollouts
from strangler.errors import PlanError, StranglerError
from strangler.exchange import Request
from strangler.stages import Side
from strangler.state import StateFolder

PLAN = """
version: 1
programme: tables
systems:
  old-shop: {department: shop, speaks: http, url: "${OLD_URL}", build: "1.4"}
  new-shop: {department: shared, speaks: http, url: "http://127.0.0.1:2", build_header: X-Build-Id}
operations:
  shop.get:
    effect: read
    match: {method: GET, path: {type: PathPrefix, value: /items}}
    old: old-shop
    new: new-shop
people: {ada: {roles: [approver]}}
"""


class Files:
    """The files, and what is read from them."""

    def __init__(self, folder: Path) -> None:
        self.plan = folder / "migration.yaml"
        self.plan.write_text(PLAN)
        self.state = StateFolder(folder / "state", {})
        self.state.environment_file.write_text('{"OLD_URL": "http://127.0.0.1:1"}')
        self.sources = Sources(self.plan, self.state, {})
        self.sources.changed()
        self.switch = Switch(self.sources.load())

    def publish(self, seq: int, rollouts: dict[str, object]) -> None:
        self.state.rollouts_file.write_text(json.dumps({"seq": seq, "rollouts": rollouts}))

    def answering(self) -> Side:
        return decide(self.switch.current.table, Request("GET", "/items/1")).answers

    def look(self) -> frozenset[str]:
        return self.switch.swap(self.sources.load(self.sources.changed()))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_only_a_changed_file_is_seen_and_only_once(files: Files) -> None:
    assert files.sources.changed() == frozenset()
    files.publish(1, {"shop.get": {"live": "100"}})
    assert files.sources.changed() == {files.state.rollouts_file}
    assert files.sources.changed() == frozenset()


def test_a_published_rollout_moves_the_operation_and_an_unknown_one_is_left_out(files: Files) -> None:
    files.publish(1, {"shop.get": {"live": "100"}, "shop.gone": {"live": "100"}})
    assert files.look() == {"shop.get"}
    assert files.answering() is Side.NEW


def test_variables_made_by_up_stand_beneath_the_environment(files: Files) -> None:
    assert files.switch.current.plan.systems["old-shop"].url == "http://127.0.0.1:1"
    theirs = Sources(files.plan, files.state, {"OLD_URL": "http://127.0.0.1:9"})
    assert theirs.load().plan.systems["old-shop"].url == "http://127.0.0.1:9"


def test_a_tripped_operation_stays_with_old_until_its_own_rollout_changes(files: Files) -> None:
    files.publish(1, {"shop.get": {"live": "100"}})
    files.look()
    files.switch.trip("shop.get")
    assert files.answering() is Side.OLD
    files.publish(2, {"shop.get": {"live": "100"}, "shop.other": {"live": "100"}})
    assert files.look() == frozenset()
    assert files.answering() is Side.OLD
    files.publish(3, {"shop.get": {"rampdown": "100"}})
    with pytest.raises(StranglerError):
        files.look()  # a read skips rampdown: the table in use stays
    files.publish(4, {"shop.get": {"complete": "100"}})
    assert files.look() == {"shop.get"}
    assert files.answering() is Side.NEW


def test_a_broken_plan_says_file_line_and_key(files: Files) -> None:
    files.plan.write_text(PLAN.replace("effect: read", "effect: rad"))
    with pytest.raises(PlanError) as raised:
        files.sources.load(files.sources.changed())
    (problem,) = raised.value.problems
    assert (Path(problem.file).name, problem.line, problem.key) == ("migration.yaml", 9, "operations.shop.get.effect")


def test_a_missing_variable_refuses_to_load(files: Files) -> None:
    files.state.environment_file.unlink()
    with pytest.raises(PlanError):
        files.sources.load(files.sources.changed())


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"seq": 1}', '{"seq": 1, "rollouts": {"shop.get": {"live": 1}}}'])
def test_what_is_no_rollouts_document_is_refused(files: Files, content: str) -> None:
    files.state.rollouts_file.write_text(content)
    with pytest.raises(StranglerError):
        read_rollouts(files.state.rollouts_file, files.switch.current.plan)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"operations": 1}'])
def test_a_hold_that_cannot_be_read_holds_everything(files: Files, content: str) -> None:
    files.state.hold_file.write_text(content)
    assert read_hold(files.state.hold_file) == {"*"}
    files.state.hold_file.unlink()
    assert read_hold(files.state.hold_file) == frozenset()


def test_builds_come_from_a_header_or_from_the_plan(files: Files) -> None:
    builds = files.switch.current.builds
    assert (builds["shop.get", Side.OLD].declared, builds["shop.get", Side.NEW].header) == ("1.4", b"x-build-id")
