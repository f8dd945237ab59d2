"""A JSON list of 200 payments in another order, which a rule allows: none found; against deepdiff likewise."""

import random

import deepdiff
import orjson

from benchmarks._citizens import found, observations, payments
from benchmarks._turns import rows
from parity_checks.rules.compiled import compile_rules
from strangler.plan.comparison import Compare

GOAL = 100.0


def run() -> list[dict[str, object]]:
    """Measure."""
    before = payments(200)
    after = random.Random(20_262).sample(before, len(before))
    old, new = orjson.dumps(before), orjson.dumps(after)
    pair = observations(old, new)
    rule = {"path": "$", "as": "set", "why": "the old system has no order"}
    rules = compile_rules("payments.list", Compare.model_validate({"rules": [rule]}))

    def ours() -> None:
        assert found(*pair, rules) == 0

    def by_deepdiff() -> None:
        assert not deepdiff.DeepDiff(orjson.loads(old), orjson.loads(new), ignore_order=True)

    return rows("json_shuffled", ours, {"deepdiff, ignore_order=True": (by_deepdiff, GOAL)})
