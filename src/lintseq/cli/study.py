"""`lintseq study`: a complete comparison from a file, with one command."""

import time
from typing import Annotated

import typer

from lintseq.cli.console import Meter, duration, print_summary, table
from lintseq.cli.options import Json, Quiet, with_options
from lintseq.reporting.numbers import plural
from lintseq.study.running import StudyProgress
from lintseq.study.study import StudyOptions, StudyReport, pack_study, plan_study, power_of_study, run_study


@with_options({"Study": "data set", "Execution": "jobs threads plan power pack", "Output": "output json quiet"})
def study(
    file: Annotated[
        str, "STUDY", "A study file in TOML, an archive made by --pack, or measurements.json of a finished study."
    ],
    *,
    output: Annotated[
        str | None, "DIR", "Folder for everything, or with --pack the archive; --power needs none."
    ] = None,
    options: StudyOptions,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Parallel trainings. [default: one per GPU, or cores divided by --threads or 2]"
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="CPU threads of each. [default: $OMP_NUM_THREADS, or cores divided by jobs]"
        ),
    ] = None,
    plan: Annotated[bool, "Print the steps as commands, and run nothing."] = False,
    power: Annotated[bool, "Print how large a difference the study detects, and run nothing."] = False,
    pack: Annotated[bool, "Run nothing: write the study and all it reads to one .tar.gz archive."] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare ways to train a model: build, finetune, complete and evaluate each arm, and write a report.

    The file names pairs, arms, base model, recipe, benchmarks and seeds. Each step is one of the other commands.
    Finished steps are kept: the same command resumes an interrupted study. A step whose recipe or inputs changed is
    repeated with all that depend on it. From measurements.json, the report is written again, and nothing runs.

    Example: lintseq study nano --output out/nano
    """
    if power:
        typer.echo(power_of_study(file, options))
        return
    if output is None:
        raise typer.BadParameter("is missing; name a folder", param_hint="--output")
    if plan:
        typer.echo(plan_study(file, output, options).commands(output))
        return
    if pack:
        packed = pack_study(file, output, options)
        rows = [("files", f"{packed.files:,}"), ("size", f"{packed.size / 1e6:,.1f} MB"), ("archive", packed.path)]
        typer.echo(table(rows))
        return
    with Meter(visible=not quiet) as meter:
        report = run_study(
            file, output, options, jobs=jobs, threads=threads,
            on_progress=lambda progress: meter(len(progress.done), len(progress.steps), status(progress)),
        )  # fmt: skip
    print_summary(report.as_dict(), summary(report), json=json, quiet=quiet)


def status(progress: StudyProgress) -> str:
    """Return the state of a study on one line."""
    now = time.monotonic()
    text = f"{len(progress.done)} of {plural(len(progress.steps), 'step')}"
    if progress.failed:
        text += f", {len(progress.failed)} failed"
    if progress.busy:
        text += ", processors busy: fewer --jobs or --threads may be faster"
    if progress.running:
        if (left := progress.seconds_left(now)) is not None:
            text += f", about {duration(left)} left"
        text += ": " + ", ".join(f"{name} ({duration(now - start)})" for name, start in progress.running.items())
    return text


def summary(report: StudyReport) -> str:
    """Return the findings as text, and the path of the report."""
    steps = f"{plural(report.steps, 'step')}, {report.new_steps:,} executed now"
    rows = [("steps", steps), ("time", duration(report.seconds))] if report.steps else []
    rows.append(("report", str(report.page)))
    return "\n".join([*report.sentences, table(rows)])
