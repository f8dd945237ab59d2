"""Where one programme's state lives on this machine: journal, ledger, rollouts, hold, keys, reports.

The folder is ``.strangler`` beside the plan unless told otherwise. Everything in it is private to its owner.
"""

import base64
import binascii
import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from strangler.errors import Refused, UsageError

KEY_BYTES = 32


class StateFolder:
    """The folder's layout. Creating it makes the folder (mode 0700), nothing else.

    Args:
        path: the folder.
        environ: where overrides are read from; the process environment unless given.
    """

    def __init__(self, path: Path, environ: Mapping[str, str] | None = None) -> None:
        self.path = path.resolve()
        self._environ = os.environ if environ is None else environ
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @classmethod
    def beside(cls, plan_path: Path, override: Path | None = None) -> "StateFolder":
        """The folder of a plan: ``.strangler`` beside it, unless ``override`` (``--state DIR``) names another."""
        return cls(override if override is not None else plan_path.resolve().parent / ".strangler")

    @property
    def journal_url(self) -> str:
        """The journal's database URL; ``STRANGLER_JOURNAL_URL`` wins."""
        return self._environ.get("STRANGLER_JOURNAL_URL") or f"sqlite:///{self.path / 'journal.db'}"

    @property
    def ledger_url(self) -> str:
        """The ledger's database URL; ``STRANGLER_LEDGER_URL`` wins."""
        return self._environ.get("STRANGLER_LEDGER_URL") or f"sqlite:///{self.path / 'ledger.db'}"

    @property
    def rollouts_file(self) -> Path:
        """What engines read: every operation's rollout, derived from the ledger."""
        return self.path / "rollouts.json"

    @property
    def hold_file(self) -> Path:
        """The kill switch: while it is there, the operations it names are answered by old."""
        return self.path / "hold.json"

    @property
    def hold_reserve(self) -> Path:
        """An empty file, kept to become ``hold.json`` where the disk is full."""
        return self.path / "hold.reserve"

    @property
    def environment_file(self) -> Path:
        """Variables that ``strangler up`` made for the plan: a JSON object."""
        return self.path / "environment.json"

    @property
    def gaps_file(self) -> Path:
        """The preallocated reserve for writes that could not be journaled."""
        return self.path / "gaps.reserve"

    @property
    def key_file(self) -> Path:
        """The key that encrypts the journal's bodies, unless ``STRANGLER_JOURNAL_KEY`` holds it."""
        return self.path / "journal.key"

    @property
    def reports_dir(self) -> Path:
        """Where reports are written unless told otherwise."""
        return self.path / "reports"

    def held(self) -> frozenset[str]:
        """The operations that the kill switch holds on old; ``*`` stands for all of them."""
        from strangler.holds import read_hold

        hold = read_hold(self.hold_file)
        return frozenset(hold.operations) if hold else frozenset()

    def journal_key(self) -> bytes:
        """The journal's key, 32 bytes; made at first use, readable by the owner only.

        Raises:
            UsageError: the variable or the file holds something that is no such key.
        """
        given = self._environ.get("STRANGLER_JOURNAL_KEY")
        if given:
            return _decoded(given, "STRANGLER_JOURNAL_KEY")
        try:
            return _decoded(self.key_file.read_text("ascii"), str(self.key_file))
        except FileNotFoundError:
            _make_key(self.key_file)
        return _decoded(self.key_file.read_text("ascii"), str(self.key_file))

    def ledger_key(self) -> bytes:
        """The key that signs the ledger's checkpoints, 32 bytes; made at first use, readable by the owner only.

        Raises:
            UsageError: the variable or the file holds something that is no such key.
        """
        given = self._environ.get("STRANGLER_LEDGER_KEY")
        if given:
            return _decoded(given, "STRANGLER_LEDGER_KEY")
        file = self.path / "ledger.key"
        if not file.exists():
            _make_key(file)
        return _decoded(file.read_text("ascii"), str(file))

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the folder's lock of this name, such as ``up``; it goes when the process does, however it ends.

        Raises:
            Refused: another process holds it; the message names its process id.
        """
        path = self.path / f"{name}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
                raise Refused(
                    f"'strangler {name}' already runs on {self.path} as process {holder}; "
                    "stop it first, or give this one another folder with --state"
                ) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Wait for this short lock of the folder, and hold it."""
        descriptor = os.open(self.path / f"{name}.turn", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Replace a file whole: readers see the old content or the new, also after a power cut.

    Args:
        path: the file.
        content: all of it.
        mode: its permissions, less those that the process's umask takes away.

    Raises:
        OSError: it cannot be written, such as for lack of room; the old content is still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _make_key(path: Path) -> None:
    """Write a new key whole, under another name first, and never over one that is there."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return  # another process made it first: its key is the key
    finally:
        temporary.unlink()


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"{where}: the key is not base64: {error}") from error
    if len(key) != KEY_BYTES:
        raise UsageError(f"{where}: the key has {len(key)} bytes, not {KEY_BYTES}")
    return key
