"""The console's pages, as a Starlette application over one session."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from parity_checks.mask import mask
from strangler.errors import StranglerError
from strangler.overview import Session, next_stage, parse_rollout, status_document
from strangler.serving import serve_app

_SAFE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def create_app(session: Session) -> Starlette:
    """The console of one programme. Every page reads the stores anew; nothing is changed by any of them."""
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
        exception_handlers={HTTPException: pages.not_found, StranglerError: pages.broken},
    )


async def serve_console(session: Session, host: str, port: int, *, stop: asyncio.Event) -> None:
    """Serve the console until ``stop`` is set."""
    await serve_app(create_app(session), host, port, stop=stop)


class _Pages:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._templates = Environment(
            loader=PackageLoader("strangler.console"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.filters["when"] = _when

    async def status(self, _: Request) -> Response:
        document = await run_in_threadpool(status_document, self._session)
        return self._page("status.html", title="Operations", status=document)

    async def operation(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._session.plan.operations:
            raise HTTPException(404, f"There is no operation {name} in the plan.")
        found = await run_in_threadpool(partial(_operation, self._session, name))
        return self._page("operation.html", title=name, **found)

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
        detail = error.detail if isinstance(error, HTTPException) else "There is no such page."
        return self._page("message.html", code=404, title="Page not found", message=detail)

    async def broken(self, _: Request, error: Exception) -> Response:
        return self._page("message.html", code=503, title="The stores cannot be read", message=str(error))

    def _page(self, template: str, code: int = 200, **values: object) -> HTMLResponse:
        page = self._templates.get_template(template).render(programme=self._session.plan.programme, **values)
        return HTMLResponse(page, status_code=code, headers=_SAFE_HEADERS)


def _operation(session: Session, name: str) -> dict[str, Any]:
    target = parse_rollout(session, name, next_stage(session, name))
    proposal = session.cutover.propose(name, target, "console")
    findings = [
        {
            "signature": found.signature[:10],
            "kind": found.kind,
            "path": found.general_path,
            "count": found.count,
            "inputs": found.inputs,
            "old": _masked(found.old),
            "new": _masked(found.new),
            "last_at": found.last_at,
        }
        for found in session.journal.findings(name)
    ]
    return {"name": name, "entry": session.plan.operations[name], "proposal": proposal, "findings": findings}


def _masked(value: str | None) -> str:
    return "–" if value is None else mask(value)


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %B %Y, %H:%M:%S UTC")


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")
