"""What the council's application says: XML where all is well, HTML where it is not. Nothing here reads or stores."""

from xml.sax.saxutils import escape

from examples.elderly_care.estate.council.store import Client
from examples.elderly_care.estate.listener import Reply

XML = "text/xml; charset=UTF-8"
HTML = "text/html; charset=UTF-8"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def assessment(client: Client) -> Reply:
    """The assessment. The page is declared UTF-8, and is cp1252: the template says one thing, the database another."""
    text = (
        f'{DECLARATION}<assessment><nino>{client.nino}</nino><band code="{client.band}"/>'
        f"<weeklyHours>{client.weekly_hours}</weeklyHours><assessor>{escape(client.assessor)}</assessor>"
        f"<summary>{escape(client.summary)}</summary><assessedOn>{client.assessed_on}</assessedOn></assessment>"
    )
    return Reply(200, XML, text.encode("cp1252", "xmlcharrefreplace"))


def request_received(number: int) -> Reply:
    """A request for an assessment was taken down."""
    return _xml(f"<request><id>AR-{number:06d}</id><status>RECEIVED</status></request>")


def not_held() -> Reply:
    """Nobody is known by this NINO. An error, with status 200."""
    return _xml('<error code="NF">No client is held under this number</error>')


def not_assessed() -> Reply:
    """The client is known, and has not been assessed. An error, with status 200."""
    return _xml('<error code="NA">No assessment has been made</error>')


def signed_in() -> Reply:
    """A session has begun."""
    return _html(200, "Signed in", "You are signed in.")


def session_expired() -> Reply:
    """Nothing was done; sign in again. Status 200, as it always was."""
    return _html(200, "Session expired", "Your session has expired. Please sign in again.")


def application_error() -> Reply:
    """The form lacks what the application needs."""
    return _html(500, "Application error", "ORA-01400: cannot insert NULL into (CARE.NINO)")


def not_found() -> Reply:
    """No such page."""
    return _html(404, "Not found", "This page does not exist.")


def _xml(content: str) -> Reply:
    return Reply(200, XML, (DECLARATION + content).encode())


def _html(status: int, title: str, text: str) -> Reply:
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    return Reply(status, HTML, page.encode())
