"""Sliding sessions: each answer's token lives on, up to the session's end."""

from examples.elderly_care.estate.council.sessions import COOKIE, Sessions

SESSIONS = Sessions(token_s=10, session_s=25, key=b"k" * 32)


def test_token_slides_while_it_is_used():
    token = SESSIONS.begin("gateway-LS1", now=100.0)
    token = SESSIONS.slide(f"{COOKIE}={token}", now=109.0)
    assert SESSIONS.slide(f"other=1; {COOKIE}={token}", now=118.0) is not None


def test_token_expires_when_it_is_not_used():
    token = SESSIONS.begin("gateway-LS1", now=100.0)
    assert SESSIONS.slide(f"{COOKIE}={token}", now=110.1) is None


def test_session_ends_however_often_it_slides():
    token = SESSIONS.begin("gateway-LS1", now=100.0)
    for now in (108.0, 116.0, 124.0):
        token = SESSIONS.slide(f"{COOKIE}={token}", now=now)
    assert SESSIONS.slide(f"{COOKIE}={token}", now=125.5) is None


def test_forged_token_is_refused():
    token = SESSIONS.begin("gateway-LS1", now=100.0).replace("gateway", "mallory")
    assert SESSIONS.slide(f"{COOKIE}={token}", now=101.0) is None


def test_cookie_that_is_no_token_is_refused():
    assert [SESSIONS.slide(cookies, now=1.0) for cookies in ("", f"{COOKIE}=", f"{COOKIE}=a.b.c.d", "x=1")] == [
        None
    ] * 4
