"""Which builds run now: asked of the gateway, or of the systems themselves."""

from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import orjson

from strangler.builds import UNKNOWN, BuildSource
from strangler.evidence import Builds
from strangler.plan.addresses import needs_gateway, system_url, target_of
from strangler.plan.models import Plan, System
from strangler.stages import Side

_TIMEOUT_S = 3.0


def current_builds(plan: Plan, operation: str) -> Builds | None:
    """The builds of both sides as they are running now; ``None`` where neither can be asked.

    A build that cannot be learnt is ``unknown``: evidence under a known build is then stale, which is the safe side.
    """
    told = _from_gateway(plan)
    found: dict[Side, str | None] = {}
    for side in Side:
        target = target_of(plan.operations[operation], side)
        if needs_gateway(plan, target):
            found[side] = told.get(operation, {}).get(side.value) if told else None
        else:
            found[side] = build_of(plan.systems[target.system])
    if all(build is None for build in found.values()):
        return None
    return Builds(old=found[Side.OLD] or UNKNOWN, new=found[Side.NEW] or UNKNOWN)


def build_of(system: System) -> str | None:
    """The system's build: as its health page's header tells, else as declared; ``None`` where it cannot tell."""
    source = BuildSource(system.build_header, system.build)
    if source.header is None:
        return source.name(None)
    try:
        with _open(system_url(system) + system.health) as answer:
            return answer.headers.get(source.header) or source.declared or UNKNOWN
    except HTTPError as error:
        with error:  # an answer all the same: not every system has a health page
            told: str | None = error.headers.get(source.header)
            return told or (None if error.code >= 500 else source.declared or UNKNOWN)
    except (URLError, OSError):
        return None


def _from_gateway(plan: Plan) -> dict[str, dict[str, str]] | None:
    if plan.gateway is None:
        return None
    try:
        with _open(plan.gateway.rstrip("/") + "/-/builds") as answer:
            document: dict[str, dict[str, str]] = orjson.loads(answer.read())
            return document
    except (URLError, OSError, orjson.JSONDecodeError):
        return None


def _open(url: str) -> Any:  # urlopen says no more
    return urlopen(Request(url), timeout=_TIMEOUT_S)  # noqa: S310  the plan's own http addresses
