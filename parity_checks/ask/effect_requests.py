"""The request by which a write's effect is read on one side: the plan's text with its placeholders filled. Pure.

A value is escaped for where it stands: percent-encoded in the target, and in a body as its media type asks. In a
header field it stands as it is, or not at all.
"""

import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from parity_checks.canonical.document import family_of
from parity_checks.canonical.trees import Family
from parity_checks.identity.answers import ids_at
from strangler.exchange import Headers, Observation, Request, header
from strangler.plan.comparison import EffectRequest
from strangler.plan.effect_text import ANSWER, KEY, filled


class Unfilled(Exception):
    """A placeholder that nothing can be put in for; the message says why and holds no value."""


def effect_request(template: EffectRequest, key: str | None, answer: Observation) -> Request:
    """The request for the side that gave this answer to the write.

    Raises:
        Unfilled: the answer has nothing at a path, there is no key, or a value cannot stand in a header field.
    """

    def put(text: str, escaped: Callable[[str], str]) -> str:
        return filled(text, lambda said: escaped(_value(said, key, answer)))

    headers: Headers = tuple((name, put(value, _in_header)) for name, value in template.headers.items())
    body = put(template.body, _in_body(headers, template.body)).encode()
    return Request(template.method, put(template.target, lambda value: quote(value, safe="")), headers, body, len(body))


def _value(said: str, key: str | None, answer: Observation) -> str:
    if said == KEY:
        if key is None:
            raise Unfilled("the write has no key")
        return key
    path = said.removeprefix(ANSWER)
    found = ids_at(answer, path)
    if not found:
        raise Unfilled(f"the {answer.side} side's answer has nothing at {path}")
    return found[0]


def _in_header(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise Unfilled("a value cannot stand in a header field")
    return value


def _in_body(headers: Headers, body: str) -> Callable[[str], str]:
    match family_of(header(headers, "content-type"), body.encode()):
        case Family.JSON:
            return lambda value: json.dumps(value)[1:-1]
        case Family.XML | Family.HTML:
            return lambda value: escape(value, {'"': "&quot;", "'": "&apos;"})
        case Family.FORM:
            return quote_plus
        case _:
            return str
