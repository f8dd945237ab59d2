"""What the care plan service stores."""

from sqlalchemy import JSON, Boolean, Column, Date, Integer, MetaData, String, Table

METADATA = MetaData()

CARE_PLAN = Table(
    "care_plan",
    METADATA,
    Column("nhs_number", String(10), primary_key=True),
    Column("opened_on", Date, nullable=False),
    Column("weekly_centihours", Integer, nullable=False),
    Column("dependency", Integer, nullable=False),
    Column("lives_alone", Boolean, nullable=False),
    Column("note", String(200)),
    Column("contacts", JSON, nullable=False),
    Column("reviews", JSON, nullable=False),
)
"""Contacts and reviews are read and replaced with their plan, never alone: they are stored inside it."""
