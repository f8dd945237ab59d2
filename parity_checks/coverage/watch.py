"""What a worker knows of contracts: which items each compared exchange shows that the journal has not been given yet.

Looking costs time, so it ends by itself: where all items of a fingerprint were given, nothing is looked at any more;
and where ``LOOKS`` exchanges in a row have shown nothing new, only one in two is looked at, then one in four, and at
last one in ``MOST_SPARSE``, until something new is found. Of exchanges with large bodies never more than one in
``LARGE_SPARSE`` is. What is missed by that only makes coverage look worse.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog

from parity_checks.coverage.model import Contract, NoContract
from parity_checks.coverage.shown import items_of
from strangler.errors import StoreError
from strangler.evidence import entry_digest
from strangler.exchange import Exchange, Judged, Observation, OutcomeKind
from strangler.plan.models import Plan
from strangler.stages import Side

_log = structlog.get_logger("worker")

LOOKS: Final = 256
MOST_SPARSE: Final = 8
LARGE_BODY: Final = 65_536
LARGE_SPARSE: Final = 16
LOOK_EVERY_S: Final = 0.25
TRY_AGAIN_S: Final = (2.0, 60.0)
"""Wait before a contract that could not be read is tried again: doubled each time, up to the second."""

MOST_KEPT: Final = 4_096

_COMPARED = frozenset({OutcomeKind.MATCH, OutcomeKind.ACCEPTED, OutcomeKind.NOISE, OutcomeKind.MISMATCH})


class ContractStore(Protocol):
    """What the watch needs of the journal."""

    def expect(  # noqa: D102
        self, operation: str, entry: str, items: frozenset[str], *, source: str, trouble: str, now: float
    ) -> None: ...


class ContractSource(Protocol):
    """What the watch needs of ``parity_checks.coverage.sources.Sources``."""

    def named(self, operation: str) -> str: ...  # noqa: D102
    def contract(self, operation: str) -> Contract: ...  # noqa: D102


@dataclass(slots=True)
class _Looking:
    """What is still unseen under one fingerprint, and how eagerly it is looked for."""

    unseen: frozenset[str]
    every: int = 1
    in_vain: int = 0
    skipped: int = 0
    large: int = 0

    def is_due(self, size: int) -> bool:
        """Whether an exchange with bodies of so many bytes is looked at. The first large one is."""
        if not self.unseen:
            return False
        if size > LARGE_BODY:
            self.large += 1
            return self.large % LARGE_SPARSE == 1
        self.skipped += 1
        if self.skipped < self.every:
            return False
        self.skipped = 0
        return True

    def saw(self, items: frozenset[str]) -> None:
        """Take down what a look has shown."""
        self.unseen -= items
        self.in_vain = 0 if items else self.in_vain + 1
        if items:
            self.every = 1
        elif self.in_vain % LOOKS == 0:
            self.every = min(2 * self.every, MOST_SPARSE)


class Watch:
    """The contracts of the plan in force, and what has been given of them."""

    def __init__(self, store: ContractStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self.faults = 0
        """Exchanges on which looking itself failed."""
        self._contracts: dict[tuple[str, str], Contract] = {}
        self._looking: OrderedDict[tuple[str, str], _Looking] = OrderedDict()

    def read(self, plan: Plan, source: ContractSource, only: Collection[str] | None = None) -> frozenset[str]:
        """Read every operation's contract, or those of some, and store what they hold. Blocks.

        An operation for which the plan names no contract is passed over, unless it has a coverage gate: that one is
        told why it has no data. A contract that does not come now is what it was, where it was read before.

        Returns:
            The operations whose contract is worth another try.
        """
        before = self._contracts
        contracts = {} if only is None else dict(before)
        failed: set[str] = set()
        for operation, entry in plan.operations.items():
            named = source.named(operation)
            if (not named and entry.gates.coverage is None) or (only is not None and operation not in only):
                continue
            digest = entry_digest(plan, operation)
            trouble, items = "", frozenset[str]()
            try:
                contract = source.contract(operation)
                contracts[operation, digest] = contract
                named, items = contract.source, contract.items
            except NoContract as error:
                trouble = str(error)
                if error.may_pass:
                    failed.add(operation)
                    contracts |= {key: before[key] for key in ((operation, digest),) if key in before}
            except Exception as error:  # noqa: BLE001  whatever a document does to its reader, the worker goes on
                trouble = f"{named}: {type(error).__name__}: {error}"[:500]
            if trouble:
                _log.warning("a contract cannot be read: its coverage is not known", operation=operation, why=trouble)
            self._store.expect(operation, digest, items, source=named, trouble=trouble, now=self._clock())
        self._contracts = contracts
        return frozenset(failed)

    def shown(self, exchange: Exchange, judged: Judged) -> Judged:
        """The result with the items that it shows and that were not given before under its fingerprint."""
        contract = self._contracts.get((exchange.operation, exchange.entry))
        outcome = judged.outcome
        if contract is None or outcome.kind not in _COMPARED or not outcome.fingerprint:
            return judged
        key = (exchange.operation, outcome.fingerprint)
        looking = self._looking.get(key)
        if looking is None:
            looking = self._looking[key] = _Looking(contract.items)
            while len(self._looking) > MOST_KEPT:
                self._looking.popitem(last=False)
        old = old_of(exchange, judged)
        if old is None or not looking.is_due(len(old.body or b"") + len(exchange.request.body or b"")):
            return judged
        try:
            found = items_of(exchange.request, old, contract) & looking.unseen
        except Exception:  # noqa: BLE001  the outcome counts, whatever looking at it does
            self.faults += 1
            _log.exception("an exchange could not be looked at for coverage", exchange=exchange.id)
            return judged
        looking.saw(found)
        return replace(judged, covered=found) if found else judged

    async def follow(
        self,
        plan: Callable[[], Plan],
        source: Callable[[Plan], ContractSource],
        *,
        look_every_s: float = LOOK_EVERY_S,
        try_again_s: tuple[float, float] = TRY_AGAIN_S,
    ) -> None:
        """Read contracts now, whenever the plan changes, and again where they could not be read. Ends by cancelling."""
        seen: Plan | None = None
        failed: Collection[str] = ()
        again_at, wait_s = float("inf"), try_again_s[0]
        while True:
            now = plan()
            if now is not seen or time.monotonic() >= again_at:
                is_new, seen = now is not seen, now
                wait_s = try_again_s[0] if is_new else min(2 * wait_s, try_again_s[1])
                failed = await asyncio.to_thread(self._read_quietly, now, source, None if is_new else failed)
                again_at = time.monotonic() + wait_s if failed else float("inf")
            await asyncio.sleep(look_every_s)

    def _read_quietly(
        self, plan: Plan, source: Callable[[Plan], ContractSource], only: Collection[str] | None
    ) -> Collection[str]:
        """The operations to be tried again; whatever goes wrong, the worker goes on."""
        before = self._contracts
        try:
            failed = self.read(plan, source(plan), only)
        except StoreError as error:
            _log.warning("what contracts hold cannot be stored; trying again", error=str(error))
            return only or tuple(plan.operations)
        except Exception:  # noqa: BLE001  the worker never dies of a contract
            self.faults += 1
            _log.exception("contracts cannot be read")
            return only or tuple(plan.operations)
        if before != self._contracts:
            self._looking = OrderedDict()
        return failed


def old_of(exchange: Exchange, judged: Judged) -> Observation | None:
    """The old side's answer: the caller's, or the first that was asked for."""
    if exchange.answer.side is Side.OLD:
        return exchange.answer
    return next((seen for seen in judged.observations if seen.side is Side.OLD and not seen.has_failed), None)
