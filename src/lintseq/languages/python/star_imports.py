"""What star imports provide: the public names of the standard library, the same under every interpreter.

`star_imports.txt` has a line for each module, written by `tests/star_imports.py`. Names of builtins are left out.
"""

from functools import cache
from pathlib import Path


def provided_by(module: str) -> frozenset[str] | None:
    """Return the names that `from MODULE import *` binds; None for a module outside the standard library."""
    return _table().get(module)


@cache
def _table() -> dict[str, frozenset[str]]:
    lines = Path(__file__).with_name("star_imports.txt").read_text(encoding="utf-8").splitlines()
    return {module: frozenset(names) for module, *names in map(str.split, lines)}
