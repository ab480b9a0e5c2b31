"""How a completion becomes the program that is tested.

    code     a program, bare or in Markdown, or what continues the prompt
    program  a whole program, taken as it is
    diff ... edit text in one of the formats of `lintseq.codecs`

Reading never raises: whatever a model wrote is some program, and what was wrong with it is told beside it.
"""

import ast
from dataclasses import dataclass
from hashlib import sha256

from lintseq.benchmarks.problem import Problem
from lintseq.codecs import SEPARATOR, Codec, Note, get_codec, join_edits, split_edits
from lintseq.codecs.text import end_without_tokens
from lintseq.errors import ConfigError, ProgramError
from lintseq.languages import get_language
from lintseq.languages.python.syntax import parse
from lintseq.program import Program
from lintseq.program.markdown import code_from_markdown

CODE, PROGRAM = "code", "program"

HARMLESS = frozenset({"end-token"})
"""Reasons of notes that say nothing against an edit."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program to be tested."""

    program: str
    """What is run."""
    text: str
    """What of it the model wrote, as a program of its own: what is linted and compared with others."""
    notes: tuple[Note, ...] = ()
    """What was ignored or repaired in edit text."""
    edits: int | None = None
    """How many edits the text has; None if it is no edit text."""
    applied: int = 0
    """How many of them changed the program."""
    remark: str = ""
    """Why there is no program, if there is none."""

    @property
    def digest(self) -> str:
        return sha256(self.program.encode("utf-8", "surrogatepass")).hexdigest()


def check_form(form: str) -> None:
    """Raise `ConfigError` if completions cannot be read in that form."""
    if form in (CODE, PROGRAM):
        return
    try:
        get_codec(form)
    except ConfigError as error:
        raise ConfigError(f"{error}; {CODE} for programs, {PROGRAM} for programs taken as they are") from None


def read(problem: Problem, completion: str, form: str) -> Candidate:
    """Return the program that a completion of a problem is."""
    if form == PROGRAM:
        return Candidate(completion, completion)
    if form == CODE:
        return _read_code(problem, completion)
    return _read_edits(problem, completion, get_codec(form))


def states(problem: Problem, completion: str, form: str) -> list[str]:
    """Return the program after each edit of an edit text; of any other text, there is one state."""
    if form in (CODE, PROGRAM):
        return [read(problem, completion, form).text]
    codec, start = get_codec(form), Program.from_text(problem.start)
    edits = split_edits(completion)
    return [codec.resolve(join_edits(edits[:count]), start).text for count in range(1, len(edits) + 1)]


def looks_like_edits(completion: str) -> bool:
    """Tell whether a completion starts as edit text does and no program can."""
    text = completion.lstrip()
    return text.startswith((SEPARATOR, "@@ -"))


def _read_edits(problem: Problem, completion: str, codec: Codec) -> Candidate:
    resolution = codec.resolve(completion, Program.from_text(problem.start))
    text = resolution.text
    edits = len(split_edits(completion[: end_without_tokens(completion)]))
    return Candidate(behind(problem.context, text), text, resolution.notes, edits, resolution.edits_applied)


def _read_code(problem: Problem, completion: str) -> Candidate:
    text, remark = completion, ""
    if not _parses(problem.prefix + text):
        text = text[: end_without_tokens(text)]
        if not _parses(problem.prefix + text):
            try:
                text = code_from_markdown(text, get_language())
            except ProgramError as error:
                remark = str(error)
    if problem.prefix and not _defines(text, problem.entry_point):
        whole = problem.prefix + text
        return Candidate(behind(problem.context, whole) if problem.context != problem.prefix else whole, whole)
    return Candidate(behind(problem.context, text), text, remark=remark)


def behind(context: str, program: str) -> str:
    """Return `program` behind `context`; imports from `__future__`, which have to come first, come first."""
    if not context:
        return program
    if "__future__" in program:
        lifted, program = _without_future(program)
        context = lifted + context
    return f"{context}{'' if context.endswith(chr(10)) else chr(10)}{program}"


def _without_future(program: str) -> tuple[str, str]:
    """Return the imports from `__future__`, and the program with `pass` in their place."""
    try:
        body = parse(program).body
    except ProgramError:
        return "", program
    lines = program.split("\n")
    lifted = ""
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__" and node.end_lineno is not None:
            lifted += ast.unparse(node) + "\n"
            lines[node.lineno - 1 : node.end_lineno] = ["pass"] + [""] * (node.end_lineno - node.lineno)
    return lifted, "\n".join(lines)


def _parses(text: str) -> bool:
    try:
        parse(text)
    except ProgramError:
        return False
    return True


def _defines(text: str, name: str) -> bool:
    """Tell whether `text` is a program by itself that binds `name`, or any program if there is no name."""
    try:
        body = parse(text).body
    except ProgramError:
        return False
    return not name or any(name in _bound(node) for node in body)


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name) for alias in node.names}
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
