"""`lintseq study`: a whole comparison from a file, with one command."""

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lintseq.cli.benchmarks import Data
from lintseq.cli.console import Meter, duration, plural, table
from lintseq.cli.options import Json, Quiet
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lintseq.study.files import Study
    from lintseq.study.findings import Found
    from lintseq.study.plan import Plan
    from lintseq.study.running import Room, Standing

_UsageError: Any = typer.BadParameter.__base__
"""What typer raises for words that a command does not take: click's, or that of the copy in its newer releases."""


def study(
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="A study file, TOML.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for all that is made.")],
    data: Data = None,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting over the file's, such as sampling.n=20."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Trainings beside each other. [default: one a GPU, or one each 2 cores]"
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print the steps, and do nothing.")] = False,
    pack: Annotated[
        bool, typer.Option("--pack", help="Do nothing, but pack all that it reads, for a machine without network.")
    ] = False,
    wheels: Annotated[
        bool, typer.Option("--wheels", help="With --pack: the requirements of lintseq too, for this kind of machine.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare ways to train a model: build, finetune, complete and evaluate each arm, and write a report.

    The file names pairs, arms, base model, recipe, benchmarks and seeds. Each step is one of the other commands;
    what is done is not done again, and a study that was ended goes on when the same command is given once more.
    A step whose recipe or inputs have changed is made anew, with all that rests on it.

    Example: lintseq study studies/nano.toml --output out/nano
    """
    from lintseq import __version__
    from lintseq.study import running
    from lintseq.study.files import read_study
    from lintseq.study.plan import fingerprints, plan_of

    started = time.monotonic()
    asked = read_study(str(file), settings=set or ())
    files = _files(asked, data)
    planned = plan_of(asked, files=files, data=data)
    _check_files(planned)
    _check_commands(planned)
    if plan:
        for step in planned.steps:
            typer.echo(" ".join(step.words).replace("{}", str(output)))
        return
    if pack:
        from lintseq.study import packing

        packed = packing.pack(asked, files, output, wheels=wheels)
        rows = [("files", f"{packed.files:,}"), ("size", f"{packed.size / 1e6:,.1f} MB")]
        rows += [("pieces", f"{len(packed.pieces):,}"), ("unpack", str(output / packing.UNPACK))]
        typer.echo(table(rows))
        return
    running.check_folder(str(output), str(file))
    checksums = running.checksums_of([one for step in planned.steps for one in step.files])
    prints = fingerprints(planned.steps, checksums, __version__)
    room = running.default_room(jobs)
    running.check_room(planned.steps, room)
    early = _early(asked, planned, output, lambda asked: plan_of(asked, files=files, data=data))
    with closing(running.alone(str(output))):
        with Meter(shown=not quiet) as meter:

            def tell(standing: "Standing") -> None:
                meter(len(standing.done), len(standing.steps), _words(standing, room))
                early(standing)

            standing = running.run_steps(planned.steps, prints, str(output), room=room, tell=tell)
        running.check_finished(standing, str(output))
        found, page = _report(asked, planned, output)
    if json:
        from json import dumps

        from lintseq.study.findings import as_table

        typer.echo(dumps(as_table(found)))
    elif not quiet:
        _tell(found, standing, page, time.monotonic() - started)


def _files(asked: "Study", data: str | None) -> dict[str, str]:
    """Return the file of each benchmark, and of each choice of problems that is in one; raises `ConfigError` if one is
    not to be had, or has not what is asked."""
    from lintseq.benchmarks import is_problem_file, load_problems, select_problems

    loaded = {one.name: load_problems(one.name, data) for one in asked.benchmarks}
    asked_of: dict[tuple[str, bool], set[str]] = {}
    for one in asked.benchmarks:
        choice = select_problems(loaded[one.name], skip_first=one.skip_first, problems=one.problems or None)
        asked_of.setdefault((one.name, one.validation), set()).update(problem.task_id for problem in choice.problems)
    for name in loaded:
        if both := asked_of.get((name, True), set()) & asked_of.get((name, False), set()):
            raise ConfigError(
                f"{len(both)} problems of {name}, such as {min(both)}, are both for validation and for the result;"
                " settings would be chosen on what is measured"
            )
    chosen = {one.problems: one.problems for one in asked.benchmarks if is_problem_file(one.problems)}
    return {name: one.path for name, one in loaded.items()} | chosen


def _check_files(planned: "Plan") -> None:
    """Raise `ConfigError` if something that the first steps read is not there."""
    for step in planned.steps:
        for one in step.files:
            if ":" not in one and "*" not in one and not Path(one).exists():
                raise ConfigError(f"step {step.name!r} reads {one}, and there is no such file")


def _check_commands(planned: "Plan") -> None:
    """Raise `ConfigError` if a step has an option, a value or a setting that its command does not take: better now
    than after the hours of the steps before it."""
    from lintseq.cli import load_command
    from lintseq.cli.build import options_of
    from lintseq.dataset.build import check_build
    from lintseq.lm.recipes import FinetuneRecipe, PretrainRecipe, read_recipe

    for step in planned.steps:
        words = list(step.command)
        command = load_command(words.pop(0))
        try:
            while subcommands := getattr(command, "commands", None):
                command = subcommands[words.pop(0)]
            given = command.make_context(step.kind, words, help_option_names=[]).params
            if step.kind == "build":
                check_build(options_of(given))
            elif step.kind in ("pretrain", "finetune"):
                kind: type[Any] = PretrainRecipe if step.kind == "pretrain" else FinetuneRecipe
                read_recipe(given["recipe"], kind, settings=given["set"] or ())
        except ConfigError as error:
            raise ConfigError(f"step {step.name!r}: {error}") from None
        except _UsageError as error:
            raise ConfigError(f"step {step.name!r}, lintseq {step.kind}: {error.format_message()}") from None


def _words(standing: "Standing", room: "Room") -> str:
    """Say how far a study is, on one line."""
    now = time.monotonic()
    under_way = ", ".join(f"{name} ({duration(now - since)})" for name, since in standing.running.items())
    told = f"{len(standing.done)} of {plural(len(standing.steps), 'step')}"
    if standing.failed:
        told += f", {len(standing.failed)} failed"
    if (left := standing.seconds_left(room, now)) is not None and standing.running:
        told += f", about {duration(left)} left"
    return f"{told}: {under_way}" if under_way else told


def _early(
    asked: "Study", planned: "Plan", output: Path, plan: "Callable[[Study], Plan]"
) -> "Callable[[Standing], None]":
    """Return what writes a report as soon as all arms of another seed are judged, and others are still to come."""
    told: tuple[int, ...] = ()

    def look(standing: "Standing") -> None:
        nonlocal told
        waiting = {one.seed for one in planned.results if one.step not in standing.done}
        there = tuple(seed for seed in asked.seeds if seed not in waiting)
        if waiting and len(there) > len(told):
            told = there
            note = f"Early: {plural(len(there), 'seed')} of {len(asked.seeds)}; the study goes on."
            part = replace(asked, seeds=there, notes=(*asked.notes, note))
            _report(part, plan(part), output)

    return look


def _report(asked: "Study", planned: "Plan", output: Path) -> "tuple[Found, Path]":
    """Write the report; return what was found, and the page."""
    from json import dumps, loads

    from lintseq.evaluation.results_file import read_results
    from lintseq.storage import MANIFEST
    from lintseq.study import running
    from lintseq.study.findings import as_table, gather
    from lintseq.study.report import write_report

    results = {one.step: read_results(str(output / one.output)) for one in planned.results}
    folders = {folder for folder in planned.models.values() if (output / folder / MANIFEST).exists()}
    manifests = {folder: loads((output / folder / MANIFEST).read_text(encoding="utf-8")) for folder in folders}
    found = gather(asked, planned, results, manifests, running.read_notes(planned.steps, str(output)))
    page, *_ = write_report(found, planned, output / "report")
    (output / "report" / "findings.json").write_text(dumps(as_table(found), indent=1), encoding="utf-8")
    return found, page


def _tell(found: "Found", standing: "Standing", page: Path, seconds: float) -> None:
    from lintseq.study.findings import sentences, verdicts_of

    for sentence in sentences(verdicts_of(found), found.study):
        typer.echo(sentence)
    done = len(standing.done) - len(standing.before)
    steps = f"{plural(len(standing.steps), 'step')}, {done:,} done now"
    typer.echo(table([("steps", steps), ("time", duration(seconds)), ("report", str(page))]))
