import pytest

from parity_checks.paths import check_path, covers, parse_path


@pytest.mark.parametrize(
    "path",
    [
        "$",
        "$.a.b",
        "$..name",
        "$.list[*].x",
        "$.list[3]",
        "$['odd name'].x",
        '$["a"]',
        "$..*",
        "//name",
        "/a/b/c",
        "//list/item/x",
        "//price/@unit",
        "//*/x",
        "/*[local-name()='Envelope']/*[local-name()='Body']",
        "headers.date",
        "query.requestId",
        "status",
    ],
)
def test_path_in_the_subset_is_taken(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    ("path", "help_"),
    [
        ("name", "'//name'"),
        ("$.a[?(@.x==1)]", r"'\$\.a\[\*\]'"),
        ("$.a[-1]", "counts from 0"),
        ("//p:name", "write '//name'"),
        ("//item[3]/x", "write '//item/x'"),
        ("//a/@b/c", "can only come last"),
        ("$a", r"write '\$\.a'"),
        ("", "begins with"),
    ],
)
def test_path_outside_of_the_subset_is_refused_with_help(path: str, help_: str) -> None:
    with pytest.raises(ValueError, match=help_):
        check_path(path)


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
    assert covers(parse_path(path), general) is expected
