"""How a build is named, by one rule in every room: as an answer tells it, else as the plan declares it. Pure.

Engine, worker, load run and gateway name the builds of the answers they see, and the command line those it probes;
evidence only holds together where all of them give one build one name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from strangler.evidence import Builds
from strangler.plan.addresses import needs_gateway, target_of
from strangler.plan.models import Plan, Target
from strangler.stages import Side

UNKNOWN: Final = "unknown"
"""The build of a side that answers without naming one, where the plan declares none."""

GATEWAY_HEADER: Final = "x-strangler-build"
"""Where the gateway names the build of a system that has no header for it, such as a database."""


def joined(own: str, further: Mapping[str, str], code: str) -> str:
    """The build of a side that the gateway answers: such as ``release-2+citizen-record.release-2+facade.1a2b3c4d``.

    Args:
        own: the build of the side's own system.
        further: the builds of the systems that its adapter or facade asks besides (``also``), by system.
        code: our own code in between, such as ``facade.1a2b3c4d``.
    """
    return "+".join([own, *(f"{name}.{build}" for name, build in further.items()), code])


@dataclass(frozen=True, slots=True)
class BuildSource:
    """Where one side's build is told: a response header, or the plan."""

    header: str | None
    declared: str | None

    def name(self, told: str | None) -> str | None:
        """The build's name.

        Args:
            told: the header's value in the answer; ``None`` where there is no such header, or no answer.

        Returns:
            The name. ``None`` where there is a header and the answer lacks it, whatever its status: what stands in
            front of the system may have given it. It then stands under the build last seen, so that no answer leaves
            the evidence by leaving out its header.
        """
        if told:
            return told
        if self.header is not None:
            return None
        return self.declared or UNKNOWN


def build_source(plan: Plan, target: Target) -> BuildSource:
    """Where the build of one side of an operation is told, to whoever hears its answers as a caller does."""
    system = plan.systems[target.system]
    through_gateway = GATEWAY_HEADER if needs_gateway(plan, target) else None
    return BuildSource(system.build_header or through_gateway, system.build)


def builds_in_force(plan: Plan, operation: str, seen: Mapping[Side, str]) -> Builds:
    """The builds under which present evidence stands: on each side the one last seen, else as declared, else unknown.

    Args:
        plan: the plan in force.
        operation: the operation.
        seen: the build last seen on each side that has answered yet (``Journal.last_builds``).
    """
    old, new = (
        seen.get(side) or plan.systems[target_of(plan.operations[operation], side).system].build or UNKNOWN
        for side in (Side.OLD, Side.NEW)
    )
    return Builds(old, new)
