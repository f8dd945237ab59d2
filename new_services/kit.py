"""The one way in which every shared service is made: routes in, a Starlette application out.

A service is a list of ``Read`` and ``Write`` routes over its own database. A route's handler is a plain function of a
transaction and a ``Call``: it returns an ``Answer`` or raises a ``Problem``. The kit does the rest: problem details
(RFC 9457, or a service's own form), idempotency keys, request limits, ``/health``, the build id on every answer, and
the service's one task in the background.
"""

import argparse
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
import uvicorn
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, MetaData
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from new_services import idempotency
from new_services.database import Database
from new_services.idempotency import Stored
from new_services.problems import Problem, invalid

BUILD_HEADER = "x-build-id"
BODY_LIMIT_BYTES = 64 * 1024
"""Largest body of an ordinary write."""
IMPORT_LIMIT_BYTES = 8 * 1024 * 1024
"""Largest body of a bulk import."""
ROLE_HEADER = "x-strangler-role"
"""Says ``asked`` where this service is asked for a copy of what another system has answered already."""

Form = TypeVar("Form", bound=BaseModel)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler is told.

    ``query`` has the last value of each name; ``now`` is in seconds since the epoch (UTC); names of ``headers`` are in
    small letters.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = b""
    now: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_copy(self) -> bool:
        """Whether another system is in charge and this is a copy for comparison: citizens must not notice it."""
        return self.headers.get(ROLE_HEADER) == "asked"

    def form(self, model: type[Form]) -> Form:
        """The JSON body in this form.

        Raises:
            Problem: it is not JSON (400), or has another form (422).
        """
        try:
            return model.model_validate(orjson.loads(self.body))
        except orjson.JSONDecodeError as error:
            raise Problem(400, "not-json", "the body is not JSON") from error
        except ValidationError as error:
            raise invalid(error) from error


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler returns: the body as JSON values, ``None`` for no body."""

    body: Any
    status: int = 200

    def stored(self) -> Stored:
        """The answer as bytes."""
        return Stored(self.status, b"" if self.body is None else orjson.dumps(self.body))


Handle = Callable[[Connection, Call], Answer]
Refuse = Callable[[Problem, Mapping[str, str] | None], Response]
"""How a service says no: the problem, and headers that must be on the answer."""
Background = Callable[[Database], AbstractAsyncContextManager[None]]
"""What a service does beside answering: runs from the context's beginning to its end, and owns its tasks."""


@dataclass(frozen=True, slots=True)
class Read:
    """A GET route."""

    path: str
    handle: Handle


@dataclass(frozen=True, slots=True)
class Write:
    """A route that changes something. ``is_bulk`` allows a large body, and keeps it off the event loop."""

    method: str
    path: str
    handle: Handle
    is_bulk: bool = False

    @property
    def limit_bytes(self) -> int:
        """Largest body taken."""
        return IMPORT_LIMIT_BYTES if self.is_bulk else BODY_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class Service:
    """One shared service, before it has a database or a build.

    ``refuse`` gives problems another form than RFC 9457; ``counts`` adds the service's own numbers to ``/health``.
    """

    name: str
    metadata: MetaData
    routes: Sequence[Read | Write] = field(default_factory=tuple)
    refuse: Refuse = Problem.response
    counts: Callable[[Connection], Mapping[str, Any]] | None = None


def create_app(
    service: Service,
    build: str,
    database_url: str,
    *,
    clock: Callable[[], float] = time.time,
    background: Background | None = None,
) -> Starlette:
    """Make the service's application.

    Args:
        service: its routes and tables.
        build: what runs, for the build header.
        database_url: an SQLAlchemy URL; missing tables are created.
        clock: seconds since the epoch.
        background: runs while the application does; it needs a server that speaks the lifespan protocol.
    """
    database = Database(database_url, service.metadata)
    idempotency.prepare(database, clock())

    async def on_problem(_request: Request, error: Exception) -> Response:
        return service.refuse(error, None) if isinstance(error, Problem) else _crashed(error, service.refuse, build)

    async def on_http_error(_request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        slug = {404: "no-such-path", 405: "method-not-allowed"}.get(error.status_code, "http-error")
        return service.refuse(Problem(error.status_code, slug, str(error.detail)), error.headers)

    async def health(_request: Request) -> Response:
        with database.reading() as connection:
            connection.exec_driver_sql("SELECT 1")
            counts = service.counts(connection) if service.counts is not None else {}
        return _json(Answer({"status": "up", "service": service.name, "build": build, **counts}).stored())

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if background is None:
            yield
        else:
            async with background(database):
                yield

    app = Starlette(
        routes=[Route("/health", health), *(_route(one, database, clock) for one in service.routes)],
        middleware=[Middleware(_BuildHeader, build=build)],
        exception_handlers={Problem: on_problem, HTTPException: on_http_error, Exception: on_problem},
        lifespan=lifespan,
    )
    app.state.database = database
    return app


def _route(route: Read | Write, database: Database, clock: Callable[[], float]) -> Route:
    """Join one route to the database.

    An indexed statement in SQLite takes tens of microseconds and the transaction of a write well under a millisecond,
    less than handing the work to another thread and back: it runs on the event loop, where it also needs no lock. A
    bulk import, or a database on the network, would keep others waiting and goes to a thread.
    """

    def read(call: Call) -> Stored:
        with database.reading() as connection:
            return route.handle(connection, call).stored()

    def write(call: Call, method: str, path: str, key: str | None) -> Stored:
        if key is None:
            with database.writing() as connection:
                return route.handle(connection, call).stored()
        digest = idempotency.request_digest(method, path, call.body)
        return idempotency.write_once(
            database, key, digest, call.now, lambda connection: route.handle(connection, call).stored()
        )

    async def endpoint(request: Request) -> Response:
        if isinstance(route, Read):
            call = Call(request.path_params, request.query_params, now=clock(), headers=request.headers)
            stored = await _run(database.is_embedded, read, call)
        else:
            body = await _body(request, route.limit_bytes)
            call = Call(request.path_params, request.query_params, body, clock(), request.headers)
            key = request.headers.get(idempotency.HEADER)
            is_quick = database.is_embedded and not route.is_bulk
            stored = await _run(is_quick, write, call, request.method, request.url.path, key)
        return _json(stored)

    return Route(route.path, endpoint, methods=["GET" if isinstance(route, Read) else route.method])


async def _run(is_quick: bool, work: Callable[..., Stored], *arguments: Any) -> Stored:
    """On the event loop where it is quick, else in a thread."""
    return work(*arguments) if is_quick else await run_in_threadpool(work, *arguments)


async def _body(request: Request, limit_bytes: int) -> bytes:
    """The whole body, JSON and within the limit.

    Raises:
        Problem: another media type (415), or too large (413), as soon as that is known.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(415, "media-type", "send application/json")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            raise Problem(413, "body-too-large", f"the body may have at most {limit_bytes} bytes")
        parts.append(part)
    return b"".join(parts)


def _json(stored: Stored) -> Response:
    media_type = "application/json" if stored.body else None
    return Response(stored.body, stored.status, media_type=media_type)


def _crashed(error: Exception, refuse: Refuse, build: str) -> Response:
    """Answer for a fault of ours. Starlette sends it outside of all middleware, so it names the build itself."""
    _log.error("a request failed: %s", type(error).__name__)
    return refuse(Problem(500, "internal-error", "the service failed; it has been logged"), {BUILD_HEADER: build})


class _BuildHeader:
    """Puts the build id on every answer."""

    def __init__(self, app: ASGIApp, build: str) -> None:
        self._app = app
        self._field = (BUILD_HEADER.encode(), build.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_build(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], self._field]
            await send(message)

        await self._app(scope, receive, send_with_build)


def run(app: Callable[[Scope, Receive, Send], Awaitable[None]], port: int, host: str = "127.0.0.1") -> None:
    """Serve the application until SIGTERM or Ctrl-C, with limits on connections and idle time."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        loop="auto",  # uvloop where it is installed
        log_level="warning",
        access_log=False,
        limit_concurrency=512,
        backlog=1024,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )


def main(service: Service, description: str, arguments: Sequence[str] | None = None) -> None:
    """Run one service: ``python -m new_services.<name> --port P --database URL [--build ID]``."""
    options = arguments_for(service.name, description).parse_args(arguments)
    run(create_app(service, options.build, options.database), options.port, options.host)


def arguments_for(name: str, description: str) -> argparse.ArgumentParser:
    """The options that every service takes."""
    parser = argparse.ArgumentParser(prog=f"python -m new_services.{name}", description=description)
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--database", required=True, help="SQLAlchemy URL, such as sqlite:///records.db")
    parser.add_argument("--build", default="dev", help="the build id that every answer carries")
    return parser
