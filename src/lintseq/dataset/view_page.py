"""The page of `lintseq view`: the edit sequences of a data set, to be paged through, each growing edit by edit.

Owns what the page is told. A sequence is told as its program, the edit that each line arrives with, and the
texts of the edits; the states on the way are worked out in the browser.
"""

from typing import Any

from lintseq.dataset.browsing import LONGEST, Kept, Survey
from lintseq.edits import EditSequence
from lintseq.errors import ProgramError
from lintseq.languages import get_language
from lintseq.needs.reasons import Reasons, reasons_of
from lintseq.reporting.charts import chart
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import escaped, fill, page, template


def view_page(survey: Survey, *, dataset: str) -> str:
    """Return the page; `dataset` is what to call the data set."""
    charts = [
        chart("edits", "Edits in a sequence", survey.edits, values="edits", counted="sequences"),
        chart("lines", "Lines in an edit", survey.lines, values="lines", counted="edits"),
    ]
    notes = "\n".join(f"<p>{escaped(note)}</p>" for note in notes_on(survey))
    body = fill(
        template("view.html"),
        {
            "dataset": escaped(dataset),
            "summary": escaped(summary_of(survey)),
            "charts": "\n".join(filter(None, charts)) or "<p>There is nothing to count.</p>",
            "notes": notes,
        },
    )
    return page(
        body,
        title=f"{dataset}, edit by edit",
        styles=("chart.css", "code.css", "view.css"),
        scripts=("text.js", "view.js"),
        data=view_data(survey),
    )


def summary_of(survey: Survey) -> str:
    """Say in a line how much there is and how much of it is shown."""
    if len(survey.kept) == survey.sequences:
        return plural(survey.sequences, "sequence")
    return f"{len(survey.kept):,} of {plural(survey.sequences, 'sequence')}"


def notes_on(survey: Survey) -> list[str]:
    """Say what the page shows, what it counts, and what it leaves out."""
    notes = []
    if len(survey.kept) == survey.sequences:
        notes.append("All sequences of the data set are on this page.")
    else:
        notes.append(
            f"This page holds {len(survey.kept):,} of {plural(survey.sequences, 'sequence')}, chosen at random, the"
            " same each time; the plots count them all."
        )
    if survey.too_long:
        was = "was" if survey.too_long == 1 else "were"
        notes.append(f"{plural(survey.too_long, 'sequence')} of more than {LONGEST:,} characters {was} left out.")
    if unreadable := survey.unreadable.total():
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(survey.unreadable.items()))
        notes.append(f"{plural(unreadable, 'row')} could not be read: {reasons}.")
    return notes


def view_data(survey: Survey) -> dict[str, Any]:
    """Return what the page's script is given: sequences, and the programs that several of them may share."""
    programs: dict[str, int] = {}
    sequences = [_told(kept, programs.setdefault(_joined(kept.sequence), len(programs))) for kept in survey.kept]
    return {"programs": list(programs), "sequences": sequences}


def _joined(sequence: EditSequence) -> str:
    """Return the lines of the program as one text; with the number of arrivals it gives the lines again."""
    return "\n".join(sequence.program.lines)


def _told(kept: Kept, program: int) -> dict[str, Any]:
    record, sequence = kept.record, kept.sequence
    told: dict[str, Any] = {
        "row": kept.number,
        "id": str(record.id),
        "draw": record.draw,
        "instruction": record.instruction,
        "program": program,
        "arrivals": list(sequence.arrivals),
        "edits": list(record.edits),
        "facts": _facts(kept),
        "linter": str(record.meta.get("linter", "")),
    }
    if record.programs and sequence.program.text not in record.programs:
        told["differs"] = True
    return told | why(sequence)


def why(sequence: EditSequence) -> dict[str, Any]:
    """Return why lines came together, as plain values; or why nobody can tell.

    `heads[line]` is the line that speaks for a line. `needs[edit]` lists lines and the others of the edit of
    which each needs one; `causes[edit]` is the line that all of an edit need.
    """
    try:
        reasons: Reasons = reasons_of(get_language().analyze(sequence.program), sequence.arrivals)
    except ProgramError as error:
        return {"unknown": f"{error.reason}: {error.detail}"}
    return {
        "heads": list(reasons.heads),
        "needs": [[[reason.line, *reason.others] for reason in edit] for edit in reasons.edits],
        "causes": list(reasons.causes),
    }


def _facts(kept: Kept) -> list[list[str]]:
    """Return names and values of what else is known of a sequence."""
    record = kept.record
    facts = {"draw": record.draw, **record.meta, "format": record.codec.name, "shape": record.shape}
    if record.license:
        facts["license"] = record.license
    if kept.sequence.program.lines and not kept.sequence.program.final_newline:
        facts["ends"] = "without newline"
    return [[name, str(value)] for name, value in facts.items()]
