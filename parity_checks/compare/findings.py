"""Differences as they are found: with their paths written out, counted where a rule hides them, and bounded. Pure."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

from parity_checks.canonical.trees import Value, local_name, shown
from parity_checks.compare.signature import signature
from strangler.exchange import Difference, DifferenceKind, digest
from strangler.plan.rule_paths import Language

Place = tuple["Place", str | None, int | None] | None
"""Where the walk is: parent, name (``None`` for a list element), index or position. ``None`` is the root."""

MOST_OF_ONE_KIND: Final = 25
"""Most differences of one signature that one exchange keeps."""

MOST_KINDS: Final = 1_000
"""Most signatures that one exchange keeps."""


class Findings:
    """The differences of one exchange, at most ``most`` of one signature, and how many each rule has hidden."""

    def __init__(self, operation: str, rules: int, most: int = MOST_OF_ONE_KIND) -> None:
        self._most = most
        self._operation = operation
        self._hidden = [0] * rules
        self._hiding: int | None = None
        self._differences: list[Difference] = []
        self._signatures: Counter[str] = Counter()
        self._within: tuple[str, str] | None = None
        self.language = Language.JSON
        self.left_out = 0

    def afresh(self) -> "Findings":
        """Findings of the same exchange, with nothing found yet; what they find may be joined, or left."""
        return Findings(self._operation, len(self._hidden), self._most)

    def join(self, other: "Findings") -> None:
        """Take over what others of this exchange have found."""
        for difference in other.differences:
            self._take(difference)
        self._hidden = [ours + theirs for ours, theirs in zip(self._hidden, other.hidden, strict=True)]
        self.left_out += other.left_out
        self.language = other.language

    def add(self, kind: DifferenceKind, place: Place, old: Value, new: Value) -> None:
        """A difference in the body."""
        if self._hiding is not None:
            self._hidden[self._hiding] += 1
            return
        is_type = kind is DifferenceKind.TYPE
        write = json_path if self.language is Language.JSON else xml_path
        path, general = write(place)
        if self._within:
            path, general = f"{self._within[0]} {path}", f"{self._within[1]} {general}"
        self._keep(kind, path, general, shown(old, quoted=is_type), shown(new, quoted=is_type))

    def add_part(self, kind: DifferenceKind, part: str, old: str | None, new: str | None) -> None:
        """A difference outside of the body: the status, a header."""
        self._keep(kind, part, part, old, new)

    def _keep(self, kind: DifferenceKind, path: str, general: str, old: str | None, new: str | None) -> None:
        found = signature(self._operation, general, kind)
        self._take(Difference(kind, path, old, new, found, general))

    def _take(self, difference: Difference) -> None:
        count = self._signatures[difference.signature]
        if count >= self._most or (not count and len(self._signatures) >= MOST_KINDS):
            self.left_out += 1
            return
        self._signatures[difference.signature] = count + 1
        self._differences.append(difference)

    def hide(self, rule: int) -> None:
        """A rule made two values equal."""
        self._hidden[self._hiding if self._hiding is not None else rule] += 1

    @contextmanager
    def hidden_by(self, rule: int) -> Iterator[None]:
        """Whatever is found within belongs to this rule."""
        before, self._hiding = self._hiding, rule if self._hiding is None else self._hiding
        try:
            yield
        finally:
            self._hiding = before

    @contextmanager
    def within(self, place: Place) -> Iterator[None]:
        """Whatever is found is in an XML part of this body: the path leads to the part, and then within it."""
        before = self._within, self.language
        self._within, self.language = json_path(place), Language.XML
        try:
            yield
        finally:
            self._within, self.language = before

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What was found, in the order of the walk."""
        return tuple(self._differences)

    @property
    def hidden(self) -> tuple[int, ...]:
        """For each rule, how many differences it has hidden."""
        return tuple(self._hidden)


def json_path(place: Place) -> tuple[str, str]:
    """The place as a JSONPath (RFC 9535), and the same with every index generalised."""
    concrete: list[str] = []
    general: list[str] = []
    while place is not None:
        place, name, index = place
        if name is None:
            concrete.append(f"[{index}]")
            general.append("[*]")
        else:
            step = _json_step(name)
            concrete.append(step)
            general.append(step)
    concrete.reverse()
    general.reverse()
    return "$" + "".join(concrete), "$" + "".join(general)


def _json_step(name: str) -> str:
    return _known_step(name) if len(name) <= LONGEST_NAME else f"['{_quoted(_bounded(name))}']"


@lru_cache(maxsize=4_096)
def _known_step(name: str) -> str:
    return f".{name}" if name.isidentifier() and name.isascii() else f"['{_quoted(name)}']"


LONGEST_NAME: Final = 200
"""Characters of one name that a path shows: thousands of differences may lie below a name of megabytes."""


def _bounded(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…{digest(name.encode('utf-8', 'replace'))[:8]}"


_UNWRITABLE: Final = re.compile(r"[\x00-\x1f\ud800-\udfff]")
"""What a path must spell (RFC 9535, 2.3.1.1), and no database takes as it is: control characters, lone surrogates."""


def _quoted(name: str) -> str:
    name = name.replace("\\", "\\\\").replace("'", "\\'")
    return _UNWRITABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", name)


class WholeName(str):
    """An expanded name whose namespace must be said, for something beside it has the same local name."""

    __slots__ = ()


def _test(name: str, local: str, is_whole: bool) -> str:
    """What an XPath asks of a name with a namespace."""
    test = f"local-name()='{local}'"
    if not is_whole:
        return test
    namespace = name.removeprefix("@")[1 : -len(local) - 1]
    quote = '"' if "'" in namespace else "'"
    return f"{test} and namespace-uri()={quote}{namespace}{quote}"


def xml_path(place: Place) -> tuple[str, str]:
    """The place as an XPath that any tool takes without namespace bindings, and as the short form that rules take."""
    concrete: list[str] = []
    general: list[str] = []
    while place is not None:
        place, name, position = place
        is_whole = isinstance(name, WholeName)
        name = _bounded(name or "")
        local = local_name(name.removeprefix("@"))
        if name == "#text":
            step, short = "text()", "text()"
        else:
            short = f"@{local}" if name.startswith("@") else local
            step = f"{'@' * name.startswith('@')}*[{_test(name, local, is_whole)}]" if "{" in name else short
        concrete.append(f"/{step}" if position is None else f"/{step}[{position}]")
        general.append(f"/{short}")
    return "".join(reversed(concrete)) or "/", "".join(reversed(general)) or "/"
