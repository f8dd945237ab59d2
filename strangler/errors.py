"""The errors that stop work, and whose fault each one is.

::

    StranglerError
    ├── PlanError          the plan is wrong: file, line, key, and what to write instead     exit 2
    ├── UsageError         the command or the argument is wrong                              exit 2
    ├── Refused            a rule of ours says no: a gate, a lock, four eyes                 exit 1
    ├── SystemUnreachable  a system outside of us did not answer                             exit 4
    ├── StoreError         the journal or the ledger cannot be read or written               exit 4
    └── LedgerBroken       the chain does not verify: somebody or something changed it       exit 1

Expected disagreement between the two sides is data (``Difference``), never an exception.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class StranglerError(Exception):
    """The root: everything that stops our work. ``exit_code`` is what the command line returns for it."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a plan, with the way out.

    ``line`` counts from 1; 0 where the problem has no line (a missing file). ``key`` is the dotted path of the entry,
    such as ``operations.pensions.get-entitlement.effect``. ``code`` is a stable slug, such as ``unknown-field``.
    """

    code: str
    file: str
    line: int
    key: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        tail = f"\n    {self.fix}" if self.fix else ""
        return f"{where}: {self.key}: {self.message} [{self.code}]{tail}"


class PlanError(StranglerError):
    """The plan cannot be loaded. ``problems`` names every reason, not only the first."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageError(StranglerError):
    """The caller asked for something that does not exist or does not fit."""

    exit_code = 2


class Refused(StranglerError):
    """A rule says no. ``reasons`` are complete sentences, one for each rule that refused."""

    exit_code = 1

    def __init__(self, message: str, reasons: Sequence[str] = ()) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join([message, *(f"  - {reason}" for reason in self.reasons)]))


class SystemUnreachable(StranglerError):
    """A system outside of us could not be reached or did not answer in time; ``system`` is its name in the plan."""

    exit_code = 4

    def __init__(self, system: str, message: str) -> None:
        self.system = system
        super().__init__(f"{system}: {message}")


class StoreError(StranglerError):
    """The journal or the ledger cannot be opened, read or written."""

    exit_code = 4


class LedgerBroken(StranglerError):
    """The ledger's chain does not verify. ``seq`` is the first entry that is wrong."""

    exit_code = 1

    def __init__(self, seq: int, message: str) -> None:
        self.seq = seq
        super().__init__(f"ledger entry {seq}: {message}")
