import pytest

from proxy.envoy.names import RouteName, Way
from strangler.stages import Side


@pytest.mark.parametrize(
    "name",
    [
        RouteName(Way.ASKED, 3, "shop.get-item", Side.NEW),
        RouteName(Way.SERVED, 1, "old-shop"),
        RouteName(Way.NOBODY, 0),
    ],
)
def test_a_route_name_survives_being_written_and_read(name: RouteName) -> None:
    assert RouteName.read(str(name)) == name


@pytest.mark.parametrize("text", ["", "route", "native|x|new|a", "native|1|both|a", "other|1|new|a"])
def test_other_texts_are_no_route_names(text: str) -> None:
    assert RouteName.read(text) is None
