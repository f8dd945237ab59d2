"""plan, status, parity, ledger, load report, doctor: what they show, to people and to machines."""

import json
import sqlite3

import pytest

from strangler.exchange import OutcomeKind

READ, WRITE = "library.get-book", "library.lend-book"
SIGNATURE = "a1b2c3d4e5f60718"


def test_plan_check_of_a_good_plan(programme) -> None:
    told = programme.run("plan", "check")
    assert (told.code, "2 operations of 2 systems; all well." in told.out) == (0, True)
    document = programme.run("plan", "check", "--json").document
    assert (document["ok"], document["warnings"], len(document["digest"])) == (True, [], 32)


def test_plan_check_of_a_broken_plan_says_where_and_what_instead(programme) -> None:
    programme.change_plan("effect: read", "efect: read")
    told = programme.run("plan", "check")
    assert told.code == 2
    assert f"error {programme.plan}:8: operations.library.get-book.efect:" in told.out
    assert "[unknown-field]" in told.out
    assert "did you mean 'effect'?" in told.out
    document = programme.run("plan", "check", "--json")
    assert (document.code, document.document["ok"]) == (2, False)
    places = {(problem["line"], problem["key"], problem["code"]) for problem in document.document["problems"]}
    assert (8, "operations.library.get-book.efect", "unknown-field") in places


def test_plan_check_shows_brackets_as_they_were_typed(programme) -> None:
    programme.change_plan('{path: "^/books/([^/]+)"}', r'{path: "^/books/([bold][/]+"}')
    told = programme.run("plan", "check")
    assert (told.code, "'^/books/([bold][/]+'" in told.out) == (2, True)


def test_every_verb_refuses_a_missing_plan(programme) -> None:
    programme.plan.unlink()
    for verb in (["status"], ["gate", READ], ["parity", "report"], ["plan", "explain", "/books/1"]):
        told = programme.run(*verb)
        assert (told.code, str(programme.plan) in told.err) == (2, True)


def test_plan_explain_names_operation_stage_and_side(programme) -> None:
    told = programme.run("plan", "explain", "/books/7", "--json")
    assert told.code == 0
    assert (told.document["operation"], told.document["stage"], told.document["answers"]) == (READ, "off", "old")
    assert READ in programme.run("plan", "explain", "/books/7").out


def test_plan_explain_reads_a_body_from_a_file(programme) -> None:
    body = programme.folder / "loan.json"
    body.write_text('{"book": "7"}')
    told = programme.run("plan", "explain", "/loans", "-X", "post", "-d", f"@{body}", "--json")
    assert (told.document["operation"], told.document["key"]) == (WRITE, "… (1 characters)")
    missing = programme.run("plan", "explain", "/loans", "-X", "POST", "-d", f"@{body}.not")
    assert (missing.code, "No such file" in missing.err) == (2, True)
    header = programme.run("plan", "explain", "/loans", "-H", "no colon")
    assert (header.code, "write it as 'name: value'" in header.err) == (2, True)


def test_status_counts_what_was_compared(programme) -> None:
    programme.compare(3)
    programme.compare(2, OutcomeKind.MISMATCH)
    programme.compare(1, OutcomeKind.NEW_FAILED)
    row = programme.run("status", "--json").document["operations"][READ]
    counts = {name: row[name] for name in ("rollout", "compared", "clean", "mismatch", "new_failed", "not_compared")}
    assert counts == {
        "rollout": "off",
        "compared": 6,
        "clean": 3,
        "mismatch": 2,
        "new_failed": 1,
        "not_compared": 0,
    }
    assert "waiting to be asked: 0; open gaps: 0" in programme.run("status").out


def test_parity_report_writes_its_page_and_ends_with_1_while_a_finding_is_open(programme) -> None:
    programme.compare(3)
    assert programme.run("parity", "report").code == 0
    programme.compare(2, OutcomeKind.MISMATCH)
    targets = [programme.folder / "out" / f"parity.{kind}" for kind in ("html", "json", "xml")]
    options = ("--html", str(targets[0]), "--json-file", str(targets[1]), "--junit", str(targets[2]))
    told = programme.run("parity", "report", *options)
    assert (told.code, all(target.stat().st_size for target in targets)) == (1, True)
    assert "Ann" not in told.out + "".join(target.read_text() for target in targets)
    printed = programme.run("parity", "report", "--json").document
    assert json.loads(targets[1].read_text()).keys() == printed.keys()


def test_parity_report_without_data_says_so(programme) -> None:
    told = programme.run("parity", "report")
    assert (told.code, "NO DATA: nothing was compared" in told.out) == (3, True)
    assert programme.run("parity", "report", "--json").code == 3
    programme.compare(3)
    assert "no finding under the present evidence" in programme.run("parity", "report").out


def test_parity_report_lists_what_counts_now_with_its_verdict(programme) -> None:
    programme.compare(2, OutcomeKind.MISMATCH)
    line = next(one for one in programme.run("parity", "report").out.splitlines() if one.startswith(SIGNATURE[:10]))
    assert "open" in line.split()
    programme.run("parity", "reject", SIGNATURE, "--why", "a defect", "--as", "bob")
    told = " ".join(programme.run("parity", "report").out.split())
    assert "new is wrong" in told
    programme.change_plan(
        "    key: {path:", '    compare: {rules: [{path: "$.x", as: ignore, why: "unused"}]}\n    key: {path:'
    )
    told = programme.run("parity", "report")
    assert (SIGNATURE[:10] in told.out, "1 findings of earlier builds" in told.out) == (False, True)


def test_parity_show_masks(programme) -> None:
    programme.compare(2, OutcomeKind.MISMATCH, old="Ann [b]x[/b] 1932", path="$.items[@id].title")
    told = programme.run("parity", "show", SIGNATURE[:6])
    assert told.code == 0
    assert "old: Xxx [x]x[/x] 9999" in told.out
    assert "$.items[@id].title" in told.out
    assert "2 times over 2 inputs" in told.out
    document = programme.run("parity", "show", SIGNATURE[:6], "--json").document
    assert (document["old"], document["signature"], document["is_clear"]) == ("Xxx [x]x[/x] 9999", SIGNATURE, False)


def test_parity_reveal_wants_a_reason_and_is_recorded_without_the_value(programme) -> None:
    programme.compare(1, OutcomeKind.MISMATCH)
    assert programme.run("parity", "show", SIGNATURE, "--reveal").code == 2
    assert programme.run("ledger", "show", "--json").document == []
    told = programme.run("parity", "show", SIGNATURE, "--reveal", "--why", "tell a defect from noise", "--as", "ann")
    assert (told.code, "old: Ann O'Neill 1932" in told.out) == (0, True)
    (entry,) = programme.run("ledger", "show", "--json").document
    assert (entry["kind"], entry["who"], entry["body"]["signature"]) == ("reveal", "ann", SIGNATURE)
    assert "Neill" not in json.dumps(entry)


def test_parity_accept_and_reject(programme) -> None:
    programme.compare(2, OutcomeKind.MISMATCH)
    agreed = ("--owner", "catalogue", "--why", "old is wrong", "--until", "2099-01-31", "--old-is-wrong")
    assert programme.run("parity", "accept", SIGNATURE, *agreed, "--as", "bob").code == 0
    assert programme.run("parity", "report").code == 0
    assert programme.run("parity", "reject", SIGNATURE, "--why", "a defect after all", "--as", "bob").code == 0
    assert programme.run("parity", "report").code == 1
    kinds = [entry["kind"] for entry in programme.run("ledger", "show", "--json").document]
    assert kinds == ["acceptance", "rejection"]


def test_parity_accept_allows_the_present_rate_and_no_more(programme) -> None:
    programme.compare(3, OutcomeKind.MISMATCH)
    programme.compare(300)
    agreed = ("--owner", "catalogue", "--why", "known", "--until", "2099-01-31")
    told = programme.run("parity", "accept", SIGNATURE, *agreed, "--as", "bob")
    assert (told.code, "at most 0.01 of" in " ".join(told.out.split())) == (0, True)
    told = programme.run("parity", "accept", SIGNATURE, *agreed, "--as", "bob", "--max-rate", "0.5")
    rates = [entry["body"]["max_rate"] for entry in programme.run("ledger", "show", "--json").document]
    assert rates == [0.01, 0.5]
    told = programme.run("parity", "accept", SIGNATURE, *agreed, "--as", "mallory")
    assert (told.code, "testers and approvers in the plan are bob" in told.err) == (1, True)


def test_parity_accept_until_no_date_says_what_to_write(programme) -> None:
    programme.compare(1, OutcomeKind.MISMATCH)
    agreed = ("--owner", "x", "--why", "known", "--until", "soon")
    told = programme.run("parity", "accept", SIGNATURE, *agreed, "--as", "bob")
    assert (told.code, "write a date such as" in told.err) == (2, True)


@pytest.mark.parametrize("verb", ["show", "reject"])
def test_unknown_signature_says_where_to_look(programme, verb: str) -> None:
    told = programme.run("parity", verb, "ffff", *(["--why", "x"] if verb == "reject" else []))
    assert (told.code, "see strangler parity report" in told.err) == (2, True)


def test_ledger_exports_and_verifies_without_the_ledger(programme) -> None:
    programme.run("cutover", READ, "--to", "shadow", "--yes", "--as", "ann")
    programme.run("hold", "--why", "a look", "--as", "ann")
    target = programme.folder / "ledger.jsonl"
    told = programme.run("ledger", "export", str(target))
    anchor = told.out.rsplit(" ", 1)[1].strip()
    assert (told.code, len(anchor), len(target.read_text().splitlines())) == (0, 64, 2)
    told = programme.run("ledger", "verify", str(target), "--head", anchor, "--json")
    assert (told.code, told.document) == (0, {"verified": True, "entries": 2, "checkpoints": 0})
    assert "2 entries, every link verified" in programme.run("ledger", "verify").out
    target.write_text(target.read_text().splitlines()[0] + "\n")
    cut = programme.run("ledger", "verify", str(target), "--head", anchor)
    assert (cut.code, "its end was cut off" in cut.err) == (1, True)


def test_ledger_verify_finds_a_manipulated_row(programme) -> None:
    programme.run("cutover", READ, "--to", "shadow", "--yes", "--as", "ann")
    programme.run("hold", "--why", "a look", "--as", "ann")
    connection = sqlite3.connect(programme.session.state.path / "ledger.db")
    connection.execute("UPDATE entries SET who = 'mallory' WHERE seq = 1")
    connection.commit()
    connection.close()
    told = programme.run("ledger", "verify")
    assert (told.code, "ledger entry 1: its content is not what its hash says" in told.err) == (1, True)
    assert programme.run("status").code == 1


def test_ledger_show_since(programme) -> None:
    programme.run("hold", "--why", "one", "--as", "ann")
    programme.run("hold", "--why", "two [b]", "--as", "ann")
    told = programme.run("ledger", "show", "--since", "1")
    assert ("two [b]" in told.out, len(told.out.splitlines())) == (True, 1)


def test_ledger_verify_of_a_file_that_is_not_there_is_wrong_use(programme) -> None:
    told = programme.run("ledger", "verify", str(programme.folder / "none.jsonl"))
    assert (told.code, "none.jsonl" in told.err) == (2, True)


def test_load_report_shows_the_newest_run(programme) -> None:
    programme.load()
    told = programme.run("load", "report", READ, "--json")
    assert (told.code, told.document["operation"]) == (0, READ)
    assert READ in programme.run("load", "report", READ).out


def test_load_report_without_a_run_says_how_to_make_one(programme) -> None:
    told = programme.run("load", "report", READ)
    assert (told.code, f"strangler load run {READ}" in told.err) == (2, True)


def test_load_run_without_a_budget_names_those_there_are(programme) -> None:
    told = programme.run("load", "run", WRITE)
    assert (told.code, "say --budget, one of noon" in told.err) == (2, True)


def test_doctor_looks_at_everything(run) -> None:
    told = run("doctor", "--json", bare=True)
    checks = {check["name"]: check["ok"] for check in told.document}
    assert {"python", "disk", "package strangler", "package proxy"} <= set(checks)
    assert told.code == (0 if all(checks.values()) else 1)
    assert run("doctor", bare=True).code == told.code


def test_store_that_cannot_be_opened_ends_with_4(programme, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = programme.folder / "file"
    blocked.write_text("a file where a folder should be")
    monkeypatch.setenv("STRANGLER_JOURNAL_URL", f"sqlite:///{blocked}/journal.db")
    told = programme.run("status")
    assert (told.code, "Traceback" in told.err, bool(told.err)) == (4, False, True)


def test_environment_that_up_wrote_down_is_read_and_a_damaged_one_refused(programme) -> None:
    programme.change_plan("programme: library", "programme: ${NAME_OF_IT}")
    file = programme.session.state.environment_file
    assert programme.run("plan", "check").code == 2
    file.write_text('{"NAME_OF_IT": "library"}')
    assert programme.run("plan", "check").code == 0
    file.write_text('{"NAME_OF')
    told = programme.run("plan", "check")
    assert (told.code, "is damaged" in told.err) == (2, True)


def test_demo_leaves_a_folder_alone_that_is_not_its_own(run, tmp_path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("ten years of work")
    told = run("demo", "--headless", "--home", str(home), bare=True)
    assert (told.code, "not empty and not a demo's" in told.err) == (2, True)
    assert (home / "thesis.txt").exists()


def test_second_up_is_refused_by_name(programme) -> None:
    with programme.session.state.lock("up"):
        told = programme.run("up")
    assert (told.code, "'strangler up' already runs" in told.err) == (1, True)


def test_plan_check_writes_what_is_wrong_as_sarif(programme) -> None:
    programme.change_plan("effect: read", "effect: reed")
    target = programme.folder / "plan.sarif"
    assert programme.run("plan", "check", "--sarif", str(target)).code == 2
    (result,) = json.loads(target.read_bytes())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    line = programme.plan.read_text("utf-8").splitlines().index("    effect: reed") + 1
    assert (result["level"], place["region"]["startLine"]) == ("error", line)
    assert place["artifactLocation"]["uri"].endswith("migration.yaml")


def test_plan_explain_takes_requests_as_people_have_them_at_hand(programme) -> None:
    programme.compare(1)
    har = programme.folder / "a.har"
    entry = {"request": {"method": "GET", "url": "http://h/books/7", "headers": []}}
    har.write_text(json.dumps({"log": {"entries": [entry]}}))
    for given in (["--curl", "curl http://h/books/7"], ["--har", str(har)], ["--exchange", "match-0"], ["/books/7"]):
        told = programme.run("plan", "explain", *given, "--json")
        assert (told.code, told.document["operation"]) == (0, READ)
    told = programme.run("plan", "explain", "/books/7", "--har", str(har))
    assert (told.code, "one of them" in told.err) == (2, True)
