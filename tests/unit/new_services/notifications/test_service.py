"""The shapes and errors of GOV.UK Notify: https://docs.notifications.service.gov.uk/rest-api.html."""

import re
from typing import Any
from uuid import UUID

import pytest

from new_services.notifications.service import service
from new_services.notifications.templates import ADDRESS_CHANGED_EMAIL, ADDRESS_CHANGED_LETTER, ADDRESS_CHANGED_TEXT

KEY = "a-key"
BEARER = {"authorization": f"Bearer {KEY}"}
SMS = {"template_id": ADDRESS_CHANGED_TEXT.id, "phone_number": "07700 900123", "reference": "one"}
EMAIL = {
    "template_id": ADDRESS_CHANGED_EMAIL.id,
    "email_address": "l@example.org",
    "personalisation": {"name": "Łukasz O’Neill"},
}
LETTER = {
    "template_id": ADDRESS_CHANGED_LETTER.id,
    "personalisation": {
        "name": "Łukasz O’Neill",
        "address_line_1": "Łukasz O’Neill",
        "address_line_2": "1 Mill Street",
        "address_line_3": "ZZ1 1AB",
    },
}


@pytest.fixture
def client(start: Any) -> Any:
    return start(service(KEY), clock=lambda: 1_700_000_000.5)


def _post(client: Any, kind: str, body: object, headers: dict[str, str] = BEARER) -> Any:
    return client.request("POST", f"/v2/notifications/{kind}", json=body, headers=headers)


def _get(client: Any, path: str) -> Any:
    return client.request("GET", path, headers=BEARER)


def _error(answer: Any) -> tuple[int, str, str]:
    document = answer.json()
    assert document["status_code"] == answer.status_code
    return answer.status_code, document["errors"][0]["error"], document["errors"][0]["message"]


def test_a_text_is_asked_for_in_notifys_shape(client: Any) -> None:
    answer = _post(client, "sms", SMS)
    said = answer.json()
    number = said.pop("id")
    assert (answer.status_code, str(UUID(number))) == (201, number)
    assert said == {
        "reference": "one",
        "content": {"body": ADDRESS_CHANGED_TEXT.body, "from_number": "GOVUK"},
        "uri": f"http://service/v2/notifications/{number}",
        "template": {
            "id": ADDRESS_CHANGED_TEXT.id,
            "version": 1,
            "uri": f"http://service/v2/template/{ADDRESS_CHANGED_TEXT.id}/version/1",
        },
        "scheduled_for": None,
    }


@pytest.mark.parametrize(("kind", "body"), [("email", EMAIL), ("letter", LETTER)])
def test_an_email_and_a_letter_are_filled_in(client: Any, kind: str, body: dict[str, Any]) -> None:
    answer = _post(client, kind, body)
    content = answer.json()["content"]
    assert (answer.status_code, content["body"].partition("\n")[0]) == (201, "Dear Łukasz O’Neill,")
    assert re.search("address", content["subject"] + content["body"])


def test_a_notification_is_shown_by_its_id_and_by_its_reference(client: Any) -> None:
    asked = _post(client, "letter", {**LETTER, "reference": "seven"}).json()
    shown = _get(client, f"/v2/notifications/{asked['id']}").json()
    assert [shown[f"line_{number}"] for number in (1, 2, 3, 4)] == ["Łukasz O’Neill", "1 Mill Street", "ZZ1 1AB", None]
    assert (shown["type"], shown["status"], shown["phone_number"]) == ("letter", "created", None)
    assert shown["created_at"] == "2023-11-14T22:13:20.500000Z"
    assert _get(client, "/v2/notifications?reference=seven").json()["notifications"] == [shown]
    assert _get(client, "/v2/notifications?reference=eight").json()["notifications"] == []


def test_the_same_reference_asks_once(client: Any) -> None:
    first, again = _post(client, "sms", SMS), _post(client, "sms", SMS)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert len(_get(client, "/v2/notifications").json()["notifications"]) == 1


def test_a_reference_is_not_taken_for_another_notification(client: Any) -> None:
    _post(client, "sms", SMS)
    other = _post(client, "sms", {**SMS, "phone_number": "07700900999"})
    assert _error(other) == (400, "BadRequestError", "reference was used for another notification")


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({}, 401, "Unauthorized: authentication token must be provided"),
        ({"authorization": "Basic YTpi"}, 401, "Unauthorized: authentication bearer scheme must be used"),
        ({"authorization": "Bearer another"}, 403, "Invalid token: API key not found"),
        ({"authorization": "Bearer "}, 403, "Invalid token: API key not found"),
    ],
)
def test_who_does_not_know_the_key_hears_nothing(
    client: Any, headers: dict[str, str], status: int, message: str
) -> None:
    assert _error(_post(client, "sms", SMS, headers)) == (status, "AuthError", message)
    assert _error(client.request("GET", "/v2/notifications", headers=headers)) == (status, "AuthError", message)
    assert _get(client, "/v2/notifications").json()["notifications"] == []


@pytest.mark.parametrize(
    ("kind", "body", "error", "message"),
    [
        ("sms", {"template_id": SMS["template_id"]}, "ValidationError", "phone_number is a required property"),
        ("sms", {**SMS, "phone_number": "twelve"}, "ValidationError", "phone_number string should match"),
        ("sms", {**SMS, "colour": "red"}, "ValidationError", "Additional properties are not allowed (colour was"),
        ("sms", {**SMS, "template_id": "none"}, "ValidationError", "template_id input should be a valid UUID"),
        ("sms", {**SMS, "template_id": str(UUID(int=1))}, "BadRequestError", "Template not found"),
        ("sms", {**SMS, "template_id": EMAIL["template_id"]}, "BadRequestError", "email template is not suitable"),
        ("email", {**EMAIL, "personalisation": {}}, "BadRequestError", "Missing personalisation: name"),
        ("letter", {**LETTER, "personalisation": {"name": "A"}}, "ValidationError", "Address must be at least 3 lines"),
        (
            "letter",
            {
                **LETTER,
                "personalisation": {"name": "A", **{f"address_line_{n}": "x" for n in range(1, 8)}, "postcode": "x"},
            },
            "ValidationError",
            "Address must be no more than 7 lines",
        ),
    ],
)
def test_what_cannot_be_sent_is_an_error_in_notifys_form(
    client: Any, kind: str, body: dict[str, Any], error: str, message: str
) -> None:
    status, name, told = _error(_post(client, kind, body))
    assert (status, name, told[: len(message)]) == (400, error, message)


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        (f"/v2/notifications/{UUID(int=7)}", 404, "NoResultFound"),
        ("/v2/notifications/seven", 400, "ValidationError"),
        ("/v2/nowhere", 404, "NoResultFound"),
    ],
)
def test_what_is_not_there_is_an_error_in_notifys_form(client: Any, path: str, status: int, error: str) -> None:
    assert _error(_get(client, path))[:2] == (status, error)
