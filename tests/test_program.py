"""Programs: exact text, and code taken out of Markdown."""

import pytest
from hypothesis import given, strategies as st

from lintseq.errors import ProgramError
from lintseq.languages import get_language
from lintseq.languages.python.syntax import parse
from lintseq.program import Program
from lintseq.program.markdown import code_from_markdown as from_markdown


def code_from_markdown(text: str) -> str:
    return from_markdown(text, get_language("python"))


texts = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(["a", " ", "\n", "\r", "\r\n", "\f", "\v", "\x1c", "\x85", "\u2028", "\ud800", "\0"])
    ).map("".join),
)


@given(texts)
def test_the_text_comes_back_exactly(text: str) -> None:
    program = Program.from_text(text)
    assert program.text == text
    assert program.final_newline == text.endswith("\n")
    assert not any("\n" in line for line in program.lines)
    assert Program.from_text(program.text) == program


@pytest.mark.parametrize(
    ("text", "lines", "final_newline"),
    [
        ("", (), False),
        ("\n", ("",), True),
        ("a", ("a",), False),
        ("a\n", ("a",), True),
        ("a\n\n", ("a", ""), True),
        ("a\r\nb\rc\x0cd\u2028e", ("a\r", "b\rc\x0cd\u2028e"), False),
    ],
)
def test_lines_end_at_newlines_alone(text: str, lines: tuple[str, ...], final_newline: bool) -> None:
    assert Program.from_text(text) == Program(lines, final_newline)


def test_a_state_ends_as_the_program_ends() -> None:
    assert Program(("a", "b"), True).render(["b"]) == "b\n"
    assert Program(("a", "b"), False).render(["a"]) == "a"
    assert Program(("", "b"), True).render([""]) == "\n"
    assert Program(("a",), True).render([]) == ""


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("def f(:\n    pass\n", "syntax", "line 1"),
        ("print 'hello'\n", "syntax", "line 1"),
        ("Here is how to do it.", "syntax", "line 1"),
        ("x = 1\n\0", "syntax", "null byte at character 6"),
        ("x = '\ud800'", "encoding", "character 5"),
        ("-" * 200_000 + "1", "nesting", "too deeply"),
    ],
)
def test_invalid_programs_are_rejected_with_a_reason(text: str, reason: str, detail: str) -> None:
    with pytest.raises(ProgramError, match=detail) as caught:
        parse(text)
    assert caught.value.reason == reason
    assert str(caught.value).startswith(f"{reason}: ")


def test_parser_warnings_are_not_errors() -> None:
    assert parse("x = '\\d'\nif x is 1: pass\n").body


@pytest.mark.parametrize("name", ["python", "py", "python3", "Python", "PY", " python", "python title=area.py", ""])
def test_a_fence_gives_its_body(name: str) -> None:
    assert code_from_markdown(f"Like so:\n\n```{name}\nx = 1\n```\n\nThat is all.\n") == "x = 1"
    assert code_from_markdown(f"Like so:\n~~~~{name}\nx = 1\n~~~~") == "x = 1"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # No fence, or a program that contains one.
        ("x = 1\n", "x = 1\n"),
        ('"""\n```python\nf()\n```\n"""\n', '"""\n```python\nf()\n```\n"""\n'),
        ("Write ```x``` like that.", "Write ```x``` like that."),
        # A fence that is never closed, or closed only by its like.
        ("So:\n```python\nx = 1\n", "x = 1"),
        ("So:\n```python\nx = 1", "x = 1"),
        ("So:\n````python\nx = '''\n```\n'''\n````\n", "x = '''\n```\n'''"),
        # Several fences.
        ("A:\n```python\nx = 1\n```\nB:\n```python\ny = x\n```\n", "x = 1\n\ny = x"),
        ("A:\n```python\nx = 1\n```\nB:\n```python\ndef (\n```\n", "x = 1"),
        ("A:\n```\nx = 1\n```\nB:\n```\n$ run me\n```\n", "x = 1"),
        ("A:\n```bash\npip install x\n```\nB:\n```python\ny = 2\n```\n", "y = 2"),
        ("A:\n```\n5\n```\nB:\n```python\ny = 2\n```\n", "y = 2"),
        ("A:\n```python\n```\nB:\n```python\ny = 2\n```\n", "y = 2"),
        # A named fence counts even if it does not parse: the error will say what is wrong with it.
        ("A:\n```python\nprint 1\n```\n", "print 1"),
        # Line endings, empty lines and indentation are kept, but for the fence's own.
        ("So:\n```python\n\nif x:\n\ty = 1\n\n```\n", "\nif x:\n\ty = 1\n"),
        ("So:\r\n```python\r\nx = 1\r\ny = 2\r\n```\r\n", "x = 1\r\ny = 2"),
        ("1. So:\n   ```python\n   if x:\n       y = 1\n\n   z = 2\n   ```\n", "if x:\n    y = 1\n\nz = 2"),
    ],
)
def test_code_is_found_in_markdown(text: str, code: str) -> None:
    assert code_from_markdown(text) == code


@pytest.mark.parametrize(
    "text", ["A:\n```bash\nls\n```\n", "A:\n```\nls -l /\n```\n", "A:\n```python\n```\n", "A:\n```python\n \n"]
)
def test_fences_without_python_are_rejected(text: str) -> None:
    with pytest.raises(ProgramError) as caught:
        code_from_markdown(text)
    assert caught.value.reason == "no-code"


@given(
    st.lists(st.sampled_from(["```", "~~~", "````", "python", "\n", "\r\n", "x = 1", "    ", "text "])).map("".join)
)
def test_any_answer_gives_a_text_or_a_reason(answer: str) -> None:
    try:
        code_from_markdown(answer)
    except ProgramError as error:
        assert error.reason == "no-code"


def test_many_fences_do_not_take_long() -> None:
    code_from_markdown("So:\n" + "```python\nx = 1\n```\n" * 3000)
