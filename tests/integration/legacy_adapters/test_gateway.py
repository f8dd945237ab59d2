"""The gateway over real sockets: what callers get when all is well, and when it is not."""

import asyncio
import contextlib
import json
import sys
from types import ModuleType
from urllib.parse import parse_qs

import aiohttp
import aiohttp.web
import pytest
from sqlalchemy import text

from legacy_adapters.contract import BadRequest
from legacy_adapters.facade import NIL, FormXmlFacade, JsonFacade, SoapFacade, SoapFault
from legacy_adapters.gateway import serve_gateway
from legacy_adapters.http import Login, SessionPassThrough
from legacy_adapters.odbc import engine_for, exact
from legacy_adapters.records import FromJson, FromPath, FromQuery, RecordQuery, RecordUpdate
from strangler.errors import PlanError
from strangler.plan.models import Plan

SOAP = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
FIND = SOAP.format('<Find xmlns="urn:town:1"><nino>{}</nino></Find>')


async def find(asked, call):
    reply = await call.ask("GET", f"/citizens/{asked['nino']}")
    if reply.status == 404:
        raise SoapFault("soap:Client", "none", {"NotFound": {"code": "7"}})
    citizen = reply.json()
    payments = [{"on": "2026-01-02", "pence": citizen["pence"], "currency": "GBP"}]
    return {"payment": payments, "review": NIL, "born": citizen["born"], "name": citizen["name"].upper()}


async def assessment(form, call):
    if "nino" not in form:
        raise BadRequest("the form has no nino")
    return {"nino": form["nino"], "heard": call.idempotency_key}


async def broken(asked, call):
    raise RuntimeError("secret of a citizen")


def adapters() -> ModuleType:
    made = ModuleType("town_gateway_adapters")
    made.__file__ = __file__
    made.find, made.broken = SoapFacade("Find", find), SoapFacade("Find", broken)
    made.assessment = FormXmlFacade("assessment", assessment)
    made.patient = RecordQuery(
        "SELECT name, weekly FROM patient WHERE id = :id",
        "/patients",
        {"id": FromQuery("id")},
        lambda found: {"name": found["rows"][0]["name"], "weekly": exact(found["rows"][0]["weekly"], 2),
                       "visits": [row["note"] for row in found["visits"]]},
        more={"visits": "SELECT note FROM visit WHERE patient = :id ORDER BY note"},
    )  # fmt: skip
    made.rename = RecordUpdate(
        ["UPDATE patient SET name = :name WHERE id = :id"], "/patients/{id}",
        {"id": FromPath("id"), "name": FromJson("name")},
        then="SELECT name FROM patient WHERE id = :id", shape=lambda found: dict(found["rows"][0]),
    )  # fmt: skip
    made.record = JsonFacade("/patients", "/citizens/{id}", shape=lambda value: {"name": value["name"]})
    made.session = SessionPassThrough(Login("/login", {"user": "gateway"}), sessions=3)
    return made


class Upstream:
    """The new service and the council in one: scripted by the test, over a real socket."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.delay_s = 0.0
        self.token = 0
        self.valid: set[str] = set()

    async def __call__(self, request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.method, request.path_qs, headers, body))
        await asyncio.sleep(self.delay_s)
        answer = self.council(request, body) if request.path.startswith(("/login", "/council")) else self.new(request)
        answer.headers["x-build-id"] = "release-2"
        return answer

    def new(self, request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        if request.path == "/citizens/QQ404":
            return aiohttp.web.json_response({"title": "none"}, status=404)
        if request.path == "/citizens/QQHTML":
            return aiohttp.web.Response(text="<html>hello", content_type="text/html")
        return aiohttp.web.json_response({"name": "Łukasz", "born": "1940-02-29", "pence": 18510})

    def council(self, request: aiohttp.web.BaseRequest, body: bytes) -> aiohttp.web.Response:
        """Each token is good once: the answer to it brings the next one."""
        if request.path != "/login" and request.cookies.get("T") not in self.valid:
            return aiohttp.web.Response(text="<h1>Session expired</h1>", content_type="text/html")
        self.valid.discard(request.cookies.get("T", ""))
        self.token += 1
        self.valid.add(f"t{self.token}")
        answer = aiohttp.web.Response(text=f"<did>{parse_qs(body.decode())}</did>", content_type="text/xml")
        answer.set_cookie("T", f"t{self.token}")
        return answer


@pytest.fixture
async def upstream():
    service = Upstream()
    runner = aiohttp.web.ServerRunner(aiohttp.web.Server(service))
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    yield service
    await runner.cleanup()


def operation(old, new, effect="read", **more):
    return {"effect": effect, "match": {"path": {"value": "/x"}}, "old": old, "new": new, **more}


def plan_of(town_url: str, url: str, sqlite: str, **changed) -> dict:
    ours = "town_gateway_adapters:"
    patients = {"system": "patients", "adapter": f"{ours}patient"}
    council, record = (
        {"system": "council", "adapter": f"{ours}session"},
        {"system": "record", "facade": f"{ours}record"},
    )
    system = {"department": "d", "speaks": "http", "url": url, "timeout_s": 0.6, "build_header": "x-build-id"}
    return {
        "version": 1,
        "programme": "p",
        "systems": {
            "town": {"department": "d", "speaks": "soap", "wsdl": town_url, "timeout_s": 1, "build": "4.2"},
            "record": system,
            "council": {"department": "d", "speaks": "http", "url": url, "timeout_s": 0.6, "build_header": "server"},
            "patients": {"department": "d", "speaks": "odbc", "connection": sqlite, "dialect": "sqlite",
                         "build": "1999"},
        },
        "operations": {
            "town.find": operation("town", {"system": "record", "facade": f"{ours}find"}),
            "town.broken": operation("town", {"system": "record", "facade": f"{ours}broken"}),
            "health.find": operation(patients, record),
            "health.rename": operation({"system": "patients", "adapter": f"{ours}rename"}, record, "write",
                                       writes={"policy": "never"}),
            "council.assess": operation(council, {"system": "record", "facade": f"{ours}assessment"}, "write",
                                        writes={"policy": "dual", "idempotency_header": "Idempotency-Key"}),
        },
    } | changed  # fmt: skip


@pytest.fixture
def plan(town, upstream, sqlite_odbc, monkeypatch):
    monkeypatch.setitem(sys.modules, "town_gateway_adapters", adapters())
    engine = engine_for(sqlite_odbc, "sqlite")
    with engine.begin() as c:
        c.execute(text("CREATE TABLE patient (id INTEGER PRIMARY KEY, name TEXT, weekly NUMERIC(8, 2))"))
        c.execute(text("CREATE TABLE visit (patient INTEGER, note TEXT)"))
        c.execute(text("INSERT INTO patient VALUES (1, 'O’Neill', 185.10)"))
        c.execute(text("INSERT INTO visit VALUES (1, 'b'), (1, 'a')"))
    engine.dispose()
    return plan_of(town.url, upstream.url, sqlite_odbc)


@contextlib.asynccontextmanager
async def gateway_for(load, port, **more):
    stop = asyncio.Event()
    serving = asyncio.create_task(serve_gateway(load, port=port, stop=stop, **more))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        for _ in range(200):
            if serving.done():
                await serving
            with contextlib.suppress(aiohttp.ClientError):
                async with client.get("/-/health") as answer:
                    assert answer.status == 200
                    break
            await asyncio.sleep(0.02)
        try:
            yield client
        finally:
            stop.set()
            await serving


@pytest.fixture
async def gateway(plan, free_port):
    async with gateway_for(lambda: Plan.model_validate(plan), free_port) as client:
        yield client


async def ask(client, method, path, **more):
    async with client.request(method, path, **more) as answer:
        return answer.status, answer.headers, (await answer.read()).decode()


async def test_soap_caller_is_served_by_the_new_json_service(gateway, upstream):
    headers = {"x-strangler-exchange": "e7", "x-strangler-role": "asked", "traceparent": "00-1-2-01"}
    status, answered, body = await ask(
        gateway, "POST", "/new/town.find/pensions", data=FIND.format("QQ1"), headers=headers
    )
    assert (status, answered["content-type"]) == (200, "text/xml; charset=utf-8")
    names = [body.index(name) for name in ("ŁUKASZ", "1940-02-29", 'nil="true"', 'currency="GBP"', "18510")]
    assert names == sorted(names)
    assert answered["x-build-id"].startswith("release-2+facade.")
    assert upstream.seen[-1][1] == "/citizens/QQ1"
    assert {name: upstream.seen[-1][2][name] for name in headers} == headers


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (FIND.format("QQ404"), "<faultstring>none</faultstring>"),
        (FIND.format("QQ-is-too-long"), "The request is not valid: /Find/nino"),
        (SOAP.format('<Fetch xmlns="urn:town:1"/>'), "Expected Find, not Fetch"),
        ("no XML", "The request is not SOAP"),
    ],
)
async def test_soap_caller_gets_faults_with_status_500(gateway, body, says):
    status, headers, answer = await ask(gateway, "POST", "/new/town.find/pensions", data=body)
    assert (status, headers["content-type"]) == (500, "text/xml; charset=utf-8")
    assert "<faultcode>soap:Client</faultcode>" in answer
    assert says in answer


async def test_bug_of_ours_is_told_by_its_incident_and_nothing_else(gateway, capsys):
    status, _, body = await ask(gateway, "POST", "/new/town.broken/pensions", data=FIND.format("QQ1"))
    document = json.loads(body)
    assert status == 500
    assert "secret" not in body
    logged = capsys.readouterr().out
    assert document["incident"] in logged
    assert "RuntimeError" in logged
    assert "QQ1" not in logged


async def test_record_query_answers_from_the_database(gateway):
    status, headers, body = await ask(gateway, "GET", "/old/health.find/patients?id=1")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert body == '{"name":"O’Neill","weekly":185.10,"visits":["a","b"]}'


@pytest.mark.parametrize(
    ("target", "status"),
    [("/patients?id=2", 404), ("/patients", 400), ("/nowhere", 400), ("/patients?id=1%20OR%201=1", 404)],
)
async def test_record_query_refuses_what_it_cannot_answer(gateway, target, status):
    assert (await ask(gateway, "GET", f"/old/health.find{target}"))[0] == status


async def test_record_update_stores_and_reads_back(gateway):
    told = await ask(gateway, "PUT", "/old/health.rename/patients/1", json={"name": "x'); DROP TABLE patient; --"})
    assert json.loads(told[2]) == {"name": "x'); DROP TABLE patient; --"}
    missing = await ask(gateway, "PUT", "/old/health.rename/patients/7", json={"name": "y"})
    assert (missing[0], json.loads(missing[2])) == (404, {"error": "not-found"})


async def test_sessions_serve_many_callers_through_expiry(gateway, upstream):
    async def one(number):
        return await ask(gateway, "POST", "/old/council.assess/council/x", data={"nino": f"QQ{number}"})

    first = await asyncio.gather(*(one(number) for number in range(20)))
    upstream.valid.clear()
    second = await asyncio.gather(*(one(number) for number in range(20, 40)))
    assert [body for _, _, body in first + second] == [f"<did>{{'nino': ['QQ{number}']}}</did>" for number in range(40)]
    assert all("set-cookie" not in headers for _, headers, _ in first + second)
    assert sum(path == "/login" for _, path, _, _ in upstream.seen) <= 6


async def test_write_to_the_new_side_carries_the_exchange_as_its_idempotency_key(gateway):
    headers = {"x-strangler-exchange": "e9"}
    _, _, body = await ask(
        gateway, "POST", "/new/council.assess/council/x", data={"nino": "QQ1"}, headers=headers
    )  # fmt: skip
    assert body.endswith("<assessment><nino>QQ1</nino><heard>e9</heard></assessment>")


async def test_slow_system_is_504_and_then_given_a_rest(gateway, upstream):
    upstream.delay_s = 2.0
    answers = await asyncio.gather(*(ask(gateway, "GET", "/new/health.find/patients?id=1") for _ in range(6)))
    assert {status for status, _, _ in answers} == {504}
    status, headers, body = await ask(gateway, "GET", "/new/health.find/patients?id=1")
    assert (status, headers["content-type"]) == (503, "application/problem+json")
    assert json.loads(body)["system"] == "record"


async def test_answer_that_is_not_json_is_502(gateway):
    status, _, body = await ask(gateway, "GET", "/new/health.find/patients?id=QQHTML")
    assert (status, json.loads(body)["system"]) == (502, "record")


@pytest.mark.parametrize("target", ["/old/town.nothing/x", "/old/town.find/pensions", "/other/town.find/x"])
async def test_what_is_not_served_is_404(gateway, target):
    status, headers, _ = await ask(gateway, "GET", target)
    assert (status, headers["content-type"]) == (404, "application/problem+json")


async def test_request_that_is_too_long_is_413_before_it_is_sent(gateway, free_port):
    reader, writer = await asyncio.open_connection("127.0.0.1", free_port)
    writer.write(b"POST /new/town.find/x HTTP/1.1\r\nhost: x\r\ncontent-length: 16777217\r\n\r\n")
    status_line = await reader.readline()
    assert status_line.startswith(b"HTTP/1.1 413 ")  # the phrase is each Python version's own
    writer.close()
    await writer.wait_closed()


async def test_request_that_says_no_length_is_413_when_it_grows_too_long(gateway):
    async def endless():
        for _ in range(33):
            yield b"x" * 524_288

    with contextlib.suppress(aiohttp.ClientError):  # it may hang up on us, too
        assert (await ask(gateway, "POST", "/new/town.find/x", data=endless()))[0] == 413


async def test_builds_tell_what_answers_will_name(gateway):
    told = json.loads((await ask(gateway, "GET", "/-/builds"))[2])
    answered = (await ask(gateway, "POST", "/new/town.find/pensions", data=FIND.format("QQ1")))[1]
    assert told["town.find"] == {"old": "4.2", "new": answered["x-build-id"]}
    answered = (await ask(gateway, "GET", "/old/health.find/patients/1"))[1]
    assert told["health.find"]["old"] == answered["x-strangler-build"]
    assert answered["x-strangler-build"].startswith("1999+adapter.")


async def test_build_may_be_named_by_the_server_header(gateway):
    told = json.loads((await ask(gateway, "GET", "/-/builds"))[2])
    answered = (await ask(gateway, "POST", "/old/council.assess/council/x", data={"nino": "QQ1"}))[1]
    assert answered.getall("server") == [told["council.assess"]["old"]]
    assert "+adapter." in answered["server"]


async def test_unreachable_system_is_502_and_names_it(plan, free_port):
    plan["systems"]["record"]["url"] = "http://127.0.0.1:9"
    async with gateway_for(lambda: Plan.model_validate(plan), free_port) as gateway:
        status, _, body = await ask(gateway, "POST", "/new/town.find/x", data=FIND.format("QQ1"))
    assert (status, json.loads(body)["system"]) == (502, "record")
    assert "Traceback" not in body


async def test_gateway_starts_without_a_system_and_mends_itself(plan, town, free_port):
    good, town.wsdl = town.wsdl, "<html>Overnight batch</html>"
    async with gateway_for(lambda: Plan.model_validate(plan), free_port) as gateway:
        assert (await ask(gateway, "POST", "/new/town.find/x", data=FIND.format("QQ1")))[0] == 502
        town.wsdl = good
        await asyncio.sleep(1.05)
        assert (await ask(gateway, "POST", "/new/town.find/x", data=FIND.format("QQ1")))[0] == 200


async def test_changed_plan_takes_over_and_a_broken_one_does_not(plan, free_port):
    version = [0]
    async with gateway_for(
        lambda: Plan.model_validate(plan), free_port, changed=lambda: version[0], every_s=0.02
    ) as gateway:
        target = plan["operations"]["health.find"]["new"]
        target["facade"], version[0] = "town_gateway_adapters:nothing", 1
        await asyncio.sleep(0.2)
        assert (await ask(gateway, "GET", "/new/health.find/patients?id=1"))[0] == 200
        target["facade"], version[0] = "town_gateway_adapters:assessment", 2
        await asyncio.sleep(0.2)
        body = (await ask(gateway, "POST", "/new/health.find/x", data={"nino": "QQ2"}))[2]
    assert "<nino>QQ2</nino>" in body


async def test_gateway_does_not_start_with_a_reference_that_cannot_be_used(plan, free_port):
    plan["operations"]["town.find"]["new"]["facade"] = "town_gateway_adapters:fnd"
    with pytest.raises(PlanError, match="did you mean town_gateway_adapters:find"):
        await serve_gateway(lambda: Plan.model_validate(plan), port=free_port, stop=asyncio.Event())
