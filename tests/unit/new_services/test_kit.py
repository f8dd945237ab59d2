import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, insert, select

from new_services import idempotency
from new_services.database import Database
from new_services.idempotency import Stored, write_once
from new_services.kit import BODY_LIMIT_BYTES, Answer, Call, Read, Service, Write
from new_services.problems import Problem, conflict


class NoteIn(BaseModel):
    text: str


def _notes() -> Service:
    metadata = MetaData()
    note = Table("note", metadata, Column("id", Integer, primary_key=True), Column("text", String, unique=True))

    def count(connection: Connection, call: Call) -> Answer:
        return Answer({"count": connection.execute(select(func.count()).select_from(note)).scalar_one()})

    def add(connection: Connection, call: Call) -> Answer:
        text = call.form(NoteIn).text
        connection.execute(insert(note).values(text=text))
        if text == "refused":
            raise conflict("no-such-note", "this note is not wanted")
        return Answer({"id": str(uuid.uuid4())}, 201)

    def crash(connection: Connection, call: Call) -> Answer:
        raise ZeroDivisionError("secret detail")

    return Service("notes", metadata, (Read("/notes", count), Write("POST", "/notes", add), Read("/crash", crash)))


@pytest.fixture
def client(start: Any) -> Any:
    return start(_notes())


def _count(client: Any) -> int:
    return client.get("/notes").json()["count"]


@pytest.mark.parametrize("path", ["/health", "/notes", "/nowhere", "/crash"])
def test_every_answer_carries_the_build_id(client: Any, path: str) -> None:
    assert client.get(path).headers.get_list("x-build-id") == ["build-7"]


def test_health_says_what_is_up(client: Any) -> None:
    assert client.get("/health").json() == {"status": "up", "service": "notes", "build": "build-7"}


def test_same_key_and_request_is_done_once_and_answered_the_same(client: Any) -> None:
    first = client.post("/notes", {"text": "one"}, "k1")
    again = client.post("/notes", {"text": "one"}, "k1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert _count(client) == 1


def test_same_key_with_another_request_is_refused(client: Any) -> None:
    client.post("/notes", {"text": "one"}, "k1")
    other = client.post("/notes", {"text": "two"}, "k1")

    assert (other.status_code, other.json()["type"]) == (422, "urn:problem:idempotency-key-reused")
    assert _count(client) == 1


def test_a_refused_write_stores_neither_its_effect_nor_its_key(client: Any) -> None:
    for _ in range(2):
        answer = client.post("/notes", {"text": "refused"}, "k1")
        assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert _count(client) == 0
    assert client.post("/notes", {"text": "fine"}, "k1").status_code == 201


def test_keys_outlive_a_restart(start: Any) -> None:
    answers = {start(_notes(), build).post("/notes", {"text": "x"}, "k").content for build in ("one", "two")}
    assert len(answers) == 1


def test_old_keys_are_forgotten_at_start(start: Any) -> None:
    later = idempotency.KEPT_DAYS * 86400.0 + 1
    statuses = [
        start(_notes(), clock=lambda now=now: now).post("/notes", {"text": f"at {now}"}, "k").status_code
        for now in (0.0, later)
    ]
    assert statuses == [201, 201]


def test_concurrent_requests_with_one_key_execute_once(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/keys.db", MetaData())
    idempotency.prepare(database, 0.0)
    executed, together = [], threading.Barrier(8)

    def write(_connection: Connection) -> Stored:
        executed.append(1)
        return Stored(201, str(uuid.uuid4()).encode())

    def send() -> Stored:
        together.wait()
        return write_once(database, "one", b"request", 0.0, write)

    with ThreadPoolExecutor(8) as threads:
        answers = {future.result() for future in [threads.submit(send) for _ in range(8)]}
    database.close()

    assert (len(executed), len(answers)) == (1, 1)


def test_a_broken_rule_of_the_tables_is_not_taken_for_a_used_key(client: Any) -> None:
    client.post("/notes", {"text": "one"}, "k1")
    answer = client.post("/notes", {"text": "one"}, "k2")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:problem:internal-error")


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_of_the_wrong_length_is_refused(client: Any, key: str) -> None:
    answer = client.post("/notes", {"text": "one"}, key)
    assert answer.json()["type"] == "urn:problem:idempotency-key-length"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "problem"),
    [
        (b"{}", "application/json", 422, "urn:problem:invalid-body"),
        (b"{", "application/json; charset=utf-8", 400, "urn:problem:not-json"),
        (b"text=one", "application/x-www-form-urlencoded", 415, "urn:problem:media-type"),
        (b" " * (BODY_LIMIT_BYTES + 1), "application/json", 413, "urn:problem:body-too-large"),
    ],
)
def test_a_bad_body_gets_a_problem_document(
    client: Any, body: bytes, content_type: str, status: int, problem: str
) -> None:
    answer = client.request("POST", "/notes", content=body, headers={"content-type": content_type})

    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["status"], answer.json()["type"]) == (status, status, problem)


def test_an_invalid_body_is_told_by_pointer_and_without_its_value(client: Any) -> None:
    answer = client.post("/notes", {"text": 12345})
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/text"]
    assert "12345" not in answer.text


def test_a_crash_says_nothing_of_its_inside(client: Any) -> None:
    answer = client.get("/crash")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:problem:internal-error")
    assert "secret" not in answer.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/notes", 405)])
def test_an_unknown_path_or_method_is_a_problem(client: Any, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_problem_document_has_the_members_of_rfc_9457() -> None:
    expected = {"type": "urn:problem:x", "title": "Conflict", "status": 409, "detail": "d", "extra": 1}
    assert Problem(409, "x", "d", extra=1).document() == expected
