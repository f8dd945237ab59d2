"""Where something is in a body: the small subset of JSONPath and XPath that rules speak, and matching by it. Pure.

====================  =================================================================
``$.a.b``             member of member
``$.list[*].x``       ``x`` of every element; ``[3]`` is one element
``$..name``           every ``name``, however deep
``$['odd name']``     a member whose name is not a plain word
``/a/b/c``            element of element, from the root
``//item/x``          every ``x`` inside an ``item``
``//price/@unit``     an attribute
``headers.date``      a response header (differences there are named so)
``query.requestId``   a query parameter, where the path is about a request
``status``            the status code
====================  =================================================================

Names in XPath are written without prefix and match by local name. ``*`` matches any one name.
"""

import re
from collections.abc import Sequence
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
      | (?P<name>@?(?:[\w.-]+|\*))
    )""",
    re.VERBOSE,
)
_PART = re.compile(r"(?:headers|query)\.[\w-]+|status")


def check_path(text: str) -> None:
    """Refuse a path outside of the subset.

    Raises:
        ValueError: what is wrong with it, and the nearest thing that would be right.
    """
    parse_path(text)


def parse_path(text: str) -> Path:
    """Read a path.

    Raises:
        ValueError: it is outside of the subset; the message says what to write instead.
    """
    if text.startswith("$"):
        return Path(text, Language.JSON, _json_steps(text))
    if text.startswith("/"):
        return Path(text, Language.XML, _xml_steps(text))
    if _PART.fullmatch(text):
        return Path(text, Language.PART, ())
    word = re.sub(r"[^\w.-]", "", text) or "name"
    raise ValueError(
        f"{text!r} is not a path: a JSONPath begins with '$', an XPath with '/';"
        f" write '$..{word}' for JSON or '//{word}' for XML"
    )


def _json_steps(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 1
    while at < len(text):
        found = _JSON_STEP.match(text, at)
        is_plain = found is not None and found["name"] is not None
        if found is None or (is_plain and not found["deep"] and text[at] != "."):
            raise ValueError(f"{text!r} is no JSONPath of ours from {text[at:]!r} on; {_json_advice(text, at)}")
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
        return re.sub(r"\\(.)", r"\1", quoted)
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
            raise ValueError(f"{text!r} is no XPath of ours; {_xml_advice(text, at)}")
        steps.append(Step(found["name"] or found["local"], found["axis"] == "//"))
        at = found.end()
    if any(str(step.label).startswith("@") for step in steps[:-1]):
        raise ValueError(f"{text!r}: an attribute has nothing below it; '@…' can only come last")
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


class State:
    """How far each path has been followed on the way down. ``hits`` are the paths that end here."""

    __slots__ = ("_next", "_owner", "_positions", "hits", "is_dead")

    def __init__(self, owner: "Automaton", positions: frozenset[tuple[int, int]]) -> None:
        self._owner = owner
        self._positions = positions
        self._next: dict[Label, State] = {}
        self.hits = tuple(sorted(path for path, position in positions if position == len(owner.paths[path])))
        self.is_dead = not positions

    @property
    def nowhere(self) -> "State":
        """The state in which no path goes on."""
        return self._owner.after(frozenset(), "")

    def step(self, label: Label) -> "State":
        """The state one step further down."""
        if self.is_dead:
            return self
        known = label if label in self._owner.labels else self._owner.stranger(label)
        state = self._next.get(known)
        if state is None:
            state = self._next[known] = self._owner.after(self._positions, known)
        return state


class Automaton:
    """Many paths followed at once; built lazily, bounded by the paths and not by the bodies."""

    def __init__(self, paths: Sequence[tuple[Step, ...]], skip: Sequence[bool] = ()) -> None:
        self.paths = tuple(paths)
        self.labels = frozenset(step.label for path in self.paths for step in path)
        self._states: dict[frozenset[tuple[int, int]], State] = {}
        followed = (index for index in range(len(self.paths)) if not (skip and skip[index]))
        self.start = self._state(frozenset((index, 0) for index in followed))

    @staticmethod
    def stranger(label: Label) -> Label:
        """One label that stands for all of its sort which no path names."""
        if isinstance(label, int):
            return -1
        return "@" if label.startswith("@") else ""

    def after(self, positions: frozenset[tuple[int, int]], label: Label) -> State:
        """The state reached from these positions by this label."""
        reached: set[tuple[int, int]] = set()
        for path, position in positions:
            if position == len(self.paths[path]):
                continue
            step = self.paths[path][position]
            if step.deep:
                reached.add((path, position))
            if _fits(step.label, label):
                reached.add((path, position + 1))
        return self._state(frozenset(reached))

    def _state(self, positions: frozenset[tuple[int, int]]) -> State:
        state = self._states.get(positions)
        if state is None:
            state = self._states[positions] = State(self, positions)
        return state


def _fits(wanted: Label, label: Label) -> bool:
    is_attribute = isinstance(label, str) and label.startswith("@")
    if wanted == ANY:
        return not is_attribute
    if wanted == "@*":
        return is_attribute
    return type(wanted) is type(label) and wanted == label


def covers(path: Path, general_path: str) -> bool:
    """Whether a general path, as differences carry it, is one of those this path names."""
    try:
        other = parse_path(general_path)
    except ValueError:
        return False
    if path.language is not other.language:
        return False
    if path.language is Language.PART:
        return path.text.lower() == other.text.lower()
    state = Automaton([path.steps]).start
    for step in other.steps:
        state = state.step(-1 if step.label == ANY else step.label)
    return bool(state.hits)
