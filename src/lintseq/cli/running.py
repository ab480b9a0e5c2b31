"""A run of the pipeline on the command line: its progress, its summary and its exit status."""

from collections.abc import Callable, Sequence
from json import dumps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import typer

from lintseq.cli.console import RunProgress, percent, plural, table
from lintseq.errors import BuildInterrupted, ConfigError

if TYPE_CHECKING:
    from lintseq.dataset.report import BuildProgress, BuildReport


class Report(Protocol):
    """What a run returns."""

    @property
    def broken_inputs(self) -> Sequence[str]: ...
    @property
    def rejections(self) -> object: ...
    def as_dict(self) -> dict[str, Any]: ...


R = TypeVar("R", bound=Report)


def carry_out(
    run: "Callable[[Callable[[BuildProgress], None]], R]",
    output: str,
    summary: Callable[[R], str],
    *,
    json: bool,
    quiet: bool,
    strict: bool,
) -> None:
    """Run what writes to `output`, show how far it is and what it did, and leave with the status that says so."""
    if json and output == "-":
        raise ConfigError("--json and --output - would both print on standard output; choose one")
    try:
        with RunProgress(shown=not quiet) as progress:
            report = run(progress)
    except BuildInterrupted as interruption:
        partial = interruption.report
        typer.echo(f"lintseq: interrupted after {plural(partial.tally.rows, 'row')}; {_left(partial)}", err=True)
        raise typer.Exit(130) from None
    if json:
        typer.echo(dumps(report.as_dict()))
    elif not quiet:
        typer.echo(summary(report), err=output == "-")
    for problem in report.broken_inputs:
        typer.echo(f"lintseq: {problem}; the rows before that are done", err=True)
    if report.broken_inputs or (strict and report.rejections):
        raise typer.Exit(1)


def summary(report: "BuildReport") -> str:
    """Return the report as a table for people."""
    numbers = report.as_dict()
    edits = numbers["edits_per_sequence"]
    rows = [
        ("rows", f"{numbers['rows']:,}"),
        ("sequences", f"{numbers['sequences']:,}"),
        ("edits a sequence", f"{edits['mean']:.2f}, median {edits['median']}, at most {edits['max']}"),
        ("lines an edit", f"{numbers['lines_per_edit']:.2f}"),
        ("single-edit sequences", percent(numbers["single_edit_share"])),
        ("rejected rows", f"{report.rejections:,}"),
    ]
    rows += [(f"  {reason}", f"{count:,}") for reason, count in numbers["rejections"].items()]
    rows += [(f"draws left out: {reason}", f"{count:,}") for reason, count in numbers["dropped_draws"].items()]
    if report.nothing_to_do:
        rows.append(("", "done by an earlier run; nothing was left to do"))
    else:
        rows.append(("rows a second", f"{numbers['rows_per_second']:,.0f} ({numbers['seconds']:.1f} s)"))
    if report.rows_before and not report.nothing_to_do:
        rows.append(("rows of earlier runs", f"{report.rows_before:,}"))
    rows.append(("output", report.output))
    if report.rejections:
        rows.append(("rejected rows in", report.rejected))
    return table(rows)


def _left(report: "BuildReport") -> str:
    if report.output == "-":
        return "the records printed are whole"
    return f"go on with --resume; what is done is in {report.partial}"
