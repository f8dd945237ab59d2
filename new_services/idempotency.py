"""Idempotency keys: a write that is sent twice is done once, and answered twice the same.

The key is stored with the answer in the same transaction as the write itself, so neither can exist without the other.
The rules are those of the IETF draft "The Idempotency-Key HTTP Header Field": the same key with the same request gets
the stored answer, the same key with another request gets 422. A write that was refused changed nothing, so its key is
not kept and it may be tried again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from new_services.database import Database
from new_services.problems import Problem

HEADER = "Idempotency-Key"
KEPT_DAYS = 30
"""How long a key is remembered."""
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer as it is kept: the status and the body's bytes."""

    status: int
    body: bytes


_KEYS = Table(
    "idempotency_key",
    MetaData(),
    Column("key", String(LONGEST_KEY), primary_key=True),
    Column("request", LargeBinary(16), nullable=False),
    Column("status", Integer),
    Column("body", LargeBinary),
    Column("at", Float, nullable=False, index=True),
)


def prepare(database: Database, now: float) -> None:
    """Make the table of keys beside the service's own tables, and forget the keys that are too old."""
    with database.writing() as connection:
        _KEYS.create(connection, checkfirst=True)
        connection.execute(delete(_KEYS).where(_KEYS.c.at < now - KEPT_DAYS * 86400))


def request_digest(method: str, path: str, body: bytes) -> bytes:
    """What makes two requests the same request (16 bytes)."""
    state = blake2b(digest_size=16)
    for part in (method.encode(), path.encode(), body):
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.digest()


def write_once(
    database: Database, key: str, request: bytes, now: float, write: Callable[[Connection], Stored]
) -> Stored:
    """Do ``write`` in a transaction unless this key has been used; answer what it answered the first time.

    Of two requests with one key at the same moment, the database lets one insert the key; the other waits for the
    first one's transaction, finds the key taken and answers from it.

    Raises:
        Problem: the key is too long (400), or was used for another request (422).
    """
    if not 0 < len(key) <= LONGEST_KEY:
        raise Problem(400, "idempotency-key-length", f"{HEADER} must have 1 to {LONGEST_KEY} characters")
    try:
        with database.writing() as connection:
            connection.execute(insert(_KEYS).values(key=key, request=request, at=now))
            answer = write(connection)
            connection.execute(update(_KEYS).where(_KEYS.c.key == key).values(status=answer.status, body=answer.body))
            return answer
    except IntegrityError:
        earlier = _find(database, key, request)
        if earlier is None:
            raise  # not our key: the write itself broke a rule of its tables
        return earlier


def _find(database: Database, key: str, request: bytes) -> Stored | None:
    with database.reading() as connection:
        row = connection.execute(
            select(_KEYS.c.request, _KEYS.c.status, _KEYS.c.body).where(_KEYS.c.key == key)
        ).first()
    if row is None:
        return None
    if row.request != request:
        raise Problem(422, "idempotency-key-reused", f"this {HEADER} was used for another request")
    return Stored(row.status, row.body)
