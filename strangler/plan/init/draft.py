"""A drafted plan, and how it is written: every guess with a ``# decide:`` beside it. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from strangler.errors import UsageError
from strangler.plan.init.guess import kebab
from strangler.stages import Effect

NEW_URL = "http://127.0.0.1:8090"
"""Where the new service is supposed to be until somebody says."""


@dataclass(frozen=True, slots=True)
class DraftSystem:
    """A system's entry: fields in the order in which they are written. ``decide`` is what a person must look at."""

    name: str
    fields: Mapping[str, object]
    decide: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftOperation:
    """An operation's entry. ``match`` and ``key`` are as in the plan; ``key`` is ``None`` where none was guessed."""

    name: str
    effect: Effect
    match: Mapping[str, object]
    key: Mapping[str, object] | None = None
    description: str = ""
    decide: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A whole plan in the making. ``remarks`` stand at its end as comments."""

    programme: str
    source: str
    old: DraftSystem
    new: DraftSystem | None = None
    operations: tuple[DraftOperation, ...] = ()
    remarks: tuple[str, ...] = ()


def named(name: str) -> str:
    """The name that somebody gave, checked.

    Raises:
        UsageError: the plan does not take it; the message says what it would take.
    """
    if kebab(name) != name:
        raise UsageError(f"--name {name!r}: write small letters, digits and '-', such as {kebab(name)!r}")
    return name


def new_system(name: str, url: str | None, *decide: str) -> DraftSystem:
    """The service that will answer instead."""
    where = () if url else ("url: where the new service is.",)
    build = "build_header: the header by which it names its build; without it, evidence cannot tell releases apart."
    fields = {"department": "shared", "speaks": "http", "url": url or NEW_URL, "build_header": "x-build-id"}
    return DraftSystem(f"new-{name}", fields, (*where, build, *decide))


def written(draft: Draft) -> str:
    """The draft as the text of ``migration.yaml``."""
    lines = [
        "# yaml-language-server: $schema=./plan.schema.json",
        f"# Drafted from {_comment(draft.source)}. Look at every '# decide:', then: strangler plan check",
        "version: 1",
        f"programme: {draft.programme}",
        "",
        "systems:",
        *_system(draft.old),
        *(_system(draft.new) if draft.new else ()),
        "",
    ]
    lines += ["operations:"] if draft.operations else ["operations: {}"]
    for operation in draft.operations:
        lines += [*_operation(operation, draft.old.name, draft.new.name if draft.new else ""), ""]
    lines += [
        "# decide: who moves rollouts (operator), who approves (approver); nobody may approve before you name them.",
        "# people:",
        "#   ann: {roles: [operator]}",
        "#   bob: {roles: [approver]}",
        *(f"# {_comment(remark)}".rstrip() for remark in draft.remarks),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _system(system: DraftSystem) -> Iterator[str]:
    for point in system.decide:
        yield f"  # decide: {_comment(point)}"
    yield f"  {system.name}:"
    yield f"    {_flow(system.fields)}"


def _operation(operation: DraftOperation, old: str, new: str) -> Iterator[str]:
    yield f"  {operation.name}:"
    if operation.description:
        yield f"    description: {_flow(operation.description)}"
    for point in operation.decide:
        yield f"    # decide: {_comment(point)}"
    yield f"    effect: {operation.effect}"
    yield f"    match: {_flow(operation.match)}"
    yield f"    old: {old}"
    yield f"    new: {new}"
    if operation.key is None:
        yield "    # decide: key: what one caller's requests have in common; without it everybody moves at once."
    else:
        yield f"    key: {_flow(operation.key)}"
    if operation.effect is Effect.WRITE:
        yield "    # decide: never means that it cannot be compared, and so cannot move: dual, with the header of an"
        yield "    # idempotency key, or sandbox."
        yield "    writes: {policy: never}"
    else:
        yield "    rollback: {when: {mismatch_over: 0.05, errors_over: 0.02}}"


def _flow(value: object) -> str:
    """The value in YAML's flow style; text in double quotes, which JSON and YAML share."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, str):
        text = value.removeprefix(RAW) if value.startswith(RAW) else value.replace("${", "$${")
        return json.dumps(text, ensure_ascii=True)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    return str(value)


RAW = "\0raw "
"""Before a text whose ``${NAME}`` is meant: everything else that a document says is taken literally."""


def _comment(text: str) -> str:
    """Text on one line, whatever a document put into it."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:300]


def told_apart(operations: Sequence[DraftOperation]) -> tuple[DraftOperation, ...]:
    """Without a second operation for the same requests, and with a number where a name is there already."""
    matches: list[Mapping[str, object]] = []
    names: set[str] = set()
    kept: list[DraftOperation] = []
    for operation in operations:
        if operation.match in matches:
            continue
        name, number = operation.name, 2
        while name in names:
            name, number = f"{operation.name}-{number}", number + 1
        names.add(name)
        matches.append(operation.match)
        one = DraftOperation(
            name, operation.effect, operation.match, operation.key, operation.description, operation.decide
        )
        kept.append(one)
    return tuple(kept)
