"""Seeding as somebody runs it."""

import os
import subprocess
import sys

import httpx


def seed(release, *, without=(), **changes):
    environ = {**os.environ, **release.environ, **changes}
    environ = {name: value for name, value in environ.items() if name not in without}
    command = [sys.executable, "-m", "examples.elderly_care.seed"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_seeding_says_in_plain_lines_what_it_did(release_2, people):
    done = seed(release_2)
    assert done.returncode == 0, done.stderr
    assert f"seed: {len(people)} citizens, {len(people)} entitlements" in done.stderr
    assert "\x1b" not in done.stderr


def test_everybody_is_in_the_citizen_record_afterwards(release_2, people):
    citizen = people[-1]
    found = httpx.get(f"{release_2.environ['CITIZEN_RECORD_URL']}/citizens/{citizen.nino}").json()
    assert (found["nhs_number"], found["family_name"]) == (citizen.nhs_number, citizen.family_name)


def test_a_system_that_cannot_be_reached_is_named_without_a_stack_trace(release_2):
    done = seed(release_2, COUNCIL_URL="http://127.0.0.1:9")
    assert done.returncode == 4
    assert "seed: council:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_variable_that_is_missing_is_named(release_2):
    done = seed(release_2, without={"PENSIONS_URL"})
    assert done.returncode == 2
    assert "PENSIONS_URL" in done.stderr
