"""What ``strangler plan check`` says of custom rules' code: its digest, and where it is missing or another one.

Loading a plan opens no other file, so this is the command's business: an engine needs no custom rule, and a worker
finds out for itself.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from parity_checks.rules.source_code import code_digest, has_function
from strangler.errors import Problem
from strangler.plan import LoadedPlan
from strangler.plan.comparison import CustomRule

_CODE = re.compile(r"operations\.(?P<operation>.+)\.compare\.rules\[(?P<index>\d+)\]\.code")


def check_code(loaded: LoadedPlan) -> Iterator[Problem]:
    """A problem for every custom rule whose code cannot be found, or is not what the plan says."""
    for name, operation in loaded.plan.operations.items():
        for index, rule in enumerate(operation.compare.rules):
            if not isinstance(rule, CustomRule):
                continue
            key = f"operations.{name}.compare.rules[{index}]"
            found = code_digest(rule.function)
            if found is None:
                line = loaded.lines.get(f"{key}.function", loaded.lines.get(key, 0))
                yield Problem("no-code", str(loaded.path), line, f"{key}.function", *_not_found(rule.function))
            elif found != rule.code:
                line = loaded.lines.get(f"{key}.code", loaded.lines.get(key, 0))
                message = f"the code of {rule.function} is another one: the rule would not apply"
                yield Problem("other-code", str(loaded.path), line, f"{key}.code", message, f'write code: "{found}"')
            elif not has_function(rule.function):
                line = loaded.lines.get(f"{key}.function", loaded.lines.get(key, 0))
                module, _, attribute = rule.function.partition(":")
                message, fix = (
                    f"the module {module!r} has no {attribute!r}",
                    "write module:function, as it is called there",
                )
                yield Problem("no-function", str(loaded.path), line, f"{key}.function", message, fix)


def with_digest(problem: Problem, plan: Path) -> Problem:
    """The same problem; where it is about a custom rule's ``code``, with the digest to write."""
    at = _CODE.fullmatch(problem.key)
    function = _function(plan, at["operation"], int(at["index"])) if at else None
    if function is None:
        return problem
    found = code_digest(function)
    return replace(problem, fix=f'write code: "{found}"' if found else "; ".join(_not_found(function)))


def _not_found(function: str) -> tuple[str, str]:
    module = function.partition(":")[0]
    return f"there is no module {module!r} on the Python path", "add its folder to PYTHONPATH, here and for the worker"


def _function(plan: Path, operation: str, index: int) -> str | None:
    """The function that a plan which does not load names there."""
    try:
        said = yaml.safe_load(plan.read_text("utf-8-sig"))["operations"][operation]["compare"]["rules"][index]
        return str(said["function"])
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError):
        return None
