"""The walk between two versions of a program: atoms of change, each together with what needs it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from lintseq.edits import EditSequence
from lintseq.languages import Language
from lintseq.linting import Finding, Linter, findings, new_diagnostics
from lintseq.needs import Removals
from lintseq.program import Program
from lintseq.walks.changes import Changes, times
from lintseq.walks.orders import LineOrder
from lintseq.walks.walk import RandomStream

_TRIED = 4
"""How many atoms are tried alone to correct a state that is not clean, before they are taken together."""


class VersionsLinter:
    """Judges states between two versions: which lines have a finding more often than both versions; texts are linted
    once. Without a linter, only the syntax is checked."""

    def __init__(self, program: Program, start: Program, language: Language, linter: Linter | None) -> None:
        self.language = language
        self.linter = linter
        self.known: Counter[Finding] = Counter()
        if linter is not None:
            self.known = findings(linter.check(program.text)) | findings(linter.check(start.text))
        self._blamed: dict[str, list[int]] = {}

    def blamed(self, text: str) -> list[int]:
        """Return the indices of the lines with new findings; none if the state is clean."""
        if text not in self._blamed:
            found = new_diagnostics(self.known, self.linter.check(text)) if self.linter is not None else []
            self._blamed[text] = [max(item.line - 1, 0) for item in found or self.language.check_syntax(text)]
        return self._blamed[text]


class TransitionWalk:
    """Turns the new version back into the old one, atom by atom, each together with what needs it.

    A state with new findings is corrected by further atoms in the same step.
    """

    def __init__(self, changes: Changes, program: Program, start: Program, judge: VersionsLinter, order: LineOrder):
        self.changes = changes
        self.program = program
        self.start = start
        self.judge = judge
        self.order = order
        self.corrections = 0
        """The number of states that were not clean, over all draws so far."""

    def sequence(self, stream: RandomStream) -> EditSequence:
        changes = self.changes
        removals = changes.needs.start()
        step_of = [0] * changes.needs.units
        step, left = 0, changes.needs.units
        for index in self.order.order(changes.code, stream):
            atom = changes.atom_of[changes.code[index]]
            if atom is None or removals.removed[atom]:
                continue
            removed = removals.remove(atom)
            left -= len(removed)
            if left and self.blamed(removals):
                self.corrections += 1
                removals, further = self.corrected(removals)
                left -= len(further)
                removed += further
            for other in removed:
                step_of[other] = step
            step += 1
        rest = {atom for atom in changes.atom_of if atom is not None and not removals.removed[atom]}
        for atom in rest:  # comments that come first
            step_of[atom] = step
        step += bool(rest)
        sequence = self.timed([step - 1 - number for number in step_of])
        empty = self.empty_edits(sequence)
        if empty and step > len(empty):  # each is one with the edit before it, or else with that after it
            numbers = [max(sum(edit not in empty for edit in range(number + 1)) - 1, 0) for number in range(step)]
            sequence = self.timed([numbers[step - 1 - number] for number in step_of])
        return sequence

    def timed(self, edit_of: Sequence[int]) -> EditSequence:
        """Return the sequence in which each atom changes with an edit."""
        arrivals, departures = times(self.changes, edit_of)
        return EditSequence(self.changes.merged, arrivals, departures, self.start.final_newline)

    def empty_edits(self, sequence: EditSequence) -> list[int]:
        """Return the edits that change nothing: they remove lines and insert the same."""
        lines = sequence.merged.lines
        moving = [
            edit
            for edit, (new, gone) in enumerate(zip(sequence.inserted(), sequence.removed(), strict=True))
            if len(new) == len(gone) and [lines[i] for i in new] == [lines[i] for i in gone]
        ]
        return [edit for edit in moving if sequence.after(edit).start.lines == sequence.after(edit + 1).start.lines]

    def blamed(self, removals: Removals) -> list[int]:
        """Return the merged lines that new findings of a state blame."""
        changes, removed = self.changes, removals.removed
        present = [
            line
            for line, (atom, arrives, departs) in enumerate(
                zip(changes.atom_of, changes.arrives, changes.departs, strict=True)
            )
            if atom is None or (arrives and not removed[atom]) or (departs and removed[atom])
        ]
        text = self.program.render([changes.merged.lines[line] for line in present])
        return [present[min(line, len(present) - 1)] for line in self.judge.blamed(text)] if present else []

    def corrected(self, removals: Removals) -> tuple[Removals, list[int]]:
        """Return a clean state with as few further atoms removed as simple trials find, and these atoms."""
        taken: list[int] = []
        current = removals
        while lines := self.blamed(current):
            nearest = self.nearest(lines, current)
            if not nearest:
                break  # this is the old version
            trials = [(atom, _without(current, [atom])) for atom in nearest[:_TRIED]]
            atom, current = next((trial for trial in trials if not self.blamed(trial[1])), trials[0])
            taken.append(atom)
        for atom in taken[:-1] if len(taken) > 1 else ():
            fewer = [other for other in taken if other != atom]
            trial = _without(removals, fewer)
            if not self.blamed(trial):
                taken, current = fewer, trial
        units = range(self.changes.needs.units)
        return current, [atom for atom in units if current.removed[atom] and not removals.removed[atom]]

    def nearest(self, lines: Sequence[int], removals: Removals) -> list[int]:
        """Return the atoms that remain, those next to some lines first."""
        return sorted(
            (atom for atom, own in enumerate(self.lines_of) if not removals.removed[atom]),
            key=lambda atom: min(abs(line - own) for line in lines[:8] for own in self.lines_of[atom]),
        )

    @cached_property
    def lines_of(self) -> list[list[int]]:
        """The merged lines of each atom."""
        found: list[list[int]] = [[] for _ in range(self.changes.needs.units)]
        for line, atom in enumerate(self.changes.atom_of):
            if atom is not None:
                found[atom].append(line)
        return found


def _without(removals: Removals, atoms: Iterable[int]) -> Removals:
    """Return the state in which further atoms are removed."""
    trial = Removals(removals.needs, removals.removed.copy(), removals.remaining.copy())
    for atom in atoms:
        if not trial.removed[atom]:
            trial.remove(atom)
    return trial
