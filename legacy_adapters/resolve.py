"""Makes handlers of a plan's ``adapter:`` and ``facade:`` references, with errors that say what to write instead."""

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any, cast

from legacy_adapters.contract import Context, Factory, Handler, Link
from legacy_adapters.source_code import code_digest
from strangler.errors import PlanError, Problem
from strangler.plan.addresses import needs_gateway, target_of
from strangler.plan.models import Plan
from strangler.stages import Side


@dataclass(frozen=True, slots=True)
class Declared:
    """One side of an operation that the gateway serves: its factory, and the code it comes from.

    ``digest`` is such as ``facade.1a2b3c4d``: eight hexadecimal digits of the source of its module and of those of the
    same package that it imports, so that evidence gathered through other code is told apart.
    """

    operation: str
    side: Side
    reference: str
    factory: Factory
    digest: str


def declared_in(plan: Plan) -> tuple[Declared, ...]:
    """Every adapter and facade of the plan, imported.

    Raises:
        PlanError: with every reference that cannot be used.
    """
    found: list[Declared] = []
    problems: list[Problem] = []
    for operation, entry in plan.operations.items():
        for side in Side:
            target = target_of(entry, side)
            if not needs_gateway(plan, target):
                continue
            field = "adapter" if target.adapter else "facade"
            reference = target.adapter or target.facade
            key = f"operations.{operation}.{side}.{field}"
            if reference is None:
                system = f"{target.system} speaks odbc, which no caller does"
                problems.append(_problem(key, system, "say 'adapter: package.module:attribute'"))
                continue
            try:
                module, attribute = _import(reference)
                digest = f"{field}.{code_digest(module)[:8]}"
                found.append(Declared(operation, side, reference, _factory(attribute, reference), digest))
            except _Unusable as error:
                problems.append(_problem(key, str(error), error.fix))
    if problems:
        raise PlanError(problems)
    return tuple(found)


def context_for(plan: Plan, declared: Declared, links: Mapping[str, Link], environ: Mapping[str, str]) -> Context:
    """What the declared factory is given."""
    entry = plan.operations[declared.operation]
    target = target_of(entry, declared.side)
    return Context(
        operation=declared.operation,
        side=declared.side,
        effect=entry.effect,
        system=links[target.system],
        old=links[entry.old.system],
        links={name: links[name] for name in (target.system, *target.also)},
        plan=plan,
        environ=environ,
    )


class _Unusable(Exception):
    def __init__(self, message: str, fix: str = "") -> None:
        self.fix = fix
        super().__init__(message)


def _import(reference: str) -> tuple[ModuleType, Any]:
    module_name, _, attribute = reference.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise _Unusable(f"there is no module {error.name}", "is its folder on the Python path?") from error
        raise _Unusable(f"{module_name} cannot be imported: {error}") from error
    except Exception as error:
        raise _Unusable(f"{module_name} cannot be imported: {type(error).__name__}: {error}") from error
    if not hasattr(module, attribute):
        near = get_close_matches(attribute, [name for name in vars(module) if not name.startswith("_")], n=1)
        raise _Unusable(f"{module_name} has no {attribute}", f"did you mean {module_name}:{near[0]}?" if near else "")
    return module, getattr(module, attribute)


def _factory(attribute: Any, reference: str) -> Factory:
    if isinstance(attribute, Handler) and not inspect.isclass(attribute):
        return lambda _context: attribute
    if not callable(attribute):
        raise _Unusable(f"{reference} is a {type(attribute).__name__}", "it must be a handler or a factory of one")
    takes = [
        parameter
        for parameter in inspect.signature(attribute).parameters.values()
        if parameter.default is parameter.empty and parameter.kind in (0, 1)
    ]
    if not takes:
        return lambda _context: cast("Handler", attribute())
    if len(takes) > 1:
        raise _Unusable(f"{reference} takes {len(takes)} arguments", "a factory takes one Context, or nothing")
    return cast("Factory", attribute)


def _problem(key: str, message: str, fix: str) -> Problem:
    return Problem("unusable-reference", "plan", 0, key, message, fix)
