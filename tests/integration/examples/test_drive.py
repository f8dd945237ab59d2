"""Callers against a real system: paced, counted, stopped."""

import asyncio
import time

import pytest

from examples.elderly_care.population import citizens
from examples.elderly_care.traffic import drive

PEOPLE = tuple(citizens(300))
PENSIONS = {
    "pensions.get-entitlement": 10,
    "pensions.get-payment-schedule": 3,
    "pensions.change-address": 3,
}


async def test_drive_asks_as_many_as_said_and_every_answer_is_usable(pensions):
    progress = []
    report = await drive(
        pensions.url,
        requests=200,
        mix=PENSIONS,
        citizens=PEOPLE,
        on_progress=lambda done, failed: progress.append((done, failed)),
    )
    assert 200 <= report.requests <= 210
    assert (report.failed, report.first_failures) == (0, ())
    assert sum(report.by_operation.values()) == report.requests
    assert progress[-1] == (report.requests, 0)


async def test_drive_counts_failures_by_operation_and_says_the_first(pensions):
    mix = {"pensions.get-entitlement": 1, "council.get-assessment": 1}
    report = await drive(pensions.url, requests=60, mix=mix, citizens=PEOPLE)
    assert report.failures == {"council.get-assessment": report.by_operation["council.get-assessment"]}
    assert "status 404" in report.first_failures[0]


async def test_drive_against_nobody_counts_every_request_as_failed(unused_url):
    report = await drive(unused_url, requests=20, mix={"health.find-patient": 1}, citizens=PEOPLE)
    assert (report.requests, report.failed) == (20, 20)


async def test_drive_keeps_to_its_rate(pensions):
    began = time.monotonic()
    report = await drive(pensions.url, requests=30, rate_per_s=60, mix={"pensions.get-entitlement": 1}, citizens=PEOPLE)
    assert time.monotonic() - began >= 29 / 60
    assert report.requests == 30


async def test_drive_ends_when_it_is_told_to(pensions):
    stop = asyncio.Event()

    def after_some(done, _failed):
        if done:
            stop.set()

    report = await asyncio.wait_for(
        drive(pensions.url, mix=PENSIONS, citizens=PEOPLE, rate_per_s=50, stop=stop, on_progress=after_some), 20
    )
    assert report.requests > 0


async def test_drive_ends_after_its_duration(pensions):
    report = await drive(pensions.url, duration_s=0.3, rate_per_s=50, mix={"pensions.get-entitlement": 1})
    assert 0 < report.requests <= 17


async def test_drive_without_an_end_is_refused():
    with pytest.raises(ValueError, match="never ends"):
        await drive("http://127.0.0.1:9")
