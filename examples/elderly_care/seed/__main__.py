"""Fills the shared services: ``python -m examples.elderly_care.seed``, with the plan's variables in the environment."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from examples.elderly_care.seed.fill import Filled, fill
from strangler.errors import StranglerError
from strangler.plan.loader import load_plan
from strangler.plan.models import Plan

PLAN = Path(__file__).parents[1] / "migration.yaml"
VARIABLES = {
    "pensions": "PENSIONS_URL",
    "council": "COUNCIL_URL",
    "patient-index": "PATIENT_INDEX_ODBC",
    "citizen-record": "CITIZEN_RECORD_URL",
    "entitlement": "ENTITLEMENT_URL",
    "care-plan": "CARE_PLAN_URL",
    "assessment": "ASSESSMENT_URL",
}


def main() -> int:
    """Fill, with progress on a terminal and plain lines elsewhere; the exit code is the error's own."""
    options = _arguments().parse_args()
    environ = {"GATEWAY_URL": "http://127.0.0.1:9"} | dict(os.environ)  # seeding does not go through the gateway
    for system, variable in VARIABLES.items():
        given = getattr(options, system.replace("-", "_"))
        if given is not None:
            environ[variable] = given
    console = Console(stderr=True)
    began = time.monotonic()
    try:
        plan = load_plan(options.plan, environ).plan
        filled = _with_progress(console, plan, environ)
    except StranglerError as error:
        console.print(f"seed: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        return error.exit_code
    console.print(
        f"seed: {filled.citizens} citizens, {filled.entitlements} entitlements, {filled.care_plans} care plans, "
        f"{filled.clients} council clients in {time.monotonic() - began:.1f} s",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m examples.elderly_care.seed", description=__doc__)
    parser.add_argument("--plan", type=Path, default=PLAN, help="the plan whose systems are asked and filled")
    for system, variable in VARIABLES.items():
        parser.add_argument(f"--{system}", metavar=variable, help=f"instead of the variable {variable}")
    return parser


def _with_progress(console: Console, plan: Plan, environ: Mapping[str, str]) -> Filled:
    """Run the filling; one bar for each system on a terminal, one line for each system elsewhere."""
    columns = (TextColumn("{task.description:>16}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done)
            if done == total and not console.is_terminal:
                console.print(f"seed: {step}: {total}", highlight=False)

        return asyncio.run(fill(plan, environ, progress))


if __name__ == "__main__":
    sys.exit(main())
