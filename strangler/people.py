"""Who may do what: the plan's people and their roles. Where the plan names nobody, everybody may."""

from collections.abc import Collection, Mapping

from strangler.errors import Refused
from strangler.plan.models import Person

OPERATORS = ("operator",)
TESTERS = ("tester", "approver")

OURS = "strangler "
"""How our own processes are called in the ledger, such as ``strangler guard``: they are in no plan."""

GUARD = f"{OURS}guard"


def named(people: Mapping[str, Person], roles: Collection[str]) -> tuple[str, ...]:
    """The people with one of these roles, in the plan's order; with no role given, all of them."""
    return tuple(name for name, person in people.items() if not roles or set(roles) & set(person.roles))


def check_person(people: Mapping[str, Person], who: str, roles: Collection[str], what: str) -> None:
    """Let only people with one of these roles do this; with no role given, everybody whom the plan names.

    Args:
        people: the plan's.
        who: who asks.
        roles: the roles that may.
        what: what is asked, as it stands after "may not", such as ``release a hold``.

    Raises:
        Refused: the plan names people, and this one is not among those who may.
    """
    may = named(people, roles)
    if people and who not in may:
        those = f"{' and '.join(f'{role}s' for role in roles)} in the plan" if roles else "people in the plan"
        raise Refused(f"{who} may not {what}: {those} are {', '.join(may) or 'nobody'}")
