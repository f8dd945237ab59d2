"""Drafts for systems that say little about themselves: an address, or the names of tables. Pure."""

import re
from collections.abc import Sequence

from strangler.errors import UsageError
from strangler.plan.init.draft import RAW, Draft, DraftOperation, DraftSystem, named, new_system
from strangler.plan.init.guess import kebab
from strangler.stages import Effect


def draft_from_http(name: str, url: str, path: str = "/", new_url: str | None = None) -> Draft:
    """One read of everything under a path of an HTTP system.

    Raises:
        UsageError: the name or the path is not of its form.
    """
    name = named(name)
    if not path.startswith("/") or "?" in path or "#" in path:
        raise UsageError(f"--path {path!r}: write a path such as /books")
    old = DraftSystem(
        name,
        {"department": name, "speaks": "http", "url": url, "serves": ["/"]},
        ("build: name the old system's build, by 'build:' or 'build_header:'.",),
    )
    last = path.rstrip("/").rpartition("/")[2]
    operation = DraftOperation(
        f"{name}.get-{kebab(last, 'path')}" if last else f"{name}.get-all",
        Effect.READ,
        {"method": "GET", "path": {"type": "PathPrefix", "value": path}},
        {"path": f"^{re.escape(path.rstrip('/'))}/([^/]+)"} if last else None,
        decide=(f"one operation for every GET under {path}: part it where answers differ in kind.",),
    )
    return Draft(name, url, old, new_system(name, new_url), (operation,))


def draft_from_tables(name: str, connection: str, dialect: str, tables: Sequence[str]) -> Draft:
    """A database as a system, its tables as remarks: operations need an adapter, which nobody can guess.

    The connection string itself goes into the plan only where it holds no secret; else its variable does.

    Raises:
        UsageError: the name is not of its form.
    """
    name = named(name)
    variable = kebab(name).upper().replace("-", "_") + "_ODBC"
    is_plain = "}" not in connection and not any(word in connection.lower() for word in ("pwd", "password", "secret"))
    value = f"{RAW}${{{variable}:-{connection}}}" if is_plain else f"{RAW}${{{variable}}}"
    decide = ["build: name the schema's version, so that evidence of another is stale."]
    if not is_plain:
        decide.append(f"connection: set {variable} in the environment; the string itself does not belong into Git.")
    fields = {"department": name, "speaks": "odbc", "connection": value, "dialect": dialect, "build": "unknown"}
    remarks = ["", f"The tables of {name}; an operation for each thing that callers ask of them, such as:"]
    for table in tables:
        thing = kebab(table, "table")
        remarks += [
            f"{name}.get-{thing}:  reads {table}",
            f"effect: read, match: GET /{name}/{thing}, key: the column that says whose row it is,",
            f"old: {name} with an adapter of yours that reads {table}, new: the service that replaces it.",
        ]
    if not tables:
        remarks.append("(none found)")
    return Draft(name, f"the tables of {name}", DraftSystem(name, fields, tuple(decide)), remarks=tuple(remarks))
