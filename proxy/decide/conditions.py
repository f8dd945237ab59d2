"""A plan's match and key, compiled: what a request must be to be this operation, and where its key is."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from proxy.decide.reading import Reading
from proxy.decide.spelling import normal_path
from strangler.plan.models import Key, Match, PathMatch, ValueMatch
from strangler.plan.paths import json_path, xpath
from strangler.plan.precedence import prefix_segments

Holds = Callable[[Reading], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a match; ``says`` is how it reads in an explanation."""

    says: str
    holds: Holds


def path_condition(path: PathMatch) -> Condition:
    """The path condition. A prefix matches whole segments; a regular expression must match the whole path."""
    says = f"path {path.type} {path.value}"
    match path.type:
        case "Exact":
            value = normal_path(path.value)
            return Condition(says, lambda reading: reading.path == value)
        case "PathPrefix":
            prefix = "/" + "/".join(prefix_segments(normal_path(path.value)))
            inside = prefix.rstrip("/") + "/"
            return Condition(says, lambda reading: reading.path == prefix or reading.path.startswith(inside))
        case "RegularExpression":
            pattern = re.compile(path.value)
            return Condition(says, lambda reading: pattern.fullmatch(reading.path) is not None)


def slot_conditions(match: Match) -> Iterator[Condition]:
    """The conditions by which the index files an operation: method and SOAP action."""
    if match.method is not None:
        yield Condition(f"method {match.method}", lambda reading: reading.method == match.method)
    if match.soap_action is not None:
        action = match.soap_action.strip("\"'")
        yield Condition(f"SOAP action {action}", lambda reading: reading.soap_action == action)


def value_conditions(match: Match) -> Iterator[Condition]:
    """The conditions on headers and query."""
    for header in match.headers:
        test = _value_test(header)
        name = header.name.lower()
        yield Condition(f"header {_told(header)}", lambda reading, n=name, t=test: t(reading.headers.get(n)))  # type: ignore[misc]
    for query in match.query:
        test = _value_test(query)
        yield Condition(f"query {_told(query)}", lambda reading, n=query.name, t=test: t(reading.query.get(n)))  # type: ignore[misc]


def body_conditions(match: Match) -> Iterator[Condition]:
    """Every condition on the body."""
    if match.xpath is not None:
        where, wanted = xpath(match.xpath.path), match.xpath.value.strip()
        yield Condition(
            f"{match.xpath.path} = {wanted}", lambda reading: any(text == wanted for text in reading.xml_texts(where))
        )
    if match.json_ is not None:
        at, value = json_path(match.json_.path), match.json_.value
        yield Condition(
            f"{match.json_.path} = {value}", lambda reading: any(text == value for text in reading.json_texts(at))
        )


def _told(value: ValueMatch) -> str:
    return f"{value.name} {'=' if value.type == 'Exact' else '~'} {value.value}"


def _value_test(value: ValueMatch) -> Callable[[str | None], bool]:
    if value.type == "Exact":
        return lambda given: given == value.value
    pattern = re.compile(value.value)
    return lambda given: given is not None and pattern.fullmatch(given) is not None


@dataclass(frozen=True, slots=True)
class KeyReader:
    """Reads an operation's key. ``place`` says where it is; ``is_in_body`` whether the body is needed."""

    place: str
    is_in_body: bool
    read_texts: Callable[[Reading], list[str]]
    case: str
    drop_spaces: bool

    def read(self, reading: Reading) -> str | None:
        """The key, folded as the plan says; ``None`` where the request has none or an empty one."""
        for text in self.read_texts(reading)[:1]:
            key = text.strip()
            if self.drop_spaces:
                key = "".join(key.split())
            if self.case != "keep":
                key = key.upper() if self.case == "upper" else key.lower()
            return _storable(key) or None
        return None


def _storable(key: str) -> str:
    """The key with bytes that are no UTF-8 replaced, so that it can be hashed and stored."""
    return key if key.isascii() else key.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


@lru_cache(maxsize=1024)
def key_reader(key: Key) -> KeyReader:
    """Compile where a key is; operations that say the same share one."""
    place, is_in_body, read_texts = _place(key)
    return KeyReader(place, is_in_body, read_texts, key.case, key.drop_spaces)


def _place(key: Key) -> tuple[str, bool, Callable[[Reading], list[str]]]:
    if key.xpath is not None:
        compiled = xpath(key.xpath)
        return f"XPath {key.xpath}", True, lambda reading: reading.xml_texts(compiled)
    if key.json_ is not None:
        steps = json_path(key.json_)
        return f"JSONPath {key.json_}", True, lambda reading: reading.json_texts(steps)
    if key.form is not None:
        field = key.form
        return f"form field {field}", True, lambda reading: _one(reading.form.get(field))
    if key.header is not None:
        header = key.header.lower()
        return f"header {key.header}", False, lambda reading: _one(reading.headers.get(header))
    if key.query is not None:
        name = key.query
        return f"query {name}", False, lambda reading: _one(reading.query.get(name))
    pattern = re.compile(key.path or "")

    def from_path(reading: Reading) -> list[str]:
        found = pattern.search(reading.path)
        return _one(found[1] if found and pattern.groups else None)

    return f"path {key.path}", False, from_path


def _one(value: str | None) -> list[str]:
    return [] if value is None else [value]
