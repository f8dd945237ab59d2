"""Checks of single entries: addresses, paths, regular expressions, XPaths, JSONPaths, zones, formats."""

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from strangler.plan.comparison import Compare, DatetimeRule, IgnoreRule, OpaqueRule, Place, SetRule
from strangler.plan.complaint import Complaint, refusal, warning
from strangler.plan.form import nearest
from strangler.plan.models import Key, Match, PathMatch, Plan, System, ValueMatch
from strangler.plan.paths import json_path, xpath
from strangler.plan.rule_paths import ANY, BadPath, Language, parse_path
from strangler.plan.source import Path

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_WHOLE_DOCUMENT = re.compile(r"/|//|/{1,2}(?:\*|node\(\)|\.)|\$|\$(?:\.\*|\[\*\]|\.\.\*)|\.")
_MEMBER = re.compile(r"(?![$])[^/\[\].]+")
_NEEDS = {"soap": "wsdl", "odbc": "connection", "http": "url"}


def check_gateway(plan: Plan) -> Iterator[Complaint]:
    """The gateway's address."""
    if plan.gateway is not None:
        yield from _check_url(("gateway",), plan.gateway)


def check_system(path: Path, system: System) -> Iterator[Complaint]:
    """A system's addresses: the one its protocol needs, and the form of all."""
    needed = _NEEDS[system.speaks]
    if getattr(system, needed) is None:
        yield refusal(
            "address-missing", path, f"a system that speaks {system.speaks} needs {needed!r}", f"add '{needed}:'"
        )
    for name in ("wsdl", "url"):
        address = getattr(system, name)
        if address is not None and not (name == "wsdl" and system.url is not None):
            yield from _check_url((*path, name), address)
    if system.connection is not None and not system.connection.strip():
        yield refusal("bad-connection", (*path, "connection"), "the connection string is empty", "set its variable")
    if system.build_header is not None:
        yield from check_header_name((*path, "build_header"), system.build_header)
    if not system.health.startswith("/"):
        yield refusal("bad-path", (*path, "health"), f"{system.health!r} is no path", f"write '/{system.health}'")


def _check_url(path: Path, address: str) -> Iterator[Complaint]:
    try:
        parts = urlsplit(address)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        yield refusal("bad-url", path, "this is no http address", "write one such as http://127.0.0.1:7201")


def check_header_name(path: Path, name: str) -> Iterator[Complaint]:
    """A header field's name (RFC 9110, 5.1), and none of ours."""
    if not _TOKEN.fullmatch(name):
        yield refusal("bad-header", path, f"{name!r} is no header name", "use letters, digits and '-'")
    elif name.lower().startswith("x-strangler-"):
        yield refusal("bad-header", path, f"{name!r} is one of ours, and stripped from callers", "name another header")


def check_plain_path(path: Path, value: str) -> Iterator[Complaint]:
    """A literal path or prefix."""
    if not value.startswith("/"):
        yield refusal("bad-path", path, f"{value!r} is no path", f"write '/{value}'")
    elif "?" in value or "#" in value:
        yield refusal("bad-path", path, f"{value!r} holds more than a path", "put the query under 'query:'")


def check_match(path: Path, match: Match) -> Iterator[Complaint]:
    """A match: its path, its regular expressions, its body conditions."""
    yield from _check_path_match((*path, "path", "value"), match.path)
    for kind, conditions in (("headers", match.headers), ("query", match.query)):
        for index, condition in enumerate(conditions):
            yield from _check_value((*path, kind, index), condition, is_header=kind == "headers")
    if match.xpath is not None:
        yield from check_xpath((*path, "xpath", "path"), match.xpath.path)
    if match.json_ is not None:
        yield from check_json_path((*path, "json", "path"), match.json_.path)
    if match.xpath is not None and match.json_ is not None:
        yield refusal("impossible-match", path, "a body cannot be XML and JSON", "keep one of xpath and json")
    if match.soap_action is not None and match.method not in (None, "POST"):
        yield warning("odd-soap-action", path, f"SOAP is sent by POST, not {match.method}", "say 'method: POST'")


def _check_path_match(path: Path, match: PathMatch) -> Iterator[Complaint]:
    if match.type != "RegularExpression":
        yield from check_plain_path(path, match.value)
        return
    yield from check_regex(path, match.value)
    if match.value.removeprefix("^")[:1].isalnum():
        message = "never matches: every path begins with '/'"
        yield refusal("bad-path", path, message, f"write '/{match.value.removeprefix('^')}'")


def _check_value(path: Path, condition: ValueMatch, *, is_header: bool) -> Iterator[Complaint]:
    if is_header:
        yield from check_header_name((*path, "name"), condition.name)
    if condition.type == "RegularExpression":
        yield from check_regex((*path, "value"), condition.value)


def check_key(path: Path, key: Key | Place) -> Iterator[Complaint]:
    """Where a key or an id is."""
    if key.xpath is not None:
        yield from check_xpath((*path, "xpath"), key.xpath)
    if key.json_ is not None:
        yield from check_json_path((*path, "json"), key.json_)
    if key.header is not None:
        yield from check_header_name((*path, "header"), key.header)
    if key.path is not None:
        wrong = list(check_regex((*path, "path"), key.path))
        yield from wrong
        if not wrong and not re.compile(key.path).groups:
            message = f"{key.path!r} has no group: nothing of it is the key"
            yield refusal("bad-regex", (*path, "path"), message, "write one such as ^/citizens/([^/]+)")


def check_regex(path: Path, pattern: str) -> Iterator[Complaint]:
    """A regular expression, as Python's ``re`` reads it."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        fix = "put a backslash before what is meant literally"
        yield refusal("bad-regex", path, f"{pattern!r} is no regular expression: {error}", fix)


def check_xpath(path: Path, text: str) -> Iterator[Complaint]:
    """An XPath 1.0 expression."""
    try:
        xpath(text)
    except ValueError as error:
        yield refusal("bad-xpath", path, str(error), "write one such as //nino")


def check_json_path(path: Path, text: str) -> Iterator[Complaint]:
    """A JSONPath."""
    try:
        json_path(text)
    except ValueError as error:
        yield refusal("bad-jsonpath", path, str(error), "write one such as $.citizen.nino")


def check_rule_path(path: Path, text: str) -> Iterator[Complaint]:
    """What a comparison rule is about: a JSONPath, a plain XPath of steps, or a part such as ``headers.date``."""
    try:
        parse_path(text)
    except BadPath as error:
        code = {"$": "bad-jsonpath", "/": "bad-xpath"}.get(text[:1], "bad-path")
        yield refusal(code, path, error.message, error.fix)


def check_compare(path: Path, compare: Compare) -> Iterator[Complaint]:
    """The comparison's rules and paths."""
    for index, rule in enumerate(compare.rules):
        here = (*path, "rules", index)
        yield from check_rule_path((*here, "path"), rule.path)
        match rule:
            case IgnoreRule() | OpaqueRule() if is_catch_all(rule.path):
                message = "covers the whole answer: every defect would pass"
                yield refusal("ignores-all", (*here, "path"), message, "name the one field that may differ")
            case IgnoreRule() | OpaqueRule() if rule.path.strip() == "status":
                message = "covers the status: an error would pass for an answer"
                yield refusal("ignores-status", (*here, "path"), message, "remove it, or accept the one finding")
            case OpaqueRule():
                yield from check_regex((*here, "like"), rule.like)
            case DatetimeRule():
                yield from _check_datetime(here, rule)
            case SetRule() if rule.by is not None and not _MEMBER.fullmatch(rule.by):
                message = f"{rule.by!r} is no member's name"
                name = re.split(r"[./\]]", rule.by.rstrip("'\"]"))[-1].lstrip("$@") or "id"
                yield refusal("bad-path", (*here, "by"), message, f"write the name alone, such as {name!r}")
    for index, text in enumerate(compare.minor):
        if is_catch_all(text) or text.strip() == "status":
            message = "would make every difference minor" if is_catch_all(text) else "an error is no minor difference"
            yield refusal("all-minor", (*path, "minor", index), message, "name the one field that matters little")
    for kind in ("show", "same_input_ignoring", "minor"):
        for index, text in enumerate(getattr(compare, kind)):
            yield from check_rule_path((*path, kind, index), text)
    for index, name in enumerate(compare.headers):
        yield from check_header_name((*path, "headers", index), name)


def is_catch_all(text: str) -> bool:
    """Whether a rule's path is about the whole answer, or about whatever is in it: it has no name."""
    if _WHOLE_DOCUMENT.fullmatch(text.strip()):
        return True
    try:
        path = parse_path(text)
    except BadPath:
        return False
    return path.language is not Language.PART and all(
        not str(step.label).removeprefix("@").strip(ANY) for step in path.steps
    )


def _check_datetime(path: Path, rule: DatetimeRule) -> Iterator[Complaint]:
    for name in ("zone", "old_zone", "new_zone"):
        zone = getattr(rule, name)
        try:
            ZoneInfo(zone or "UTC")
        except (ValueError, OSError, KeyError):
            fix = nearest(zone, available_timezones())
            yield refusal("bad-zone", (*path, name), f"there is no time zone {zone!r}", fix)
    for index, text in enumerate(rule.formats):
        try:
            datetime.strptime("", text)  # noqa: DTZ007  only the form of the format is looked at
        except ValueError as error:
            if "bad directive" in str(error) or "stray %" in str(error):
                message = f"{text!r} is no strptime format: {error}"
                yield refusal("bad-format", (*path, "formats", index), message, "write one such as %d/%m/%Y")
        except re.error as error:
            yield refusal("bad-format", (*path, "formats", index), f"{text!r} names a part twice: {error}", "keep one")
