"""Reads contracts from where the plan says they are: files and addresses, within bounds.

A document comes from beside the plan or from the old system itself: what it imports is asked of the same server or
the same folder only, redirects to elsewhere are not followed, no proxy is asked, and no XML entity is expanded.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

import orjson
import yaml
from lxml import etree

from parity_checks.coverage.model import Column, Contract, NoContract, finished
from parity_checks.coverage.openapi import contract_from_openapi
from parity_checks.coverage.wsdl import contract_from_wsdl
from strangler.plan.models import Plan

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of one document."""

MOST_DOCUMENTS: Final = 50
TIME_LIMIT_S: Final = 5.0
"""For one contract with everything that it imports."""

_WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
_XS: Final = "{http://www.w3.org/2001/XMLSchema}"

ColumnsOf = Callable[[Plan, str], tuple[Column, ...]]
"""The columns that an operation's adapter reads; raises ``NoContract`` where nobody can tell."""


class Sources:
    """Reads the contracts of one plan; each document once.

    Args:
        plan: the plan.
        folder: where the plan's file is: files are beside it.
        columns: tells the columns behind an operation; without it, databases have no contract.
        time_limit_s: for one contract with everything that it imports.
        clock: seconds, for the time limit.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        columns: ColumnsOf | None = None,
        time_limit_s: float = TIME_LIMIT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._columns = columns
        self._time_limit_s = time_limit_s
        self._clock = clock
        self._read: dict[str, list[etree._Element] | object | NoContract] = {}

    def named(self, operation: str) -> str:
        """Where this operation's contract is said to be; empty where the plan names none.

        A database is only asked for its columns where a coverage gate wants them.
        """
        entry = self._plan.operations[operation]
        system = self._plan.systems[entry.old.system]
        if system.openapi:
            return _shown(system.openapi)
        if system.wsdl:
            return _shown(system.wsdl)
        is_wanted = system.speaks == "odbc" and entry.gates.coverage is not None
        return f"the columns of {entry.old.system}" if is_wanted else ""

    def contract(self, operation: str) -> Contract:
        """The contract of one operation.

        Raises:
            NoContract: there is none, or it cannot be read; the message says why.
        """
        entry = self._plan.operations[operation]
        system = self._plan.systems[entry.old.system]
        shown = self.named(operation)
        if system.openapi:
            document = self._once(system.openapi, lambda: self._document(system.openapi or ""))
            return contract_from_openapi(document, match=entry.match, source=shown)
        if system.wsdl:
            documents = self._once(system.wsdl, lambda: list(self._documents(system.wsdl or "")))
            return contract_from_wsdl(documents, soap_action=entry.match.soap_action, source=shown)
        if system.speaks == "odbc" and self._columns is not None:
            return finished(Contract(shown, "columns", columns=self._columns(self._plan, operation)))
        raise NoContract(f"{entry.old.system} has no contract: say 'openapi:' or 'wsdl:' in the plan")

    def _document(self, source: str) -> object:
        return _parsed(self._bytes(source, self._limit()), _shown(source))

    def _once(self, source: str, read: Callable[[], Any]) -> Any:
        """What was read before, or is read now; a failure is kept too, so that nobody waits for it twice."""
        if source not in self._read:
            try:
                self._read[source] = read()
            except NoContract as error:
                self._read[source] = error
        found = self._read[source]
        if isinstance(found, NoContract):
            raise found
        return found

    def _limit(self) -> float:
        return self._clock() + self._time_limit_s

    def _documents(self, source: str) -> Iterator["etree._Element"]:
        """The document and every one that it imports or includes, each location once."""
        until = self._limit()
        waiting, seen = [source], {source}
        while waiting:
            here = waiting.pop()
            root = _root(self._bytes(here, until), _shown(here))
            yield root
            for element in root.iter(f"{_WSDL}import", f"{_XS}import", f"{_XS}include"):
                location = element.get("location") or element.get("schemaLocation")
                target = _beside(here, location, self._folder) if location else ""
                if target and target not in seen and len(seen) < MOST_DOCUMENTS:
                    seen.add(target)
                    waiting.append(target)

    def _bytes(self, source: str, until: float) -> bytes:
        if _is_url(source):
            return self._from_url(source, until)
        path = self._folder / source
        try:
            with path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise NoContract(f"{source}: {error.strerror or error}", may_pass=True) from error
        return _bounded(content, source)

    def _from_url(self, source: str, until: float) -> bytes:
        shown = _shown(source)
        chunks: list[bytes] = []
        size = 0
        try:
            with _opener().open(Request(source), timeout=self._left_s(until)) as answer:  # noqa: S310  see _is_url
                while size <= MOST_BYTES and (chunk := answer.read1(65_536)):
                    chunks.append(chunk)
                    size += len(chunk)
                    self._left_s(until)
        except HTTPError as error:
            with error:
                raise NoContract(f"{shown} answers {error.code}: {error.reason}", may_pass=True) from error
        except TimeoutError as error:
            raise NoContract(f"{shown}: not read within {self._time_limit_s:g} s", may_pass=True) from error
        except (OSError, HTTPException, ValueError) as error:
            raise NoContract(f"{shown} cannot be read: {error}", may_pass=True) from error
        return _bounded(b"".join(chunks), shown)

    def _left_s(self, until: float) -> float:
        left_s = until - self._clock()
        if left_s <= 0:
            raise TimeoutError
        return left_s


class _SameServer(HTTPRedirectHandler):
    """Follows redirects within one server."""

    def redirect_request(  # noqa: PLR0917
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            raise HTTPError(req.full_url, code, f"redirected to {_shown(newurl)}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> OpenerDirector:
    return build_opener(ProxyHandler({}), _SameServer())


def _root(content: bytes, shown: str) -> "etree._Element":
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NoContract(f"{shown}: this is no XML: {str(error)[:200]}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise NoContract(f"{shown}: XML with a document type declaration is refused")
    return root


def _parsed(content: bytes, shown: str) -> object:
    """JSON, else YAML."""
    try:
        found: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        try:
            found = yaml.safe_load(content)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise NoContract(f"{shown}: this is neither JSON nor YAML: {str(error)[:200]}") from error
    return found if isinstance(found, Mapping) else {}


def _bounded(content: bytes, shown: str) -> bytes:
    if len(content) > MOST_BYTES:
        raise NoContract(f"{shown}: larger than {MOST_BYTES // 2**20} MiB")
    return content


def _beside(source: str, location: str, folder: Path) -> str:
    """Where an imported document is: on the same server, or in the same folder; empty for anywhere else."""
    if _is_url(source):
        target = urljoin(source, location)
        return target if urlsplit(target)[:2] == urlsplit(source)[:2] else ""
    last, _, query = location.rpartition("/")[2].partition("?")
    beside = Path(source).parent
    suffix = "." + query.partition("=")[0] if query else ""
    for name in (location, f"{last}{suffix}"):  # http://host/pensions?xsd may lie here as pensions.xsd
        if not _is_url(name) and not Path(name).is_absolute() and (folder / beside / name).is_file():
            return str(beside / name)
    return ""


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _shown(source: str) -> str:
    """The source for people: an address without a password."""
    if not _is_url(source):
        return source
    parts = urlsplit(source)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
