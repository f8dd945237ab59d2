"""Makes the reference pages from the code: ``python -m docs.generate``; ``--check`` only says whether they are true.

``docs/reference/plan.md`` and ``plan.schema.json`` come from the plan's models (their defaults and descriptions live
nowhere else), ``docs/reference/cli.md`` from the command line's own help.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from strangler.cli import app
from strangler.plan import schema

REFERENCE = Path(__file__).with_name("reference")
_NOTE = "<!-- Made by `make docs`. Change the code, not this page. -->\n"
_PLAN_INTRODUCTION = (
    "`migration.yaml`, field by field. Unknown fields refuse to load. Any value may hold `${NAME}` or "
    "`${NAME:-default}`, filled in from the environment. Editors complete and check by "
    "[plan.schema.json](plan.schema.json)."
)


def pages() -> dict[Path, str]:
    """Every generated page with its content."""
    return {
        REFERENCE / "plan.md": plan_page(),
        REFERENCE / "plan.schema.json": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
        REFERENCE / "cli.md": cli_page(),
    }


def plan_page() -> str:
    """The plan's form: one table for each model."""
    document = schema()
    lines = ["# The plan", "", _NOTE, _PLAN_INTRODUCTION, ""]
    lines += _model("Plan", document)
    for name, model in sorted(document["$defs"].items()):
        if "properties" in model:
            lines += _model(name, model)
        else:
            lines += [f"## {name}", "", _clean(model.get("description", "")), "", f"One of {_form(model)}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def cli_page() -> str:
    """Every verb with its help, arguments and options."""
    lines = ["# The command line", "", _NOTE]
    exits = "Exit codes: 0 done or PASS, 1 HOLD or a difference found, 2 wrong use or a bad plan, 3 NO DATA or STALE, "
    lines += [exits + "4 a system could not be reached.", ""]
    for path, command in _commands(typer.main.get_command(app), "strangler"):
        lines += [f"## `{path}`", "", _clean(command.help), ""]
        rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            lines += ["| argument, option | meaning | default |", "|---|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Write the pages, or with ``--check`` say which are out of date. Returns the exit code."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            sys.stdout.write(f"{path.name} is out of date: make docs\n")
        return 1 if stale else 0
    REFERENCE.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


def _model(name: str, model: dict[str, Any]) -> list[str]:
    lines = [f"## {name}", "", _clean(model.get("description", "")), "", "| field | form | default | meaning |"]
    lines.append("|---|---|---|---|")
    required = set(model.get("required", ()))
    for field, form in model["properties"].items():
        default = "required" if field in required else _default(form)
        lines.append(f"| `{field}` | {_form(form)} | {default} | {_clean(form.get('description', ''))} |")
    return [*lines, ""]


def _default(form: dict[str, Any]) -> str:
    """The default as the plan would write it; empty for none, and for a part whose own table tells its defaults."""
    value = form.get("default")
    if value is None or isinstance(value, dict) or value == []:
        return ""
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _form(form: dict[str, Any]) -> str:
    if "$ref" in form:
        name = form["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "const" in form or "enum" in form:
        return " \\| ".join(f"`{value}`" for value in form.get("enum", [form.get("const")]))
    for union in ("anyOf", "oneOf"):
        if union in form:
            parts = [_form(part) for part in form[union] if part.get("type") != "null" and not _is_variable(part)]
            return " or ".join(dict.fromkeys(parts))
    return _container(form)


def _container(form: dict[str, Any]) -> str:
    if form.get("type") == "array":
        return "list of " + _form(form.get("items", form.get("prefixItems", [{}])[0] if "prefixItems" in form else {}))
    named = next(iter(form.get("patternProperties", {}).values()), form.get("additionalProperties"))
    if form.get("type") == "object" and isinstance(named, dict):
        return "mapping of names to " + _form(named)
    return str(form.get("type", "any"))


def _is_variable(form: dict[str, Any]) -> bool:
    """Whether this choice only says that ``${NAME}`` may stand here: the page says so once, for all of them."""
    return str(form.get("pattern", "")).startswith(r"\$\{")


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, inner in command.commands.items():
        inner_path = f"{path} {name}"
        if hasattr(inner, "commands"):
            yield from _commands(inner, inner_path)
        else:
            yield inner_path, inner


def _parameter(parameter: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    names = f"`{parameter.name.upper()}`" if is_argument else ", ".join(f"`{name}`" for name in parameter.opts)
    default = parameter.default
    if parameter.required:
        shown = "required"
    elif parameter.name == "who":
        shown = "whoever is logged in"  # a page holds nobody's name
    else:
        shown = "" if default in (None, False, "", ()) else f"`{default}`"
    return f"| {names} | {_clean(getattr(parameter, 'help', '') or '')} | {shown} |"


def _clean(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
