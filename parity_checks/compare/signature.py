"""What makes two differences the same finding. Pure."""

from functools import lru_cache
from typing import Final

from strangler.exchange import DifferenceKind, digest

_CACHED: Final = 4_096


@lru_cache(_CACHED)
def signature(operation: str, general_path: str, kind: DifferenceKind) -> str:
    """The stable digest of operation, generalised path and kind; no value is part of it."""
    return digest(operation.encode(), general_path.encode("utf-8", "surrogatepass"), kind.value.encode())
