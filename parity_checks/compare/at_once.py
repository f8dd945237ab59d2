"""Two bodies compared the quick way, where that is just as exact: plain JSON, and XML that is equal. Pure."""

import re
from typing import Final

import orjson

from parity_checks.canonical.decoding import MAX_BYTES, MAX_VALUES, charset_name, media_type
from parity_checks.canonical.document import family_of
from parity_checks.canonical.json_body import AmbiguousNumberError, Pair, Spelling, is_written_so, read_pair
from parity_checks.canonical.trees import Family
from parity_checks.canonical.xml_pair import read_xml_pair
from parity_checks.compare.anatomy import are_equally_often, kind_of
from parity_checks.compare.findings import Findings
from parity_checks.compare.leafwise import Leaves, leaves_of, made_equal
from parity_checks.compare.walk import Walk
from parity_checks.rules.compiled import CompiledRules
from strangler.exchange import Headers, Observation
from strangler.plan.comparison import PresentIfRule, RenameRule, SetRule, TextRule
from strangler.plan.rule_paths import Language

_LARGE: Final = 1_000_000
"""Bytes from which on a body's values are counted before it is parsed."""


def is_settled(old: Observation, new: Observation, rules: CompiledRules, findings: Findings) -> bool:
    """Compare the bodies; ``False``, with nothing found, where they need the full reading."""
    old_body, new_body = old.body, new.body
    if not old_body or not new_body or max(len(old_body), len(new_body)) > MAX_BYTES:
        return False
    family = _plain_family(old.headers, old_body)
    if family is None or (old.headers != new.headers and _plain_family(new.headers, new_body) is not family):
        return False
    if any(len(body) > _LARGE and body.count(b",") > MAX_VALUES for body in (old_body, new_body)):
        return False
    if family is Family.JSON:
        return _json(old_body, new_body, rules, findings)
    return family is Family.XML and _xml(old_body, new_body, rules, findings)


def _plain_family(headers: Headers, body: bytes) -> Family | None:
    """JSON or XML in UTF-8 without a content-encoding, else ``None``."""
    content_type: str | None = None
    for name, value in headers:
        lower = name.lower()
        if lower == "content-encoding":
            return None
        if lower == "content-type":
            if content_type is not None:
                return None
            content_type = value
    parameters = media_type(content_type)[1]
    if parameters and charset_name(parameters.get("charset", "utf-8")) != "utf-8":
        return None
    return family_of(content_type, body)


_ODD_SPELLING: Final = re.compile(rb"\.\d*0(?!\d)|\d[eE]|-0(?!\.?\d)")
"""Of a number that can be written more shortly; two that cannot are equal where their texts are."""


def _may_differ_as_text(old: bytes, new: bytes, rules: CompiledRules) -> bool:
    """Whether a rule may look at how a number is written, and there is more than one way to write some here."""
    return (
        old != new
        and counts_digits(rules)
        and (_ODD_SPELLING.search(old) is not None or _ODD_SPELLING.search(new) is not None)
    )


def counts_digits(rules: CompiledRules) -> bool:
    """Whether a rule compares JSON values as text: 1.10 is not 1.1 there."""
    return any(
        isinstance(rule, TextRule) and path.language is Language.JSON
        for rule, path in zip(rules.rules, rules.paths, strict=True)
    )


def _json(old: bytes, new: bytes, rules: CompiledRules, findings: Findings) -> bool:
    if _may_differ_as_text(old, new, rules):
        return False
    pair = read_pair(old, new)
    if pair is None:
        return False
    if pair.are_equal or _is_shuffled(pair, rules):
        return True
    spelled = Spelling(old, pair.old_text).exact, Spelling(new, pair.new_text).exact
    quick = findings.afresh()
    try:
        leaves = leaves_of(pair.old, pair.new, rules.start(Language.JSON), rules)
        if leaves is None:
            Walk(rules, Language.JSON, quick, spelled).compare(pair.old, pair.new)
        elif not _are_all(leaves, pair):
            new_value = orjson.loads(new)  # the proof has changed the one that was read
            Walk(rules, Language.JSON, quick, spelled).compare(pair.old, new_value)
        else:
            for place, old_leaf, new_leaf in leaves.found:
                old_value, new_value = spelled[0](old_leaf), spelled[1](new_leaf)
                quick.add(kind_of(old_value, new_value), place, old_value, new_value)
    except AmbiguousNumberError:
        return False
    findings.join(quick)
    return True


_BETWEEN: Final = b"},{"
"""Stands between two objects of a list, and may stand within one."""


def _is_shuffled(pair: Pair, rules: CompiledRules) -> bool:
    """Whether two lists of objects, which have no order by rule, hold the very same ones: told by their texts."""
    start = rules.start(Language.JSON)
    if not start.hits or not start.is_last or not (type(pair.old) is list and type(pair.new) is list):
        return False
    only = [rules.rules[index] for index in start.hits]
    if not all(isinstance(rule, SetRule) and rule.by is None for rule in only) or len(pair.old) != len(pair.new):
        return False
    if len(pair.old) < 2 or not all(type(one) is dict for one in (*pair.old, *pair.new)):
        return False
    old_parts, new_parts = pair.old_text[2:-2].split(_BETWEEN), pair.new_text[2:-2].split(_BETWEEN)
    # As many parts as objects: then none of them was cut within, for there is one cut between each two.
    return len(old_parts) == len(new_parts) == len(pair.old) and are_equally_often(old_parts, new_parts)


def _are_all(leaves: Leaves, pair: Pair) -> bool:
    """Whether there is no other difference: with old's values in these places, new is what old is."""
    made_equal(leaves)
    return is_written_so(pair.new, pair.old, pair.old_text)


def _xml(old: bytes, new: bytes, rules: CompiledRules, findings: Findings) -> bool:
    pair = read_xml_pair(old, new)
    if pair is None:
        return False
    if pair.roots is None:
        return True
    if any(isinstance(rule, SetRule | PresentIfRule | RenameRule) for rule in rules.rules):
        return False  # these look at what stands beside a difference
    findings.language = Language.XML
    Walk(rules, Language.XML, findings).compare(*pair.roots)
    return True
