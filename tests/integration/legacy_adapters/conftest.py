"""Real old systems in small: a SOAP service, and the databases behind their ODBC drivers."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

STARTS_WITHIN_S = 30.0

WSDL = """<?xml version="1.0"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:town:1" targetNamespace="urn:town:1">
<wsdl:types><xs:schema targetNamespace="urn:town:1" elementFormDefault="qualified">
  <xs:element name="Find"><xs:complexType><xs:sequence>
    <xs:element name="nino" type="t:Nino"/><xs:element name="tag" type="xs:string" minOccurs="0" maxOccurs="3"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:simpleType name="Nino"><xs:restriction base="xs:string"><xs:maxLength value="9"/></xs:restriction></xs:simpleType>
  <xs:element name="FindResponse"><xs:complexType><xs:sequence>
    <xs:element name="name" type="xs:string"/>
    <xs:element name="born" type="xs:date"/>
    <xs:element name="weekly" type="xs:decimal" minOccurs="0"/>
    <xs:element name="review" type="xs:date" minOccurs="0" nillable="true"/>
    <xs:element name="payment" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="on" type="xs:date"/><xs:element name="pence" type="xs:integer"/>
    </xs:sequence><xs:attribute name="currency" type="xs:string"/></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema></wsdl:types>
<wsdl:message name="FindIn"><wsdl:part name="parameters" element="t:Find"/></wsdl:message>
<wsdl:message name="FindOut"><wsdl:part name="parameters" element="t:FindResponse"/></wsdl:message>
<wsdl:portType name="Town"><wsdl:operation name="Find">
  <wsdl:input message="t:FindIn"/><wsdl:output message="t:FindOut"/></wsdl:operation></wsdl:portType>
<wsdl:binding name="TownSoap" type="t:Town">
  <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
  <wsdl:operation name="Find"><soap:operation soapAction="Find"/>
    <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
  </wsdl:operation></wsdl:binding>
<wsdl:service name="TownService"><wsdl:port name="TownPort" binding="t:TownSoap">
  <soap:address location="http://elsewhere.example/soap/town"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""

ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<FindResponse xmlns="urn:town:1">{}</FindResponse></s:Body></s:Envelope>'
)


@dataclass
class Town:
    """A SOAP service that says whatever ``answer(path, body, headers)`` makes it say: status, type, bytes."""

    url: str
    answer: Callable[[str, bytes, dict[str, str]], tuple[int, str, bytes]]
    wsdl: str = WSDL

    def says(self, members: str, status: int = 200, content_type: str = "text/xml; charset=utf-8") -> None:
        raw = ENVELOPE.format(members).encode()
        self.answer = lambda *_: (status, content_type, raw)

    def says_raw(self, status: int, content_type: str, raw: bytes) -> None:
        self.answer = lambda *_: (status, content_type, raw)


@pytest.fixture
def town() -> Iterator[Town]:
    service = Town("", lambda *_: (404, "text/plain", b""))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.reply(200, "text/xml", service.wsdl.encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.reply(*service.answer(self.path, body, {name.lower(): value for name, value in self.headers.items()}))

        def reply(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}/town?wsdl"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield service
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def free_port() -> int:
    return find_port()


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def needs(program: str, package: str) -> str:
    """The program's path; where it is missing a skip on a laptop, a failure where ``CI=true``."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            f"{program} (Debian package {package}) is missing"
        )
    return found


def needs_driver(name: str, package: str) -> None:
    import pyodbc

    if name not in pyodbc.drivers():
        reason = f"the ODBC driver {name} (Debian package {package}) is missing"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """A temporary MariaDB's empty database, as an ODBC connection string."""
    needs_driver("MariaDB Unicode", "odbc-mariadb")
    install, serve = needs("mariadb-install-db", "mariadb-server"), needs("mariadbd", "mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="strangler-mariadb-"))
    as_nobody: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
        as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    data, port = folder / "data", find_port()
    making = [*as_nobody, install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run([*making, "--skip-test-db"], check=True, capture_output=True, cwd=folder)
    server = subprocess.Popen(
        [*as_nobody, serve, "--no-defaults", f"--datadir={data}", f"--socket={folder}/s", f"--pid-file={folder}/p",
         f"--port={port}", "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    connection = f"DRIVER={{MariaDB Unicode}};SERVER=127.0.0.1;PORT={port};UID=root"
    try:
        wait_until_connected(server, connection)
        with connected(connection) as cursor:
            cursor.execute("CREATE DATABASE patients CHARACTER SET utf8mb4")
        yield f"{connection};DATABASE=patients"
    finally:
        server.terminate()
        server.wait(STARTS_WITHIN_S)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_odbc(postgresql_url: str) -> str:
    """The temporary PostgreSQL cluster, as an ODBC connection string."""
    needs_driver("PostgreSQL Unicode", "odbc-postgresql")
    parts = urlsplit(postgresql_url)
    return (
        f"DRIVER={{PostgreSQL Unicode}};Server={parts.hostname};Port={parts.port};"
        f"Database={parts.path.strip('/')};UID={parts.username}"
    )


@pytest.fixture
def sqlite_odbc(tmp_path: Path) -> str:
    needs_driver("SQLite3", "libsqliteodbc")
    return f"DRIVER=SQLite3;Database={tmp_path}/patients.db"


def connected(connection: str):
    import pyodbc

    return pyodbc.connect(connection, autocommit=True, timeout=1).cursor()


def wait_until_connected(server: "subprocess.Popen[bytes]", connection: str) -> None:
    import pyodbc

    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        assert server.poll() is None, f"the server ended with {server.returncode} while it started"
        try:
            connected(connection).connection.close()
        except pyodbc.Error:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start in time")
