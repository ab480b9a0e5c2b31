"""The analysis of Python: from a program's text to its needs, in one pass over its syntax tree."""

from lintseq.errors import ProgramError
from lintseq.languages.python.flow import Flow
from lintseq.languages.python.layout import lay_out
from lintseq.languages.python.lines import SourceLines
from lintseq.languages.python.members import MemberNeeds
from lintseq.languages.python.syntax import check_compiles, parse
from lintseq.linting.syntax import with_whole_stack
from lintseq.needs import Analysis, NeedsBuilder
from lintseq.program import Program


def analyze(program: Program) -> Analysis:
    """Return the units and needs of a Python program; raise `ProgramError` if it does not compile or has no code.

    Installed packages make no difference.
    """
    try:
        return with_whole_stack(lambda: _analyze(program))
    except RecursionError:
        raise ProgramError("nesting", "nested too deeply to analyze") from None


def _analyze(program: Program) -> Analysis:
    text = program.text
    tree = parse(text)
    if not tree.body:
        if not text.strip():
            raise ProgramError("empty", "there is no text")
        raise ProgramError("no-code", "there are only comments")
    lines = SourceLines.of(program)
    layout = lay_out(tree, lines.texts)
    builder = NeedsBuilder(len(layout.parent_of))
    lines.tie(layout.unit_of, layout.anchor_of, builder)
    for unit, parent in enumerate(layout.parent_of):
        builder.need(unit, parent)
    for unit, others in layout.alternatives:
        builder.need_any(unit, others)
    flow = Flow(tree, lines.texts, layout, builder)
    facts = flow.run()
    if flow.needs_compile or "__debug__" in text:
        check_compiles(tree, text)
    MemberNeeds(facts, builder, layout.unit_of).add()
    facts.release()
    units = [layout.unit_of.get(line) for line in range(len(lines.texts))]
    return Analysis(lines.of_program(units), lines.of_program(layout.anchor_of), builder.finish())
