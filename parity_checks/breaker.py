"""When not to ask something that does not answer: a system, or a custom rule. Pure: time comes in as an argument."""

from dataclasses import dataclass, field
from typing import Final

FAILURES_TO_OPEN: Final = 5
"""Consecutive failures after which a system is left alone."""

FIRST_REST_S: Final = 0.5
LONGEST_REST_S: Final = 10.0


@dataclass(slots=True)
class Breaker:
    """One system's breaker: closed, open for a rest that doubles, half-open for one probe at a time."""

    failures: int = 0
    rest_s: float = FIRST_REST_S
    open_until: float | None = None
    is_probing: bool = field(default=False)

    def may_ask(self, now: float) -> bool:
        """Whether the system may be asked now. After the rest exactly one caller may, as a probe."""
        if self.open_until is None:
            return True
        if now < self.open_until or self.is_probing:
            return False
        self.is_probing = True
        return True

    def succeeded(self) -> None:
        """It answered, whatever it said: closed."""
        self.failures = 0
        self.rest_s = FIRST_REST_S
        self.open_until = None
        self.is_probing = False

    def failed(self, now: float) -> None:
        """It gave no answer."""
        self.failures += 1
        if self.is_probing:
            self.is_probing = False
            self.rest_s = min(self.rest_s * 2, LONGEST_REST_S)
            self.open_until = now + self.rest_s
        elif self.failures >= FAILURES_TO_OPEN and self.open_until is None:
            self.open_until = now + self.rest_s

    def forgot(self) -> None:
        """The probe was given up before it told anything."""
        self.is_probing = False
