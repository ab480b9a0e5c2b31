"""Three judges of states, independent of lintseq's analysis: the compiler, pyflakes and stock pylint."""

import ast
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
IMPORTS_UNRESOLVED = "--disable=E0401,E0402,E0611"
_PYLINT_LINE = re.compile(r"state_(\d+)\.py\|([A-Z]\d+)\|\d+\|(.*)")
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


def pylint_all(texts: Sequence[str], *, options: Sequence[str] = (IMPORTS_UNRESOLVED,)) -> list[Findings]:
    """Return the findings of stock pylint, run without a configuration file, for each text."""
    found: list[Findings] = [Counter() for _ in texts]
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as folder:
        names = [f"state_{number}.py" for number in range(len(texts))]
        for name, text in zip(names, texts, strict=True):
            (Path(folder) / name).write_bytes(text.encode())
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


def plain(message: str) -> str:
    """Return a message without what depends on the file and other lines: its name, line numbers and hints."""
    return _LINE.sub("", _HINT.sub("", message))
