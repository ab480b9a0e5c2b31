"""The certified walk: a native walk, each of whose states a second linter has to find clean."""

from collections.abc import Sequence

from lintseq.edits import EditSequence
from lintseq.needs import Analysis
from lintseq.walks.blackbox import StateLinter
from lintseq.walks.orders import LineOrder
from lintseq.walks.walk import Grouping, RandomStream


class CertifiedWalk:
    """Deletions by needs; a unit that a new finding blames is deleted in the same step, with everything that needs it.

    Draws share the findings of equal states and nothing else, so no draw depends on another.
    """

    def __init__(self, judge: StateLinter, analysis: Analysis, grouping: Grouping, order: LineOrder) -> None:
        self.program = judge.program
        self.needs = analysis.needs
        self.grouping = grouping
        self.order = order
        self.judge = judge
        self.corrections = 0
        """The number of states that were not clean, over all draws so far."""
        self.lines_of = grouping.lines_of()

    def sequence(self, stream: RandomStream) -> EditSequence:
        lines, unit_of_line = self.grouping.code, self.grouping.unit_of
        removals = self.needs.start()
        present = dict.fromkeys(range(len(unit_of_line)))
        units = set(range(self.needs.units))
        steps: list[list[int]] = []
        for index in self.order.order(lines, stream):
            unit = self.grouping.units[index]
            if removals.removed[unit]:
                continue
            step = self.delete(removals.remove(unit), present, units)
            while units and (blamed := self.judge.blamed(present)):
                self.corrections += 1
                # If only lines are blamed that stay until the end, something has to be removed all the same.
                for other in sorted(units & {unit_of_line[line] for line in blamed}) or [min(units)]:
                    if not removals.removed[other]:
                        step += self.delete(removals.remove(other), present, units)
            steps.append(step)
        return self.grouping.sequence(self.program, steps, self.judge.spacing)

    def delete(self, closure: Sequence[int], present: dict[int, None], units: set[int]) -> list[int]:
        """Take the units of a closure out of a state; return their lines."""
        deleted = [line for unit in closure for line in self.lines_of[unit]]
        for line in deleted:
            del present[line]
        units.difference_update(closure)
        return deleted
