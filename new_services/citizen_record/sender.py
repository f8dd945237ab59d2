"""The sender: asks the notifications service for what waits in the outbox, beside the requests, until told to stop."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from new_services.citizen_record import outbox
from new_services.citizen_record.notices import Notice
from new_services.database import Database
from new_services.notifications import keys

BATCH: Final = 20
"""Most notices read at once."""
EVERY_S: Final = 0.25
"""How often the outbox is looked into."""
TIMEOUT_S: Final = 5.0
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 300.0
GIVE_UP_AFTER_S: Final = 3 * 86_400.0
"""A letter about a change of address is of no use after three days of trying."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the notifications service said to one notice. ``status`` is ``None`` where nothing came back."""

    status: int | None
    why: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether asking the same again is of no use."""
        return self.status is not None and 400 <= self.status < 500 and self.status not in {401, 403, 408, 429}


class Sender:
    """Sends what is due. Asking twice does no harm: the service knows a reference again.

    Args:
        database: where the outbox is.
        url: of the notifications service.
        key_file: where its API key is; read again for each batch, as keys are changed.
        session: a client without a time limit of its own.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        url: str,
        key_file: Path,
        session: aiohttp.ClientSession,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._url = url.rstrip("/")
        self._key_file = key_file
        self._session = session
        self._clock = clock

    async def run(self) -> None:
        """Send until cancelled. A fault is logged and does not end it."""
        while True:
            try:
                await self.send_due()
            except (SQLAlchemyError, OSError, ValueError) as error:
                _log.warning("notices wait: %s", type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def send_due(self) -> int:
        """Send one batch; how many were sent. Stops at the first that nothing came back to: the others would wait too.

        Raises:
            SQLAlchemyError: the outbox cannot be read or written.
            OSError: the API key cannot be read.
            ValueError: there is no API key in its file.
        """
        rows = await asyncio.to_thread(self._due)
        if not rows:
            return 0
        key = await asyncio.to_thread(keys.read, self._key_file)
        done = 0
        for row in rows:
            told = await self._ask(outbox.notice_of(row), key)
            await asyncio.to_thread(self._settle, row, told)
            done += told.status == 201
            if told.status is None:
                break
        return done

    def _due(self) -> list[Row[Any]]:
        with self._database.reading() as connection:
            return outbox.due(connection, self._clock(), BATCH)

    async def _ask(self, notice: Notice, key: str) -> _Told:
        url = f"{self._url}/v2/notifications/{notice.kind}"
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._session.post(url, json=dict(notice.body), headers={"authorization": f"Bearer {key}"}) as answer,
            ):
                return _Told(answer.status, "" if answer.status == 201 else f"status {answer.status}")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return _Told(None, type(error).__name__)

    def _settle(self, row: Row[Any], told: _Told) -> None:
        now = self._clock()
        with self._database.writing() as connection:
            if told.status == 201:
                outbox.sent(connection, row.reference)
            elif told.is_refused or now - row.made_at > GIVE_UP_AFTER_S:
                _log.error("notice %s is given up: %s", row.reference, told.why)
                outbox.give_up(connection, row.reference, told.why)
            else:
                wait_s = min(FIRST_WAIT_S * 2 ** min(row.tries, 20), LONGEST_WAIT_S)
                outbox.put_off(connection, row.reference, now + wait_s, told.why)


@asynccontextmanager
async def sending(database: Database, url: str, key_file: Path) -> AsyncIterator[None]:
    """Send while the context lasts; it owns the one task. What was not sent then waits for the next start."""
    with database.writing() as connection:
        outbox.forget(connection, time.time())
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        task = asyncio.create_task(Sender(database, url, key_file, session).run(), name="notices")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
