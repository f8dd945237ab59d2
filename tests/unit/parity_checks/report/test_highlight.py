import pytest

from parity_checks.report.highlight import pieces


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("187.29", "187.30", ((("187.", False), ("29", True)), (("187.", False), ("30", True)))),
        ("same", "same", ((("same", False),), (("same", False),))),
        ("cut at", "cut", ((("cut", False), (" at", True)), (("cut", False),))),
        ("", "x", ((), (("x", True),))),
    ],
)
def test_pieces_cut_where_values_differ(old: str, new: str, expected: object) -> None:
    assert pieces(old, new, old, new) == expected


def test_pieces_of_masked_values_are_cut_by_the_clear_ones() -> None:
    assert pieces("AB1", "AB2", "XX9", "XX9") == ((("XX", False), ("9", True)), (("XX", False), ("9", True)))
