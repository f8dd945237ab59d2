"""A JSON list of 200 payments with one inserted: exactly one difference; against deepdiff with ``ignore_order``."""

import deepdiff
import orjson

from benchmarks._citizens import found, observations, payments
from benchmarks._turns import rows

GOAL = 100.0


def run() -> list[dict[str, object]]:
    """Measure."""
    before = payments(200)
    after = [*before[:77], {**before[77], "reference": "P999999"}, *before[77:]]
    old, new = orjson.dumps(before), orjson.dumps(after)
    pair = observations(old, new)

    def ours() -> None:
        assert found(*pair) == 1

    def by_deepdiff() -> None:
        result = deepdiff.DeepDiff(orjson.loads(old), orjson.loads(new), ignore_order=True)
        assert len(result["iterable_item_added"]) == 1

    return rows("json_insert", ours, {"deepdiff, ignore_order=True": (by_deepdiff, GOAL)})
