"""``{NAME}`` in commands and variables. Pure.

Only a plain name between braces is a placeholder, so ``DRIVER={MariaDB Unicode}`` stays as it is; where a driver's
name is one word, ``{{SQLite3}}`` keeps its braces.
"""

import difflib
import re
from collections.abc import Mapping

from strangler.errors import UsageError

_FORM = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill(template: str, values: Mapping[str, str], where: str) -> str:
    """The template with every placeholder replaced; ``where`` names the process and field for the error.

    Raises:
        UsageError: a placeholder that nobody provides.
    """

    def value_of(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None:
            return found.group(0)[0]
        if name not in values:
            near = difflib.get_close_matches(name, values, n=1)
            hint = f"did you mean {{{near[0]}}}?" if near else "no process provides it"
            raise UsageError(f"{where}: {found.group(0)} is unknown; {hint}")
        return values[name]

    return _FORM.sub(value_of, template)


def fill_all(templates: Mapping[str, str], values: Mapping[str, str], where: str) -> dict[str, str]:
    """Every template of a mapping filled."""
    return {name: fill(template, values, f"{where}.{name}") for name, template in templates.items()}
