from dataclasses import replace

from new_services.citizen_record.notices import AddressChange, of_address_change
from new_services.notifications.templates import Kind

CHANGE = AddressChange(
    name="Łukasz O’Neill",
    telephone="07700 900123",
    is_deceased=False,
    before={"lines": ["1 Mill Street", "", "Dunsop"], "postcode": "ZZ1 1AB"},
    after={"lines": ["2 Mill Street"], "postcode": "ZZ1 1AB"},
)


def kinds(change: AddressChange) -> list[Kind]:
    return [notice.kind for notice in of_address_change(change, "c1")]


def test_a_letter_goes_to_the_old_address_and_a_text_to_the_mobile() -> None:
    letter, text = of_address_change(CHANGE, "c1")
    assert letter.body["personalisation"] == {
        "name": "Łukasz O’Neill",
        "address_line_1": "Łukasz O’Neill",
        "address_line_2": "1 Mill Street",
        "address_line_3": "Dunsop",
        "address_line_4": "ZZ1 1AB",
    }
    assert text.body["phone_number"] == "07700900123"
    assert [notice.body["reference"] for notice in (letter, text)] == ["c1-letter", "c1-text"]


def test_a_change_to_the_same_address_is_none() -> None:
    assert kinds(replace(CHANGE, after=CHANGE.before)) == []


def test_nobody_writes_to_the_dead() -> None:
    assert kinds(replace(CHANGE, is_deceased=True)) == []


def test_no_letter_goes_to_no_fixed_address() -> None:
    assert kinds(replace(CHANGE, before={"lines": ["No fixed address"], "postcode": None})) == [Kind.SMS]
    assert kinds(replace(CHANGE, before={"lines": ["No fixed address"], "postcode": " "})) == [Kind.SMS]


def test_no_text_goes_to_a_telephone_that_is_no_mobile() -> None:
    for telephone in (None, "", "01134960123", "0770090012", "07700x00123"):
        assert kinds(replace(CHANGE, telephone=telephone)) == [Kind.LETTER]
