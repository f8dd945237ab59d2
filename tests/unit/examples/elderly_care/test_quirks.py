"""QUIRKS.md tells the truth: what it names is there."""

import re
from pathlib import Path

import examples.elderly_care

HOME = Path(examples.elderly_care.__file__).parent
TESTS = Path(__file__).parents[3] / "integration" / "examples"
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (HOME / "QUIRKS.md").read_text("utf-8").splitlines()
    if re.match(r"\| Q\d\d ", line)
]


def test_quirks_are_at_least_fifteen_and_numbered():
    assert [row[0] for row in ROWS] == [f"Q{number:02d}" for number in range(1, len(ROWS) + 1)]
    assert len(ROWS) >= 15


def test_every_quirk_is_where_it_is_said_to_be():
    missing = []
    for quirk, _, places, _, _ in ROWS:
        for file, name in re.findall(r"`([\w./]+)` `(\w+)`", places):
            content = (HOME / "estate" / file).read_text("utf-8")
            if not re.search(rf"(def {name}\b|^{name} = |^{name}: |VIEW {name} |^ +{name} \w)", content, re.MULTILINE):
                missing.append((quirk, file, name))
    assert missing == []
    assert all("`" in row[2] for row in ROWS)


def test_every_quirk_is_seen_by_a_test():
    tests = "\n".join(path.read_text("utf-8") for path in TESTS.glob("test_*.py"))
    unseen = [row[0] for row in ROWS if not re.search(rf"def {row[3].strip('`')}\(", tests)]
    assert unseen == []


def test_every_quirk_says_what_answers_it():
    assert [row[0] for row in ROWS if len(row) != 5 or not row[4]] == []
