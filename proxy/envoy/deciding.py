"""Envoy asks who answers; ``decide`` says so, as in the embedded engine.

One gRPC stream is one request: its head, and its body where the decision needs it. Whatever goes wrong here, the
request goes to its old system: Envoy waits a bounded time and fails open.
"""

import logging
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from proxy.decide import Decision, decide, needs_body
from proxy.envoy.fields import pseudo, request_of
from proxy.envoy.messages import Fields, GoOn, Head, Piece, Refuse
from proxy.envoy.names import EXCHANGE_HEADER, answer_value, served_value
from proxy.mitm import problem as problems
from proxy.mitm.tables import Tables

log = logging.getLogger(__name__)

REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that Envoy was told, with the tables it was made by."""

    decision: Decision
    tables: Tables


class Decisions:
    """What Envoy was told, by exchange id, until the exchange was observed. Bounded: the oldest go first."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._decided: OrderedDict[str, Decided] = OrderedDict()

    def remember(self, exchange_id: str, decided: Decided) -> None:
        """Keep a decision for the observer."""
        self._decided[exchange_id] = decided
        while len(self._decided) > self._limit:
            self._decided.popitem(last=False)

    def take(self, exchange_id: str) -> Decided | None:
        """The decision, once; ``None`` where nobody asked, or too long ago."""
        return self._decided.pop(exchange_id, None)


class Deciding:
    """The service that Envoy asks.

    Args:
        current: the tables to decide by.
        decisions: where decisions are kept for the observer.
        counts: what happened, by name.
    """

    def __init__(self, current: Callable[[], Tables], decisions: Decisions, counts: Counter[str]) -> None:
        self._current = current
        self._decisions = decisions
        self._counts = counts

    async def process(
        self, messages: AsyncIterator[Head | Piece], _context: object = None
    ) -> AsyncIterator[GoOn | Refuse]:
        """Reply to one request's messages."""
        tables = self._current()
        head: Head | None = None
        async for message in messages:
            if isinstance(message, Head):
                head = message
                yield self._on_head(head, tables)
            elif head is not None:
                yield self._on_body(head, message, tables)

    def _on_head(self, head: Head, tables: Tables) -> GoOn | Refuse:
        try:
            request = request_of(head.fields, b"", 0)
            if not head.is_end and needs_body(tables.table, request):
                return GoOn(head, wants_body=True)
            return self._told(head, head.fields, decide(tables.table, request), tables)
        except Exception:  # noqa: BLE001  a request of a form that nobody thought of goes to old
            return self._failed(head)

    def _on_body(self, head: Head, piece: Piece, tables: Tables) -> GoOn | Refuse:
        try:
            if not piece.is_end:
                self._counts["too_large_to_decide"] += 1
                return GoOn(piece)
            request = request_of(head.fields, piece.body, len(piece.body))
            return self._told(piece, head.fields, decide(tables.table, request), tables)
        except Exception:  # noqa: BLE001  see above
            return self._failed(piece)

    def _told(self, message: Head | Piece, fields: Fields, decision: Decision, tables: Tables) -> GoOn | Refuse:
        self._counts["decided"] += 1
        self._decisions.remember(pseudo(fields, EXCHANGE_HEADER), Decided(decision, tables))
        if decision.upstream is None:
            self._counts["no_operation"] += 1
            problem = problems.no_operation(decision.reason)
            return Refuse(problem.status, problem.document(), problems.MEDIA_TYPE.decode())
        if decision.operation is None:
            return GoOn(message, route=served_value(decision.system or ""))
        return GoOn(message, route=answer_value(decision.operation, decision.answers))

    def _failed(self, message: Head | Piece) -> GoOn:
        log.exception("a request could not be decided: it goes to old")
        self._counts["undecided"] += 1
        return GoOn(message)
