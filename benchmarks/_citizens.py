"""What the rows about comparison compare: citizen records with payments as a shared service answers them, by seed."""

import json
import random
from typing import Any

from parity_checks.compare.comparison import Comparison, compare
from parity_checks.rules.compiled import CompiledRules, compile_rules
from strangler.exchange import Observation
from strangler.plan.comparison import Compare
from strangler.stages import Side

NO_RULES = compile_rules("pensions.get-entitlement", Compare())
_FAMILIES = ("O'Neill", "Smith", "Ní Bhriain", "Okonkwo", "Patel", "Jones", "Müller", "Żak")
_STREETS = ("Wellington Street", "Quarry Hill", "Kirkstall Road", "Otley Old Road", "Harehills Lane")


def citizen(random_: random.Random, number: int) -> dict[str, Any]:
    """One record: about 700 bytes."""
    return {
        "nino": f"QQ{number:06d}{random_.choice('ABCD')}",
        "name": {"given": random_.sample(["Mary", "Ann", "Tom", "Aoife"], 2), "family": random_.choice(_FAMILIES)},
        "dateOfBirth": f"19{random_.randrange(28, 60)}-{random_.randrange(1, 13):02}-{random_.randrange(1, 29):02}",
        "address": {
            "lines": [f"{random_.randrange(1, 200)} {random_.choice(_STREETS)}", "Leeds"],
            "postcode": f"LS{random_.randrange(1, 29)} {random_.randrange(1, 10)}AB",
        },
        "isDeceased": False,
        "hasAppointee": random_.random() < 0.2,
        "entitlement": {"weekly": round(random_.uniform(90, 221), 2), "from": "2026-04-06", "code": "SP-N"},
        "payments": [
            {
                "reference": f"P{number:05d}-{week}",
                "amount": round(random_.uniform(90, 221), 2),
                "paidOn": f"2026-05-{random_.randrange(1, 29):02}",
                "method": "BACS",
            }
            for week in range(3)
        ],
    }


def answer_of(records: int) -> dict[str, Any]:
    """A page of records; 19 are about 10 KB."""
    random_ = random.Random(20_260)
    return {"page": 1, "total": records, "records": [citizen(random_, number) for number in range(records)]}


def payments(number: int) -> list[dict[str, Any]]:
    """A list of payments."""
    random_ = random.Random(20_261)
    return [
        {
            "reference": f"P{at:06d}",
            "nino": f"QQ{at:06d}C",
            "amount": round(random_.uniform(90, 221), 2),
            "paidOn": f"2026-05-{random_.randrange(1, 29):02}",
            "status": random_.choice(("PAID", "PENDING", "RETURNED")),
        }
        for at in range(number)
    ]


def spaced(value: Any) -> bytes:
    """JSON as another serialiser writes it: a blank after each comma and colon."""
    return json.dumps(value, ensure_ascii=False).encode()


def observations(old: bytes, new: bytes, content_type: str = "application/json") -> tuple[Observation, Observation]:
    """Both answers as the worker hands them over."""
    headers = (("server", "x"), ("content-type", content_type))
    return Observation(Side.OLD, 200, headers, old, len(old)), Observation(Side.NEW, 200, headers, new, len(new))


def found(old: Observation, new: Observation, rules: CompiledRules = NO_RULES) -> int:
    """How many differences are found."""
    result = compare(old, new, rules)
    assert isinstance(result, Comparison), result
    return len(result.differences) + result.left_out
