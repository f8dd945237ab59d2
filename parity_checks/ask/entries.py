"""What the worker knows of the plan: the one in force, and the entries of those before it."""

from collections import OrderedDict
from typing import Final

from parity_checks.ask.judge import Entry
from parity_checks.rules.compiled import compile_rules, ignoring
from parity_checks.rules.custom import CustomFunctions
from strangler.errors import PlanError, Problem
from strangler.evidence import entry_digest
from strangler.plan.addresses import target_of
from strangler.plan.comparison import CodeRule, Compare, DatetimeRule, IdRule, MoneyRule, RenameRule, Rule
from strangler.plan.models import Plan, System
from strangler.stages import Side

_MOST_KEPT: Final = 4_096


class Entries:
    """Entries by operation and digest. Exchanges decided under an earlier plan are judged under its entry."""

    def __init__(self, plan: Plan) -> None:
        self._entries: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self.no_rules = compile_rules("", Compare())
        self.functions = CustomFunctions()
        self.plan = plan
        self.use(plan)

    def use(self, plan: Plan) -> None:
        """Take a plan into force.

        Raises:
            PlanError: a comparison rule cannot be compiled; the plan before stays in force.
        """
        made = [_entry(plan, operation, self.functions) for operation in plan.operations]
        for entry in made:
            self._entries[entry.operation, entry.digest] = entry
            self._entries.move_to_end((entry.operation, entry.digest))
        while len(self._entries) > max(_MOST_KEPT, len(made)):
            self._entries.popitem(last=False)
        self.plan = plan

    def find(self, operation: str, digest: str) -> Entry | None:
        """The entry under which an exchange was decided, if this worker has known it."""
        return self._entries.get((operation, digest))

    def in_force(self, operation: str) -> Entry:
        """The entry of the plan in force."""
        return self._entries[operation, entry_digest(self.plan, operation)]

    def system(self, operation: str, side: Side) -> tuple[str, System]:
        """Name and form of the system on one side of an operation."""
        name = target_of(self.plan.operations[operation], side).system
        return name, self.plan.systems[name]

    def close(self) -> None:
        """End what runs custom rules."""
        self.functions.close()


def _entry(plan: Plan, operation: str, functions: CustomFunctions) -> Entry:
    compare = plan.operations[operation].compare
    try:
        rules = compile_rules(operation, compare, functions.of(compare.rules))
        same_input = ignoring(compare.same_input_ignoring)
        kept = tuple(kept for rule in compare.rules if (kept := _of_one_side(rule)) is not None)
        own = compile_rules(operation, compare.model_copy(update={"rules": kept}), functions.of(kept))
    except ValueError as error:
        key = f"operations.{operation}.compare"
        raise PlanError([Problem("comparison-rule", "the plan", 0, key, str(error))]) from error
    return Entry(operation, entry_digest(plan, operation), rules, same_input, own)


def _of_one_side(rule: Rule) -> Rule | None:
    """The rule as it holds between two answers of the old side: it has one unit, one set of codes, ids and names."""
    if isinstance(rule, RenameRule | CodeRule | IdRule):
        return None
    if isinstance(rule, DatetimeRule):
        return rule.model_copy(update={"new_zone": rule.old_zone})
    return rule.model_copy(update={"new": rule.old}) if isinstance(rule, MoneyRule) else rule
