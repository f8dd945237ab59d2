"""The console's pages, as a Starlette application over one session."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parity_checks.mask import mask_at
from strangler.errors import PlanError, StranglerError
from strangler.overview import Session, next_stage, parse_rollout, schedule_document, status_document
from strangler.plan.rule_paths import parse_path
from strangler.serving import serve_app

_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_SAFE_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_MOST_CHARACTERS = 200
LOCAL = ("127.0.0.1", "localhost")
"""Names by which a browser on this machine calls it; under any other a page elsewhere could read it (rebinding)."""


def create_app(session: Session, *, hosts: Sequence[str] = LOCAL) -> Starlette:
    """The console of one programme. Every page reads the stores anew; nothing is changed by any of them.

    Args:
        session: the programme.
        hosts: host names it answers to; ``*`` is any.
    """
    pages = _Pages(session)
    static = Path(__file__).with_name("static")
    return Starlette(
        routes=[
            Route("/", pages.status),
            Route("/operations/{name}", pages.operation),
            Route("/ledger", pages.ledger),
            Route("/health", _health),
            Mount("/static", StaticFiles(directory=static)),
        ],
        exception_handlers={404: pages.not_found, StranglerError: pages.broken},
        middleware=[Middleware(_SafeHeaders), Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


async def serve_console(session: Session, host: str, port: int, *, stop: asyncio.Event) -> None:
    """Serve the console until ``stop`` is set. Where it listens on every address, it answers to every name."""
    hosts = ("*",) if host in ("0.0.0.0", "::") else (*LOCAL, host)  # noqa: S104  compared, not bound
    await serve_app(create_app(session, hosts=hosts), host, port, stop=stop)


class _SafeHeaders:
    """Puts the safe headers on every answer, whoever made it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SAFE_HEADERS)
            await send(message)

        await self._app(scope, receive, send_safely)


class _Pages:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._stamp: tuple[int, int] | None = None
        self._templates = Environment(
            loader=PackageLoader("strangler.console"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.filters["when"] = _when

    async def status(self, _: Request) -> Response:
        document = await run_in_threadpool(lambda: status_document(self._present()))
        return self._page("status.html", title="Operations", status=document)

    async def operation(self, request: Request) -> Response:
        name = request.path_params["name"]
        session = await run_in_threadpool(self._present)
        if name not in session.plan.operations:
            raise HTTPException(404, f"There is no operation {name} in the plan.")
        found = await run_in_threadpool(partial(_operation, session, name))
        return self._page("operation.html", title=name, **found)

    def _present(self) -> Session:
        """The session under the plan as it is now; one that no longer loads leaves the plan before it in force."""
        stamp = _stamp(self._session.plan_path)
        if stamp != self._stamp:
            self._stamp = stamp
            with suppress(PlanError):
                self._session = self._session.renewed()
        return self._session

    async def ledger(self, _: Request) -> Response:
        entries = await run_in_threadpool(self._session.ledger.entries)
        shown = [
            {
                "seq": entry.seq,
                "at": entry.at,
                "kind": entry.kind,
                "who": entry.who,
                "hash": entry.hash[:16],
                "body": orjson.dumps(entry.body, option=orjson.OPT_INDENT_2).decode(),
            }
            for entry in reversed(entries)
        ]
        return self._page("ledger.html", title="Ledger", entries=shown)

    async def not_found(self, _: Request, error: Exception) -> Response:
        told = error.detail if isinstance(error, HTTPException) else "Not Found"
        detail = "There is no such page." if told == "Not Found" else told
        return self._page("message.html", code=404, title="Page not found", message=detail)

    async def broken(self, _: Request, error: Exception) -> Response:
        return self._page("message.html", code=503, title="The stores cannot be read", message=str(error))

    def _page(self, template: str, code: int = 200, **values: object) -> HTMLResponse:
        page = self._templates.get_template(template).render(programme=self._session.plan.programme, **values)
        return HTMLResponse(page, status_code=code)


def _operation(session: Session, name: str) -> dict[str, Any]:
    target = parse_rollout(session, name, next_stage(session, name))
    proposal = session.cutover.propose(name, target, None)
    present = session.cutover.evidence(name).fingerprint
    show = [parse_path(path) for path in session.plan.operations[name].compare.show]
    findings = [
        {
            "signature": found.signature[:10],
            "kind": found.kind,
            "path": found.general_path,
            "count": found.count,
            "inputs": found.inputs,
            "old": _shown(mask_at(found.old, found.general_path, show)),
            "new": _shown(mask_at(found.new, found.general_path, show)),
            "is_present": found.fingerprint == present,
            "last_at": found.last_at,
        }
        for found in session.journal.findings(name)
    ]
    overridden = [str(one) for one in session.cutover.overridden(name)]
    entry = session.plan.operations[name]
    found = {"entry": entry, "proposal": proposal, "findings": findings, "overridden": overridden}
    return {"name": name, **found, "schedule": schedule_document(session, name, time.time())}


def _shown(value: str | None) -> str:
    """The masked value, cut where it is long; a dash for nothing."""
    if value is None:
        return "–"
    return value if len(value) <= _MOST_CHARACTERS else value[:_MOST_CHARACTERS] + "…"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %B %Y, %H:%M:%S UTC")


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when the file does; ``None`` where there is none."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    return seen.st_mtime_ns, seen.st_ino


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")
