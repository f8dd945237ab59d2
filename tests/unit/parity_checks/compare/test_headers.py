"""Headers: what a caller makes of them."""

import pytest

from parity_checks.compare.headers import chosen, displayed, meaning


@pytest.mark.parametrize(
    ("name", "old", "new", "is_same"),
    [
        ("location", ["http://old:7101/x/1?a=b"], ["https://new/x/1?a=b"], True),
        ("location", ["http://old:7101/x/1"], ["/x/1"], True),
        ("location", ["http://old"], ["/"], True),
        ("location", ["/x/1"], ["/x/2"], False),
        ("allow", ["GET, POST"], ["POST", "GET"], True),
        ("allow", ["GET"], ["GET, POST"], False),
        ("cache-control", ["no-store, max-age=0"], ["max-age=0,No-Store"], True),
        ("cache-control", ["no-store"], ["no-cache"], False),
        ("content-language", ["cy, en"], ["en,cy"], True),
        ("content-disposition", ['attachment; filename="a b.pdf"'], ['Attachment;  filename="a b.pdf"'], True),
        ("content-disposition", ["attachment; filename=a.pdf"], ["attachment; filename=b.pdf"], False),
        ("content-disposition", ["attachment; filename=a.pdf"], ["inline; filename=a.pdf"], False),
        ("etag", ['"1"'], ['W/"2"'], True),
        ("etag", ['"1"'], None, False),
        ("last-modified", ["Mon, 23 Nov 2026 00:00:00 GMT"], ["Tue, 24 Nov 2026 00:00:00 GMT"], True),
        ("retry-after", ["Mon, 23 Nov 2026 00:00:00 GMT"], ["Tue, 24 Nov 2026 00:00:00 GMT"], True),
        ("retry-after", ["120"], ["3600"], False),
        (
            "www-authenticate",
            ['Digest realm="a", nonce="1", qop=auth'],
            ['Digest realm="a", nonce="2", qop=auth'],
            True,
        ),
        ("www-authenticate", ['Basic realm="a"'], ['Bearer realm="a"'], False),
        ("link", ['<http://old/p?2>; rel="next"'], ['</p?2>; rel="next"'], True),
        ("link", ['</p?2>; rel="next", </a,b>; rel=x'], ["</a,b>; rel=x", '</p?2>; rel="next"'], True),
        ("link", ['</p?2>; rel="next"'], ['</p?3>; rel="next"'], False),
        ("set-cookie", ["S=1; Path=/; HttpOnly"], ["S=2; httponly; path=/"], True),
        ("set-cookie", ["S=1; Max-Age=60"], ["S=1; expires=Mon, 23 Nov 2026 00:00:00 GMT"], True),
        ("set-cookie", ["S=1; Path=/; Secure"], ["S=1; Path=/"], False),
        ("set-cookie", ["S=1"], ["S=1; Max-Age=60"], False),
        ("set-cookie", ["S=1"], ["T=1"], False),
        ("set-cookie", ["A=1", "B=2"], ["B=1", "A=2"], True),
        ("x-other", ["1"], ["1 "], True),
        ("x-other", ["1"], ["2"], False),
    ],
)
def test_headers_meaning(name: str, old: list[str], new: list[str] | None, is_same: bool) -> None:
    assert (meaning(name, old) == meaning(name, new)) is is_same


def test_headers_of_any_spelling_and_number_are_chosen() -> None:
    fields = (("Set-Cookie", "a=1"), ("Date", "x"), ("set-cookie", "b=2"))
    assert chosen(fields, ("set-cookie", "etag")) == {"set-cookie": ["a=1", "b=2"]}


def test_headers_cookie_values_are_never_displayed() -> None:
    assert displayed("set-cookie", ["S=secret; Path=/"]) == "S; path=/"
    assert displayed("location", ["http://new/x"]) == "http://new/x"


@pytest.mark.parametrize("name", ["link", "www-authenticate", "content-disposition", "set-cookie", "location", "allow"])
@pytest.mark.parametrize(
    "text", ["<" * 8_000, ", nonce" * 1_100, ";=" * 4_000, '"\\' * 4_000, ';a="' * 2_000, "x" * 10**6]
)
def test_headers_that_mean_harm_are_read_all_the_same(name: str, text: str) -> None:
    assert meaning(name, [text]) is not None
