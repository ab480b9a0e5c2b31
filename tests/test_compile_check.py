"""Programs that parse but do not compile are rejected, though only some programs are compiled."""

import ast
import random
from pathlib import Path

import pytest

from lintseq.errors import ProgramError
from lintseq.languages.python.analysis import analyze
from lintseq.program import Program

BROKEN = [
    "return 1",
    "class A:\n    return 1",
    "yield 1",
    "[(yield 1) for x in y]",
    "async def f():\n    yield 1\n    return 2",
    "async def f():\n    yield from x",
    "await x",
    "def f():\n    await x",
    "def f():\n    async with x:\n        pass",
    "def f():\n    return [x async for x in y]",
    "break",
    "if x:\n    continue",
    "for x in y:\n    def f():\n        break",
    "while x:\n    class A:\n        continue",
    "for x in y:\n    pass\nelse:\n    break",
    "def f():\n    from os import *",
    "from __future__ import braces",
    "x = 1\nfrom __future__ import annotations",
    "nonlocal x",
    "def f():\n    nonlocal x",
    "def f(x):\n    global x",
    "def f():\n    x = 1\n    global x",
    "def f(a, a): pass",
    "lambda a, a: 1",
    "f(a=1, a=2)",
    "class A(b=1, b=2): pass",
    "x = *y",
    "return *x",
    "f'{*a}'",
    "*a, *b = c",
    "*a = b",
    "try:\n    pass\nexcept:\n    pass\nexcept OSError:\n    pass",
    "match x:\n    case _:\n        pass\n    case 1:\n        pass",
    "match x:\n    case [a, a]:\n        pass",
    "match x:\n    case a | 1:\n        pass",
    "[(x := 1) for x in y]",
    "class A:\n    [y := x for x in z]",
    "__debug__ = 1",
    "\n".join("    " * n + "for x in y:" for n in range(21)) + "\n" + "    " * 21 + "pass",
]


def is_rejected(source: str) -> bool:
    try:
        compile(source, "program", "exec", dont_inherit=True)
    except SyntaxError:
        return True
    return False


@pytest.mark.parametrize("source", BROKEN)
def test_programs_that_do_not_compile_are_rejected(source: str) -> None:
    if not is_rejected(source):
        pytest.skip("this Python compiles it")
    with pytest.raises(ProgramError) as caught:
        analyze(Program.from_text(source))
    assert caught.value.reason == "syntax"


def test_most_of_them_do_not_compile_in_any_python() -> None:
    assert sum(map(is_rejected, BROKEN)) > len(BROKEN) - 5


def test_mutated_programs_are_rejected_exactly_if_they_do_not_compile() -> None:
    rng = random.Random(3)
    sources = [path.read_text() for path in sorted((Path(__file__).parent / "cases" / "needs").glob("*.py"))]
    count = 0
    for _ in range(3000):
        lines = rng.choice(sources).split("\n")
        for _ in range(rng.randint(1, 3)):
            target, origin = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[target] = rng.choice(["", "    ", lines[origin][:4]]) + lines[origin].lstrip()
        source = "\n".join(lines)
        try:
            if not ast.parse(source).body:
                continue
        except SyntaxError:
            continue
        if is_rejected(source):
            count += 1
            with pytest.raises(ProgramError):
                analyze(Program.from_text(source))
        else:
            analyze(Program.from_text(source))
    assert count > 20
