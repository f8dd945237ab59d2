"""Two equal JSON answers of 10 KB, through ``compare``, against two ``orjson.loads`` and ``==``.

The row is about two serialisers that put blanks differently. Beside it, without a goal: the very same bytes, and other
order of members.
"""

from functools import partial
from typing import Any

import orjson

from benchmarks._citizens import answer_of, found, observations, spaced
from benchmarks._turns import rows

GOAL = 0.75


def _turned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _turned(value[name]) for name in reversed(value)}
    return [_turned(one) for one in value] if isinstance(value, list) else value


def _peer(old: bytes, new: bytes) -> None:
    assert orjson.loads(old) == orjson.loads(new)


def _ours(pair: tuple[Any, Any]) -> None:
    assert found(*pair) == 0


def run() -> list[dict[str, object]]:
    """Measure."""
    answer = answer_of(19)
    body = orjson.dumps(answer)
    found_rows: list[dict[str, object]] = []
    variants = (
        ("json_equal", spaced(answer), GOAL),
        ("json_equal_bytes", body, None),
        ("json_equal_order", orjson.dumps(_turned(answer)), None),
    )
    for name, new, goal in variants:
        ours = partial(_ours, observations(body, new))
        found_rows += rows(name, ours, {"two orjson.loads and ==": (partial(_peer, body, new), goal)})
    return found_rows
