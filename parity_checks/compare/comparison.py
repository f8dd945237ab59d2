"""Two observations compared as the caller would have seen them: status, chosen headers, body. Pure.

``compare`` never raises for anything a system can send: what cannot be compared comes back as ``NotCompared``.
"""

from dataclasses import dataclass, replace

from parity_checks.canonical.decoding import Unreadable, charset_name, media_type
from parity_checks.canonical.document import read
from parity_checks.canonical.trees import ABSENT, Document, Family
from parity_checks.compare.at_once import counts_digits, is_settled
from parity_checks.compare.findings import MOST_OF_ONE_KIND, Findings
from parity_checks.compare.headers import chosen, displayed, meaning
from parity_checks.compare.meaning import as_said, marked
from parity_checks.compare.walk import Walk
from parity_checks.rules.compiled import CompiledRules
from strangler.exchange import Difference, DifferenceKind, Observation, Reason
from strangler.plan.rule_paths import Language

_CONTENT_TYPE = "headers.content-type"

_MARKUP = frozenset({Family.XML, Family.HTML})


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


def compare(
    old: Observation, new: Observation, rules: CompiledRules, *, most: int = MOST_OF_ONE_KIND
) -> Comparison | NotCompared:
    """Compare two answers. Both must have been captured whole; failures are judged before.

    At most ``most`` differences of one signature are kept.
    """
    if old.body is None or new.body is None:
        return NotCompared(Reason.TOO_LARGE, f"the {'old' if old.body is None else 'new'} body was not captured")
    findings = Findings(rules.operation, len(rules.rules), most)
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
    """A difference outside of the body, unless a rule about that part makes the two equal."""
    for index in rules.at_part(part):
        if rules.holds(index, ABSENT if old is None else old, ABSENT if new is None else new):
            findings.hide(index)
            return
    findings.add_part(kind, part, old, new)


def _headers(old: Observation, new: Observation, rules: CompiledRules, findings: Findings) -> None:
    old_fields, new_fields = chosen(old.headers, rules.headers), chosen(new.headers, rules.headers)
    if old_fields == new_fields:
        return
    for name in rules.headers:
        old_values, new_values = old_fields.get(name), new_fields.get(name)
        if old_values == new_values:
            continue
        if name == "content-type":
            if old.body or new.body:
                _content_types(old.header(name), new.header(name), rules, findings)
        elif meaning(name, old_values) != meaning(name, new_values):
            said = displayed(name, old_values), displayed(name, new_values)
            _part(findings, rules, DifferenceKind.HEADER, f"headers.{name}", *said)


def _content_types(old: str | None, new: str | None, rules: CompiledRules, findings: Findings) -> None:
    """Media types are compared without case; a charset that is not said is UTF-8."""
    (old_type, old_parameters), (new_type, new_parameters) = media_type(old), media_type(new)
    if old_type != new_type:
        _part(findings, rules, DifferenceKind.MEDIA_TYPE, _CONTENT_TYPE, old, new)
        return
    if _declared(old_parameters) != _declared(new_parameters):
        _part(findings, rules, DifferenceKind.CHARSET, _CONTENT_TYPE, old, new)
    if _further(old_parameters) != _further(new_parameters):
        _part(findings, rules, DifferenceKind.HEADER, _CONTENT_TYPE, old, new)


def _declared(parameters: dict[str, str]) -> str:
    charset = parameters.get("charset", "utf-8")
    return charset_name(charset) or charset.lower()


_EACH_SIDES_OWN = frozenset({"boundary", "start", "action", "charset"})


def _further(parameters: dict[str, str]) -> dict[str, str]:
    return {name: value.lower() for name, value in parameters.items() if name not in _EACH_SIDES_OWN}


def _bodies(old: Observation, new: Observation, rules: CompiledRules, findings: Findings) -> None:
    old_body, new_body = old.body or b"", new.body or b""
    may_part = rules.may_part
    if not may_part and is_settled(old, new, rules, findings):
        return
    as_written = counts_digits(rules)
    old_document = _document(old, old_body, as_written=as_written)
    if not may_part and _are_identical(old, new):
        if isinstance(old_document, Unreadable):
            raise old_document
        return
    new_document = _document(new, new_body, as_written=as_written)
    if isinstance(old_document, Unreadable) or isinstance(new_document, Unreadable):
        _one_is_unparsable(old_document, new_document, findings)
        return
    if len({old_document.family, new_document.family, Family.EMPTY}) == 3:
        if _are_other_media(old, new, (old_document.family, new_document.family), rules, findings):
            return
        new_document = _document(_as_old_declares(old, new), new_body, as_written=as_written)
        if isinstance(new_document, Unreadable):
            _one_is_unparsable(old_document, new_document, findings)
            return
    _charsets(old_document, new_document, rules, findings)
    _documents(old_document, new_document, rules, findings)


def _are_other_media(
    old: Observation, new: Observation, families: tuple[Family, Family], rules: CompiledRules, findings: Findings
) -> bool:
    """Whether bodies of two families are a difference; where a rule lets the header differ, the body is to be read."""
    if "content-type" not in rules.headers or old.header("content-type") == new.header("content-type"):
        _part(findings, rules, DifferenceKind.MEDIA_TYPE, _CONTENT_TYPE, *families)
    return any(found.path == _CONTENT_TYPE for found in findings.differences)


def _as_old_declares(old: Observation, new: Observation) -> Observation:
    """The new side's answer under the old side's content-type."""
    others = tuple(field for field in new.headers if field[0].lower() != "content-type")
    declared = old.header("content-type")
    return replace(new, headers=others if declared is None else (*others, ("content-type", declared)))


def _documents(old: Document, new: Document, rules: CompiledRules, findings: Findings) -> None:
    if (old.family is Family.EMPTY) is not (new.family is Family.EMPTY):
        _one_is_empty(old, new, findings)
    elif old.family is not new.family:  # the same header, and bodies that look different
        findings.add_part(DifferenceKind.MEDIA_TYPE, _CONTENT_TYPE, old.family, new.family)
    else:
        language = _language(old)
        findings.language = language
        if rules.may_part:
            meant = marked(new.value, rules, language)
            Walk(rules, language, findings, (as_said, as_said)).compare(old.value, meant)
        else:
            Walk(rules, language, findings).compare(old.value, new.value)


def _language(document: Document) -> Language:
    return Language.XML if document.family in _MARKUP else Language.JSON


def _one_is_unparsable(old: Document | Unreadable, new: Document | Unreadable, findings: Findings) -> None:
    """A caller can read the one and not the other: they differ, whatever is in them.

    Raises:
        Unreadable: neither can be read.
    """
    match old, new:
        case (Unreadable(), Unreadable()):
            raise old
        case (Document(), Unreadable()):
            findings.language = _language(old)
            findings.add(DifferenceKind.UNPARSABLE, None, f"{old.family}, as declared", new.detail)
        case (Unreadable(), Document()):
            findings.language = _language(new)
            findings.add(DifferenceKind.UNPARSABLE, None, old.detail, f"{new.family}, as declared")


def _are_identical(old: Observation, new: Observation) -> bool:
    return old.body == new.body and all(
        old.header(name) == new.header(name) for name in ("content-type", "content-encoding")
    )


def _document(observation: Observation, body: bytes, *, as_written: bool) -> Document | Unreadable:
    """The body as a document, or why it does not parse.

    Raises:
        Unreadable: it was not even tried: too large, or of an encoding that we do not know.
    """
    try:
        return read(observation.headers, body, as_written=as_written)
    except Unreadable as unreadable:
        told = Unreadable(unreadable.reason, f"{observation.side}: {unreadable.detail}")
        if unreadable.reason is Reason.UNPARSABLE:
            return told
        raise told from unreadable
    except RecursionError:
        return Unreadable(Reason.UNPARSABLE, f"{observation.side}: nested too deep")


def _charsets(old: Document, new: Document, rules: CompiledRules, findings: Findings) -> None:
    """A body that is not in the charset it declares is a finding of its own, where the other side's is another."""
    if old.misdeclared or new.misdeclared:
        told = _in_fact(old), _in_fact(new)
        if told[0] != told[1] and Family.EMPTY not in {old.family, new.family}:
            _part(findings, rules, DifferenceKind.CHARSET, _CONTENT_TYPE, *told)


def _in_fact(document: Document) -> str:
    said = document.misdeclared
    return f"{said} declared, {document.charset} sent" if said else f"{document.charset}, as declared"


def _one_is_empty(old: Document, new: Document, findings: Findings) -> None:
    findings.language = _language(old if new.family is Family.EMPTY else new)
    if new.family is Family.EMPTY:
        findings.add(DifferenceKind.MISSING, None, old.value, ABSENT)
    else:
        findings.add(DifferenceKind.SURPLUS, None, ABSENT, new.value)
