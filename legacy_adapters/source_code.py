"""Which code an adapter or facade is: a digest of its module and of what it imports from its own package."""

import ast
import hashlib
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Final
from weakref import WeakKeyDictionary

MOST_MODULES: Final = 500
"""Most modules that are followed; those beyond do not count."""

_digests: "WeakKeyDictionary[ModuleType, str]" = WeakKeyDictionary()


def code_digest(module: ModuleType) -> str:
    """The SHA-256 digest, in hexadecimal, of the module's source and of every module near it that it imports.

    Near are modules of the same top-level package and, for a module outside of any package, those of its folder: what
    comes from elsewhere (a library) is another release's matter. Imports are read from the source, so those inside
    functions count too. The digest is taken once, when the module was just imported: a file that changes later is not
    the code that runs.
    """
    found = _digests.get(module)
    if found is None:
        found = _digests[module] = _digest(module)
    return found


def _digest(module: ModuleType) -> str:
    sources = _sources(module)
    state = hashlib.sha256()
    for name in sorted(sources):
        state.update(f"{name} {len(sources[name])}\n".encode())
        state.update(sources[name])
    return state.hexdigest()


def _sources(module: ModuleType) -> dict[str, bytes]:
    """The source of the module and of all near ones, by name."""
    if not getattr(module, "__file__", None):
        return {}
    root = Path(module.__file__ or "")
    pending = [(module.__name__, root)]
    sources: dict[str, bytes] = {}
    while pending and len(sources) < MOST_MODULES:
        name, path = pending.pop()
        if name in sources:
            continue
        sources[name] = path.read_bytes()
        is_package = path.name == "__init__.py"
        package = name if is_package else name.rpartition(".")[0]
        for imported in (package, *_imports(sources[name], package)):
            spec = _near(imported, module.__name__, root) if imported else None
            if spec is not None and spec.origin is not None:
                pending.append((spec.name, Path(spec.origin)))
    return sources


def _imports(source: bytes, package: str) -> Iterator[str]:
    """Every name that might be an imported module: with ``from a import b`` both ``a`` and ``a.b``."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _near(name: str, root_name: str, root: Path) -> ModuleSpec | None:
    """The module's spec, where it is one, has a source file, and is near the root."""
    package, _, rest = root_name.partition(".")
    is_in_package = bool(rest) or root.name == "__init__.py"
    if is_in_package and name.partition(".")[0] != package:
        return None
    try:
        spec = find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None  # an attribute of a module, or nothing that can be found
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return spec if is_in_package or Path(spec.origin).parent == root.parent else None
