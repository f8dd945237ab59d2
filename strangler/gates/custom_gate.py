"""What a gate of the plan's author said, taken at its word only where that is clear. Pure: asking is done elsewhere."""

from collections.abc import Mapping

from strangler.evidence import Result, Verdict
from strangler.gates.verdicts import no_data
from strangler.plan.gate_models import CustomGate

MOST_REASONS = 10
MOST_CHARACTERS = 200
"""So much is kept of each text that the gate gives."""


def custom(gate: CustomGate, answer: object) -> Verdict:
    """The verdict of a custom gate. Whatever is not clearly a PASS or a HOLD is no data.

    Args:
        gate: the plan's entry.
        answer: ``{"trouble": text}`` where it could not be asked; what the function returned, as plain values; or of
            a hook ``{"status": number, "body": text}``.
    """
    name, threshold = f"custom {gate.name}", "PASS of the function" if gate.function else "2xx of the hook"
    if not isinstance(answer, Mapping):
        return no_data(name, "it gave no answer that can be read", threshold, remedy="a gate that answers")
    trouble = answer.get("trouble")
    if trouble is not None:
        return no_data(name, clipped(trouble), threshold, remedy="a gate that answers")
    return _of_function(name, answer, threshold) if gate.function else _of_hook(name, answer, threshold)


def _of_function(name: str, answer: Mapping[object, object], threshold: str) -> Verdict:
    result, reasons = answer.get("result"), answer.get("reasons", [])
    texts = {field: answer.get(field, "") for field in ("value", "threshold", "remedy")}
    if result not in ("PASS", "HOLD") or not isinstance(result, str):
        return no_data(name, "it returned neither PASS nor HOLD as 'result'", threshold, remedy="a gate that answers")
    known = {"result", "reasons", *texts}
    if not _are_texts(reasons) or not _are_texts(list(texts.values())) or not answer.keys() <= known:
        return no_data(name, "it returned more than texts", threshold, remedy="a gate that answers")
    assert isinstance(reasons, list)  # noqa: S101  just made sure of
    said = tuple(clipped(reason) for reason in reasons[:MOST_REASONS])
    value, limit, remedy = (clipped(text) for text in texts.values())
    if result == "PASS":
        return Verdict(name, Result.PASS, said, value, limit or threshold)
    return Verdict(name, Result.HOLD, said or ("it said HOLD",), value, limit or threshold, remedy or "its PASS")


def _of_hook(name: str, answer: Mapping[object, object], threshold: str) -> Verdict:
    status, body = answer.get("status"), answer.get("body")
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
        return no_data(name, "its answer has no status", threshold, remedy="a hook that answers")
    if 200 <= status <= 299:
        return Verdict(name, Result.PASS, (), f"status {status}", threshold)
    reason = clipped(body) if isinstance(body, str) and body.strip() else f"it answered with status {status}"
    return Verdict(name, Result.HOLD, (reason,), f"status {status}", threshold, "a 2xx of the hook")


def clipped(text: object) -> str:
    """At most so many characters, all of which can be shown on a line."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text)[:MOST_CHARACTERS]).strip()


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
