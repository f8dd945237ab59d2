import pytest

from strangler.overview.words import ago


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7199, "120 min ago"),
        (7200, "2 h ago"),
        (200_000, "2 d ago"),
    ],
)
def test_ago_has_one_unit(seconds: float, said: str) -> None:
    assert ago(seconds) == said
