"""Runs a job in the generator's own process."""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable

import orjson

from load_tests.job import LoadJob, LoadResult, decode_result, encode_job
from strangler.errors import SystemUnreachable

_START_S = 60.0
"""What locust's import and its users may take before the run's own time begins."""


def launch(job: LoadJob, on_progress: Callable[[float], None]) -> LoadResult:
    """Run the job; ``on_progress`` gets the part done, 0 to 1. Bounded by the job's own time.

    Raises:
        SystemUnreachable: the generator ended without a result; the message has its last lines.
    """
    command = (sys.executable, "-m", "load_tests.runner")
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints) as process,  # noqa: S603  our own module
    ):
        limit = threading.Timer(_START_S + job.longest_s, process.kill)
        limit.start()
        try:
            result = _follow(process, job, on_progress)
        finally:
            limit.cancel()
            process.kill()
            process.wait()
        if result is None:
            complaints.seek(0)
            last = complaints.read().decode("utf-8", "replace").strip().splitlines()[-5:]
            said = "\n".join(f"    {line}" for line in last)
            raise SystemUnreachable("load generator", f"ended without a result\n{said}")
    return result


def _follow(
    process: "subprocess.Popen[bytes]", job: LoadJob, on_progress: Callable[[float], None]
) -> LoadResult | None:
    if process.stdin is None or process.stdout is None:
        return None
    try:
        process.stdin.write(encode_job(job))
        process.stdin.close()
    except BrokenPipeError:
        return None
    for line in process.stdout:
        news = orjson.loads(line)
        if "result" in news:
            on_progress(1.0)
            return decode_result(orjson.dumps(news["result"]))
        on_progress(news["done"])
    return None
