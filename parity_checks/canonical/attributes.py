"""Elements with more attributes than anybody means are refused before they are parsed. Pure.

Both the parser of HTML and the reading of attributes take quadratic time in the attributes of one element: with 40,000
of them ten seconds, with 500,000 half an hour.
"""

import re
from typing import Final

from parity_checks.canonical.decoding import Unreadable, bounded
from strangler.exchange import Reason

MOST_ATTRIBUTES: Final = 2_000
"""Most attributes of one element."""

_XML_TAG: Final = re.compile(rb"""[^"'>]*+(?:"[^"]*+"[^"'>]*+|'[^']*+'[^"'>]*+)*+""")
_HTML_TAG: Final = re.compile(r"<[A-Za-z][^\s/>]*+")
_HTML_ATTRIBUTE: Final = re.compile(r"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"?|'[^']*+'?|[^\s>]*+))?""")


def check_xml(body: bytes) -> None:
    """Look at every tag of an XML body in UTF-8 that may be one of those.

    Raises:
        Unreadable: it is.
    """
    if body.count(b"=") <= MOST_ATTRIBUTES:
        return
    for chunk in body.split(b"<"):  # which cannot stand within a tag
        if chunk.count(b"=") > MOST_ATTRIBUTES and chunk[:1] not in {b"!", b"?"}:
            tag = _XML_TAG.match(chunk)
            if tag is not None and tag[0].count(b"=") > MOST_ATTRIBUTES:
                _refuse()


def check_html(text: str) -> None:
    """Go through every tag of an HTML body as the parser will (WHATWG HTML, 13.2.5.32).

    Raises:
        Unreadable: one has too many attributes, or all together have.
    """
    if len(text) <= 2 * MOST_ATTRIBUTES:  # the shortest attribute, and a blank
        return
    total, at = 0, 0
    while (tag := _HTML_TAG.search(text, at)) is not None:
        at, count = tag.end(), 0
        while (attribute := _HTML_ATTRIBUTE.match(text, at)) is not None:
            at, count = attribute.end(), count + 1
            if count > MOST_ATTRIBUTES:
                _refuse()
        total += count
    bounded(total, "attributes")


def _refuse() -> None:
    raise Unreadable(Reason.TOO_LARGE, f"an element with more than {MOST_ATTRIBUTES} attributes")
