"""Reading Python source: decoding, parsing, compiling."""

import ast
import io
import tokenize
import tomllib
import warnings
from pathlib import Path

from lintseq.errors import ProgramError
from lintseq.linting.syntax import syntax_tree, with_whole_stack
from lintseq.program import Program

_NAMES = tomllib.loads(Path(__file__).with_name("python_names.toml").read_text(encoding="utf-8"))
BUILTIN_CLASSES = frozenset(_NAMES["classes"].split())
BUILTINS = BUILTIN_CLASSES | frozenset(_NAMES["others"].split())
TYPING_NAMES = frozenset(_NAMES["typing"].split())
STDLIB_MODULES = frozenset(_NAMES["modules"].split())
MEMBERS = {
    kind: frozenset(f"{names} {_NAMES['members']['object']}".split()) for kind, names in _NAMES["members"].items()
}
"""The names of the members of instances of built-in types, by the name of the type."""


def decode(data: bytes) -> str:
    """Return the text of a source file, in the encoding that it declares; line endings are kept.

    Raises `ProgramError` if it does not decode.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise ProgramError("encoding", f"the source does not decode: {error}; store it as UTF-8") from None


def parse(text: str) -> ast.Module:
    """Return the syntax tree of `text`; raise `ProgramError` with the reason if it does not parse."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ProgramError("encoding", f"character {error.start} is a lone surrogate") from None
    if "\0" in text:
        raise ProgramError("syntax", f"a null byte at character {text.index(chr(0))}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return with_whole_stack(lambda: syntax_tree(text))
    except SyntaxError as error:
        raise ProgramError("syntax", f"line {error.lineno}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise ProgramError("nesting", "nested too deeply for Python's parser") from None
    except ValueError as error:
        raise ProgramError("syntax", str(error)) from None


def check_compiles(tree: ast.Module, text: str) -> None:
    """Raise `ProgramError` for a program that parses but does not compile, such as a `return` outside a function."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                compile(tree, "<program>", "exec", dont_inherit=True)
            except RecursionError:  # the text takes less stack, and more time
                with_whole_stack(lambda: compile(text, "<program>", "exec", dont_inherit=True))
    except SyntaxError as error:
        raise ProgramError("syntax", f"line {error.lineno}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise ProgramError("nesting", "nested too deeply for Python's compiler") from None


def is_program(text: str) -> bool:
    """Tell whether `text` parses and holds code, not only comments."""
    try:
        return bool(parse(text).body)
    except ProgramError:
        return False


def documentation(program: Program) -> str:
    """Return the module's docstring; "" if it has none or does not parse."""
    try:
        return ast.get_docstring(parse(program.text)) or ""
    except ProgramError:
        return ""


def last_name(node: ast.expr) -> str:
    """Return the name of a name or an attribute; "" for other expressions."""
    if type(node) is ast.Name:
        return node.id
    return node.attr if type(node) is ast.Attribute else ""
