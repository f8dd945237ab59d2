"""Serves a database as HTTP: statements, where their parameters come from, and the shape of the JSON answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, exc, text

from legacy_adapters.ask import FromJson, FromPath, FromQuery, Source, parameters
from legacy_adapters.contract import Answer, Call, Context, Handler, encode_json
from legacy_adapters.odbc import engine_for, unreachable
from strangler.errors import UsageError
from strangler.exchange import Request

__all__ = ["FromJson", "FromPath", "FromQuery", "RecordQuery", "RecordUpdate", "Results", "Row", "Source"]

Row = Mapping[str, Any]
Results = Mapping[str, Sequence[Row]]
"""The rows of each statement: ``rows`` for the main one, and the names of ``more``."""


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """A read. ``statement`` has ``:name`` parameters, which are always bound, never pasted.

    ``path`` is a template such as ``/health/patients/{nhs}/care-plan``. ``more`` runs further statements with the same
    parameters in the same transaction. ``shape`` turns the results into the answer's JSON value (``Decimal``, dates
    and times may be in it); no row of the main statement is a 404 with ``missing``.
    """

    statement: str
    path: str
    parameters: Mapping[str, Source]
    shape: Callable[[Results], Any]
    more: Mapping[str, str] = field(default_factory=dict)
    missing: Any = field(default_factory=lambda: {"error": "not-found"})

    def __call__(self, context: Context) -> Handler:
        """Make the handler, with an engine for the context's system."""
        return _Records(self.path, self.parameters, _engine(context), self._answer)

    def _answer(self, connection: Connection, values: Mapping[str, Any]) -> Answer:
        rows = _rows(connection, self.statement, values)
        if not rows:
            return _json(404, self.missing)
        more = {name: _rows(connection, statement, values) for name, statement in self.more.items()}
        return _json(200, self.shape({"rows": rows, **more}))


@dataclass(frozen=True, slots=True)
class RecordUpdate:
    """A write: ``statements`` run in order in one transaction; no row touched by the first is ``missing`` (404).

    ``then`` is read back in the same transaction and given to ``shape``, where the answer tells what was stored;
    without it the answer has no body.
    """

    statements: Sequence[str]
    path: str
    parameters: Mapping[str, Source]
    then: str | None = None
    shape: Callable[[Results], Any] | None = None
    missing: Any = field(default_factory=lambda: {"error": "not-found"})
    status: int = 200

    def __call__(self, context: Context) -> Handler:
        """Make the handler, with an engine for the context's system."""
        return _Records(self.path, self.parameters, _engine(context), self._answer)

    def _answer(self, connection: Connection, values: Mapping[str, Any]) -> Answer:
        for index, statement in enumerate(self.statements):
            touched = connection.execute(_bound(statement), _used(statement, values)).rowcount
            if index == 0 and touched == 0:
                return _json(404, self.missing)
        if self.then is None:
            return Answer(self.status)
        rows = _rows(connection, self.then, values)
        return _json(self.status, self.shape({"rows": rows}) if self.shape else rows)


class _Records:
    """Runs one declaration's work in the system's threads, in one transaction."""

    def __init__(
        self,
        path: str,
        sources: Mapping[str, Source],
        engine: Engine,
        work: Callable[[Connection, Mapping[str, Any]], Answer],
    ) -> None:
        self._path, self._sources, self._engine, self._work = path, sources, engine, work

    async def answer(self, request: Request, call: Call) -> Answer:
        values = parameters(self._sources, self._path, request)

        def work() -> Answer:
            try:
                with self._engine.begin() as connection:
                    return self._work(connection, values)
            except (exc.DBAPIError, exc.TimeoutError) as error:
                reason = unreachable(call.system.name, error)
                if reason is None:
                    raise
                raise reason from error

        return await call.system.run(work)

    async def close(self) -> None:
        self._engine.dispose()


def _engine(context: Context) -> Engine:
    system = context.system.system
    if system.connection is None or system.dialect is None:
        raise UsageError(f"{context.system.name}: a record query needs the system's connection and dialect")
    return engine_for(
        system.connection,
        system.dialect,
        timeout_s=system.timeout_s,
        concurrency=system.concurrency,
        name=context.system.name,
    )


def _bound(statement: str) -> Any:
    return text(statement)


def _used(statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values whose names the statement has: pyodbc refuses more parameters than marks."""
    return {name: values[name] for name in _bound(statement).compile().params if name in values}


def _rows(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[Row]:
    found = connection.execute(_bound(statement), _used(statement, values)).mappings()
    return [dict(row) for row in found]


def _json(status: int, value: Any) -> Answer:
    return Answer(status, (("content-type", "application/json"),), encode_json(value))
