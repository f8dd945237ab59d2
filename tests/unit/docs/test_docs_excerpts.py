"""Plans in the how-to pages are plans that load, and say what the text says of them."""

import re
from pathlib import Path

from strangler.plan import parse_plan

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "move-writes.md"
ENVIRON = {"COUNCIL_ROWS": "sqlite:///old.db", "ASSESSMENT_ROWS": "sqlite:///new.db"}


def test_move_writes_excerpt_is_a_plan_that_loads() -> None:
    (excerpt,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    loaded = parse_plan(excerpt, Path("migration.yaml"), ENVIRON)
    operations = loaded.plan.operations
    assert [learn.name for learn in operations["council.request-assessment"].ids.learn] == ["request"]
    assert [effect.name for effect in operations["council.request-assessment"].effects] == ["listed", "kept"]
    assert {use.name for operation in operations.values() for use in operation.ids.use} == {"request"}
