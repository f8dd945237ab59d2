from parity_checks.mask import mask, mask_at
from strangler.plan.rule_paths import parse_path


def test_mask_keeps_the_shape_only() -> None:
    assert mask("O’Neill, Łukasz 12-03-1950 £1.50 張") == "X’Xxxxx, Xxxxxx 99-99-9999 £9.99 x"


def test_mask_at_a_shown_path_keeps_the_value() -> None:
    show = (parse_path("//status"),)
    assert [mask_at("A1", path, show) for path in ("/r/status", "/r/name", "status")] == ["A1", "X9", "A1"]
