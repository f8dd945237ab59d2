"""The identifiers that callers use, checked where they come in."""

import re

from new_services.problems import Problem

_NINO = re.compile(r"[A-Z]{2}\d{6}[A-D]")
_NHS_NUMBER = re.compile(r"\d{10}")


def nino(text: str) -> str:
    """A National Insurance number as it is stored: capitals, no spaces.

    Raises:
        Problem: it has not the form of one (400).
    """
    folded = "".join(text.split()).upper()
    if not _NINO.fullmatch(folded):
        raise Problem(400, "nino-form", "a National Insurance number is two letters, six digits and A to D")
    return folded


def nhs_number(text: str) -> str:
    """An NHS number as it is stored: ten digits, no spaces.

    Raises:
        Problem: it has not the form of one (400).
    """
    folded = "".join(text.split())
    if not _NHS_NUMBER.fullmatch(folded):
        raise Problem(400, "nhs-number-form", "an NHS number is ten digits")
    return folded
