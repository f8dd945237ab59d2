"""Asks both sides what no caller has asked: old first, as for a caller; then the exchange is journaled and judged.

Only for reads, a bounded number, at a bounded rate. A probe is evidence like every other exchange and says of itself
that it is no traffic (``Origin.PROBE``). A running worker judges it; where none does, one is made here for these
exchanges alone: nothing else that waits in the journal is asked by it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from parity_checks.ask.client import Asking, Client
from parity_checks.ask.entries import Entries
from parity_checks.ask.lanes import Lanes
from parity_checks.ask.sides import EXCHANGE_HEADER, ROLE_HEADER
from parity_checks.ask.worker import Store, Worker
from parity_checks.coverage.watch import ContractSource, Watch
from strangler.builds import build_source
from strangler.errors import UsageError
from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Judged, Observation, Origin, Outcome, Request
from strangler.plan.addresses import base_url, needs_gateway
from strangler.plan.models import Plan
from strangler.stages import Effect, Side, Stage

if TYPE_CHECKING:
    from strangler.journal import Journal

WORKER_S: Final = 1.5
"""How long a running worker is waited for before one is made here."""

JUDGED_S: Final = 60.0
"""How long outcomes are waited for at most."""

_LOOK_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Probe:
    """One request to be made, what it is to show, and whose key it has."""

    item: str
    request: Request
    key: str | None


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of it. ``outcome`` is ``None`` where the old side did not answer, or nobody judged it in time."""

    probe: Probe
    exchange_id: str
    old: Observation
    outcome: Outcome | None


async def ask_probes(
    plan: Plan,
    operation: str,
    probes: Sequence[Probe],
    journal: "Journal",
    contracts: Callable[[Plan], ContractSource],
    *,
    rate_per_s: float,
    worker_s: float = WORKER_S,
    told: Callable[[], None] = lambda: None,
) -> list[Probed]:
    """Ask, journal and judge.

    Args:
        plan: the plan in force.
        operation: the operation; a read.
        probes: what is asked, in order.
        journal: where it is kept.
        contracts: reads contracts, for the worker that may be made here.
        rate_per_s: most requests a second to the old side.
        worker_s: how long a running worker is waited for.
        told: called after each request, to show progress.

    Raises:
        UsageError: the operation is a write.
    """
    if plan.operations[operation].effect is not Effect.READ:
        raise UsageError(f"{operation} is a write: nothing is made up that changes anything")
    async with Client(body_bytes=plan.capture.body_bytes) as client:
        made: list[tuple[Probe, Exchange]] = []
        lanes = Lanes(client)
        for number, probe in enumerate(probes):
            if number:
                await asyncio.sleep(1 / rate_per_s)
            made.append((probe, await _asked(plan, operation, probe, lanes)))
            told()
        answered = [exchange for _, exchange in made if not exchange.answer.has_failed]
        await asyncio.to_thread(journal.append, answered)
        if not await _all_judged(journal, answered, worker_s):
            await _judged_here(plan, journal, answered, client, contracts)
        outcomes = await asyncio.to_thread(_outcomes, journal, answered)
    return [Probed(probe, exchange.id, exchange.answer, outcomes.get(exchange.id)) for probe, exchange in made]


async def _asked(plan: Plan, operation: str, probe: Probe, lanes: Lanes) -> Exchange:
    """The exchange as an engine would journal it, had a caller asked."""
    old = plan.operations[operation].old
    name = f"probe-{uuid4().hex}"
    extra = ((EXCHANGE_HEADER, name), (ROLE_HEADER, "asked")) if needs_gateway(plan, old) else ()
    url = base_url(plan, operation, Side.OLD)
    asking = Asking(Side.OLD, old.system, url, probe.request, extra, builds=build_source(plan, old))
    at = time.time()
    asked = await lanes.ask(asking, plan.systems[old.system])
    return Exchange(
        id=name,
        operation=operation,
        effect=Effect.READ,
        key=probe.key,
        cohort=None,
        stage=Stage.SHADOW,
        request=probe.request,
        answer=asked.observation,
        asked=Side.NEW,
        entry=entry_digest(plan, operation),
        at=at,
        origin=Origin.PROBE,
    )


def _outcomes(journal: "Journal", exchanges: Sequence[Exchange]) -> dict[str, Outcome]:
    found = {exchange.id: journal.exchange(exchange.id)[2] for exchange in exchanges}
    return {name: outcome for name, outcome in found.items() if outcome is not None}


async def _all_judged(journal: "Journal", exchanges: Sequence[Exchange], within_s: float) -> bool:
    """Wait until every outcome is there; false where one is still missing after this time."""
    until = time.monotonic() + within_s
    while len(await asyncio.to_thread(_outcomes, journal, exchanges)) < len(exchanges):
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(_LOOK_EVERY_S)
    return True


async def _judged_here(
    plan: Plan,
    journal: "Journal",
    exchanges: Sequence[Exchange],
    client: Client,
    contracts: Callable[[Plan], ContractSource],
) -> None:
    coverage = Watch(journal)
    await asyncio.to_thread(coverage.read, plan, contracts(plan), [exchanges[0].operation])
    own = cast("Store", OwnWork(journal, exchanges))
    worker = Worker(own, Entries(plan), client, coverage=coverage)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        working = group.create_task(worker.run(stop), name="worker of probes")
        await _all_judged(journal, exchanges, JUDGED_S)
        stop.set()
        await working


class OwnWork:
    """A journal that hands out these exchanges and no others, and keeps nothing tidy but them."""

    def __init__(self, journal: "Journal", exchanges: Sequence[Exchange]) -> None:
        self._journal = journal
        self._waiting = [replace(exchange) for exchange in exchanges]

    def claim(self, _worker: str, limit: int, *_: float) -> list[Exchange]:
        """The next of these exchanges."""
        given, self._waiting = self._waiting[:limit], self._waiting[limit:]
        return given

    def renew(self, _worker: str, ids: Sequence[str], *_: float) -> int:
        """Nothing was leased."""
        return len(ids)

    def release(self, _worker: str, ids: Sequence[str]) -> int:
        """Nothing was leased."""
        return len(ids)

    def attempts(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Each for the first time."""
        return dict.fromkeys(ids, 1)

    def purge(self, *_: float) -> int:
        """That is a real worker's business."""
        return 0

    def finish(self, results: Sequence[Judged], now: float) -> int:
        """Store the outcomes; one that a worker has stored meanwhile counts once."""
        return self._journal.finish(results, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)
