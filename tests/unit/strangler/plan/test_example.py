import re
from pathlib import Path

import jsonschema
import yaml

from strangler.plan import load_plan, schema

EXAMPLE = Path(__file__).parents[4] / "examples" / "elderly_care" / "migration.yaml"


def test_example_plan_loads_and_satisfies_its_schema() -> None:
    text = EXAMPLE.read_text()
    environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "http://127.0.0.1:7000")
    assert len(load_plan(EXAMPLE, environ).plan.operations) >= 3
    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(text))
