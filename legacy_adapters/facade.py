"""Lets a new service answer in the caller's old protocol: SOAP, form to XML, or JSON of another shape."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from legacy_adapters.contract import Answer, Ask, Context, Handler


@dataclass(frozen=True, slots=True)
class _Nil:
    """A present element with ``xsi:nil="true"``."""


NIL = _Nil()
"""In a ``SoapFacade`` answer: the element is there, and nil. ``None`` or a missing member: the element is absent."""


class SoapFault(Exception):
    """Raised by a facade's author: the caller gets this SOAP fault.

    ``code`` is ``soap:Client`` or ``soap:Server``; ``detail`` is one element ``{name: text or members}``, put into the
    service's target namespace; ``status`` is 500 (SOAP 1.1 section 6.2) unless the old service answers faults with 200.
    """

    def __init__(self, code: str, message: str, detail: Mapping[str, Any] | None = None, *, status: int = 500) -> None:
        self.code, self.message, self.detail, self.status = code, message, detail, status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class SoapFacade:
    """Speaks SOAP 1.1 document/literal to the caller, from the old system's WSDL.

    ``ask`` gets the request element's values (text as sent; nested elements as dicts; repeatable ones always as lists;
    nil as ``None``; absent ones are not in the dict) and the ``Call``. It returns the response element's values, keyed
    by local name in any order: they are rendered in the schema's order. Text, int, ``Decimal``, bool, ``date`` and
    ``datetime`` are rendered as their XSD form; a ``str`` is taken as it is. ``wsdl`` is a path or URL, where the old
    system's own is not to be used (or is gone).
    """

    operation: str
    ask: Ask
    wsdl: str | None = None
    is_answer_validated: bool = True

    def __call__(self, context: Context) -> Handler:
        """Make the handler: loads the WSDL."""
        raise NotImplementedError


class FormRefused(Exception):
    """Raised by a form facade's author: the caller gets this answer (an HTML error page, as the old system would)."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(f"answered with {answer.status}")


@dataclass(frozen=True, slots=True)
class FormXmlFacade:
    """Form fields in, an XML document out.

    ``ask`` gets the form (first value of each field) and returns what the root element holds, in order: text,
    numbers, dates; a mapping is a nested element (``@name`` an attribute, ``#text`` its text); a list repeats the
    element; ``None`` is an empty element.
    """

    root: str
    ask: Ask
    status: int = 200
    content_type: str = "text/xml; charset=utf-8"

    def __call__(self, context: Context) -> Handler:
        """Make the handler."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class JsonFacade:
    """The caller's JSON operation served by a new JSON service of another path or shape.

    ``caller_path`` is a template of the caller's path, such as ``/health/patients/{nhs}/care-plan``; ``path`` is the
    new service's, filled from it and from the caller's query, such as ``/care-plans/{nhs}``. ``query`` maps the new
    service's query names to those same names. ``body`` turns the caller's JSON into the new service's, ``shape`` a
    successful answer's JSON into the caller's. ``errors`` maps a status of the new service to the whole answer;
    any other status is passed on as it is.
    """

    caller_path: str
    path: str
    method: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[Any], Any] | None = None
    shape: Callable[[Any], Any] | None = None
    errors: Mapping[int, tuple[int, Any]] = field(default_factory=dict)
    status: int | None = None

    def __call__(self, context: Context) -> Handler:
        """Make the handler."""
        raise NotImplementedError
