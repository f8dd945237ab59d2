"""When to stop asking a system that keeps failing. Pure: time comes in as an argument.

=========  ===================================  =========================================
state      a request                            becomes
=========  ===================================  =========================================
closed     goes through                         open after ``failures`` failures in a row
open       is refused                           half open after ``rest_s`` seconds
half open  one goes through, others are refused closed if it succeeds, open if it fails
=========  ===================================  =========================================

Source: M. Nygard, "Release It!", 2nd edition, "Circuit Breaker".
"""

from enum import StrEnum


class State(StrEnum):
    """What the breaker does with the next request."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """One system's breaker. Not thread-safe: the gateway uses it from its event loop only."""

    def __init__(self, failures: int = 5, rest_s: float = 2.0) -> None:
        self._limit, self._rest_s = failures, rest_s
        self._failures = 0
        self._opened_at: float | None = None
        self._trial_at: float | None = None

    def state(self, now: float) -> State:
        """The state at ``now`` (seconds of any clock that only goes forward)."""
        if self._opened_at is None:
            return State.CLOSED
        return State.HALF_OPEN if now - self._opened_at >= self._rest_s else State.OPEN

    def allows(self, now: float) -> bool:
        """Whether a request may go through now. In half open the first one that asks is the trial.

        A trial that never reports back (its caller went away) is forgotten after another ``rest_s``.
        """
        match self.state(now):
            case State.CLOSED:
                return True
            case State.OPEN:
                return False
            case State.HALF_OPEN:
                if self._trial_at is not None and now - self._trial_at < self._rest_s:
                    return False
                self._trial_at = now
                return True

    def succeeded(self) -> None:
        """An answer came, whatever it says: the system is there."""
        self._failures, self._opened_at, self._trial_at = 0, None, None

    def failed(self, now: float) -> None:
        """No answer came."""
        self._failures += 1
        if self._opened_at is not None or self._failures >= self._limit:
            self._opened_at, self._trial_at = now, None
