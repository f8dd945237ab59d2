"""processes.yaml and migration.yaml fit together: what the plan asks of the environment, a process provides."""

import re
from pathlib import Path

import examples.elderly_care
from strangler.cli.supervisor import load_processes

HOME = Path(examples.elderly_care.__file__).parent
OURS = {"GATEWAY_URL"}
"""Provided by ``strangler up`` itself."""


def test_every_variable_that_the_plan_or_a_process_asks_for_is_provided_and_no_other():
    specs = load_processes(HOME / "processes.yaml").specs()
    asked = set(re.findall(r"\$\{(\w+)\}", (HOME / "migration.yaml").read_text("utf-8")))
    asked |= {name for spec in specs for word in spec.command for name in re.findall(r"\{([A-Z_]+)\}", word)}
    provided = {name for spec in specs for name in spec.provides}
    assert asked - OURS == provided


def test_letters_are_asked_for_where_the_notifications_service_is():
    specs = {spec.name: spec for spec in load_processes(HOME / "processes.yaml").specs()}
    asks, answers = specs["citizen-record"].command, specs["notifications"].command
    assert asks[asks.index("--notifications") + 1] == "{NOTIFICATIONS_URL}"
    key_file = asks[asks.index("--notifications-key-file") + 1]
    assert answers[answers.index("--api-key-file") + 1] == key_file


def test_seeding_waits_for_every_other_process():
    specs = {spec.name: spec for spec in load_processes(HOME / "processes.yaml").specs()}
    seed = specs.pop("seed")
    assert (seed.once, set(seed.after)) == (True, set(specs))
