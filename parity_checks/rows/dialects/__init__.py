"""What each database must be told differently: how to quote, to list columns, to write canonical text, to hash."""

from parity_checks.rows.dialects.base import Dialect
from parity_checks.rows.dialects.mariadb import Mariadb
from parity_checks.rows.dialects.other import Other
from parity_checks.rows.dialects.postgresql import Postgresql
from parity_checks.rows.dialects.sqlite import Sqlite

_BY_NAME: dict[str, type[Dialect]] = {
    "postgresql": Postgresql,
    "mariadb": Mariadb,
    "mysql": Mariadb,
    "sqlite": Sqlite,
}


def dialect_named(name: str) -> Dialect:
    """The dialect of this name; the one that asks for nothing but ANSI SQL where the name is not known."""
    return _BY_NAME.get(name, Other)()


__all__ = ["Dialect", "dialect_named"]
