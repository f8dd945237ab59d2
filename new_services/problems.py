"""Problem details (RFC 9457): how every service says that it cannot do what it was asked."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_TYPES = "urn:problem:"


class Problem(Exception):
    """Stops a request; the caller is told why.

    Args:
        status: the HTTP status.
        slug: names the kind of problem for programs; the document's ``type`` is ``urn:problem:`` and this.
        detail: one sentence for people, without personal data.
        members: further members of the document, such as ``errors``.
    """

    def __init__(self, status: int, slug: str, detail: str, **members: Any) -> None:
        self.status = status
        self.slug = slug
        self.detail = detail
        self.members: Mapping[str, Any] = members
        super().__init__(detail)

    def document(self) -> dict[str, Any]:
        """The members of the problem document."""
        return {
            "type": _TYPES + self.slug,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The answer that carries the document."""
        return Response(orjson.dumps(self.document()), self.status, headers, MEDIA_TYPE)


def not_found(slug: str, detail: str) -> Problem:
    """What was asked for does not exist."""
    return Problem(404, slug, detail)


def conflict(slug: str, detail: str) -> Problem:
    """What was asked for contradicts what is stored."""
    return Problem(409, slug, detail)


def invalid(error: ValidationError) -> Problem:
    """The body does not have the form that the service asks for. Values are left out: they may be personal."""
    errors = [
        {"pointer": "#/" + "/".join(str(part) for part in one["loc"]), "detail": one["msg"]}
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return Problem(422, "invalid-body", "the body does not have the form asked for", errors=errors)
