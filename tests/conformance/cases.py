"""What every engine must do alike: one plan, some requests, some rollouts."""

from dataclasses import dataclass, field

PLAN = """
version: 1
programme: conformance
systems:
  old-shop: {{department: shop, speaks: http, url: "http://127.0.0.1:{old}", timeout_s: 3, serves: [/files]}}
  new-shop: {{department: shared, speaks: http, url: "http://127.0.0.1:{new}/api", timeout_s: 3}}
operations:
  shop.get-item:
    effect: read
    match: {{method: GET, path: {{type: PathPrefix, value: /items}}}}
    old: old-shop
    new: new-shop
    seed: 42
    key: {{path: "^/items/([^/?]+)"}}
  shop.get-special-item:
    effect: read
    match: {{method: GET, path: {{type: PathPrefix, value: /items}}, headers: [{{name: X-Kind, value: special}}]}}
    old: old-shop
    new: new-shop
    seed: 42
    key: {{header: x-citizen}}
  shop.get-version:
    effect: read
    match: {{path: {{type: RegularExpression, value: "/v[0-9]+/things"}}}}
    old: old-shop
    new: new-shop
    key: {{query: id}}
  shop.find-by-kind:
    effect: read
    match:
      method: GET
      path: {{type: Exact, value: /find}}
      query: [{{name: kind, value: "a b"}}]
    old: old-shop
    new: new-shop
    key: {{query: id}}
  shop.find-any:
    effect: read
    match:
      method: GET
      path: {{type: Exact, value: /find}}
      headers: [{{name: accept, type: RegularExpression, value: ".*json.*"}}]
    old: old-shop
    new: new-shop
    key: {{header: x-citizen, case: upper, drop_spaces: true}}
  shop.order:
    effect: write
    match: {{method: POST, path: {{type: Exact, value: /orders}}}}
    old: old-shop
    new: new-shop
    key: {{header: x-citizen}}
    writes: {{policy: dual, idempotency_header: idempotency-key}}
  shop.pay:
    effect: write
    match: {{method: POST, path: {{type: Exact, value: /pay}}, json: {{path: "$.kind", value: card}}}}
    old: old-shop
    new: new-shop
    key: {{json: "$.who"}}
    writes: {{policy: dual, idempotency_header: idempotency-key}}
  shop.pay-by-form:
    effect: write
    match: {{method: POST, path: {{type: Exact, value: /pay}}}}
    old: old-shop
    new: new-shop
    key: {{form: who}}
    writes: {{policy: dual, idempotency_header: idempotency-key}}
  soap.get-thing:
    effect: read
    match: {{method: POST, path: {{type: Exact, value: /soap}}, soap_action: GetThing}}
    old: old-shop
    new: new-shop
    key: {{header: x-citizen}}
  soap.find-thing:
    effect: read
    match: {{method: POST, path: {{type: Exact, value: /soap}}, soap_action: '"urn:FindThing"'}}
    old: old-shop
    new: new-shop
    key: {{xpath: "//id"}}
  soap.by-body:
    effect: read
    match: {{method: POST, path: {{type: Exact, value: /soap}}, xpath: {{path: "//verb", value: look}}}}
    old: old-shop
    new: new-shop
    key: {{xpath: "//id"}}
capture: {{body_bytes: 65536, queue: 1000}}
"""

OPERATIONS = {
    "shop.get-item": "read",
    "shop.get-special-item": "read",
    "shop.get-version": "read",
    "shop.find-by-kind": "read",
    "shop.find-any": "read",
    "shop.order": "write",
    "shop.pay": "write",
    "shop.pay-by-form": "write",
    "soap.get-thing": "read",
    "soap.find-thing": "read",
    "soap.by-body": "read",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One request."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One rollout for all operations, and what is held."""

    name: str
    shares: dict[str, float]
    held: tuple[str, ...] = ()
    writes: dict[str, float] = field(default_factory=dict)

    def rollouts(self) -> dict[str, dict[str, float]]:
        """As they are published."""
        return {
            name: self.writes if effect == "write" and self.writes else self.shares
            for name, effect in OPERATIONS.items()
        }


SCENARIOS = (
    Scenario("off", {"off": 100}),
    Scenario("shadow", {"shadow": 100}, writes={"dualwrite": 100}),
    Scenario("spread", {"off": 20, "shadow": 30, "live": 50}, writes={"shadow": 40, "live": 40, "rampdown": 20}),
    Scenario("complete", {"complete": 100}),
    Scenario("held", {"live": 100}, held=("*",)),
    Scenario("partly-held", {"live": 100}, held=("shop.get-item", "shop.pay", "soap.by-body")),
)

_FORGED = (
    ("X-Strangler-Route", "new|shop.get-item"),
    ("x-strangler-exchange", "forged"),
    ("X-STRANGLER-KEY-0", "forged"),
    ("x-strangler-path", "/items/forged"),
)
_JSON = (("Content-Type", "application/json"),)
_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
_XML = (("Content-Type", "text/xml; charset=utf-8"),)


def _soap(verb: str, identifier: str) -> bytes:
    return f'<e:Envelope xmlns:e="urn:e"><verb>{verb}</verb><id> {identifier} </id></e:Envelope>'.encode()


CASES = (
    *(Case("GET", f"/items/C{number:05}") for number in range(12)),
    Case("GET", "/items/C00002?id=other", _FORGED),
    Case("GET", "/items"),
    Case("GET", "/items/"),
    Case("GET", "/items/a%2Db"),
    Case("GET", "/items/caf%c3%a9"),
    Case("GET", "/items/caf%C3%A9"),
    Case("GET", "//items///C00003"),
    Case("GET", "/%69tems/%433"),
    Case("GET", "/itemsx/7"),
    Case("POST", "/items/7"),
    *(Case("GET", f"/items/{number}", (("X-Kind", "special"), ("X-Citizen", f"AB{number}C"))) for number in range(6)),
    Case("GET", "/items/7", (("X-Kind", "special"),)),
    Case("GET", "/items/7", (("X-Kind", "special"), ("X-Citizen", ""))),
    Case("GET", "/items/7", (("X-Kind", "special"), ("X-Citizen", "  AB 1 C  "))),
    Case("GET", "/items/7", (("X-Kind", "special"), ("X-Citizen", "a"), ("X-Citizen", "b"))),
    Case("GET", "/items/7", (("X-Kind", "special"), ("X-Citizen", "Jos\u00e9"))),
    Case("GET", "/items/7", (("X-Kind", "Special"),)),
    *(Case("GET", f"/v2/things?id={number}") for number in range(6)),
    Case("PUT", "/v17/things?id=9&id=8"),
    Case("GET", "/v2/things"),
    Case("GET", "/v2/things?id="),
    Case("GET", "/v2/things?id=-"),
    Case("GET", "/v2/things?id=a%20b"),
    Case("GET", "/v2/things?id=a+b"),
    Case("GET", "/v2/things?ID=7"),
    Case("GET", "/v/things?id=1"),
    *(Case("GET", f"/find?kind=a%20b&id={number}", (("Accept", "application/json"),)) for number in range(4)),
    Case("GET", "/find?kind=a+b&id=x"),
    *(Case("GET", "/find", (("Accept", "text/json"), ("X-Citizen", f"ab {number} c"))) for number in range(4)),
    Case("GET", "/find"),
    *(Case("POST", "/orders", (("X-Citizen", f"N{number}"),), b"an order") for number in range(8)),
    Case("POST", "/orders", (("X-Citizen", "N1"), ("Idempotency-Key", "mine")), b"an order"),
    Case("POST", "/orders", _FORGED, b"an order"),
    *(Case("POST", "/%6frders", (("X-Citizen", f"N{number}"),), b"an order") for number in range(4)),
    *(Case("POST", "//orders", (("X-Citizen", f"N{number}"),), b"an order") for number in range(4)),
    Case("POST", "/orders/", (("X-Citizen", "N1"),), b"an order"),
    Case("POST", "/ORDERS", (("X-Citizen", "N1"),), b"an order"),
    Case("POST", "/orders", (("X-Citizen", "N1"),)),
    *(Case("POST", "/pay", _JSON, b'{"kind":"card","who":%d}' % number) for number in range(8)),
    Case("POST", "/pay", _JSON, b'{"kind":"card","who":123456789012345678901234567890}'),
    Case("POST", "/pay", _JSON, b'{"kind":"card"}'),
    *(Case("POST", "/pay", _FORM, b"kind=cash&who=W%d" % number) for number in range(6)),
    Case("POST", "/pay", _FORM, b"kind=cash&who=W+1%21"),
    Case("POST", "/pay", _JSON, b'{"kind":'),
    *(Case("POST", "/soap", (*_XML, ("SOAPAction", '"GetThing"'), ("X-Citizen", f"S{number}"))) for number in range(4)),
    Case("POST", "/soap", (*_XML, ("SOAPAction", "GetThing"), ("X-Citizen", "S1")), _soap("x", "1")),
    Case("POST", "/soap", (*_XML, ("SOAPAction", "'GetThing'"), ("X-Citizen", "S2")), _soap("x", "1")),
    Case("POST", "/soap", (*_XML, ("SOAPAction", '"GetThings"'), ("X-Citizen", "S2")), _soap("x", "1")),
    *(Case("POST", "/soap", (*_XML, ("soapaction", "urn:FindThing")), _soap("x", f"F{number}")) for number in range(4)),
    Case("POST", "/soap", (("Content-Type", 'application/soap+xml; action="urn:FindThing"'),), _soap("x", "F1")),
    *(Case("POST", "/soap", _XML, _soap("look", f"L{number}")) for number in range(4)),
    Case("POST", "/soap", _XML, _soap("other", "L1")),
    Case("POST", "/soap", (*_XML, ("SOAPAction", "urn:FindThing")), b"<unfinished"),
    Case("POST", "/soap", (*_XML, ("SOAPAction", "urn:FindThing")), b"<!DOCTYPE a><a><id>1</id></a>"),
    Case("GET", "/files/report.pdf"),
    Case("GET", "//files/report%2Epdf"),
    Case("GET", "/nowhere"),
)
