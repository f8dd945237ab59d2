"""Who is in the story, and what they know beforehand."""

from dataclasses import dataclass

OPERATION = "pensions.get-entitlement"
"""The operation that is cut over."""

OPERATOR = "dev"
TESTER = "tariq"
APPROVERS = ("amina", "ben")


@dataclass(frozen=True, slots=True)
class OldIsWrong:
    """One difference in which the old side is known to be wrong, and who answers for saying so."""

    operation: str
    path: str
    owner: str
    why: str
    max_rate: float


OLD_IS_WRONG = OldIsWrong(
    operation=OPERATION,
    path="/Envelope/Body/GetEntitlementResponse/inheritedAmount",
    owner="pensions policy",
    why="the old system underpays part of what the widowed inherit; they are being repaid",
    max_rate=0.2,
)
