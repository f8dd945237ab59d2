"""Where something is in an answer: the small subset of JSONPath and XPath that comparison rules speak. Pure.

====================  =================================================================
``$.a.b``             member of member
``$.list[*].x``       ``x`` of every element; ``[3]`` is one element
``$..name``           every ``name``, however deep
``$['odd name']``     a member whose name is not a plain word
``/a/b/c``            element of element, from the root
``//item/x``          every ``x`` inside an ``item``
``//price/@unit``     an attribute
``//p/text()``        text that stands beside elements
``headers.date``      a response header (differences there are named so)
``query.requestId``   a query parameter, where the path is about a request
``status``            the status code
====================  =================================================================

Names in XPath are written without prefix and match by local name. ``*`` matches any one name.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Language(StrEnum):
    """What a path is about: a JSON-like body, an XML body, or another part of the message."""

    JSON = "jsonpath"
    XML = "xpath"
    PART = "part"


Label = str | int
"""One step down: a member's or element's name (``@`` before an attribute's), or a list index."""

ANY: Final = "*"
TEXT: Final = "#text"
"""The label of text that stands beside elements (mixed content)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path; ``deep`` steps over any number of levels first."""

    label: Label
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path."""

    text: str
    language: Language
    steps: tuple[Step, ...]


class BadPath(ValueError):
    """A path outside of the subset. ``fix`` says what to write instead."""

    def __init__(self, message: str, fix: str) -> None:
        self.message = message
        self.fix = fix
        super().__init__(f"{message}; {fix}")


_JSON_STEP = re.compile(
    r"""(?P<deep>\.\.)?(?:
        \.?(?P<name>[^.\[\]'"$\s@?()]+)
      | \[(?P<index>\d+)\]
      | \[(?P<any>\*)\]
      | \['(?P<single>(?:[^'\\]|\\.)*)'\]
      | \["(?P<double>(?:[^"\\]|\\.)*)"\]
    )""",
    re.VERBOSE,
)
_XML_STEP = re.compile(
    r"""(?P<axis>//|/)(?:
        \*\[local-name\(\)\s*=\s*(?P<quote>['"])(?P<local>[\w.-]+)(?P=quote)\]
      | (?P<text>text\(\))
      | (?P<name>@?(?:[\w.-]+|\*))
    )""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_PART = re.compile(r"(?:headers|query)\.[\w-]+|status")


def parse_path(text: str) -> Path:
    """Read a path.

    Raises:
        BadPath: it is outside of the subset, with what to write instead.
    """
    if text.startswith("$"):
        return Path(text, Language.JSON, _json_steps(text))
    if text.startswith("/"):
        return Path(text, Language.XML, _xml_steps(text))
    if _PART.fullmatch(text):
        return Path(text, Language.PART, ())
    word = re.sub(r"[^\w.-]", "", text) or "name"
    raise BadPath(
        f"{text!r} is not a path: a JSONPath begins with '$', an XPath with '/'",
        f"write '$..{word}' for JSON, '//{word}' for XML, or headers.<name>, query.<name>, status",
    )


def _json_steps(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 1
    while at < len(text):
        found = _JSON_STEP.match(text, at)
        is_plain = found is not None and found["name"] is not None
        if found is None or (is_plain and not found["deep"] and text[at] != "."):
            raise BadPath(f"{text!r} is no JSONPath of ours from {text[at:]!r} on", _json_advice(text, at))
        steps.append(Step(_json_label(found), bool(found["deep"])))
        at = found.end()
    return tuple(steps)


def _json_label(found: re.Match[str]) -> Label:
    if found["index"] is not None:
        return int(found["index"])
    if found["any"] is not None:
        return ANY
    quoted = found["single"] if found["single"] is not None else found["double"]
    if quoted is not None:
        return _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)) if escaped[1] else escaped[2], quoted)
    return found["name"]


def _json_advice(text: str, at: int) -> str:
    rest = text[at:]
    if rest.startswith("[?"):
        return f"filters are not supported: write {text[:at] + '[*]'!r} to mean every element"
    if rest.startswith("[-"):
        return "an index counts from 0; negative ones are not supported"
    word = re.sub(r"[^\w-]", "", rest) or "name"
    return f"write {text[:at].rstrip('.') + '.' + word!r}"


def _xml_steps(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _XML_STEP.match(text, at)
        if found is None or (found.end() < len(text) and text[found.end()] != "/"):
            raise BadPath(f"{text!r} is no XPath of ours", _xml_advice(text, at))
        label = TEXT if found["text"] else found["name"] or found["local"]
        steps.append(Step(label, found["axis"] == "//"))
        at = found.end()
    if any(str(step.label).startswith("@") for step in steps[:-1]):
        raise BadPath(f"{text!r}: an attribute has nothing below it", "'@…' can only come last")
    if any(step.label == TEXT for step in steps[:-1]):
        raise BadPath(f"{text!r}: a text has nothing below it", "'text()' can only come last")
    return tuple(steps)


def _xml_advice(text: str, at: int) -> str:
    without_prefix = re.sub(r"(?<=[/@])[\w.-]+:(?=[\w*])", "", text)
    without_predicate = re.sub(r"\[\d+\]", "", without_prefix)
    if without_predicate != text:
        return (
            "names match by local name and a rule holds for every element, so prefixes and positions are left out:"
            f" write {without_predicate!r}"
        )
    word = re.sub(r"[^\w.-]", "", text[at:]) or "name"
    return f"it cannot be read from {text[at:]!r} on: write {text[:at] + '//' + word!r}"


def is_at(path: Path, general_path: str) -> bool:
    """Whether a general path, as differences carry it (``$.list[*].x``), is one that this path names."""
    try:
        other = parse_path(general_path)
    except BadPath:
        return False
    if path.language is not other.language:
        return False
    if path.language is Language.PART:
        return path.text.lower() == other.text.lower()
    reached = {0}
    for there in other.steps:
        steps = [(at, path.steps[at]) for at in reached if at < len(path.steps)]
        reached = {at for at, step in steps if step.deep}
        reached |= {at + 1 for at, step in steps if _names(step.label, there.label)}
    return len(path.steps) in reached


def _names(wanted: Label, label: Label) -> bool:
    is_attribute = str(label).startswith("@")
    return is_attribute if wanted == "@*" else not is_attribute if wanted == ANY else wanted == label
