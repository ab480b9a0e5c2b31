"""`lintseq verify`: the laws of edit sequences, checked on a data set."""

from json import dumps

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lintseq.cli.console import Meter, check_read
from lintseq.cli.options import DataSets, Json, Quiet, Workers, with_options
from lintseq.dataset.verify import CHECKS, LawFailure, VerifyOptions, VerifyReport, verify as verify_dataset
from lintseq.reporting.numbers import plural
from lintseq.reporting.terminal import console, print_table, printable


@with_options()
def verify(
    data: DataSets, *, options: VerifyOptions, workers: Workers = None, json: Json = False, quiet: Quiet = False
) -> None:
    """Check that edit sequences are exact, monotone and clean; exit with 1 if any is not.

    Reads records of all shapes, and rows with `edits` and one or two versions of a program, in columns that build
    finds too. Rows with a completion or messages do not contain the program: what their edits write is taken for it.
    The program of pylintseq's columns is the code in the response, stripped as pylintseq does it, or else the
    response as it is.

    Example: lintseq verify edits.jsonl --linter pylint --workers 2
    """
    with Meter(visible=not quiet) as meter:
        report = verify_dataset(
            data,
            options,
            workers=workers,
            on_progress=lambda report, done: meter(done, None, f"{report.rows:,} rows, {report.bad_rows:,} bad"),
        )
    if json:
        typer.echo(dumps(report.as_dict(options.linter)))
    elif not quiet:
        print_report(report, console(), linter=options.linter)
    check_read(report.rows, {}, data)
    if not report.ok:
        raise typer.Exit(1)


def print_report(report: VerifyReport, to: Console, *, linter: str) -> None:
    """Print a table of what was checked and what failed, then the first failures of each check."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("law", no_wrap=True)
    table.add_column("requirement")
    for name in ("checked", "failed", "%"):
        table.add_column(name, justify="right", no_wrap=True)
    law = None
    for name, check in CHECKS.items():
        checked, failed = report.checked[name], report.failed[name]
        numbers = [f"{checked:,} {check.unit}", f"{failed:,}", f"{100 * failed / checked:.2f}"] if checked else "---"
        title = check.law if check.law != law else ""
        table.add_row(title, check.description.format(linter=linter), *numbers, style="red" if failed else None)
        law = check.law
    print_table(table, to)
    if report.findings:
        found = ", ".join(f"{code} {states:,}" for code, states in report.findings.most_common(10))
        to.print(f"states with new findings: {found}\n", soft_wrap=True)
    for name, check in CHECKS.items():
        if failures := report.examples.get(name, []):
            more = f", first {len(failures)} of {report.failed[name]:,}" if report.failed[name] > len(failures) else ""
            to.print(f"failed: {check.description.format(linter=linter)}{more}", style="bold")
            for failure in failures:
                to.print(f"  {location(failure)}: {printable(failure.message)}", soft_wrap=True)
            to.print()
    to.print(verdict(report), style="bold green" if report.ok else "bold red", soft_wrap=True)


def location(failure: LawFailure) -> str:
    """Return where a failure is: row, id and edit."""
    row = f"{failure.file}:{failure.row}" if failure.file else f"row {failure.row}"
    row += f" (id {printable(failure.id)})" if failure.id else ""
    return row if failure.edit is None else f"{row}, edit {failure.edit}"


def verdict(report: VerifyReport) -> str:
    """Return the result in one line."""
    shapes = ", ".join(f"{rows:,} {shape}" for shape, rows in report.shapes.most_common())
    rows = f"{plural(report.rows, 'row')} ({shapes or 'none with edits'})"
    return f"{rows}: all laws hold" if report.ok else f"{rows}: {report.bad_rows:,} break a law"
