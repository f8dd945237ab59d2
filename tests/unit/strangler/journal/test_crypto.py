import pytest

from strangler.errors import StoreError, UsageError
from strangler.journal.crypto import Sealer

KEY = bytes(range(32))


def test_blob_opens_only_for_its_owner_and_under_its_key() -> None:
    sealed = Sealer(KEY).seal("a", b"clear")
    assert Sealer(KEY).open("a", sealed) == b"clear"
    for sealer, owner, blob in (
        (Sealer(KEY), "b", sealed),
        (Sealer(bytes(32)), "a", sealed),
        (Sealer(KEY), "a", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (Sealer(KEY), "a", b""),
    ):
        with pytest.raises(StoreError):
            sealer.open(owner, blob)


def test_blobs_sealed_together_have_a_nonce_each() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal_all([("a", b"clear")] * 100 + [("b", b"")])
    assert len({blob[:12] for blob in sealed}) == 101
    assert [sealer.open("a", blob) for blob in sealed[:100]] == [b"clear"] * 100
    assert sealer.open("b", sealed[100]) == b""
    assert sealer.seal_all([]) == []


def test_key_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="31 bytes"):
        Sealer(KEY[:31])
