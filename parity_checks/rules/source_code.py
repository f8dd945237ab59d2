"""Where the code of a custom rule is, and its digest, without importing it: reading a plan must not run anything."""

import ast
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.machinery import ModuleSpec
from pathlib import Path

DIGEST_CHARACTERS = 16


def find_source(module: str) -> Path | None:
    """The Python file of a module, as an import would find it now; ``None`` where there is none.

    ``importlib.util.find_spec`` imports the packages above a module; this asks the same finders and imports nothing.
    """
    names = module.split(".")
    places: Sequence[str] | None = None
    spec: ModuleSpec | None = None
    for count in range(1, len(names) + 1):
        spec = _find(".".join(names[:count]), places)
        if spec is None:
            return None
        places = spec.submodule_search_locations
        if places is None and count < len(names):
            return None
    if spec is None or not spec.has_location or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def _find(name: str, places: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        spec = finder.find_spec(name, places)
        if spec is not None:
            return spec
    return None


def digest_of(source: bytes) -> str:
    """The first sixteen hexadecimal digits of the SHA-256 of a module's source: what a plan names as ``code``.

    It covers that one file: what the module imports is another matter, so keep a custom rule in a module of its own.
    """
    return sha256(source).hexdigest()[:DIGEST_CHARACTERS]


def code_digest(function: str) -> str | None:
    """The digest of the module of ``module:attribute`` as it is now; ``None`` where it cannot be found or read."""
    source = find_source(function.partition(":")[0])
    try:
        return None if source is None else digest_of(source.read_bytes())
    except OSError:
        return None


def has_function(function: str) -> bool:
    """Whether the module of ``module:attribute`` seems to have it; read, not run. True where reading cannot tell."""
    module, _, attribute = function.partition(":")
    source = find_source(module)
    try:
        tree = ast.parse(source.read_bytes()) if source else None
    except (OSError, SyntaxError, ValueError):
        return True
    return tree is None or any(_may_bind(node, attribute) for node in ast.walk(tree))


def _may_bind(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name == name
    if isinstance(node, ast.alias):
        return (node.asname or node.name) in {name, "*"}
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
