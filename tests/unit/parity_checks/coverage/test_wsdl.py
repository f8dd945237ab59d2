from pathlib import Path

import pytest
from lxml import etree

from parity_checks.coverage.model import Contract, NoContract
from parity_checks.coverage.wsdl import contract_from_wsdl

PENSIONS = Path(__file__).parents[4] / "examples/elderly_care/estate/pensions"


def pensions(soap_action: str | None) -> Contract:
    """An operation's contract, from the WSDL and the schema of the example's old pensions service."""
    documents = [etree.fromstring((PENSIONS / name).read_bytes()) for name in ("pensions.wsdl", "pensions.xsd")]
    return contract_from_wsdl(documents, soap_action=soap_action, source="pensions?wsdl")


def test_contract_of_a_real_operation_holds_what_callers_can_see_of_it() -> None:
    assert sorted(pensions("GetEntitlement").items) == [
        "answer //correspondenceAddress/line boundary maxOccurs",
        "answer //correspondenceAddress/line size 1",
        "answer //correspondenceAddress/line size many",
        "answer //inheritedAmount absent",
        "answer //inheritedAmount present",
        "answer //lateSpouse absent",
        "answer //lateSpouse present",
        "answer //nextReview absent",
        "answer //nextReview nil",
        "answer //nextReview present",
        "answer //status = A",
        "answer //status = D",
        "answer //status = S",
        "answer GetEntitlementResponse",
        "fault PensionsFault",
        "request //requestId absent",
        "request //requestId present",
    ]


def test_contract_of_a_list_without_bounds_asks_for_none_one_and_many() -> None:
    items = pensions("GetPaymentSchedule").items
    assert {item for item in items if " size " in item} == {
        "answer //payment size 0",
        "answer //payment size 1",
        "answer //payment size many",
    }


def test_contract_is_found_by_an_action_in_quotes() -> None:
    assert pensions('"ReportDeath"').items == pensions("ReportDeath").items


def test_contract_of_an_unknown_action_names_those_there_are() -> None:
    with pytest.raises(NoContract, match=r"no operation has the SOAP action 'Nonsense'; there are 'GetEntitlement', "):
        pensions("Nonsense")


def test_contract_of_another_document_is_none() -> None:
    with pytest.raises(NoContract, match=r"no WSDL 1\.1"):
        contract_from_wsdl([etree.fromstring("<a/>")], soap_action="A", source="x")


RPC = """<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
  <wsdl:types><xs:schema targetNamespace="urn:t">
    <xs:simpleType name="Sex"><xs:restriction base="xs:string">
      <xs:enumeration value="1"/><xs:enumeration value="2"/></xs:restriction></xs:simpleType>
  </xs:schema></wsdl:types>
  <wsdl:message name="In"><wsdl:part name="sex" type="t:Sex"/></wsdl:message>
  <wsdl:message name="Out"><wsdl:part name="found" type="xs:boolean"/></wsdl:message>
  <wsdl:portType name="P"><wsdl:operation name="Find">
    <wsdl:input message="t:In"/><wsdl:output message="t:Out"/></wsdl:operation></wsdl:portType>
  <wsdl:binding name="B" type="t:P">
    <s:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="Find"><s:operation soapAction=""/></wsdl:operation></wsdl:binding>
</wsdl:definitions>"""


def test_contract_in_the_style_rpc_has_its_parts_within_the_operations_name() -> None:
    contract = contract_from_wsdl([etree.fromstring(RPC)], soap_action=None, source="x")
    assert sorted(contract.items) == [
        "answer //found = false",
        "answer //found = true",
        "answer FindResponse",
        "request //sex = 1",
        "request //sex = 2",
    ]
