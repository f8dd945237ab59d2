"""gate, cutover, approve, rollback, hold, release: what they decide, what they refuse, how they end."""

import os
import sys
from collections.abc import Callable

import pytest

from strangler.exchange import OutcomeKind
from strangler.ledger import EntryKind, Ledger

READ, WRITE = "library.get-book", "library.lend-book"
Run = Callable[..., object]


def rollout(programme, operation: str = READ) -> str:
    return programme.run("status", "--json").document["operations"][operation]["rollout"]


def kinds(programme) -> list[EntryKind]:
    with Ledger.open(programme.session.state.ledger_url) as ledger:
        return [entry.kind for entry in ledger.entries()]


def parity_gate(programme) -> str:
    gates = programme.run("gate", READ, "--to", "live", "--json").document["gates"]
    return next(gate["result"] for gate in gates if gate["gate"] == "parity")


def shadow(programme) -> None:
    assert programme.run("cutover", READ, "--to", "shadow", "--yes", "--as", "ann").code == 0


def test_cutover_moves_and_puts_it_on_record(programme) -> None:
    told = programme.run("cutover", READ, "--to", "shadow", "--yes", "--as", "ann", "--why", "begin [now]")
    assert told.code == 0
    assert "moved to {shadow: 100}; ledger entry 1" in told.out
    assert rollout(programme) == "shadow"
    (entry,) = programme.run("ledger", "show", "--json").document
    assert (entry["who"], entry["body"]["why"], entry["body"]["after"]) == ("ann", "begin [now]", {"shadow": "100"})


def test_cutover_tells_machines_everything(programme) -> None:
    told = programme.run("cutover", READ, "--to", "shadow", "--yes", "--as", "ann", "--json")
    assert told.document == {
        "operation": READ,
        "from": {"off": "100"},
        "to": {"shadow": "100"},
        "allowed": True,
        "reasons": [],
        "gates": [],
        "ledger_seq": 1,
    }


def test_cutover_without_a_terminal_wants_yes(programme) -> None:
    told = programme.run("cutover", READ, "--to", "shadow", "--as", "ann")
    assert (told.code, rollout(programme)) == (2, "off")
    assert "say --yes to move, or --dry-run" in told.err
    assert kinds(programme) == []


def test_dry_run_shows_whom_a_move_reaches_and_the_way_back(programme) -> None:
    to = "{shadow: 90, live: 10}"
    programme.earn(to)
    before = kinds(programme)
    told = programme.run("cutover", READ, "--to", to, "--as", "ann", "--dry-run", "--json")
    blast = told.document["blast"]
    assert (told.code, told.document["dry_run"], told.document["allowed"]) == (0, True, True)
    assert (blast["to_new_percent"], blast["to_old_percent"], blast["departments"]) == (
        10.0,
        0.0,
        ["library", "shared"],
    )
    assert (blast["keys_seen"], blast["keys_moved_about"], blast["requests_seen"]) == (200, 20, 200)
    assert blast["way_back"] == f"strangler rollback {READ} --why '...'"
    shown = " ".join(programme.run("cutover", READ, "--to", to, "--as", "ann", "--dry-run").out.split())
    for words in ("10 % of all keys answered by new", "about 20 of 200 keys", "way back", "nothing was moved"):
        assert words in shown
    assert (kinds(programme), rollout(programme)) == (before, "shadow")


def test_dry_run_says_the_command_that_makes_it_as_it_was(programme) -> None:
    asked = ("cutover", READ, "--to", "{off: 50, shadow: 50}")
    back = programme.run(*asked, "--dry-run", "--json").document["blast"]["way_back"]
    assert back == f"strangler rollback {READ} --to off --why '...'"
    programme.run(*asked, "--yes", "--as", "ann")
    told = programme.run("cutover", READ, "--to", "shadow", "--dry-run", "--json").document["blast"]
    assert told["way_back"] == f"strangler cutover {READ} --to '{{off: 50, shadow: 50}}' --yes --why '...'"


def test_dry_run_is_the_default_on_a_terminal_and_records_nothing(programme, monkeypatch) -> None:
    _, terminal = os.openpty()
    with os.fdopen(terminal) as keyboard:
        monkeypatch.setattr(sys, "stdin", keyboard)
        told = programme.run("cutover", READ, "--to", "live", "--as", "ann")
    assert (told.code, "dry run: nothing was moved. It would be refused." in told.out) == (1, True)
    assert kinds(programme) == []
    told = programme.run("cutover", READ, "--to", "live", "--dry-run", "--yes")
    assert (told.code, "say one of them" in told.err) == (2, True)


def test_cutover_of_everything_at_once_is_refused_on_record(programme) -> None:
    told = programme.run("cutover", READ, "--to", "live", "--yes", "--as", "ann")
    assert (told.code, rollout(programme)) == (1, "off")
    assert "at most one stage forward" in told.out
    assert kinds(programme) == [EntryKind.REFUSAL]


def test_cutover_by_somebody_who_may_not_says_who_may(programme) -> None:
    told = programme.run("cutover", READ, "--to", "shadow", "--yes", "--as", "bob")
    assert told.code == 1
    assert "bob is no operator in the plan; operators are ann" in told.out


def test_cutover_to_where_it_is_already_is_refused(programme) -> None:
    shadow(programme)
    told = programme.run("cutover", READ, "--to", "shadow", "--yes", "--as", "ann")
    assert (told.code, "is at {shadow: 100} already" in told.err) == (1, True)


def test_override_takes_two_people_and_is_shown_for_ever(programme) -> None:
    shadow(programme)
    asked = ("cutover", READ, "--to", "{shadow: 90, live: 10}", "--override", "--as", "ann", "--why", "no time")
    confirm = ("approve", READ, "--to", "{shadow: 90, live: 10}", "--override", "--why", "agreed")
    assert (programme.run(*confirm, "--as", "bob").code, kinds(programme)[-1]) == (1, EntryKind.ROLLOUT)
    told = programme.run(*asked)
    assert (told.code, "nothing was moved; asked by ledger entry 2" in told.out) == (1, True)
    assert "--override --why '...' --as APPROVER" in told.out
    told = programme.run(*asked, "--yes", "--json")
    assert (told.code, told.document["moved"], told.document["lacks"]) == (
        1,
        False,
        ["0 of 1 confirmations by approvers other than ann"],
    )
    assert programme.run(*confirm, "--as", "ann").code == 1
    assert programme.run(*confirm, "--as", "bob").code == 0
    assert "confirmed: the same with --yes moves it" in programme.run(*asked).out
    told = programme.run(*asked, "--yes")
    assert (told.code, rollout(programme)) == (0, "shadow 90, live 10")
    assert "moved to {shadow: 90, live: 10} by override" in told.out
    programme.run("rollback", READ, "--why", "back", "--as", "ann")
    line = f"{READ}: moved by override of parity, load: ann and bob: no time (ledger entry 4)"
    assert line in programme.run("status").out
    assert kinds(programme).count(EntryKind.OVERRIDE) == 1
    assert '"override"' in programme.run("ledger", "show").out


def test_rehearsal_goes_back_and_forward_and_status_shows_it(programme) -> None:
    to = "{shadow: 90, live: 10}"
    asked = ("rehearse", READ, "--as", "ann", "--why", "once a month")
    told = programme.run(*asked, "--yes")
    assert (told.code, f"a rollback of {READ} would change nothing" in told.out) == (1, True)
    programme.earn(to)
    programme.run("cutover", READ, "--to", to, "--yes", "--as", "ann")
    told = programme.run(*asked)
    assert (told.code, "would take it from {shadow: 90, live: 10} to {shadow: 100}" in told.out) == (0, True)
    assert (rollout(programme), EntryKind.REHEARSAL in kinds(programme)) == ("shadow 90, live 10", False)
    told = programme.run(*asked, "--yes")
    assert (told.code, rollout(programme)) == (0, "shadow 90, live 10")
    assert "back: no engine runs here" in told.out
    assert kinds(programme)[-3:] == [EntryKind.ROLLBACK, EntryKind.ROLLOUT, EntryKind.REHEARSAL]
    assert f"{READ}: rollback rehearsed 0 s ago by ann: once a month" in programme.run("status").out


def test_gate_names_every_gate_that_holds(programme) -> None:
    shadow(programme)
    programme.compare(3, OutcomeKind.MISMATCH)
    told = programme.run("gate", READ, "--to", "live", "--json")
    assert told.code == 1
    results = {gate["gate"]: gate["result"] for gate in told.document["gates"]}
    assert results == {"parity": "HOLD", "load": "NO DATA", "gaps": "PASS", "approvals": "HOLD", "hold": "PASS"}
    shown = programme.run("gate", READ, "--to", "live")
    for words in ("parity", "load", "approvals", "3 of 3 inputs did not come out equal", "NO DATA"):
        assert words in " ".join(shown.out.split())


def test_gate_without_evidence_is_no_data(programme) -> None:
    programme.change_plan("soak_h: 0, approvals: 1", "soak_h: 0, approvals: 0")
    shadow(programme)
    assert programme.run("gate", READ, "--to", "live").code == 3


def test_gate_on_another_build_is_stale(programme) -> None:
    programme.change_plan("soak_h: 0, approvals: 1", "soak_h: 0, approvals: 0")
    shadow(programme)
    programme.compare(200)
    programme.load()
    assert programme.run("gate", READ, "--to", "live").code == 0
    programme.plan.write_text(programme.plan.read_text().replace('build: "7"', 'build: "8"'))
    told = programme.run("gate", READ, "--to", "live", "--json")
    assert told.code == 3
    assert {gate["result"] for gate in told.document["gates"]} == {"STALE", "PASS"}


def test_gate_asks_about_the_next_stage_by_itself(programme) -> None:
    assert programme.run("gate", READ, "--json").document["to"] == {"shadow": "100"}
    assert programme.run("gate", WRITE, "--json").document["to"] == {"dualwrite": "100"}


def test_earned_move_to_a_share_goes_through_and_back(programme) -> None:
    to = "{shadow: 90, live: 10}"
    programme.earn(to)
    told = programme.run("cutover", READ, "--to", to, "--yes", "--as", "ann")
    assert (told.code, rollout(programme)) == (0, "shadow 90, live 10")
    back = programme.run("rollback", READ, "--why", "it was slow [/]", "--as", "ann")
    assert (back.code, rollout(programme)) == (0, "shadow")
    again = programme.run("rollback", READ, "--why", "again", "--as", "ann")
    assert (again.code, "no key is beyond shadow" in again.err) == (1, True)


def test_approval_by_somebody_without_the_role_is_refused(programme) -> None:
    told = programme.run("approve", READ, "--to", "live", "--as", "ann")
    assert (told.code, "approvers in the plan are bob" in told.err) == (1, True)


@pytest.mark.parametrize("off", ["off", "OFF", "'off'", "{off: 100}"])
def test_off_is_a_stage_and_no_boolean(programme, off: str) -> None:
    shadow(programme)
    told = programme.run("cutover", READ, "--to", off, "--yes", "--as", "ann")
    assert (told.code, rollout(programme)) == (0, "off")


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("lvie", "choose from off, shadow, live, complete"),
        ("dualwrite", "no stage of a read operation"),
        ("{shadow: 90, live: 9}", "add up to 99, not 100"),
        ("{shadow: many}", "write a percentage"),
        ("{shadow: 90", "write a stage such as live, or shares such as"),
        ("[live]", "write a stage such as live, or shares such as"),
        ("", "write a stage such as live, or shares such as"),
        ("on", "'on' is no stage"),
    ],
)
def test_rollout_that_is_none_says_what_to_write(programme, to: str, says: str) -> None:
    told = programme.run("cutover", READ, "--to", to, "--yes", "--as", "ann")
    assert (told.code, says in told.err) == (2, True), told.err


@pytest.mark.parametrize(
    "verb",
    [
        ("gate",),
        ("cutover", "--to", "live", "--yes"),
        ("approve", "--to", "live"),
        ("rollback", "--why", "x"),
        ("hold", "--why", "x"),
        ("load", "report"),
        ("load", "run"),
    ],
)
def test_unknown_operation_names_the_nearest(programme, verb: tuple[str, ...]) -> None:
    words = 2 if verb[0] == "load" else 1
    told = programme.run(*verb[:words], "library.get-bok", *verb[words:])
    assert told.code == 2
    assert "there is no operation 'library.get-bok'" in told.err
    assert "did you mean library.get-book?" in told.err


def test_hold_and_release(programme) -> None:
    assert programme.run("hold", READ, "--why", "odd answers", "--as", "ann").code == 0
    assert programme.run("status", "--json").document["held"] == [READ]
    assert f"HOLD: {READ} answered by old" in programme.run("status").out
    shadow(programme)
    assert "everything is held on old: ann: odd answers" in programme.run("gate", READ, "--to", "live", "--json").out
    assert programme.run("release", "--why", "mended", "--as", "ann").code == 0
    assert programme.run("status", "--json").document["held"] == []
    told = programme.run("release", "--why", "again", "--as", "ann")
    assert (told.code, "no hold" in told.err) == (1, True)


def test_hold_and_release_are_for_people_of_the_plan(programme) -> None:
    told = programme.run("hold", "--why", "just so", "--as", "mallory")
    assert (told.code, "people in the plan are ann, bob" in told.err) == (1, True)
    assert programme.run("hold", "--why", "odd answers", "--as", "bob").code == 0
    told = programme.run("release", "--why", "i like it", "--as", "bob")
    assert (told.code, "operators in the plan are ann" in told.err) == (1, True)
    assert programme.run("release", "--why", "mended", "--as", "ann").code == 0


def test_refused_cutover_says_where_it_is_on_record(programme) -> None:
    shadow(programme)
    told = programme.run("cutover", READ, "--to", "live", "--yes", "--as", "ann")
    (entry,) = [one for one in programme.run("ledger", "show", "--json").document if one["kind"] == "refusal"]
    assert f"The refusal is ledger entry {entry['seq']}" in told.out


def test_status_says_when_engines_lag_behind_the_ledger(programme) -> None:
    shadow(programme)
    programme.run("hold", "--why", "a look", "--as", "ann")  # an entry that changes no rollout
    programme.run("release", "--why", "mended", "--as", "ann")
    assert "BEHIND" not in programme.run("status").out
    before = programme.session.state.rollouts_file.read_bytes()
    programme.run("cutover", READ, "--to", "off", "--yes", "--as", "ann")
    programme.session.state.rollouts_file.write_bytes(before)
    told = programme.run("status")
    assert "BEHIND: engines follow entry 1, and entry 4 changed a rollout" in " ".join(told.out.split())
    assert programme.run("status", "--json").document["engines"] == {"given": 1, "decided": 4, "is_behind": True}


def test_hold_works_with_broken_stores_and_a_broken_plan(programme) -> None:
    state = programme.session.state
    for name in ("ledger.db", "journal.db", "environment.json"):
        (state.path / name).write_bytes(b"this is no database, and no JSON" * 200)
    programme.plan.write_text("version: 1\nprogramme: [")
    told = programme.run("hold", "--why", "everything burns", "--as", "ann")
    assert told.code == 0
    assert "every operation answered by old, at once" in told.out
    assert "not on record" in told.out
    assert state.held() == {"*"}


def test_hold_stays_while_the_ledger_is_broken(programme) -> None:
    programme.run("hold", "--why", "trouble", "--as", "ann")
    (programme.session.state.path / "ledger.db").write_bytes(b"this is no database" * 300)
    assert programme.run("release", "--why", "mended", "--as", "ann").code == 4
    assert programme.session.state.held() == {"*"}


def test_build_is_asked_of_the_system_and_makes_evidence_stale(programme, building) -> None:
    programme.change_plan('url: "http://127.0.0.1:9", build: "7"', f'url: "{building.url}", build_header: x-build-id')
    shadow(programme)
    programme.change_plan('url: "http://127.0.0.1:9", build: "7"', f'url: "{building.url}", build_header: x-build-id')
    programme.compare(200)
    results = {
        gate["gate"]: gate["result"] for gate in programme.run("gate", READ, "--to", "live", "--json").document["gates"]
    }
    assert results["parity"] == "PASS"
    building.build = "8"
    results = {
        gate["gate"]: gate["result"] for gate in programme.run("gate", READ, "--to", "live", "--json").document["gates"]
    }
    assert results["parity"] == "STALE"
