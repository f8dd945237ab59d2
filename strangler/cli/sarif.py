"""What is wrong with a plan as SARIF 2.1.0 (OASIS), which code hosts show beside the lines of a change. Pure."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import PurePath

from strangler.errors import Problem

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(refusals: Sequence[Problem], warnings: Sequence[Problem]) -> dict[str, object]:
    """The document: one run, one result for each problem; refusals are errors."""
    results = [*_results(refusals, "error"), *_results(warnings, "warning")]
    codes = sorted({problem.code for problem in (*refusals, *warnings)})
    driver = {
        "name": "strangler plan check",
        "version": version("strangler"),
        "rules": [{"id": code, "name": _name(code)} for code in codes],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _results(problems: Iterable[Problem], level: str) -> list[dict[str, object]]:
    return [
        {
            "ruleId": problem.code,
            "level": level,
            "message": {"text": f"{problem.key}: {problem.message}" + (f"; {problem.fix}" if problem.fix else "")},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": PurePath(problem.file).as_posix()},
                        "region": {"startLine": max(1, problem.line)},
                    }
                }
            ],
        }
        for problem in problems
    ]


def _name(code: str) -> str:
    """``unknown-field`` as ``UnknownField``, as the standard likes names."""
    return "".join(word.capitalize() for word in code.split("-"))
