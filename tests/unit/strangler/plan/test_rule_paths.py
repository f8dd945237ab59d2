import pytest

from strangler.plan.rule_paths import BadPath, is_at, parse_path


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
    parse_path(path)


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
    with pytest.raises(BadPath, match=help_):
        parse_path(path)


@pytest.mark.parametrize(
    ("path", "general", "is_there"),
    [
        ("$.a.b", "$.a.b", True),
        ("$.a", "$.a.b", False),
        ("$.a.b", "$.a", False),
        ("$..b", "$.a[*].b", True),
        ("$..b", "$.b.b", True),
        ("$.a..*", "$.a[*].b", True),
        ("$.a[*].b", "$.a[*].b", True),
        ("$.a[3].b", "$.a[*].b", False),  # a general path stands for other elements too
        ("$.a", "/a", False),
        ("//item/x", "/list/item/x", True),
        ("//item/*", "/list/item/@x", False),
        ("//item/@*", "/list/item/@x", True),
        ("headers.Date", "headers.date", True),
        ("headers.date", "headers.etag", False),
        ("$.a", "effects.rows $.a", False),
    ],
)
def test_path_is_at_a_general_path(path: str, general: str, is_there: bool) -> None:
    assert is_at(parse_path(path), general) is is_there
