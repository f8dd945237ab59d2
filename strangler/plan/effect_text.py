"""Effects' requests with their placeholders: ``{key}`` and ``{answer:PATH}``. Everything else is literal. Pure."""

import re
from collections.abc import Callable
from typing import Final

KEY: Final = "key"
ANSWER: Final = "answer:"

_PLACEHOLDER = re.compile(r"\{(key|answer:[^{}]+)\}")


def placeholders(text: str) -> tuple[str, ...]:
    """What stands between braces: ``key``, or ``answer:`` with a JSONPath or XPath."""
    return tuple(_PLACEHOLDER.findall(text))


def filled(text: str, value_of: Callable[[str], str]) -> str:
    """The text with every placeholder replaced by what ``value_of`` says for it, just as it says it."""
    return _PLACEHOLDER.sub(lambda found: value_of(found[1]), text)
