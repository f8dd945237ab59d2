"""The notifications service's routes."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, insert, select

from new_services.idempotency import request_digest
from new_services.kit import Answer, Call, Handle, Read, Service, Write
from new_services.notifications import refusals
from new_services.notifications.forms import FEWEST_LINES, MOST_LINES, EmailIn, LetterIn, NotificationIn, SmsIn
from new_services.notifications.tables import METADATA, NOTIFICATION
from new_services.notifications.templates import TEMPLATES, Kind, Template, filled, missing

NAME = "notifications"
FROM_NUMBER = "GOVUK"
FROM_EMAIL = "citizen.record@example.org"
PAGE = 250
"""Most notifications in one list."""


def service(api_key: str) -> Service:
    """The service, for those who know this key.

    Args:
        api_key: what ``Authorization: Bearer`` must say.
    """

    def for_those_who_know(handle: Handle) -> Handle:
        def checked(connection: Connection, call: Call) -> Answer:
            _check(api_key, call.headers.get("authorization", ""))
            return handle(connection, call)

        return checked

    return Service(
        NAME,
        METADATA,
        (
            Write("POST", "/v2/notifications/email", for_those_who_know(post_email)),
            Write("POST", "/v2/notifications/sms", for_those_who_know(post_sms)),
            Write("POST", "/v2/notifications/letter", for_those_who_know(post_letter)),
            Read("/v2/notifications", for_those_who_know(list_notifications)),
            Read("/v2/notifications/{id}", for_those_who_know(get_notification)),
        ),
        refuse=refusals.refuse,
    )


def post_email(connection: Connection, call: Call) -> Answer:
    """``POST /v2/notifications/email``."""
    asked = call.form(EmailIn)
    return _ask(connection, call, asked, Kind.EMAIL, email_address=asked.email_address)


def post_sms(connection: Connection, call: Call) -> Answer:
    """``POST /v2/notifications/sms``."""
    asked = call.form(SmsIn)
    return _ask(connection, call, asked, Kind.SMS, phone_number=asked.phone_number)


def post_letter(connection: Connection, call: Call) -> Answer:
    """``POST /v2/notifications/letter``."""
    asked = call.form(LetterIn)
    if len(asked.lines) < FEWEST_LINES:
        raise refusals.invalid(f"Address must be at least {FEWEST_LINES} lines")
    if len(asked.lines) > MOST_LINES:
        raise refusals.invalid(f"Address must be no more than {MOST_LINES} lines")
    return _ask(connection, call, asked, Kind.LETTER, lines=asked.lines)


def get_notification(connection: Connection, call: Call) -> Answer:
    """``GET /v2/notifications/{id}``."""
    try:
        wanted = str(UUID(call.path["id"]))
    except ValueError as error:
        raise refusals.invalid("id is not a valid UUID") from error
    row = connection.execute(select(NOTIFICATION).where(NOTIFICATION.c.id == wanted)).first()
    if row is None:
        raise refusals.no_result()
    return Answer(_shown(row, call))


def list_notifications(connection: Connection, call: Call) -> Answer:
    """``GET /v2/notifications``, newest first; with ``?reference=`` the one of that reference."""
    chosen = select(NOTIFICATION).order_by(NOTIFICATION.c.created_at.desc(), NOTIFICATION.c.id).limit(PAGE)
    if "reference" in call.query:
        chosen = chosen.where(NOTIFICATION.c.reference == call.query["reference"])
    shown = [_shown(row, call) for row in connection.execute(chosen)]
    return Answer({"notifications": shown, "links": {"current": _uri(call, "/v2/notifications")}})


def _check(api_key: str, authorization: str) -> None:
    scheme, _, token = authorization.partition(" ")
    if not authorization:
        raise refusals.auth_error(401, "Unauthorized: authentication token must be provided")
    if scheme.lower() != "bearer":
        raise refusals.auth_error(401, "Unauthorized: authentication bearer scheme must be used")
    if not hmac.compare_digest(token.strip().encode(), api_key.encode()):
        raise refusals.auth_error(403, "Invalid token: API key not found")


def _ask(connection: Connection, call: Call, asked: NotificationIn, kind: Kind, **recipient: Any) -> Answer:
    """Store it, unless its reference has been asked for before: then answer the same again."""
    template = TEMPLATES.get(str(asked.template_id))
    if template is None:
        raise refusals.bad_request("Template not found")
    if template.kind is not kind:
        raise refusals.bad_request(f"{template.kind} template is not suitable for {kind} notification")
    lacking = missing(template, asked.fillings)
    if lacking:
        raise refusals.bad_request(f"Missing personalisation: {', '.join(lacking)}")
    digest = request_digest("POST", kind, asked.model_dump_json().encode())
    row = _earlier(connection, asked.reference)
    if row is not None and row.request != digest:
        raise refusals.bad_request("reference was used for another notification")
    if row is None:
        recipient |= {"reference": asked.reference, "request": digest, "created_at": call.now}
        row = _stored(connection, template, asked.fillings, recipient)
    return Answer(_asked(row, call), 201)


def _earlier(connection: Connection, reference: str | None) -> Row[Any] | None:
    if reference is None:
        return None
    return connection.execute(select(NOTIFICATION).where(NOTIFICATION.c.reference == reference)).first()


def _stored(
    connection: Connection, template: Template, fillings: Mapping[str, str], others: Mapping[str, Any]
) -> Row[Any]:
    values = {
        "id": str(uuid4()),
        "kind": template.kind,
        "template_id": template.id,
        "template_version": template.version,
        "subject": template.subject and filled(template.subject, fillings),
        "body": filled(template.body, fillings),
        **others,
    }
    connection.execute(insert(NOTIFICATION).values(**values))
    return connection.execute(select(NOTIFICATION).where(NOTIFICATION.c.id == values["id"])).one()


def _asked(row: Row[Any], call: Call) -> dict[str, Any]:
    content = {"body": row.body}
    match Kind(row.kind):
        case Kind.SMS:
            content |= {"from_number": FROM_NUMBER}
        case Kind.EMAIL:
            content |= {"subject": row.subject, "from_email": FROM_EMAIL}
        case Kind.LETTER:
            content |= {"subject": row.subject}
    return {
        "id": row.id,
        "reference": row.reference,
        "content": content,
        "uri": _uri(call, f"/v2/notifications/{row.id}"),
        "template": _template(row, call),
        "scheduled_for": None,
    }


def _shown(row: Row[Any], call: Call) -> dict[str, Any]:
    lines = {f"line_{number}": line for number, line in enumerate(row.lines or (), 1)}
    return {
        "id": row.id,
        "reference": row.reference,
        "email_address": row.email_address,
        "phone_number": row.phone_number,
        **{f"line_{number}": lines.get(f"line_{number}") for number in range(1, MOST_LINES + 1)},
        "type": row.kind,
        "status": "created",
        "template": _template(row, call),
        "subject": row.subject,
        "body": row.body,
        "created_at": datetime.fromtimestamp(row.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "created_by_name": None,
        "sent_at": None,
        "completed_at": None,
        "scheduled_for": None,
    }


def _template(row: Row[Any], call: Call) -> dict[str, Any]:
    path = f"/v2/template/{row.template_id}/version/{row.template_version}"
    return {"id": row.template_id, "version": row.template_version, "uri": _uri(call, path)}


def _uri(call: Call, path: str) -> str:
    return f"http://{call.headers.get('host', 'localhost')}{path}"
