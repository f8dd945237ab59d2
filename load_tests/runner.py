"""The generator: ``python -m load_tests.runner``, one job on standard input, progress and result on standard output.

Locust patches the process that imports it, so it has one to itself. Locust brings users, connections, requests and
events; the schedule is ours, because locust has no open model. Each side has users of its own, so that a side that
stalls cannot delay the other. A user takes the next arrival, waits for its time and sends; the latency counts from
that time.
"""

from locust import FastHttpUser, User, task  # isort: skip  it patches sockets: before everything else
import os
import sys
import time
import uuid
from collections import Counter, deque
from typing import Any, BinaryIO

import gevent
import gevent.event
import orjson
from geventhttpclient.client import HTTPClientPool
from geventhttpclient.response import HTTPConnectionClosed
from geventhttpclient.useragent import EmptyResponse
from locust.env import Environment
from locust.exception import StopUser

from load_tests import latency
from load_tests.arrivals import Arrival
from load_tests.job import LoadJob, LoadResult, SideJob, SideResult, decode_job, encode_result
from strangler.exchange import Failure, Observation
from strangler.stages import Side

_SPAWN_S = 30.0
_HEAD_START_S = 0.1


class Line:
    """One side's arrivals, in the order of their times, and what came of those that count."""

    def __init__(self, side: Side, job: LoadJob) -> None:
        self.side = side
        self.part: SideJob = job.sides[side]
        self.waiting = deque(self.part.arrivals)
        self.under_way: dict[int, Arrival] = {}
        self.opened = gevent.event.Event()
        self.zero = 0.0
        self.histogram = latency.histogram()
        self.errors: Counter[str] = Counter()
        self.builds: set[str] = set()
        self.sent = self.requests = self.queued = 0
        self.last_sent_s = 0.0
        self.lateness_s: list[float] = []
        self._warm_up_s = job.warm_up_s
        # A load run is nobody's request: where our exchange id goes, it says that this side is asked for a copy.
        role = {"x-strangler-role": "asked"} if "x-strangler-exchange" in self.part.fresh else {}
        self._calls = [(call, _headers(call.headers, self.part.fresh) | role) for call in job.calls]

    @property
    def is_done(self) -> bool:
        """Whether every arrival was answered or failed."""
        return not self.waiting and not self.under_way

    def open(self, zero: float) -> None:
        """Let the users go; ``zero`` is the run's start on the performance counter."""
        self.zero = zero
        self.opened.set()

    def take(self) -> tuple[Arrival, float] | None:
        """The next arrival, once its time has come, with that time on the performance counter."""
        if not self.waiting:
            return None
        arrival = self.waiting.popleft()
        self.under_way[arrival.number] = arrival
        due = self.zero + arrival.offset_s
        early_s = due - time.perf_counter()
        gevent.sleep(max(0.0, early_s))
        if self._counts(arrival):
            now = time.perf_counter()
            self.sent += 1
            self.last_sent_s = max(self.last_sent_s, now - self.zero - self._warm_up_s)
            if early_s > 0:
                self.lateness_s.append(now - due)  # nobody but the generator kept it
            else:
                self.queued += 1
        return arrival, due

    def request(self, arrival: Arrival) -> tuple[str, str, Any, dict[str, str]]:
        """Method, URL, body and headers of an arrival."""
        call, headers = self._calls[arrival.call]
        if self.part.fresh:
            headers = {**headers, **{name: str(uuid.uuid4()) for name in self.part.fresh}}
        return call.method, self.part.base_url + call.target, call.body, headers

    def note(self, arrival: Arrival, took_s: float, kind: str | None) -> None:
        """One arrival is over; ``kind`` says how it failed."""
        self.under_way.pop(arrival.number, None)
        if not self._counts(arrival):
            return
        self.requests += 1
        latency.record(self.histogram, took_s)
        if kind is not None:
            self.errors[kind] += 1

    def give_up(self) -> None:
        """The run's time is over: whatever was not answered has failed, and took at least so long."""
        now = time.perf_counter()
        for arrival in (*self.under_way.values(), *self.waiting):
            self.note(arrival, now - self.zero - arrival.offset_s, "unfinished")
        self.waiting.clear()

    def result(self) -> SideResult:
        """What was measured."""
        return SideResult(
            histogram=latency.encode(self.histogram),
            requests=self.requests,
            sent=self.sent,
            errors=dict(self.errors),
            queued=self.queued,
            last_sent_s=self.last_sent_s,
            builds=tuple(sorted(self.builds)),
        )

    def _counts(self, arrival: Arrival) -> bool:
        return arrival.offset_s >= self._warm_up_s


class ArrivalUser(FastHttpUser):
    """A user that sends what its side's line gives it."""

    abstract = True
    line: Line

    def on_start(self) -> None:
        """Keep no cookies: one caller's session is no other caller's."""
        self.client.client.cookiejar = None

    @task
    def serve(self) -> None:
        """Take arrivals until there are no more."""
        line = self.line
        line.opened.wait()
        while (taken := line.take()) is not None:
            self._send(*taken)
        raise StopUser

    def _send(self, arrival: Arrival, due: float) -> None:
        method, url, body, headers = self.line.request(arrival)
        context = {"arrival": arrival}
        with self.client.request(
            method, url, self.line.side.value, body, True, headers=headers, allow_redirects=False, context=context
        ) as response:
            response.request_meta["response_time"] = (time.perf_counter() - due) * 1000
            kind = _failure(self.line.side, response)
            if kind is not None:
                response.failure(kind)
                return
            response.success()
            build = response.headers.get(self.line.part.build_header) if self.line.part.build_header else None
            if build:
                self.line.builds.add(build)


class Load:
    """One job on locust's local runner."""

    def __init__(self, job: LoadJob, output: BinaryIO) -> None:
        self._job = job
        self._output = output
        self.lines = {side: Line(side, job) for side in job.sides}

    def run(self) -> LoadResult:
        """Send everything, within the job's time; what was measured."""
        classes: list[type[User]] = [_user_class(line, self._job.users) for line in self.lines.values()]
        environment = Environment(user_classes=classes)
        environment.events.request.add_listener(self._on_request)  # type: ignore[no-untyped-call]
        runner = environment.create_local_runner()
        everybody = self._job.users * len(classes)
        runner.start(everybody, spawn_rate=everybody)
        until = time.perf_counter() + _SPAWN_S
        while runner.user_count < everybody and time.perf_counter() < until:
            gevent.sleep(0.02)
        self._follow()
        for line in self.lines.values():
            line.give_up()
        result = self._result()
        runner.quit()
        return result

    def _follow(self) -> None:
        zero = time.perf_counter() + _HEAD_START_S
        for line in self.lines.values():
            line.open(zero)
        whole_s = self._job.warm_up_s + self._job.duration_s
        while not all(line.is_done for line in self.lines.values()):
            gone_s = time.perf_counter() - zero
            if gone_s > self._job.longest_s:
                return
            self._tell({"done": max(0.0, min(1.0, gone_s / whole_s))})
            gevent.sleep(0.1)

    def _on_request(self, name: str, response_time: float, exception: Any, context: dict[str, Any], **_: Any) -> None:
        kind = str(exception) if exception is not None else None
        self.lines[Side(name)].note(context["arrival"], response_time / 1000, kind)

    def _result(self) -> LoadResult:
        late = sorted(late_s for line in self.lines.values() for late_s in line.lateness_s) or [0.0]
        p99 = late[min(len(late) - 1, int(len(late) * 0.99))]
        return LoadResult({side: line.result() for side, line in self.lines.items()}, p99 * 1000, late[-1] * 1000)

    def _tell(self, news: dict[str, Any]) -> None:
        self._output.write(orjson.dumps(news) + b"\n")
        self._output.flush()


def main() -> None:
    """Read the job, run it, write the result."""
    output = os.fdopen(os.dup(1), "wb")
    sys.stdout = sys.stderr  # whatever a library prints is no part of the result
    job = decode_job(sys.stdin.buffer.readline())
    result = Load(job, output).run()
    output.write(b'{"result":' + encode_result(result) + b"}\n")
    output.flush()
    os._exit(0)  # locust's greenlets need no farewell, and one that hangs must not keep the caller


def _user_class(line: Line, users: int) -> type[ArrivalUser]:
    pool = HTTPClientPool(
        concurrency=users,
        connection_timeout=min(10.0, line.part.timeout_s),
        network_timeout=line.part.timeout_s,
        insecure=False,
    )
    name = f"{line.side.value.title()}User"
    members = {"line": line, "client_pool": pool, "host": line.part.base_url, "fixed_count": users}
    return type(name, (ArrivalUser,), members)


def _headers(fields: tuple[tuple[str, str], ...], fresh: tuple[str, ...]) -> dict[str, str]:
    """The fields as one mapping, repeated ones joined (RFC 9110, 5.3); ``fresh`` ones come later."""
    joined: dict[str, tuple[str, str]] = {}
    for name, value in fields:
        known = joined.get(name.lower())
        joined[name.lower()] = (known[0], f"{known[1]}, {value}") if known else (name, value)
    renewed = {name.lower() for name in fresh}
    return {name: value for lower, (name, value) in joined.items() if lower not in renewed}


def _failure(side: Side, response: Any) -> str | None:
    """How the answer failed, by the same rule as everywhere: ``Observation.has_failed``."""
    status = response.status_code or None
    if status is None:
        return _cause(response.error).value
    failed = Observation(side, status, body=response.content or b"").has_failed
    return f"status {status}" if failed else None


def _cause(error: BaseException | None) -> Failure:
    """Why there was no answer: the client wraps the cause of a failure that it might have retried."""
    match getattr(error, "original", None) or error:
        case TimeoutError():
            return Failure.TIMEOUT
        case ConnectionRefusedError():
            return Failure.UNREACHABLE
        case ConnectionError() | HTTPConnectionClosed() | EmptyResponse():
            return Failure.RESET
        case OSError():
            return Failure.UNREACHABLE
        case _:
            return Failure.PROTOCOL


if __name__ == "__main__":
    main()
