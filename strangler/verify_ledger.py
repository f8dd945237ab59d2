#!/usr/bin/env python3
"""Verify an export of a ledger, with nothing of ours: one file to read, for whoever trusts nobody here.

    python3 verify_ledger.py EXPORT [--head HASH] [--checkpoint FILE ... --key PUBLIC_KEY]

It needs Python 3.11; to check signed checkpoints, also the package ``cryptography``. It parses every line, writes it
down anew in the one canonical way (JSON, keys sorted, no white space, UTF-8), and checks that number, link and SHA-256
fit. It ends with 0 and a line that says how many entries hold, or with 1 and the first entry that does not.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence

FIELDS = {"at", "body", "hash", "kind", "previous", "seq", "who"}


class Broken(Exception):
    """The ledger does not hold, and why."""


def canonical(value: object) -> bytes:
    """The one way to write a JSON value down."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def chain(path: str) -> Iterator[tuple[int, str]]:
    """Verify every line of an export.

    Yields:
        Number and hash of each entry that holds.

    Raises:
        Broken: names the first that does not.
    """
    previous = "0" * 64
    with open(path, "rb") as file:
        for seq, line in enumerate(file, start=1):
            try:
                entry = json.loads(line)
                is_canonical = canonical(entry) + b"\n" == line
            except ValueError as error:
                raise Broken(f"line {seq} is no JSON: {error}") from error
            if not isinstance(entry, dict) or set(entry) != FIELDS or not is_canonical:
                raise Broken(f"line {seq} is no entry written canonically")
            if type(entry["seq"]) is not int or entry["seq"] != seq:
                raise Broken(f"line {seq} holds entry {entry['seq']!r}")
            if entry["previous"] != previous:
                raise Broken(f"entry {seq} does not follow the one before it")
            bare = {name: value for name, value in entry.items() if name != "hash"}
            previous = hashlib.sha256(canonical(bare)).hexdigest()
            if entry["hash"] != previous:
                raise Broken(f"entry {seq} is not what its hash says")
            yield seq, previous


def noted(path: str, key: str) -> tuple[int, str]:
    """Number and hash that a checkpoint notes, once its signature holds.

    Raises:
        Broken: it is no checkpoint, or not signed with that key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        with open(path, "rb") as file:
            checkpoint = json.loads(file.read())
        signature = bytes.fromhex(checkpoint.pop("signature"))
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, canonical(checkpoint))
        if checkpoint["form"] != "strangler-ledger-checkpoint/1":
            raise Broken(f"{path}: another form of checkpoint: {checkpoint['form']!r}")
        seq, mark = checkpoint["seq"], checkpoint["hash"]
    except InvalidSignature as error:
        raise Broken(f"{path} is not signed with the key given") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Broken(f"{path} is no checkpoint: {error!r}") from error
    return int(seq), str(mark)


def verify(path: str, head: str | None, checkpoints: Sequence[str], key: str) -> int:
    """Verify an export against its anchors; how many entries it has.

    Raises:
        Broken: it does not hold.
    """
    wanted = [noted(file, key) for file in checkpoints]
    hashes = {0: "0" * 64}
    hashes.update(chain(path))
    for seq, mark in wanted:
        if hashes.get(seq) != mark:
            raise Broken(f"entry {seq} is not the one that was signed: the end was cut off, or the ledger replaced")
    if head is not None and head not in hashes.values():
        raise Broken(f"the anchor {head[:12]}... is not in the chain: its end was cut off")
    return len(hashes) - 1


def main() -> int:
    """Read the arguments, verify, tell."""
    parser = argparse.ArgumentParser(description="Verify an export of a ledger, offline.")
    parser.add_argument("export", help="the export: one entry a line")
    parser.add_argument("--head", help="a hash that must be in the chain: your anchor")
    parser.add_argument("--checkpoint", action="append", default=[], help="a signed checkpoint; may be repeated")
    parser.add_argument("--key", help="the public key that checkpoints must be signed with, as you noted it yourself")
    given = parser.parse_args()
    if given.checkpoint and not given.key:
        parser.error("--checkpoint needs --key: the one inside a checkpoint proves nothing")
    try:
        count = verify(given.export, given.head, given.checkpoint, given.key or "")
    except (Broken, OSError) as error:
        print(f"BROKEN: {error}", file=sys.stderr)
        return 1
    print(f"{count} entries, every link verified; {len(given.checkpoint)} checkpoints hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
