"""The analysis of Python: from a program's text to its needs, in one pass over its syntax tree."""

from collections.abc import Iterable, Iterator

from lintseq.errors import ProgramError
from lintseq.languages.python.flow import Flow
from lintseq.languages.python.layout import lay_out
from lintseq.languages.python.lines import SourceLines
from lintseq.languages.python.members import MemberNeeds
from lintseq.languages.python.scopes import Facts
from lintseq.languages.python.syntax import BUILTIN_CLASSES, check_compiles, parse
from lintseq.linting.syntax import with_whole_stack
from lintseq.needs import HEADER, PART, Analysis, Needs, NeedsBuilder
from lintseq.needs.graph import member
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
        is_part = layout.kind_of.get(unit, "").startswith(PART)  # of one version of a statement, and of no other
        builder.need(unit, parent, "" if is_part else HEADER)
    for unit, others in layout.alternatives:
        builder.need_any(unit, others)
    flow = Flow(tree, lines.texts, layout, builder)
    facts = flow.run()
    if flow.needs_compile or "__debug__" in text:
        check_compiles(tree, text)
    members = MemberNeeds(facts, builder, layout.unit_of)
    members.add()
    provides = _provided(facts, len(layout.parent_of))
    for owner in facts.classes:
        if owner.bases and members.foreign_bases(owner) - BUILTIN_CLASSES:
            provides.setdefault(owner.unit, set()).add(member(""))  # any, for all that is known
    facts.release()
    units = [layout.unit_of.get(line) for line in range(len(lines.texts))]
    needs = builder.finish()
    return Analysis(
        lines.of_program(units),
        lines.of_program(layout.anchor_of),
        needs,
        tuple(layout.parent_of),
        tuple([layout.kind_of.get(unit, "") for unit in range(len(layout.parent_of))]),
        provides,
        members.calls.signatures,
        members.calls.calls,
        flow.declared,
        [*members.implied, *members.calls.implied],
        [*flow.undefined, *_from_stars(needs, flow.star_imports)],
    )


def _provided(facts: Facts, units: int) -> dict[int, set[str]]:
    """Return the names that each unit binds, and the members that it makes."""
    found: dict[int, set[str]] = {}
    for scope in facts.scopes:
        for name, bindings in scope.bindings.items():
            for node, _ in bindings:
                if node < units:
                    found.setdefault(node, set()).add(name)
    for owner in facts.classes:
        for name, members in owner.members.items():
            for made in members:
                found.setdefault(made.unit, set()).add(member(name))
    return found


def _from_stars(needs: Needs, star_imports: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Yield the uses of names of known modules that star imports bind: linters that look at no module miss them."""
    for star in star_imports:
        for unit, name in zip(needs.dependents[star], needs.purposes[star], strict=True):
            if unit < needs.units and name.isidentifier():
                yield unit, name
