"""Real database servers for the figures about rows: started here on loopback and free ports, gone afterwards.

Both are tuned alike and little: enough memory for the table, and no waiting for the disk when data is made.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

POSTGRESQL_BIN = Path("/usr/lib/postgresql/15/bin")
STARTS_WITHIN_S = 60.0


@contextmanager
def postgresql() -> Iterator[str]:
    """A temporary PostgreSQL with an empty database; its URL."""
    with _folder("bench-postgresql-") as folder:
        port = _free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": folder,
            "fsync": "off",
            "shared_buffers": "512MB",
            "max_wal_size": "4GB",
            "autovacuum": "off",
        }
        making = [POSTGRESQL_BIN / "initdb", "-D", folder / "data", "-U", "bench", "-A", "trust", "-N"]
        subprocess.run(
            _unprivileged(*making, "--encoding=UTF8", "--locale=C.UTF-8"), check=True, capture_output=True, cwd=folder
        )
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = _unprivileged(POSTGRESQL_BIN / "postgres", "-D", folder / "data", *settings)
        with _server(command, folder, port):
            yield f"postgresql://bench@127.0.0.1:{port}/postgres"


@contextmanager
def mariadb() -> Iterator[int]:
    """A temporary MariaDB with an empty database named ``bench`` for ``root`` without a password; its port."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    install, serve = shutil.which("mariadb-install-db", path=path), shutil.which("mariadbd", path=path)
    if install is None or serve is None:
        raise RuntimeError("MariaDB is missing: install the Debian package mariadb-server")
    with _folder("bench-mariadb-") as folder:
        port = _free_port()
        data = f"--datadir={folder / 'data'}"
        making = [install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(_unprivileged(*making), check=True, capture_output=True, cwd=folder)
        command = _unprivileged(
            serve, "--no-defaults", data, f"--socket={folder}/s", f"--pid-file={folder}/p", f"--port={port}",
            "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=512M",
            "--local-infile=1", "--skip-log-bin",
        )  # fmt: skip
        with _server(command, folder, port):
            client = shutil.which("mariadb", path=path) or "mariadb"
            create = "CREATE DATABASE bench CHARACTER SET utf8mb4"
            subprocess.run([client, "-h", "127.0.0.1", "-P", str(port), "-u", "root", "-e", create], check=True)
            yield port


@contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server(command: Sequence[str], folder: Path, port: int) -> Iterator[None]:
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(server, port)
        yield
    finally:
        server.terminate()
        server.wait(STARTS_WITHIN_S)


def _wait_until_it_listens(server: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"{server.args!r} ended with {server.returncode} while it started")
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.1)
        else:
            time.sleep(0.5)  # PostgreSQL listens a little before it is ready
            return
    raise RuntimeError(f"{server.args!r} did not start in time")


def _unprivileged(*command: str | Path) -> list[str]:
    """The command as somebody whom PostgreSQL agrees to run for: it refuses root."""
    words = [str(word) for word in command]
    if os.geteuid() != 0:
        return words
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *words]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
