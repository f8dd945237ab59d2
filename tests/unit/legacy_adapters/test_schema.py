import subprocess
import sys

import pytest
from lxml import etree

from legacy_adapters.schema import BodySchema

TYPES = """
<types xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" xmlns:o="urn:o">
  <xs:schema><xs:import namespace="urn:t"/></xs:schema>
  <xs:schema targetNamespace="urn:t" elementFormDefault="qualified"><xs:import namespace="urn:o"/>
    <xs:element name="Got"><xs:complexType><xs:sequence>
      <xs:element name="nino" type="t:Nino"/>
      <xs:element name="pay" type="o:Pay" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:schema>
  <xs:schema targetNamespace="urn:t" elementFormDefault="qualified">
    <xs:simpleType name="Nino"><xs:restriction base="xs:string"><xs:pattern value="QQ[0-9]{6}[A-D]"/></xs:restriction>
    </xs:simpleType>
  </xs:schema>
  <xs:schema targetNamespace="urn:o" elementFormDefault="qualified">
    <xs:complexType name="Pay"><xs:sequence>
      <xs:element name="date" type="xs:date"/><xs:element name="pence" type="xs:integer"/>
    </xs:sequence></xs:complexType>
  </xs:schema>
</types>"""


@pytest.fixture(scope="module")
def schema() -> BodySchema:
    """Prefixes that only the parent declares, two schemas of one namespace, imports without an address."""
    return BodySchema(list(etree.fromstring(TYPES).iter("{http://www.w3.org/2001/XMLSchema}schema")))


def got(members: str) -> etree._Element:
    return etree.fromstring(f'<Got xmlns="urn:t" xmlns:o="urn:o">\n{members}</Got>')


PAY = "<pay><o:date>2026-01-31</o:date><o:pence>100</o:pence></pay>"


def test_schema_accepts_what_is_valid(schema: BodySchema):
    assert schema.problems(got(f"<nino>QQ123456A</nino>{PAY}")) == ()


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ("<nino>QQ123456A</nino>" + PAY + PAY.replace("2026-01-31", "31/01/2026"), "/Got/pay[2]/date"),
        ("<nino>QQ123456A</nino>" + PAY.replace("100", "1.5"), "/Got/pay/pence"),
        ("<nino>QQ123456A</nino><pay><o:pence>1</o:pence><o:date>2026-01-31</o:date></pay>", "/Got/pay/pence"),
        ("<nino>QQ123456A</nino><surprise/>", "/Got/surprise"),
        ("<nino>AB123456A</nino>", "/Got/nino"),
        ("", "/Got"),
    ],
)
def test_schema_names_the_place_of_drift(schema: BodySchema, members: str, path: str):
    assert schema.problems(got(members))[0].path == path


def test_schema_tells_the_line(schema: BodySchema):
    assert schema.problems(got("<nino>QQ123456A</nino>\n\n<surprise/>"))[0].line == 4


@pytest.mark.parametrize("members", ["<nino>AB123456A</nino>", f"<nino>QQ123456A</nino>{PAY.replace('100', '7x7')}"])
def test_schema_never_tells_a_person_s_values(schema: BodySchema, members: str):
    told = "".join(str(problem) for problem in schema.problems(got(members)))
    assert "AB123456A" not in told
    assert "7x7" not in told
    assert "(hidden)" in told


def test_first_schemas_of_a_process_may_be_made_in_many_threads_at_once() -> None:
    script = """
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from lxml import etree
from legacy_adapters.schema import BodySchema
wsdl = etree.fromstring(Path("examples/elderly_care/estate/pensions/pensions.xsd").read_bytes())
together = Barrier(16)
def make(_):
    together.wait()
    return BodySchema([wsdl])
with ThreadPoolExecutor(16) as pool:
    list(pool.map(make, range(16)))
"""
    assert [subprocess.run([sys.executable, "-c", script], check=False).returncode for _ in range(3)] == [0, 0, 0]
