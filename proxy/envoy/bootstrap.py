"""Envoy's own configuration: the static part, and the listener that callers reach. Pure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.envoy.names import EXCHANGE_HEADER, PATH_HEADER
from proxy.envoy.native import TYPE, Message
from proxy.envoy.routing import DECIDING_FILTER, ROUTES, preserved_case

LISTENER = "strangler"
DECIDING, OBSERVING = "strangler-deciding", "strangler-observing"
DECIDES_WITHIN = "0.25s"
"""How long a request waits for ``decide``; then it goes to old."""
MAX_CONNECTIONS = 20_000
HEAD_KIB = 60
HEAD_FIELDS = 100

_HTTP = "envoy.extensions.filters.http."
_UPSTREAM_FAILED = "urn:strangler:problem:"


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is: the address for callers, the folder of the watched files, and our private sockets."""

    host: str
    port: int
    folder: Path
    sockets: Path

    @property
    def admin(self) -> Path:
        """Envoy's administration: it knows no log-in, so only the owner of this folder reaches it."""
        return self.sockets / "admin"

    @property
    def deciding(self) -> Path:
        """Where Envoy asks."""
        return self.sockets / "deciding"

    @property
    def observing(self) -> Path:
        """Where Envoy tells."""
        return self.sockets / "observing"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds out of the plan: the largest body that is held, and the longest that a request may take."""

    body_bytes: int
    longest_s: float


def bootstrap(places: Places, limits: Limits) -> Message:
    """The static configuration. Listener, clusters and routes are watched files."""
    return {
        "node": {"id": "strangler", "cluster": "strangler"},
        "admin": {"address": {"pipe": {"path": str(places.admin), "mode": 0o600}}},
        "dynamic_resources": {"lds_config": _watched(places, "lds"), "cds_config": _watched(places, "cds")},
        "static_resources": {
            "clusters": [
                _our_cluster(DECIDING, places.deciding, None),
                _our_cluster(OBSERVING, places.observing, limits.longest_s),
            ]
        },
        "overload_manager": _overload(),
        "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
    }


def listener(places: Places, limits: Limits, key_headers: tuple[tuple[str, str], ...]) -> Message:
    """The listener for callers, whose routes are in a watched file."""
    return {
        "@type": TYPE + "envoy.config.listener.v3.Listener",
        "name": LISTENER,
        "address": {"socket_address": {"address": places.host, "port_value": places.port}},
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": limits.body_bytes,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": connection_manager(limits, key_headers)
                        | {"rds": {"route_config_name": ROUTES, "config_source": _watched(places, "rds")}},
                    }
                ]
            }
        ],
    }


def connection_manager(limits: Limits, key_headers: tuple[tuple[str, str], ...]) -> Message:
    """The HTTP connection manager, without its routes."""
    network = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    return {
        "@type": TYPE + network,
        "stat_prefix": LISTENER,
        "codec_type": "HTTP1",
        "http_protocol_options": {"header_key_format": preserved_case()},
        "server_header_transformation": "PASS_THROUGH",
        "generate_request_id": False,
        "use_remote_address": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "max_request_headers_kb": HEAD_KIB,
        "common_http_protocol_options": {
            "headers_with_underscores_action": "REJECT_REQUEST",
            "max_headers_count": HEAD_FIELDS,
            "idle_timeout": "75s",
        },
        "request_headers_timeout": "20s",
        "stream_idle_timeout": f"{limits.longest_s:g}s",
        "early_header_mutation_extensions": [_early(key_headers)],
        "local_reply_config": {"mappers": [_problem(*problem) for problem in _PROBLEMS]},
        "http_filters": [
            {"name": "strangler.observing", "typed_config": _observing()},
            {"name": DECIDING_FILTER, "typed_config": _deciding()},
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": TYPE + _HTTP + "router.v3.Router", "suppress_envoy_headers": True},
            },
        ],
    }


def _early(key_headers: tuple[tuple[str, str], ...]) -> Message:
    """Before the route is chosen: what callers forged goes, what routes are chosen by comes."""
    ours = [(EXCHANGE_HEADER, "%UNIQUE_ID%"), (PATH_HEADER, "%PATH(NQ:PATH)%"), *key_headers]
    mutations: list[Message] = [{"remove_on_match": {"key_matcher": {"prefix": "x-strangler-", "ignore_case": True}}}]
    mutations += [
        {"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
        for name, value in ours
    ]
    config = TYPE + "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": {"@type": config, "mutations": mutations},
    }


def _observing() -> Message:
    return {
        "@type": TYPE + _HTTP + "ext_proc.v3.ExternalProcessor",
        "stat_prefix": "observing",
        "grpc_service": {"envoy_grpc": {"cluster_name": OBSERVING}},
        "failure_mode_allow": True,
        "observability_mode": True,
        "processing_mode": {
            "request_header_mode": "SEND",
            "response_header_mode": "SEND",
            "request_body_mode": "STREAMED",
            "response_body_mode": "STREAMED",
        },
        "response_attributes": ["xds.route_name", "response.code_details"],
    }


def _deciding() -> Message:
    return {
        "@type": TYPE + _HTTP + "ext_proc.v3.ExternalProcessor",
        "stat_prefix": "deciding",
        "grpc_service": {"envoy_grpc": {"cluster_name": DECIDING}},
        "failure_mode_allow": True,
        "message_timeout": DECIDES_WITHIN,
        "allow_mode_override": True,
        "processing_mode": {"request_header_mode": "SEND", "response_header_mode": "SKIP"},
    }


_PROBLEMS = (
    (["UT"], 504, "system-timeout", "The system '{system}' did not answer within {timeout} seconds."),
    (["UF", "UO", "UH", "NC", "NR"], 502, "system-unreachable", "The system '{system}' cannot be reached."),
    (
        ["UC", "UR", "UPE", "LR"],
        502,
        "system-failed",
        "The system '{system}' ended the connection without a complete answer.",
    ),
)


def _problem(flags: list[str], status: int, slug: str, detail: str) -> Message:
    """What callers get where a system gives no answer: a problem document (RFC 9457) that names it."""
    system, timeout = "%METADATA(ROUTE:strangler:system)%", "%METADATA(ROUTE:strangler:timeout)%"
    return {
        "filter": {"response_flag_filter": {"flags": flags}},
        "status_code": status,
        "body_format_override": {
            "json_format": {
                "type": _UPSTREAM_FAILED + slug,
                "title": {502: "Bad Gateway", 504: "Gateway Timeout"}[status],
                "status": "%RESPONSE_CODE%",
                "detail": detail.format(system=system, timeout=timeout),
                "system": system,
            },
            "content_type": "application/problem+json",
        },
    }


def _watched(places: Places, kind: str) -> Message:
    """Envoy sees a file only when it is renamed into a folder that it watches; an edit in place goes unseen."""
    return {
        "path_config_source": {
            "path": str(places.folder / f"{kind}.json"),
            "watched_directory": {"path": str(places.folder)},
        },
        "resource_api_version": "V3",
    }


def _our_cluster(name: str, socket: Path, longest_s: float | None) -> Message:
    options: Message = {
        "@type": TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    if longest_s is not None:
        # What a frozen receiver can hold up: Envoy's back-pressure ends with the stream.
        options["common_http_protocol_options"] = {"max_stream_duration": f"{longest_s:g}s"}
    no_limit: dict[str, Any] = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), 1_000_000)
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "0.25s",
        "circuit_breakers": {"thresholds": [no_limit]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(socket)}}}}]}],
        },
    }


def _overload() -> Message:
    monitor = "envoy.resource_monitors.global_downstream_max_connections"
    config = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    limit = {"@type": TYPE + config, "max_active_downstream_connections": MAX_CONNECTIONS}
    return {"resource_monitors": [{"name": monitor, "typed_config": limit}]}
