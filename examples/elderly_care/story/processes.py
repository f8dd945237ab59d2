"""The estate's processes as the story needs them: with release 1 or release 2 of the shared services."""

from pathlib import Path

from strangler.cli.supervisor import ProcessSpec, load_processes

FILE = Path(__file__).parents[1] / "processes.yaml"
SERVICES = ("citizen-record", "entitlement", "care-plan", "assessment")
SEED = "seed"


def estate() -> tuple[ProcessSpec, ...]:
    """The old systems, and release 1 of the shared services. They are filled later, by ``seed``."""
    old = tuple(spec for spec in load_processes(FILE).specs() if spec.name not in (*SERVICES, SEED))
    return (*old, *release(1))


def release(number: int) -> tuple[ProcessSpec, ...]:
    """The shared services: release 1 with its deliberate faults, release 2 as ``processes.yaml`` has them."""
    clean = tuple(spec for spec in load_processes(FILE).specs() if spec.name in SERVICES)
    return tuple(_faulty(spec) for spec in clean) if number == 1 else clean


def seed() -> ProcessSpec:
    """The step that fills the new services from the old systems; it can be taken again."""
    spec = next(spec for spec in load_processes(FILE).specs() if spec.name == SEED)
    return spec.model_copy(update={"after": ()})


def _faulty(spec: ProcessSpec) -> ProcessSpec:
    """The same service in release 1: its module and its build are others, its place and its data are the same."""
    python, _, module, *options = spec.command
    service = module.rpartition(".")[2]
    command = (python, "-m", "examples.elderly_care.release_1", service, *options)
    return spec.model_copy(update={"command": tuple("release-1" if word == "release-2" else word for word in command)})
