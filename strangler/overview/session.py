"""One programme as a command or a page sees it: the plan, the state folder, the stores."""

import json
import os
import time
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import cast

from strangler.cutover import Cutover
from strangler.errors import UsageError
from strangler.holds import read_hold
from strangler.journal import Journal
from strangler.ledger import Ledger
from strangler.plan import LoadedPlan, load_plan
from strangler.plan.models import Plan
from strangler.review import Review
from strangler.state import StateFolder


@dataclass(frozen=True)
class Session:
    """One command's view of the migration; stores are opened when first used."""

    plan_path: Path
    state: StateFolder
    _opened: dict[str, Journal | Ledger] = field(default_factory=dict)

    @cached_property
    def loaded(self) -> LoadedPlan:
        """The plan, with variables from the environment over those that a running ``up`` wrote down."""
        return load_plan(self.plan_path, environment(self.state))

    @property
    def plan(self) -> Plan:
        """The plan's content."""
        return self.loaded.plan

    @property
    def journal(self) -> Journal:
        """The journal, created where there is none."""
        if "journal" not in self._opened:
            self._opened["journal"] = Journal.open(self.state.journal_url, key=self.state.journal_key())
        return cast("Journal", self._opened["journal"])

    @property
    def ledger(self) -> Ledger:
        """The ledger, created where there is none."""
        if "ledger" not in self._opened:
            self._opened["ledger"] = Ledger.open(self.state.ledger_url)
        return cast("Ledger", self._opened["ledger"])

    @cached_property
    def cutover(self) -> Cutover:
        """The only way to change a rollout."""
        return Cutover(self.plan, self.journal, self.ledger, self.state, time.time)

    @cached_property
    def review(self) -> Review:
        """Where findings are accepted, rejected and opened again."""
        return Review(self.plan, self.ledger, time.time)

    def renewed(self) -> "Session":
        """The same stores under the plan as it is written now.

        Raises:
            PlanError: it cannot be loaded any more.
        """
        other = Session(self.plan_path, self.state, self._opened)
        _ = other.loaded
        return other

    def close(self) -> None:
        """Close the stores that were opened, by this one or by one renewed from it."""
        while self._opened:
            self._opened.popitem()[1].close()

    def operation(self, name: str) -> str:
        """The name, checked against the plan.

        Raises:
            UsageError: there is no such operation; the message names the nearest.
        """
        if name in self.plan.operations:
            return name
        near = get_close_matches(name, self.plan.operations, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"there is no operation {name!r} in {self.plan_path}{hint}")


def open_session(plan: Path, state: Path | None) -> Session:
    """A session for these options. Nothing is read yet."""
    return Session(plan, state_folder(plan, state))


def state_folder(plan: Path, state: Path | None) -> StateFolder:
    """The state folder: the given one, or ``.strangler`` beside the plan."""
    return StateFolder(state or plan.resolve().parent / ".strangler")


def environment(state: StateFolder) -> dict[str, str]:
    """The process's environment over the variables that a running ``up`` wrote down.

    Raises:
        UsageError: what it wrote down cannot be read.
    """
    written: dict[str, str] = {}
    if state.environment_file.exists():
        try:
            written = json.loads(state.environment_file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UsageError(f"{state.environment_file} is damaged ({error}): remove it, or run up again") from error
    return {**written, **os.environ}


def held_operations(session: Session) -> list[str]:
    """The operations that the kill switch holds; ``*`` is all of them."""
    hold = read_hold(session.state.hold_file)
    return sorted(hold.operations) if hold else []
