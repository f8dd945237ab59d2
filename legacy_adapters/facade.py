"""Lets a new service answer in the caller's old protocol: SOAP, form to XML, or JSON of another shape.

What comes out is compared with the old system's answer as the caller would have seen it, so a facade only has to speak
the protocol right. Prefixes and white space are its own: comparing goes by expanded names.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from lxml import etree

from legacy_adapters import envelope
from legacy_adapters.ask import form_values, json_value, path_values, query_values
from legacy_adapters.contract import Answer, Ask, BadRequest, Call, Context, Handler, encode_json
from legacy_adapters.envelope import NotSoap, SoapFault
from legacy_adapters.soap import NIL, Wsdl
from strangler.errors import UsageError
from strangler.exchange import Request

__all__ = ["NIL", "FormRefused", "FormXmlFacade", "JsonFacade", "SoapFacade", "SoapFault"]


def client_fault(message: str) -> SoapFault:
    """The plain fault for a request that cannot be used."""
    return SoapFault("soap:Client", message)


@dataclass(frozen=True, slots=True)
class SoapFacade:
    """Speaks SOAP 1.1 document/literal to the caller, from the old system's WSDL.

    ``ask`` gets the request element's values (text as sent; nested elements as dicts; repeatable ones always as lists;
    nil as ``None``; absent ones are not in the dict) and the ``Call``. It returns the response element's values, keyed
    by local name in any order: they are rendered in the schema's order. Text, int, ``Decimal``, bool, ``date`` and
    ``datetime`` are rendered as their XSD form; a ``str`` is taken as it is; ``NIL`` is a nil element and ``None`` an
    absent one. It raises ``SoapFault`` where the old service would answer a fault. ``wsdl`` is a path or URL, where the
    old system's own is not to be used (or is gone). ``invalid`` makes the fault for a request that is not SOAP or not
    as the WSDL says, out of what is wrong with it.
    """

    operation: str
    ask: Ask
    wsdl: str | None = None
    is_answer_validated: bool = True
    invalid: Callable[[str], SoapFault] = client_fault

    def __call__(self, context: Context) -> Handler:
        """Make the handler: loads the WSDL.

        Raises:
            UsageError: neither the facade nor the old system names a WSDL, or it has no such operation.
        """
        location = self.wsdl or context.old.system.wsdl
        if location is None:
            raise UsageError(
                f"{context.operation}: its old system {context.old.name} names no wsdl; give the facade one"
            )
        wsdl = Wsdl(location, name=context.old.name, timeout_s=context.old.system.timeout_s)
        if self.operation not in wsdl.operations:
            raise UsageError(f"{location} has no operation {self.operation}; it has {', '.join(wsdl.operations)}")
        return _Soap(self, wsdl)


class _Soap:
    def __init__(self, declared: SoapFacade, wsdl: Wsdl) -> None:
        self._ask, self._wsdl, self._form = declared.ask, wsdl, wsdl.operations[declared.operation]
        self._is_validated, self._invalid = declared.is_answer_validated, declared.invalid

    async def answer(self, request: Request, call: Call) -> Answer:
        try:
            values = self._read(request)
            return self._render(await self._ask(values, call))
        except SoapFault as fault:
            body = envelope.render_fault(fault, self._wsdl.namespace)
            return Answer(fault.status, (("content-type", envelope.CONTENT_TYPE),), body)

    def _read(self, request: Request) -> Mapping[str, Any]:
        try:
            element = envelope.parse(request.body or b"")
        except NotSoap as error:
            raise self._invalid(f"The request is not SOAP: {error}") from error
        if element.tag != self._form.request:
            found = etree.QName(element).localname
            raise self._invalid(f"Expected {etree.QName(self._form.request).localname}, not {found}")
        problems = self._wsdl.schema.problems(element)
        if problems:
            raise self._invalid(f"The request is not valid: {problems[0]}")
        return self._wsdl.read(element)

    def _render(self, values: Mapping[str, Any]) -> Answer:
        element = self._wsdl.render(self._form.response, values)
        if self._is_validated:
            problems = self._wsdl.schema.problems(element)
            if problems:
                places = "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
                raise ValueError(f"the facade's answer is not as the WSDL says: {places}")
        return Answer(200, (("content-type", envelope.CONTENT_TYPE),), envelope.wrap(element))


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

    def __call__(self, context: Context) -> Handler:  # noqa: ARG002 - nothing of the context is needed
        """Make the handler."""
        return _FormXml(self)


class _FormXml:
    def __init__(self, declared: FormXmlFacade) -> None:
        self._declared = declared

    async def answer(self, request: Request, call: Call) -> Answer:
        try:
            values = await self._declared.ask(form_values(request), call)
        except FormRefused as refused:
            return refused.answer
        root = etree.Element(self._declared.root)
        _fill(root, values)
        body = etree.tostring(root, xml_declaration=True, encoding="utf-8")
        return Answer(self._declared.status, (("content-type", self._declared.content_type),), body)


def _fill(element: etree._Element, value: Any) -> None:
    if not isinstance(value, Mapping):
        element.text = _text(value)
        return
    for name, member in value.items():
        if name == "#text":
            element.text = _text(member)
        elif name.startswith("@"):
            element.set(name.removeprefix("@"), _text(member) or "")
        else:
            for item in member if isinstance(member, list | tuple) else (member,):
                _fill(etree.SubElement(element, name), item)


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat()
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class JsonFacade:
    """The caller's JSON operation served by a new JSON service of another path or shape.

    ``caller_path`` is a template of the caller's path, such as ``/health/patients/{nhs}/care-plan``; ``path`` is the
    new service's, filled from it and from the caller's query, such as ``/care-plans/{nhs}``. ``query`` maps a query
    name of the new service to the name of such a value. ``body`` turns the caller's JSON into the new service's,
    ``shape`` a successful answer's JSON (numbers with a point as ``Decimal``) into the caller's, ``status`` replaces
    a successful answer's status. ``errors`` maps a status of the new service to status and JSON for the caller; any
    other answer is passed on as it is.
    """

    caller_path: str
    path: str
    method: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[Any], Any] | None = None
    shape: Callable[[Any], Any] | None = None
    errors: Mapping[int, tuple[int, Any]] = field(default_factory=dict)
    status: int | None = None

    def __call__(self, context: Context) -> Handler:  # noqa: ARG002 - nothing of the context is needed
        """Make the handler."""
        return _Json(self)


class _Json:
    def __init__(self, declared: JsonFacade) -> None:
        self._declared = declared

    async def answer(self, request: Request, call: Call) -> Answer:
        declared = self._declared
        values = query_values(request) | path_values(declared.caller_path, request)
        document = json_value(request) if request.body else None
        if document is not None and declared.body is not None:
            document = declared.body(document)
        reply = await call.ask(
            declared.method or request.method,
            _filled(declared.path, values),
            query={name: values[source] for name, source in declared.query.items() if source in values},
            json=document,
        )
        if reply.status in declared.errors:
            status, problem = declared.errors[reply.status]
            return Answer(status, (("content-type", "application/json"),), encode_json(problem))
        kind = reply.header("content-type") or "application/octet-stream"
        if reply.status >= 300:
            return Answer(reply.status, (("content-type", kind),), reply.body)
        status = declared.status or reply.status
        if declared.shape is None or not reply.body:
            return Answer(status, (("content-type", kind),) if reply.body else (), reply.body)
        return Answer(status, (("content-type", "application/json"),), encode_json(declared.shape(reply.json())))


def _filled(template: str, values: Mapping[str, str]) -> str:
    def replace(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise BadRequest(f"the request has no {found[1]}")
        return quote(values[found[1]], safe="")

    return re.sub(r"\{(\w+)\}", replace, template)
