"""Puts faults over the handlers of a clean service."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from new_services.kit import Answer, Call, Handle, Service

Body = dict[str, Any]
Fault = Callable[[Handle], Handle]
"""Makes a faulty handler out of a right one."""


def with_faults(service: Service, faults: Mapping[tuple[str, str], tuple[Fault, ...]]) -> Service:
    """The service with its faults, by method and path of the route.

    Raises:
        KeyError: a fault names a route that the service does not have.
    """
    left = dict(faults)
    routes = []
    for route in service.routes:
        handle = route.handle
        for fault in left.pop((getattr(route, "method", "GET"), route.path), ()):
            handle = fault(handle)
        routes.append(replace(route, handle=handle))
    if left:
        raise KeyError(f"{service.name} has no route {sorted(left)}")
    return replace(service, routes=tuple(routes))


def on_body(change: Callable[[Body], Body]) -> Fault:
    """A fault in what is answered, where the answer is a success."""

    def fault(handle: Handle) -> Handle:
        def faulty(connection: Connection, call: Call) -> Answer:
            answer = handle(connection, call)
            return Answer(change(answer.body), answer.status)

        return faulty

    return fault
