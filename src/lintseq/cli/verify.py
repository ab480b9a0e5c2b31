"""`lintseq verify`: what a data set of edit sequences promises, and whether it holds.

Owns the table and the examples. What is checked, and how, is `lintseq.dataset.verify`.
"""

from dataclasses import asdict
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lintseq.cli.console import plural
from lintseq.cli.sample import console, printable
from lintseq.cli.stats import Ticker

if TYPE_CHECKING:
    from rich.console import Console

    from lintseq.dataset.verify import Failure, Report


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
    from lintseq.dataset import verify as library

    with Ticker("verify", data) as ticker:
        report = library.verify(
            data,
            linter=linter,
            limit=limit,
            workers=workers,
            progress=lambda report, place: ticker.tell(place, f"{report.rows:,} rows, {report.bad_rows:,} bad"),
        )
    if json:
        typer.echo(dumps(as_dict(report, linter)))
    else:
        show(report, console(), linter=linter)
    if not report.ok:
        raise typer.Exit(1)


def as_dict(report: "Report", linter: str) -> dict[str, Any]:
    """Return the report as plain values."""
    from lintseq.dataset.verify import CHECKS

    return {
        "ok": report.ok,
        "rows": report.rows,
        "bad_rows": report.bad_rows,
        "shapes": dict(report.shapes),
        "linter": linter,
        "checks": {
            name: {"law": check.law, "checked": report.checked[name], "failed": report.failed[name]}
            for name, check in CHECKS.items()
        },
        "findings": dict(report.findings.most_common()),
        "examples": [asdict(failure) for name in CHECKS for failure in report.examples.get(name, [])],
    }


def show(report: "Report", to: "Console", *, linter: str) -> None:
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
            check.words.format(linter=linter),
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
            to.print(f"not so: {check.words.format(linter=linter)}{more}", style="bold")
            for failure in failures:
                to.print(f"  {place(failure)}: {printable(failure.message)}", soft_wrap=True)
            to.print()
    to.print(verdict(report), style="bold green" if report.ok else "bold red", soft_wrap=True)


def place(failure: "Failure") -> str:
    """Say where a failure is: row, id and edit."""
    row = f"row {failure.row}" + (f" (id {printable(failure.id)})" if failure.id else "")
    return row if failure.edit is None else f"{row}, edit {failure.edit}"


def verdict(report: "Report") -> str:
    """Say the outcome in one line."""
    columns = ", ".join(f"{rows:,} {shape}" for shape, rows in report.shapes.most_common())
    rows = f"{plural(report.rows, 'row')} ({columns or 'none with edits'})"
    return f"{rows}: all laws hold" if report.ok else f"{rows}: {report.bad_rows:,} break a law"
