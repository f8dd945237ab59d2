"""Writes SQL that would make the new side like the old one: for people to review and run, never run by us.

Each statement is guarded by what the comparison saw: a row that has changed since is left alone. Whoever runs it sees
by the number of rows whether it did anything.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from parity_checks.rows.columns import Kind
from parity_checks.rows.dialects.base import Dialect
from parity_checks.rows.findings import RowFinding, RowKind
from parity_checks.rows.work import Pair, Work
from parity_checks.rules.equalities import pence
from strangler.plan.comparison import CodeRule, IdRule, MoneyRule

Values = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Repair:
    """How to write repairs of one comparison.

    ``table`` is the new side's, ``dialect`` its SQL.
    """

    work: Work
    table: str
    dialect: Dialect

    def lines(self, findings: Iterable[RowFinding], heading: Iterable[str]) -> Iterator[str]:
        """The lines of the file, without line ends."""
        for line in heading:
            yield f"-- {line}"
        yield "-- This file holds personal data. Review it, run it by hand, and compare again afterwards."
        yield "-- Each statement does nothing where the row is no longer as it was seen."
        if any(pair.rules for pair in self.work.columns):
            yield "-- Columns with rules are written as the old side has them, but for codes and amounts of money."
        yield self.dialect.begins
        for finding in findings:
            yield from self._statement(finding)
        yield "-- COMMIT;  -- take the two dashes away once you have seen what it does; else:"
        yield "ROLLBACK;"

    def _statement(self, finding: RowFinding) -> Iterator[str]:
        old, new = {pair.old.name: pair for pair in self.work.columns}, finding.new
        where = self._where(finding)
        match finding.kind:
            case RowKind.DUPLICATE:
                copies = f"{finding.copies[0]} on the old side, {finding.copies[1]} on the new"
                yield f"-- not repaired, {copies}: {self._comment(where)}"
            case RowKind.MISSING:
                yield from self._insert(finding, where)
            case RowKind.SURPLUS:
                yield f"DELETE FROM {self._relation} WHERE {self._guarded(where, new, tuple(old))};"
            case RowKind.CHANGED:
                unknown = [name for name in finding.columns if self._is_unknown(old[name], finding.old)]
                if unknown:
                    yield f"-- not repaired, no rule says what {', '.join(unknown)} would be: {self._comment(where)}"
                    return
                changes = ", ".join(
                    f"{self._name(old[n])} = {self._value(old[n], finding.old)}" for n in finding.columns
                )
                guarded = self._guarded(where, new, finding.columns)
                yield f"UPDATE {self._relation} SET {changes} WHERE {guarded};"

    @property
    def _relation(self) -> str:
        return self.dialect.relation(self.table, None)

    def _insert(self, finding: RowFinding, where: str) -> Iterator[str]:
        unknown = [pair.old.name for pair in self.work.columns if self._is_unknown(pair, finding.old)]
        if unknown:
            yield f"-- not repaired, no rule says what {', '.join(unknown)} would be: {self._comment(where)}"
            return
        names = [self.dialect.quote(pair.new.name) for pair in self.work.key] + list(map(self._name, self.work.columns))
        values = [self._key_value(pair, value) for pair, value in zip(self.work.key, finding.key, strict=True)]
        values += [self._value(pair, finding.old) for pair in self.work.columns]
        absent = f"NOT EXISTS (SELECT 1 FROM {self._relation} WHERE {where})"
        source = f" FROM {self.dialect.one_row}" if self.dialect.one_row else ""
        yield f"INSERT INTO {self._relation} ({', '.join(names)}) SELECT {', '.join(values)}{source} WHERE {absent};"

    def _where(self, finding: RowFinding) -> str:
        return " AND ".join(
            self.dialect.guard(pair.new, str(value)) for pair, value in zip(self.work.key, finding.key, strict=True)
        )

    def _guarded(self, where: str, new: Values, names: Iterable[str]) -> str:
        pairs = {pair.old.name: pair for pair in self.work.columns}
        return " AND ".join([where, *(self.dialect.guard(pairs[name].new, new[name]) for name in names)])

    def _name(self, pair: Pair) -> str:
        return self.dialect.quote(pair.new.name)

    def _key_value(self, pair: Pair, value: object) -> str:
        return self.dialect.literal(str(value), pair.new)

    def _value(self, pair: Pair, old: Values) -> str:
        return self.dialect.literal(_translated(pair, old[pair.old.name]), pair.new)

    @staticmethod
    def _is_unknown(pair: Pair, old: Values) -> bool:
        """Whether nobody knows what the new side would have: a code no table has, an id of the old side's own."""
        value = old[pair.old.name]
        if value is None:
            return False
        return any(
            (isinstance(rule, CodeRule) and value not in rule.table) or isinstance(rule, IdRule) for rule in pair.rules
        )

    @staticmethod
    def _comment(text: str) -> str:
        return text.replace("\r", " ").replace("\n", " ")


def _translated(pair: Pair, value: str | None) -> str | None:  # noqa: PLR0911  one line per kind
    """The old side's value as the new side would write it: its code, its unit of money."""
    if value is None:
        return None
    for rule in pair.rules:
        if isinstance(rule, CodeRule):
            return rule.table[value]
        if isinstance(rule, MoneyRule) and (amount := pence(value, rule.old)) is not None:
            return f"{amount if rule.new == 'pence' else amount.scaleb(-2):f}"
    match pair.old.kind, pair.new.kind:
        case (Kind.INTEGER, Kind.BOOLEAN):
            return {"1": "true", "0": "false"}.get(value, value)
        case (Kind.BOOLEAN, Kind.INTEGER):
            return {"true": "1", "false": "0"}.get(value, value)
        case (Kind.CHAR, Kind.TEXT):
            return value.rstrip(" ")
        case _:
            return value
