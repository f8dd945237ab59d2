"""``strangler up``: the estate of ``processes.yaml`` and our own processes, under one supervisor."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from strangler.cli.session import DEFAULT_PLAN, PlanOption, StateOption, console
from strangler.cli.supervisor import PrefixedLog, ProcessSpec, Ready, Supervisor, load_processes, supervise
from strangler.overview import state_folder
from strangler.state import StateFolder


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command(rich_help_panel="Run")(up)


def up(
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    processes: Annotated[
        Path | None, typer.Option("--processes", help="What to start; processes.yaml beside the plan if not given.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="The proxy's port; a free one if not given.")] = None,
    console_port: Annotated[int | None, typer.Option("--console-port", help="The console's port.")] = None,
) -> None:
    """Run everything on this machine: the systems of processes.yaml, gateway, engine, worker, guard, console.

    Ctrl-C stops all of it; nothing is left running.
    """
    folder = state_folder(plan, state)
    file = processes or plan.resolve().parent / "processes.yaml"
    estate = load_processes(file).specs() if processes or file.exists() else ()
    specs = [
        *estate,
        *own_processes(plan, folder, after=[spec.name for spec in estate], port=port, console_port=console_port),
    ]
    log = PrefixedLog(spec.name for spec in specs)
    supervisor = Supervisor(specs, state=folder.path, environment=dict(os.environ), log=log)

    async def say_where() -> None:
        addresses = supervisor.environment
        console.print(f"\n[bold green]up[/]: callers talk to [bold]{addresses['PROXY_URL']}[/]")
        console.print(f"    console {addresses['CONSOLE_URL']}; strangler status; Ctrl-C stops everything\n")

    raise typer.Exit(asyncio.run(supervise(supervisor, lock=folder.lock("up"), once_up=say_where)))


def own_processes(
    plan: Path, state: StateFolder, *, after: Sequence[str], port: int | None = None, console_port: int | None = None
) -> tuple[ProcessSpec, ...]:
    """Our own processes; they start after the named ones, and share the plan and the state folder.

    None is ever given up, and the proxy's callers need none of the others: while one does not come up, the proxy runs.
    """
    options = ("--plan", str(plan.resolve()), "--state", str(state.path))

    def ours(name: str, verb: str, after: Sequence[str], ready: Ready | None, **fields: Any) -> ProcessSpec:
        listen = ("--port", "{port}") if ready is not None else ()
        command = ("{python}", "-m", "strangler", verb, *listen, *options)
        fields = {"restarts": None, "optional": name != "proxy", **fields}
        return ProcessSpec(name=name, command=command, after=tuple(after), ready=ready, **fields)

    local = "http://127.0.0.1:{port}"
    return (
        ours("gateway", "gateway", after, Ready(http="/-/health"), provides={"GATEWAY_URL": local}),
        ours("proxy", "serve", ["gateway"], Ready(tcp=True), provides={"PROXY_URL": local}, port=port),
        ours("worker", "worker", ["gateway"], None, stop_s=15.0),
        ours("guard", "guard", ["gateway"], None),
        ours(
            "console", "console", ["gateway"], Ready(http="/health"), provides={"CONSOLE_URL": local}, port=console_port
        ),
    )
