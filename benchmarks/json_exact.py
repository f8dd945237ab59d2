"""Two equal JSON answers of 10 KB with numbers that no double keeps, against two ``orjson.loads`` and ``==``.

The peer is wrong about them: it takes amounts that differ in the seventeenth digit for the same.
"""

from functools import partial

import orjson

from benchmarks._citizens import answer_of, found, observations, spaced
from benchmarks._turns import rows
from benchmarks.json_equal import _ours, _peer


def run() -> list[dict[str, object]]:
    """Measure."""
    answer = answer_of(19)
    answer["balance"] = "AMOUNT"
    body, new = (
        text.replace(b'"AMOUNT"', b"1234567890123.1234567890") for text in (orjson.dumps(answer), spaced(answer))
    )
    other = new.replace(b"1234567890123.1234567890", b"1234567890123.1234567891")
    assert found(*observations(body, other)) == 1
    peers = {"two orjson.loads and ==, inexact": (partial(_peer, body, new), None)}
    return rows("json_exact", partial(_ours, observations(body, new)), peers)
