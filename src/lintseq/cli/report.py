"""`lintseq report`: evaluations compared on a page and in Markdown."""

from pathlib import Path
from typing import Annotated

from lintseq.cli.console import print_summary, table
from lintseq.cli.options import Json, Overwrite, Quiet, with_options
from lintseq.evaluation.report import ReportOptions, report as write
from lintseq.reporting.numbers import plural


@with_options()
def report(
    runs: Annotated[list[str], "RUN...", "Files written by `evaluate --output`, or NAME=FILE."],
    *,
    output: Annotated[Path, "DIR", "Folder for the report."],
    options: ReportOptions,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a report that compares evaluations: pass@k with intervals, cost, errors and examples.

    The report is a page, index.html, that needs no network, and report.md with plots as SVG. Runs on the same
    benchmark are compared in the order in which they are given; intervals show which differences are significant.

    Example: lintseq report plain=plain.jsonl edits=edits.jsonl --output report
    """
    written = write(runs, output, options, overwrite=overwrite)
    rows = [("runs", f"{len(written.runs):,}"), ("examples", f"{len(written.examples):,}")]
    markdown = f"{written.markdown}, {plural(len(written.plots), 'plot')}"
    text = table([*rows, ("page", str(written.page)), ("Markdown", markdown)])
    print_summary(written.as_dict(), text, json=json, quiet=quiet)
