"""The black-box walk: the paper's loop, around any linter."""

from collections import Counter
from collections.abc import Iterable, Sequence

from lintseq.edits import EditSequence
from lintseq.languages import Language
from lintseq.linting import Diagnostic, Finding, Linter, findings, new_diagnostics
from lintseq.program import Program
from lintseq.walks.orders import LineOrder
from lintseq.walks.spacing import Spacing
from lintseq.walks.walk import Grouping, RandomStream


class StateLinter:
    """A linter's diagnostics for the states of one program; equal states are linted once."""

    def __init__(self, program: Program, language: Language, linter: Linter, spacing: Spacing) -> None:
        self.program = program
        self.language = language
        self.linter = linter
        self.spacing = spacing
        self.known: Counter[Finding] = findings(linter.check(program.text))
        self._new: dict[str, list[Diagnostic]] = {}

    def blamed(self, present: Iterable[int]) -> list[int]:
        """Return the lines that new findings blame, as indices of the program; none if the state is clean.

        `present` are the lines of the state, whatever blank lines are among them. A line number outside the state
        counts as the nearest line, and a blank line as the next that is not: every finding removes something, so
        every walk ends.
        """
        lines, blank = self.spacing.state(present), self.spacing.blank
        text = self.program.render([self.program.lines[line] for line in lines])
        if text not in self._new:
            # A user's own linter may accept a state that does not compile; a walk never does.
            new = new_diagnostics(self.known, self.linter.check(text))
            self._new[text] = new or self.language.check_syntax(text)
        blamed = {min(max(diagnostic.line, 1), len(lines)) - 1 for diagnostic in self._new[text]}
        from_there = ([*lines[index:], *lines[index::-1]] for index in blamed)
        return sorted({next(line for line in some if line not in blank) for some in from_there})


class BlackBoxWalk:
    """Deletes a line, lints, deletes the lines with new findings, and so on until there are none."""

    corrections = 0

    def __init__(self, judge: StateLinter, grouping: Grouping, order: LineOrder) -> None:
        self.program = judge.program
        self.judge = judge
        self.grouping = grouping
        self.order = order
        self.companions: dict[int, list[int]] = {}
        """By line of code, the comments and blank lines, also those of texts, that are deleted with it."""
        self.code = [line for line in grouping.code if self.program.lines[line].strip()]
        code = set(self.code)
        for lines in grouping.lines_of().values():
            of_code = [line for line in lines if line in code]
            for line in lines:
                if line not in code:
                    anchor = next((other for other in of_code if other > line), of_code[-1])
                    self.companions.setdefault(anchor, []).append(line)

    def sequence(self, stream: RandomStream) -> EditSequence:
        lines = self.code
        present = dict.fromkeys(range(len(self.program.lines)))
        code = set(lines)
        steps: list[list[int]] = []
        for index in self.order.order(lines, stream):
            if lines[index] in present:
                step = self.delete([lines[index]], present)
                code.difference_update(step)
                while code and (blamed := self.judge.blamed(present)):
                    step += self.delete(blamed, present)
                    code.difference_update(step)
                steps.append(step)
        return self.grouping.sequence(self.program, steps, self.judge.spacing)

    def delete(self, lines: Sequence[int], present: dict[int, None]) -> list[int]:
        deleted = [index for line in lines for index in (line, *self.companions.get(line, ())) if index in present]
        deleted = list(dict.fromkeys(deleted))
        for line in deleted:
            del present[line]
        return deleted
