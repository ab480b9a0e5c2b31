"""Functions and classes as programs of their own, with everything that they need from their module.

A case in `tests/cases/definitions` is a module; the .txt file of the same name has its definitions.
`python tests/test_definitions.py` writes missing ones; review them.
"""

import ast
import random
import sysconfig
import warnings
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from pyflakes.checker import Checker

from lintseq.languages.python.definitions import documented
from lintseq.rows.sourcecode import decoded

CASES = sorted(Path(__file__).parent.joinpath("cases/definitions").glob("*.py"))
STANDARD_LIBRARY = Path(sysconfig.get_paths()["stdlib"])
FILES = [20, pytest.param(70, marks=pytest.mark.slow)]


def extracted(text: str) -> str:
    return "\n".join(
        f"{'=' * 12} {definition.name} (line {definition.line}): {definition.documentation}\n{definition.program}"
        for definition in documented(text)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_definition_comes_with_what_it_needs_and_no_more(case: Path) -> None:
    assert extracted(case.read_text()) == case.with_suffix(".txt").read_text()


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_line_endings_of_other_systems_make_no_difference(case: Path, ending: str) -> None:
    assert extracted(case.read_text().replace("\n", ending)) == case.with_suffix(".txt").read_text()


def test_other_unicode_line_ends_stay_in_their_line() -> None:
    module = 'a = "\x0c\x1c\x85\u2028"\n\x0c\n\ndef f():\n    """Return an odd text."""\n    return a\n'
    (definition,) = documented(module)
    assert (
        definition.program == 'a = "\x0c\x1c\x85\u2028"\n\n\ndef f():\n    """Return an odd text."""\n    return a\n'
    )


NAMES = [f"n{number}" for number in range(6)]


@st.composite
def modules(draw: st.DrawFn) -> str:
    """A module of definitions and variables that use each other, wherever they stand."""
    statements = []
    for name in draw(st.permutations(NAMES)):
        used = draw(st.lists(st.sampled_from(NAMES), max_size=3))
        shape = draw(
            st.sampled_from(
                [
                    "def {0}({2}=0):\n    '''Do what is right.'''\n    return {1}, {2}",
                    "class {0}:\n    '''Be what is right.'''\n    {2} = 1\n    def f(self): return {1}",
                    "{0} = lambda {2}: [{1}, {2}]",
                    "if 1:\n    {0} = lambda: [{1}]\nelse:\n    import {0}",
                    "try:\n    {0} = 1\nfinally:\n    print",
                    "with open('') as {0}: pass",
                    "x_{0} = {0} = 3",
                    "from x import {0}, {0} as y_{0}",
                ]
            )
        )
        statements.append(shape.format(name, ", ".join([*used, "0"]), draw(st.sampled_from([*NAMES, "own"]))))
    return "\n\n".join(statements) + "\n"


@given(modules())
def test_no_definition_lacks_a_name_of_its_module(module: str) -> None:
    whole = undefined(module)
    for definition in documented(module):
        assert undefined(definition.program) <= whole, definition.program
        again = next(other for other in documented(definition.program) if other.name == definition.name)
        assert again.program == definition.program


@pytest.mark.parametrize("files", FILES)
def test_definitions_of_the_standard_library_compile_without_undefined_names(files: int) -> None:
    paths = [path for path in STANDARD_LIBRARY.rglob("*.py") if not {"test", "tests", "site-packages"} & {*path.parts}]
    count = 0
    for path in random.Random(1).sample(sorted(paths), files):
        text = decoded(path.read_bytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = undefined(text)
            definitions = list(documented(text))
            for definition in random.Random(1).sample(definitions, min(len(definitions), 3)):
                count += 1
                compile(definition.program, "<program>", "exec", dont_inherit=True)
                assert undefined(definition.program) <= whole, f"{path}: {definition.name}"
                assert definition.program.endswith("\n")
    assert count > files / 2


def undefined(text: str) -> set[str]:
    """Return the names that pyflakes finds to be undefined."""
    found = Checker(ast.parse(text), withDoctest=False).messages
    kinds = {"UndefinedName", "UndefinedLocal", "UndefinedExport"}
    return {message.message_args[0] for message in found if type(message).__name__ in kinds}


if __name__ == "__main__":
    for case in CASES:
        if not case.with_suffix(".txt").exists():
            case.with_suffix(".txt").write_text(extracted(case.read_text()))
