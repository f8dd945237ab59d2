"""Who may ask: whoever knows the API key, which is kept in a file that only its owner can read."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile


def read_or_make(path: Path) -> str:
    """The key in the file; a new one where there is no file. Of two that make one at a time, one's key is taken.

    Raises:
        OSError: the file can neither be read nor made.
        ValueError: the file has no key in it.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False) as made:  # mode 0600
            made.write(secrets.token_urlsafe(32))
        with suppress(FileExistsError):  # somebody was quicker: theirs counts
            os.link(made.name, path)
        Path(made.name).unlink()
    return read(path)


def read(path: Path) -> str:
    """The key in the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file has no key in it.
    """
    key = path.read_text("utf-8").strip()
    if not key:
        raise ValueError(f"{path} has no API key in it")
    return key
