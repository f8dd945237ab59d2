"""Reaches an old SOAP 1.1 document/literal service, and knows its WSDL for the facades that stand in for it.

zeep loads the WSDL and renders requests. It does not judge answers: even strict it turns bad dates, bad numbers and
missing elements into ``None``. So each answer's raw Body is validated against the WSDL's own schema, and its values are
read as the text that was sent.
"""

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import zeep
import zeep.exceptions
from lxml import etree
from urllib3.exceptions import HTTPError, ReadTimeoutError
from zeep import xsd
from zeep.wsdl.bindings import Soap11Binding

from legacy_adapters import envelope
from legacy_adapters.contract import BadRequest, SystemDrifted, SystemTimeout
from legacy_adapters.envelope import NotSoap, SoapFault
from legacy_adapters.inline import OutsideReference, inlined
from legacy_adapters.schema import BodySchema, Invalid
from strangler.errors import SystemUnreachable

MOST_ANSWER_BYTES = 16 * 1024 * 1024
"""Longer answers are broken off: nothing that a person asks of a department is longer."""


class _Nil:
    def __repr__(self) -> str:
        return "NIL"


NIL = _Nil()
"""To render a present element with ``xsi:nil="true"``. ``None`` or a missing member: the element is absent."""


@dataclass(frozen=True, slots=True)
class SoapAnswer:
    """What the service said.

    ``values`` are the response element's members by local name: text as sent, nested elements as dicts, repeatable
    ones always as lists, nil as ``None``, absent ones not there. ``tolerated`` are the places that were not as the
    schema says and that the caller had said to accept.
    """

    values: dict[str, Any]
    raw: bytes
    status: int
    fault: SoapFault | None = None
    tolerated: tuple[Invalid, ...] = ()


@dataclass(frozen=True, slots=True)
class SoapOperation:
    """One operation as the WSDL binds it. ``request`` and ``response`` are names in Clark notation."""

    name: str
    action: str
    request: str
    response: str


class Wsdl:
    """A WSDL, loaded once, then only read: safe to share between threads. Loading blocks."""

    def __init__(self, location: str, *, name: str = "", timeout_s: float = 10.0) -> None:
        """Load from a URL or a path. ``name`` is the system's, for messages.

        Raises:
            SystemUnreachable: it cannot be fetched.
            SystemDrifted: it is no WSDL, refers outside of itself, or binds no SOAP 1.1 document/literal operation.
        """
        self.name = name or location
        transport = _Transport(self.name, timeout_s)
        try:
            content = inlined(transport.load(location), location, transport.load)
            self._client = _CLIENT(BytesIO(content), transport=transport, settings=_SETTINGS)
            self.schema = BodySchema(_schemas(content))
        except requests.RequestException as error:
            raise SystemUnreachable(self.name, f"its WSDL {location} cannot be loaded: {_why(error)}") from error
        except OSError as error:
            raise SystemUnreachable(self.name, f"its WSDL {location} cannot be read: {error}") from error
        except (zeep.exceptions.Error, etree.LxmlError, OutsideReference) as error:
            raise SystemDrifted(self.name, f"{location} is not a WSDL we can use: {error}") from error
        self.operations, self.address = _operations(self._client)
        if not self.operations:
            raise SystemDrifted(self.name, f"{location} binds no SOAP 1.1 document/literal operation")
        self.namespace: str = etree.QName(next(iter(self.operations.values())).request).namespace or ""
        self._members: dict[int, dict[str, tuple[Any, bool]]] = {}

    def operation(self, name: str) -> SoapOperation:
        """The named operation.

        Raises:
            BadRequest: there is none; the message lists those there are.
        """
        try:
            return self.operations[name]
        except KeyError:
            raise BadRequest(f"{self.name} has no operation {name}; it has {', '.join(self.operations)}") from None

    def render(self, element: str, values: Mapping[str, Any]) -> etree._Element:
        """The element (Clark notation) with these values, in the schema's order.

        Raises:
            ValueError: a member that the schema does not know, or one missing that it requires.
        """
        form = self._client.get_element(element)
        parent = etree.Element("parent")
        try:
            form.render(parent, form(**{name: _for_zeep(value) for name, value in values.items()}))
        except (TypeError, zeep.exceptions.Error) as error:
            raise ValueError(f"{etree.QName(element).localname}: {error}") from error
        return parent[0]

    def read(self, element: etree._Element) -> dict[str, Any]:
        """The element's members by local name, as ``SoapAnswer.values`` describes."""
        value = self._read(element, self._client.get_element(element.tag).type)
        return value if isinstance(value, dict) else {} if value in (None, "") else {"#text": value}

    def _read(self, element: etree._Element, form: Any) -> Any:
        if element.get(f"{{{envelope.XSI}}}nil") in ("true", "1"):
            return None
        members = self._members_of(form)
        attributes = {name: text for name, text in element.attrib.items() if not str(name).startswith("{")}
        if not members and not attributes:
            return envelope.plain(element)
        values: dict[str, Any] = {f"@{name!s}": text for name, text in attributes.items()}
        for child in element:
            name = etree.QName(child).localname
            child_form, is_list = members.get(name, (None, False))
            value = envelope.plain(child) if child_form is None else self._read(child, child_form)
            if is_list:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value
        if not members:
            values["#text"] = element.text or ""
        return values

    def _members_of(self, form: Any) -> dict[str, tuple[Any, bool]]:
        known = self._members.get(id(form))
        if known is None:
            known = self._members[id(form)] = {
                name: member for _, part in getattr(form, "elements_nested", ()) for name, member in _walk(part)
            }
        return known


class SoapService:
    """Calls one old SOAP service. Blocking, and safe to share between threads: each has its own HTTP session."""

    def __init__(
        self,
        wsdl_url: str,
        timeout_s: float = 10.0,
        *,
        name: str = "",
        url: str | None = None,
        fallback_encoding: str | None = None,
        tolerated: Collection[str] = (),
    ) -> None:
        """Load the WSDL (blocking: do it at start).

        Args:
            wsdl_url: where the WSDL is.
            timeout_s: longest time for one call, from connecting to the last byte.
            name: the system's name, for messages.
            url: scheme and host to call, where they are not the WSDL's. The path is the WSDL's ``soap:address``'s.
            fallback_encoding: how to read answers that call themselves UTF-8 and are not, such as ``cp1252``.
            tolerated: local names of elements whose wrong values are known and accepted as they are.

        Raises:
            SystemUnreachable: as ``Wsdl`` does.
        """
        self.wsdl = Wsdl(wsdl_url, name=name, timeout_s=timeout_s)
        self.name = self.wsdl.name
        self.address = _address(url or wsdl_url, self.wsdl.address)
        self._timeout_s = timeout_s
        self._fallback_encoding = fallback_encoding
        self._tolerated = frozenset(tolerated)
        self._threads = threading.local()

    def call(self, operation: str, /, **args: Any) -> SoapAnswer:
        """Call the operation with the request element's members.

        Returns:
            Its answer; a business fault is ``SoapAnswer.fault``, whatever the HTTP status it came with.

        Raises:
            BadRequest: no such operation, or the arguments do not fit its request.
            SystemTimeout: no whole answer within ``timeout_s``.
            SystemUnreachable: no answer, or one that is not SOAP (an HTML 503 in the batch window is no fault).
            SystemDrifted: the answer is not as the WSDL says; the message has path and line.
        """
        form = self.wsdl.operation(operation)
        try:
            body = envelope.wrap(self.wsdl.render(form.request, args))
        except ValueError as error:
            raise BadRequest(str(error)) from error
        headers = {"Content-Type": envelope.CONTENT_TYPE, "SOAPAction": f'"{form.action}"'}
        response = self._transport().post(self.address, body, headers)
        return self._judge(form, response.status_code, response.headers.get("content-type", ""), response.content)

    def _judge(self, form: SoapOperation, status: int, content_type: str, raw: bytes) -> SoapAnswer:
        try:
            element = envelope.parse(raw, self._fallback_encoding)
        except NotSoap as error:
            message = f"answered {status} with {content_type or 'no content type'}, which is not SOAP: {error}"
            kind = SystemDrifted if status == 200 and "xml" in content_type else SystemUnreachable
            raise kind(self.name, message) from error
        fault = envelope.fault_of(element)
        if fault is not None:
            fault.status = status
            return SoapAnswer({}, raw, status, fault)
        if element.tag != form.response:
            found = etree.QName(element).localname
            raise SystemDrifted(self.name, f"{form.name} answered {found}, not {etree.QName(form.response).localname}")
        problems = self.wsdl.schema.problems(element)
        drift = [problem for problem in problems if problem.name not in self._tolerated]
        if drift:
            more = f" (and {len(drift) - 1} more)" if len(drift) > 1 else ""
            raise SystemDrifted(self.name, f"{form.name} answered against its WSDL: {drift[0]}{more}")
        return SoapAnswer(self.wsdl.read(element), raw, status, tolerated=problems)

    def _transport(self) -> "_Transport":
        transport: _Transport | None = getattr(self._threads, "transport", None)
        if transport is None:
            transport = self._threads.transport = _Transport(self.name, self._timeout_s)
        return transport


class _Transport(zeep.Transport):
    """zeep's transport, bounded: one time limit for the whole call, one size limit for the answer."""

    def __init__(self, name: str, timeout_s: float) -> None:
        super().__init__(  # type: ignore[no-untyped-call] # zeep's
            timeout=timeout_s, operation_timeout=timeout_s
        )
        self.session.trust_env = False
        self._name = name

    def load(self, url: str) -> bytes:
        if urlsplit(url).scheme in ("http", "https"):
            content: bytes = super().load(url)  # type: ignore[no-untyped-call] # zeep's
        else:
            content = Path(url.removeprefix("file://")).read_bytes()
        return content

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> requests.Response:
        limit_s = float(self.operation_timeout)
        deadline = time.monotonic() + limit_s
        try:
            response = self.session.post(
                address, data=message, headers=headers, timeout=limit_s, stream=True, allow_redirects=False
            )
            with response:
                response._content = self._read(response, deadline)  # noqa: SLF001 - what `stream=True` left out
        except requests.Timeout as error:
            raise SystemTimeout(self._name, f"no answer from {address} within {limit_s:g} s") from error
        except ReadTimeoutError as error:
            raise SystemTimeout(self._name, f"no whole answer from {address} within {limit_s:g} s") from error
        except (requests.RequestException, HTTPError) as error:
            raise SystemUnreachable(self._name, f"{address}: {_why(error)}") from error
        return response

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        """The body, the time looked at after whatever arrives: a server that drips must not hold us for ever."""
        content = bytearray()
        while chunk := response.raw.read1(65536, decode_content=True):
            content += chunk
            if len(content) > MOST_ANSWER_BYTES:
                raise SystemDrifted(self._name, f"its answer is longer than {MOST_ANSWER_BYTES} bytes")
            if time.monotonic() > deadline:
                raise requests.Timeout
        return bytes(content)


_CLIENT: Any = zeep.Client  # zeep's functions have no types
_SETTINGS = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)


def _schemas(wsdl: bytes) -> list[etree._Element]:
    root = etree.fromstring(wsdl, etree.XMLParser(resolve_entities=False, no_network=True))
    return list(root.iter("{http://www.w3.org/2001/XMLSchema}schema"))


def _operations(client: Any) -> tuple[dict[str, SoapOperation], str]:
    """The first SOAP 1.1 port's document/literal operations, and its address."""
    for service in client.wsdl.services.values():
        for port in service.ports.values():
            if not isinstance(port.binding, Soap11Binding):
                continue
            binding: Any = port.binding
            found = {
                name: SoapOperation(
                    name, form.soapaction or "", form.input.body.qname.text, form.output.body.qname.text
                )
                for name, form in binding.all().items()
                if form.style == "document" and form.input.body is not None and form.output.body is not None
            }
            return found, port.binding_options.get("address") or ""
    return {}, ""


def _walk(part: Any, *, is_list: bool = False) -> Iterator[tuple[str, tuple[Any, bool]]]:
    """Pairs of local name and (type, whether it may repeat), through sequences, choices and groups."""
    repeats = is_list or bool(part.accepts_multiple)
    if isinstance(part, xsd.Element):
        yield str(part.name), (part.type, repeats)
    elif isinstance(part, xsd.Group):
        yield from _walk(part.child, is_list=repeats)
    elif isinstance(part, list):
        for child in part:
            yield from _walk(child, is_list=repeats)


def _for_zeep(value: Any) -> Any:
    if value is NIL:
        return xsd.Nil
    if isinstance(value, Mapping):
        return {name.removeprefix("@"): _for_zeep(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_for_zeep(item) for item in value]
    return value


def _address(base: str, address: str) -> str:
    """The WSDL's path at the host we were told: what a WSDL says of its own host is often wrong, or elsewhere."""
    host, path = urlsplit(base), urlsplit(address)
    return urlunsplit((host.scheme, host.netloc, path.path or "/", path.query, ""))


def _why(error: Exception) -> str:
    """The innermost cause in a few words: requests and urllib3 wrap each other's messages."""
    cause: BaseException = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment] # just tested
    return str(cause) or type(cause).__name__
