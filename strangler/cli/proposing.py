"""How a proposed move is shown: its gates, who it reaches, and the way back."""

from typing import Any

from rich.markup import escape
from rich.table import Table as RichTable

from strangler.cli.session import console
from strangler.cutover import Proposal
from strangler.evidence import Result

_COLOURS = {Result.PASS: "green", Result.HOLD: "red", Result.NO_DATA: "yellow", Result.STALE: "magenta"}


def exit_code(proposal: Proposal) -> int:
    """0 where it may move, 3 where there is only no data or stale evidence, 1 where anything else holds it."""
    if proposal.allowed:
        return 0
    results = [verdict.result for verdict in proposal.verdicts if verdict.result is not Result.PASS]
    is_for_lack_of_evidence = Result.HOLD not in results and len(proposal.reasons) == len(results)
    return 3 if is_for_lack_of_evidence else 1


def proposal_document(operation: str, proposal: Proposal) -> dict[str, object]:
    """A proposal as plain data."""
    return {
        "operation": operation,
        "from": proposal.before.as_dict(),
        "to": proposal.after.as_dict(),
        "allowed": proposal.allowed,
        "reasons": proposal.reasons,
        "gates": [
            {
                "gate": verdict.gate,
                "result": verdict.result,
                "value": verdict.value,
                "threshold": verdict.threshold,
                "reasons": verdict.reasons,
                "remedy": verdict.remedy,
            }
            for verdict in proposal.verdicts
        ],
    }


def show_proposal(operation: str, proposal: Proposal) -> None:
    """Print what every gate says, and what else stands against the move."""
    console.print(f"[bold]{operation}[/]: {proposal.before} → {proposal.after}")
    if not proposal.verdicts:
        console.print("  no gate stands before this move: callers go on hearing the side they hear now")
        _show_other_reasons(proposal)
        return
    table = RichTable(box=None, pad_edge=False)
    for heading in ("gate", "result", "value", "threshold", "reasons"):
        table.add_column(heading, overflow="fold")
    for verdict in proposal.verdicts:
        colour = _COLOURS[verdict.result]
        reasons = "\n".join([*verdict.reasons, *([f"→ {verdict.remedy}"] if verdict.remedy else [])])
        said = f"[{colour}]{verdict.result}[/]"
        table.add_row(verdict.gate, said, escape(verdict.value), escape(verdict.threshold), escape(reasons))
    console.print(table)
    _show_other_reasons(proposal)


def _show_other_reasons(proposal: Proposal) -> None:
    """What stands against the move beside the gates."""
    gates = tuple(f"{verdict.gate}: " for verdict in proposal.verdicts)
    for reason in proposal.reasons:
        if not reason.startswith(gates):
            console.print(f"  [red]but[/] {escape(reason)}")


def show_blast(blast: dict[str, Any]) -> None:
    """Print who a move reaches and the way back."""
    console.print("  [bold]reaches[/]")
    for line in blast_lines(blast):
        console.print(f"    {line}", markup=False, soft_wrap=True)
    console.print(f"  [bold]way back[/]  {escape(blast['way_back'])}", soft_wrap=True)


def blast_lines(blast: dict[str, Any]) -> list[str]:
    """What ``blast_document`` tells, as sentences."""
    sides = [
        f"{blast[name]:g} % of all keys answered by {side} from then on"
        for name, side in (("to_new_percent", "new"), ("to_old_percent", "old"))
        if blast[name]
    ]
    lines = [", ".join(sides) or "no key is answered by another side than before"]
    if blast["stage_changes_percent"] and not sides:
        lines[0] += f"; {blast['stage_changes_percent']:g} % of all keys change their stage"
    if not blast["requests_seen"]:
        lines.append("keys and requests: nothing was journaled in the last 24 h")
    else:
        seen = f"in the last {_hours(blast['looked_at_h'])}"
        capped = ", the newest that are counted" if blast["is_capped"] else ""
        lines.append(f"about {blast['keys_moved_about']:,} of {blast['keys_seen']:,} keys seen {seen}{capped}")
        moved, all_of_them = blast["requests_moved_per_hour_about"], blast["requests_per_hour"]
        lines.append(f"about {moved:,} of {all_of_them:,} requests an hour")
    if blast["requests_without_key"]:
        lines.append(f"{blast['requests_without_key']:,} requests had no key: old goes on answering such")
    lines.append(f"departments: {', '.join(blast['departments'])} (systems {', '.join(blast['systems'])})")
    return lines


def _hours(hours: float) -> str:
    return f"{hours:.0f} h" if hours >= 2 else f"{hours * 60:.0f} min"
