"""The six chapters. Each acts through the same doors as a migration team: supervisor, proxy, cutover, ledger."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.elderly_care.story.cast import APPROVERS, OLD_IS_WRONG, OPERATION, OPERATOR, TESTER
from examples.elderly_care.story.figures import Figures, count, sides_by_key
from examples.elderly_care.story.processes import estate, release, seed
from examples.elderly_care.story.truth import Defect, explained, load_defects
from examples.elderly_care.story.voice import Voice
from examples.elderly_care.traffic import MIX, TrafficReport, drive
from parity_checks.mask import mask_at
from parity_checks.report import write_html, write_json, write_junit
from strangler.cli.builds import current_builds
from strangler.cli.parity import make_report
from strangler.cli.supervisor import Supervisor
from strangler.cli.up import own_processes
from strangler.errors import Refused, StranglerError
from strangler.evidence import Builds, Verdict
from strangler.journal import Finding
from strangler.ledger import EntryKind
from strangler.overview import Session, open_session, parse_rollout
from strangler.plan.rule_paths import parse_path
from strangler.stages import Side, path_of

PLAN = Path(__file__).parents[1] / "migration.yaml"
ONE = {OPERATION: 1.0}
"""Callers who ask for nothing else."""

_SETTLED_WITHIN_S = 90.0
_JOURNALED_WITHIN_S = 0.5


@dataclass
class Story:
    """One telling: where it happens, who tells it, and what is running."""

    home: Path
    voice: Voice
    defects: tuple[Defect, ...] = field(default_factory=load_defects)

    def __post_init__(self) -> None:
        """Open the state folder and describe the processes; nothing runs yet."""
        self.session: Session = open_session(PLAN, self.home / "state")
        state = self.session.state
        local = estate()
        ours = own_processes(PLAN, state, after=[spec.name for spec in local])
        self.began = time.time()
        self.log = (self.home / "processes.log").open("w", encoding="utf-8")
        self.supervisor = Supervisor([*local, *ours], state=state.path, environment=dict(os.environ), log=self._log)

    async def tell(self) -> Figures:
        """All six chapters, then the figures. Everything that was started is stopped, whatever happens."""
        try:
            await self._start()
            await self._shadow()
            await self._mend()
            await self._cut_over()
            await self._fail()
        finally:
            await self.supervisor.stop()
            self.log.close()
        return self._verify()

    async def _start(self) -> None:
        self.voice.chapter(1, "Three departments, three old systems, and a proxy in front of them")
        await self.supervisor.start()
        self.voice.say(f"{len(self.supervisor.status())} processes are up; callers talk to {self._proxy()}")
        report = await self._drive("callers, every operation off", requests=400)
        self.voice.say(f"{report.requests} requests answered by the old systems, {report.failed} failed")

    async def _shadow(self) -> None:
        self.voice.chapter(2, "Shadow: old answers, new is asked, release 1 is found out")
        for operation, entry in self.session.plan.operations.items():
            for stage in path_of(entry.effect)[1:]:
                await self._move(operation, stage.value, "gather evidence")
                if stage.value == "shadow":
                    break
        await self._seed("release 1")
        await self._drive("callers of all departments", requests=2500)
        await self._drive("every citizen's entitlement once", requests=2000, start=1000, mix=ONE)
        await self._until_compared()
        self._accept_what_old_gets_wrong()
        self._show_findings()
        self.voice.say(f"{OPERATOR} asks to move {OPERATION}:")
        try:
            await self._move(OPERATION, "{shadow: 90, live: 10}", "as planned")
        except Refused:
            self.voice.verdicts(self._verdicts("{shadow: 90, live: 10}"))
            self.voice.say("[bold]refused[/], and the refusal is in the ledger")

    async def _mend(self) -> None:
        self.voice.chapter(3, "Release 2: old evidence is stale, new evidence is gathered")
        for spec in release(2):
            await self.supervisor.replace(spec.name, spec)
        self.voice.verdicts(self._verdicts("{shadow: 90, live: 10}"))
        await self._seed("release 2")
        await self._drive("callers of all departments", seed=3, requests=1500)
        await self._drive("every citizen's entitlement once", seed=3, requests=2200, start=1000, mix=ONE)
        await self._until_compared()
        self.voice.say("a load run, old and new side by side:")
        await self._load()
        self._approve("{shadow: 90, live: 10}")
        self.voice.verdicts(self._verdicts("{shadow: 90, live: 10}"))

    async def _cut_over(self) -> None:
        self.voice.chapter(4, "Cutover: one citizen in ten, always the same ones, then all")
        await self._move(OPERATION, "{shadow: 90, live: 10}", "evidence passed")
        rounds = []
        for title in ("callers, one in ten on new", "the same callers once more"):
            began = time.time()
            await self._drive(title, seed=4, requests=400, mix=ONE)
            await asyncio.sleep(_JOURNALED_WITHIN_S)
            rounds.append(sides_by_key(self.session.journal.requests(OPERATION, limit=10_000, since=began)))
        first, second = rounds
        on_new = {key for key, sides in first.items() if sides == {Side.NEW}}
        moved = sum(second.get(key, sides) != sides for key, sides in first.items())
        self.voice.say(f"{len(on_new)} of {len(first)} citizens heard new; in the second round {moved} changed sides")
        await self._until_compared()
        self._approve("live")
        await self._move(OPERATION, "live", "evidence passed")
        await self._drive("the same callers, all on new", seed=4, requests=400, mix=ONE)

    async def _fail(self) -> None:
        self.voice.chapter(5, "The new service fails, and the rollout goes back by itself")
        self.session.ledger.append(
            EntryKind.REHEARSAL, OPERATOR, {"operation": OPERATION, "why": "stop its service"}, now=time.time()
        )
        await self.supervisor.stop_process("entitlement")
        stop = asyncio.Event()
        driving = asyncio.create_task(self._drive("callers", seed=5, requests=4000, mix=ONE, stop=stop))
        went_back = await self._until(self._was_rolled_back, 30.0)
        await asyncio.sleep(1.0)
        stop.set()
        report = await driving
        now = self.session.cutover.rollouts()[OPERATION]
        told = f"{OPERATION} is back at {now}" if went_back else "[red]it did not go back[/]"
        self.voice.say(f"{told}; callers saw {report.failed} failures, and the plan allows {self._allowed()}")
        await self.supervisor.start_process("entitlement")
        await self._until_compared()

    def _verify(self) -> Figures:
        self.voice.chapter(6, "What can be proved afterwards")
        session = self.session
        allowed = self._allowed()
        figures = count(
            session.journal, session.ledger, self.defects, OPERATION, allowed, began=self.began, now=time.time()
        )
        report = make_report(session)
        write_html(report, self.home / "parity.html")
        write_json(report, self.home / "parity.json")
        write_junit(report, self.home / "parity.xml")
        session.ledger.export(self.home / "ledger.jsonl")
        self.voice.say(
            f"the ledger's {len(session.ledger.entries())} entries verify; every figure is from it or the journal"
        )
        return figures

    async def _drive(
        self,
        title: str,
        *,
        requests: int,
        seed: int = 1,
        start: int = 0,
        mix: Mapping[str, float] = MIX,
        stop: asyncio.Event | None = None,
    ) -> TrafficReport:
        with self.voice.progress(title, requests) as bar:
            return await drive(
                self._proxy(),
                seed=seed,
                start=start,
                mix=mix,
                requests=requests,
                concurrency=8,
                on_progress=bar.at,
                stop=stop,
            )

    async def _seed(self, title: str) -> None:
        with self.voice.progress(f"fill the new services of {title} from the old systems", 1) as bar:
            await self.supervisor.run_once(seed())
            bar.at(1)

    async def _move(self, operation: str, to: str, why: str) -> None:
        rollout = parse_rollout(self.session, operation, to)
        builds = await asyncio.to_thread(current_builds, self.session.plan, operation)
        await asyncio.to_thread(self.session.cutover.move, operation, rollout, OPERATOR, why, builds)
        if operation == OPERATION:
            self.voice.say(f"{operation} → {rollout}")

    async def _load(self) -> None:
        """The load run is a command of its own: locust patches the process it lives in."""
        command = ("-m", "strangler", "load", "run", OPERATION, "--json", "--plan", str(PLAN), "--state")
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, str(self.session.state.path), stdout=self.log, stderr=self.log
        )
        if await process.wait() != 0:
            raise StranglerError(f"the load run ended with {process.returncode}; see {self.log.name}")

    async def _until_compared(self) -> None:
        depth = self.session.journal.depth
        total = depth()
        with self.voice.progress("ask, compare", total) as bar:

            def is_done() -> bool:
                left = depth()
                bar.at(total - left)
                return left == 0

            if not await self._until(is_done, _SETTLED_WITHIN_S):
                raise StranglerError(f"{depth()} exchanges were not compared within {_SETTLED_WITHIN_S:.0f} s")

    async def _until(self, is_so: Callable[[], bool], within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while not await asyncio.to_thread(is_so):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.2)
        return True

    def _was_rolled_back(self) -> bool:
        return any(entry.kind is EntryKind.ROLLBACK for entry in self.session.ledger.entries())

    def _accept_what_old_gets_wrong(self) -> None:
        for finding in self.session.journal.findings(OLD_IS_WRONG.operation):
            if finding.general_path == OLD_IS_WRONG.path:
                self.session.review.accept(
                    finding.signature,
                    operation=finding.operation,
                    verdict="old_is_wrong",
                    owner=OLD_IS_WRONG.owner,
                    why=OLD_IS_WRONG.why,
                    until=(datetime.now(UTC) + timedelta(days=90)).date().isoformat(),
                    max_rate=OLD_IS_WRONG.max_rate,
                    who=TESTER,
                )
                self.voice.say(f"old is wrong about {finding.general_path}: accepted by {TESTER} for 90 days")

    def _show_findings(self) -> None:
        found = self.session.journal.findings()
        self.voice.say(f"{len(found)} findings; values are masked, but for those the plan says are not personal:")
        self.voice.findings(self._finding_row(finding) for finding in found)

    def _finding_row(self, finding: Finding) -> tuple[str, ...]:
        show = [parse_path(path) for path in self.session.plan.operations[finding.operation].compare.show]
        old, new = (mask_at(value, finding.general_path, show) for value in (finding.old, finding.new))
        label = explained(self.defects, finding) or (
            "old is wrong" if finding.general_path == OLD_IS_WRONG.path else "?"
        )
        where = finding.general_path.replace("/Envelope/Body/", "").partition("Response/")
        cells = ("(nothing)" if value is None else value[:20] for value in (old, new))
        return (label, str(finding.count), f"{finding.operation} {where[2] or where[0]}", finding.kind.value, *cells)

    def _verdicts(self, to: str) -> tuple[Verdict, ...]:
        rollout = parse_rollout(self.session, OPERATION, to)
        return self.session.cutover.verdicts(OPERATION, rollout, OPERATOR, self._builds())

    def _approve(self, to: str) -> None:
        rollout = parse_rollout(self.session, OPERATION, to)
        for who in APPROVERS:
            self.session.cutover.approve(OPERATION, rollout, who, "looked at the report", self._builds())
        self.voice.say(f"{' and '.join(APPROVERS)} approve {rollout}")

    def _builds(self) -> Builds | None:
        return current_builds(self.session.plan, OPERATION)

    def _allowed(self) -> int:
        rollback = self.session.plan.operations[OPERATION].rollback
        return rollback.failed_at_most if rollback else 0

    def _proxy(self) -> str:
        return self.supervisor.environment["PROXY_URL"]

    def _log(self, name: str, line: str) -> None:
        self.log.write(f"{name:<14} | {line}\n")


async def tell(home: Path, voice: Voice) -> Figures:
    """Tell the whole story in this folder; returns what it was judged by.

    Raises:
        StranglerError: something of the story could not happen; the message says what, and where the log is.
    """
    return await Story(home, voice).tell()
