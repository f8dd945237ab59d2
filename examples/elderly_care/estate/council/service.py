"""The council's application: a form in, XML out, within a session."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs

from examples.elderly_care.estate.council import pages
from examples.elderly_care.estate.council.sessions import COOKIE, Sessions
from examples.elderly_care.estate.council.store import Store
from examples.elderly_care.estate.listener import Call, Reply

Form = dict[str, str]


class Council:
    """Answers calls from the store. ``clock`` gives seconds since the epoch."""

    def __init__(self, store: Store, sessions: Sessions, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._pages: dict[str, Callable[[Form], Reply]] = {
            "/council/assessment": self._assessment,
            "/council/assessment-request": self._assessment_request,
        }

    def answer(self, call: Call) -> Reply:
        """The answer to one HTTP request. Whatever is answered within a session sets its next token."""
        path = call.target.partition("?")[0]
        if call.method != "POST" or path not in {"/council/login", *self._pages}:
            return pages.not_found()
        form = {name: values[0] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
        now = self._clock()
        if path == "/council/login":
            return self._login(form, now)
        token = self._sessions.slide(call.headers.get("cookie", ""), now)
        if token is None:
            return pages.session_expired()
        reply = self._pages[path](form) if form.get("nino", "").strip() else pages.application_error()
        return _with_token(reply, token)

    def _login(self, form: Form, now: float) -> Reply:
        user, office = form.get("user", ""), form.get("office", "")
        if not re.fullmatch(r"\w{1,20}", user) or not re.fullmatch(r"\w{1,20}", office):
            return pages.application_error()
        return _with_token(pages.signed_in(), self._sessions.begin(f"{user}-{office}", now))

    def _assessment(self, form: Form) -> Reply:
        client = self._store.client(_nino(form))
        if client is None:
            return pages.not_held()
        return pages.assessment(client) if client.band else pages.not_assessed()

    def _assessment_request(self, form: Form) -> Reply:
        nino = _nino(form)
        if self._store.client(nino) is None:
            return pages.not_held()
        received_at = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return pages.request_received(self._store.request(nino, form.get("reason", ""), received_at))


def _nino(form: Form) -> str:
    return "".join(form["nino"].split()).upper()


def _with_token(reply: Reply, token: str) -> Reply:
    return replace(reply, headers=(*reply.headers, ("set-cookie", f"{COOKIE}={token}; Path=/council; HttpOnly")))
