"""How a completion becomes the program that is tested.

    code     a program, bare or in Markdown, or a continuation of the prompt
    program  a whole program, taken as it is
    diff ... edit text in one of the formats of `lintseq.codecs`

Never raises: every completion gives some program, and the problems of the completion are recorded with it.
"""

import ast
from dataclasses import dataclass
from hashlib import sha256

from lintseq.benchmarks import CODE, PROGRAM, Problem
from lintseq.benchmarks.python_code import parse_body
from lintseq.codecs import Codec, Note, get_codec, split_edits
from lintseq.codecs.text import end_without_tokens
from lintseq.errors import ProgramError
from lintseq.languages import get_language
from lintseq.languages.python.syntax import parse
from lintseq.program import Program
from lintseq.program.markdown import code_from_markdown

HARMLESS = frozenset({"end-token"})
"""Reasons of notes that do not make an edit malformed."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program to be tested."""

    program: str
    """What is run."""
    text: str
    """The part that the model wrote, as a separate program, for linting and comparison."""
    notes: tuple[Note, ...] = ()
    """What was ignored or repaired in edit text."""
    states: tuple[str, ...] | None = None
    """The program after each edit; None if the completion is not edit text."""
    edits: int = 0
    applied: int = 0
    """Number of edits that changed the program."""
    remark: str = ""
    """Why the completion holds no program."""

    @property
    def digest(self) -> str:
        """SHA-256 of the program."""
        return sha256(self.program.encode("utf-8", "surrogatepass")).hexdigest()


def candidate_of(problem: Problem, completion: str, format: str) -> Candidate:
    """Return the program that a completion of a problem gives."""
    if format == PROGRAM:
        return Candidate(completion, completion)
    if format == CODE:
        return _from_code(problem, completion)
    return _from_edits(problem, completion, get_codec(format))


def _from_edits(problem: Problem, completion: str, codec: Codec) -> Candidate:
    start = Program.from_text(problem.start)
    resolution = codec.resolve(completion, start)
    # Edits are counted by their separators, so text before the first one is an edit that changes nothing.
    count = len(split_edits(completion))
    states = [start.text] * count + [resolution.program.render(state.lines) for state in resolution.states()]
    return Candidate(
        with_context(problem.context, resolution.text),
        resolution.text,
        resolution.notes,
        tuple(states[-count:] if count else ()),
        len(split_edits(completion[: end_without_tokens(completion)])),
        resolution.edits_applied,
    )


def _from_code(problem: Problem, completion: str) -> Candidate:
    remark = ""
    for text in (completion, completion[: end_without_tokens(completion)]):
        if _parses(problem.prefix + text):
            break
    else:
        try:
            text = code_from_markdown(text, get_language())
        except ProgramError as error:
            remark = str(error)
    if problem.prefix and not _defines(text, problem.entry_point):
        whole = problem.prefix + text
        return Candidate(whole if problem.context == problem.prefix else with_context(problem.context, whole), whole)
    return Candidate(with_context(problem.context, text), text, remark=remark)


def with_context(context: str, program: str) -> str:
    """Return `program` after `context`; imports from `__future__`, which have to come first, are moved to the top."""
    if not context:
        return program
    if "__future__" in program:
        imports, program = _without_future(program)
        context = imports + context
    return f"{context}{'' if context.endswith(chr(10)) else chr(10)}{program}"


def _without_future(program: str) -> tuple[str, str]:
    """Return the imports from `__future__`, and the program with `pass` in their place."""
    lines = program.split("\n")
    imports = ""
    for node in parse_body(program):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__" and node.end_lineno is not None:
            imports += ast.unparse(node) + "\n"
            lines[node.lineno - 1 : node.end_lineno] = ["pass"] + [""] * (node.end_lineno - node.lineno)
    return imports, "\n".join(lines)


def _parses(text: str) -> bool:
    try:
        parse(text)
    except ProgramError:
        return False
    return True


def _defines(text: str, name: str) -> bool:
    """Return whether `text` is a program that binds `name`; without a name, whether it is a program."""
    return any(name in _bound(node) for node in parse_body(text)) if name else _parses(text)


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name) for alias in node.names}
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
