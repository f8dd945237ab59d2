"""Finds the operations whose head can match, best first, at a cost that does not grow with the plan.

::

    path ─┬─ exact paths (a dict) ──────────┐
          ├─ prefixes (a trie of segments) ─┼─► group ─► (method, SOAP action) ─► conditions, in rank order
          └─ regular expressions, at the trie node of their literal segments

What stays linear: operations that share path, method and SOAP action and differ in headers, query or body only, and
regular expressions under the same literal segments.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from proxy.decide.entry import Entry
from proxy.decide.reading import Reading
from proxy.decide.spelling import normal_path
from strangler.plan.precedence import literal_segments, prefix_segments

_Slot = tuple[str | None, str | None]


class Group:
    """Operations that share a path condition, by method and SOAP action."""

    __slots__ = ("_first", "_has_actions", "_slots")

    def __init__(self) -> None:
        self._slots: dict[_Slot, list[Entry]] = {}
        self._has_actions = False
        self._first: Entry | None = None

    def add(self, entry: Entry) -> None:
        """Add an operation; the caller adds in rank order."""
        action = entry.soap_action
        self._slots.setdefault((entry.method, action), []).append(entry)
        self._has_actions = self._has_actions or action is not None
        self._first = self._first or entry

    def candidates(self, reading: Reading) -> Iterator[Entry]:
        """Operations whose method and SOAP action fit, in rank order: the slots' order is the rank's."""
        slots = self._slots
        action = reading.soap_action if self._has_actions else None
        if action is not None:
            yield from slots.get((reading.method, action), ())
        yield from slots.get((reading.method, None), ())
        if action is not None:
            yield from slots.get((None, action), ())
        yield from slots.get((None, None), ())

    @property
    def first(self) -> Entry | None:
        """Any one of them, to name in a message."""
        return self._first


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    prefix: Group | None = None
    patterns: Group | None = None
    some: Entry | None = None
    """An operation at or below this node, to name in a message."""


class Index:
    """All operations of one plan. Built once, never changed after."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._exact: dict[str, Group] = {}
        self._root = _Node()
        for entry in sorted(entries, key=lambda entry: entry.rank):
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        path = entry.path
        match path.type:
            case "Exact":
                value = normal_path(path.value)
                self._exact.setdefault(value, Group()).add(entry)
                self._node(tuple(value.split("/")[1:]), entry)
            case "PathPrefix":
                node = self._node(prefix_segments(normal_path(path.value)), entry)
                node.prefix = node.prefix or Group()
                node.prefix.add(entry)
            case "RegularExpression":
                node = self._node(literal_segments(path.value), entry)
                node.patterns = node.patterns or Group()
                node.patterns.add(entry)

    def _node(self, segments: tuple[str, ...], entry: Entry) -> _Node:
        node = self._root
        node.some = node.some or entry
        for segment in segments:
            node = node.children.setdefault(segment, _Node())
            node.some = node.some or entry
        return node

    def candidates(self, reading: Reading) -> Iterator[Entry]:
        """Operations whose head conditions all hold, best first."""
        exact = self._exact.get(reading.path)
        if exact is not None:
            yield from (entry for entry in exact.candidates(reading) if entry.is_head(reading))
        nodes = self._walk(reading.path)
        for node in reversed(nodes) if reading.path.startswith("/") else ():
            if node.prefix is not None:
                yield from (entry for entry in node.prefix.candidates(reading) if entry.is_head(reading))
        matching = [
            entry
            for node in nodes
            if node.patterns is not None
            for entry in node.patterns.candidates(reading)
            if entry.path_condition.holds(reading) and entry.is_head(reading)
        ]
        yield from sorted(matching, key=lambda entry: entry.rank)

    def nearest(self, reading: Reading) -> Entry | None:
        """An operation whose path is like the request's, to name in a message; ``None`` in an empty plan."""
        exact = self._exact.get(reading.path)
        return exact.first if exact is not None else self._walk(reading.path)[-1].some

    def _walk(self, path: str) -> list[_Node]:
        """The trie's nodes along a path, from the root to the deepest one there is."""
        node = self._root
        nodes = [node]
        if not path.startswith("/"):
            return nodes
        start = 1
        while node.children:
            end = path.find("/", start)
            child = node.children.get(path[start:end] if end >= 0 else path[start:])
            if child is None:
                break
            nodes.append(child)
            node = child
            if end < 0:
                break
            start = end + 1
        return nodes
