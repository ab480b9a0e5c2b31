"""The native walk: deletions by the program's needs, which is bookkeeping on integers."""

from lintseq.edits import EditSequence
from lintseq.needs import Analysis
from lintseq.program import Program
from lintseq.walks.orders import LineOrder
from lintseq.walks.walk import Grouping, RandomStream


class NativeWalk:
    """Removes a chosen unit together with everything that needs it."""

    corrections = 0

    def __init__(self, program: Program, analysis: Analysis, grouping: Grouping, order: LineOrder) -> None:
        self.program = program
        self.needs = analysis.needs
        self.grouping = grouping
        self.order = order
        rest = self.needs.units
        keys = [rest if unit is None else unit for unit in grouping.unit_of]
        self.spacing = grouping.spacing(program, analysis, keys, rest + 1)

    def sequence(self, stream: RandomStream) -> EditSequence:
        grouping, units = self.grouping, self.grouping.units
        removals = self.needs.start()
        removed, remove = removals.removed, removals.remove
        step_of = [0] * self.needs.units
        step = 0
        for index in self.order.order(grouping.code, stream):
            unit = units[index]
            if not removed[unit]:
                for other in remove(unit):
                    step_of[other] = step
                step += 1
        last = step if grouping.rest_apart and None in grouping.unit_of else step - 1
        step_of.append(last)  # that of the rest
        return EditSequence(self.program, self.spacing.arrivals([last - step for step in step_of]))
