"""Encryption of personal data at rest: AES-256-GCM for bodies, a keyed digest for keys that must be found again."""

import os
from collections.abc import Sequence
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strangler.errors import StoreError, UsageError

_NONCE_BYTES = 12


class Sealer:
    """Seals and opens blobs under keys derived from the journal's key.

    Every blob has a random 96-bit nonce, so one key is good for 2**32 blobs (NIST SP 800-38D, 8.3); rotate it before.
    The blob is bound to its owner: moved to another row, it does not open.

    Args:
        key: 32 random bytes.

    Raises:
        UsageError: the key has another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise UsageError(f"the journal's key has {len(key)} bytes, not 32")
        self._aead = AESGCM(blake2b(b"bodies", key=key, digest_size=32).digest())
        self._digest_key = blake2b(b"keys", key=key, digest_size=32).digest()
        self._id_key = blake2b(b"ids", key=key, digest_size=32).digest()

    def seal(self, owner: str, clear: bytes) -> bytes:
        """The nonce and the encrypted bytes; ``owner`` is the row they belong to."""
        return self.seal_all([(owner, clear)])[0]

    def seal_all(self, blobs: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """As ``seal``, for many owners and blobs: the random bytes for all nonces are fetched at once."""
        random = os.urandom(_NONCE_BYTES * len(blobs))
        sealed: list[bytes] = []
        for index, (owner, clear) in enumerate(blobs):
            nonce = random[_NONCE_BYTES * index : _NONCE_BYTES * (index + 1)]
            sealed.append(nonce + self._aead.encrypt(nonce, clear, owner.encode()))
        return sealed

    def open(self, owner: str, sealed: bytes) -> bytes:
        """The clear bytes.

        Raises:
            StoreError: another key sealed them, or they were changed.
        """
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreError(f"the journal's entry {owner} does not open: another key, or its bytes changed") from error

    def key_digest(self, key: str) -> bytes:
        """What stands for a caller's key in the clear columns: the same for the same key, and no way back."""
        return blake2b(key.strip().encode("utf-8", "surrogatepass"), key=self._digest_key, digest_size=16).digest()

    def id_digest(self, name: str, side: str, value: str) -> bytes:
        """What stands for one side's id of something: 32 bytes, of no use for finding it on the other side."""
        parts = (part.encode("utf-8", "surrogatepass") for part in (name, side, value))
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return blake2b(framed, key=self._id_key, digest_size=32).digest()
