"""Checks of ids and effects: what a write makes on both sides, and what it must have changed there. Pure."""

import re
from collections.abc import Iterable, Iterator

from strangler.plan import fields
from strangler.plan.comparison import EffectRequest, IdRule, RowsQuery
from strangler.plan.complaint import Complaint, refusal, warning
from strangler.plan.effect_text import ANSWER, KEY, placeholders
from strangler.plan.form import nearest
from strangler.plan.models import Operation, Plan
from strangler.plan.source import Path
from strangler.stages import Effect

_SELECTS = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
_NAMES_KEY = re.compile(r"(?<![:\w]):key\b")


def check_ids(plan: Plan, path: Path, operation: Operation) -> Iterator[Complaint]:
    """Ids that an operation learns, uses and compares by."""
    here = (*path, "ids")
    names: set[str] = set()
    for index, learn in enumerate(operation.ids.learn):
        at = (*here, "learn", index)
        if operation.effect is Effect.READ:
            message = "a read creates nothing: its answers tell no pair of ids for certain"
            yield refusal("learn-in-read", at, message, "learn it where it is created, and use it here")
        elif operation.writes is not None and operation.writes.policy == "never":
            message = "the other side is never asked, so that no pair is ever learnt"
            yield refusal("learn-never", at, message, "remove it, or say 'policy: dual'")
        if learn.name in names:
            yield refusal("learnt-twice", (*at, "name"), f"{learn.name!r} is learnt here already", "name it otherwise")
        names.add(learn.name)
        for side in ("old", "new"):
            yield from _check_path((*at, side), getattr(learn, side))
    learnt = {learn.name for other in plan.operations.values() for learn in other.ids.learn}
    for index, use in enumerate(operation.ids.use):
        yield from _check_name((*here, "use", index, "name"), use.name, learnt)
        yield from fields.check_key((*here, "use", index, "at"), use.at)
    for index, rule in enumerate(operation.compare.rules):
        if isinstance(rule, IdRule):
            yield from _check_name((*path, "compare", "rules", index, "of"), rule.of, learnt)


def _check_name(path: Path, name: str, learnt: Iterable[str]) -> Iterator[Complaint]:
    known = sorted(learnt)
    if name not in known:
        fix = nearest(name, known) if known else "add 'ids: {learn: [...]}' to the operation that creates it"
        yield refusal("unknown-id", path, f"no operation learns {name!r}", fix)


def _check_path(path: Path, text: str | None) -> Iterator[Complaint]:
    """A JSONPath where it begins with ``$``, else an XPath."""
    if text is not None:
        yield from (fields.check_json_path if text.startswith("$") else fields.check_xpath)(path, text)


def check_effects(plan: Plan, path: Path, operation: Operation) -> Iterator[Complaint]:
    """What an operation's writes must have changed."""
    names: set[str] = set()
    if operation.effects and operation.effect is Effect.READ:
        yield refusal("effects-of-read", (*path, "effects"), "a read has no effects", "remove them")
        return
    if operation.effects and operation.writes is not None and operation.writes.policy == "never":
        message = "the other side never gets the write, so that it cannot show its effects"
        yield refusal("effects-never", (*path, "effects"), message, "remove them, or say 'policy: dual'")
    for index, effect in enumerate(operation.effects):
        here = (*path, "effects", index)
        if effect.name in names:
            message = f"there is an effect {effect.name!r} already"
            yield refusal("effect-twice", (*here, "name"), message, "name it otherwise")
        names.add(effect.name)
        for at, text in enumerate(effect.only):
            yield from fields.check_rule_path((*here, "only", at), text)
        if effect.read is not None and effect.request is not None:
            yield from _check_read(plan, here, operation, effect.read)
            yield from _check_request((*here, "request"), operation, effect.request)
        elif effect.rows is not None:
            yield from _check_rows(plan, (*here, "rows"), operation, effect.rows)


def _check_read(plan: Plan, path: Path, operation: Operation, name: str) -> Iterator[Complaint]:
    read = plan.operations.get(name)
    if read is None:
        fix = nearest(name, plan.operations)
        yield refusal("unknown-operation", (*path, "read"), f"there is no operation {name!r}", fix)
    elif read.effect is not Effect.READ:
        yield refusal("effect-writes", (*path, "read"), f"{name} is a write", "name a read")
    elif _is_sandboxed(operation) and (read.new.facade or read.new.adapter):
        message = "the sandbox is asked in the caller's protocol, without facade or adapter"
        yield refusal("sandbox-needs-gateway", (*path, "read"), message, "compare rows, or say 'policy: dual'")


def _check_request(path: Path, operation: Operation, request: EffectRequest) -> Iterator[Complaint]:
    if not request.target.startswith("/") and not request.target.startswith("{"):
        yield refusal("bad-path", (*path, "target"), f"{request.target!r} is no path", f"write '/{request.target}'")
    for name in request.headers:
        yield from fields.check_header_name((*path, "headers", name), name)
    texts: list[tuple[Path, str]] = [(("target",), request.target), (("body",), request.body)]
    texts += [(("headers", name), value) for name, value in request.headers.items()]
    for where, text in texts:
        for said in placeholders(text):
            if said == KEY and operation.key is None:
                message = "{key}, and the operation has none"
                yield refusal("key-missing", (*path, *where), message, "add 'key:' to it, or write {answer:PATH}")
            elif said.startswith(ANSWER):
                yield from _check_path((*path, *where), said.removeprefix(ANSWER))


def _check_rows(plan: Plan, path: Path, operation: Operation, rows: RowsQuery) -> Iterator[Complaint]:
    for side in ("old", "new"):
        yield from _check_rows_system(plan, (*path, f"{side}_system"), getattr(rows, f"{side}_system"))
        query = getattr(rows, side)
        if not _SELECTS.match(query):
            message = "an effect is read, and this is no query"
            yield refusal("rows-not-read", (*path, side), message, "write one such as SELECT a FROM t WHERE id = :key")
        if not _NAMES_KEY.search(query):
            message = "it does not name :key, so that it is about every write"
            yield refusal("rows-without-key", (*path, side), message, "add a condition such as WHERE nino = :key")
    if operation.key is None:
        yield refusal("key-missing", path, "rows are found by the key, and the operation has none", "add 'key:' to it")
    if operation.writes is not None and _is_sandboxed(operation) and rows.new_system != operation.writes.sandbox:
        message = f"the write goes to {operation.writes.sandbox}, and its rows are looked for in {rows.new_system}"
        yield refusal("rows-elsewhere", (*path, "new_system"), message, f"say 'new_system: {operation.writes.sandbox}'")


def _check_rows_system(plan: Plan, path: Path, name: str) -> Iterator[Complaint]:
    system = plan.systems.get(name)
    if system is None:
        yield refusal("unknown-system", path, f"there is no system {name!r}", nearest(name, plan.systems))
    elif system.rows_connection is None and system.speaks != "odbc":
        message = f"nobody knows the database of {name}"
        yield refusal("no-rows", path, message, f"add 'rows_connection:' to systems.{name}")
    elif system.rows_connection is None and system.dialect is None:
        yield warning("no-dialect", path, f"{name} does not say its dialect", f"add 'dialect:' to systems.{name}")


def _is_sandboxed(operation: Operation) -> bool:
    return operation.writes is not None and operation.writes.policy == "sandbox"
