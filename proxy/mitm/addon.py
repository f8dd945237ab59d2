"""The one addon: a thin shell over ``proxy.decide``, which turns what was said into exchanges.

Nothing here raises into mitmproxy. What fails before a system was asked is answered with a problem; what fails
afterwards is the journal's loss, never the caller's, and is counted.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlsplit

from mitmproxy import http
from mitmproxy.addonmanager import Loader

from proxy.decide import Decision, Table, decide
from proxy.decide.reading import Reading
from proxy.mitm import problem as problems
from proxy.mitm.afloat import Afloat
from proxy.mitm.breaker import Breaker
from proxy.mitm.capture import Capture
from proxy.mitm.forwarding import end_to_end, has_field, journaled, towards_system
from proxy.mitm.http1 import problem_response
from proxy.mitm.problem import Problem
from proxy.mitm.tables import Switch, Tables
from proxy.mitm.wire import Fields
from strangler.builds import UNKNOWN
from strangler.exchange import Exchange, Failure, Observation, Reason, Request
from strangler.exchange_ids import ExchangeIds
from strangler.journal import Loss
from strangler.stages import Effect, Side, Stage

log = logging.getLogger(__name__)

_REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
_KEPT = "strangler"


@dataclass(slots=True)
class Passage:
    """What is remembered of one request on its way: the tables it began with, and what was decided."""

    tables: Tables
    fields: Fields
    target: bytes
    at: float
    started: float = 0.0
    request: Request | None = None
    decision: Decision | None = None
    slot: int = -1
    build: str | None = None
    has_asked: bool = False
    is_on_its_way_to_new: bool = False


@dataclass(frozen=True, slots=True)
class Upstream:
    """A base URL, taken apart."""

    host: str
    port: int
    is_tls: bool
    authority: bytes
    prefix: bytes


class Passing:
    """The addon: ``layers.Addon`` over the decision table, the journal's queue and the breaker.

    Args:
        switch: the current tables.
        capture: where exchanges go.
        breaker: counts failed answers of the new side.
        afloat: where exchanges are noted until they are journaled.
        clock: seconds since the epoch.
    """

    name = "strangler"

    def __init__(
        self,
        switch: Switch,
        capture: Capture,
        breaker: Breaker,
        afloat: Afloat | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._switch = switch
        self._capture = capture
        self._breaker = breaker
        self._afloat = afloat
        self._clock = clock
        self._ids = ExchangeIds()
        self.counts: Counter[str] = Counter()

    def load(self, loader: Loader) -> None:
        """Tell mitmproxy the options that its HTTP layer reads, and that its own proxy server would have told it."""
        loader.add_option("validate_inbound_headers", bool, False, "Heads are checked by the engine's own reader.")

    def limit(self) -> int:
        """The most bytes of a body that are held."""
        return self._switch.current.plan.capture.body_bytes

    # -- the request ---------------------------------------------------------------------------------------------

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Remember the caller's request as it was, and the tables it is decided by."""
        self.counts["requests"] += 1
        data = flow.request.data
        fields = end_to_end(data.headers.fields)
        now = self._clock()
        flow.id = self._ids.made(now)
        flow.metadata[_KEPT] = Passage(self._switch.current, fields, data.path, now)

    def request(self, flow: http.HTTPFlow) -> None:
        """Decide a request that was read whole, and aim it at its system."""
        passage: Passage = flow.metadata[_KEPT]
        try:
            body = flow.request.data.content or b""
            passage.request = self._request(flow, passage, body, len(body))
            self._decide(passage, decide)
            problem = self._aim(flow, passage)
        except Exception:  # noqa: BLE001  nothing may be raised into mitmproxy: logged and counted
            problem = self._puzzled(flow)
        if problem is not None:
            flow.response = problem_response(problem)

    def streamed(self, flow: http.HTTPFlow) -> Problem | None:
        """Decide a request by its head alone: its body is too large to hold."""
        passage: Passage = flow.metadata[_KEPT]
        try:
            passage.request = self._request(flow, passage, None, 0)
            self._decide(passage, decide_headlong)
            return self._aim(flow, passage)
        except Exception:  # noqa: BLE001  nothing may be raised into mitmproxy: logged and counted
            return self._puzzled(flow)

    def is_repeatable(self, flow: http.HTTPFlow) -> bool:
        """Whether asking twice does no harm: the plan says it reads, or HTTP says so (RFC 9110, 9.2.2)."""
        decision = flow.metadata[_KEPT].decision
        if decision is not None and decision.operation is not None:
            return bool(decision.effect is Effect.READ)
        return flow.request.data.method in _REPEATABLE

    def timeout_s(self, flow: http.HTTPFlow) -> float:
        """The longest wait for the system's answer."""
        decision = flow.metadata[_KEPT].decision
        return decision.timeout_s if decision is not None and decision.timeout_s > 0 else 30.0

    def _decide(self, passage: Passage, decide_by: Callable[[Table, Request], Decision]) -> None:
        """Decide, and again from old where the new side may fail no more callers."""
        if passage.request is None:
            return
        decision = decide_by(passage.tables.table, passage.request)
        operation = decision.operation
        if operation is not None and decision.answers is Side.NEW:
            if self._breaker.is_spent(passage.tables.plan, operation):
                self._trip(operation)
                passage.tables = self._switch.current
                decision = decide_by(passage.tables.table, passage.request)
            else:
                self._breaker.began(operation)
                passage.is_on_its_way_to_new = True
        passage.decision = decision

    def _trip(self, operation: str) -> None:
        if operation not in self._switch.current.tripped:
            self._switch.trip(operation)
            self.counts["tripped"] += 1
            log.error("%s: the new side failed too often; answered by old from now on", operation)

    def _ended(self, passage: Passage, *, has_failed: bool) -> None:
        """The new side has answered, or will not: what the breaker learns of it, once."""
        decision = passage.decision
        if not passage.is_on_its_way_to_new or decision is None or decision.operation is None:
            return
        passage.is_on_its_way_to_new = False
        self._breaker.ended(decision.operation, has_failed=has_failed)
        if has_failed:
            self.counts["new_failed"] += 1
            if self._breaker.is_spent(passage.tables.plan, decision.operation):
                self._trip(decision.operation)

    def _request(self, flow: http.HTTPFlow, passage: Passage, body: bytes | None, body_bytes: int) -> Request:
        method = flow.request.data.method.decode("ascii")
        return Request(method, passage.target.decode("latin-1"), journaled(passage.fields), body, body_bytes)

    def _aim(self, flow: http.HTTPFlow, passage: Passage) -> Problem | None:
        decision = passage.decision
        if decision is None or decision.upstream is None:
            self.counts["no_operation"] += 1
            return problems.no_operation(decision.reason if decision is not None else "nothing was decided")
        upstream = upstream_of(decision.upstream)
        data = flow.request.data
        peer = flow.client_conn.peername
        data.headers.fields = towards_system(
            passage.fields,
            peer=peer[0] if peer else "unknown",
            host=upstream.authority,
            extra=our_fields(decision, passage.fields, flow.id),
        )
        data.path = upstream.prefix + passage.target
        data.host, data.port = upstream.host, upstream.port
        data.scheme = b"https" if upstream.is_tls else b"http"
        passage.started = time.perf_counter()
        passage.has_asked = True
        if decision.operation is not None and self._afloat is not None:
            passage.slot = self._afloat.note(
                flow.id,
                decision.operation,
                effect=decision.effect,
                entry=decision.entry,
                key=decision.key,
                at=passage.at,
            )
        return None

    def _puzzled(self, flow: http.HTTPFlow) -> Problem:
        log.exception("a request for %s could not be decided", flow.request.data.path.partition(b"?")[0])
        self.counts["undecided"] += 1
        return problems.internal()

    # -- the answer ----------------------------------------------------------------------------------------------

    def responseheaders(self, flow: http.HTTPFlow, odd_fields: int = 0) -> None:
        """Take out what is about the system's connection, and what our gateway told this engine."""
        if odd_fields:
            self.counts["odd_fields"] += odd_fields
        if flow.response is None:
            return
        data, passage = flow.response.data, flow.metadata[_KEPT]
        if passage.decision is not None:
            passage.build = _build(passage.tables, passage.decision, data.headers.fields)
        data.headers.fields = end_to_end(data.headers.fields)

    def response(self, flow: http.HTTPFlow, request_bytes: int, answer: bytes | None, answer_bytes: int) -> None:
        """The caller was answered: journal the exchange."""
        response = flow.response
        if response is None:
            return
        try:
            passage: Passage = flow.metadata[_KEPT]
            decision = passage.decision
            if decision is None or decision.operation is None:
                self.counts["unmatched"] += 1
                return
            fields = response.data.headers.fields
            observation = Observation(
                decision.answers,
                response.data.status_code,
                journaled(fields),
                answer,
                answer_bytes,
                None,
                passage.at,
                time.perf_counter() - passage.started,
                passage.build,
            )
            self._journal(flow, passage, observation, request_bytes)
        except Exception:  # noqa: BLE001  nothing may be raised into mitmproxy: logged and counted
            self._unobserved(flow)

    def failed(self, flow: http.HTTPFlow, failure: Failure, request_bytes: int, why: str = "") -> Problem:
        """The system gave no answer: journal that, and say what the caller is told."""
        passage: Passage = flow.metadata[_KEPT]
        decision = passage.decision
        system = (decision.system if decision is not None else None) or "unknown"
        operation = decision.operation if decision is not None else None
        self.counts[f"failed_{failure.value}"] += 1
        try:
            if decision is not None and decision.operation is not None:
                took = time.perf_counter() - passage.started
                build = _build(passage.tables, decision, ())
                observation = Observation(decision.answers, None, (), None, 0, failure, passage.at, took, build)
                self._journal(flow, passage, observation, request_bytes)
        except Exception:  # noqa: BLE001  nothing may be raised into mitmproxy: logged and counted
            self._unobserved(flow)
        if failure is Failure.UNREACHABLE:
            return problems.unreachable(system, operation)
        if failure is Failure.TIMEOUT:
            return problems.late(system, operation, self.timeout_s(flow))
        if failure is Failure.PROTOCOL and why:
            return problems.unreadable(system, operation, why)
        return problems.broken(system, operation)

    def lost(self, flow: http.HTTPFlow, why: str) -> None:
        """The exchange was cut short: nobody saw it whole, so it is counted as not journaled."""
        passage: Passage = flow.metadata[_KEPT]
        self._ended(passage, has_failed=False)
        decision = passage.decision
        if decision is None or decision.operation is None or not passage.has_asked:
            return
        loss = Loss(
            decision.operation,
            decision.effect,
            Reason.NOT_JOURNALED,
            1,
            passage.at,
            decision.key,
            decision.entry,
            f"cut short: {why}",
        )
        self._capture.lose(loss, passage.slot)
        passage.has_asked = False

    def _journal(self, flow: http.HTTPFlow, passage: Passage, observation: Observation, request_bytes: int) -> None:
        self._ended(passage, has_failed=observation.has_failed)
        decision, request = passage.decision, passage.request
        if decision is None or decision.operation is None or request is None:
            return
        if request.body is None:
            request = replace(request, body_bytes=request_bytes)
        exchange = Exchange(
            flow.id,
            decision.operation,
            decision.effect,
            decision.key,
            decision.cohort,
            decision.stage,
            request,
            observation,
            decision.asked,
            decision.entry,
            passage.at,
            _not_compared(passage.tables.table, decision, request, observation),
        )
        self._capture.offer(exchange, passage.slot)

    def _unobserved(self, flow: http.HTTPFlow) -> None:
        log.exception("an exchange could not be observed: it counts as not journaled")
        self.lost(flow, "the engine failed to observe it")


def decide_headlong(table: Table, request: Request) -> Decision:
    """Decide a request whose body is not held.

    An operation that is matched by its body cannot be told from its like: the first one that fits the head answers,
    by old and without a key, so that the caller is served by the system that always served it.
    """
    decision = decide(table, request)
    if not decision.unmatched or decision.upstream is not None:
        return decision
    entry = next(iter(table.index.candidates(Reading(request))), None)
    if entry is None:
        return decision
    return Decision(
        entry.name,
        entry.effect,
        None,
        None,
        Stage.OFF,
        Side.OLD,
        None,
        entry.old.url,
        None,
        entry.old.system,
        entry.digest,
        entry.old.timeout_s,
        "the body that tells the operation is too large to hold: goes to old",
        via_gateway=entry.old.via_gateway,
        keyless=True,
    )


def our_fields(decision: Decision, fields: Fields, exchange_id: str) -> Fields:
    """What this engine tells the gateway or a new system; a raw old system is told nothing of ours."""
    is_new = decision.answers is Side.NEW
    if decision.operation is None or not (is_new or decision.via_gateway):
        return ()
    ours = [(b"x-strangler-exchange", exchange_id.encode())]
    header = decision.idempotency_header
    if is_new and header and decision.effect is Effect.WRITE and not has_field(fields, header.lower().encode()):
        ours.append((header.encode(), exchange_id.encode()))
    return tuple(ours)


@lru_cache(maxsize=4096)
def upstream_of(base_url: str) -> Upstream:
    """The base URL's parts."""
    parts = urlsplit(base_url)
    is_tls = parts.scheme == "https"
    host = parts.hostname or ""
    return Upstream(
        host,
        parts.port or (443 if is_tls else 80),
        is_tls,
        parts.netloc.rpartition("@")[2].encode(),
        parts.path.rstrip("/").encode(),
    )


def _not_compared(table: Table, decision: Decision, request: Request, answer: Observation) -> Reason | None:
    if request.body is None or (answer.failure is None and answer.body is None):
        return Reason.TOO_LARGE
    if decision.keyless and table.move(decision.operation or "").sole is not Stage.OFF:
        return Reason.UNPARSABLE if decision.unparsable else Reason.NOT_ASKED
    return None


def _build(tables: Tables, decision: Decision, fields: Fields) -> str | None:
    """The build as ``strangler.builds.BuildSource`` names it, from fields as they are on the wire."""
    source = tables.builds.get((decision.operation or "", decision.answers))
    if source is None:
        return None
    if source.header is not None:
        size = len(source.header)
        for name, value in fields:
            if len(name) == size and name.lower() == source.header:
                return value.decode("latin-1") or None
        return None
    return source.declared or UNKNOWN
