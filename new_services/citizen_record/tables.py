"""What the citizen record stores."""

from sqlalchemy import JSON, Boolean, Column, Date, Float, ForeignKey, Index, Integer, MetaData, String, Table

METADATA = MetaData()

CITIZEN = Table(
    "citizen",
    METADATA,
    Column("nino", String(9), primary_key=True),
    Column("nhs_number", String(10), unique=True),
    Column("name", String(200), nullable=False),
    Column("given_name", String(100)),
    Column("family_name", String(100)),
    Column("date_of_birth", Date, nullable=False),
    Column("is_deceased", Boolean, nullable=False),
    Column("date_of_death", Date),
    Column("death_reference", String(36)),
    Column("gp_code", String(20)),
    Column("address", JSON, nullable=False),
    Column("telephone", String(40)),
    Column("email", String(254)),
)

HELD_ADDRESS = Table(
    "held_address",
    METADATA,
    Column("nino", String(9), ForeignKey("citizen.nino", ondelete="CASCADE"), primary_key=True),
    Column("department", String(20), primary_key=True),
    Column("address", JSON, nullable=False),
)
"""A department's own copy of the address, kept until that department's operations are complete."""

NOTICE = Table(
    "notice",
    METADATA,
    Column("reference", String(50), primary_key=True),
    Column("kind", String(6), nullable=False),
    Column("body", JSON(none_as_null=True)),
    Column("state", String(8), nullable=False),
    Column("made_at", Float, nullable=False),
    Column("next_try_at", Float, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("why", String(100)),
    Index("notice_due", "state", "next_try_at"),
)
"""Notifications to be asked for: see ``outbox``."""
