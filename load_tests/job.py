"""What goes to the generator's process and what comes back: plain data, as JSON through its pipes.

Pipes and not files: callers' bodies are personal data, and must not lie on a disk in clear.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from load_tests.arrivals import Arrival
from load_tests.workload import Call
from strangler.stages import Side


@dataclass(frozen=True, slots=True)
class SideJob:
    """One side's part. ``fresh`` names headers that get a value of their own on every request (idempotency keys)."""

    base_url: str
    arrivals: tuple[Arrival, ...]
    timeout_s: float
    build_header: str | None = None
    fresh: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadJob:
    """A whole run. Requests that were intended before ``warm_up_s`` are sent and not counted."""

    run: str
    operation: str
    calls: tuple[Call, ...]
    sides: Mapping[Side, SideJob]
    warm_up_s: float
    duration_s: float
    users: int

    @property
    def longest_s(self) -> float:
        """When the run ends at the latest, in seconds from its start."""
        return self.warm_up_s + self.duration_s + max(side.timeout_s for side in self.sides.values()) + 2.0


@dataclass(frozen=True, slots=True)
class SideResult:
    """One side's measurements. ``histogram`` is HdrHistogram's own encoding, in microseconds from the intended start.

    ``sent`` of the measured requests were sent; ``errors`` counts by kind, with ``unfinished`` for those that were not
    answered when the run ended. ``queued`` were sent late because earlier requests to this side held every connection.
    """

    histogram: str
    requests: int
    sent: int
    errors: Mapping[str, int] = field(default_factory=dict)
    queued: int = 0
    last_sent_s: float = 0.0
    builds: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many errors of any kind."""
        return sum(self.errors.values())


@dataclass(frozen=True, slots=True)
class LoadResult:
    """A whole run's measurements. ``late_p99_ms`` and ``late_max_ms`` are the generator's own lateness."""

    sides: Mapping[Side, SideResult]
    late_p99_ms: float
    late_max_ms: float


def encode_job(job: LoadJob) -> bytes:
    """The job as one line of JSON."""
    return orjson.dumps({
        "run": job.run,
        "operation": job.operation,
        "calls": [
            [call.method, call.target, call.headers, base64.b64encode(call.body).decode()] for call in job.calls
        ],
        "sides": {
            side.value: {
                "base_url": part.base_url,
                "arrivals": [[arrival.offset_s, arrival.call, arrival.number] for arrival in part.arrivals],
                "timeout_s": part.timeout_s,
                "build_header": part.build_header,
                "fresh": part.fresh,
            }
            for side, part in job.sides.items()
        },
        "warm_up_s": job.warm_up_s,
        "duration_s": job.duration_s,
        "users": job.users,
    }) + b"\n"  # fmt: skip


def decode_job(line: bytes) -> LoadJob:
    """The job out of its line."""
    data: dict[str, Any] = orjson.loads(line)
    calls = tuple(
        Call(method, target, tuple((name, value) for name, value in headers), base64.b64decode(body))
        for method, target, headers, body in data.pop("calls")
    )
    sides = {
        Side(name): SideJob(
            **{
                **part,
                "arrivals": tuple(Arrival(*arrival) for arrival in part["arrivals"]),
                "fresh": tuple(part["fresh"]),
            }
        )
        for name, part in data.pop("sides").items()
    }
    return LoadJob(**data, calls=calls, sides=sides)


def encode_result(result: LoadResult) -> bytes:
    """The result as JSON; the journal keeps it beside the evidence."""
    return orjson.dumps({
        "sides": {side.value: part for side, part in result.sides.items()},
        "late_p99_ms": result.late_p99_ms,
        "late_max_ms": result.late_max_ms,
    })  # fmt: skip


def decode_result(data: bytes) -> LoadResult:
    """The result out of its JSON."""
    told: dict[str, Any] = orjson.loads(data)
    sides = {
        Side(name): SideResult(**{**part, "builds": tuple(part["builds"])}) for name, part in told["sides"].items()
    }
    return LoadResult(sides, told["late_p99_ms"], told["late_max_ms"])
