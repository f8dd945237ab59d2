"""Problem documents (RFC 9457): what a caller gets where no system's answer can be had. Never a stack trace."""

from dataclasses import dataclass
from http import HTTPStatus

import orjson

MEDIA_TYPE = b"application/problem+json"
_TYPES = "urn:strangler:problem:"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: the status and the members of its document."""

    status: int
    slug: str
    detail: str
    system: str | None = None
    operation: str | None = None

    def document(self) -> bytes:
        """The document as UTF-8 JSON."""
        members = {
            "type": _TYPES + self.slug,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.system is not None:
            members["system"] = self.system
        if self.operation is not None:
            members["operation"] = self.operation
        return orjson.dumps(members)


def unreachable(system: str, operation: str | None) -> Problem:
    """The answering system cannot be connected to."""
    return Problem(502, "system-unreachable", f"The system '{system}' cannot be reached.", system, operation)


def broken(system: str, operation: str | None) -> Problem:
    """The answering system ended the connection, or spoke no HTTP."""
    detail = f"The system '{system}' ended the connection without a complete answer."
    return Problem(502, "system-failed", detail, system, operation)


def unreadable(system: str, operation: str | None, why: str) -> Problem:
    """The answering system answered, and where its answer ends cannot be told."""
    detail = f"The answer of the system '{system}' could not be read: {why}."
    return Problem(502, "system-failed", detail, system, operation)


def late(system: str, operation: str | None, timeout_s: float) -> Problem:
    """The answering system took longer than the plan allows."""
    detail = f"The system '{system}' did not answer within {timeout_s:g} seconds."
    return Problem(504, "system-timeout", detail, system, operation)


def no_operation(reason: str) -> Problem:
    """No operation of the plan and no system serves this; ``reason`` names the nearest."""
    return Problem(404, "no-operation", reason)


def refused(status: int, reason: str) -> Problem:
    """The request itself is refused."""
    return Problem(status, "refused", f"The request is refused: {reason}.")


def internal() -> Problem:
    """The engine itself failed before any system was asked."""
    return Problem(500, "engine", "The proxy could not handle this request; the operator's log says why.")
