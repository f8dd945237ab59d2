"""Ids of what was created, as an answer tells them. Pure."""

from parity_checks.canonical.decoding import Unreadable
from parity_checks.identity.bodies import body_text
from parity_checks.identity.json_body import json_ids
from parity_checks.identity.xml_body import xml_ids
from strangler.exchange import Observation


def ids_at(answer: Observation, path: str) -> tuple[str, ...]:
    """The ids at a JSONPath or XPath of an answer, in its order; none where it cannot be read or has none.

    Args:
        answer: one side's answer.
        path: a JSONPath (it begins with ``$``) or an XPath, whose unprefixed names match by local name.
    """
    if not answer.body:
        return ()
    try:
        text = body_text(answer.headers, answer.body).text
        return tuple(json_ids(path, text) if path.startswith("$") else xml_ids(path, text))
    except (Unreadable, RecursionError):
        return ()
