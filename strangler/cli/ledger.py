"""``strangler ledger``: show, verify, export."""

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from strangler import checkpoints, verify_ledger
from strangler.chain import verify_export
from strangler.cli.session import DEFAULT_PLAN, JsonOption, PlanOption, StateOption, console, open_session, print_json
from strangler.decisions import Decisions
from strangler.errors import UsageError
from strangler.published import read_published

app = typer.Typer(help="Every decision: who, why, on which evidence.", no_args_is_help=True)


@app.command()
def show(
    since: Annotated[int, typer.Option("--since", help="Only entries after this sequence number.")] = 0,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the decisions, oldest first."""
    entries = open_session(plan, state).ledger.entries(since)
    if as_json:
        print_json([entry.as_dict() for entry in entries])
        return
    for entry in entries:
        at = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        body = orjson.dumps(entry.body).decode()
        console.print(f"{entry.seq:>5}  {at}Z  {entry.kind:<10} {entry.who}  {body}", markup=False, soft_wrap=True)


@app.command()
def verify(
    export_file: Annotated[Path | None, typer.Argument(help="An export; the ledger itself if not given.")] = None,
    head: Annotated[str | None, typer.Option("--head", help="A hash that must be in the chain: your anchor.")] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="A signed checkpoint that must hold; may be repeated.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="The public key of checkpoints, as you noted it: 64 hexadecimal digits.")
    ] = None,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify every link of the chain, and that it still has the entry that engines were given last.

    Exit code 1 and the first wrong entry where it does not hold.
    """
    anchors = _anchors(checkpoint or [], key)
    if export_file is not None:
        count = verify_export(export_file, expected_head=head, anchors=anchors)
    else:
        session = open_session(plan, state)
        count = session.ledger.verify(expected_head=head, anchors=anchors)
        Decisions(session.ledger, lambda: read_published(session.state.rollouts_file)).sync()
    if as_json:
        print_json({"verified": True, "entries": count, "checkpoints": len(anchors)})
    else:
        held = f"; {len(anchors)} checkpoints hold" if anchors else ""
        console.print(f"{count} entries, every link verified{held}")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write: one JSON entry a line.")],
    with_verifier: Annotated[
        bool, typer.Option("--with-verifier", help="Write verify_ledger.py beside it, which needs nothing of ours.")
    ] = False,
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Write the ledger out, for whoever wants to verify it elsewhere."""
    ledger = open_session(plan, state).ledger
    ledger.export(file)
    newest = ledger.head()
    anchor = newest.hash if newest else "(empty)"
    console.print(f"{file} written; keep this anchor elsewhere: {anchor}", markup=False)
    if with_verifier:
        copy = file.with_name("verify_ledger.py")
        shutil.copyfile(verify_ledger.__file__, copy)
        console.print(f"verify it anywhere: python3 {copy} {file}", markup=False)


@app.command()
def checkpoint(
    file: Annotated[Path, typer.Argument(help="Where to write it; keep it where nobody here can change it.")],
    plan: PlanOption = DEFAULT_PLAN,
    state: StateOption = None,
) -> None:
    """Sign what the ledger's end is now. Kept elsewhere, it proves later that nothing was cut off or written anew."""
    session = open_session(plan, state)
    session.ledger.verify()
    newest = session.ledger.head()
    if newest is None:
        raise UsageError("the ledger is empty: there is nothing to sign")
    seed = session.state.ledger_key()
    made = checkpoints.sign(session.plan.programme, newest.seq, newest.hash, time.time(), seed)
    checkpoints.write_checkpoint(made, file)
    console.print(f"{file} written: entry {made.seq}, {made.hash}", markup=False)
    console.print(f"note its public key elsewhere: {made.key}", markup=False)


@app.command()
def key(plan: PlanOption = DEFAULT_PLAN, state: StateOption = None) -> None:
    """Print the public key that checkpoints are signed with: whoever verifies must have it from you."""
    console.print(checkpoints.public_key(open_session(plan, state).state.ledger_key()), markup=False)


def _anchors(files: list[Path], trusted_key: str | None) -> dict[int, str]:
    if files and trusted_key is None:
        raise UsageError("--checkpoint needs --key: the one inside a checkpoint proves nothing")
    return checkpoints.anchors(map(checkpoints.read_checkpoint, files), trusted_key) if trusted_key else {}
