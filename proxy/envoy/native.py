"""Which requests Envoy may decide by itself: those where it provably decides as ``decide`` does. Pure.

Envoy's predicates are kept to what has one meaning on both sides: exact texts, whole-segment prefixes, and regular
expressions out of the plain syntax that Python's ``re`` and RE2 share, on ASCII texts. Where a condition has no such
predicate, the rest of the match is: it holds for every request that ``decide`` would match, and for some more, and the
request is *asked*. The same goes for keys: an odd one is asked, not hashed.
"""

import re
from dataclasses import dataclass
from typing import Any

from proxy.decide.table import Move
from proxy.envoy.names import KEY_HEADER, PATH_HEADER
from strangler.plan.models import Key, Match, Operation, PathMatch
from strangler.plan.precedence import prefix_segments
from strangler.rollout import DENOMINATOR
from strangler.stages import is_answered_by_new

Message = dict[str, Any]
"""A protobuf message as JSON."""

TYPE = "type.googleapis.com/"
PLAIN_PATH = r"[!-~]+"
OTHERWISE_SPELLED = r".*(//|%[0-9A-F]?[a-f]|%(2D|2E|3[0-9]|[46][1-9A-F]|[57][0-9A]|5F|7E)).*"
"""Repeated slashes, escapes that no letter needs, escapes in small letters."""
PLAIN_VALUE = r"[!-~]([ -~]*[!-~])?"
PLAIN_QUERY = r"[A-Za-z0-9._~-]+"
"""A query value without escapes: decoding it changes nothing."""
CLIMBING = r"(?i).*(?:(?:/|%2f)(?:\.|%2e){1,2}(?:/|%2f|$)|\\|%5c).*"
ACTION_PARAMETER = r"(?i)[^;]*;.*\baction\b.*"
"""A content type that may name a SOAP 1.2 action."""

_SHARED_SYNTAX = re.compile(r"""(?x) ^ (?: [A-Za-z0-9/_~%&=:,@!'"<>;\ -]        # itself
    | \\[.\-/+*?$^()\[\]{}|d]                                              # escaped, or a digit
    | \.  | (?: [+*?] | \{\d{1,3}(?:,\d{0,3})?\} ) (?![+*?{])            # any, repeated, greedily only
    | \((?!\?) | \((?=\?:)\?: | \) | \| | \^ | \$                          # groups, alternatives, anchors
    | \[ \^? (?: [A-Za-z0-9/_%=:,@!.+*?'"<>;\ -] | \\[.\-/d\]\[\\] )+ \] # classes
    )* $""")


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where Envoy finds a key: the header to read it from, the form it must have to be hashed, how to set it early."""

    header: str
    plain: str
    formatter: str | None = None


def speaks_alike(pattern: str) -> bool:
    """Whether Python's ``re`` and RE2 are known to read this regular expression alike, on ASCII texts."""
    if not _SHARED_SYNTAX.match(pattern):
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def head_predicates(match: Match) -> tuple[list[Message], bool]:
    """Predicates that hold whenever the match does, and whether they say all of it."""
    says_all = match.xpath is None and match.json_ is None and not match.query
    found: list[Message] = []
    path = _path(match.path)
    if path is not None:
        found.append(path)
    says_all = says_all and path is not None
    if match.method is not None:
        found.append(header_is(":method", match.method))
    if match.soap_action is not None:
        action = match.soap_action.strip("\"'")
        quoted = (action, f'"{action}"', f"'{action}'")
        found.append(any_of([header_is("soapaction", value) for value in quoted]))
    for header in match.headers:
        if header.type == "Exact" and _is_plain(header.value):
            found.append(header_is(header.name.lower(), header.value))
        else:
            says_all = False
    return found, says_all


def _path(path: PathMatch) -> Message | None:
    match path.type:
        case "Exact":
            return header_is(PATH_HEADER, path.value) if _is_plain(path.value) else None
        case "PathPrefix":
            prefix = "/" + "/".join(prefix_segments(path.value))
            if not _is_plain(prefix):
                return None
            if prefix == "/":
                return header_like(PATH_HEADER, "/.*")
            return any_of([header_is(PATH_HEADER, prefix), header_has(PATH_HEADER, {"prefix": prefix + "/"})])
        case "RegularExpression":
            return header_like(PATH_HEADER, path.value) if speaks_alike(path.value) else None


def share_of_new(move: Move) -> int:
    """How many of a million buckets the new side answers. They are the lowest: see ``strangler.rollout``."""
    return max((limit for limit, stage in move.limits if is_answered_by_new(stage)), default=0)


def key_place(key: Key | None, number: int) -> KeyPlace | None:
    """Where Envoy finds the key; ``None`` where it cannot. ``number`` tells apart the places of one plan."""
    if key is None or key.case != "keep" or key.drop_spaces:
        return None
    ours = f"{KEY_HEADER}{number}"
    if key.header is not None:
        return KeyPlace(key.header.lower(), PLAIN_VALUE)
    if key.query is not None and re.fullmatch(r"[A-Za-z0-9_.-]+", key.query):
        return KeyPlace(ours, PLAIN_QUERY, f"%QUERY_PARAM({key.query})%")
    if key.path is not None and speaks_alike(key.path) and re.compile(key.path).groups and not _is_quoting(key.path):
        return KeyPlace(ours, PLAIN_PATH, f"%CEL(re.extract(request.url_path, r'{key.path}', r'\\1'))%")
    return None


def _is_quoting(pattern: str) -> bool:
    return "'" in pattern or "%" in pattern or ")%" in pattern


def places(operations: dict[str, Operation]) -> dict[str, KeyPlace]:
    """Operation to its key's place, for those whose key Envoy can find. Equal places share one header."""
    numbers: dict[tuple[str | None, str | None], int] = {}
    found: dict[str, KeyPlace] = {}
    for name, operation in operations.items():
        key = operation.key
        number = numbers.setdefault((key.query, key.path), len(numbers)) if key is not None else 0
        place = key_place(key, number)
        if place is not None:
            found[name] = place
    return found


def is_new(place: KeyPlace, share: int, seed: int) -> Message:
    """A predicate: the bucket of the key at this place is under the share, as ``strangler.rollout.bucket`` has it."""
    fraction = {
        "@type": TYPE + "envoy.extensions.matching.input_matchers.runtime_fraction.v3.RuntimeFraction",
        "runtime_fraction": {"default_value": {"numerator": share, "denominator": "MILLION"}},
        "seed": str(seed),
    }
    assert DENOMINATOR == 1_000_000  # noqa: S101  Envoy's MILLION
    return {
        "single_predicate": {
            "input": _input(place.header),
            "custom_match": {"name": "runtime_fraction", "typed_config": fraction},
        }
    }


def header_is(name: str, value: str) -> Message:
    """A predicate: the header has exactly this value."""
    return header_has(name, {"exact": value})


def header_like(name: str, pattern: str) -> Message:
    """A predicate: the whole header matches the regular expression."""
    return header_has(name, {"safe_regex": {"google_re2": {}, "regex": pattern}})


def all_of(predicates: list[Message]) -> Message:
    """A predicate: all hold."""
    return predicates[0] if len(predicates) == 1 else {"and_matcher": {"predicate": predicates}}


def any_of(predicates: list[Message]) -> Message:
    """A predicate: at least one holds."""
    return predicates[0] if len(predicates) == 1 else {"or_matcher": {"predicate": predicates}}


def none_of(predicate: Message) -> Message:
    """A predicate: this one does not hold."""
    return {"not_matcher": predicate}


def climbing_path() -> Message:
    """A predicate: the path has dot segments, plain or escaped, or backslashes.

    Where it leads depends on who reads it. Envoy could normalise it, but then the system would get another path than
    the caller wrote (``%2D`` becomes ``-``), so such a path is refused and every other one is left alone.
    """
    return header_like(PATH_HEADER, CLIMBING)


def odd_path() -> Message:
    """A predicate: Envoy cannot match this path as ``decide`` does, and must ask.

    It has bytes beyond ASCII, which regular expressions read in different ways, or it is not spelled as it is matched
    (see ``proxy.decide.spelling``): Envoy could mend that only by forwarding another path than the caller wrote.
    """
    return any_of([none_of(header_like(PATH_HEADER, PLAIN_PATH)), header_like(PATH_HEADER, OTHERWISE_SPELLED)])


def header_has(name: str, value: Message) -> Message:
    """A predicate: the header is as this ``StringMatcher`` says."""
    return {"single_predicate": {"input": _input(name), "value_match": value}}


def _input(name: str) -> Message:
    return {
        "name": "header",
        "typed_config": {"@type": TYPE + "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name": name},
    }


def _is_plain(value: str) -> bool:
    return re.fullmatch(PLAIN_VALUE, value) is not None
