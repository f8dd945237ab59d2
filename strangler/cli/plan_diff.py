"""``strangler plan diff``: which recorded requests would go elsewhere under another plan."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from proxy.decide import Table, compile_table
from proxy.decide.differing import Route, elsewhere
from strangler.cli.session import JsonOption, StateOption, console, open_session, print_json
from strangler.exchange import Request
from strangler.overview.session import environment, held_operations
from strangler.plan import load_plan

_NOTHING_RECORDED = 3


@dataclass(frozen=True, slots=True)
class Moved:
    """Requests that would go from one place to another; ``example`` is an exchange's id, ``method`` is its own."""

    before: Route
    after: Route
    count: int
    example: str
    method: str


def moved(before: Table, after: Table, requests: Iterable[tuple[str, Request]]) -> tuple[int, list[Moved]]:
    """How many requests there were, and which would go elsewhere, most frequent first."""
    counts: Counter[tuple[Route, Route]] = Counter()
    examples: dict[tuple[Route, Route], tuple[str, str]] = {}
    total = 0
    for exchange_id, request in requests:
        total += 1
        routes = elsewhere(before, after, request)
        if routes is not None:
            counts[routes] += 1
            examples.setdefault(routes, (exchange_id, request.method))
    found = [Moved(*routes, count, *examples[routes]) for routes, count in counts.most_common()]
    return total, found


def diff(
    before: Annotated[Path, typer.Argument(help="The plan in force.")],
    after: Annotated[Path, typer.Argument(help="The plan that is thought of.")],
    since_h: Annotated[float, typer.Option("--since-h", min=0, help="How far back, in hours; 0 is everything.")] = 0.0,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most recorded requests, newest first.")] = 100_000,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which recorded requests would go elsewhere under another plan, at the present rollouts.

    Exit code 0 where none would, 1 where some would, 3 where nothing was recorded.
    """
    session = open_session(before, state)
    rollouts, held = session.cutover.rollouts(), held_operations(session)
    other = load_plan(after, environment(session.state)).plan
    one = compile_table(session.plan, rollouts, held)
    two = compile_table(other, {name: rollout for name, rollout in rollouts.items() if name in other.operations}, held)
    since = time.time() - since_h * 3600 if since_h else 0.0
    total, found = moved(one, two, _shown(session.journal.recorded(since, limit), quiet=as_json))
    if as_json:
        print_json(
            {"requests": total, "elsewhere": sum(one.count for one in found), "moved": [_plain(m) for m in found]}
        )
    elif not total:
        console.print("nothing was recorded in this time; traffic through the engine is what a plan is held against")
    else:
        _tell(total, found)
    raise typer.Exit(_NOTHING_RECORDED if not total else 1 if found else 0)


def _plain(one: Moved) -> dict[str, object]:
    return asdict(one)


def _tell(total: int, found: list[Moved]) -> None:
    elsewhere_now = sum(one.count for one in found)
    for one in found:
        console.print(f"{one.count:>9,}  {one.method} {one.before}", markup=False, soft_wrap=True)
        console.print(f"{'':>9}  now: {one.after}", markup=False, soft_wrap=True)
        console.print(f"{'':>9}  such as exchange {one.example}", markup=False, soft_wrap=True)
    console.print(f"{elsewhere_now:,} of {total:,} recorded requests would go elsewhere")


def _shown(requests: Iterable[tuple[str, Request]], *, quiet: bool) -> Iterator[tuple[str, Request]]:
    """The same requests, counted on a terminal as they pass."""
    if quiet or not console.is_terminal:
        yield from requests
        return
    with Progress(
        SpinnerColumn(), TextColumn("{task.completed:,} requests"), TimeElapsedColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task("", total=None)
        for number, pair in enumerate(requests):
            if number % 1000 == 0:
                progress.update(task, completed=number)
            yield pair
