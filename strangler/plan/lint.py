"""What is wrong with a plan's meaning: the checks that one model alone cannot make.

Each check yields ``Complaint``: the code, where, what is wrong, what to write instead, and whether it refuses the plan
or only warns. Pure: no file is opened, no system asked, no adapter imported (the gateway does that at its start).
"""

from collections.abc import Callable, Iterable, Iterator

from strangler.errors import Problem
from strangler.plan import consequences, fields
from strangler.plan.breadth import check_breadth
from strangler.plan.complaint import Complaint, refusal, warning
from strangler.plan.coverage import check_coverage
from strangler.plan.form import nearest
from strangler.plan.gate_checks import check_gates
from strangler.plan.hiding import hidden_matches
from strangler.plan.models import Operation, Plan, Target
from strangler.plan.precedence import prefix_segments
from strangler.plan.row_checks import check_rows
from strangler.plan.shape_rules import check_shape_rules
from strangler.plan.source import Path, dotted
from strangler.stages import Effect, Stage, is_answered_by_new, path_of


def lint(plan: Plan, file: str, line_of: Callable[[Path], int]) -> Iterator[tuple[Problem, bool]]:
    """Check a plan whose form is right.

    Args:
        plan: the plan.
        file: what problems name as their file.
        line_of: the line of an entry.

    Yields:
        Each problem, and whether it refuses to load (else it is a warning).
    """
    for found in complaints(plan):
        problem = Problem(found.code, file, line_of(found.path), dotted(found.path), found.message, found.fix)
        yield problem, found.is_refusal


def complaints(plan: Plan) -> Iterator[Complaint]:
    """Every complaint about the plan, in no particular order."""
    yield from fields.check_gateway(plan)
    for name, system in plan.systems.items():
        yield from fields.check_system(("systems", name), system)
    yield from _check_serves(plan)
    for name, operation in plan.operations.items():
        yield from check_operation(plan, name, operation)
    yield from hidden_matches(plan)
    for name, rows in plan.rows.items():
        yield from check_rows(plan, ("rows", name), rows)
    yield from _check_people(plan)
    yield from _check_unused(plan)


def check_operation(plan: Plan, name: str, operation: Operation) -> Iterator[Complaint]:
    """Everything about one operation but whether another one hides it."""
    path: Path = ("operations", name)
    yield from _check_target(plan, (*path, "old"), operation.old)
    yield from _check_target(plan, (*path, "new"), operation.new)
    yield from _check_builds(plan, (*path, "new"), operation.new)
    if operation.old == operation.new:
        yield refusal("same-sides", (*path, "new"), "old and new are the same", "name the system that replaces old")
    yield from fields.check_match((*path, "match"), operation.match)
    if operation.key is None:
        message = "no key: this operation can only move all at once, and its writes have no order"
        yield warning("no-key", path, message, "add 'key:' with xpath, json, form, header, query or path")
    else:
        yield from fields.check_key((*path, "key"), operation.key)
    yield from _check_writes(plan, path, operation)
    yield from fields.check_compare((*path, "compare"), operation.compare)
    yield from check_breadth((*path, "compare"), operation.compare)
    yield from consequences.check_ids(plan, path, operation)
    yield from consequences.check_effects(plan, path, operation)
    yield from check_shape_rules((*path, "compare"), operation.compare)
    yield from _check_gates(plan, path, operation)
    yield from check_coverage(plan, path, operation)
    yield from check_gates(plan, path, operation)
    yield from _check_rollback(path, operation)
    old = plan.systems.get(operation.old.system)
    if operation.match.soap_action is not None and old is not None and old.speaks != "soap":
        message = f"a SOAP action, but {operation.old.system} speaks {old.speaks}"
        yield warning("odd-soap-action", (*path, "match", "soap_action"), message, "remove it, or name a SOAP system")


def _check_target(plan: Plan, path: Path, target: Target) -> Iterator[Complaint]:
    system = plan.systems.get(target.system)
    if system is None:
        fix = nearest(target.system, plan.systems)
        yield refusal("unknown-system", (*path, "system"), f"there is no system {target.system!r}", fix)
        return
    if target.adapter and target.facade:
        yield refusal("adapter-and-facade", path, "both an adapter and a facade", "keep one: a facade may do both")
    needs = "an adapter" if target.adapter else "a facade" if target.facade else ""
    if system.speaks == "odbc" and not needs:
        message = f"{target.system} is a database: callers cannot speak to it"
        yield refusal("adapter-missing", path, message, "add 'adapter: module:attribute'")
    if plan.gateway is None and (needs or system.speaks == "odbc"):
        message = f"{needs or 'a database'} needs the gateway, and the plan names none"
        yield refusal("gateway-missing", path, message, "add 'gateway: http://host:port' at the top")
    yield from _check_also(plan, path, target)


def _check_builds(plan: Plan, path: Path, target: Target) -> Iterator[Complaint]:
    """The new side's builds: what nobody tells, no gate can find changed."""
    for name in (target.system, *target.also):
        system = plan.systems.get(name)
        if system is not None and system.build is None and system.build_header is None:
            message = f"nobody tells the build of {name}: a new one would stand on the evidence of the one before"
            fix = f"add 'build_header:' (or 'build:', changed with every release) to systems.{name}"
            yield warning("build-untold", path, message, fix)


def _check_also(plan: Plan, path: Path, target: Target) -> Iterator[Complaint]:
    if target.also and not (target.adapter or target.facade):
        message = f"nothing stands before {target.system} that could ask a further system"
        yield refusal("also-without-facade", (*path, "also"), message, "remove it, or add 'adapter:' or 'facade:'")
    for index, name in enumerate(target.also):
        here = (*path, "also", index)
        if name not in plan.systems:
            yield refusal("unknown-system", here, f"there is no system {name!r}", nearest(name, plan.systems))
        elif name == target.system or name in target.also[:index]:
            yield refusal("also-twice", here, f"{name} is named already", "remove it")


def _check_writes(plan: Plan, path: Path, operation: Operation) -> Iterator[Complaint]:
    writes = operation.writes
    here = (*path, "writes")
    if operation.effect is Effect.READ:
        if writes is not None:
            yield refusal("read-with-writes", here, "a read has no writes", "remove it, or say 'effect: write'")
        return
    if writes is None:
        fix = "add 'writes: {policy: dual, idempotency_header: Idempotency-Key}', or policy sandbox or never"
        yield refusal("writes-missing", path, "a write that does not say how it may reach the other side", fix)
        return
    if writes.idempotency_header is not None:
        yield from fields.check_header_name((*here, "idempotency_header"), writes.idempotency_header)
    if writes.policy == "dual" and writes.idempotency_header is None:
        message = "a write to both sides without an idempotency key could be done twice"
        fix = "add 'idempotency_header:', or say 'policy: sandbox' with 'sandbox: <system>'"
        yield refusal("unsafe-write", here, message, fix)
    if writes.policy == "sandbox" and writes.sandbox is None:
        yield refusal("sandbox-missing", here, "no system stands in", "add 'sandbox: <system>'")
    if writes.policy == "never":
        message = "never asked of the other side: parity stays NO DATA, and no gate lets it move"
        yield warning("never-compared", here, message, "say 'policy: dual' or 'policy: sandbox'")
    if writes.sandbox is not None:
        yield from _check_sandbox(plan, (*here, "sandbox"), operation, writes.sandbox)


def _check_sandbox(plan: Plan, path: Path, operation: Operation, sandbox: str) -> Iterator[Complaint]:
    system = plan.systems.get(sandbox)
    if system is None:
        yield refusal("unknown-system", path, f"there is no system {sandbox!r}", nearest(sandbox, plan.systems))
    elif sandbox in (operation.old.system, operation.new.system):
        message = f"{sandbox} is one of the two sides: a sandbox must be a copy"
        yield refusal("sandbox-is-real", path, message, "name a system of its own")
    elif operation.new.facade or operation.new.adapter or system.speaks == "odbc":
        message = "a sandbox is asked in the caller's protocol, without facade or adapter"
        yield refusal("sandbox-needs-gateway", path, message, "say 'policy: dual' with 'idempotency_header:'")


def _check_gates(plan: Plan, path: Path, operation: Operation) -> Iterator[Complaint]:
    gates = operation.gates
    if gates.load is not None and gates.load.budget not in plan.budgets:
        here = (*path, "gates", "load", "budget")
        fix = nearest(gates.load.budget, plan.budgets) if plan.budgets else "add it under 'budgets:'"
        yield refusal("unknown-budget", here, f"there is no budget {gates.load.budget!r}", fix)
    approvers = sum("approver" in person.roles for person in plan.people.values())
    if plan.people and gates.approvals > approvers:
        message = f"{gates.approvals} approvals are asked for, and the plan names {approvers} with the role approver"
        fix = "add approvers under 'people:', or ask for fewer approvals"
        yield refusal("too-few-approvers", (*path, "gates", "approvals"), message, fix)


def _check_rollback(path: Path, operation: Operation) -> Iterator[Complaint]:
    rollback = operation.rollback
    if rollback is None:
        return
    here = (*path, "rollback")
    allowed = [stage for stage in path_of(operation.effect) if not is_answered_by_new(stage)]
    if rollback.to not in allowed:
        is_stage = rollback.to in path_of(operation.effect)
        why = "is still answered by new" if is_stage else f"is no stage of a {operation.effect}"
        fix = f"choose from {', '.join(allowed)}"
        yield refusal("bad-rollback", (*here, "to"), f"{Stage(rollback.to).value} {why}", fix)
    when = rollback.when
    if when.mismatch_over is None and when.errors_over is None and when.p99_ratio_over is None:
        message = "no condition: only failed_at_most takes it back"
        yield warning("no-condition", (*here, "when"), message, "add mismatch_over, errors_over or p99_ratio_over")
    elif when.mismatch_over is None:
        message = "no mismatch_over: wrong answers do not take it back, such as 404 to everything"
        yield warning("no-mismatch-over", (*here, "when"), message, "add mismatch_over, such as 0.05")


def _check_serves(plan: Plan) -> Iterator[Complaint]:
    first: dict[tuple[str, ...], str] = {}
    for name, system in plan.systems.items():
        for index, prefix in enumerate(system.serves):
            path = ("systems", name, "serves", index)
            yield from fields.check_plain_path(path, prefix)
            owner = first.setdefault(prefix_segments(prefix), name)
            if owner != name:
                message = f"{owner} serves {prefix} too"
                yield refusal("served-twice", path, message, "keep it at one system")
            if system.speaks == "odbc":
                yield refusal("bad-serves", path, "callers cannot speak to a database", "remove 'serves:'")


def _check_people(plan: Plan) -> Iterator[Complaint]:
    if not plan.people and any(operation.gates.approvals for operation in plan.operations.values()):
        message = "approvals are asked for, and nobody is named who may give them"
        yield warning("no-people", (), message, "add 'people:' with their roles")
    for name, person in plan.people.items():
        if not person.roles:
            fix = "choose from viewer, tester, operator, approver"
            yield warning("no-role", ("people", name, "roles"), f"{name} has no role", fix)


def _check_unused(plan: Plan) -> Iterator[Complaint]:
    targets = [target for entry in plan.operations.values() for target in (entry.old, entry.new)]
    used = {name for target in targets for name in (target.system, *target.also)}
    used |= {entry.writes.sandbox for entry in plan.operations.values() if entry.writes and entry.writes.sandbox}
    used |= {side.system for rows in plan.rows.values() for side in (rows.old, rows.new) if side.system}
    for name, system in plan.systems.items():
        if name not in used and not system.serves:
            yield warning("unused-system", ("systems", name), "no operation uses this system", "remove it, or use it")
    budgets = {entry.gates.load.budget for entry in plan.operations.values() if entry.gates.load}
    yield from _unused_budgets(plan.budgets, budgets)


def _unused_budgets(named: Iterable[str], used: set[str]) -> Iterator[Complaint]:
    for name in named:
        if name not in used:
            yield warning("unused-budget", ("budgets", name), "no gate uses this budget", "remove it, or use it")
