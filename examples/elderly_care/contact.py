"""What both sides of update-contact take for a contact."""

import orjson

LONGEST_TELEPHONE = 16
"""The patient index has no room for more."""


def telephone_of(body: bytes | None) -> str | None:
    """The telephone number in the body; ``None`` where the body is not ``{"telephone": "..."}``."""
    try:
        document = orjson.loads(body or b"")
    except orjson.JSONDecodeError:
        return None
    telephone = document.get("telephone") if isinstance(document, dict) else None
    if not isinstance(telephone, str) or not 0 < len(telephone.strip()) <= LONGEST_TELEPHONE:
        return None
    return telephone
