"""What the pensions service says: SOAP 1.1 envelopes as text. Nothing here reads or stores."""

from collections.abc import Sequence
from datetime import date
from xml.sax.saxutils import escape

from examples.elderly_care.estate.pensions.store import Person
from examples.elderly_care.population import spaced

NAMESPACE = "urn:example:pensions:1"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
)
TAIL = "</soap:Body></soap:Envelope>"
FAULTS = {
    "NotFound": "No person is held under this number",
    "Suspended": "The award is suspended",
    "RangeTooLong": "At most 104 payments can be listed",
    "AlreadyReported": "A death has been reported already",
    "Invalid": "The request does not follow the schema",
}
NO_REVIEW = {
    "absent": "",
    "nil": '<nextReview xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>',
    "empty": "<nextReview/>",
}


def entitlement(person: Person, answered_at: str, correlation_id: str, *, is_reordered: bool) -> bytes:
    """GetEntitlementResponse. Release 4.3 is reordered: ``status`` went before ``name``."""
    name = f"<name>{escape(person.name)}</name><dateOfBirth>{person.born}</dateOfBirth>"
    status = f"<status>{person.status}</status>"
    return _answer(
        "GetEntitlementResponse",
        f"<nino>{spaced(person.nino)}</nino>"
        + (status + name if is_reordered else name + status)
        + f"<weeklyAmount>{pounds(person.weekly_pence)}</weeklyAmount>{_inherited(person)}"
        f"<correspondenceAddress>{''.join(f'<line>{escape(line)}</line>' for line in person.address.lines)}"
        f"<postcode>{escape(person.address.postcode)}</postcode></correspondenceAddress>"
        + NO_REVIEW.get(person.next_review, f"<nextReview>{person.next_review}</nextReview>")
        + _stamp(answered_at, correlation_id),
    )


def payments(person: Person, days: Sequence[date], answered_at: str, correlation_id: str) -> bytes:
    """GetPaymentScheduleResponse: amounts in pence, although the entitlement is in pounds."""
    items = "".join(
        f"<payment><date>{day.isoformat()}</date><amount>{person.weekly_pence}</amount>"
        f"<reference>{day.strftime('%GW%V')}-{person.nino}</reference></payment>"
        for day in days
    )
    head = f"<nino>{spaced(person.nino)}</nino>"
    return _answer("GetPaymentScheduleResponse", head + items + _stamp(answered_at, correlation_id))


def address_changed(changed_at: str) -> bytes:
    """ChangeAddressResponse."""
    return _answer("ChangeAddressResponse", f"<accepted>true</accepted><changedAt>{changed_at}</changedAt>")


def death_reported(number: int) -> bytes:
    """ReportDeathResponse."""
    return _answer("ReportDeathResponse", f"<reference>RD-{number:06d}</reference>")


def fault(code: str) -> bytes:
    """A fault with one of the codes of ``FAULTS``."""
    return (
        f"{HEAD}<soap:Fault><faultcode>soap:Client</faultcode><faultstring>{FAULTS[code]}</faultstring>"
        f'<detail><PensionsFault xmlns="{NAMESPACE}"><code>{code}</code></PensionsFault></detail></soap:Fault>{TAIL}'
    ).encode()


def pounds(pence: int) -> str:
    """``18429`` as ``184.29``."""
    return f"{pence // 100}.{pence % 100:02d}"


def _inherited(person: Person) -> str:
    if person.inherited_pence is None or person.spouse_pence is None:
        return ""
    return (
        f"<inheritedAmount>{pounds(person.inherited_pence)}</inheritedAmount><lateSpouse>"
        f"<dateOfDeath>{person.spouse_died}</dateOfDeath>"
        f"<additionalAmount>{pounds(person.spouse_pence)}</additionalAmount></lateSpouse>"
    )


def _stamp(answered_at: str, correlation_id: str) -> str:
    return f"<answeredAt>{answered_at}</answeredAt><correlationId>{correlation_id}</correlationId>"


def _answer(element: str, content: str) -> bytes:
    return f'{HEAD}<{element} xmlns="{NAMESPACE}">{content}</{element}>{TAIL}'.encode()
