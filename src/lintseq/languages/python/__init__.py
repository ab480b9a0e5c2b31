"""The analysis of Python: from a program's text to its needs, in one pass over its syntax tree.

Never imports or runs the program, and never looks at what is installed.
"""

from dataclasses import dataclass

from lintseq.errors import ProgramError
from lintseq.languages.python.layout import FREE, STAYS, lay_out
from lintseq.languages.python.members import add_member_needs
from lintseq.languages.python.names import Flow
from lintseq.needs.graph import Deaths, Needs, NeedsBuilder
from lintseq.program import Program, check_compiles, parse_python

__all__ = ["FREE", "STAYS", "Analysis", "Deaths", "Needs", "NeedsBuilder", "analyze"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What there is to know of a program to walk it.

    `unit_of[line]` is the unit of a line of code (FREE for a blank line or a comment), `anchor_of[line]` the
    unit that the line goes with (STAYS: with none, it stays to the end of a walk).
    """

    unit_of: tuple[int, ...]
    anchor_of: tuple[int, ...]
    needs: Needs


def analyze(program: Program) -> Analysis:
    """Return the units and needs of a Python program; raise `ProgramError` if it is none or holds no code."""
    text = program.text
    tree = parse_python(text)
    if not tree.body:
        if not text.strip():
            raise ProgramError("empty", "there is no text")
        raise ProgramError("no-code", "there are only comments")
    try:
        layout = lay_out(tree, program.lines)
        builder = NeedsBuilder(len(layout.parent_of))
        for unit, parent in enumerate(layout.parent_of):
            if parent >= 0:
                builder.need(unit, parent)
        for unit, others in layout.alternatives:
            builder.need_any(unit, others)
        flow = Flow(tree, program.lines, layout, builder)
        facts = flow.run()
        if flow.doubtful or "__debug__" in text:
            check_compiles(tree)
        add_member_needs(facts, builder, layout.unit_of)
        facts.dissolve()
    except RecursionError:
        raise ProgramError("nesting", "nested too deeply to analyze") from None
    return Analysis(tuple(layout.unit_of), tuple(layout.anchor_of), builder.finish())
