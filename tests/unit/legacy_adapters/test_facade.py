from datetime import date
from decimal import Decimal

import pytest

from legacy_adapters.contract import Answer, BadRequest, Reply
from legacy_adapters.facade import FormRefused, FormXmlFacade, JsonFacade
from strangler.exchange import Request

JSON = (("content-type", "application/json"),)


async def test_form_facade_renders_in_the_order_it_was_given(scripted, call_for):
    async def ask(form, call):
        return {
            "nino": form["nino"], "band": {"@code": "2", "#text": "High"}, "hours": Decimal("7.50"), "note": None,
            "visit": [date(2026, 2, 28), date(2026, 3, 1)], "alone": True,
        }  # fmt: skip

    answer = await FormXmlFacade("assessment", ask)(None).answer(
        Request("POST", "/x", body=b"nino=QQ12"), call_for(scripted())
    )
    expected = (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        '<assessment><nino>QQ12</nino><band code="2">High</band><hours>7.50</hours><note/>'
        "<visit>2026-02-28</visit><visit>2026-03-01</visit><alone>true</alone></assessment>"
    )
    assert (answer.status, answer.body.decode()) == (200, expected)


async def test_form_facade_passes_on_an_error_page(scripted, call_for):
    page = Answer(404, (("content-type", "text/html"),), b"<h1>Not found</h1>")

    async def ask(form, call):
        raise FormRefused(page)

    assert page == await FormXmlFacade("a", ask)(None).answer(Request("POST", "/x"), call_for(scripted()))


PLAN = JsonFacade(
    caller_path="/patients/{nhs}/plan",
    path="/plans/{nhs}",
    query={"as_of": "asOf"},
    shape=lambda value: {"pounds": value["pence"] / Decimal(100)},
    errors={404: (404, {"error": "not-found"})},
)


async def test_json_facade_maps_path_query_and_shape(scripted, call_for):
    link = scripted(Reply(200, JSON, b'{"pence": 18510}'))
    answer = await PLAN(None).answer(Request("GET", "/patients/9%2F1/plan?asOf=a%26b&x=1"), call_for(link))
    assert (answer.status, answer.body) == (200, b'{"pounds":185.1}')
    assert link.asked == [("GET", "/plans/9%2F1?as_of=a%26b", {"x-strangler-exchange": "e1"}, None)]


async def test_json_facade_maps_declared_errors_and_passes_on_others(scripted, call_for):
    link = scripted(Reply(404, JSON, b"{}"), Reply(500, (("content-type", "text/plain"),), b"boom"))
    request = Request("GET", "/patients/9/plan")
    missing = await PLAN(None).answer(request, call_for(link))
    broken = await PLAN(None).answer(request, call_for(link))
    assert (missing.status, missing.body) == (404, b'{"error":"not-found"}')
    assert (broken.status, broken.body) == (500, b"boom")


async def test_json_facade_turns_the_body_round(scripted, call_for):
    link = scripted(Reply(204, (), b""))
    facade = JsonFacade("/p/{n}", "/q/{n}", body=lambda value: {"telephone": value["tel"]})
    answer = await facade(None).answer(Request("PUT", "/p/7", body=b'{"tel": "0123"}'), call_for(link))
    assert answer.status == 204
    assert link.asked[0][3] == b'{"telephone":"0123"}'


async def test_json_facade_says_what_the_request_lacks(scripted, call_for):
    facade = JsonFacade("/find", "/people/{nhsNumber}")
    with pytest.raises(BadRequest, match="nhsNumber"):
        await facade(None).answer(Request("GET", "/find?nhs=1"), call_for(scripted()))
