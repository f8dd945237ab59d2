import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from legacy_adapters.contract import BadRequest, SystemDrifted, SystemTimeout
from legacy_adapters.soap import SoapService
from strangler.errors import SystemUnreachable

GOOD = "<name>ADA</name><born>1940-02-29</born>"


@pytest.fixture
def service(town) -> SoapService:
    return SoapService(town.url, 0.8, name="town")


def test_call_reads_values_as_they_were_sent(town, service):
    town.says(
        f'{GOOD}<weekly>185.10</weekly><review xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
        '<payment currency="GBP"><on>2026-01-02</on><pence>007</pence></payment>'
    )
    expected = {
        "name": "ADA", "born": "1940-02-29", "weekly": "185.10", "review": None,
        "payment": [{"@currency": "GBP", "on": "2026-01-02", "pence": "007"}],
    }  # fmt: skip
    assert service.call("Find", nino="QQ1").values == expected


def test_call_goes_to_the_wsdl_s_path_at_the_host_that_we_were_told(town, service):
    seen = []
    town.says(GOOD)
    fixed = town.answer
    town.answer = lambda path, body, headers: seen.append((path, headers["soapaction"])) or fixed(path, body, headers)
    service.call("Find", nino="QQ1", tag=["a", "b"])
    assert seen == [("/soap/town", '"Find"')]


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ("<name>A</name><born>29/02/1940</born>", "/FindResponse/born"),
        ("<name>A</name>", "/FindResponse"),
        ("<born>1940-02-29</born><name>A</name>", "/FindResponse/born"),
        (f"{GOOD}<weekly>ten</weekly>", "/FindResponse/weekly"),
        (f"{GOOD}<new/>", "/FindResponse/new"),
        (f"{GOOD}<payment><on>2026-01-02</on><pence>1.5</pence></payment>", "/FindResponse/payment/pence"),
    ],
)
def test_answer_against_the_wsdl_is_drift(town, service, members, place):
    town.says(members)
    with pytest.raises(SystemDrifted, match=rf"town: Find answered against its WSDL: {place} \(line 1\)"):
        service.call("Find", nino="QQ1")


def test_known_drift_may_be_tolerated(town):
    town.says("<name>A</name><born>29/02/1940</born>")
    answer = SoapService(town.url, 1, name="town", tolerated=("born",)).call("Find", nino="QQ1")
    assert answer.values["born"] == "29/02/1940"
    assert [problem.path for problem in answer.tolerated] == ["/FindResponse/born"]


@pytest.mark.parametrize("status", [200, 500])
def test_business_fault_is_an_answer_whatever_its_status(town, service, status):
    fault = (
        "<s:Fault><faultcode>s:Client</faultcode><faultstring>none</faultstring><detail><NotFound/></detail></s:Fault>"
    )
    envelope = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{fault}</s:Body></s:Envelope>'
    town.says_raw(status, "text/xml", envelope.encode())
    answer = service.call("Find", nino="QQ1")
    assert (answer.status, answer.fault.code, answer.fault.detail) == (status, "s:Client", {"NotFound": ""})


@pytest.mark.parametrize("status", [200, 503])
def test_html_page_is_no_fault(town, service, status):
    town.says_raw(status, "text/html", b"<html><body>Overnight batch in progress</body></html>")
    with pytest.raises(SystemUnreachable, match=f"answered {status} with text/html, which is not SOAP"):
        service.call("Find", nino="QQ1")


def test_document_type_declaration_is_refused(town, service):
    town.says_raw(200, "text/xml", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>')
    with pytest.raises(SystemDrifted, match="document type"):
        service.call("Find", nino="QQ1")


def test_wrong_arguments_never_reach_the_service(town, service):
    town.answer = lambda *_: pytest.fail("asked")
    with pytest.raises(BadRequest, match="nin"):
        service.call("Find", nin="QQ1")
    with pytest.raises(BadRequest, match="has no operation Fnd; it has Find"):
        service.call("Fnd")


def test_slow_answer_is_a_timeout(town, service):
    town.answer = lambda *_: time.sleep(1.5) or (200, "text/xml", b"")
    with pytest.raises(SystemTimeout, match=r"within 0\.8 s"):
        service.call("Find", nino="QQ1")


def test_dripping_answer_is_a_timeout_too(town):
    """requests' own limit is per read: a server that sends a byte now and then would hold us for ever."""
    service = SoapService(town.url, 0.6, name="town")
    listener = socket.create_server(("127.0.0.1", 0))
    ended, drips = threading.Event(), []

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: 100\r\n\r\n")
            while not ended.wait(0.2):
                try:
                    connection.sendall(b" ")
                    drips.append(1)
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    service.address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    try:
        with pytest.raises(SystemTimeout):
            service.call("Find", nino="QQ1")
    finally:
        ended.set()
        thread.join()
        listener.close()
    assert len(drips) < 20


def test_answer_that_breaks_off_is_unreachable(town, service):
    listener = socket.create_server(("127.0.0.1", 0))

    def break_off() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: 100\r\n\r\n<half")

    thread = threading.Thread(target=break_off)
    thread.start()
    service.address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with pytest.raises(SystemUnreachable):
        service.call("Find", nino="QQ1")
    thread.join()
    listener.close()


def test_unreachable_service_is_told_by_name(town, service, free_port):
    service.address = f"http://127.0.0.1:{free_port}/"
    with pytest.raises(SystemUnreachable, match=r"town: .*refused"):
        service.call("Find", nino="QQ1")


def test_wsdl_that_refers_elsewhere_is_refused(town):
    town.wsdl = town.wsdl.replace(
        '<xs:element name="Find">',
        '<xs:import namespace="urn:x" schemaLocation="http://169.254.169.254/x.xsd"/><xs:element name="Find">',
    )
    with pytest.raises(SystemDrifted, match="elsewhere"):
        SoapService(town.url, 1)


@pytest.mark.parametrize("wsdl", ["<html>Overnight batch</html>", "nothing", ""])
def test_what_is_no_wsdl_is_told(town, wsdl):
    town.wsdl = wsdl
    with pytest.raises(SystemDrifted):
        SoapService(town.url, 1)


def test_calls_of_many_threads_are_not_mixed_up(town, service):
    def echo(_path, body, _headers):
        nino = body.partition(b"nino>")[2].partition(b"<")[0].decode()
        from_town = town_answer(nino)
        return 200, "text/xml", from_town

    def town_answer(nino: str) -> bytes:
        town.says(f"<name>{nino}</name><born>1940-02-29</born>")
        return town.answer("", b"", {})[2]

    lock, plain = threading.Lock(), echo

    def guarded(*args):
        with lock:
            answer = plain(*args)
            town.answer = guarded
        return answer

    town.answer = guarded
    ninos = [f"QQ{number:06}" for number in range(120)]
    with ThreadPoolExecutor(8) as threads:
        assert [answer.values["name"] for answer in threads.map(lambda n: service.call("Find", nino=n), ninos)] == ninos
