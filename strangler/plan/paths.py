"""The two path languages of the plan, compiled: a JSONPath subset and XPath 1.0 by local names.

Pure: they read parsed documents, never text. ``JsonPath`` covers what a plan needs of RFC 9535: ``$``, ``.name``,
``['name']``, ``[0]``, ``[*]``, ``.*`` and ``..name``. In XPath an unprefixed name matches by local name, whatever its
namespace, because callers of old systems choose their prefixes freely.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

_STEP = re.compile(
    r"""\.\.(?P<down>[^\s.\[\]'"*$@?()]+|\*)
      | \.(?P<name>[^\s.\[\]'"*$@?()]+)
      | (?P<any>\.\*|\[\*\])
      | \[(?P<index>-?\d{1,9})\]
      | \['(?P<single>[^']*)'\]
      | \["(?P<double>[^"]*)"\]""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A compiled JSONPath. ``steps`` are pairs of kind (``name``, ``index``, ``any``, ``down``) and value."""

    text: str
    steps: tuple[tuple[str, str | int], ...]

    def find(self, document: object) -> Iterator[object]:
        """Every value at this path, in document order."""
        found: Iterator[object] = iter((document,))
        for kind, value in self.steps:
            found = _step(found, kind, value)
        return found


def json_path(text: str) -> JsonPath:
    """Compile a JSONPath.

    Raises:
        ValueError: it does not begin with ``$``, or has a step that is not supported; the message says which.
    """
    if not text.startswith("$"):
        raise ValueError(f"{text!r} is no JSONPath: begin with $, such as $.citizen.nino")
    steps: list[tuple[str, str | int]] = []
    position = 1
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            rest = text[position:]
            raise ValueError(f"{text!r} stops being a JSONPath at {rest!r}: use .name, ['name'], [0], [*], ..name")
        kind = found.lastgroup or "name"
        steps.append(_parsed_step(kind, found[kind]))
        position = found.end()
    return JsonPath(text, tuple(steps))


def _parsed_step(kind: str, value: str) -> tuple[str, str | int]:
    if kind == "index":
        return "index", int(value)
    return ("any", "*") if kind == "any" else ("down", value) if kind == "down" else ("name", value)


def _step(documents: Iterator[object], kind: str, value: str | int) -> Iterator[object]:
    for document in documents:
        if kind == "down":
            yield from _descendants(document, str(value))
        elif kind == "any":
            yield from _children(document)
        elif isinstance(document, dict) and kind == "name":
            if value in document:
                yield document[value]
        elif isinstance(document, list) and kind == "index":
            index = int(value)
            if -len(document) <= index < len(document):
                yield document[index]


def _children(document: object) -> Iterator[object]:
    if isinstance(document, dict):
        yield from document.values()
    elif isinstance(document, list):
        yield from document


def _descendants(document: object, name: str) -> Iterator[object]:
    pending = [document]
    while pending:
        here = pending.pop()
        if isinstance(here, dict):
            if name == "*":
                yield from here.values()
            elif name in here:
                yield here[name]
        elif isinstance(here, list) and name == "*":
            yield from here
        pending.extend(reversed(list(_children(here))))


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"[^"]*"|'[^']*')
      | (?P<number>\d+(?:\.\d*)?|\.\d+)
      | (?P<word>[^\W\d][\w.\-]*(?::(?!:)(?:[^\W\d][\w.\-]*|\*))?)
      | (?P<mark>::|\.\.|//|!=|<=|>=|[/|+\-=<>*@\[\](),.$])
    )""",
    re.VERBOSE,
)
_OPERATORS = frozenset({"and", "or", "mod", "div"})
_AFTER_OPERAND = frozenset({")", "]", ".", ".."})


def by_local_names(text: str) -> str:
    """The XPath with each unprefixed element name replaced by a test of the local name.

    Raises:
        ValueError: a character that XPath does not know, or a name with a prefix (a plan declares none).
    """
    tokens = _tokens(text)
    out: list[str] = []
    for index, (kind, token) in enumerate(tokens):
        before = tokens[index - 1] if index else ("", "")
        after = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        if kind == "word" and ":" in token:
            raise ValueError(f"{text!r} has the prefixed name {token!r}: write {token.partition(':')[2]!r}")
        if kind != "word" or before[1] in ("@", "$") or after in ("(", "::"):
            out.append(f" {token} " if kind == "word" and token in _OPERATORS else token)
        elif token in _OPERATORS and (before[0] in ("word", "text", "number") or before[1] in (*_AFTER_OPERAND, "*")):
            out.append(f" {token} ")
        elif before[1] == "::" and index > 1 and tokens[index - 2][1] == "attribute":
            out.append(token)
        else:
            out.append(f"*[local-name()='{token}']")
    return "".join(out)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        found = _TOKEN.match(stripped, position)
        if found is None:
            raise ValueError(f"{text!r} stops being an XPath at {stripped[position:]!r}")
        kind = found.lastgroup or ""
        tokens.append((kind, found[kind]))
        position = found.end()
    return tokens


@lru_cache(maxsize=4096)
def xpath(text: str) -> etree.XPath:
    """Compile an XPath whose unprefixed names match by local name. EXSLT extensions are off.

    Raises:
        ValueError: it is no XPath; the message says what to write.
    """
    if not text.strip():
        raise ValueError("an empty XPath: write one such as //nino")
    if text.startswith("$"):
        raise ValueError(f"{text!r} is a JSONPath where an XPath belongs: write one such as //nino")
    try:
        return etree.XPath(by_local_names(text), regexp=False, smart_strings=False)
    except etree.LxmlError as error:
        raise ValueError(f"{text!r} is no XPath: {error}") from error
