"""The journal's tables. Everything personal is in a ``sealed`` column; everything else is clear and counted.

=============  ======================================================================================
exchanges      one row for each caller's request; also the work queue (state, lease, attempts)
observations   every further answer that was observed for it
inputs         distinct inputs under one fingerprint, with their worst outcome
exchange_tally how many exchanges had which outcome: kept as outcomes arrive, so gates never scan
heard          when callers' exchanges were judged under a fingerprint: replays and probes are no soak
input_tally    how many inputs have which worst outcome: likewise
findings       differences grouped by signature, with one example
uncounted      what was not compared and belongs to no fingerprint: losses, and what the engine skipped
gaps           writes that the other side may lack: not journaled, or not taken
sightings      which build was last seen on which side, and when
load_runs      results of load tests
rule_tally     how many exchanges each comparison rule hid something in, and how many differences
noise_tally    how often old differs from old again, and from new, at one path: fair draws only
key_sketch     about how many different keys stand behind the evidence
contract       the items that the old side's contract holds, by plan entry
contract_source where each contract was read, and what was wrong with it
coverage       which of them the evidence has shown
identities     ids that the two sides made each of their own for the same thing
minutes        an operation's figures in slots of a few seconds: what the guard looks back over
row_runs       results of comparing rows
=============  ======================================================================================
"""

import sqlalchemy as sa
from sqlalchemy import Column, Double, Index, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"},
)

_Serial = sa.BigInteger().with_variant(Integer(), "sqlite")
_unfinished = sa.text("state IN ('waiting', 'claimed')")
_failed = sa.text("new_failed > 0")
_mismatch = sa.text("outcome = 'mismatch'")
_claimed = sa.text("state = 'claimed'")
_waiting_write = sa.text("state = 'waiting' AND effect = 'write'")

exchanges = Table(
    "exchanges",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False),
    Column("operation", String(128), nullable=False),
    Column("effect", String(8), nullable=False),
    Column("key_digest", LargeBinary, comment="keyed digest of the caller's key"),
    Column("cohort", Text),
    Column("stage", String(16), nullable=False),
    Column("entry", String(64), nullable=False),
    Column("at", Double, nullable=False),
    Column("asked", String(8)),
    Column("answered_by", String(8), nullable=False),
    Column("duration_s", Double, nullable=False),
    Column("new_tried", Integer, nullable=False, comment="1 where the new side was to answer the caller"),
    Column("new_failed", Integer, nullable=False, comment="1 where it failed, 2 where old answered after it"),
    Column("failure", String(16), comment="what was wrong with the new side's answer"),
    Column("state", String(16), nullable=False),
    Column("origin", String(8), nullable=False, server_default="caller"),
    Column("outcome", String(16)),
    Column("reason", String(32)),
    Column("sealed", LargeBinary),
    Column("fingerprint", String(64)),
    Column("input", String(64)),
    Column("signatures", Text, comment="JSON list of the mismatch's signatures"),
    Column("settled", Integer),
    Column("judged_at", Double),
    Column("judged_sealed", LargeBinary),
    Column("worker", String(128)),
    Column("lease_until", Double),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index("ix_exchanges_id", "id", unique=True),
    Index("ix_exchanges_operation_at", "operation", "at"),
    Index("ix_exchanges_failed", "operation", "at", sqlite_where=_failed, postgresql_where=_failed),
    Index("ix_exchanges_mismatch", "operation", "at", sqlite_where=_mismatch, postgresql_where=_mismatch),
    Index("ix_exchanges_unfinished", "at", "seq", sqlite_where=_unfinished, postgresql_where=_unfinished),
    Index("ix_exchanges_claimed", "key_digest", "worker", sqlite_where=_claimed, postgresql_where=_claimed),
    Index("ix_exchanges_waiting_write", "key_digest", sqlite_where=_waiting_write, postgresql_where=_waiting_write),
)

observations = Table(
    "observations",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("exchange_id", String(64), nullable=False, index=True),
    Column("operation", String(128), nullable=False),
    Column("side", String(8), nullable=False),
    Column("at", Double, nullable=False),
    Column("duration_s", Double, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("sealed", LargeBinary),
    Index(None, "operation", "side", "at"),
)

inputs = Table(
    "inputs",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("cohort", Text, primary_key=True, server_default="", comment="empty: every cohort together"),
    Column("input", String(64), primary_key=True),
    Column("worst", Integer, nullable=False, comment="rank of its worst outcome"),
    Column("beside", Integer, nullable=False, comment="rank of its worst outcome that is no mismatch; -1 for none"),
    Column("signatures", Text, nullable=False, comment="JSON list of all its mismatches' signatures"),
    sqlite_with_rowid=False,
)

exchange_tally = Table(
    "exchange_tally",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("cohort", Text, primary_key=True, server_default="", comment="empty: every cohort together"),
    Column("kind", String(16), primary_key=True),
    Column("reason", String(32), primary_key=True),
    Column("signatures", Text, primary_key=True),
    Column("count", sa.BigInteger, nullable=False),
    Column("settled", sa.BigInteger, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
)

heard = Table(
    "heard",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
)

input_tally = Table(
    "input_tally",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("cohort", Text, primary_key=True, server_default="", comment="empty: every cohort together"),
    Column("worst", Integer, primary_key=True, autoincrement=False),
    Column("beside", Integer, primary_key=True, autoincrement=False),
    Column("signatures", Text, primary_key=True),
    Column("count", sa.BigInteger, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("signature", Text, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("general_path", Text, nullable=False),
    Column("count", sa.BigInteger, nullable=False),
    Column("inputs", sa.BigInteger, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("example", String(64), nullable=False),
    Column("example_at", Double, nullable=False),
    Column("sealed", LargeBinary),
    Column(
        "example_bytes",
        Integer,
        nullable=False,
        server_default="0",
        comment="how large the example is as it is kept",
    ),
    Column("samples", LargeBinary, comment="sealed: a few more pairs of values, to tell a likely cause"),
)

uncounted = Table(
    "uncounted",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("operation", String(128), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("entry", String(64), nullable=False),
    Column("count", sa.BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("is_loss", Integer, nullable=False),
    Index(None, "operation", "at"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("operation", String(128), nullable=False),
    Column("sealed", LargeBinary, comment="the caller's key"),
    Column("count", sa.BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("why", Text, nullable=False),
    Column("closed_at", Double),
    Column("closed_by", Text),
    Column("closed_why", Text),
    Index(None, "operation", "closed_at"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("subject", String(128), primary_key=True, comment="an operation, or a system"),
    Column("side", String(8), primary_key=True),
    Column("role", String(8), primary_key=True, comment="answer: a caller was answered; asked: for comparison; probe"),
    Column("build", String(256), primary_key=True),
    Column("last_at", Double, nullable=False),
)

load_runs = Table(
    "load_runs",
    metadata,
    Column("run", String(64), primary_key=True),
    Column("operation", String(128), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("at", Double, nullable=False),
    Column("evidence", Text, nullable=False, comment="JSON"),
    Column("histograms", LargeBinary),
    Index(None, "operation", "at"),
)

rule_tally = Table(
    "rule_tally",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("rule", Integer, primary_key=True, autoincrement=False, comment="its place among the plan entry's rules"),
    Column("exchanges", sa.BigInteger, nullable=False),
    Column("differences", sa.BigInteger, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
)

noise_tally = Table(
    "noise_tally",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("general_path", Text, primary_key=True, comment="empty in the row that counts the draws, as `both`"),
    Column("kind", String(16), primary_key=True),
    Column("both", sa.BigInteger, nullable=False),
    Column("only_again", sa.BigInteger, nullable=False),
    Column("only_beside", sa.BigInteger, nullable=False),
)

contract = Table(
    "contract",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("entry", String(64), primary_key=True),
    Column("item", Text, primary_key=True),
)

contract_source = Table(
    "contract_source",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("entry", String(64), primary_key=True),
    Column("source", Text, nullable=False, comment="an address, a file, or a database's name"),
    Column("trouble", Text, nullable=False, comment="why it could not be read the last time; empty where it could"),
    Column("at", Double, nullable=False),
)

coverage = Table(
    "coverage",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("item", Text, primary_key=True),
    Column("first_at", Double, nullable=False),
    Column("example", String(64), nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("old_digest", LargeBinary(32), primary_key=True),
    Column("new_digest", LargeBinary(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False, comment="both ids"),
    Column("operation", String(128), nullable=False),
    Column("exchange", String(64), nullable=False),
    Column("at", Double, nullable=False),
    Index("ix_identities_new", "name", "new_digest", unique=True),
)

key_sketch = Table(
    "key_sketch",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("smallest", LargeBinary, nullable=False, comment="the smallest hashes of keys, joined, in order"),
    Column("last_at", Double, nullable=False),
)

minutes = Table(
    "minutes",
    metadata,
    Column("operation", String(128), primary_key=True),
    Column(
        "slot", sa.BigInteger, primary_key=True, autoincrement=False, comment="seconds since the epoch, cut to slots"
    ),
    Column("measure", String(32), primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False, comment="of a latency histogram; 0 for counts"),
    Column("count", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

row_runs = Table(
    "row_runs",
    metadata,
    Column("run", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("at", Double, nullable=False),
    Column("result", Text, nullable=False, comment="JSON: counts and settings; no values of rows"),
    Index(None, "name", "at"),
)
