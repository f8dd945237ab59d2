"""What the gateway does with a request: find its handler, give it a ``Call``, turn what goes wrong into a problem."""

import asyncio
import json
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog

from legacy_adapters.contract import (
    Answer,
    BadRequest,
    Call,
    Handler,
    Link,
    Reply,
    SystemDrifted,
    SystemNotNamed,
    SystemRefused,
    SystemTimeout,
)
from legacy_adapters.links import SystemLink, named_by, open_links
from legacy_adapters.resolve import Declared, context_for, declared_in
from strangler.builds import GATEWAY_HEADER, UNKNOWN, build_source, joined
from strangler.errors import SystemUnreachable, UsageError
from strangler.exchange import Headers, Observation, Request
from strangler.plan.addresses import target_of
from strangler.plan.models import Plan
from strangler.stages import Effect, Side

RETRY_S = 1.0
"""How often a handler that could not be made (its system was down at start) is tried again, in seconds."""

_log = structlog.get_logger("gateway")


class _Place:
    """One declared handler, made at start, or on a later request if its system was not there at start."""

    def __init__(
        self, declared: Declared, plan: Plan, links: Mapping[str, SystemLink], environ: Mapping[str, str]
    ) -> None:
        self.declared = declared
        self.entry = plan.operations[declared.operation]
        target = target_of(self.entry, declared.side)
        self.link = links[target.system]
        self.further = tuple(links[name] for name in target.also)
        self.build_header = build_source(plan, target).header or GATEWAY_HEADER
        self._context = context_for(plan, declared, links, environ)
        self._handler: Handler | None = None
        self._reason: SystemUnreachable | None = None
        self._tried_at = 0.0
        self._making = asyncio.Lock()

    async def handler(self) -> Handler:
        async with self._making:
            if self._handler is not None:
                return self._handler
            if self._reason is not None and time.monotonic() - self._tried_at < RETRY_S:
                raise self._reason
            try:
                self._handler = await asyncio.to_thread(self.declared.factory, self._context)
            except SystemUnreachable as error:
                self._reason, self._tried_at = error, time.monotonic()
                raise
            return self._handler

    async def start(self) -> None:
        try:
            handler = await self.handler()
        except SystemUnreachable as error:
            _log.warning("started without a system", operation=self.declared.operation, reason=str(error))
            return
        if not isinstance(handler, Handler):
            raise UsageError(
                f"{self.declared.operation}: {self.declared.reference} made a {type(handler).__name__}, "
                "which has no 'async def answer(request, call)'"
            )

    async def close(self) -> None:
        close = getattr(self._handler, "close", None)
        if close is not None:
            await close()

    async def build_from(self, told: str | None, heard: Mapping[str, "_Heard"], *, has_failed: bool) -> str | None:
        """The build as evidence names it: the system's own, those of the further systems, and our code in between.

        ``None`` where the answer failed and one of them is not known: it tells nothing then, and what was seen before
        still holds.
        """
        build = told or await self.link.build_now()
        if build is None and has_failed:
            return None
        further = {link.name: heard[link.name].named or await link.build_now() for link in self.further}
        if has_failed and None in further.values():
            return None
        return self.joined(build or self.link.system.build or UNKNOWN, further)

    def joined(self, own: str, further: Mapping[str, str | None]) -> str:
        """One name for all that runs on this side."""
        return joined(own, {name: build or UNKNOWN for name, build in further.items()}, self.declared.digest)


class _Heard:
    """A link that remembers the build which the last reply named."""

    def __init__(self, link: SystemLink) -> None:
        self._link = link
        self.name, self.system, self.run = link.name, link.system, link.run
        self.build: str | None = None
        self.named: str | None = None

    async def request(self, method: str, target: str, *, headers: Headers = (), body: bytes | None = None) -> Reply:
        reply = await self._link.request(method, target, headers=headers, body=body)
        if self.system.build_header is not None:
            self.build = reply.header(self.system.build_header) or self.build
        self.named = named_by(reply, self._link.source) or self.named
        return reply


class Gateway:
    """The handlers of one plan, over one set of links."""

    def __init__(self, plan: Plan, links: Mapping[str, SystemLink], environ: Mapping[str, str]) -> None:
        """Import every reference.

        Raises:
            PlanError: with every reference that cannot be used.
        """
        self.plan, self.links = plan, links
        places = [_Place(declared, plan, links, environ) for declared in declared_in(plan)]
        self._places = {(str(place.declared.side), place.declared.operation): place for place in places}

    async def start(self) -> None:
        """Make the handlers, all at once; a system that is down is told in the log and tried again later."""
        places = self._places.values()
        links = {link for place in places for link in (place.link, *place.further)}
        await asyncio.gather(*(place.start() for place in places), *(link.probe() for link in links))

    async def close(self) -> None:
        """Let every handler close what it holds."""
        for place in self._places.values():
            await place.close()

    async def answer(self, side: str, operation: str, request: Request) -> Answer:
        """The handler's answer, or the problem that stands for it."""
        place = self._places.get((side, operation))
        if place is None:
            known = operation in self.plan.operations
            detail = f"its {side} side is reached directly" if known else "the plan has no such operation"
            return problem(404, "Not served here", f"{operation}: {detail}")
        heard = {link.name: _Heard(link) for link in (place.link, *place.further)}
        try:
            async with asyncio.timeout(3 * place.link.system.timeout_s):
                handler = await place.handler()
                answer = await handler.answer(request, self._call(place, request, heard))
        except Exception as error:  # noqa: BLE001 - the last line before the caller: every error has an answer
            answer = _problem_for(error, place)
        return await _with_build(answer, place, heard)

    def _call(self, place: _Place, request: Request, links: Mapping[str, Link]) -> Call:
        declared, writes = place.declared, place.entry.writes
        exchange_id = request.header("x-strangler-exchange")
        key_header = writes.idempotency_header if writes is not None else None
        key = request.header(key_header) if key_header is not None else None
        headers: Headers = ()
        if declared.side is Side.NEW:
            key = key or (exchange_id if place.entry.effect is Effect.WRITE else None)
            said = (
                ("x-strangler-exchange", exchange_id),
                ("x-strangler-role", request.header("x-strangler-role")),
                (key_header or "idempotency-key", key),
            )
            headers = tuple((name, value) for name, value in said if value is not None)
        trace = tuple((name, value) for name, value in request.headers if name.lower() in ("traceparent", "tracestate"))
        own = links[place.link.name]
        return Call(declared.operation, declared.side, own, links, exchange_id, key, (*headers, *trace))

    async def builds(self) -> dict[str, dict[str, str | None]]:
        """For each operation the build that runs on either side now, as answers through this gateway name it."""
        probes = [link.probe() for link in self.links.values()]
        probed = dict(zip(self.links, await asyncio.gather(*probes), strict=True))
        return {
            operation: {str(side): await self._build(operation, side, probed) for side in Side}
            for operation in self.plan.operations
        }

    async def _build(self, operation: str, side: Side, probed: Mapping[str, str | None]) -> str | None:
        own = probed[target_of(self.plan.operations[operation], side).system]
        place = self._places.get((str(side), operation))
        if place is None or own is None:
            return own
        return place.joined(own, {link.name: probed[link.name] or await link.build_now() for link in place.further})


async def _with_build(answer: Answer, place: _Place, heard: Mapping[str, _Heard]) -> Answer:
    name = place.build_header
    own = next((value for field, value in answer.headers if field.lower() == name.lower()), None)
    has_failed = Observation(place.declared.side, answer.status, body=answer.body).has_failed
    build = await place.build_from(own or heard[place.link.name].build, heard, has_failed=has_failed)
    kept = tuple(field for field in answer.headers if field[0].lower() != name.lower())
    return answer if build is None else Answer(answer.status, (*kept, (name, build)), answer.body)


def problem(status: int, title: str, detail: str, **members: str) -> Answer:
    """A problem document (RFC 9457)."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return Answer(status, (("content-type", "application/problem+json"),), json.dumps(document).encode())


def _problem_for(error: Exception, place: _Place) -> Answer:
    operation, system = place.declared.operation, place.link.name
    status, title, detail = _told(error, system)
    if isinstance(error, SystemNotNamed):
        _log.error("a handler asks a system that its plan entry does not name", operation=operation, reason=detail)
        return problem(status, title, detail, operation=operation)
    if status == 500:
        incident = uuid.uuid4().hex[:12]
        side = str(place.declared.side)
        # Formatted here: a log renderer might add every frame's variables, and those are a caller's data.
        trace = "".join(traceback.format_exception(error))
        _log.error("a handler failed", incident=incident, operation=operation, side=side, exception=trace)
        detail = f"{place.declared.reference} failed; the gateway's log tells why under this incident"
        return problem(500, title, detail, operation=operation, incident=incident)
    if status == 400:
        return problem(400, title, detail, operation=operation)
    named = error.system if isinstance(error, SystemUnreachable) else system
    return problem(status, title, detail, system=named, operation=operation)


def _told(error: Exception, system: str) -> tuple[int, str, str]:
    """Status, title and detail for the caller."""
    told = (500, "Adapter failed", "")
    match error:
        case BadRequest():
            told = (400, "Bad request", str(error))
        case SystemNotNamed():
            told = (500, "System not named in the plan", str(error))
        case SystemRefused():
            told = (503, "System not asked", str(error))
        case SystemTimeout():
            told = (504, "System too slow", str(error))
        case SystemDrifted():
            told = (502, "System answered against its contract", str(error))
        case SystemUnreachable():
            told = (502, "System unreachable", str(error))
        case TimeoutError():
            told = (504, "System too slow", f"{system}: no answer in time")
        case json.JSONDecodeError():
            told = (502, "System answered against its contract", f"{system}: its answer is not JSON")
    return told


@asynccontextmanager
async def open_gateway(plan: Plan, environ: Mapping[str, str]) -> AsyncIterator[Gateway]:
    """A started gateway, closed at the end."""
    async with open_links(plan) as links:
        gateway = Gateway(plan, links, environ)
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.close()
