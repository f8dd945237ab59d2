"""Rules in SQL: which of them a database can apply so that equal texts still prove equal values. Pure.

Only what both sides surely do alike is pushed down: case and Unicode folding differ between databases and between
their versions, and so do time zones.
"""

from parity_checks.rows.columns import Column, Form, Kind
from parity_checks.rows.dialects.base import Dialect
from strangler.plan.comparison import AbsenceRule, CodeRule, MoneyRule, NumberRule, Rule, TextRule
from strangler.stages import Side

_NUMBERS = (Kind.INTEGER, Kind.NUMBER)
_ZERO_DATES = ("0000-00-00", "0000-00-00 00:00:00")


def refusal(  # noqa: PLR0911  one line per rule
    rules: tuple[Rule, ...], form: Form, old: Column, new: Column, dialects: tuple[Dialect, Dialect]
) -> str:
    """Why the database cannot apply these rules; empty where it can."""
    if "other" in (dialects[0].name, dialects[1].name) and rules:
        return "its rule is applied here: nothing is known of one database's SQL"
    match rules:
        case ():
            return ""
        case (NumberRule(within=within),) if not within and form.kind in (*_NUMBERS, Kind.BOOLEAN):
            return ""
        case (AbsenceRule(equal=equal),) if {"null", "empty"} <= set(equal):
            return ""
        case (CodeRule(),):
            return ""
        case (TextRule(fold=None, trim=True, spaces="keep", form=None),) if form.kind in (Kind.TEXT, Kind.CHAR):
            return ""
        case (MoneyRule() as rule,):
            return _money_refusal(rule, (old, new), dialects)
        case (rule,):
            return f"'as: {rule.as_}' is more than SQL says alike on both sides"
        case _:
            return "several rules are applied here, one after the other"


def _money_refusal(rule: MoneyRule, columns: tuple[Column, Column], dialects: tuple[Dialect, Dialect]) -> str:
    for unit, column, dialect in zip((rule.old, rule.new), columns, dialects, strict=True):
        if column.kind not in _NUMBERS:
            return "amounts are written as text"
        if dialect.name == "sqlite" and unit == "pounds":
            return "SQLite would multiply amounts as floats"
    return ""


def expression(column: Column, form: Form, rules: tuple[Rule, ...], dialect: Dialect, which: Side) -> str:
    """The canonical text of a pushed column, its rule applied; NULL for NULL."""
    text = dialect.canonical(column, form)
    match rules:
        case (AbsenceRule(),):
            return _absent(text, column, dialect)
        case (CodeRule() as rule,):
            return _coded(text, rule, dialect) if which is Side.OLD else _joined(dialect, "':'", text)
        case (TextRule(),):
            return f"btrim({text}, ' ')" if dialect.name == "postgresql" else f"TRIM({text})"
        case (MoneyRule() as rule,):
            return _pence(column, rule.old if which is Side.OLD else rule.new, dialect)
        case _:
            return text


def _absent(text: str, column: Column, dialect: Dialect) -> str:
    nothing = [""] if column.kind in (Kind.TEXT, Kind.CHAR, Kind.UNKNOWN) else []
    if dialect.name == "mariadb" and column.kind in (Kind.DATE, Kind.MOMENT, Kind.AWARE):
        nothing += _ZERO_DATES
    for value in nothing:
        text = f"nullif({text}, '{value}')"
    return text


def _coded(text: str, rule: CodeRule, dialect: Dialect) -> str:
    """The new side's code after ``:``, or what no table knows after ``!``; compared byte by byte."""
    exact = f"CAST({text} AS BINARY)" if dialect.name == "mariadb" else text
    lines = " ".join(
        f"WHEN {dialect.text_literal(old)} THEN {dialect.text_literal(f':{new}')}" for old, new in rule.table.items()
    )
    unknown = _joined(dialect, "'!'", text)
    return f"CASE {exact} {lines} ELSE {unknown} END" if lines else unknown


def _joined(dialect: Dialect, mark: str, text: str) -> str:
    """Both one after the other; NULL for NULL."""
    return f"CONCAT({mark}, {text})" if dialect.name == "mariadb" else f"{mark} || ({text})"


def _pence(column: Column, unit: str, dialect: Dialect) -> str:
    amount = f"{dialect.quote(column.name)} * 100" if unit == "pounds" else dialect.quote(column.name)
    if dialect.name == "postgresql":
        return f"trim_scale(({amount})::numeric)::text"
    if dialect.name == "mariadb":
        places = "CAST({} AS CHAR)".format(f"CAST({amount} AS DECIMAL(65, 10))")
        return f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {places}))"
    return f"CAST({amount} AS TEXT)"
