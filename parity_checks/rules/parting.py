"""Rules by which the same text on both sides means two different things. Pure.

5 and 5 are not equal where old writes pounds and new writes pence; nor are 1 and 1 where old's code 1 is new's code 2;
nor is noon in London noon in UTC. Comparison must look at such places although nothing seems to differ there.
"""

from parity_checks.rules import equalities, times
from strangler.plan.comparison import CodeRule, DatetimeRule, MoneyRule, Rule


def may_part(rule: Rule) -> bool:
    """Whether the rule tells two sides apart, each with ways of its own."""
    match rule:
        case MoneyRule():
            return rule.old != rule.new
        case CodeRule():
            return True
        case DatetimeRule():
            return (rule.old_zone or rule.zone) != (rule.new_zone or rule.zone)
        case _:
            return False


def parts(rule: Rule, text: str) -> bool:
    """Whether this text, said by both sides, means two different things under the rule.

    A code that the table does not name is taken for the same on both sides, unless another code of old becomes it.
    """
    match rule:
        case MoneyRule():
            old, new = equalities.pence(text, rule.old), equalities.pence(text, rule.new)
            return old is not None and old != new
        case CodeRule():
            return rule.table[text] != text if text in rule.table else text in rule.table.values()
        case DatetimeRule():
            return not times.are_same_time(text, text, rule) and times.is_time(text, rule)
        case _:
            return False


def in_old_terms(rule: Rule, text: str) -> str:
    """What old would say for what new says, as far as the rule tells; times are left as they are."""
    match rule:
        case MoneyRule():
            amount = equalities.pence(text, rule.new)
            if amount is None or rule.old == rule.new:
                return text
            return f"{amount if rule.old == 'pence' else amount.scaleb(-2):f}"
        case CodeRule():
            return next((old for old, new in rule.table.items() if new == text), text)
        case _:
            return text
