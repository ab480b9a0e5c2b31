"""The walk between two versions of a program: atoms of change, each together with what needs it."""

from lintseq.edits import EditSequence
from lintseq.languages import Language
from lintseq.program import Program
from lintseq.walks.changes import Changes, times
from lintseq.walks.orders import LineOrder
from lintseq.walks.walk import RandomStream


class TransitionWalk:
    """Turns the new version back into the old one, atom by atom, each together with what needs it."""

    def __init__(self, changes: Changes, start: Program, language: Language, order: LineOrder) -> None:
        self.changes = changes
        self.start = start
        self.order = order

    def sequence(self, stream: RandomStream) -> EditSequence:
        changes = self.changes
        removals = changes.needs.start()
        removed, remove = removals.removed, removals.remove
        step_of = [0] * changes.needs.units
        step = 0
        for index in self.order.order(changes.code, stream):
            atom = changes.atom_of[changes.code[index]]
            if atom is not None and not removed[atom]:
                for other in remove(atom):
                    step_of[other] = step
                step += 1
        arrivals, departures = times(changes, [step - 1 - number for number in step_of])
        return EditSequence(changes.merged, arrivals, departures, self.start.final_newline)
