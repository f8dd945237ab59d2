"""Tables as Envoy's resources: clusters and one route configuration. Pure.

::

    dot segments in the path                  ─► 400
    x-strangler-route set (decide was asked)  ─► that operation's side                              asked
    else, operations in rank order: what is sure of its head
        ├─ all keys answered by old           ─► old                                                native
        ├─ key in a plain place               ─► bucket under the share: new, else old              native
        └─ anything else                      ─► the operation's old system, and ask                open
    else, paths that a system serves          ─► that system                                        served
    else                                      ─► 404, and ask (which says what is nearest)          nobody

A route of the kind *open* is where a request stands while ``decide`` is asked. If no reply comes in time, it goes
there: traffic fails open, to old.
"""

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from proxy.decide.entry import Entry, Upstream
from proxy.decide.table import Table
from proxy.envoy import native
from proxy.envoy.names import (
    EXCHANGE_HEADER,
    PATH_HEADER,
    ROUTE_HEADER,
    RouteName,
    Way,
    answer_value,
    served_value,
)
from proxy.envoy.native import TYPE, KeyPlace, Message
from proxy.mitm import problem as problems
from proxy.mitm.problem import Problem
from proxy.mitm.tables import Tables
from strangler.plan.models import Plan
from strangler.stages import Effect, Side

ROUTES = "strangler"
"""The name of the route configuration."""
DECIDING_FILTER = "strangler.deciding"
TRUSTED_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_NEVER_ON_THE_WIRE = (ROUTE_HEADER, PATH_HEADER, "x-envoy-internal", "x-envoy-external-address")


@dataclass(frozen=True, slots=True)
class Resources:
    """What Envoy is given: clusters by name, the route configuration, and how keys become headers."""

    generation: int
    clusters: dict[str, Message]
    routes: Message
    key_headers: tuple[tuple[str, str], ...]
    """Header and the format of its value, set before the route is chosen."""


def resources(tables: Tables, generation: int) -> Resources:
    """The resources for these tables."""
    places = native.places(dict(tables.plan.operations))
    upstreams = _upstreams(tables.table)
    found = {place.header: place.formatter for place in places.values() if place.formatter is not None}
    key_headers = tuple(sorted(found.items()))
    return Resources(
        generation,
        {cluster_name(url): _cluster(url) for url in sorted({upstream.url for upstream in upstreams})},
        _route_configuration(_Routes(tables.plan, tables.table, generation, places), key_headers),
        key_headers,
    )


def _upstreams(table: Table) -> list[Upstream]:
    found = [upstream for entry in table.entries.values() for upstream in (entry.old, entry.new)]
    return found + [upstream for _, upstream in table.serves]


# -- routes ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Routes:
    """Makes the routes of one generation."""

    plan: Plan
    table: Table
    generation: int
    places: dict[str, KeyPlace]

    def asked(self) -> dict[str, Message]:
        """The value of ``x-strangler-route`` to its route."""
        found: dict[str, Message] = {}
        for entry in self.table.entries.values():
            for side in Side:
                found[answer_value(entry.name, side)] = self.to_side(Way.ASKED, entry, side, asks=True)
        for _, upstream in self.table.serves:
            found[served_value(upstream.system)] = self.to_system(upstream)
        return found

    def by_head(self) -> Iterable[Message]:
        """What Envoy can tell by a request's head, best first."""
        yield {"predicate": native.odd_path(), "on_match": _action(_nobody(self.generation))}
        for entry in sorted(self.table.entries.values(), key=lambda entry: entry.rank):
            predicates, says_all = native.head_predicates(self.plan.operations[entry.name].match)
            if self.plan.operations[entry.name].match.soap_action is not None:
                yield from self._odd_action(entry)
            ask = _action(self.to_side(Way.OPEN, entry, Side.OLD, asks=True))
            on_match = self._answer(entry, ask) if says_all else ask
            yield {"predicate": native.all_of(predicates or [_anything()]), "on_match": on_match}
        for prefix, upstream in self.table.serves:
            yield _by_prefix(prefix, _action(self.to_system(upstream)))

    def _odd_action(self, entry: Entry) -> Iterable[Message]:
        """A SOAP action in the content type is not read by Envoy: whoever may mean this operation is asked for."""
        match = self.plan.operations[entry.name].match.model_copy(update={"soap_action": None})
        predicates, _ = native.head_predicates(match)
        odd = native.header_like("content-type", native.ACTION_PARAMETER)
        route = self.to_side(Way.OPEN, entry, Side.OLD, asks=True)
        yield {"predicate": native.all_of([odd, *predicates]), "on_match": _action(route)}

    def _answer(self, entry: Entry, ask: Message) -> Message:
        """Who answers a request that is this operation for sure."""
        share = 0 if self.table.is_held(entry.name) else native.share_of_new(self.table.move(entry.name))
        old = _action(self.to_side(Way.NATIVE, entry, Side.OLD))
        place = self.places.get(entry.name)
        if share == 0:
            return old
        if place is None:
            return ask
        plain = native.header_like(place.header, place.plain)
        new = _action(self.to_side(Way.NATIVE, entry, Side.NEW))
        is_new = native.is_new(place, share, entry.seed)
        return _one_of([(native.all_of([plain, is_new]), new), (plain, old)], ask)

    def to_side(self, way: Way, entry: Entry, side: Side, *, asks: bool = False) -> Message:
        """The route to one side of an operation."""
        upstream = entry.upstream(side)
        name = RouteName(way, self.generation, entry.name, side)
        is_told = side is Side.NEW or upstream.via_gateway
        route = _to(upstream, name, is_repeatable=entry.effect is Effect.READ, is_told=is_told, asks=asks)
        header = entry.idempotency_header
        if side is Side.NEW and header and entry.effect is Effect.WRITE:
            route["request_headers_to_add"].append(
                _set_header(header, f"%REQ({EXCHANGE_HEADER})%", action="ADD_IF_ABSENT")
            )
        return route

    def to_system(self, upstream: Upstream) -> Message:
        """The route to a system that serves a path without an operation."""
        name = RouteName(Way.SERVED, self.generation, upstream.system)
        return _to(upstream, name, is_repeatable=False, is_told=False, asks=False)


def _route_configuration(routes: _Routes, key_headers: tuple[tuple[str, str], ...]) -> Message:
    nobody = _action(_nobody(routes.generation))
    by_header = {
        "input": native.header_is(ROUTE_HEADER, "")["single_predicate"]["input"],
        "exact_match_map": {"map": {value: _action(route) for value, route in routes.asked().items()}},
    }
    by_head = list(routes.by_head())
    on_no_match = _list(by_head, nobody) if by_head else nobody
    routed = {"matcher": {"matcher_tree": by_header, "on_no_match": on_no_match}}
    matcher = _one_of([(native.climbing_path(), _action(_refused(routes.generation)))], routed)["matcher"]
    return {
        "@type": TYPE + "envoy.config.route.v3.RouteConfiguration",
        "name": ROUTES,
        "validate_clusters": True,
        "request_headers_to_remove": [*_NEVER_ON_THE_WIRE, *(header for header, _ in key_headers)],
        "virtual_hosts": [{"name": ROUTES, "domains": ["*"], "matcher": matcher}],
    }


def _list(matchers: list[Message], otherwise: Message) -> Message:
    return {"matcher": {"matcher_list": {"matchers": matchers}, "on_no_match": otherwise}}


def _one_of(cases: list[tuple[Message, Message]], otherwise: Message) -> Message:
    return _list([{"predicate": predicate, "on_match": on_match} for predicate, on_match in cases], otherwise)


def _by_prefix(prefix: str, on_match: Message) -> Message:
    inside = native.header_like(PATH_HEADER, "/.*")
    if prefix != "/":
        under = {"prefix": prefix.rstrip("/") + "/"}
        inside = native.any_of([native.header_is(PATH_HEADER, prefix), native.header_has(PATH_HEADER, under)])
    return {"predicate": inside, "on_match": on_match}


def _anything() -> Message:
    return native.header_like(PATH_HEADER, ".*")


def _action(route: Message) -> Message:
    return {"action": {"name": "route", "typed_config": route}}


def _to(upstream: Upstream, name: RouteName, *, is_repeatable: bool, is_told: bool, asks: bool) -> Message:
    parts = urlsplit(upstream.url)
    action: dict[str, Any] = {
        "cluster": cluster_name(upstream.url),
        "prefix_rewrite": parts.path.rstrip("/") + "/",
        "host_rewrite_literal": parts.netloc.rpartition("@")[2],
        "append_x_forwarded_host": True,
        "timeout": f"{upstream.timeout_s:g}s",
        "retry_policy": {
            "retry_on": "reset,connect-failure" if is_repeatable else "reset-before-request",
            "num_retries": 1,
        },
    }
    route: Message = {
        "@type": TYPE + "envoy.config.route.v3.Route",
        "name": str(name),
        "stat_prefix": name.name,  # counted by operation: see ``audit``
        "match": {"prefix": "/"},
        "route": action,
        "metadata": {
            "filter_metadata": {"strangler": {"system": upstream.system, "timeout": f"{upstream.timeout_s:g}"}}
        },
        "request_headers_to_remove": [] if is_told else [EXCHANGE_HEADER],
        "request_headers_to_add": [],
    }
    return route if asks else _unasking(route)


def _nobody(generation: int) -> Message:
    return _direct(generation, problems.no_operation("no operation matches, and no system serves this path"))


def _refused(generation: int) -> Message:
    return _unasking(_direct(generation, problems.refused(400, "the path has dot segments or backslashes")))


def _direct(generation: int, problem: Problem) -> Message:
    return {
        "@type": TYPE + "envoy.config.route.v3.Route",
        "name": str(RouteName(Way.NOBODY, generation)),
        "match": {"prefix": "/"},
        "direct_response": {"status": problem.status, "body": {"inline_string": problem.document().decode()}},
        "response_headers_to_add": [_set_header("content-type", problems.MEDIA_TYPE.decode())],
    }


def _unasking(route: Message) -> Message:
    """The route, on which nobody is asked."""
    disabled = {"@type": TYPE + "envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute", "disabled": True}
    return {**route, "typed_per_filter_config": {DECIDING_FILTER: disabled}}


def _set_header(name: str, value: str, action: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> Message:
    return {"header": {"key": name, "value": value}, "append_action": action}


# -- clusters ----------------------------------------------------------------------------------------------------------


def cluster_name(url: str) -> str:
    """The cluster of everything at this scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _cluster(url: str) -> Message:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    name = cluster_name(url)
    address = {"socket_address": {"address": host, "port_value": port}}
    no_limit = 1_000_000
    cluster: Message = {
        "@type": TYPE + "envoy.config.cluster.v3.Cluster",
        "name": name,
        "alt_stat_name": hashlib.sha256(name.encode()).hexdigest()[:12],
        "type": "STATIC" if _is_address(host) else "STRICT_DNS",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "circuit_breakers": {
            "thresholds": [
                {"max_connections": no_limit, "max_pending_requests": no_limit, "max_requests": no_limit}
                | {"max_retries": no_limit}
            ]
        },
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _http1()},
    }
    if parts.scheme == "https":
        cluster["transport_socket"] = _tls(host)
    return cluster


def _http1() -> Message:
    return {
        "@type": TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http_protocol_options": {"header_key_format": preserved_case()}},
        "common_http_protocol_options": {"idle_timeout": "4s"},
    }


def preserved_case() -> Message:
    """Header names keep their letters: some old systems look at them."""
    formatter = TYPE + "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig"
    return {"stateful_formatter": {"name": "preserve_case", "typed_config": {"@type": formatter}}}


def _tls(host: str) -> Message:
    names = [{"san_type": "IP_ADDRESS" if _is_address(host) else "DNS", "matcher": {"exact": host}}]
    context: Message = {
        "@type": TYPE + "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": {
            "validation_context": {
                "trusted_ca": {"filename": TRUSTED_CERTIFICATES},
                "match_typed_subject_alt_names": names,
            }
        },
    }
    if not _is_address(host):
        context["sni"] = host
    return {"name": "tls", "typed_config": context}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
