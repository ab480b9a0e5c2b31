"""`lintseq evaluate`: completions in, pass@k out."""

import time
from contextlib import AbstractContextManager
from dataclasses import replace
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lintseq.cli.benchmarks import Chosen, Data
from lintseq.cli.console import percent, plural, table
from lintseq.cli.options import Json, Overwrite, Quiet, Resume, Workers
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lintseq.benchmarks.problem import Problem
    from lintseq.evaluation.completions import Completion
    from lintseq.evaluation.summary import Tokens

_LINE_EVERY = 5.0
"""Seconds between lines of progress."""
_INSTRUCTION = 2000
"""Characters of an instruction that are kept with the results."""


def evaluate(
    completions: Annotated[str, typer.Argument(metavar="COMPLETIONS", help="JSONL: task_id, completion.")],
    *,
    benchmark: Annotated[
        str, typer.Option("--benchmark", "-b", metavar="B", help="A benchmark's name, or a file of problems.")
    ],
    data: Data = None,
    format: Annotated[
        str,
        typer.Option(metavar="FORMAT", help="What completions are: code, program, diff, udiff, ... [default: found]"),
    ] = "auto",
    k: Annotated[str, typer.Option("--k", metavar="K,...", help="For which k to give pass@k.")] = "1,5,10,20,50,100",
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="S", help="Processor time of a program. [default: the benchmark's]"),
    ] = None,
    memory: Annotated[
        int | None, typer.Option(min=16, metavar="MB", help="Memory of a program. [default: the benchmark's]")
    ] = None,
    sandbox: Annotated[
        str, typer.Option(metavar="KIND", help="auto, or unsafe: no isolation, for programs that you trust.")
    ] = "auto",
    workers: Workers = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="RESULTS", help="Where a row for each completion goes.")
    ] = None,
    skip_first: Annotated[
        int, typer.Option(min=0, metavar="N", help="Leave out the first N problems; the paper: 100 of MBPP+.")
    ] = 0,
    problems: Chosen = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Score what is there, even if problems or completions are missing.")
    ] = False,
    linter: Annotated[
        str, typer.Option(metavar="LINTER", help="Judges programs and states; none for no judging.")
    ] = "pyflakes",
    tokenizer: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A tokenizer.json, to count tokens that rows do not give.")
    ] = None,
    model_config: Annotated[
        str | None, typer.Option(metavar="FILE", help="The model's config.json, to work out operations.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the intervals.")] = 0,
    resume: Resume = False,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run what a model wrote against a benchmark's tests, and print pass@k.

    COMPLETIONS has a line of JSON for each: task_id and completion, or solution for a whole program, as in
    the sample files of human-eval and EvalPlus. Completions are edit text or code; what they are is found, or
    said with --format. Programs run in a sandbox; where none can be had, nothing is run. With --output, a row
    for each completion says how it ended and why; a run that was ended goes on with --resume.

    Example: lintseq evaluate completions.jsonl --benchmark humaneval --data data --output results.jsonl
    """
    from lintseq.benchmarks import load_problems, select_problems
    from lintseq.benchmarks.loading import cache_folder
    from lintseq.evaluation.completions import read_completions
    from lintseq.evaluation.cost import read_shape
    from lintseq.evaluation.expectations import with_expectations
    from lintseq.evaluation.modules import missing_in
    from lintseq.evaluation.run import RowsFile, Setup, check_runner
    from lintseq.evaluation.run import evaluate as run
    from lintseq.evaluation.summary import summary
    from lintseq.languages import get_linter, linter_version

    ks = numbers(k)
    judge = None if linter == "none" else get_linter(linter)
    shape = None if model_config is None else read_shape(model_config)
    loaded = load_problems(benchmark, data)
    choice = select_problems(loaded, skip_first=skip_first, problems=problems)
    left_out = [name for one in choice.left_out for name in (one.task_id, *one.aliases)]
    given = read_completions(completions, choice.problems, form=format, partial=partial, others=left_out)
    tokens = None if tokenizer is None else counted(choice.problems, given.items, tokenizer)
    answered = {item.task_id for item in given.items}
    asked = [problem for problem in choice.problems if problem.task_id in answered]
    settings = {
        "benchmark": loaded.as_dict(),
        **choice.as_settings(),
        "completions": {"sha256": given.checksum, "rows": len(given.items), "format": given.form},
        "timeout": timeout,
        "memory": memory,
        "linter": "none" if judge is None else linter_version(linter),
        "sandbox": sandbox,
    }
    setup = Setup(timeout, None if memory is None else memory << 20, judge)
    closed = open_sandbox(workers, sandbox)
    file = None if output is None else RowsFile(output, settings, resume=resume, overwrite=overwrite)
    try:
        with closed as room, Ticker(shown=not quiet) as ticker:
            level = room.isolation
            if sandbox == "unsafe" or not quiet:
                typer.echo(f"lintseq: {level.summary}", err=True)
            if file is None or not file.finished:
                check_runner(room)
                setup = replace(setup, missing=missing_in(asked, room))
                runnable = [problem for problem in asked if not setup.missing(problem)]
                known = {one.task_id: one for one in with_expectations(runnable, room, cache_folder() / "expected")}
                asked = [known.get(problem.task_id, problem) for problem in asked]
            rows = run(asked, given.items, room, setup, file=file, on_progress=ticker)
        found = {
            "benchmark": loaded.as_dict(),
            **choice.as_settings(),
            "format": given.form,
            "missing_problems": len(given.missing),
            **summary(asked, given.items, rows, ks=ks, seed=seed, shape=shape, tokens=tokens),
            "isolation": level.as_dict(),
        }
        if file is not None:
            told = {name: value for name, value in found.items() if name != "per_problem"}
            file.finish({"summary": told, "instructions": instructions_of(asked)})
    finally:
        if file is not None:
            file.close()
    if json:
        typer.echo(dumps(found))
    elif not quiet:
        typer.echo(shown(found, output))
    for warning in warnings_of(found):
        typer.echo(f"lintseq: {warning}", err=True)


def instructions_of(problems: "Sequence[Problem]") -> dict[str, str]:
    """Return what was asked, for whoever reads the results; what is long is cut."""
    from lintseq.benchmarks.problem import shorten

    return {problem.task_id: shorten(problem.instruction, _INSTRUCTION) for problem in problems}


def open_sandbox(workers: int | None, level: str) -> AbstractContextManager[Any]:
    """Return the sandbox, to be entered; raises `ConfigError` if there is none of that kind."""
    from lintseq.sandbox import Sandbox

    return Sandbox(workers=workers, isolation=level)


def numbers(text: str) -> list[int]:
    """Return the numbers in `1,5,10`."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise ConfigError(f"--k {text}: give whole numbers from 1 with commas between, such as 1,10")
    return sorted(set(found))


def counted(problems: "Sequence[Problem]", completions: "Sequence[Completion]", tokenizer: Path) -> "Tokens":
    """Return the tokens of prompts and completions; the prompts are those of the paper's arms."""
    from lintseq.benchmarks import prompt_for
    from lintseq.dataset.stats import load_tokenizer
    from lintseq.evaluation.candidates import CODE, PROGRAM
    from lintseq.evaluation.summary import Tokens

    coder = load_tokenizer(tokenizer)
    plain = all(item.form in (CODE, PROGRAM) for item in completions)
    prompts = [str(prompt_for(problem, "plain" if plain else "edits")) for problem in problems]
    texts = [item.text for item in completions]
    return Tokens(
        {
            problem.task_id: len(one.ids)
            for problem, one in zip(problems, coder.encode_batch_fast(prompts), strict=True)
        },
        {
            (item.task_id, item.index): len(one.ids)
            for item, one in zip(completions, coder.encode_batch_fast(texts), strict=True)
        },
    )


def shown(found: dict[str, Any], output: str | None) -> str:
    """Return the summary as a table for people."""
    bench, per = found["benchmark"], found["completions_per_problem"]
    rows = [
        ("benchmark", f"{bench['name']} ({bench['file']}, {bench['version']})"),
        ("problems", _of(found["problems_scored"], bench["problems"]) + _how(found)),
        (
            "completions",
            f"{found['completions']:,}, {per if isinstance(per, int) else 'up to ' + str(max(per or [0]))} each",
        ),
        ("format", found["format"]),
    ]
    for name, title in (("base_pass_at_k", "base tests, pass@"), ("pass_at_k", "pass@")):
        for k, value in found.get(name, {}).items():
            interval = found[f"{name}_interval"].get(k)
            told = "undefined: fewer completions" if value is None else percent(value)
            if interval is not None:
                told += f"  ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"
            rows.append((f"{title}{k}", told))
    rows += [(f"  {verdict}", f"{count:,}") for verdict, count in found["verdicts"].items()]
    for group in ("edits", "clean", "diversity", "cost"):
        for name, value in found.get(group, {}).items():
            if isinstance(value, (int, float)):
                shares = name.startswith(("malformed", "ignored", "distinct", "completions_not")) or group == "clean"
                told = percent(value) if shares else f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
                rows.append((f"{group}: {name.replace('_', ' ')}", told))
    for k, value in found.get("cost", {}).get("flops_at_k", {}).items():
        rows.append((f"operations for pass@{k}", f"{value:.3g}"))
    off = ", ".join(found["isolation"]["off"])
    rows.append(("isolation", found["isolation"]["level"] + (f", without {off}" if off else "")))
    if output is not None:
        rows.append(("results", output))
    return table(rows)


def _of(part: int, whole: int) -> str:
    return f"{part:,}" if part == whole else f"{part:,} of {whole:,}"


def _how(found: dict[str, Any]) -> str:
    """Return how the problems were chosen, if they were."""
    told = f", without the first {found['skip_first']}" if found["skip_first"] else ""
    return f"{told}, chosen by name" if "chosen" in found else told


def warnings_of(found: dict[str, Any]) -> list[str]:
    """Return what a reader of the numbers has to know."""
    told = [f"{plural(count, 'problem')} not run: {why}" for why, count in found["problems_not_run"].items()]
    if broken := found["verdicts"].get("sandbox-error"):
        told.append(f"{plural(broken, 'completion')} could not be judged, for the sandbox broke; they are not counted")
    if found["suspect"]:
        told.append(
            f"{plural(found['suspect'], 'row')} passed with programs that mention what could forge one: see `suspect`"
        )
    if found["benchmark"]["version"] == "unknown":
        told.append(f"{found['benchmark']['file']} is no version of the benchmark that lintseq knows")
    if found["missing_problems"]:
        told.append(f"{plural(found['missing_problems'], 'problem')} without completions; they are not counted")
    return told


class Ticker:
    """Says on standard error how far a run is, now and then."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._started = self._last = time.monotonic()
        self._first: int | None = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first, self._started = done, now
        if not self._shown or now - self._last < _LINE_EVERY:
            return
        self._last = now
        rate = (done - self._first) / max(now - self._started, 0.001)
        typer.echo(f"{done / total:4.0%}  {plural(done, 'completion')}, {rate:,.1f} a second", err=True)

    def __enter__(self) -> "Ticker":
        return self

    def __exit__(self, *_: object) -> None:
        pass
