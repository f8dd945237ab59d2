import pytest

from proxy.envoy.messages import Piece
from proxy.envoy.observing import Body, failure_of
from strangler.exchange import Failure


@pytest.mark.parametrize(
    ("details", "failure"),
    [
        ("via_upstream", None),
        ("", None),
        ("response_timeout", Failure.TIMEOUT),
        ("upstream_reset_before_response_started{connection_termination}", Failure.RESET),
        ("upstream_reset_before_response_started{remote_connection_failure|111}", Failure.UNREACHABLE),
        ("upstream_reset_before_response_started{protocol_error}", Failure.PROTOCOL),
        ("no_healthy_upstream", Failure.UNREACHABLE),
    ],
)
def test_what_envoy_says_of_an_answer_is_told_as_a_failure(details: str, failure: Failure | None) -> None:
    assert failure_of(details) is failure


def test_a_body_over_the_limit_is_counted_and_not_kept() -> None:
    body = Body(limit=4)
    for piece in (b"abc", b"de", b""):
        body.add(Piece(is_request=True, body=piece, is_end=piece == b""))
    assert (body.content, body.size, body.is_whole, body.pieces) == (None, 5, True, [])


def test_a_body_at_the_limit_is_kept() -> None:
    body = Body(limit=4)
    body.add(Piece(is_request=True, body=b"abcd", is_end=True))
    assert body.content == b"abcd"
