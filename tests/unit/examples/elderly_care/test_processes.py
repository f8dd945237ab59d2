"""processes.yaml and migration.yaml fit together: what the plan asks of the environment, a process provides."""

import re
from pathlib import Path

import examples.elderly_care
from strangler.cli.supervisor import load_processes

HOME = Path(examples.elderly_care.__file__).parent
OURS = {"GATEWAY_URL"}
"""Provided by ``strangler up`` itself."""


def test_every_variable_that_the_plan_asks_for_is_provided():
    asked = set(re.findall(r"\$\{(\w+)\}", (HOME / "migration.yaml").read_text("utf-8")))
    provided = {name for spec in load_processes(HOME / "processes.yaml").specs() for name in spec.provides}
    assert asked - OURS == provided


def test_seeding_waits_for_every_other_process():
    specs = {spec.name: spec for spec in load_processes(HOME / "processes.yaml").specs()}
    seed = specs.pop("seed")
    assert (seed.once, set(seed.after)) == (True, set(specs))
