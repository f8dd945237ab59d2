import subprocess
import sys

import pytest

from parity_checks.ask.inputs import input_digest
from parity_checks.rules.compiled import ignoring
from strangler.exchange import Request

SOAP = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><g xmlns="urn:p">'
    "<nino>{nino}</nino><requestId>{request}</requestId></g></s:Body></s:Envelope>"
)


def soap(nino: str, request: str = "1", template: str = SOAP) -> Request:
    return Request("POST", "/p", (("Content-Type", "text/xml"),), template.format(nino=nino, request=request).encode())


def test_input_ignores_what_the_plan_says_makes_no_difference() -> None:
    rules = ignoring(("//requestId",))
    assert input_digest(soap("A", "1"), rules) == input_digest(soap("A", "2"), rules)
    assert input_digest(soap("A"), rules) != input_digest(soap("B"), rules)
    assert input_digest(soap("A", "1"), ignoring(())) != input_digest(soap("A", "2"), ignoring(()))


def test_input_is_the_same_in_another_spelling() -> None:
    spelt = (
        SOAP.replace("s:Env", "e:Env").replace("s:Body", "e:Body").replace("xmlns:s", "xmlns:e").replace("><", ">\n<")
    )
    assert input_digest(soap("A"), ignoring(())) == input_digest(soap("A", template=spelt), ignoring(()))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (Request("GET", "/a?x=1&y=2"), Request("GET", "/a?y=2&x=1"), True),
        (Request("GET", "/a?x=1&requestId=7"), Request("GET", "/a?x=1&requestId=8"), True),
        (Request("GET", "/a?x=1"), Request("GET", "/a?x=2"), False),
        (Request("GET", "/a"), Request("GET", "/b"), False),
        (Request("GET", "/a"), Request("HEAD", "/a"), False),
        (Request("POST", "/a", (), b'{"a":1,"b":2}'), Request("POST", "/a", (), b'{"b":2,"a":1.0}'), True),
        (Request("POST", "/a", (), b'{"a":true}'), Request("POST", "/a", (), b'{"a":1}'), False),
        (Request("POST", "/a", (), b"{"), Request("POST", "/a", (), b"{{"), False),
    ],
)
def test_input_by_method_path_query_and_body(one: Request, other: Request, is_same: bool) -> None:
    rules = ignoring(("query.requestId",))
    assert (input_digest(one, rules) == input_digest(other, rules)) is is_same


def test_input_is_the_same_in_another_process() -> None:
    code = (
        "from parity_checks.ask.inputs import input_digest; from parity_checks.rules.compiled import ignoring;"
        "from strangler.exchange import Request;"
        'print(input_digest(Request(\'POST\',\'/a\',(),b\'{"a":[{"b":1,"c":"x"}],"d":null}\'), ignoring(())))'
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PATH": ""}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
