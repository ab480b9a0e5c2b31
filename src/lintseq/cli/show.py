"""`lintseq show`: print an edit sequence of a data set, edit by edit, with the reasons why lines arrive together."""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated

from rich.console import Console

from lintseq.cli.options import with_options
from lintseq.dataset.browsing import StoredSequence, dataset_name, find_sequence, split_row
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, ProgramError
from lintseq.languages import get_language
from lintseq.needs.reasons import Reasons
from lintseq.reporting.terminal import console, print_edit, print_line, print_title, printable
from lintseq.walks.reasons import reasons_for

_MOST_NEEDS = 12
"""Number of needs listed for an edit; any others are only counted."""


@with_options()
def show(
    row: Annotated[str, "DATA:ROW", "A data set, and the number or the id of a row. [default: row 1]"],
    *,
    edit: Annotated[int | None, "N", "Print only this edit; 0 is the state before the first."] = None,
) -> None:
    """Print an edit sequence of a data set, edit by edit, and why lines arrive or depart together.

    New lines are marked +, and removed ones -, with their number before the edit.

    In a terminal the output goes through a pager. In a file of lines, ROW is the number of the line, as in verify and
    view; in any other file it is that of the row. With an id, the first row that has it is printed.

    Example: lintseq show edits.jsonl:3 --edit 2
    """
    data, wanted = split_row(row)
    stored = find_sequence(data, wanted)
    if edit is not None and not 0 <= edit <= len(stored.sequence):
        raise ConfigError(f"{row} has no edit {edit}; use a number from 0 to {len(stored.sequence)}")
    to = console()
    os.environ.setdefault("LESS", "-FRX")  # colors, and no pager for what fits the screen
    with to.pager(styles=True) if sys.stdout.isatty() else nullcontext():
        show_sequence(stored, dataset_name(data), edit, to)


def show_sequence(stored: StoredSequence, data: str, edit: int | None, to: Console) -> None:
    """Print a whole sequence, or only an edit, from 1, or the state before the first edit, 0."""
    record, sequence = stored.record, stored.sequence
    name = f", {printable(str(record.id))}" if record.id != "" else ""
    print_title(sequence, to, title=f"{printable(data)}:{stored.number}{name}, draw {record.draw}")
    for line in record.instruction.strip().split("\n"):
        print_line(to, (printable(line), ""))
    try:
        reasons: Reasons | ProgramError = reasons_for(sequence, get_language())
    except ProgramError as error:
        reasons = error
    first = 0 if sequence.start.lines or not len(sequence) else 1
    for number in range(first, len(sequence) + 1) if edit is None else (edit,):
        print_line(to)
        print_edit(sequence, number - 1, to)
        for line in explain(sequence, number - 1, reasons):
            print_line(to, (f"  {line}", "yellow"))


def explain(sequence: EditSequence, edit: int, reasons: Reasons | ProgramError) -> list[str]:
    """Return why the lines of an edit, from 0, change together: a sentence and the needs; nothing for one line."""
    if edit < 0 or sequence.arrivals.count(edit) + sequence.departures.count(edit) == 1:
        return []
    if isinstance(reasons, ProgramError):
        return [f"the program cannot be analyzed: {reasons}"]
    linenos = _linenos(sequence, edit)
    changed = sequence.inserted()[edit] + sequence.removed()[edit]
    heads = {head for head in map(reasons.heads.__getitem__, changed) if head is not None}
    cause = reasons.causes[edit]
    if not heads:
        sentence = "comments and blank lines, which need nothing"
    elif len(heads) == 1:
        sentence = f"all of this goes with line {linenos[heads.pop()]}"
    elif cause is not None:
        sentence = f"all of this needs line {linenos[cause]}, directly or through other lines"
    else:
        sentence = "the analysis knows of no line here that all others need"
    needs: dict[str, list[str]] = {}
    for reason in reasons.edits[edit]:
        text = needed(reason.purpose, [linenos[other] for other in reason.others])
        needs.setdefault(linenos[reason.line], []).append(text)
    listed = [f"line {line} needs {_listed(texts, 'and')}" for line, texts in needs.items()]
    if len(listed) > _MOST_NEEDS + 1:
        listed[_MOST_NEEDS:] = [f"{len(listed) - _MOST_NEEDS} more lines need others"]
    return [sentence, "; ".join(listed)] if listed else [sentence]


def _linenos(sequence: EditSequence, edit: int) -> dict[int, str]:
    """Return the number of each line after an edit, and of those that it removes the number before it."""
    removed = set(sequence.removed()[edit])
    found: dict[int, str] = {}
    before = after = 0
    for index in sequence.visible_at(edit):
        before += sequence.arrivals[index] < edit
        after += index not in removed
        found[index] = f"{before} (removed)" if index in removed else str(after)
    return found


def needed(purpose: str, linenos: Sequence[str]) -> str:
    """Return a need as text: `its header in line 2`, or `line 5, 6 or 9` if the purpose is unknown."""
    return f"{purpose} in line {_listed(linenos, 'or')}" if purpose else f"line {_listed(linenos, 'or')}"


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
