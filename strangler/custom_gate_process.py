"""The process that asks one custom gate once: a function of the plan's author, or an HTTP hook.

It is started on its own (``python -I custom_gate_process.py``) and imports nothing of ours. A JSON object comes in on
its standard input, a line of JSON goes out; what the function prints goes nowhere. Whoever started it ends it in time;
a timer does where nobody is left to.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

GRACE_S = 2.0
_MOST_BODY_BYTES = 4_096


def _main() -> None:
    settings: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, settings["timeout_s"] + GRACE_S)
    sys.path[:] = settings["path"]
    owner = os.getpid()
    answer = _answer(settings)
    if os.getpid() != owner:  # a copy that the function made of this process must not answer beside it
        os._exit(0)
    os.write(answers, json.dumps(answer).encode() + b"\n")
    os._exit(0)


def _answer(settings: dict[str, Any]) -> dict[str, Any]:
    try:
        if settings["function"]:
            result = _function(settings["function"])(settings["payload"]["evidence"])
            json.dumps(result, allow_nan=False)
            return {"answer": result}
        return {"answer": _posted(settings)}
    except BaseException as error:  # noqa: BLE001  exits and interrupts are its own too
        what = "it raised" if settings["function"] else "the hook could not be reached:"
        return {"answer": {"trouble": f"{what} {type(error).__name__}"}}


def _function(reference: str) -> Callable[[Any], object]:
    module, _, attribute = reference.partition(":")
    found: Callable[[Any], object] = getattr(importlib.import_module(module), attribute)
    return found


def _posted(settings: dict[str, Any]) -> dict[str, object]:
    """What the hook answers; redirects are not followed, and no proxy of the environment is used."""
    import httpx

    with (
        httpx.Client(timeout=settings["timeout_s"], trust_env=False, follow_redirects=False) as client,
        client.stream("POST", settings["url"], json=settings["payload"]) as response,
    ):
        body = b""
        for part in response.iter_bytes():
            body += part
            if len(body) >= _MOST_BODY_BYTES:
                break
        return {"status": response.status_code, "body": body[:_MOST_BODY_BYTES].decode("utf-8", "replace")}


if __name__ == "__main__":
    _main()
