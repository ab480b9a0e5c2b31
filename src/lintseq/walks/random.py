"""The random walk: the paper's RandSeq ablation."""

from collections.abc import Sequence

from lintseq.edits import EditSequence
from lintseq.program import Program
from lintseq.walks.walk import RandomStream


class RandomWalk:
    """Removes random chunks of lines, of uniform size, without a linter.

    As in the published code, a chunk has at least one line and fewer than remain (all, if one remains).
    """

    corrections = 0

    def __init__(self, program: Program) -> None:
        self.program = program
        self.count = len(program.lines)

    def sequence(self, stream: RandomStream) -> EditSequence:
        numbers = stream.numbers(2 * self.count)
        order = sorted(range(self.count), key=numbers.__getitem__)
        steps: list[Sequence[int]] = []
        done = 0
        while (remaining := self.count - done) > 0:
            size = 1 + numbers[self.count + len(steps)] % max(1, remaining - 1)
            steps.append(order[done : done + size])
            done += size
        return EditSequence.undoing(self.program, steps)
