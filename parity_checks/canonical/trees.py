"""What bodies become before they are compared: plain JSON values, or elements with expanded names. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Final

import orjson

from strangler.exchange import digest

Json = None | bool | int | Decimal | str | list["Json"] | dict[str, "Json"]
"""JSON with exact numbers: no float is ever made."""


@dataclass(frozen=True, slots=True)
class Element:
    """An XML element. Names are expanded (``{namespace}local``); whitespace between elements is gone.

    ``text`` is the text of an element without children, and ``None`` where ``xsi:nil`` is true. ``children`` holds
    elements, and strings where text stands between them (mixed content).
    """

    name: str
    attributes: Mapping[str, str]
    text: str | None
    children: tuple["Element | str", ...] = ()


class Written(Decimal):
    """A number that knows how it was written: equal to every other that is the same number."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "Written":
        """Raises ``decimal.InvalidOperation`` where the number is beyond what decimals hold."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, eq=False)
class Foreign:
    """What new says where the same said by old would mean another thing (``parity_checks.compare.meaning``).

    It equals nothing but itself.
    """

    said: "str | int | Decimal"


class Blob(str):
    """Bytes that nobody looks into, as a text that all equal ones share: their number, and their digest."""

    __slots__ = ("length",)
    length: int

    @classmethod
    def of(cls, content: bytes) -> "Blob":
        """What stands for these bytes."""
        blob = cls(f"{len(content)} bytes, digest {digest(content)}")
        blob.length = len(content)
        return blob


class Absent(Enum):
    """The type of ``ABSENT``: this side has nothing at the path, not even null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT

Value = Json | Element | Absent


class Family(StrEnum):
    """How a body is compared."""

    EMPTY = "empty"
    JSON = "json"
    XML = "xml"
    HTML = "html"
    FORM = "form"
    CSV = "csv"
    MULTIPART = "multipart"
    TEXT = "text"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Document:
    """A body made ready for comparison.

    ``charset`` is what the bytes really were in; ``misdeclared`` names what the sender had said, where that was wrong.
    """

    family: Family
    value: Value
    charset: str = "utf-8"
    misdeclared: str = ""


def local_name(expanded: str) -> str:
    """``{namespace}local`` without its namespace."""
    return expanded.rpartition("}")[2]


def is_of_schema(attribute: str) -> bool:
    """Whether an attribute speaks of the element's type, and says nothing to a caller beside that (``xsi:type``)."""
    return attribute.startswith("{http://www.w3.org/2001/XMLSchema-instance}")


def is_same(old: Value, new: Value) -> bool:
    """Whether two values that hold no list, object or element are exactly the same. Numbers compare as numbers."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, int | Decimal) and isinstance(new, int | Decimal):
        return old == new
    return type(old) is type(new) and old == new


def text_of(value: Value) -> str | None:
    """The text that rules on values read; ``None`` where there is no single value (null, lists, objects)."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
        case Element(children=()):
            return text_of(value.text) if type(value.text) is Foreign else value.text  # type: ignore[comparison-overlap]
        case Foreign():
            return text_of(value.said)
        case _:
            return None


def number_text(number: int | Decimal) -> str:
    """The one spelling that all equal numbers share; exact at any length."""
    sign, digits, exponent = Decimal(number).as_tuple()
    if not isinstance(exponent, int):
        return str(number)
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    if not kept:
        return "0"
    return f"{'-' if sign else ''}{kept}e{exponent + len(text) - len(kept)}"


XML_SPACE: Final = " \t\r\n"
"""White space as XML means it (XML 1.0, 2.3): a no-break space is text."""

SHOWN_CHARACTERS: Final = 2_000


def shown(value: Value, *, quoted: bool = False) -> str | None:
    """A value as a difference carries it: bounded text, ``None`` where this side has nothing.

    ``quoted`` puts JSON strings in quotes, for differences of type where ``"12"`` and ``12`` must look different.
    """
    match value:
        case Absent():
            return None
        case str():
            text = orjson.dumps(value, default=str).decode() if quoted and _is_encodable(value) else value
        case None:
            text = "null"
        case Element():
            text = _markup(value, quoted=quoted)
        case dict() | list():
            text = json_text(value)
        case _:
            text = text_of(value) or ""
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def json_text(value: Json) -> str:
    """Compact JSON in which every number keeps its digits."""
    match value:
        case dict():
            return "{" + ",".join(f"{json_text(name)}:{json_text(member)}" for name, member in value.items()) + "}"
        case list():
            return "[" + ",".join(json_text(element) for element in value) + "]"
        case str():
            return orjson.dumps(value).decode() if _is_encodable(value) else repr(value)
        case None:
            return "null"
        case _:
            return text_of(value) or ""


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _markup(element: Element, *, quoted: bool) -> str:
    if not element.children:
        if element.text is None:
            return "nil"
        if not element.attributes and not quoted:
            return element.text
    name = local_name(element.name)
    attributes = "".join(f' {local_name(key)}="{value}"' for key, value in element.attributes.items())
    inner = "".join(child if isinstance(child, str) else _markup(child, quoted=True) for child in element.children) or (
        element.text or ""
    )
    return f"<{name}{attributes}>{inner}</{name}>" if inner else f"<{name}{attributes}/>"
