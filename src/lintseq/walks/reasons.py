"""Why lines arrive and depart together, in sequences from nothing, by way of a stub or between two versions."""

from dataclasses import dataclass

from lintseq.edits import INITIAL, STAYS, EditSequence
from lintseq.languages import Language
from lintseq.needs import Analysis
from lintseq.needs.reasons import Reason, Reasons, reasons_of
from lintseq.walks.changes import Changes
from lintseq.walks.pairing import Version


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that changes: its index among those of all states, the edit that changes it, and its atom of change."""

    index: int
    edit: int
    atom: int | None
    is_code: bool


def reasons_for(sequence: EditSequence, language: Language) -> Reasons:
    """Return why the lines of each edit change together, by indices of `sequence.merged`.

    Raises `ProgramError` if a version cannot be analyzed.
    """
    if not sequence.departures:
        return reasons_of(language.analyze(sequence.program), sequence.arrivals)
    if not sequence.start.lines:
        return _by_way_of(min(sequence.departures), sequence, language)
    old, new = (Version(program, language.analyze(program)) for program in (sequence.start, sequence.program))
    changes = Changes.between(old, new)
    before = zip(
        (i for i, number in enumerate(sequence.arrivals) if number == INITIAL), old.analysis.unit_of, strict=True
    )
    after = zip(
        (i for i, number in enumerate(sequence.departures) if number == STAYS), new.analysis.unit_of, strict=True
    )
    arriving: list[_Line] = []
    departing: list[_Line] = []
    for arrives, departs, atom in zip(changes.arrives, changes.departs, changes.atom_of, strict=True):
        old_index, old_unit = (None, None) if arrives else next(before)
        index, unit = (None, None) if departs else next(after)
        if arrives and index is not None:
            arriving.append(_Line(index, sequence.arrivals[index], atom, unit is not None))
        elif departs and old_index is not None:
            number = sequence.departures[old_index]
            departing.append(_Line(old_index, INITIAL if number == STAYS else number, atom, old_unit is not None))
    lines = arriving + departing  # so that new lines stand for their atoms, where there are any
    atoms = tuple([line.atom for line in lines])
    units = tuple([line.atom if line.is_code else None for line in lines])
    found = reasons_of(Analysis(units, atoms, changes.needs), [line.edit for line in lines])
    return _with_indices(found, [line.index for line in lines], sequence)


def _by_way_of(edits: int, sequence: EditSequence, language: Language) -> Reasons:
    """Return the reasons of a sequence from nothing, of which no line departs in the first edits."""
    indices = [index for index, number in enumerate(sequence.arrivals) if number < edits]
    first = _with_indices(reasons_for(sequence.first(edits), language), indices, sequence)
    rest = reasons_for(sequence.after(edits), language)
    heads = [other if head is None else head for head, other in zip(first.heads, rest.heads, strict=True)]
    return Reasons(tuple(heads), first.edits[:edits] + rest.edits, first.causes[:edits] + rest.causes)


def _with_indices(found: Reasons, indices: list[int], sequence: EditSequence) -> Reasons:
    """Return reasons with other indices of lines, for all edits of a sequence."""
    heads: list[int | None] = [None] * len(sequence.arrivals)
    for index, head in zip(indices, found.heads, strict=True):
        heads[index] = None if head is None else indices[head]
    edits = [
        tuple(Reason(indices[r.line], tuple(indices[other] for other in r.others), r.purposes) for r in edit)
        for edit in found.edits
    ]
    causes = [None if cause is None else indices[cause] for cause in found.causes]
    more = len(sequence) - len(edits)
    return Reasons(tuple(heads), (*edits, *[()] * more), (*causes, *[None] * more))
