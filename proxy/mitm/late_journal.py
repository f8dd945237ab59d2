"""The journal as an engine holds it: opened by the writer's own thread, and tried again until it opens.

An engine answers whether or not there is a journal. Exchanges wait meanwhile, and what has no room is counted.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from strangler.errors import StoreError
from strangler.exchange import Exchange
from strangler.journal import Journal, Loss
from strangler.state import StateFolder

log = logging.getLogger(__name__)


class LateJournal:
    """``JournalWriter`` over a journal that may not be there yet. Opening may block: never call it on the event loop.

    Args:
        state: where the journal is, and its key.
        on_opened: called once with the open journal, before anything is written; what it raises is logged only.
    """

    def __init__(self, state: StateFolder, on_opened: Callable[[Journal], None] = lambda _journal: None) -> None:
        self._state = state
        self._on_opened = on_opened
        self._journal: Journal | None = None
        self._lock = threading.Lock()

    def opened(self) -> Journal:
        """The open journal.

        Raises:
            StoreError: it cannot be opened now. Call again later.
        """
        with self._lock:
            if self._journal is None:
                journal = self._open()
                try:
                    self._on_opened(journal)
                except Exception:
                    log.exception("what earlier engines left could not be counted yet; the next engine tries again")
                self._journal = journal
            return self._journal

    def append(self, exchanges: Sequence[Exchange]) -> None:
        """Store exchanges, all or none.

        Raises:
            StoreError: the journal cannot be opened or written.
        """
        self.opened().append(exchanges)

    def record_losses(self, losses: list[Loss]) -> None:
        """Count losses.

        Raises:
            StoreError: the journal cannot be opened or written.
        """
        self.opened().record_losses(losses)

    def close(self) -> None:
        """Close it, if it was ever open."""
        if self._lock.acquire(timeout=1.0):  # a database that hangs while it is opened keeps the lock
            try:
                if self._journal is not None:
                    self._journal.close()
                    self._journal = None
            finally:
                self._lock.release()

    def _open(self) -> Journal:
        try:
            return Journal.open(self._state.journal_url, key=self._state.journal_key())
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(f"the journal cannot be opened: {error}") from error
