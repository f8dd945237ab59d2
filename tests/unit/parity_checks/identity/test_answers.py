import pytest

from parity_checks.identity.answers import ids_at
from strangler.exchange import Observation
from strangler.stages import Side

JSON = (("content-type", "application/json"),)
XML = (("content-type", "text/xml; charset=cp1252"),)
ENVELOPE = '<s:Envelope xmlns:s="u"><made xmlns="v" id="£1"><id> 17 </id><id>18<!-- x --></id><id/></made></s:Envelope>'


@pytest.mark.parametrize(
    ("headers", "body", "path", "expected"),
    [
        (JSON, b'{"id": "AR-1"}', "$.id", ("AR-1",)),
        (JSON, b'{"id": 12345678901234567890}', "$.id", ("12345678901234567890",)),
        (JSON, b'{"id": 1.10}', "$.id", ("1.10",)),
        (JSON, b'{"made": [{"id": 2}, {"id": 1}, {"id": null}, {"id": ""}]}', "$.made[*].id", ("2", "1")),
        (XML, ENVELOPE.encode("cp1252"), "//id", ("17", "18")),
        (XML, ENVELOPE.encode("cp1252"), "//made/@id", ("£1",)),
        (XML, ENVELOPE.encode("cp1252"), "$.id", ()),
        (JSON, b'{"id":', "$.id", ()),
        (JSON, b"", "$.id", ()),
        (JSON, None, "$.id", ()),
        (XML, b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><id>&b;</id>', "//id", ()),
    ],
)
def test_answers_ids_at_a_path(
    headers: tuple[tuple[str, str], ...], body: bytes | None, path: str, expected: tuple[str, ...]
) -> None:
    assert ids_at(Observation(Side.OLD, 200, headers, body), path) == expected
