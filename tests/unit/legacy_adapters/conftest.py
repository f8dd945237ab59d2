from collections.abc import Callable

import pytest

from legacy_adapters.contract import Call, Reply
from strangler.exchange import Headers
from strangler.plan.models import System
from strangler.stages import Side


class ScriptedLink:
    """A link that answers from a script, and remembers what it was asked."""

    name = "council"

    def __init__(self, *replies: Reply, timeout_s: float = 1.0) -> None:
        self.system = System(department="council", speaks="http", url="http://council.example", timeout_s=timeout_s)
        self.replies = list(replies)
        self.asked: list[tuple[str, str, dict[str, str], bytes | None]] = []

    async def request(
        self, method: str, target: str, *, headers: Headers = (), body: bytes | None = None
    ) -> Reply:  # fmt: skip
        self.asked.append((method, target, dict(headers), body))
        return self.replies.pop(0)

    async def run(self, work):
        return work()


@pytest.fixture
def scripted() -> type[ScriptedLink]:
    return ScriptedLink


@pytest.fixture
def call_for() -> Callable[[ScriptedLink], Call]:
    def make(link: ScriptedLink) -> Call:
        headers = (("x-strangler-exchange", "e1"),)
        return Call("council.get-assessment", Side.NEW, link, {link.name: link}, "e1", None, headers)

    return make
