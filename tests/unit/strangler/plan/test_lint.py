from collections.abc import Callable

import pytest

from strangler.errors import Problem
from strangler.plan import LoadedPlan

Load = Callable[..., LoadedPlan]
Problems = Callable[..., tuple[Problem, ...]]
READ = "operations.pensions.get-entitlement"
WRITE = "operations.health.update-contact"
DUAL = "{policy: dual, idempotency_header: Idempotency-Key}"
ENTITLEMENT = 'facade: "examples.elderly_care.facades:entitlement"'
RULE = "as: datetime, within_s: 5, zone: Europe/London"


@pytest.mark.parametrize(
    ("before", "after", "code", "key", "said"),
    [
        ("old: pensions", "old: pension", "unknown-system", f"{READ}.old.system", "did you mean 'pensions'?"),
        (ENTITLEMENT, f"{ENTITLEMENT}, also: [stand-on]", "unknown-system", f"{READ}.new.also[0]", "'stand-in'?"),
        (ENTITLEMENT, f"{ENTITLEMENT}, also: [citizen-record]", "also-twice", f"{READ}.new.also[0]", "remove it"),
        (ENTITLEMENT, f"{ENTITLEMENT}, also: [pensions, pensions]", "also-twice", f"{READ}.new.also[1]", "remove it"),
        (
            "new: citizen-record",
            "new: {system: citizen-record, also: [stand-in]}",
            "also-without-facade",
            f"{WRITE}.new.also",
            "or add 'adapter:'",
        ),
        ("new: citizen-record", "new: patient-index", "adapter-missing", f"{WRITE}.new", "add 'adapter:"),
        (
            'adapter: "examples.elderly_care.adapters:contact"',
            'adapter: "a:b", facade: "a:c"',
            "adapter-and-facade",
            f"{WRITE}.old",
            "keep one",
        ),
        ("gateway: http://127.0.0.1:7300\n", "", "gateway-missing", f"{READ}.new", "add 'gateway:"),
        ("http://127.0.0.1:7300", "127.0.0.1:7300", "bad-url", "gateway", "http://"),
        ("http://127.0.0.1:7201", "http://127.0.0.1:99999", "bad-url", "systems.citizen-record.url", "http://"),
        (', url: "http://127.0.0.1:7201"', "", "address-missing", "systems.citizen-record", "add 'url:'"),
        (
            "build_header: x-build-id",
            "build_header: x build",
            "bad-header",
            "systems.citizen-record.build_header",
            "letters",
        ),
        ("[/stand-in]", "[stand-in]", "bad-path", "systems.stand-in.serves[0]", "'/stand-in'"),
        ("value: /pensions", "value: pensions", "bad-path", f"{READ}.match.path.value", "write '/pensions'"),
        ("value: /pensions", "value: /pensions?wsdl", "bad-path", f"{READ}.match.path.value", "query:"),
        ('"/patients/[^/]+/contact"', '"/patients/[^/+"', "bad-regex", f"{WRITE}.match.path.value", "backslash"),
        ('"/patients/[^/]+/contact"', '"patients/.*"', "bad-path", f"{WRITE}.match.path.value", "write '/patients/.*'"),
        ('"^/patients/([^/]+)"', '"^/patients/[^/]+"', "bad-regex", f"{WRITE}.key.path", "no group"),
        ('xpath: "//nino"', 'xpath: "//nino["', "bad-xpath", f"{READ}.key.xpath", "//nino"),
        ('xpath: "//nino"', 'xpath: "//p:nino"', "bad-xpath", f"{READ}.key.xpath", "write 'nino'"),
        ('xpath: "//nino"', "json: nino", "bad-jsonpath", f"{READ}.key.json", "begin with $"),
        ('xpath: "//nino"', 'header: "x strangler"', "bad-header", f"{READ}.key.header", "letters"),
        ('xpath: "//nino"', "header: X-Strangler-Key", "bad-header", f"{READ}.key.header", "another header"),
        (f"    writes: {DUAL}\n", "", "writes-missing", WRITE, "policy: dual"),
        (DUAL, "{policy: dual}", "unsafe-write", f"{WRITE}.writes", "policy: sandbox"),
        (DUAL, "{policy: sandbox}", "sandbox-missing", f"{WRITE}.writes", "add 'sandbox:"),
        (DUAL, "{policy: sandbox, sandbox: stand-on}", "unknown-system", f"{WRITE}.writes.sandbox", "'stand-in'"),
        (
            DUAL,
            "{policy: sandbox, sandbox: citizen-record}",
            "sandbox-is-real",
            f"{WRITE}.writes.sandbox",
            "of its own",
        ),
        ("effect: read", f"effect: read\n    writes: {DUAL}", "read-with-writes", f"{READ}.writes", "remove it"),
        (
            "budget: peak-hour",
            "budget: peek-hour",
            "unknown-budget",
            f"{READ}.gates.load.budget",
            "did you mean 'peak-hour'?",
        ),
        ("approvals: 2", "approvals: 3", "too-few-approvers", f"{READ}.gates.approvals", "fewer approvals"),
        ("to: shadow", "to: dualwrite", "bad-rollback", f"{READ}.rollback.to", "choose from off, shadow"),
        ("to: shadow", "to: live", "bad-rollback", f"{READ}.rollback.to", "answered by new"),
        ("Europe/London", "Europe/Londn", "bad-zone", f"{READ}.compare.rules[0].zone", "did you mean 'Europe/London'?"),
        (
            "zone: Europe/London",
            "new_zone: Europe/Londn",
            "bad-zone",
            f"{READ}.compare.rules[0].new_zone",
            "did you mean 'Europe/London'?",
        ),
        ("Europe/London", "../../etc/passwd", "bad-zone", f"{READ}.compare.rules[0].zone", ""),
        (RULE, 'as: datetime, formats: ["%Q"]', "bad-format", f"{READ}.compare.rules[0].formats[0]", "%d/%m/%Y"),
        (RULE, 'as: opaque, like: "("', "bad-regex", f"{READ}.compare.rules[0].like", "backslash"),
        ('"//paidAt", ' + RULE, '"//*", as: ignore', "ignores-all", f"{READ}.compare.rules[0].path", "one field"),
        *(
            (f'"//paidAt", {RULE}', f'"{path}", as: {kind}', code, f"{READ}.compare.rules[0].path", told)
            for kind in ("ignore", 'opaque, like: ".*"', "opaque")
            for path, code, told in (
                *(
                    (path, "ignores-all", "one field")
                    for path in ("$.*", "$.**", "$..*", "$[*]", "$.*.*", "/*", "//*", "//@*")
                ),
                ("status", "ignores-status", "accept the one finding"),
            )
        ),
        ('"//paidAt", ' + RULE, '"$", as: ignore', "ignores-all", f"{READ}.compare.rules[0].path", "one field"),
        ('"//paidAt"', '"//paidAt["', "bad-xpath", f"{READ}.compare.rules[0].path", "write '//paidAt'"),
        ('"//paidAt"', '"//p:item[3]/x"', "bad-xpath", f"{READ}.compare.rules[0].path", "write '//item/x'"),
        ('"//paidAt"', '"//a/@b/c"', "bad-xpath", f"{READ}.compare.rules[0].path", "can only come last"),
        ('"//paidAt"', '"$.a[?(@.x==1)]"', "bad-jsonpath", f"{READ}.compare.rules[0].path", "write '$.a[*]'"),
        ('"//paidAt"', '"$.a[-1]"', "bad-jsonpath", f"{READ}.compare.rules[0].path", "counts from 0"),
        (RULE, 'as: set, by: "$.payment.id"', "bad-path", f"{READ}.compare.rules[0].by", "such as 'id'"),
        ("    compare:", '    compare:\n      minor: ["$..*"]', "all-minor", f"{READ}.compare.minor[0]", "one field"),
        ("    compare:", "    compare:\n      minor: [status]", "all-minor", f"{READ}.compare.minor[0]", "little"),
        ("    compare:", "    compare:\n      minor: [amount]", "bad-path", f"{READ}.compare.minor[0]", "'//amount'"),
        ("    compare:", "    compare:\n      show: [amount]", "bad-path", f"{READ}.compare.show[0]", "'//amount'"),
        (
            "    compare:",
            '    compare:\n      same_input_ignoring: ["//x:requestId"]',
            "bad-xpath",
            f"{READ}.compare.same_input_ignoring[0]",
            "write '//requestId'",
        ),
        ('"//paidAt"', '"paidAt"', "bad-path", f"{READ}.compare.rules[0].path", "write '$..paidAt'"),
        (
            "new: {system: citizen-record, facade",
            "new: {system: citizen, facade",
            "unknown-system",
            f"{READ}.new.system",
            "record",
        ),
    ],
)
def test_lint_refuses_with_key_and_way_out(
    problems: Problems, *, before: str, after: str, code: str, key: str, said: str
) -> None:
    found = [problem for problem in problems(before, after) if problem.code == code and problem.key == key]
    assert len(found) == 1, problems(before, after)
    assert said in str(found[0])
    assert found[0].line > 1


def test_lint_counts_a_system_that_a_facade_asks_besides_as_used(good: str, load: Load) -> None:
    alone = good.replace(", serves: [/stand-in]", "")
    asked = alone.replace(ENTITLEMENT, f"{ENTITLEMENT}, also: [stand-in]")
    assert [[one.key for one in load(text).warnings] for text in (alone, asked)] == [["systems.stand-in"], []]


def test_lint_refuses_the_same_on_both_sides(problems: Problems) -> None:
    found = problems(
        'new: {system: citizen-record, facade: "examples.elderly_care.facades:entitlement"}', "new: pensions"
    )
    assert "same-sides" in {problem.code for problem in found}


def test_lint_refuses_a_path_that_two_systems_serve(problems: Problems) -> None:
    found = problems("build_header: x-build-id", "serves: [/stand-in/]")
    assert [(problem.code, problem.key) for problem in found] == [("served-twice", "systems.stand-in.serves[0]")]


@pytest.mark.parametrize(
    ("before", "after", "code", "key"),
    [
        ('    key: {xpath: "//nino"}\n', "", "no-key", READ),
        (", serves: [/stand-in]", "", "unused-system", "systems.stand-in"),
        ("      load: {budget: peak-hour}\n", "", "unused-budget", "budgets.peak-hour"),
        (DUAL, "{policy: never}", "never-compared", f"{WRITE}.writes"),
        ("{mismatch_over: 0.05, errors_over: 0.02}, to", "{}, to", "no-condition", f"{WRITE}.rollback.when"),
        ("{mismatch_over: 0.05, errors", "{errors", "no-mismatch-over", f"{WRITE}.rollback.when"),
        ('7201", build_header: x-build-id', '7201"', "build-untold", f"{READ}.new"),
        (
            "[operator, approver]}\n  bevan",
            "[approver]}\n  carys: {roles: []}\n  bevan",
            "no-role",
            "people.carys.roles",
        ),
        ("match: {method: PUT", "match: {soap_action: X, method: PUT", "odd-soap-action", f"{WRITE}.match"),
    ],
)
def test_lint_warns_and_loads(load: Load, good: str, *, before: str, after: str, code: str, key: str) -> None:
    assert before in good
    loaded = load(good.replace(before, after, 1))
    assert (code, key) in {(problem.code, problem.key) for problem in loaded.warnings}


def test_lint_warns_once_where_nobody_is_named(load: Load, good: str) -> None:
    loaded = load(good.partition("people:")[0])
    assert [problem.code for problem in loaded.warnings] == ["no-people"]


def test_lint_accepts_parts_of_a_message_in_rules(load: Load, good: str) -> None:
    for path in ("headers.date", "status", "query.requestId", "$..name", "/a/b/@unit", "//*[local-name()='x']"):
        load(good.replace('"//paidAt"', f'"{path}"'))
