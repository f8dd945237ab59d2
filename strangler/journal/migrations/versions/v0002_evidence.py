"""What evidence needs beyond outcomes: rules' counts, noise, coverage, identities, minutes, rows."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


_BY_COHORT = {
    "exchange_tally": ("kind", "reason", "signatures"),
    "inputs": ("input",),
    "input_tally": ("worst", "beside", "signatures"),
}
"""Tables that now count by cohort as well, with what follows the cohort in their primary key."""


def upgrade() -> None:
    """Make the tables and columns."""
    op.add_column("exchanges", sa.Column("origin", sa.String(length=8), nullable=False, server_default="caller"))
    op.add_column(
        "findings",
        sa.Column(
            "example_bytes",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="how large the example is as it is kept",
        ),
    )
    op.add_column(
        "findings",
        sa.Column(
            "samples",
            sa.LargeBinary(),
            nullable=True,
            comment="sealed: a few more pairs of values, to tell a likely cause",
        ),
    )
    waiting_write = sa.text("state = 'waiting' AND effect = 'write'")
    op.create_index(
        "ix_exchanges_waiting_write",
        "exchanges",
        ["key_digest"],
        unique=False,
        sqlite_where=waiting_write,
        postgresql_where=waiting_write,
    )
    for table, key in _BY_COHORT.items():
        _add_cohort(table, key)
    _tallies()
    _items()
    op.create_table(
        "minutes",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column(
            "slot",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="seconds since the epoch, cut to slots",
        ),
        sa.Column("measure", sa.String(length=32), nullable=False),
        sa.Column(
            "bucket",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="of a latency histogram; 0 for counts",
        ),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "slot", "measure", "bucket", name="pk_minutes"),
        sqlite_with_rowid=False,
    )
    # Exchanges before this are in no slot: whoever looks further back reads them one by one.
    op.execute(
        "INSERT INTO minutes (operation, slot, measure, bucket, count) SELECT '', newest.at + 1, 'began', 0, 0"
        " FROM (SELECT CAST(MAX(at) AS BIGINT) AS at FROM exchanges) AS newest WHERE newest.at IS NOT NULL"
    )
    for name, condition in (("failed", "new_failed > 0"), ("mismatch", "outcome = 'mismatch'")):
        only = sa.text(condition)
        op.create_index(
            f"ix_exchanges_{name}", "exchanges", ["operation", "at"], sqlite_where=only, postgresql_where=only
        )
    op.create_table(
        "heard",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "fingerprint", name="pk_heard"),
    )
    # Until now there were callers' exchanges only.
    op.execute(
        "INSERT INTO heard (operation, fingerprint, first_at, last_at)"
        " SELECT operation, fingerprint, MIN(first_at), MAX(last_at) FROM exchange_tally"
        " GROUP BY operation, fingerprint"
    )
    op.create_table(
        "row_runs",
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False, comment="JSON: counts and settings; no values of rows"),
        sa.PrimaryKeyConstraint("run", name="pk_row_runs"),
    )
    op.create_index("ix_row_runs_name_at", "row_runs", ["name", "at"], unique=False)


def _add_cohort(table: str, key: tuple[str, ...]) -> None:
    """Make the cohort a part of the primary key; what was counted so far was counted of all cohorts together."""
    cohort = sa.Column("cohort", sa.Text(), nullable=False, server_default="", comment="empty: every cohort together")
    whole = ["operation", "fingerprint", "cohort", *key]
    if op.get_bind().dialect.name == "postgresql":
        op.add_column(table, cohort)
        op.drop_constraint(f"pk_{table}", table)
        op.create_primary_key(f"pk_{table}", table, whole)
        return
    before = sa.Table(table, sa.MetaData(), autoload_with=op.get_bind())
    op.rename_table(table, f"{table}_before")
    columns = [sa.Column(each.name, each.type, nullable=each.nullable) for each in before.columns]
    with_rowid = table != "inputs"
    op.create_table(
        table, *columns, cohort, sa.PrimaryKeyConstraint(*whole, name=f"pk_{table}"), sqlite_with_rowid=with_rowid
    )
    names = ", ".join(f'"{each.name}"' for each in before.columns)
    op.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM "{table}_before"')
    op.drop_table(f"{table}_before")


def _tallies() -> None:
    op.create_table(
        "rule_tally",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column(
            "rule", sa.Integer(), autoincrement=False, nullable=False, comment="its place among the plan entry's rules"
        ),
        sa.Column("exchanges", sa.BigInteger(), nullable=False),
        sa.Column("differences", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "fingerprint", "rule", name="pk_rule_tally"),
    )
    op.create_table(
        "noise_tally",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column(
            "general_path",
            sa.Text(),
            nullable=False,
            comment="empty in the row that counts the draws, as `both`",
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("both", sa.BigInteger(), nullable=False),
        sa.Column("only_again", sa.BigInteger(), nullable=False),
        sa.Column("only_beside", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "fingerprint", "general_path", "kind", name="pk_noise_tally"),
    )
    op.create_table(
        "key_sketch",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column(
            "smallest", sa.LargeBinary(), nullable=False, comment="the smallest hashes of keys, joined, in order"
        ),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "fingerprint", name="pk_key_sketch"),
    )


def _items() -> None:
    op.create_table(
        "contract",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("entry", sa.String(length=64), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "entry", "item", name="pk_contract"),
    )
    op.create_table(
        "contract_source",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("entry", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="an address, a file, or a database's name"),
        sa.Column(
            "trouble",
            sa.Text(),
            nullable=False,
            comment="why it could not be read the last time; empty where it could",
        ),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "entry", name="pk_contract_source"),
    )
    op.create_table(
        "coverage",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("example", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("operation", "fingerprint", "item", name="pk_coverage"),
    )
    op.create_table(
        "identities",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("old_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("new_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="both ids"),
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("exchange", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "old_digest", name="pk_identities"),
    )
    op.create_index("ix_identities_new", "identities", ["name", "new_digest"], unique=True)
