import pytest

from legacy_adapters.contract import Reply
from legacy_adapters.http import Login, SessionPassThrough, html_saying
from strangler.errors import SystemUnreachable, UsageError

EXPIRED = Reply(200, (("content-type", "text/html"),), b"<h1>Your Session Expired</h1>")
PAGE = Reply(200, (("content-type", "text/xml"), ("set-cookie", "T=2; Path=/; HttpOnly")), b"<assessment/>")
WELCOME = Reply(302, (("set-cookie", "T=1; Path=/"), ("set-cookie", "lang=cy")), b"")
DECLARED = SessionPassThrough(Login("/login", {"user": "${WHO:-gateway}", "word": "${WORD:-}"}), sessions=1)


async def test_session_logs_in_before_its_first_request(scripted):
    link = scripted(WELCOME, PAGE)
    reply = await DECLARED.http(link, {"WHO": "a&b"}).request("GET", "/x")
    assert reply == PAGE
    assert link.asked[0][:2] == ("POST", "/login")
    assert link.asked[0][3] == b"user=a%26b&word="
    assert link.asked[1] == ("GET", "/x", {"cookie": "T=1; lang=cy"}, None)


async def test_session_follows_the_sliding_token(scripted):
    link = scripted(WELCOME, PAGE, PAGE)
    http = DECLARED.http(link, {})
    await http.request("GET", "/x")
    await http.request("GET", "/x")
    assert link.asked[2][2] == {"cookie": "T=2; lang=cy"}


async def test_session_sends_an_expired_write_once_more_after_a_login(scripted):
    link = scripted(WELCOME, EXPIRED, WELCOME, PAGE)
    reply = await DECLARED.http(link, {}).request("POST", "/x", body=b"a=1")
    assert reply == PAGE
    assert [(asked[0], asked[1], asked[3]) for asked in link.asked[1::2]] == [("POST", "/x", b"a=1")] * 2


async def test_session_gives_up_after_one_retry(scripted):
    link = scripted(WELCOME, EXPIRED, WELCOME, EXPIRED)
    with pytest.raises(SystemUnreachable, match="expired"):
        await DECLARED.http(link, {}).request("GET", "/x")
    assert len(link.asked) == 4


async def test_session_tells_a_refused_login(scripted):
    with pytest.raises(SystemUnreachable, match="login answered 401"):
        await DECLARED.http(scripted(Reply(401, (), b"no")), {}).request("GET", "/x")


async def test_session_drops_a_cookie_that_the_answer_ends(scripted):
    ended = Reply(200, (("set-cookie", "lang=; Max-Age=0"),), b"")
    link = scripted(WELCOME, ended, PAGE)
    http = DECLARED.http(link, {})
    await http.request("GET", "/x")
    await http.request("GET", "/x")
    assert link.asked[2][2] == {"cookie": "T=1"}


def test_login_names_the_missing_variable(scripted):
    declared = SessionPassThrough(Login("/login", {"word": "${COUNCIL_WORD}"}))
    with pytest.raises(UsageError, match="COUNCIL_WORD"):
        declared.http(scripted(), {})


def test_html_saying_takes_only_html():
    assert html_saying("session expired")(EXPIRED)
    assert not html_saying("session expired")(Reply(200, (("content-type", "text/xml"),), EXPIRED.body))
