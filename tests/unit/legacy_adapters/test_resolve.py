import sys
from types import ModuleType

import pytest

from legacy_adapters.contract import Answer
from legacy_adapters.resolve import declared_in
from strangler.errors import PlanError
from strangler.plan.models import Plan


class Fixed:
    async def answer(self, request, call):
        return Answer(204)


def two_arguments(context, more):
    return Fixed()


@pytest.fixture
def module(monkeypatch, tmp_path):
    made = ModuleType("town_adapters")
    source = tmp_path / "town_adapters.py"
    source.write_text("# version 1\n")
    made.__file__ = str(source)
    made.find_patient, made.make, made.two, made.number = Fixed(), Fixed, two_arguments, 7
    monkeypatch.setitem(sys.modules, "town_adapters", made)
    return made


def plan(reference: str | None, speaks: str = "http") -> Plan:
    system = {"department": "d", "speaks": speaks, "url": "http://x", "connection": "DSN=x", "dialect": "sqlite"}
    target = {"system": "old"} | ({"adapter": reference} if reference else {})
    operation = {"effect": "read", "match": {"path": {"value": "/a"}}, "old": target, "new": "new"}
    new = {"department": "d", "speaks": "http", "url": "http://y"}
    return Plan.model_validate(
        {"version": 1, "programme": "p", "systems": {"old": system, "new": new}, "operations": {"a.b": operation}}
    )


@pytest.mark.parametrize("attribute", ["find_patient", "make"])
def test_reference_may_be_a_handler_or_a_factory_without_arguments(module, attribute):
    (declared,) = declared_in(plan(f"town_adapters:{attribute}"))
    assert isinstance(declared.factory(None), Fixed)


@pytest.mark.parametrize(
    ("reference", "message", "fix"),
    [
        ("town_adapters:find_patien", "has no find_patien", "did you mean town_adapters:find_patient?"),
        ("town_adaptors:x", "there is no module town_adaptors", "Python path"),
        ("town_adapters:number", "is a int", "a handler or a factory"),
        ("town_adapters:two", "takes 2 arguments", "one Context, or nothing"),
    ],
)
def test_reference_that_cannot_be_used_says_what_to_write(module, reference, message, fix):
    with pytest.raises(PlanError) as caught:
        declared_in(plan(reference))
    (problem,) = caught.value.problems
    assert problem.key == "operations.a.b.old.adapter"
    assert message in problem.message
    assert fix in problem.fix


def test_database_without_an_adapter_is_refused(module):
    with pytest.raises(PlanError, match="speaks odbc"):
        declared_in(plan(None, speaks="odbc"))


def test_system_that_is_reached_directly_is_not_declared(module):
    assert declared_in(plan(None)) == ()


def test_digest_is_of_the_code_that_runs(module, tmp_path, monkeypatch):
    (before,) = declared_in(plan("town_adapters:make"))
    (tmp_path / "town_adapters.py").write_text("# version 2\n")
    (still,) = declared_in(plan("town_adapters:make"))
    imported_again = ModuleType("town_adapters")
    imported_again.__file__, imported_again.make = module.__file__, Fixed
    monkeypatch.setitem(sys.modules, "town_adapters", imported_again)
    (after,) = declared_in(plan("town_adapters:make"))
    assert before.digest.startswith("adapter.")
    assert before.digest == still.digest
    assert before.digest != after.digest
