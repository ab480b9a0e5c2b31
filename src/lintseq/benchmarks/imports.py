"""Which modules a text imports that are not Python's own."""

import ast
import sys
from collections.abc import Iterable

from lintseq.errors import ProgramError
from lintseq.languages.python.syntax import parse


def needed(texts: Iterable[str]) -> frozenset[str]:
    """Return the top-level modules, beyond the standard library, that any of the texts imports."""
    found: set[str] = set()
    for text in texts:
        try:
            tree = parse(text)
        except ProgramError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return frozenset(found - sys.stdlib_module_names - {"__main__"})
