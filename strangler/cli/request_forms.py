"""Requests as people have them at hand: a curl command, an entry of a HAR file. Pure but for reading the file."""

import base64
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from strangler.errors import UsageError
from strangler.exchange import Headers, Request

_VALUED = {
    "-o", "--output", "-m", "--max-time", "--connect-timeout", "-A", "--user-agent", "-e", "--referer", "-b",
    "--cookie", "--cacert", "-E", "--cert", "--key", "-x", "--proxy", "--retry", "-w", "--write-out", "--resolve", "-c",
    "--cookie-jar",
}  # fmt: skip
"""Options of curl that take a value and say nothing of who decides, but for those below."""

_HEADERS = {"-A": "User-Agent", "--user-agent": "User-Agent", "-e": "Referer", "--referer": "Referer", "-b": "Cookie",
            "--cookie": "Cookie"}  # fmt: skip
_DATA = {"-d", "--data", "--data-ascii", "--data-raw", "--data-binary"}
_FORM = "application/x-www-form-urlencoded"


def from_curl(command: str) -> Request:
    """The request that a curl command would send, as browsers and consoles copy it.

    Raises:
        UsageError: it is no such command, or has a part that is not understood (multipart forms, uploads).
    """
    try:
        words = shlex.split(command.replace("\\\n", " "))
    except ValueError as error:
        raise UsageError(f"this curl command cannot be read: {error}") from error
    if words[:1] == ["curl"]:
        words = words[1:]
    return _Curl().read(iter(words))


class _Curl:
    """One curl command, read word by word."""

    def __init__(self) -> None:
        self.method = ""
        self.url = ""
        self.headers: list[tuple[str, str]] = []
        self.data: list[bytes] = []
        self.is_query = False

    def read(self, words: Iterator[str]) -> Request:
        for word in words:
            if not word.startswith("-"):
                self.url = word
            elif not self._option(word, words):
                raise UsageError(f"{word!r} of this curl command is not understood: leave it out")
        if not self.url:
            raise UsageError("this curl command has no address")
        return self._made()

    def _option(self, word: str, words: Iterator[str]) -> bool:
        name, joined, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        rest = iter([value]) if joined else words
        if name in {"-X", "--request"}:
            self.method = _next(name, rest)
        elif name in {"-H", "--header"}:
            self._header(_next(name, rest))
        elif name in _DATA:
            self._body(_next(name, rest), name)
        elif name == "--json":
            self._body(_next(name, rest), name)
            self.headers += [("Content-Type", "application/json"), ("Accept", "application/json")]
        elif name in {"-u", "--user"}:
            token = base64.b64encode(_next(name, rest).encode()).decode()
            self.headers.append(("Authorization", f"Basic {token}"))
        elif name == "--url":
            self.url = _next(name, rest)
        elif name in {"-G", "--get"}:
            self.is_query = True
        elif name in {"-I", "--head"}:
            self.method = "HEAD"
        elif name in _VALUED:
            value = _next(name, rest)
            if name in _HEADERS:
                self.headers.append((_HEADERS[name], value))
        else:
            return _is_flag(word)
        return True

    def _header(self, text: str) -> None:
        name, colon, value = text.partition(":")
        if colon:
            self.headers.append((name.strip(), value.strip()))

    def _body(self, text: str, option: str) -> None:
        if text.startswith("@") and option != "--data-raw":
            content = Path(text[1:]).read_bytes()
            text_bytes = content if option in {"--data-binary", "--json"} else content.translate(None, b"\r\n")
        else:
            text_bytes = text.encode()
        self.data.append(text_bytes)

    def _made(self) -> Request:
        parts = urlsplit(self.url if "://" in self.url else f"http://{self.url}")
        body = b"&".join(self.data)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if self.is_query and body:
            target += ("&" if parts.query else "?") + body.decode("utf-8", "replace")
            body = b""
        names = {name.lower() for name, _ in self.headers}
        headers: list[tuple[str, str]] = [] if "host" in names else [("Host", parts.netloc)]
        if body and "content-type" not in names:
            headers.append(("Content-Type", _FORM))
        method = self.method or ("POST" if body else "GET")
        return Request(method.upper(), target, (*headers, *self.headers), body, len(body))


def _next(option: str, words: Iterator[str]) -> str:
    try:
        return next(words)
    except StopIteration:
        raise UsageError(f"{option} of this curl command has no value") from None


def _is_flag(word: str) -> bool:
    """Whether an option takes no value and changes nothing of the request's meaning."""
    flags = {"--compressed", "--insecure", "--silent", "--show-error", "--location", "--verbose", "--include", "--fail"}
    flags |= {"--http1.1", "--http2", "--globoff"}
    return word in flags or (len(word) > 1 and word[1] != "-" and set(word[1:]) <= set("ksSLvifg"))


def from_har(path: Path, number: int = 1) -> Request:
    """The request of one entry of a HAR 1.2 file; entries count from 1.

    Raises:
        UsageError: the file is none, or has no such entry.
    """
    try:
        entries = json.loads(path.read_bytes())["log"]["entries"]
        if not 1 <= number <= len(entries):
            raise UsageError(f"{path} has {len(entries)} entries; there is no entry {number}")
        return _har_request(entries[number - 1]["request"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is no HAR file: {error!r}") from error


def _har_request(given: dict[str, Any]) -> Request:
    parts = urlsplit(given["url"])
    posted = given.get("postData") or {}
    body = str(posted.get("text", "")).encode()
    headers: Headers = tuple(
        (str(field["name"]), str(field["value"])) for field in given["headers"] if not field["name"].startswith(":")
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Request(str(given["method"]).upper(), target, headers, body, len(body))
