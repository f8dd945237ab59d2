"""Envoy tells what was said: one gRPC stream is one exchange, told as it happens, and nobody waits for us.

Which side answered is what Envoy says, by the name of the route it took. Key, stage and asked side are those of the
decision that Envoy was told; where it decided by itself, ``decide`` is run here on the same request and the tables of
that generation. If the two ever disagree, what happened is journaled, counted, and not compared.
"""

import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from proxy.decide import Decision, decide
from proxy.decide.entry import Entry
from proxy.envoy.audit import Audit
from proxy.envoy.deciding import Decisions
from proxy.envoy.fields import answer_headers, pseudo, request_of
from proxy.envoy.messages import REFUSED, Head, Piece
from proxy.envoy.names import EXCHANGE_HEADER, RouteName, Way
from proxy.mitm.capture import Capture
from proxy.mitm.tables import Tables
from strangler.builds import build_source
from strangler.exchange import Exchange, Failure, Observation, Reason, Request, header
from strangler.journal import Loss
from strangler.plan.addresses import target_of
from strangler.stages import Side, Stage

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Body:
    """A body as it comes: kept up to a limit, counted beyond."""

    limit: int
    size: int = 0
    pieces: list[bytes] = field(default_factory=list)
    is_whole: bool = False

    def add(self, piece: Piece) -> None:
        """Take a piece in."""
        self.size += len(piece.body)
        if self.size <= self.limit:
            self.pieces.append(piece.body)
        else:
            self.pieces.clear()
        self.is_whole = self.is_whole or piece.is_end

    @property
    def content(self) -> bytes | None:
        """The body; ``None`` where it is too large to keep."""
        return b"".join(self.pieces) if self.size <= self.limit else None


@dataclass(slots=True)
class Story:
    """One exchange, as far as it has been told."""

    request: Head
    asked: Body
    answered: Body
    at: float
    started: float
    answer: Head | None = None
    took_s: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether request and answer have been told to their ends."""
        return self.answer is not None and self.answered.is_whole and self.asked.is_whole


@dataclass(frozen=True, slots=True)
class Then:
    """Which tables were in force: now, and for a generation of routes (``None`` where that is too long ago)."""

    current: Callable[[], Tables]
    generation: Callable[[int], Tables | None]


class OnNew(Protocol):
    """Told of an answer of the new side."""

    def __call__(self, tables: Tables, operation: str, *, has_failed: bool) -> None:
        """The new side of the operation answered, or failed to."""
        ...


class Observing:
    """The service that Envoy tells.

    Args:
        then: which tables were in force.
        decisions: what Envoy was told.
        capture: where exchanges go.
        on_new: told of every answer of the new side.
        audit: told of every answer.
        counts: what happened, by name.
    """

    def __init__(
        self,
        then: Then,
        decisions: Decisions,
        capture: Capture,
        on_new: OnNew,
        *,
        audit: Audit,
        counts: Counter[str],
    ) -> None:
        self._then = then
        self._decisions = decisions
        self._capture = capture
        self._on_new = on_new
        self._audit = audit
        self._counts = counts

    async def process(self, messages: AsyncIterator[Head | Piece], _context: object = None) -> AsyncIterator[bytes]:
        """Listen to one exchange; say nothing."""
        story: Story | None = None
        try:
            async for message in messages:
                if story is None:
                    if isinstance(message, Head) and message.is_request:
                        story = self._begin(message)
                    continue
                self._tell(story, message)
                if story.is_whole:
                    break
        finally:
            if story is not None:
                self._end(story)
        return
        yield b""  # makes this a generator, as a service of streams must be

    def _begin(self, head: Head) -> Story:
        self._counts["requests"] += 1
        limit = self._then.current().plan.capture.body_bytes
        story = Story(head, Body(limit), Body(limit), time.time(), time.perf_counter())
        story.asked.is_whole = head.is_end
        return story

    def _tell(self, story: Story, message: Head | Piece) -> None:
        if isinstance(message, Head):
            story.answer = message
            route = RouteName.read(message.attributes.get("xds.route_name", ""))
            if route is not None and route.name and message.attributes.get("response.code_details") != REFUSED:
                self._audit.saw(route.name)
            story.answered.is_whole = message.is_end
        else:
            (story.asked if message.is_request else story.answered).add(message)
        if story.is_whole:
            story.took_s = time.perf_counter() - story.started

    def _end(self, story: Story) -> None:
        try:
            self._journal(story)
        except Exception:  # the caller has long been answered: it is the journal's loss only
            log.exception("an exchange could not be observed")
            self._counts["unobserved"] += 1

    def _journal(self, story: Story) -> None:
        exchange_id = pseudo(story.request.fields, EXCHANGE_HEADER)
        decided = self._decisions.take(exchange_id)
        route = RouteName.read(story.answer.attributes.get("xds.route_name", "")) if story.answer is not None else None
        is_nobodys = decided is not None and decided.decision.operation is None
        if route is None or is_nobodys or route.way in {Way.SERVED, Way.NOBODY}:
            if decided is not None and not is_nobodys:
                self._lose(decided.decision, story)
            else:
                self._counts["unmatched"] += 1
            return
        tables = decided.tables if decided is not None else self._then.generation(route.generation)
        entry = tables.table.entries.get(route.name) if tables is not None else None
        if tables is None or entry is None:
            self._counts["unobserved"] += 1
            log.error("the plan of a request for %s is gone: not journaled", route.name)
            return
        request = request_of(story.request.fields, story.asked.content, story.asked.size)
        decision, why_not = self._what_happened(route, decided.decision if decided else None, tables, entry, request)
        if not story.is_whole:
            self._lose(decision, story)
            return
        answer = observation(story, tables, decision)
        exchange = Exchange(
            exchange_id,
            route.name,
            decision.effect,
            decision.key,
            decision.cohort,
            decision.stage,
            request,
            answer,
            decision.asked,
            decision.entry,
            story.at,
            why_not or _not_compared(tables, decision, request, answer),
        )
        self._capture.offer(exchange)
        if decision.answers is Side.NEW:
            self._on_new(tables, route.name, has_failed=answer.has_failed)

    def _what_happened(
        self, route: RouteName, told: Decision | None, tables: Tables, entry: Entry, request: Request
    ) -> tuple[Decision, Reason | None]:
        decision = told
        if decision is None and route.way is Way.NATIVE:
            decision = decide(tables.table, request)
        if decision is not None and (decision.operation, decision.answers) == (route.name, route.side):
            return decision, None
        if route.way is Way.OPEN and decision is None:
            self._counts["open"] += 1
        else:
            self._counts["disagreed"] += 1
            log.error("%s: Envoy had the %s side answer, decide says otherwise", route.name, route.side)
        return _undecided(route, entry), Reason.TOO_LARGE if request.body is None else Reason.NOT_ASKED

    def _lose(self, decision: Decision, story: Story) -> None:
        loss = Loss(
            decision.operation or "",
            decision.effect,
            Reason.NOT_JOURNALED,
            1,
            story.at,
            decision.key,
            decision.entry,
            "cut short: the exchange was not told to its end",
        )
        self._capture.lose(loss)


def observation(story: Story, tables: Tables, decision: Decision) -> Observation:
    """The answering side's answer, or how it failed to give one."""
    head = story.answer
    operation = decision.operation or ""
    source = build_source(tables.plan, target_of(tables.plan.operations[operation], decision.answers))
    failure = failure_of(head.attributes.get("response.code_details", "")) if head is not None else None
    if head is None or failure is not None:
        build = source.name(None)
        return Observation(
            decision.answers, None, (), None, 0, failure, at=story.at, duration_s=story.took_s, build=build
        )
    headers = answer_headers(head.fields)
    answer = Observation(
        decision.answers,
        int(pseudo(head.fields, ":status") or "0"),
        headers,
        story.answered.content,
        story.answered.size,
        None,
        story.at,
        story.took_s,
    )
    told = header(headers, source.header) if source.header else None
    return replace(answer, build=source.name(told))


def failure_of(details: str) -> Failure | None:
    """What ``response.code_details`` says of an answer: ``None`` where it is a system's own."""
    if details in {"", "via_upstream"}:
        return None
    if "timeout" in details:
        return Failure.TIMEOUT
    if "connection_failure" in details or details.startswith(("no_healthy_upstream", "cluster_not_found", "overflow")):
        return Failure.UNREACHABLE
    return Failure.PROTOCOL if "protocol_error" in details else Failure.RESET


def _undecided(route: RouteName, entry: Entry) -> Decision:
    """Nobody decided this by the rules: what is known is who answered."""
    upstream = entry.upstream(route.side)
    return Decision(
        route.name,
        entry.effect,
        None,
        None,
        Stage.OFF,
        route.side,
        None,
        upstream.url,
        None,
        upstream.system,
        entry.digest,
        upstream.timeout_s,
        "Envoy chose the route without a decision of ours",
        keyless=True,
    )


def _not_compared(tables: Tables, decision: Decision, request: Request, answer: Observation) -> Reason | None:
    if request.body is None or (answer.failure is None and answer.body is None):
        return Reason.TOO_LARGE
    if decision.keyless and tables.table.move(decision.operation or "").sole is not Stage.OFF:
        return Reason.UNPARSABLE if decision.unparsable else Reason.NOT_ASKED
    return None
