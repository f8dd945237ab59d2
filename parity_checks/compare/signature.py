"""What makes two differences the same finding. Pure."""

from strangler.exchange import DifferenceKind, digest


def signature(operation: str, general_path: str, kind: DifferenceKind) -> str:
    """The stable digest of operation, generalised path and kind; no value is part of it."""
    return digest(operation.encode(), general_path.encode("utf-8", "surrogatepass"), kind.value.encode())
