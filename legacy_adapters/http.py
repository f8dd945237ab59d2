"""Keeps sessions with an old HTTP application, so that callers need not: login, sliding token, expiry, retry once."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode

from legacy_adapters.contract import Answer, Call, Context, Handler, Link, Reply, SystemRefused
from strangler.errors import SystemUnreachable, UsageError
from strangler.exchange import Headers, Request

_FORWARDED = frozenset({"content-type", "accept", "accept-language", "soapaction", "if-match", "if-none-match"})
_KEPT_BACK = frozenset(
    {"set-cookie", "connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}
)


@dataclass(frozen=True, slots=True)
class Login:
    """How a session begins: a form post that sets a cookie.

    ``${NAME}`` or ``${NAME:-default}`` in a form value is taken from the environment, so no secret is in the code.
    """

    path: str
    form: Mapping[str, str] = field(default_factory=dict)


def html_saying(words: str) -> Callable[[Reply], bool]:
    """Tells an HTML page with these words in it, whatever its status: old applications expire sessions with 200."""
    wanted = words.lower().encode()

    def is_expired(reply: Reply) -> bool:
        return "html" in (reply.header("content-type") or "").lower() and wanted in reply.body.lower()

    return is_expired


_EXPIRED = html_saying("session expired")


@dataclass(frozen=True, slots=True)
class SessionPassThrough:
    """The caller's request goes to the old application as it is, with a session's cookie, and the answer comes back.

    ``is_expired`` tells the page that says "session expired": then nothing was done, so the request (a write, too) is
    sent once more after a new login. Error pages are passed on. At most ``sessions`` are held; each carries one request
    at a time, because a sliding token is only good for the request after the one that brought it.
    """

    login: Login
    is_expired: Callable[[Reply], bool] = _EXPIRED
    sessions: int = 8

    def __call__(self, context: Context) -> Handler:
        """Make the handler. It logs in on first use."""
        return _PassThrough(self.http(context.system, context.environ))

    def http(self, link: Link, environ: Mapping[str, str]) -> "SessionHttp":
        """The client itself, for adapters that do more than pass on.

        Raises:
            UsageError: a form value names an environment variable that is not set.
        """
        form = {name: _expand(value, environ) for name, value in self.login.form.items()}
        return SessionHttp(link, self.login.path, form, self.is_expired, self.sessions)


@dataclass(slots=True)
class _Session:
    """One session's cookies; none before its login."""

    cookies: dict[str, str] = field(default_factory=dict)


class SessionHttp:
    """An HTTP client that holds sessions. Belongs to one event loop."""

    def __init__(
        self,
        link: Link,
        login_path: str,
        form: Mapping[str, str],
        is_expired: Callable[[Reply], bool],
        sessions: int = 8,
    ) -> None:
        self._link, self._login_path, self._is_expired = link, login_path, is_expired
        self._form = urlencode(form).encode()
        self._free: asyncio.LifoQueue[_Session] = asyncio.LifoQueue()
        for _ in range(sessions):
            self._free.put_nowait(_Session())
        self._login_turn = asyncio.Lock()

    async def request(self, method: str, target: str, *, headers: Headers = (), body: bytes | None = None) -> Reply:
        """One request within a session; once more, after a new login, if the session had expired.

        Raises:
            SystemRefused: every session stayed in use; SystemUnreachable: no answer, or no login.
        """
        async with self._session() as session:
            if not session.cookies:
                await self._log_in(session)
            reply = await self._send(session, method, target, headers, body)
            if not self._is_expired(reply):
                return reply
            await self._log_in(session)
            reply = await self._send(session, method, target, headers, body)
            if self._is_expired(reply):
                session.cookies.clear()
                raise SystemUnreachable(self._link.name, "it called a session expired that had just been made")
            return reply

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[_Session]:
        limit_s = self._link.system.timeout_s
        try:
            async with asyncio.timeout(limit_s):
                session = await self._free.get()
        except TimeoutError as error:
            raise SystemRefused(self._link.name, f"every session stayed in use for {limit_s:g} s") from error
        try:
            yield session
        except BaseException:
            session.cookies.clear()  # its token may have slid on without us
            raise
        finally:
            self._free.put_nowait(session)

    async def _log_in(self, session: _Session) -> None:
        """Logins take turns: an old application that was restarted is not greeted by all sessions at once."""
        session.cookies.clear()
        fields = (("content-type", "application/x-www-form-urlencoded"),)
        async with self._login_turn:
            reply = await self._send(session, "POST", self._login_path, fields, self._form)
        if reply.status >= 400 or not session.cookies:
            raise SystemUnreachable(self._link.name, f"its login answered {reply.status} and gave no session")

    async def _send(
        self, session: _Session, method: str, target: str, headers: Headers, body: bytes | None
    ) -> Reply:  # fmt: skip
        if session.cookies:
            cookie = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
            headers = (*headers, ("cookie", cookie))
        reply = await self._link.request(method, target, headers=headers, body=body)
        _keep(session.cookies, reply.headers)
        return reply


class _PassThrough:
    def __init__(self, http: SessionHttp) -> None:
        self._http = http

    async def answer(self, request: Request, call: Call) -> Answer:
        forwarded = tuple((name, value) for name, value in request.headers if name.lower() in _FORWARDED)
        body = request.body if request.body or request.method not in ("GET", "HEAD") else None
        reply = await self._http.request(request.method, request.target, headers=(*forwarded, *call.headers), body=body)
        kept = tuple((name, value) for name, value in reply.headers if name.lower() not in _KEPT_BACK)
        return Answer(reply.status, kept, reply.body)


def _keep(cookies: dict[str, str], headers: Headers) -> None:
    """Take over what the answer sets, and drop what it ends (RFC 6265, section 5.3; one host, so no domains)."""
    for name, value in headers:
        if name.lower() != "set-cookie":
            continue
        try:
            parsed = SimpleCookie(value)
        except CookieError:
            continue  # a cookie that no client could send back
        for key, morsel in parsed.items():
            if morsel["max-age"] == "0" or not morsel.value:
                cookies.pop(key, None)
            else:
                cookies[key] = morsel.coded_value


def _expand(value: str, environ: Mapping[str, str]) -> str:
    def replace(found: re.Match[str]) -> str:
        text = environ.get(found[1], found[2])
        if text is None:
            raise UsageError(f"the environment variable {found[1]} is not set; the login of an adapter needs it")
        return text

    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", replace, value)
