"""Commands that write a data set: their common options, progress, summary and exit status."""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, TypeVar

import typer

from lintseq.cli.console import Meter, table
from lintseq.dataset.outputs import Target, is_regular
from lintseq.dataset.report import BuildProgress, BuildReport
from lintseq.errors import BuildInterrupted, ConfigError, EmptyInputError
from lintseq.reporting.numbers import percent, plural


@dataclass(frozen=True, slots=True)
class ExecutionOptions:
    """How a command runs."""

    workers: int | None = None
    """Number of processes. Default: one per processor."""
    resume: bool = False
    """Continue an interrupted run, if there is one."""
    overwrite: bool = False
    """Replace the output if it exists."""
    strict: bool = False
    """Exit with status 1 if any row was rejected."""
    json: bool = False
    """Print the summary as JSON."""
    quiet: bool = False
    """Print neither progress nor summary."""


class RunReport(Protocol):
    """What a command that writes a data set returns."""

    @property
    def broken_inputs(self) -> Sequence[str]: ...
    @property
    def rejections(self) -> object: ...
    def as_dict(self) -> dict[str, Any]: ...


R = TypeVar("R", bound=RunReport)


def run_command(
    function: Callable[..., R],
    inputs: Sequence[str],
    target: Target,
    options: object,
    run: ExecutionOptions,
    summary: Callable[[R], str],
    *,
    units: tuple[str, str] = ("row", "sequence"),
) -> None:
    """Call a function that writes a data set, print its progress and a summary, and exit with its status.

    `units` are the names of what it reads and writes, in its report too.
    """
    to_stdout = target.output == "-"
    if run.json and to_stdout:
        raise ConfigError("--json and --output - would both print to standard output; choose one")
    arguments: dict[str, Any] = {"workers": run.workers, "resume": run.resume, "overwrite": run.overwrite}
    try:
        with Meter(visible=not run.quiet) as meter:
            if not run.quiet:
                arguments["on_progress"] = build_meter(meter)
            report = function(inputs, target, options, **arguments)
    except BuildInterrupted as interruption:
        done = plural(interruption.report.tally.rows, "row")
        if interruption.report.partial:
            hint = f"what is done is in {interruption.report.partial}; continue with --resume"
        elif is_regular(target.output):
            hint = "nothing is kept, because the input cannot be read again"
        else:
            hint = "the records printed are complete"
        typer.echo(f"lintseq: interrupted after {done}; {hint}", err=True)
        raise typer.Exit(130) from None
    if run.json:
        typer.echo(dumps(report.as_dict()))
    elif not run.quiet:
        typer.echo(summary(report), err=to_stdout)
    for problem in report.broken_inputs:
        typer.echo(f"lintseq: {problem}; the rows before that are done", err=True)
    check_written(report.as_dict(), units, function.__name__)
    if report.broken_inputs or (run.strict and report.rejections):
        raise typer.Exit(1)


def check_written(numbers: Mapping[str, Any], units: tuple[str, str], command: str) -> None:
    """Raise `EmptyInputError`, with the most common reason and its remedy, if nothing was written."""
    (unit, written), rejected = units, numbers["rejected"]
    if numbers[f"{written}s"]:
        return
    if not (count := numbers[f"{unit}s"]):
        raise EmptyInputError(f"no {written}s: the input has no {unit}s; check its path, and what was to write it")
    reason, rows = next(iter(numbers["rejections"].items()), ("nothing", 0))
    remedies = tomllib.loads(Path(__file__).with_name("remedies.toml").read_text(encoding="utf-8"))
    remedy = remedies[command].get(reason) or remedies.get(reason, "see what the rows have in common")
    why = f", most often rejected as {reason} ({rows:,})" if rows else ""
    where = f"; all reasons are in {rejected}" if rows and os.path.isfile(rejected) else ""
    raise EmptyInputError(f"no {written}s came out of {plural(count, unit)}{why}: {remedy}{where}")


def build_meter(meter: Meter) -> Callable[[BuildProgress], None]:
    """Return what prints the progress of a build."""
    started = monotonic()

    def report(progress: BuildProgress) -> None:
        rate = progress.new_rows / (monotonic() - started)
        text = f"{plural(progress.rows, 'row')}, {rate:,.0f} a second, {progress.rejected:,} rejected"
        meter(progress.done, progress.total, text, left=True)

    return report


def build_summary(report: BuildReport) -> str:
    """Return the report as a table for people."""
    numbers = report.as_dict()
    edits = numbers["edits_per_sequence"]
    rows = [
        ("rows", f"{numbers['rows']:,}"),
        ("sequences", f"{numbers['sequences']:,}"),
        *([("  for testing", f"{report.tally.test:,}")] * bool(report.tally.test)),
        *([("  cut to --max-tokens", f"{report.tally.truncated:,}")] * bool(report.tally.truncated)),
        ("edits per sequence", f"{edits['mean']:.2f}, median {edits['median']}, at most {edits['max']}"),
        ("lines per edit", f"{numbers['lines_per_edit']:.2f}"),
        ("single-edit sequences", percent(numbers["single_edit_share"])),
        ("rejected rows", f"{report.rejections:,}"),
    ]
    rows += [(f"  {reason}", f"{count:,}") for reason, count in numbers["rejections"].items()]
    rows += [(f"draws left out: {reason}", f"{count:,}") for reason, count in numbers["dropped_draws"].items()]
    if report.nothing_to_do:
        rows.append(("", "complete since an earlier run"))
    else:
        rows.append(("rows per second", f"{numbers['rows_per_second']:,.0f} ({numbers['seconds']:.1f} s)"))
    if report.rows_before and not report.nothing_to_do:
        rows.append(("rows of earlier runs", f"{report.rows_before:,}"))
    rows.append(("output", report.output))
    if report.rejections:
        rows.append(("rejected rows in", report.rejected))
    rows += [("note", note) for note in report.notes]
    return table(rows)
