from datetime import date
from decimal import Decimal

import pytest

from legacy_adapters.contract import Answer, Handler, Reply, encode_json


def test_encode_json_keeps_every_digit_of_a_decimal():
    value = {"amount": Decimal("185.10"), "big": Decimal("12345678901234567890.12"), "on": date(2026, 2, 28)}
    assert encode_json(value) == b'{"amount":185.10,"big":12345678901234567890.12,"on":"2026-02-28"}'


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), object()])
def test_encode_json_refuses_what_json_has_no_form_for(value: object):
    with pytest.raises(TypeError):
        encode_json(value)


def test_reply_reads_money_as_decimal():
    assert Reply(200, (), b'{"amount": 0.10}').json() == {"amount": Decimal("0.10")}


def test_handler_is_told_by_its_answer_method():
    class Fixed:
        async def answer(self, request: object, call: object) -> Answer:
            return Answer(204)

    assert isinstance(Fixed(), Handler)
    assert not isinstance(object(), Handler)
