"""Where each side of an operation is reached: one base URL, to which the caller's own target is appended."""

from urllib.parse import urlsplit

from strangler.errors import UsageError
from strangler.plan.models import Operation, Plan, System, Target
from strangler.stages import Effect, Side


def base_url(plan: Plan, operation: str, side: Side) -> str:
    """The base URL, without a trailing slash, such as ``http://127.0.0.1:7300/new/pensions.get-entitlement``.

    Raises:
        UsageError: the operation needs the gateway, and the plan names none.
    """
    target = target_of(plan.operations[operation], side)
    if needs_gateway(plan, target):
        if plan.gateway is None:
            raise UsageError(f"{operation}: its {side} side needs the gateway; say 'gateway: http://...' in the plan")
        return f"{plan.gateway.rstrip('/')}/{side}/{operation}"
    return system_url(plan.systems[target.system])


def target_of(operation: Operation, side: Side) -> Target:
    """The operation's target on this side."""
    return operation.old if side is Side.OLD else operation.new


def needs_gateway(plan: Plan, target: Target) -> bool:
    """Whether something of ours must stand between the engine and the system."""
    return bool(target.adapter or target.facade) or plan.systems[target.system].speaks == "odbc"


def system_url(system: System) -> str:
    """Scheme, host and port (and path prefix, for http) at which the system itself is reached."""
    if system.url is not None:
        return system.url.rstrip("/")
    parts = urlsplit(system.wsdl or "")
    return f"{parts.scheme}://{parts.netloc}"


def asked_url(plan: Plan, operation: str, side: Side) -> str | None:
    """The base URL at which this side is *asked* for comparison; ``None`` where it must not be asked.

    As ``base_url``, but writes keep to the plan's policy: ``never`` asks nobody, ``sandbox`` asks the stand-in instead
    of the new system, and never the old one, because a sandbox's record is not one that the old system may learn of.

    Raises:
        UsageError: as ``base_url``.
    """
    entry = plan.operations[operation]
    if entry.effect is Effect.READ or entry.writes is None or entry.writes.policy == "dual":
        return base_url(plan, operation, side)
    if entry.writes.policy == "never" or side is Side.OLD or entry.writes.sandbox is None:
        return None
    return system_url(plan.systems[entry.writes.sandbox])
