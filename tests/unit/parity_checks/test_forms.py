import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_checks.forms import form_of, is_alike


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("42", "number"),
        ("-42.50", "number"),
        ("1e5", "number"),
        ("true", "truth"),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", "uuid"),
        ("deadbeef01", "hex"),
        ("2026-05-01", "time 9-9-9"),
        ("2026-05-01T12:00:00Z", "time 9-9-9T9:9:9Z"),
        ("2026-05-01T12:00:00.123+01:00", "time 9-9-9T9:9:9.9+9"),
        ("2026-05-01 12:00", "time 9-9-9 9:9"),
        ("01/05/2026", "time %d/%m/%Y"),
        ("Sun, 06 Nov 1994 08:49:37 GMT", "time %a, %d %b %Y %H:%M:%S GMT"),
        ("2026-02-30", "shape 9-9-9"),
        ("Zk9x2QpL81mmN4", "token"),
        ("AB-0042/x", "shape a-9/a"),
        ("O'Neill", "shape a'a"),
    ],
)
def test_form_of_a_text(text: str, expected: str) -> None:
    assert form_of(text).name == expected


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("103", ["100", "105"]),
        ("110", ["100", "105"]),  # widened by its width
        ("7", ["5"]),  # a small counter
        ("12.31", ["12.30"]),
        ("12.3", ["12.34", "12.36"]),  # JSON drops the last nought
        ("512", ["13", "940"]),  # scattered: tenfold either way
        ("2026-05-01T12:00:20Z", ["2026-05-01T12:00:00Z"]),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", ["7c9e6679-7425-40de-944b-e07fc1f90ae7"]),
        ("12345678", ["1a34567b", "9f34c67b"]),  # hexadecimal, by chance without a letter
        ("AB-0042/x", ["CD-17/y"]),
        ("004123", ["104123", "020111"]),
        ("The quick brown fox, jumped.", ["All is well tonight!", "Nothing ever happens (here)"]),
    ],
)
def test_value_like_those_seen_is_alike(text: str, seen: list[str]) -> None:
    assert is_alike(text, seen)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("10300", ["100", "105"]),  # pence for pounds
        ("1.03", ["100", "105"]),
        ("-103", ["100", "105"]),
        ("12.345678", ["12.34", "12.36"]),  # not rounded
        ("12", ["12.34", "12.36"]),  # rounded to whole pounds
        ("4123", ["104123", "020111"]),  # leading noughts lost
        ("2026-05-01T13:00:20Z", ["2026-05-01T12:00:00Z", "2026-05-01T12:00:05Z"]),  # an hour of summer time
        ("2026-05-01T12:00:00+00:00", ["2026-05-01T12:00:00Z"]),
        ("2026-05-01T12:00:00", ["2026-05-01T12:00:00Z"]),
        ("01/05/2026", ["2026-05-01"]),
        ("", ["abc"]),
        ("null", ["42"]),
        ("deadbeef", ["deadbeef01deadbeef01deadbeef01de"]),  # cut off
        ("O?Neill", ["O'Neill"]),
        ("AB-0042", ["CD-17/y", "EF-18/z"]),
        ("failed", ["13", "14"]),
        ("maybe", ["true", "false"]),
        ("x" * 900, ["abcd"]),
        ("A different sentence (indeed).", ["Request 12 made today", "Request 13 made today"]),
    ],
)
def test_value_unlike_those_seen_is_told(text: str, seen: list[str]) -> None:
    assert not is_alike(text, seen)


@given(st.text(), st.lists(st.text(), max_size=4))
def test_what_was_seen_is_alike_whatever_else_was(text: str, seen: list[str]) -> None:
    assert is_alike(text, [*seen, text])


@given(st.decimals(1, 10**6, places=2), st.decimals(1, 10**6, places=2))
def test_factor_of_a_hundred_over_all_that_was_seen_is_told(one: object, other: object) -> None:
    most = max(float(str(one)), float(str(other)))
    assert not is_alike(f"{most * 100:.2f}", [str(one), str(other)])


@given(st.text(alphabet="0123456789.-+eETZ:/ aF", max_size=40), st.text(alphabet="0123456789.-+eETZ:/ aF", max_size=40))
def test_no_text_is_too_odd(text: str, seen: str) -> None:
    assert is_alike(text, [seen]) in {True, False}


@pytest.mark.parametrize("text", ["5338760268556610", "53387602685566e0", "5025620772949E45"])
def test_a_hexadecimal_that_looks_like_a_number_is_alike(text: str) -> None:
    case = str.upper if "E" in text else str.lower
    assert is_alike(text, [case("1848e26430f8ea42"), case("0824857b4675f3ca")])
    assert not is_alike(text[:5], [case("1848e26430f8ea42"), case("0824857b4675f3ca")])
