"""Line endings and backslashes: what Python takes for one line or for several is not always what `\\n` separates."""

import pytest
from hypothesis import given, settings, strategies as st

from lintseq.codecs import get_codec
from lintseq.errors import ProgramError
from lintseq.languages.python.analysis import analyze
from lintseq.linting import findings, new_diagnostics
from lintseq.linting.pyflakes import PyflakesLinter
from lintseq.program import Program
from lintseq.walks import ProgramSampler


@pytest.mark.parametrize(
    ("text", "units"),
    [
        # A lone carriage return ends a line for Python: both lines stay or go together.
        ("import os\rprint(os)\ny = 1\n", [[0], [1]]),
        ("import os\r\rprint(os)\r\r\ny = 1\n", [[0], [1]]),
        ("if a:\r    x = 1\nelse:\n    x = 2\nprint(x)\n# a\n# b\n", [[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [3, 4, 5]]),
        ("if a:\n    x = 1\relse:\n    x = 2\ny = 3\n", [[0, 1, 2], [3]]),
        ("x = 1\rif a:\n    y = 2\nz = 3\n", [[0, 1], [2]]),
        ("# a\rx = 1\ny = 2\n", [[0], [1]]),
        ("f = [\n    1, # a\r]\ny = 2\n", [[0, 1], [2]]),
        ("f = [\n    1,\r    2,\n    3,\n]\n", [[0, 1, 2, 3], [1], [2]]),
        ("@a\rdef f():\n    pass\n@b\ndef g():\r    pass", [[0, 1], [2, 3]]),
        ('x = """a\rb\n"""\ny = 2\n', [[0, 1], [2]]),
        # A backslash joins a line with the next one, whatever is on it.
        ("x = 1 \\\n\ny = 2\n", [[0, 1], [2]]),
        ("x = 1 \\\r\n\r\ny = 2\r\n", [[0, 1], [2]]),
        ("x = 1; \\\ny = 2\nz = 3\n", [[0, 1], [2]]),
        ("# a\n\\\n\nx = 1\n", [[0, 1, 2, 3]]),
        ("# a\n\\\nx = 1\ny = 2\n", [[0, 1, 2], [3]]),
        ("if a: \\\n    x = 1; \\\n    y = 2\nz = 3\n", [[0, 1, 2], [3]]),
        ("if a:\n    x = 1\n    \\\n\ny = 2\n", [[0, 1], [2, 3, 4]]),
        ("x = [\n    1, \\\n\n    2,\n]\n", [[0, 1, 2, 3, 4], [3]]),
        ("x = 1\n# ends in a backslash \\\ny = 2\n", [[0], [1, 2]]),
        # Without a final newline, the blank line below it would end the text.
        ("x = 1 \\\n\ny = 2", [[0, 1, 2]]),
    ],
)
def test_lines_that_cannot_be_separated_go_together(text: str, units: list[list[int]]) -> None:
    analysis = analyze(Program.from_text(text))
    chosen = list(dict.fromkeys(unit for unit in analysis.unit_of if unit is not None))
    removed = [set(analysis.needs.start().remove(unit)) for unit in chosen]
    lines = [[line for line, unit in enumerate(analysis.anchor_of) if unit in gone] for gone in removed]
    assert [group for index, group in enumerate(lines) if group not in lines[:index]] == units


def test_a_state_does_not_end_in_half_a_line_ending() -> None:
    text = "x = 1\r\ny = 2\r\nz = 3"
    sampler = ProgramSampler(text)
    states = {state for draw in range(20) for state in sampler.sample(draw=draw).states()}
    assert {"x = 1\r\n", "x = 1\r\nz = 3", text} < states
    assert not any(state.endswith("\r") for state in states)
    assert Program.from_text("x = 1\r\ny = 2\r").text == "x = 1\r\ny = 2\r"
    sequence = sampler.sample()
    for codec in map(get_codec, ("diff", "udiff", "states", "search-replace")):
        assert codec.read(codec.write(sequence)) == sequence


ENDS = [
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\r\r\n",
    " \\\n\n",
    " \\\n",
    "; \\\n",
    ";\n",
    "  # a\n",
    "  # a \\\n",
    " \\\r\n",
    ",\n",
]
PIECES = [
    *("x = 1", "y = 2", "", "", "# a", "\\", "    \\", "    # b", "pass", "    pass", "    z = 3", "if x:", "else:"),
    *(
        "try:",
        "finally:",
        "def f():",
        "    return x",
        "@f",
        "class A:",
        "x = [",
        "    1,",
        "    2,",
        "]",
        '"""',
        "f(x)",
    ),
    *("match x:", "    case 1:", "        pass", "elif y:", "except x:", "while x: pass", "for x in y:", "f(", ")"),
]


@settings(max_examples=400, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(ENDS)), max_size=12), st.booleans())
def test_states_compile_however_lines_end(pieces: list[tuple[str, str]], final_newline: bool) -> None:
    text = "".join(piece + end for piece, end in pieces)
    if not final_newline:
        text = text.removesuffix("\n").removesuffix("\r")
    try:
        sampler = ProgramSampler(text)
        compile(text, "program", "exec")
    except (ProgramError, SyntaxError, ValueError):
        return
    linter = PyflakesLinter()
    known = findings(linter.check(text))
    for draw in range(3):
        for state in sampler.sample(draw=draw).states():
            compile(state, "state", "exec", dont_inherit=True)
            assert not new_diagnostics(known, linter.check(state)), state
