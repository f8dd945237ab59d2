"""Signed checkpoints of the ledger: what its end was at a time, to be kept where nobody here can reach it.

A chain proves that nothing inside it was changed, but not that its end is still there, nor that the whole of it was not
written anew. A checkpoint names an entry's number and hash and is signed with Ed25519 (RFC 8032); kept elsewhere, with
the public key, it proves both. The signature is over the canonical JSON of the checkpoint without it.
"""

import binascii
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from strangler.chain import canonical
from strangler.errors import LedgerBroken, UsageError

FORM: Final = "strangler-ledger-checkpoint/1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger's end at a time. ``at`` is seconds since the epoch; key and signature are hexadecimal."""

    programme: str
    seq: int
    hash: str
    at: float
    key: str
    signature: str = ""
    form: str = FORM

    def content(self) -> bytes:
        """What is signed."""
        return canonical({name: value for name, value in asdict(self).items() if name != "signature"})


def sign(programme: str, seq: int, head: str, at: float, seed: bytes) -> Checkpoint:
    """A checkpoint, signed.

    Args:
        programme: the plan's programme.
        seq: the last entry's number.
        head: its hash.
        at: seconds since the epoch.
        seed: the private key: 32 bytes.
    """
    private = Ed25519PrivateKey.from_private_bytes(seed)
    bare = Checkpoint(programme, seq, head, float(at), public_key(seed))
    return Checkpoint(programme, seq, head, float(at), bare.key, private.sign(bare.content()).hex())


def public_key(seed: bytes) -> str:
    """The public key that belongs to a private one, hexadecimal."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write it as one line of canonical JSON."""
    path.write_bytes(canonical(asdict(checkpoint)) + b"\n")


def read_checkpoint(path: Path) -> Checkpoint:
    """Read one back; its signature is not looked at.

    Raises:
        UsageError: it is no checkpoint.
    """
    try:
        found = json.loads(path.read_bytes())
        checkpoint = Checkpoint(**found)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path}: this is no checkpoint: {error}") from error
    fits = (
        checkpoint.form == FORM
        and isinstance(checkpoint.seq, int)
        and not isinstance(checkpoint.seq, bool)
        and all(isinstance(text, str) for text in (checkpoint.hash, checkpoint.key, checkpoint.signature))
    )
    if not fits:
        raise UsageError(f"{path}: this is no checkpoint of the form {FORM}")
    return checkpoint


def anchors(checkpoints: Iterable[Checkpoint], trusted_key: str) -> dict[int, str]:
    """The hashes that entries must have, by number, as signed checkpoints say.

    Args:
        checkpoints: checkpoints of one ledger.
        trusted_key: the public key as it was noted elsewhere, hexadecimal; never the one inside a checkpoint.

    Raises:
        LedgerBroken: a signature is not of that key, or two checkpoints contradict each other.
        UsageError: the key is none.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(binascii.unhexlify(trusted_key.strip()))
    except (ValueError, binascii.Error) as error:
        raise UsageError(f"{trusted_key[:80]!r} is no public key: write 64 hexadecimal digits") from error
    found: dict[int, str] = {}
    for checkpoint in checkpoints:
        try:
            key.verify(binascii.unhexlify(checkpoint.signature), checkpoint.content())
        except (InvalidSignature, ValueError, binascii.Error) as error:
            raise LedgerBroken(checkpoint.seq, "the checkpoint of it is not signed with the trusted key") from error
        if found.setdefault(checkpoint.seq, checkpoint.hash) != checkpoint.hash:
            raise LedgerBroken(checkpoint.seq, "two checkpoints of it contradict each other")
    return found
