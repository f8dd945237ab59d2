"""Two observations compared as the caller would have seen them: status, chosen headers, body. Pure.

``compare`` never raises for anything a system can send: what cannot be compared comes back as ``NotCompared``.
"""

from dataclasses import dataclass

from parity_checks.canonical import json_body
from parity_checks.canonical.decoding import MAX_BYTES, Unreadable, charset_name, media_type
from parity_checks.canonical.document import family_of, read
from parity_checks.canonical.trees import ABSENT, Document, Family
from parity_checks.compare.findings import Findings
from parity_checks.compare.walk import Walk
from parity_checks.rules.compiled import CompiledRules
from strangler.exchange import Difference, DifferenceKind, Observation, Reason
from strangler.plan.comparison import IgnoreRule
from strangler.plan.rule_paths import Language

_CONTENT_TYPE = "headers.content-type"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every difference that no rule made equal. ``hidden`` counts what each rule hid, in the order of the rules.

    ``left_out`` counts differences beyond the number that one exchange keeps; each left-out one has its like kept.
    """

    differences: tuple[Difference, ...]
    hidden: tuple[int, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class NotCompared:
    """The two could not be compared, and why."""

    reason: Reason
    detail: str


def compare(old: Observation, new: Observation, rules: CompiledRules) -> Comparison | NotCompared:
    """Compare two answers. Both must have been captured whole; failures are judged before."""
    if old.body is None or new.body is None:
        return NotCompared(Reason.TOO_LARGE, f"the {'old' if old.body is None else 'new'} body was not captured")
    findings = Findings(rules.operation, len(rules.rules))
    if old.status != new.status:
        _part(findings, rules, DifferenceKind.STATUS, "status", _said(old.status), _said(new.status))
    _headers(old, new, rules, findings)
    try:
        _bodies(old, new, rules, findings)
    except Unreadable as unreadable:
        return NotCompared(unreadable.reason, unreadable.detail)
    except RecursionError:
        return NotCompared(Reason.UNPARSABLE, "nested too deep")
    return Comparison(findings.differences, findings.hidden, findings.left_out)


def _said(status: int | None) -> str | None:
    return None if status is None else str(status)


def _part(  # noqa: PLR0917  where it goes, what it is, both values
    findings: Findings, rules: CompiledRules, kind: DifferenceKind, part: str, old: str | None, new: str | None
) -> None:
    """A difference outside of the body; only ``ignore`` can hide it."""
    for index in rules.at_part(part):
        if isinstance(rules.rules[index], IgnoreRule):
            findings.hide(index)
            return
    findings.add_part(kind, part, old, new)


def _headers(old: Observation, new: Observation, rules: CompiledRules, findings: Findings) -> None:
    for name in rules.headers:
        old_value, new_value = old.header(name), new.header(name)
        if old_value == new_value:
            continue
        if name == "content-type":
            if old.body or new.body:
                _content_types(old_value, new_value, rules, findings)
        else:
            _part(findings, rules, DifferenceKind.HEADER, f"headers.{name}", old_value, new_value)


def _content_types(old: str | None, new: str | None, rules: CompiledRules, findings: Findings) -> None:
    """Media types are compared without case; a charset that is not said is UTF-8."""
    (old_type, old_parameters), (new_type, new_parameters) = media_type(old), media_type(new)
    if old_type != new_type:
        _part(findings, rules, DifferenceKind.MEDIA_TYPE, _CONTENT_TYPE, old, new)
    elif _comparable(old_parameters) != _comparable(new_parameters):
        _part(findings, rules, DifferenceKind.HEADER, _CONTENT_TYPE, old, new)


def _comparable(parameters: dict[str, str]) -> dict[str, str]:
    plain = {name: value.lower() for name, value in parameters.items() if name not in {"boundary", "start", "action"}}
    charset = parameters.get("charset", "utf-8")
    return plain | {"charset": charset_name(charset) or charset.lower()}


def _bodies(old: Observation, new: Observation, rules: CompiledRules, findings: Findings) -> None:
    old_body, new_body = old.body or b"", new.body or b""
    if _are_equal_at_once(old, new, old_body, new_body):
        return
    old_document = _document(old, old_body)
    if _are_identical(old, new):
        return
    new_document = _document(new, new_body)
    _charsets(old_document, new_document, rules, findings)
    families = {old_document.family, new_document.family}
    if Family.EMPTY in families and len(families) == 2:
        _one_is_empty(old_document, new_document, findings)
    elif len(families) == 2:
        if "content-type" not in rules.headers or old.header("content-type") == new.header("content-type"):
            _part(findings, rules, DifferenceKind.MEDIA_TYPE, _CONTENT_TYPE, old_document.family, new_document.family)
    else:
        language = Language.XML if Family.XML in families else Language.JSON
        findings.language = language
        Walk(rules, language, findings).compare(old_document.value, new_document.value)


def _are_identical(old: Observation, new: Observation) -> bool:
    return old.body == new.body and all(
        old.header(name) == new.header(name) for name in ("content-type", "content-encoding")
    )


def _are_equal_at_once(old: Observation, new: Observation, old_body: bytes, new_body: bytes) -> bool:
    """The fast path: plain JSON on both sides, and exactly equal."""
    if old.header("content-encoding") or new.header("content-encoding") or len(old_body) > MAX_BYTES:
        return False
    old_type, new_type = old.header("content-type"), new.header("content-type")
    if "charset" in (old_type or "") and charset_name(media_type(old_type)[1].get("charset")) != "utf-8":
        return False
    if family_of(old_type, old_body) is not Family.JSON:
        return False
    if old_type != new_type and family_of(new_type, new_body) is not Family.JSON:
        return False
    return json_body.are_equal(old_body, new_body)


def _document(observation: Observation, body: bytes) -> Document:
    try:
        return read(observation.headers, body)
    except Unreadable as unreadable:
        raise Unreadable(unreadable.reason, f"{observation.side}: {unreadable.detail}") from unreadable


def _charsets(old: Document, new: Document, rules: CompiledRules, findings: Findings) -> None:
    """A body that is not in the charset it declares, on one side only, is a finding of its own."""
    if bool(old.misdeclared) == bool(new.misdeclared):
        return
    _part(findings, rules, DifferenceKind.HEADER, _CONTENT_TYPE, _in_fact(old), _in_fact(new))


def _in_fact(document: Document) -> str:
    said = document.misdeclared
    return f"{said} declared, {document.charset} sent" if said else f"{document.charset}, as declared"


def _one_is_empty(old: Document, new: Document, findings: Findings) -> None:
    findings.language = Language.XML if Family.XML in {old.family, new.family} else Language.JSON
    if new.family is Family.EMPTY:
        findings.add(DifferenceKind.MISSING, None, old.value, ABSENT)
    else:
        findings.add(DifferenceKind.SURPLUS, None, ABSENT, new.value)
