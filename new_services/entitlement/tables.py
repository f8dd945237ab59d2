"""What the entitlement service stores."""

from sqlalchemy import Column, Date, Integer, MetaData, String, Table

METADATA = MetaData()

ENTITLEMENT = Table(
    "entitlement",
    METADATA,
    Column("nino", String(9), primary_key=True),
    Column("status", String(9), nullable=False),
    Column("weekly_amount_pence", Integer, nullable=False),
    Column("spouse_died", Date),
    Column("additional_amount_pence", Integer),
    Column("next_review", Date),
    Column("ended_on", Date),
)
