"""Keeps sessions with an old HTTP application, so that callers need not: login, sliding token, expiry, retry once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from legacy_adapters.contract import Context, Handler, Reply


@dataclass(frozen=True, slots=True)
class Login:
    """How a session begins: a form post that sets a cookie.

    ``${NAME}`` or ``${NAME:-default}`` in a form value is taken from the environment, so no secret is in the code.
    """

    path: str
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionPassThrough:
    """The caller's request goes to the old application as it is, with a session's cookie, and the answer comes back.

    ``is_expired`` tells the page that says "session expired": then nothing was done, so the request is sent once more
    after a new login. At most ``sessions`` are held; each carries one request at a time.
    """

    login: Login
    is_expired: Callable[[Reply], bool]
    sessions: int = 8

    def __call__(self, context: Context) -> Handler:
        """Make the handler."""
        raise NotImplementedError
