from parity_checks.causes import Cause, renamed, swapped
from strangler.exchange import Difference, DifferenceKind


def differs(kind: str, path: str, old: str | None, new: str | None) -> Difference:
    general = path.replace("[0]", "[*]").replace("[1]", "[*]")
    return Difference(DifferenceKind(kind), path, old, new, "s", general)


def test_swapped_fields_are_told_as_a_pair() -> None:
    found = swapped(
        (
            differs("value", "$.p.first", "Ann", "Lee"),
            differs("value", "$.p.age", "1", "2"),
            differs("value", "$.p.last", "Lee", "Ann"),
        )
    )
    assert found == (("$.p.first", "$.p.last", Cause("$.p.first and $.p.last are swapped on the new side")),)


def test_values_that_cross_elsewhere_are_not_swapped_fields() -> None:
    first = differs("value", "$.p.first", "Ann", "Lee")
    assert swapped((first, differs("value", "$.q.last", "Lee", "Ann"))) == ()
    assert swapped((first, differs("value", "$.p.last", "Lee", "Anna"))) == ()
    assert swapped((first, differs("missing", "$.p.last", "Lee", None))) == ()
    elements = differs("value", "$.l[0]", "a", "b"), differs("value", "$.l[1]", "b", "a")
    assert swapped(elements) == ()  # one path: another order


def test_renamed_member_is_told_with_its_rule() -> None:
    found = renamed((differs("missing", "$.p.name", "Ann", None), differs("surplus", "$.p.fullName", None, "Ann")))
    rule = {"path": "$.p.name", "as": "rename", "to": "fullName", "why": ""}
    assert found == (("$.p.name", "$.p.fullName", Cause("the new side calls $.p.name fullName", rule)),)
    found = renamed((differs("missing", "/r/p/@id", "7", None), differs("surplus", "/r/p/@ref", None, "7")))
    assert [cause.rule for _, _, cause in found] == [{"path": "/r/p/@id", "as": "rename", "to": "@ref", "why": ""}]


def test_member_that_may_be_any_of_two_is_not_renamed() -> None:
    missing = differs("missing", "$.p.name", "Ann", None)
    surplus = differs("surplus", "$.p.fullName", None, "Ann")
    assert renamed((missing, surplus, differs("surplus", "$.p.alias", None, "Ann"))) == ()
    assert renamed((missing, differs("missing", "$.p.first", "Ann", None), surplus)) == ()
    assert renamed((missing, differs("surplus", "$.q.fullName", None, "Ann"))) == ()
    assert renamed((missing, differs("surplus", "$.p.fullName", None, "Bob"))) == ()
