"""One thing that lint says about a plan, before it is given its file and line."""

from dataclasses import dataclass

from strangler.plan.source import Path


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, where, and what to write instead. Only a refusal keeps the plan from loading."""

    code: str
    path: Path
    message: str
    fix: str
    is_refusal: bool


def refusal(code: str, path: Path, message: str, fix: str = "") -> Complaint:
    """A complaint that keeps the plan from loading."""
    return Complaint(code, path, message, fix, is_refusal=True)


def warning(code: str, path: Path, message: str, fix: str = "") -> Complaint:
    """A complaint that does not."""
    return Complaint(code, path, message, fix, is_refusal=False)
