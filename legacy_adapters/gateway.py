"""The gateway: serves every adapter and facade of a plan as a plain HTTP upstream.

::

    engine or worker ─► /{side}/{operation}/{the caller's own path} ─► handler ─► link ─► system

Also ``/-/health``, and ``/-/builds``: for each operation what runs on either side now.

What goes wrong is a problem document (RFC 9457) that names the system: 502 unreachable, 504 not in time, 503 not asked
(breaker, or no free place), 404 no such operation, 413 too long, 400 a bad request, 500 a bug of ours, told by an id
that is in the log, or in full where a handler asks a system that its plan entry does not name. No stack trace and no
value of a caller's goes out.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from legacy_adapters.contract import Answer
from legacy_adapters.handlers import open_gateway, problem
from legacy_adapters.reloading import Reloading
from strangler.exchange import Request
from strangler.plan.models import Plan
from strangler.serving import serve_app

MOST_REQUEST_BYTES = 16 * 1024 * 1024
"""Longer requests get 413: a handler holds its request in memory."""

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade", "content-length", "content-encoding",
})  # fmt: skip


class Serves(Protocol):
    """What the routes need: one gateway, or one that follows the plan."""

    async def answer(self, side: str, operation: str, request: Request) -> Answer:
        """The handler's answer, or the problem that stands for it."""

    async def builds(self) -> dict[str, dict[str, str | None]]:
        """For each operation the build that runs on either side now."""


def create_app(
    plan: Plan,
    environ: Mapping[str, str] | None = None,
    *,
    most_request_bytes: int = MOST_REQUEST_BYTES,
) -> Starlette:
    """The ASGI application; its lifespan opens and closes everything.

    Args:
        plan: the plan whose adapters and facades are served.
        environ: what adapters may take settings and secrets from.
        most_request_bytes: longer requests get 413.

    Raises:
        PlanError: (when it starts) with every reference that cannot be used.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_gateway(plan, environ or {}) as gateway:
            app.state.gateway = gateway
            yield

    return Starlette(routes=_routes(most_request_bytes), lifespan=lifespan)


def _routes(most_request_bytes: int) -> list[Route]:
    async def serve(request: HttpRequest) -> Response:
        gateway: Serves = request.app.state.gateway
        body = await _body(request, most_request_bytes)
        side, operation = request.path_params["side"], request.path_params["operation"]
        if body is None:
            return _response(problem(413, "Request too long", f"at most {most_request_bytes} bytes are taken"))
        return _response(await gateway.answer(side, operation, _request(request, side, operation, body)))

    async def health(_request: HttpRequest) -> Response:
        return JSONResponse({"status": "up"})

    async def builds(request: HttpRequest) -> Response:
        return JSONResponse(await request.app.state.gateway.builds())

    return [
        Route("/-/health", health),
        Route("/-/builds", builds),
        Route("/{side}/{operation}", serve, methods=_METHODS),
        Route("/{side}/{operation}/{rest:path}", serve, methods=_METHODS),
    ]


async def _body(request: HttpRequest, most_bytes: int) -> bytes | None:
    """The body; ``None`` where it is longer than allowed."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most_bytes:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            return None
    return bytes(body)


def _request(request: HttpRequest, side: str, operation: str, body: bytes) -> Request:
    """The caller's own request: the path without the gateway's prefix, byte for byte."""
    raw = request.scope.get("raw_path") or request.url.path.encode()
    target = raw.partition(b"?")[0].decode("latin-1").removeprefix(f"/{side}/{operation}") or "/"
    query = request.scope["query_string"].decode("latin-1")
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.headers.raw
        if name.decode("latin-1") not in _HOP_BY_HOP
    )
    return Request(request.method, f"{target}?{query}" if query else target, headers, body, len(body))


def _response(answer: Answer) -> Response:
    response = Response(answer.body, status_code=answer.status)
    kept = [(name, value) for name, value in answer.headers if name.lower() not in _HOP_BY_HOP]
    length = [] if answer.status == 204 else [("content-length", str(len(answer.body)))]
    response.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in kept + length]
    return response


async def serve_gateway(
    load: Callable[[], Plan],
    *,
    port: int,
    host: str = "127.0.0.1",
    environ: Callable[[], Mapping[str, str]] = dict,
    changed: Callable[[], Any] = lambda: None,
    stop: asyncio.Event,
    every_s: float = 0.25,
) -> None:
    """Serve until ``stop`` is set, then finish what is under way.

    ``changed`` is asked every ``every_s`` seconds; when it returns something else than before, the plan is loaded again
    and its handlers take over without a dropped connection. A plan that does not load leaves those there are.

    Raises:
        PlanError: the first plan does not load, or a reference cannot be used.
    """
    async with Reloading(load, environ, changed, every_s).run() as current:
        app = Starlette(routes=_routes(MOST_REQUEST_BYTES))
        app.state.gateway = current
        await serve_app(app, host, port, stop=stop)
