"""`lintseq view`: browse the edit sequences of a data set in a web page."""

from pathlib import Path
from typing import Annotated

import typer

from lintseq.cli.console import Meter, check_read, table
from lintseq.cli.options import DataSet, Quiet, with_options
from lintseq.dataset.view_page import ViewOptions, ViewReport, write_view
from lintseq.reporting.numbers import plural


@with_options()
def view(
    data: DataSet,
    options: ViewOptions,
    *,
    html: Annotated[Path | None, "FILE", "File of the page. [default: NAME.html next to DATA]"] = None,
    quiet: Quiet = False,
) -> None:
    """Write a page to browse edit sequences: programs grow edit by edit, and lines say why they arrive together.

    The page is one HTML file that loads nothing from anywhere. Sequences can be found by word, edits, lines and
    linter, and plots show the whole data set.

    Example: lintseq view edits.jsonl --html edits.html --rows 100
    """
    with Meter(visible=not quiet) as meter:
        report = write_view(
            data,
            html,
            options,
            on_progress=lambda survey, position: meter(position, survey.total, plural(survey.rows, "row")),
        )
    if not quiet:
        typer.echo(table(summary(report)))
    check_read(report.survey.rows, report.survey.unreadable, [data])


def summary(report: ViewReport) -> list[tuple[str, str]]:
    """Return names and values of what is on the page, and of what is not."""
    survey = report.survey
    sampled = f"{len(survey.sample):,}"
    rows = [("rows", f"{survey.rows:,}")]
    rows += [("  unreadable", f"{n:,} {reason}") for reason, n in sorted(survey.unreadable.items())]
    rows += [("  too long", f"{survey.too_long:,}")] if survey.too_long else []
    rows.append(("on the page", sampled if len(survey.sample) == survey.sequences else f"{sampled}, a random sample"))
    rows.append(("page", str(report.path)))
    return rows
