"""What the rows about XML compare: SOAP answers of 20 KB with payments, as two stacks would write them, by seed."""

import random

_FAMILIES = ("O&apos;Neill", "Smith", "Ní Bhriain", "Okonkwo", "Patel", "Jones", "Müller", "Żak")
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:ns2="urn:dwp:pensions:v2"><soapenv:Header/><soapenv:Body><ns2:GetPaymentsResponse>'
)
_TAIL = "</ns2:GetPaymentsResponse></soapenv:Body></soapenv:Envelope>"


def _payment(random_: random.Random, number: int) -> str:
    return (
        f'<ns2:payment reference="P{number:05d}" currency="GBP"><ns2:nino>QQ{number:06d}C</ns2:nino>'
        f"<ns2:name>{random_.choice(('Mary', 'Tom', 'Aoife'))} {random_.choice(_FAMILIES)}</ns2:name>"
        f"<ns2:amount>{random_.uniform(90, 221):.2f}</ns2:amount>"
        f"<ns2:paidOn>2026-05-{random_.randrange(1, 29):02}</ns2:paidOn>"
        f"<ns2:status>{random_.choice(('PAID', 'PENDING', 'RETURNED'))}</ns2:status></ns2:payment>"
    )


def payments(number: int = 80) -> list[str]:
    """Payments, about 250 bytes each."""
    random_ = random.Random(20_263)
    return [_payment(random_, at) for at in range(number)]


def envelope(body: list[str]) -> bytes:
    """As the old stack writes it."""
    return (_HEAD + "".join(body) + _TAIL).encode()


def written_otherwise(body: bytes) -> bytes:
    """As the new stack writes it: other prefixes and quotes, attributes turned, elements on lines of their own."""
    text = body.decode().replace("soapenv:", "S:").replace(":soapenv", ":S").replace("ns2:", "p:").replace(":ns2", ":p")
    parts = text.split('<p:payment reference="')
    for at, part in enumerate(parts[1:], 1):
        parts[at] = f"\n  <p:payment currency='GBP' reference='{part[:6]}'" + part[len('P00000" currency="GBP"') :]
    return "".join(parts).encode()
