"""The journal as an engine holds it: opened by the writer's own thread, and tried again until it opens.

An engine answers whether or not there is a journal. Exchanges wait meanwhile, and what has no room is counted.
"""

import threading
from collections.abc import Sequence

from strangler.errors import StoreError
from strangler.exchange import Exchange
from strangler.journal import Journal, Loss
from strangler.state import StateFolder


class LateJournal:
    """``JournalWriter`` over a journal that may not be there yet. Opening may block: never call it on the event loop.

    Args:
        state: where the journal is, and its key.
    """

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._journal: Journal | None = None
        self._lock = threading.Lock()

    def opened(self) -> Journal:
        """The open journal.

        Raises:
            StoreError: it cannot be opened now. Call again later.
        """
        with self._lock:
            if self._journal is None:
                self._journal = self._open()
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
