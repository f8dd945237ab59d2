"""Sliding sessions: a token says when its session began and when it was set itself, and cannot be forged.

Nothing is kept on the server but the key, which is drawn anew at each start: a restart ends every session.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

COOKIE = "COUNCILTOKEN"
_COOKIE = re.compile(rf"(?:^|;)\s*{COOKIE}=([^;]*)")


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makes and judges tokens. A token lives ``token_s`` seconds, a session ``session_s`` seconds in all."""

    token_s: float = 20.0
    session_s: float = 60.0
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def begin(self, user: str, now: float) -> str:
        """The first token of a new session; ``now`` is seconds since the epoch."""
        return self._token(user, now, now)

    def slide(self, cookies: str, now: float) -> str | None:
        """A fresh token for the one in this ``Cookie`` header; ``None`` where it is missing, forged or too old."""
        found = _COOKIE.search(cookies)
        parts = found[1].split(".") if found else []
        if len(parts) != 4 or not parts[1].isdecimal() or not parts[2].isdecimal():
            return None
        user, began, issued = parts[0], int(parts[1]) / 1000, int(parts[2]) / 1000
        if not hmac.compare_digest(parts[3].encode(), self._mac(".".join(parts[:3])).encode()):
            return None
        if now - issued > self.token_s or now - began > self.session_s:
            return None
        return self._token(user, began, now)

    def _token(self, user: str, began: float, issued: float) -> str:
        said = f"{user}.{round(began * 1000)}.{round(issued * 1000)}"
        return f"{said}.{self._mac(said)}"

    def _mac(self, said: str) -> str:
        return hmac.new(self.key, said.encode(), hashlib.sha256).hexdigest()[:32]
