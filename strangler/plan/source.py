"""A plan's text as plain data that remembers its lines: YAML, duplicate keys, ``${NAME}``.

Never builds an object other than mapping, list, text, number, boolean or null, whatever the tags say. Differs from
YAML 1.1 where YAML 1.1 surprises: ``off``, ``on``, ``yes`` and ``no`` are text (``off`` is a stage), ``12:30`` and
``007`` are text, mapping keys are text as written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import yaml

from strangler.errors import Problem

Path = tuple[str | int, ...]
"""Where something is in a plan: mapping keys and list positions."""

_LOADER = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
_MAX_DEPTH = 64
_MAX_REPEATED_NODES = 100_000
_VARIABLE = re.compile(r"\$(?:(\$)\{|\{([^}]*)\})")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,40})")
_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(
    _TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value")
)


def dotted(path: Path) -> str:
    """The path as people write it: ``operations.pensions.get-entitlement.compare.rules[0].why``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "plan"


@dataclass(slots=True)
class Source:
    """A plan's data and where each entry stands. ``lines`` is by dotted key and counts from 1."""

    file: str
    data: object = None
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """The entry's line, or that of the nearest entry around it; 1 where there is none."""
        for end in range(len(path), 0, -1):
            line = self.lines.get(dotted(path[:end]))
            if line:
                return line
        return 1

    def report(self, code: str, path: Path, message: str, fix: str = "", line: int = 0) -> None:
        """Note one problem."""
        self.problems.append(Problem(code, self.file, line or self.line_of(path), dotted(path), message, fix))


def read_source(text: str, file: str, environ: Mapping[str, str]) -> Source:
    """Parse a plan's text. Never raises: whatever is wrong is in ``problems``."""
    source = Source(file)
    try:
        _check_depth(text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        _report_yaml_error(source, error)
        return source
    if node is None:
        source.report("empty-plan", (), "the plan is empty", "begin with 'version: 1'")
        return source
    source.data = _Reader(source, environ).value(node, ())
    return source


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.events.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                mark = cast("yaml.error.Mark", event.start_mark)
                raise yaml.MarkedYAMLError(problem=f"nested deeper than {_MAX_DEPTH}", problem_mark=mark)
        elif isinstance(event, yaml.events.CollectionEndEvent):
            depth -= 1


def _report_yaml_error(source: Source, error: yaml.YAMLError) -> None:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    message = getattr(error, "problem", None) or str(error).splitlines()[0]
    line = mark.line + 1 if mark is not None else 1
    source.report(
        "bad-yaml", (), f"this is no YAML: {message}", "quote values that hold ': ', '#', '{' or '${...}'", line
    )


class _Reader:
    """Turns YAML nodes into data, once; holds what must be known across nodes."""

    def __init__(self, source: Source, environ: Mapping[str, str]) -> None:
        self._source = source
        self._environ = environ
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._repeated = 0

    def value(self, node: yaml.Node, path: Path) -> object:
        self._source.lines.setdefault(dotted(path), node.start_mark.line + 1)
        if id(node) in self._open:
            self._source.report("endless-alias", path, "this alias contains itself", "write the entry out")
            return None
        if id(node) in self._seen or self._repeated > _MAX_REPEATED_NODES:
            self._repeated += 1
            if self._repeated == _MAX_REPEATED_NODES:
                self._source.report("too-many-aliases", path, "aliases expand to too much", "write the entries out")
            if self._repeated >= _MAX_REPEATED_NODES:
                return None
        if node.tag not in _KNOWN_TAGS:
            self._source.report("unknown-tag", path, f"the tag {node.tag!r} means nothing here", "remove it")
        self._seen.add(id(node))
        self._open.add(id(node))
        try:
            match node:
                case yaml.MappingNode():
                    return self._mapping(node, path)
                case yaml.SequenceNode():
                    return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
                case _:
                    return self._scalar(cast("yaml.ScalarNode", node), path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        entries: dict[str, object] = {}
        merged: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._source.report("bad-key", path, "a key must be plain text", "", key_node.start_mark.line + 1)
                continue
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            here = (*path, key)
            if key_node.tag == _TAG + "merge":
                merged = {**self._merge(value_node, path), **merged}
            elif key in entries:
                first = self._source.lines.get(dotted(here), 0)
                self._source.report(
                    "duplicate-key", here, f"{key!r} is here twice; first in line {first}", "keep one of them", line
                )
            else:
                self._source.lines.setdefault(dotted(here), line)
                entries[key] = self.value(value_node, here)
        return {**merged, **entries}

    def _merge(self, node: yaml.Node, path: Path) -> dict[str, object]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, object] = {}
        for item in sources:
            found = self.value(item, path)
            if isinstance(found, dict):
                merged = {**found, **merged}
            else:
                self._source.report("bad-merge", path, "'<<' must name a mapping", "", item.start_mark.line + 1)
        return merged

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> object:
        text = str(node.value)
        if "${" in text:
            return self._substitute(text, path)
        match node.tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "int" if _INTEGER.fullmatch(text):
                return int(text.replace("_", ""))
            case "float":
                return _float(text)
        return text

    def _substitute(self, text: str, path: Path) -> str:
        def replace(found: re.Match[str]) -> str:
            if found[1]:
                return "${"
            name = _NAME.fullmatch(found[2])
            if name is None:
                self._source.report(
                    "bad-variable", path, f"${{{found[2]}}} names no variable", "write ${NAME} or ${NAME:-default}"
                )
                return ""
            value = self._environ.get(name[1])
            if name[2] is not None:
                return value or name[2]
            if value is None:
                self._source.report(
                    "missing-variable",
                    path,
                    f"the environment variable {name[1]} is not set",
                    f"set {name[1]}, or write ${{{name[1]}:-default}}",
                )
                return ""
            return value

        return _VARIABLE.sub(replace, text)


def _float(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text
