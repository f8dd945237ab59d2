"""How the notifications service says no: ``{"status_code": 400, "errors": [{"error": ..., "message": ...}]}``."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from new_services.problems import Problem

BAD_REQUEST = "BadRequestError"
NAMES = {
    "invalid-body": "ValidationError",
    "no-such-path": "NoResultFound",
    "method-not-allowed": "MethodNotAllowed",
    "internal-error": "Exception",
}
"""What Notify calls the problems that the kit finds; a problem of another name is a bad request."""

OWN = frozenset({"AuthError", "NoResultFound", "ValidationError", BAD_REQUEST})


def auth_error(status: int, message: str) -> Problem:
    """No token (401), or not the right one (403)."""
    return Problem(status, "AuthError", message)


def no_result() -> Problem:
    """There is no such notification."""
    return Problem(404, "NoResultFound", "No result found")


def invalid(message: str) -> Problem:
    """A member of the request has not the form asked for."""
    return Problem(400, "ValidationError", message)


def bad_request(message: str) -> Problem:
    """The request is formed well and cannot be done."""
    return Problem(400, BAD_REQUEST, message)


def refuse(problem: Problem, headers: Mapping[str, str] | None) -> Response:
    """The problem in Notify's form."""
    status = 400 if problem.slug == "invalid-body" else problem.status
    document = {"status_code": status, "errors": _errors(problem)}
    return Response(orjson.dumps(document), status, headers, "application/json")


def _errors(problem: Problem) -> list[dict[str, str]]:
    name = problem.slug if problem.slug in OWN else NAMES.get(problem.slug, BAD_REQUEST)
    found: list[Mapping[str, Any]] = problem.members.get("errors") or []
    messages = [_message(one["pointer"].removeprefix("#/"), one["detail"]) for one in found] or [problem.detail]
    return [{"error": name, "message": message} for message in messages]


def _message(member: str, detail: str) -> str:
    """In the words of Notify, which are those of JSON Schema."""
    if detail == "Field required":
        return f"{member} is a required property"
    if detail == "Extra inputs are not permitted":
        return f"Additional properties are not allowed ({member} was unexpected)"
    return f"{member} {detail[:1].lower()}{detail[1:]}"
