"""Whatever a contract says and whatever was recorded: a probe shows its item, or it is said why there is none."""

from random import Random
from typing import Any

import orjson
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from parity_checks.coverage import items_of
from parity_checks.coverage.model import Contract
from parity_checks.coverage.openapi import contract_from_openapi
from parity_checks.coverage.probes import aims, probe
from parity_checks.coverage.values import NoValue
from strangler.exchange import Observation, Request
from strangler.plan.models import Match
from strangler.stages import Side

JSON = (("content-type", "application/json"),)
NOTHING = Observation(Side.OLD, None)
NAMES = st.sampled_from(["a", "b", "c d"])
PLAIN = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4)
BODIES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"type": st.just("string")}, optional={"maxLength": st.integers(0, 3)}),
    st.fixed_dictionaries({"type": st.just("string"), "pattern": st.sampled_from(["^[A-Z]{2}$", "(", r"\p{L}", "x*"])}),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={"minimum": st.integers(-3, 3), "maximum": st.integers(-3, 3)},
    ),
    st.just({"type": "boolean", "nullable": True}),
    st.fixed_dictionaries({"enum": st.lists(PLAIN, max_size=3)}),
)
SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"minItems": st.integers(0, 3)}),
        st.fixed_dictionaries(
            {"properties": st.dictionaries(NAMES, inner, max_size=3)},
            optional={"required": st.lists(NAMES, max_size=2)},
        ),
    ),
    max_leaves=5,
)


def of_schema(schema: Any, parameter: Any) -> Contract:
    media = {"content": {"application/json": {"schema": schema}}}
    parameters = [
        {"name": "q", "in": "query", "schema": parameter},
        {"name": "x-h", "in": "header", "schema": parameter},
    ]
    entry = {"requestBody": media, "parameters": parameters, "responses": {}}
    document = {"openapi": "3.0.0", "paths": {"/a": {"post": entry}}}
    return contract_from_openapi(document, match=Match.model_validate({"path": {"value": "/a"}}), source="x")


@given(SCHEMAS, LEAVES, BODIES, st.integers(0, 9))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example({"type": "string", "maxLength": 0}, {"enum": ["é\n"]}, None, 0)
def test_probe_shows_its_item_or_says_why_not(schema: Any, parameter: Any, recorded: Any, seed: int) -> None:
    contract = of_schema(schema, parameter)
    template = Request("POST", "/a?z=1", JSON, orjson.dumps(recorded))
    for aimed in sorted(aims(contract))[:6]:
        try:
            made = probe(contract, aimed, template, Random(seed))
        except NoValue:
            continue
        assert aimed in items_of(made, NOTHING, contract)
