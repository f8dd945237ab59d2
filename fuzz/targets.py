"""What is fuzzed, and what must hold whatever comes: each target takes bytes and raises where something does not."""

from collections.abc import Callable, Mapping
from typing import Final

from parity_checks.canonical.csv_body import read_csv
from parity_checks.canonical.decoding import Unreadable, characters, media_type, undo_encoding
from parity_checks.canonical.document import read, read_form
from parity_checks.canonical.html_body import read_html
from parity_checks.canonical.json_body import read_json
from parity_checks.canonical.xml_body import read_xml
from parity_checks.compare.comparison import Comparison, NotCompared, compare
from parity_checks.compare.headers import meaning
from parity_checks.rules.compiled import CompiledRules, compile_rules
from strangler.exchange import Observation
from strangler.plan.comparison import COMPARED_HEADERS, Compare
from strangler.stages import Side

Target = Callable[[bytes], None]

CODINGS: Final = ("gzip", "deflate", "br", "gzip, br", "deflate, gzip", "identity", "x")
MEDIA: Final = (
    "application/json",
    "text/xml",
    "text/html",
    "text/csv",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "multipart/mixed; boundary=b",
    'multipart/related; type="application/xop+xml"; boundary=b; start="<r>"',
    "text/plain",
    "application/pdf",
    "",
)
CHARSETS: Final = ("", "; charset=utf-8", "; charset=iso-8859-1", "; charset=utf-16", "; charset=cp037", "; charset=x")
PLAIN: Final = compile_rules("op", Compare())
RULED: Final = compile_rules(
    "op",
    Compare.model_validate(
        {
            "rules": [
                {"path": "$..a", "as": "number", "within": "0.5", "why": "to be fuzzed"},
                {"path": "$..b", "as": "set", "why": "to be fuzzed"},
                {"path": "$.c[*]", "as": "set", "by": "id", "why": "to be fuzzed"},
                {"path": "$..d", "as": "text", "fold": "case", "spaces": "drop", "form": "NFKC", "why": "to be fuzzed"},
                {"path": "$..e", "as": "absence", "equal": ["null", "absent", "empty"], "why": "to be fuzzed"},
                {"path": "$..f", "as": "money", "why": "to be fuzzed"},
                {"path": "$..g", "as": "datetime", "within_s": 1, "why": "to be fuzzed"},
                {"path": "//a", "as": "number", "why": "to be fuzzed"},
                {"path": "//b", "as": "set", "by": "@id", "why": "to be fuzzed"},
                {"path": "//d", "as": "text", "fold": "case", "trim": True, "why": "to be fuzzed"},
                {"path": "//e", "as": "absence", "equal": ["null", "absent"], "why": "to be fuzzed"},
                {"path": "headers.etag", "as": "opaque", "why": "to be fuzzed"},
            ]
        }
    ),
)


def _encodings(data: bytes) -> None:
    undo_encoding(data[1:], CODINGS[data[0] % len(CODINGS)] if data else None)


def _media_types(data: bytes) -> None:
    text = data.decode("latin-1")
    media_type(text)
    for name in COMPARED_HEADERS:
        meaning(name, text.split("\n"))


def _charsets(data: bytes) -> None:
    name, _, body = data.partition(b"\n")
    characters(body, name.decode("latin-1"))


def _json(data: bytes) -> None:
    read_json(data.decode("utf-8", "surrogatepass"))


def _xml(data: bytes) -> None:
    read_xml(data, None)


def _html(data: bytes) -> None:
    read_html(data, None)


def _csv(data: bytes) -> None:
    read_csv(data.decode("latin-1"))


def _form(data: bytes) -> None:
    read_form(data.decode("latin-1"))


def _multipart(data: bytes) -> None:
    read((("content-type", "multipart/mixed; boundary=b"),), data)
    read((("content-type", "multipart/form-data; boundary=b"),), data)


def _mtom(data: bytes) -> None:
    read((("content-type", MEDIA[7]),), data)


def _pair_of(data: bytes, media: str) -> None:
    """The quick comparison of two bodies says what the exact one says.

    Four bytes say where the new body differs; then come the old one and, after a zero byte, what the new one has there.
    """
    place, (cut, rest) = int.from_bytes(data[:2], "big"), (data[2:4] + b"\0\0")[:2]
    old_body, _, other = data[4:].partition(b"\0")
    at = place % (len(old_body) + 1)
    new_body = other if rest & 1 else old_body[:at] + other + old_body[at + cut % 32 :]
    for rules in (PLAIN, RULED):
        quick, exact = compared_both_ways(old_body, new_body, media, rules)
        if quick != exact:
            raise AssertionError(f"the quick comparison says {quick}, the exact one {exact}")


def compared_both_ways(
    old: bytes, new: bytes, media: str, rules: CompiledRules
) -> tuple[Comparison | NotCompared, Comparison | NotCompared]:
    """What the quick comparison says of two bodies, and what the exact one, which a content-encoding leads to."""
    quick, exact = (
        compare(_observation(Side.OLD, old, media, encoding), _observation(Side.NEW, new, media, encoding), rules)
        for encoding in ("", "identity")
    )
    return quick, exact


def _json_pair(data: bytes) -> None:
    _pair_of(data, MEDIA[0])


def _xml_pair(data: bytes) -> None:
    _pair_of(data, MEDIA[1])


def _compare(data: bytes) -> None:
    """Any two bodies under any headers: an outcome, equal to itself, and the same both ways round."""
    if len(data) < 4:
        return
    media, coding, charset, others = data[:4]
    old_body, _, new_body = data[4:].partition(b"\xff\n")
    said = MEDIA[media % len(MEDIA)] + CHARSETS[charset % len(CHARSETS)]
    other = MEDIA[others % len(MEDIA)] if others % 4 == 0 else said
    encoding = CODINGS[coding % len(CODINGS)] if coding % 5 == 0 else ""
    old = _observation(Side.OLD, old_body, said, encoding)
    new = _observation(Side.NEW, new_body, other, encoding)
    _check(old, new, RULED if others & 1 else PLAIN)


def _check(old: Observation, new: Observation, rules: CompiledRules) -> None:
    forth, back, same = compare(old, new, rules), compare(new, old, PLAIN), compare(old, old, rules)
    if rules is PLAIN and _has_differences(forth) != _has_differences(back):
        raise AssertionError(f"forth {forth}, back {back}")
    if _has_differences(same):
        raise AssertionError(f"it differs from itself: {same}")


def _has_differences(result: Comparison | NotCompared) -> bool | None:
    return bool(result.differences) if isinstance(result, Comparison) else None


def _observation(side: Side, body: bytes, content_type: str, encoding: str = "") -> Observation:
    headers = [("Content-Type", content_type)] if content_type else []
    if encoding:
        headers.append(("Content-Encoding", encoding))
    return Observation(side, 200, tuple(headers), body, len(body))


def guarded(target: Target) -> Target:
    """The target, for which a refusal by name is an answer like any other."""

    def run(data: bytes) -> None:
        try:
            target(data)
        except (Unreadable, UnicodeDecodeError):
            return

    return run


TARGETS: Final[Mapping[str, Target]] = {
    "encodings": _encodings,
    "media_types": _media_types,
    "charsets": _charsets,
    "json": _json,
    "xml": _xml,
    "html": _html,
    "csv": _csv,
    "form": _form,
    "multipart": _multipart,
    "mtom": _mtom,
    "json_pair": _json_pair,
    "xml_pair": _xml_pair,
    "compare": _compare,
}
