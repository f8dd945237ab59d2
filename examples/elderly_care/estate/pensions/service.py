"""The pensions service: a SOAP call in, a SOAP answer or fault out."""

import threading
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

from lxml import etree

from examples.elderly_care.estate.listener import Call, Reply
from examples.elderly_care.estate.pensions import messages
from examples.elderly_care.estate.pensions.store import Store
from examples.elderly_care.population import Address, paydays

HERE = Path(__file__).parent
XML = "text/xml; charset=utf-8"
P = f"{{{messages.NAMESPACE}}}"
BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
MOST_PAYMENTS = 104

_MAKING_A_SCHEMA = threading.Lock()


class Pensions:
    """Answers calls from the store. ``release`` 4.3 is the minor release that reordered the elements."""

    def __init__(self, store: Store, release: str = "4.2") -> None:
        self._store = store
        self._is_reordered = release != "4.2"
        self._wsdl = (HERE / "pensions.wsdl").read_text("utf-8")
        self._xsd = (HERE / "pensions.xsd").read_bytes()
        self._own = threading.local()
        self._operations = {
            f"{P}GetEntitlement": self._get_entitlement,
            f"{P}GetPaymentSchedule": self._get_payment_schedule,
            f"{P}ChangeAddress": self._change_address,
            f"{P}ReportDeath": self._report_death,
        }

    def answer(self, call: Call) -> Reply:
        """The answer to one HTTP request."""
        path, _, query = call.target.partition("?")
        if path != "/pensions":
            return Reply(404, "text/html; charset=UTF-8", b"<html><title>Not found</title></html>")
        if call.method == "GET" and query.lower() == "wsdl":
            return Reply(200, XML, self._wsdl.replace("@BASE@", f"http://{call.headers.get('host', '')}").encode())
        if call.method == "GET" and query.lower() == "xsd":
            return Reply(200, XML, self._xsd)
        if call.method != "POST":
            return Reply(405, "text/html; charset=UTF-8", b"<html><title>Not allowed</title></html>")
        request = self._request(call.body)
        try:
            return _fault("Invalid") if request is None else self._operations[request.tag](request)
        except ValueError:  # a year that XML Schema allows and no calendar here has
            return _fault("Invalid")

    def _request(self, body: bytes) -> etree._Element | None:
        """The element within the SOAP body, if it follows the schema."""
        try:
            parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
            found = etree.fromstring(body, parser).find(BODY)
        except etree.XMLSyntaxError:
            return None
        if found is None or len(found) != 1 or found[0].tag not in self._operations:
            return None
        return found[0] if self._schema().validate(found[0]) else None

    def _schema(self) -> etree.XMLSchema:
        """Each thread's own: a schema keeps its findings in itself."""
        if not hasattr(self._own, "schema"):
            # libxml2 makes its built-in types at the first schema, and not safely so in two threads at once.
            with _MAKING_A_SCHEMA:
                self._own.schema = etree.XMLSchema(etree.fromstring(self._xsd))
        schema: etree.XMLSchema = self._own.schema
        return schema

    def _get_entitlement(self, request: etree._Element) -> Reply:
        person = self._store.person(_nino(request))
        if person is None:
            return _fault("NotFound")
        return Reply(200, XML, messages.entitlement(person, _now(), uuid4().hex, is_reordered=self._is_reordered))

    def _get_payment_schedule(self, request: etree._Element) -> Reply:
        person = self._store.person(_nino(request))
        if person is None:
            return _fault("NotFound")
        if person.status == "S":
            return _fault("Suspended", status=200)  # the one fault that an old release gave with 200, and kept
        first, last = _date(request, "from"), _date(request, "to")
        if (last - first).days > MOST_PAYMENTS * 7:
            return _fault("RangeTooLong")
        days = [] if person.status == "D" else paydays(person.nino, first, last)
        return Reply(200, XML, messages.payments(person, days, _now(), uuid4().hex))

    def _change_address(self, request: etree._Element) -> Reply:
        nino = _nino(request)
        if self._store.person(nino) is None:
            return _fault("NotFound")
        lines = tuple(line.text or "" for line in request.iterfind(f"{P}address/{P}line"))
        self._store.change_address(nino, Address(lines, request.findtext(f"{P}address/{P}postcode") or ""))
        return Reply(200, XML, messages.address_changed(_now()))

    def _report_death(self, request: etree._Element) -> Reply:
        nino = _nino(request)
        if self._store.person(nino) is None:
            return _fault("NotFound")
        number = self._store.report_death(nino, _date(request, "dateOfDeath").isoformat(), _now())
        return _fault("AlreadyReported") if number is None else Reply(200, XML, messages.death_reported(number))


def _nino(request: etree._Element) -> str:
    return "".join((request.findtext(f"{P}nino") or "").split()).upper()


def _date(request: etree._Element, element: str) -> date:
    return date.fromisoformat((request.findtext(P + element) or "").strip()[:10])


def _now() -> str:
    """The server's time to the second: the fractions are cut."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fault(code: str, status: int = 500) -> Reply:
    return Reply(status, XML, messages.fault(code))
