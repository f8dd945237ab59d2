"""The first version of the journal's tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "exchange_tally",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("signatures", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "fingerprint", "kind", "reason", "signatures", name="pk_exchange_tally"),
    )
    op.create_table(
        "exchanges",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("effect", sa.String(length=8), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(), nullable=True, comment="keyed digest of the caller's key"),
        sa.Column("cohort", sa.Text(), nullable=True),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("entry", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("asked", sa.String(length=8), nullable=True),
        sa.Column("answered_by", sa.String(length=8), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("new_tried", sa.Integer(), nullable=False, comment="1 where the new side was to answer the caller"),
        sa.Column(
            "new_failed", sa.Integer(), nullable=False, comment="1 where it failed, 2 where old answered after it"
        ),
        sa.Column("failure", sa.String(length=16), nullable=True, comment="what was wrong with the new side's answer"),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("input", sa.String(length=64), nullable=True),
        sa.Column("signatures", sa.Text(), nullable=True, comment="JSON list of the mismatch's signatures"),
        sa.Column("settled", sa.Integer(), nullable=True),
        sa.Column("judged_at", sa.Double(), nullable=True),
        sa.Column("judged_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("worker", sa.String(length=128), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_exchanges"),
    )
    op.create_index(
        "ix_exchanges_claimed",
        "exchanges",
        ["key_digest", "worker"],
        unique=False,
        sqlite_where=sa.text("state = 'claimed'"),
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_index("ix_exchanges_id", "exchanges", ["id"], unique=True)
    op.create_index("ix_exchanges_operation_at", "exchanges", ["operation", "at"], unique=False)
    op.create_index(
        "ix_exchanges_unfinished",
        "exchanges",
        ["at", "seq"],
        unique=False,
        sqlite_where=sa.text("state IN ('waiting', 'claimed')"),
        postgresql_where=sa.text("state IN ('waiting', 'claimed')"),
    )
    op.create_table(
        "findings",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("general_path", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("inputs", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("example", sa.String(length=64), nullable=False),
        sa.Column("example_at", sa.Double(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("operation", "fingerprint", "signature", name="pk_findings"),
    )
    op.create_table(
        "gaps",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True, comment="the caller's key"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
    )
    op.create_index("ix_gaps_operation_closed_at", "gaps", ["operation", "closed_at"], unique=False)
    op.create_table(
        "input_tally",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("worst", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("beside", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("signatures", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "fingerprint", "worst", "beside", "signatures", name="pk_input_tally"),
    )
    op.create_table(
        "inputs",
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("input", sa.String(length=64), nullable=False),
        sa.Column("worst", sa.Integer(), nullable=False, comment="rank of its worst outcome"),
        sa.Column(
            "beside", sa.Integer(), nullable=False, comment="rank of its worst outcome that is no mismatch; -1 for none"
        ),
        sa.Column("signatures", sa.Text(), nullable=False, comment="JSON list of all its mismatches' signatures"),
        sa.PrimaryKeyConstraint("operation", "fingerprint", "input", name="pk_inputs"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "load_runs",
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("histograms", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("run", "operation", name="pk_load_runs"),
    )
    op.create_index("ix_load_runs_operation_at", "load_runs", ["operation", "at"], unique=False)
    op.create_table(
        "observations",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("exchange_id", sa.String(length=64), nullable=False),
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_observations"),
    )
    op.create_index("ix_observations_exchange_id", "observations", ["exchange_id"], unique=False)
    op.create_index("ix_observations_operation_side_at", "observations", ["operation", "side", "at"], unique=False)
    op.create_table(
        "sightings",
        sa.Column("subject", sa.String(length=128), nullable=False, comment="an operation, or a system"),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column(
            "role",
            sa.String(length=8),
            nullable=False,
            comment="answer: a caller was answered; asked: for comparison; probe",
        ),
        sa.Column("build", sa.String(length=256), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "side", "role", "build", name="pk_sightings"),
    )
    op.create_table(
        "uncounted",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("operation", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("entry", sa.String(length=64), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("is_loss", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_uncounted"),
    )
    op.create_index("ix_uncounted_operation_at", "uncounted", ["operation", "at"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        # Sealed bytes do not compress: keep PostgreSQL from trying, which more than doubles the rate of inserts.
        for table, column in (("exchanges", "sealed"), ("exchanges", "judged_sealed"), ("observations", "sealed")):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")
