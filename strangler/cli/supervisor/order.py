"""Who starts after whom. Pure."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from strangler.errors import UsageError


def order(after: Mapping[str, Sequence[str]]) -> TopologicalSorter[str]:
    """A prepared sorter: names whose predecessors are done, as they become ready.

    Raises:
        UsageError: an ``after`` that names nobody, or a cycle, with the names in it.
    """
    for name, earlier in after.items():
        unknown = sorted(set(earlier) - set(after))
        if unknown:
            raise UsageError(f"{name}: after names {', '.join(unknown)}; known processes: {', '.join(after)}")
    sorter = TopologicalSorter(after)
    try:
        sorter.prepare()
    except CycleError as error:
        raise UsageError(f"these processes wait for each other: {' -> '.join(error.args[1])}") from error
    return sorter
