"""`lintseq verify`: what a data set of edit sequences promises, and whether it holds.

Owns the table and the examples. What is checked, and how, is `lintseq.dataset.verify`.
"""

from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.cli.console import Meter, plural
from lintseq.reporting.terminal import console, printable

if TYPE_CHECKING:
    from rich.console import Console

    from lintseq.dataset.verify import LawFailure, VerifyReport


def verify(
    data: Annotated[str, typer.Argument(metavar="DATA", help="JSONL, plain, .gz or .zst; - is standard input.")],
    *,
    linter: Annotated[str, typer.Option(metavar="LINTER", help="What judges the states.")] = "pyflakes",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Check only the first so many rows.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes that do the work. [default: one for each processor]"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check that edit sequences are exact, insertion-only and clean; exit with 1 if any is not.

    Reads lintseq's records, pylintseq's columns, and rows with a completion or messages; the latter two name
    no program to compare with, so what their edits give stands for it. A program in pylintseq's columns is
    what that tool takes out of the response and strips, or else the response as it is.

    Example: lintseq verify edits.jsonl --linter pylint --workers 2
    """
    from lintseq.dataset.verify import VerifyOptions
    from lintseq.dataset.verify import verify as run

    with Meter() as meter:
        report = run(
            data,
            VerifyOptions(linter, limit),
            workers=workers,
            on_progress=lambda report, done: meter(
                done, None, f"{plural(report.rows, 'row')}, {report.bad_rows:,} bad"
            ),
        )
    if json:
        typer.echo(dumps(report.as_dict(linter)))
    else:
        show(report, console(), linter=linter)
    if not report.ok:
        raise typer.Exit(1)


def show(report: "VerifyReport", to: "Console", *, linter: str) -> None:
    """Print a table of what was checked and what failed, then the first examples of each failure."""
    from rich import box
    from rich.table import Table

    from lintseq.dataset.verify import CHECKS

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("law", no_wrap=True)
    table.add_column("what it demands")
    for name in ("checked", "failed", "%"):
        table.add_column(name, justify="right", no_wrap=True)
    law = None
    for name, check in CHECKS.items():
        checked, failed = report.checked[name], report.failed[name]
        table.add_row(
            check.law if check.law != law else "",
            check.description.format(linter=linter),
            f"{checked:,} {check.unit}" if checked else "-",
            f"{failed:,}" if checked else "-",
            f"{100 * failed / checked:.2f}" if checked else "-",
            style="red" if failed else None,
        )
        law = check.law
    to.print(table)
    if report.findings:
        found = ", ".join(f"{code} {states:,}" for code, states in report.findings.most_common(10))
        to.print(f"new findings, by states: {found}\n", soft_wrap=True)
    for name, check in CHECKS.items():
        if failures := report.examples.get(name, []):
            more = f", first {len(failures)} of {report.failed[name]:,}" if report.failed[name] > len(failures) else ""
            to.print(f"not so: {check.description.format(linter=linter)}{more}", style="bold")
            for failure in failures:
                to.print(f"  {place(failure)}: {printable(failure.message)}", soft_wrap=True)
            to.print()
    to.print(verdict(report), style="bold green" if report.ok else "bold red", soft_wrap=True)


def place(failure: "LawFailure") -> str:
    """Say where a failure is: row, id and edit."""
    row = f"row {failure.row}" + (f" (id {printable(failure.id)})" if failure.id else "")
    return row if failure.edit is None else f"{row}, edit {failure.edit}"


def verdict(report: "VerifyReport") -> str:
    """Say the outcome in one line."""
    columns = ", ".join(f"{rows:,} {shape}" for shape, rows in report.shapes.most_common())
    rows = f"{plural(report.rows, 'row')} ({columns or 'none with edits'})"
    return f"{rows}: all laws hold" if report.ok else f"{rows}: {report.bad_rows:,} break a law"
