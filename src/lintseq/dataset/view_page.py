"""The page of `lintseq view`: the edit sequences of a data set, to be browsed, each growing edit by edit.

The page holds a sequence as the lines of all its states, the edits that each line arrives and departs with, and the
texts of the edits; the states are computed in the browser.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lintseq.dataset.browsing import LONGEST, StoredSequence, Survey, dataset_name, survey
from lintseq.edits import STAYS, EditSequence
from lintseq.errors import ConfigError, ProgramError
from lintseq.languages import get_language
from lintseq.reporting.charts import chart
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import check_page, escaped, fill, page, template, write_page
from lintseq.walks.reasons import reasons_for

_SUFFIXES = (".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """Which sequences of a data set are on its page."""

    rows: int = 500
    """Maximum number of sequences on the page. Of more, a random sample is taken; the plots count all."""
    seed: int = 0
    """Seed of the sample."""

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ConfigError(f"a page with {self.rows} sequences shows nothing; use --rows 1 or more")


@dataclass(frozen=True, slots=True)
class ViewReport:
    """The written page, with counts of its contents."""

    path: Path
    """The page."""
    survey: Survey
    """Counts of the data set, and the sequences on the page."""


def write_view(
    data: str,
    html: Path | str | None = None,
    options: ViewOptions | None = None,
    *,
    on_progress: Callable[[Survey, int], None] | None = None,
) -> ViewReport:
    """Write a page to browse the edit sequences of a data set: a file or folder of any kind, or `-`.

    `html` is the file to write, by default next to the data. `on_progress` is called with the counts so far and
    the position in the data. Raises `ConfigError` if the data cannot be read or the page not be written, and
    `ProgramError` if there are rows and none holds an edit sequence.
    """
    options = options or ViewOptions()
    path = page_beside(data) if html is None else Path(html)
    check_page(path)
    found = survey(data, size=options.rows, seed=options.seed, on_progress=on_progress)
    write_page(path, view_page(found, dataset=dataset_name(data)))
    return ViewReport(path, found)


def page_beside(data: str) -> Path:
    """Return the default file of the page: next to the data set, or in the working directory if that is not local."""
    path = Path(data)
    name = path.name if path.exists() else "".join(c if c.isalnum() else "-" for c in dataset_name(data)).strip("-")
    while found := next((end for end in _SUFFIXES if name.endswith(end) and name != end), ""):
        name = name.removesuffix(found)
    folder = path.parent if path.exists() else Path()
    return folder / f"{name or 'view'}.html"


def view_page(survey: Survey, *, dataset: str) -> str:
    """Return the page as HTML; `dataset` is the name of the data set on it."""
    charts = [
        chart("edits", "Edits in a sequence", survey.edits, values="edits", counted="sequences"),
        chart("lines", "Lines in an edit", survey.lines, values="lines", counted="edits"),
    ]
    body = fill(
        template("view.html"),
        {
            "dataset": escaped(dataset),
            "summary": escaped(_summary(survey)),
            "charts": "\n".join(filter(None, charts)) or "<p>There is nothing to count.</p>",
            "notes": "\n".join(f"<p>{escaped(note)}</p>" for note in notes_on(survey)),
        },
    )
    return page(
        body,
        title=f"{dataset}, edit by edit",
        styles=("chart.css", "code.css", "view.css"),
        scripts=("text.js", "view.js"),
        data=view_data(survey),
    )


def _summary(survey: Survey) -> str:
    if len(survey.sample) == survey.sequences:
        return plural(survey.sequences, "sequence")
    return f"{len(survey.sample):,} of {plural(survey.sequences, 'sequence')}"


def notes_on(survey: Survey) -> list[str]:
    """Return sentences on what the page shows, counts, and leaves out."""
    if len(survey.sample) == survey.sequences:
        notes = ["All sequences of the data set are on this page."]
    else:
        notes = [f"This page holds a random sample of {_summary(survey)}; the plots count all of them."]
    if survey.too_long:
        was = "was" if survey.too_long == 1 else "were"
        notes.append(f"{plural(survey.too_long, 'sequence')} of more than {LONGEST:,} characters {was} left out.")
    if unreadable := survey.unreadable.total():
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(survey.unreadable.items()))
        notes.append(f"{plural(unreadable, 'row')} could not be read: {reasons}.")
    return notes


def view_data(survey: Survey) -> dict[str, Any]:
    """Return the data of the page's script: sequences, and the programs, which several of them may share."""
    programs: dict[str, int] = {}
    sequences = []
    for stored in survey.sample:
        program = "\n".join(stored.sequence.merged.lines)  # the number of arrivals tells how many lines it has
        sequences.append(_sequence_data(stored, programs.setdefault(program, len(programs))))
    return {"programs": list(programs), "sequences": sequences}


def _sequence_data(stored: StoredSequence, program: int) -> dict[str, Any]:
    record, sequence = stored.record, stored.sequence
    data: dict[str, Any] = {
        "row": stored.number,
        "id": str(record.id),
        "draw": record.draw,
        "instruction": record.instruction,
        "program": program,
        "arrivals": list(sequence.arrivals),
        "edits": list(record.edits),
        "facts": _facts(stored),
        "linter": str(record.meta.get("linter", "")),
    }
    if sequence.departures:
        data["departures"] = [None if number == STAYS else number for number in sequence.departures]
    if record.programs and sequence.program.text not in record.programs:
        data["differs"] = True
    return data | reasons_data(sequence)


def reasons_data(sequence: EditSequence) -> dict[str, Any]:
    """Return why lines change together, as plain values; or why that is unknown.

    `heads[line]` is the first line of the unit that a line belongs to. `needs[edit]` lists lines, what they need, and
    the others of the edit of which each needs one; `causes[edit]` is the line that all others of an edit need. Heads
    and causes may be None.
    """
    try:
        reasons = reasons_for(sequence, get_language())
    except ProgramError as error:
        return {"unknown": f"{error.reason}: {error.detail}"}
    return {
        "heads": list(reasons.heads),
        "needs": [[[reason.line, reason.purpose, *reason.others] for reason in edit] for edit in reasons.edits],
        "causes": list(reasons.causes),
    }


def _facts(stored: StoredSequence) -> list[list[str]]:
    """Return names and values of what else is known of a sequence."""
    record = stored.record
    facts = {"draw": record.draw, **record.meta, "format": record.codec.name, "shape": record.shape}
    if record.license:
        facts["license"] = record.license
    if stored.sequence.program.lines and not stored.sequence.program.final_newline:
        facts["ends"] = "without newline"
    return [[name, str(value)] for name, value in facts.items()]
