"""The walk by way of a stub: first the program with placeholders for bodies, then what replaces them."""

from lintseq.edits import INITIAL, STAYS, EditSequence
from lintseq.walks.walk import RandomStream, Walk


class StubbedWalk:
    """From nothing to a stub of the program, and from there to the program."""

    def __init__(self, to_stub: Walk, to_program: Walk) -> None:
        self.to_stub = to_stub
        self.to_program = to_program

    @property
    def corrections(self) -> int:
        return self.to_stub.corrections + self.to_program.corrections

    def sequence(self, stream: RandomStream) -> EditSequence:
        stub, rest = self.to_stub.sequence(stream), self.to_program.sequence(stream)
        edits = len(stub)
        of_stub = iter(stub.arrivals)
        return EditSequence(
            rest.merged,
            tuple([next(of_stub) if arrival == INITIAL else arrival + edits for arrival in rest.arrivals]),
            tuple([STAYS if departure == STAYS else departure + edits for departure in rest.departures]),
        )
