"""Two JSON answers of 10 KB that differ in three leaves: all three found, with paths; against deepdiff and dictdiffer.

The peers parse with orjson, as they would be used. They find the same three, in doubles.
"""

import copy

import deepdiff
import dictdiffer
import orjson

from benchmarks._citizens import answer_of, found, observations
from benchmarks._turns import rows

GOALS = {"deepdiff": 100.0, "dictdiffer": 8.0}


def run() -> list[dict[str, object]]:
    """Measure."""
    answer = answer_of(19)
    other = copy.deepcopy(answer)
    other["records"][3]["payments"][1]["amount"] += 0.01
    other["records"][8]["name"]["family"] = "SMITH"
    other["records"][13]["hasAppointee"] = not answer["records"][13]["hasAppointee"]
    old, new = orjson.dumps(answer), orjson.dumps(other)
    pair = observations(old, new)

    def ours() -> None:
        assert found(*pair) == 3

    def by_deepdiff() -> None:
        result = deepdiff.DeepDiff(orjson.loads(old), orjson.loads(new))
        assert len(result["values_changed"]) == 3

    def by_dictdiffer() -> None:
        assert len(list(dictdiffer.diff(orjson.loads(old), orjson.loads(new)))) == 3

    peers = {"deepdiff": (by_deepdiff, GOALS["deepdiff"]), "dictdiffer": (by_dictdiffer, GOALS["dictdiffer"])}
    return rows("json_leaves", ours, peers)
