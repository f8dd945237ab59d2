import pytest

from parity_checks.rules.concerns import concerns
from strangler.exchange import Difference, DifferenceKind


@pytest.mark.parametrize(
    ("only", "kind", "general_path", "old", "is_about"),
    [
        ("$.address", "value", "$.address", "a", True),
        ("$.address", "value", "$.address.lines[*]", "a", True),
        ("$.address", "order", "$.address.lines", "a", True),
        ("$.address", "value", "$.amount", "a", False),
        ("$.address.lines", "missing", "$.address", '{"lines":[]}', True),
        ("$.address.lines", "missing", "$.address", '{"postcode":1}', False),
        ("$.address.lines", "value", "$.address", "lines", False),
        ("$..lines", "surplus", "$.amount", "1", False),
        ("//address", "value", "/Envelope/Body/address/line", "a", True),
        ("//address", "missing", "/Envelope/Body/Answer", "<Answer><address>a</address></Answer>", True),
        ("//address", "missing", "/Envelope/Body/Answer/amount", "1", False),
        ("//address", "missing", "/", "<Envelope/>", True),
        ("//address/@kind", "value", "/a/address/@kind", "x", True),
        ("$.address", "value", "/address", "a", False),
        ("$.address", "status", "status", "200", True),
        ("$.address", "media_type", "headers.content-type", "a", True),
        ("$.address", "unparsable", "/", "a", True),
        ("$.address", "header", "headers.etag", "a", False),
        ("headers.etag", "header", "headers.ETag", "a", True),
    ],
)
def test_concerns_what_is_at_a_path_or_takes_it_away(
    only: str, kind: str, general_path: str, old: str, *, is_about: bool
) -> None:
    found = Difference(DifferenceKind(kind), general_path, old, None, "s", general_path)
    assert concerns(["$.another", only], found) is is_about
