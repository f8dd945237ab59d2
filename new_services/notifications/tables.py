"""What the notifications service stores."""

from sqlalchemy import JSON, Column, Float, Integer, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData()

NOTIFICATION = Table(
    "notification",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("reference", String(1_000), unique=True),
    Column("request", LargeBinary(16), nullable=False),
    Column("kind", String(6), nullable=False),
    Column("email_address", String(320)),
    Column("phone_number", String(40)),
    Column("lines", JSON),
    Column("template_id", String(36), nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    Column("created_at", Float, nullable=False, index=True),
)
