"""Three judges of states, independent of lintseq's analysis: the compiler, pyflakes and stock pylint."""

import ast
import builtins
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from pyflakes.checker import Checker

Findings = Counter[tuple[str, str]]

MAY_BE_UNFINISHED = {
    "UnusedImport",
    "UnusedVariable",
    "UnusedAnnotation",
    "UnusedIndirectAssignment",
    "RedefinedWhileUnused",
    "FStringMissingPlaceholders",
    "TStringMissingPlaceholders",
    "ImportStarUsed",
    "ImportStarUsage",
}
"""Kinds of pyflakes messages about names that are unused so far, or that pyflakes cannot decide."""

_PYLINT_OPTIONS = [
    "--rcfile=" + os.devnull,
    "--disable=all",
    "--enable=E,F,W0311,W0231",
    "--generated-members=cv2.*",
    "--score=n",
    "--reports=n",
    "--msg-template={path}|{msg_id}|{line}|{msg}",
]
_IMPORTS = "--disable=E0401,E0402,E0611"
_ONLY_STANDARD_IMPORTS = """--init-hook=
import sys
from astroid import manager
def find(modpath, *args, find=manager.file_info_from_modpath, known=sys.stdlib_module_names, **options):
    if modpath[0] not in known:
        raise ImportError(modpath[0])
    return find(modpath, *args, **options)
manager.file_info_from_modpath = find
"""
"""What happens to be installed where the benchmark runs makes no difference."""
IMPORTS_UNRESOLVED = (_IMPORTS, _ONLY_STANDARD_IMPORTS)
_PYLINT_LINE = re.compile(r"(?:.*/)?state_(\d+)\.py\|([A-Z]\d+)\|\d+\|(.*)")
_CHUNK = 300

_HINT = re.compile(r"; (?:maybe|did you mean) .*|[;,.]? (?:Did you mean|Perhaps you forgot) [^?]*\?")
_LINE = re.compile(r"\bstate_\d+|\blines? \d+|\(<\w+>, line \d+\)|:\d+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judges' findings on one text."""

    compiles: bool
    pyflakes: Findings
    """All kinds of messages, including those in `MAY_BE_UNFINISHED`."""
    pylint: Findings
    own_pylint: Findings | None = None
    """By lintseq's `pylint` linter, which resolves no import."""


def new_findings(state: Findings, whole: Findings) -> list[tuple[str, str]]:
    """Return the findings that a state has more often than the whole program."""
    return [finding for finding, count in state.items() if count > whole[finding]]


def judge(texts: Sequence[str], *, with_own: bool = False) -> list[Verdict]:
    """Return the verdict on each text."""
    compiled = [compiles(text) for text in texts]
    linted = iter(pylint_all([text for text, good in zip(texts, compiled, strict=True) if good]))
    own = own_pylint() if with_own else None
    verdicts = []
    for text, good in zip(texts, compiled, strict=True):
        if good:
            verdicts.append(Verdict(True, pyflakes_findings(text), next(linted), own(text) if own else None))
        else:
            verdicts.append(Verdict(False, Counter(), Counter(), Counter()))
    return verdicts


def own_pylint() -> Callable[[str], Findings]:
    from lintseq.languages import get_linter

    check = get_linter("pylint").check
    return lambda text: Counter((diagnostic.code, plain(diagnostic.message)) for diagnostic in check(text))


def compiles(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<state>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def pyflakes_findings(text: str) -> Findings:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        messages = Checker(ast.parse(text), withDoctest=False).messages
    return Counter((type(found).__name__, plain(str(found.message % found.message_args))) for found in messages)


def pylint_all(
    texts: Sequence[str], *, folders: Sequence[Path] = (), options: Sequence[str] = IMPORTS_UNRESOLVED
) -> list[Findings]:
    """Return the findings of stock pylint, run without a configuration file, for each text.

    With `folders`, each text is written to its folder for the time being, and its imports resolve as far as they can.
    """
    if folders:
        options = (_IMPORTS,)
    found: list[Findings] = [Counter() for _ in texts]
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as folder, ExitStack() as written:
        paths = [Path(folder) / f"state_{number}.py" for number in range(len(texts))]
        if folders:
            paths = [folder / path.name for folder, path in zip(folders, paths, strict=True)]
        for path, text in zip(paths, texts, strict=True):
            written.callback(path.unlink)
            path.write_bytes(text.encode())
        names = [str(path) for path in paths]
        chunks = [names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)]
        cores = len(os.sched_getaffinity(0))
        for start in range(0, len(chunks), cores):
            running = [_start_pylint(chunk, folder, options) for chunk in chunks[start : start + cores]]
            for process in running:
                output, errors = process.communicate()
                if process.returncode & 32 or "Traceback" in errors:
                    raise SystemExit(f"pylint failed: {errors[-2000:]}")
                for match in map(_PYLINT_LINE.match, output.splitlines()):
                    if match:
                        found[int(match[1])][match[2], plain(match[3])] += 1
    return found


def _start_pylint(names: Sequence[str], folder: str, options: Sequence[str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "pylint", *_PYLINT_OPTIONS, *options, *names]
    environment = os.environ | {"PYLINTHOME": folder, "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


# Bases that cannot be imported


def without_foreign_bases(text: str, foreign: Set[str]) -> str:
    """Return a program without the bases of its classes that come from foreign names; every line keeps its number.

    Pylint says nothing about the members of a class if it cannot see all its bases.
    """
    lines = text.split("\n")
    starts = list(accumulate((len(line.encode()) + 1 for line in lines), initial=0))
    data = text.encode()

    def span(node: ast.expr | ast.keyword) -> tuple[int, int]:
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        return starts[node.lineno - 1] + node.col_offset, end

    classes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
    for node in sorted(classes, key=lambda node: node.lineno, reverse=True):
        kept = [base for base in node.bases if _root(base) not in foreign]
        if len(kept) == len(node.bases):
            continue
        start = data.index(b"(", starts[node.lineno - 1] + node.col_offset) + 1
        last = max(span(part)[1] for part in (*node.bases, *node.keywords))
        rest = re.match(rb"(?:[\s,]|#.*)*", data[last:])
        end = last + (rest.end() if rest else 0)
        parts = [data[slice(*span(part))] for part in (*kept, *node.keywords)]
        header = b", ".join(parts)
        data = data[:start] + header + b"\n" * (data[start:end].count(b"\n") - header.count(b"\n")) + data[end:]
    changed = data.decode()
    return changed if compiles(changed) else text


def foreign_names(text: str) -> set[str]:
    """Return the names of a program that are imported from outside the standard library, or made from such names."""
    nodes = list(ast.walk(ast.parse(text)))
    foreign: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            aliases = [alias for alias in node.names if alias.name.split(".")[0] not in sys.stdlib_module_names]
        elif isinstance(node, ast.ImportFrom):
            is_known = not node.level and (node.module or "").split(".")[0] in sys.stdlib_module_names
            aliases = [] if is_known else node.names
        else:
            continue
        foreign.update(alias.asname or alias.name.split(".")[0] for alias in aliases)
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    defined = {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    if "*" in foreign:
        foreign |= {_root(base) for node in nodes if isinstance(node, ast.ClassDef) for base in node.bases} - bound
        foreign.difference_update(dir(builtins))
    foreign -= defined
    made = [node for node in nodes if isinstance(node, ast.Assign)]
    while new := {
        target.id
        for node in made
        for target in node.targets
        if isinstance(target, ast.Name) and _root(node.value) in foreign and target.id not in foreign
    }:
        foreign |= new
    return foreign


def _root(node: ast.expr) -> str:
    """Return the name at the beginning of an expression such as `name.attribute[0]()`, empty for other expressions."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def plain(message: str) -> str:
    """Return a message without what depends on the file and other lines: its name, line numbers and hints."""
    return _LINE.sub("", _HINT.sub("", message))
