"""Why a request is decided as it is, for people who write plans. Shows no key in the clear.

The table that knows is the engine's (``proxy.decide``), which this package must not import: it comes in as an argument.
"""

from dataclasses import asdict, dataclass
from typing import Protocol

from strangler.exchange import Request


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An operation that was not meant. ``failed`` is its first condition that did not hold; ``held`` is how many did.

    ``failed`` is empty where all of them held, and another operation came first.
    """

    operation: str
    failed: str
    held: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything behind one decision. ``key`` is masked; ``conditions`` are the ones that held."""

    request: str
    operation: str | None
    conditions: tuple[str, ...]
    key: str | None
    key_place: str | None
    bucket: int | None
    stage: str
    answers: str
    asked: str | None
    system: str | None
    upstream: str | None
    asked_upstream: str | None
    reason: str
    warnings: tuple[str, ...]
    near_misses: tuple[NearMiss, ...]

    def as_dict(self) -> dict[str, object]:
        """Plain data, for ``--json``."""
        return asdict(self)

    @property
    def text(self) -> str:
        """The explanation as lines for people."""
        lines = [self.request, f"  operation  {self.operation or 'none'}"]
        lines += [f"             because {condition}" for condition in self.conditions]
        if self.key_place is not None:
            where = f"bucket {self.bucket} of 1000000" if self.bucket is not None else "no bucket"
            lines.append(f"  key        {self.key or 'none'} at {self.key_place}, {where}")
        lines.append(f"  stage      {self.stage}: {self.reason}")
        if self.upstream is not None:
            lines.append(f"  answers    {self.answers}: {self.system} at {self.upstream}")
            lines.append(f"  asked      {f'{self.asked}: {self.asked_upstream}' if self.asked else 'nobody'}")
        else:
            lines.append("  answers    nobody: 404")
        lines += [f"  note       {warning}" for warning in self.warnings]
        lines += [f"  not        {miss.operation}: {_missed(miss)}" for miss in self.near_misses]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text


def _missed(miss: NearMiss) -> str:
    return f"{miss.failed} does not hold" if miss.failed else "holds too, but comes later"


class Explains(Protocol):
    """A decision table that can say why."""

    def explain(self, request: Request) -> Explanation:
        """Explain one request's decision."""


def explain(table: Explains, request: Request) -> Explanation:
    """Explain one request's decision: operation, key, bucket, stage, side, and what nearly matched.

    Never raises for anything a caller can send.
    """
    return table.explain(request)


def masked(key: str | None) -> str | None:
    """A key's ends and length. No digest: there are few enough keys to try them all."""
    if key is None:
        return None
    ends = f"{key[0]}…{key[-1]}" if len(key) > 4 else "…"
    return f"{ends} ({len(key)} characters)"
