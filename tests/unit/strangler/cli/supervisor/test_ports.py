"""Free ports."""

import socket

import pytest

from strangler.cli.supervisor.ports import claim, free_port, is_free
from strangler.errors import Refused


def test_free_ports_are_free_and_differ() -> None:
    taken: set[int] = set()
    for _ in range(20):
        taken.add(free_port(taken))
    assert len(taken) == 20
    assert all(is_free(port) for port in taken)


def test_a_port_in_use_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_two_processes_cannot_fix_the_same_port() -> None:
    port = free_port(set())
    with pytest.raises(Refused, match=f"shop: port {port} is given to another process"):
        claim("shop", port, {port})
