import pytest

from strangler.plan.rule_paths import is_at, parse_path


@pytest.mark.parametrize(
    ("path", "general", "expected"),
    [
        ("//amount", "/Envelope/Body/R/payment/amount", True),
        ("//amount", "/Envelope/Body/R/amounts", False),
        ("$.l[*].x", "$.l[*].x", True),
        ("$..x", "$.l[*].x", True),
        ("$.l", "$.l[*].x", False),
        ("headers.date", "headers.Date", True),
        ("//x", "$.x", False),
    ],
)
def test_path_covers_general_path(path: str, general: str, expected: bool) -> None:
    assert is_at(parse_path(path), general) is expected
