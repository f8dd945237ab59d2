"""What the assessment service stores."""

from sqlalchemy import JSON, Column, Float, ForeignKey, MetaData, String, Table

METADATA = MetaData()

CLIENT = Table(
    "client",
    METADATA,
    Column("nino", String(9), primary_key=True),
    Column("assessment", JSON(none_as_null=True)),
)

REQUEST = Table(
    "assessment_request",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("nino", String(9), ForeignKey("client.nino"), nullable=False),
    Column("reason", String(1_000), nullable=False),
    Column("at", Float, nullable=False),
)
