"""One exchange's question put to one side: at the right address, with what is said beside the caller's own fields."""

from dataclasses import replace

from parity_checks.ask.client import Asked, Asking
from parity_checks.ask.entries import Entries
from parity_checks.ask.identities import Identities
from parity_checks.ask.lanes import Lanes
from strangler.builds import BuildSource, build_source
from strangler.exchange import Exchange, Failure, Headers
from strangler.plan.addresses import asked_url, base_url, needs_gateway, system_url, target_of
from strangler.plan.models import System, Target
from strangler.stages import Effect, Side

EXCHANGE_HEADER = "x-strangler-exchange"
ROLE_HEADER = "x-strangler-role"
"""Says ``asked``: the caller hears another side, so this one must not write to citizens about it."""

_WRITE_AGAIN = frozenset({Failure.UNREACHABLE, Failure.RESET, Failure.TIMEOUT})


class Sides:
    """Asks the sides of operations, each in its system's lane."""

    def __init__(self, entries: Entries, lanes: Lanes, identities: Identities) -> None:
        self._entries = entries
        self._lanes = lanes
        self._identities = identities

    async def ask(self, exchange: Exchange, side: Side, *, again: bool = False, stand_in: str | None = None) -> Asked:
        """Ask one side what the caller asked.

        Args:
            exchange: the exchange.
            side: whom.
            again: whether it is asked only to look once more, whatever the plan says of writes.
            stand_in: the system that is asked instead of the side's own, as a caller would: a sandbox.
        """
        plan = self._entries.plan
        find = base_url if again else asked_url
        url = find(plan, exchange.operation, side) or ""
        name, system = self._system(exchange, side)
        if stand_in is not None:
            name, system = stand_in, plan.systems[stand_in]
            url = system_url(system)
        request, note = await self._identities.request_for(exchange, side, may_wait=not again)
        is_unrepeatable = exchange.effect is Effect.WRITE and side is Side.OLD
        extra = self._extra(exchange, side)
        asking = Asking(side, name, url, request, extra, is_unrepeatable, self._source(exchange, side, name))
        # A read goes out a second time, because a pooled connection may just have been closed by the other end;
        # a write must reach the other side, so that it is tried longer, and after a timeout too.
        tries = 2
        if exchange.effect is Effect.WRITE:
            tries, asking = 3, replace(asking, tried_again_after=_WRITE_AGAIN)
        asked = await self._lanes.ask(asking, system, tries=tries)
        return replace(asked, note=note) if note else asked

    def has_room(self, exchange: Exchange, side: Side, places: int) -> bool:
        """Whether a side could be asked so many times at once without waiting, and is not left alone just now."""
        name, system = self._system(exchange, side)
        return self._lanes.has_room(name, system, places)

    def _source(self, exchange: Exchange, side: Side, system: str) -> BuildSource:
        """Where the asked system tells its build."""
        target = target_of(self._entries.plan.operations[exchange.operation], side)
        return build_source(self._entries.plan, target if target.system == system else Target(system=system))

    def _system(self, exchange: Exchange, side: Side) -> tuple[str, System]:
        writes = self._entries.plan.operations[exchange.operation].writes
        if side is Side.NEW and exchange.effect is Effect.WRITE and writes and writes.policy == "sandbox":
            name = writes.sandbox or ""
            return name, self._entries.plan.systems[name]
        return self._entries.system(exchange.operation, side)

    def _extra(self, exchange: Exchange, side: Side) -> Headers:
        """What is said beside the caller's own fields; a raw old system hears nothing of ours."""
        plan = self._entries.plan
        operation = plan.operations[exchange.operation]
        extra: list[tuple[str, str]] = []
        if side is Side.NEW or needs_gateway(plan, target_of(operation, side)):
            extra += [(EXCHANGE_HEADER, exchange.id), (ROLE_HEADER, "asked")]
        header = operation.writes.idempotency_header if operation.writes else None
        if header and side is Side.NEW and exchange.effect is Effect.WRITE and exchange.request.header(header) is None:
            extra.append((header, exchange.id))
        return tuple(extra)
