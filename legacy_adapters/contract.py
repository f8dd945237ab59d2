"""What the gateway asks of an adapter or a facade, and what it gives them.

A plan says ``adapter: package.module:attribute`` or ``facade: package.module:attribute``. At start the gateway imports
the module, takes the attribute and makes a handler of it:

* something with an ``answer`` method is the handler itself;
* anything else that can be called is a factory. It is called with one ``Context`` (or with nothing, where it takes no
  argument), in a thread, so it may block: load a WSDL, open a database. What it returns is the handler.

The kit's ``RecordQuery``, ``RecordUpdate``, ``SessionPassThrough``, ``SoapFacade``, ``FormXmlFacade`` and
``JsonFacade`` are such factories: frozen declarations that a module writes down once, and that know nothing of a
running system.

A handler answers with an ``Answer``. It may raise ``SystemUnreachable`` or ``SystemTimeout`` (the gateway then answers
502 or 504 and names the system) and ``BadRequest`` (400). Any other exception is a bug of ours: a 500 with an id.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, TypeVar, runtime_checkable
from urllib.parse import urlencode

import orjson

from strangler.errors import StranglerError, SystemUnreachable
from strangler.exchange import Headers, Request, header
from strangler.plan.models import Plan, System
from strangler.stages import Effect, Side

T = TypeVar("T")


class SystemTimeout(SystemUnreachable):
    """The system was reached and did not answer within its ``timeout_s``."""


class SystemDrifted(SystemUnreachable):
    """The system answered, but not as its contract says. The message names the path, the line and the complaint."""


class SystemRefused(SystemUnreachable):
    """Not asked: the system's breaker is open after too many failures, or all of its places stayed taken."""


class SystemNotNamed(StranglerError):
    """A handler asks a system that its entry in the plan does not name, so whose build the evidence would not tell."""


class BadRequest(StranglerError):
    """The caller's request lacks something or does not parse; the caller gets 400 with this message."""


def encode_json(value: object) -> bytes:
    """JSON as bytes; a ``Decimal`` keeps every digit it has, dates are ISO 8601."""
    return orjson.dumps(value, default=_exact, option=orjson.OPT_NON_STR_KEYS)


def _exact(value: object) -> object:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(f"{type(value).__name__} has no JSON form")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets. ``body`` is the whole body; the gateway sets ``content-length``."""

    status: int
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a system reached by HTTP said to us."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """The field's value, repeated fields joined with a comma; ``None`` where absent."""
        return header(self.headers, name)

    def json(self) -> Any:
        """The body as JSON, numbers with a point as ``Decimal``, so that money never becomes a float.

        Raises:
            ValueError: the body is not JSON.
        """
        return json.loads(self.body, parse_float=Decimal)


class Link(Protocol):
    """One system of the plan as handlers reach it: bounded, timed, behind a breaker. One per system and process."""

    @property
    def name(self) -> str:
        """Its name in the plan."""

    @property
    def system(self) -> System:
        """Its entry in the plan."""

    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: Headers = (),
        body: bytes | None = None,
    ) -> Reply:
        """One HTTP request to the system's URL plus ``target``; redirects are not followed, cookies not kept.

        Raises:
            SystemUnreachable: no connection, or it broke off; ``SystemTimeout``: not within ``timeout_s``;
            ``SystemRefused``: the breaker is open.
        """

    async def run(self, work: Callable[[], T]) -> T:
        """Run blocking ``work`` (a database, zeep) in the system's own bounded threads, within ``timeout_s``.

        Raises:
            SystemUnreachable: as ``work`` raised it; ``SystemTimeout``: it was not done in time, and goes on alone.
        """


@dataclass(frozen=True, slots=True)
class Context:
    """What a factory is given, once, at start.

    ``system`` is the one behind this handler. ``old`` is the operation's old system, whose protocol callers speak: a
    facade finds its WSDL there. ``links`` has, by name, the systems that it may ask: its own, and those in ``also``.
    """

    operation: str
    side: Side
    effect: Effect
    system: Link
    old: Link
    links: Mapping[str, Link]
    plan: Plan
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request's surroundings.

    ``links`` has, by name, the systems that may be asked: the handler's own, and those in the plan entry's ``also``.
    ``headers`` is what goes along to the system: exchange id, idempotency key, trace, and the role. The role
    (``x-strangler-role``) is ``asked`` where another side answers the caller and this request is a copy.
    """

    operation: str
    side: Side
    system: Link
    links: Mapping[str, Link]
    exchange_id: str | None = None
    idempotency_key: str | None = None
    headers: Headers = ()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json: object | None = None,
        form: Mapping[str, str] | None = None,
        headers: Headers = (),
        system: str | None = None,
    ) -> Reply:
        """Ask the system behind this handler (or the named one) over HTTP, with the call's headers.

        ``path`` is already percent-encoded (``urllib.parse.quote`` what comes from a caller); ``query`` and ``form``
        are encoded here; ``json`` may hold ``Decimal``, ``date`` and ``datetime``.

        Raises:
            SystemNotNamed: the plan entry does not name ``system``.
            SystemUnreachable: as ``Link.request``.
        """
        link = self.system if system is None else self._link_to(system)
        target = f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path
        body: bytes | None = None
        fields = (*self.headers, *headers)
        if json is not None:
            body, kind = encode_json(json), "application/json"
        elif form is not None:
            body, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
        if body is not None:
            fields = (*fields, ("content-type", kind))
        return await link.request(method, target, headers=fields, body=body)

    def _link_to(self, system: str) -> Link:
        if system not in self.links:
            also = ", ".join([*(name for name in self.links if name != self.system.name), system])
            raise SystemNotNamed(
                f"operations.{self.operation}.{self.side}: its code asks {system}, which the entry does not name; "
                f"write 'also: [{also}]' there, so that the evidence tells {system}'s build"
            )
        return self.links[system]


@runtime_checkable
class Handler(Protocol):
    """Answers one operation on one side. May also have ``async def close(self) -> None``, awaited at the end."""

    async def answer(self, request: Request, call: Call) -> Answer:
        """Answer the caller. ``request.target`` is the caller's own target, without the gateway's prefix."""


Factory = Callable[[Context], Handler]
"""Makes the handler for one operation and side."""

Ask = Callable[[Mapping[str, Any], Call], Awaitable[Mapping[str, Any]]]
"""What a facade's author writes: the request's values in, the answer's values out, asking the new service between."""
