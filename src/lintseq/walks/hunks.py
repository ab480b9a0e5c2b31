"""The hunks of a line diff between two versions, in random order: what a walk by needs is compared with."""

from difflib import SequenceMatcher

from lintseq.edits import INITIAL, STAYS, EditSequence
from lintseq.program import Program
from lintseq.walks.walk import RandomStream


class HunksWalk:
    """Goes from one version to another by the hunks of their diff, each an edit, without a linter."""

    corrections = 0

    def __init__(self, program: Program, start: Program) -> None:
        self.start = start
        lines: list[str] = []
        self.hunks: list[tuple[range, range]] = []
        """The removed and the new lines of each hunk, as indices of the merged lines."""
        matcher = SequenceMatcher(None, start.lines, program.lines, autojunk=False)
        for tag, a, a_end, b, b_end in matcher.get_opcodes():
            first = len(lines)
            lines += start.lines[a:a_end]
            if tag != "equal":
                lines += program.lines[b:b_end]
                middle = first + a_end - a
                self.hunks.append((range(first, middle), range(middle, len(lines))))
        self.merged = Program(tuple(lines), program.final_newline)

    def sequence(self, stream: RandomStream) -> EditSequence:
        count = len(self.merged.lines)
        arrivals, departures = [INITIAL] * count, [STAYS] * count
        order = sorted(range(len(self.hunks)), key=stream.numbers(len(self.hunks)).__getitem__)
        for number, hunk in enumerate(order):
            removed, new = self.hunks[hunk]
            for line in removed:
                departures[line] = number
            for line in new:
                arrivals[line] = number
        return EditSequence(self.merged, tuple(arrivals), tuple(departures), self.start.final_newline)
