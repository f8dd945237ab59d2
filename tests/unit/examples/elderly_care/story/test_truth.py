from pathlib import Path

from examples.elderly_care.story.truth import DEFECTS, explained, load_defects
from strangler.exchange import DifferenceKind
from strangler.journal import Finding


def finding(operation: str, path: str, kind: DifferenceKind) -> Finding:
    return Finding(operation, "s", kind, path, 1, 1, 0.0, 0.0, "x", path, "1", "2", "f")


def test_load_defects_names_at_least_ten_with_files_that_exist() -> None:
    defects = load_defects()
    assert len({defect.id for defect in defects}) == len(defects) >= 10
    assert DEFECTS.exists()
    assert Path("examples/elderly_care/release_1").is_dir()


def test_explained_needs_operation_path_and_kind() -> None:
    path = "/Envelope/Body/GetEntitlementResponse/weeklyAmount"
    defects = load_defects()
    assert explained(defects, finding("pensions.get-entitlement", path, DifferenceKind.VALUE)) == "D01"
    assert explained(defects, finding("pensions.get-payment-schedule", path, DifferenceKind.VALUE)) is None
    assert explained(defects, finding("pensions.get-entitlement", path, DifferenceKind.MISSING)) is None
    assert explained(defects, finding("pensions.get-entitlement", path + "/more", DifferenceKind.VALUE)) is None


def test_explained_by_the_effect_of_a_lost_write() -> None:
    path = "effects.address /Envelope/Body/GetEntitlementResponse/correspondenceAddress/line"
    defects = load_defects()
    assert explained(defects, finding("pensions.change-address", path, DifferenceKind.VALUE)) == "D10"
    assert explained(defects, finding("pensions.report-death", path, DifferenceKind.VALUE)) is None
    assert explained(defects, finding("pensions.change-address", path + "/x", DifferenceKind.VALUE)) is None
