"""Release 1 shows every defect that it was given, and nothing else."""

import re
from itertools import pairwise
from pathlib import Path

import yaml

from examples.elderly_care.population import COUNT, citizens
from examples.elderly_care.release_1 import entitlement
from examples.elderly_care.traffic.callers import is_awkward

EXAMPLE = Path(__file__).parents[4] / "examples" / "elderly_care"
DEFECTS = yaml.safe_load((EXAMPLE / "defects.yaml").read_text("utf-8"))["defects"]
OLD_IS_WRONG = "/Envelope/Body/GetEntitlementResponse/inheritedAmount"


def defects_of(operation, difference):
    """The ids of all defects that this difference could be."""
    return [
        defect["id"]
        for defect in DEFECTS
        if defect["operation"] == operation
        and difference.kind.value in defect["kinds"]
        and any(re.fullmatch(path, difference.general_path) for path in defect["paths"])
    ]


def test_every_difference_is_exactly_one_defect_and_every_defect_shows(release_1, people, ask):
    awkward = [citizen for citizen in people if is_awkward(citizen)]
    hit = [citizen for citizen in people if entitlement.is_hit(citizen.nino) and citizen.status != "D"]
    moved = next(citizen for citizen in people[100:] if citizen.status == "A" and citizen not in hit)

    assert release_1.differences([ask.change_address(moved.nino, "1 New Row", "Dunsop")]) == []  # acknowledged
    requests = [request for citizen in dict.fromkeys([*awkward, *hit, moved]) for request in ask.reads(citizen)]
    found = release_1.differences([*requests, ask.soap("GetEntitlement", "QQ999999A")])

    told = [(one, defects_of(one.asked.operation, one.difference)) for one in found]
    unknown = {one.difference.general_path for one, ids in told if not ids}
    assert unknown <= {OLD_IS_WRONG}
    assert [ids for _, ids in told if len(ids) > 1] == []
    assert {ids[0] for _, ids in told if ids} == {defect["id"] for defect in DEFECTS}


def test_the_rare_defect_hits_somebody_among_any_2000_citizens():
    hits = [place for place, one in enumerate(citizens()) if entitlement.is_hit(one.nino) and one.status != "D"]
    gaps = [after - before for before, after in pairwise([*hits, hits[0] + COUNT])]
    assert (len(hits), max(gaps) < 2_000) == (13, True)


def test_every_defect_names_the_file_that_it_is_in_and_is_a_function_there():
    for defect in DEFECTS:
        assert f"def {defect['id'].lower()}_" in (EXAMPLE / defect["where"]).read_text("utf-8")
