"""`lintseq complete`: prompts in, completions out."""

import os
from dataclasses import asdict
from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.cli.benchmarks import Chosen, Data
from lintseq.cli.console import Meter, duration, plural, table
from lintseq.cli.models import (
    BackendName,
    Device,
    DrawSeed,
    Dtype,
    GiveUp,
    JudgeName,
    Linted,
    MaxTokens,
    Model,
    StopAfter,
    Tries,
    Url,
)
from lintseq.cli.options import Json, Overwrite, Quiet, Resume
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from lintseq.lm.backends.backend import Backend
    from lintseq.lm.generating import Asked, Tally


def complete(
    model: Model,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PATH", help="Where completions go: .jsonl, .jsonl.gz.")
    ],
    *,
    benchmark: Annotated[
        str | None, typer.Option("--benchmark", "-b", metavar="B", help="A benchmark's name, or a file of problems.")
    ] = None,
    data: Data = None,
    prompts: Annotated[
        str | None,
        typer.Option(
            metavar="STYLE", help="official, plain, edits or messages. [default: as the model's recipe has it]"
        ),
    ] = None,
    prompts_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Prompts of your own, JSONL: prompt or messages, and task_id."),
    ] = None,
    skip_first: Annotated[int, typer.Option(min=0, metavar="N", help="Leave out the first N problems.")] = 0,
    problems: Chosen = None,
    n: Annotated[int, typer.Option("--n", min=1, metavar="N", help="Completions of each prompt.")] = 1,
    temperature: Annotated[
        str, typer.Option(metavar="T,...", help="0 takes the likeliest token. Several settings are a sweep.")
    ] = "1",
    top_p: Annotated[str, typer.Option("--top-p", metavar="P,...", help="Draw among tokens of so much in all.")] = "1",
    min_p: Annotated[
        str, typer.Option("--min-p", metavar="P,...", help="Draw among tokens of this share of the likeliest.")
    ] = "0",
    top_k: Annotated[str, typer.Option("--top-k", metavar="K,...", help="Draw among so many; 0 is all.")] = "0",
    max_tokens: MaxTokens = 512,
    min_tokens: Annotated[int, typer.Option(min=0, metavar="N", help="A completion ends after so many tokens.")] = 8,
    stop: Annotated[
        list[str] | None,
        typer.Option("--stop", metavar="TEXT", help="Cut completions off before it; may be repeated."),
    ] = None,
    seed: DrawSeed = 0,
    format: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="What completions are: code, diff, ... [default: goes with the prompts]"),
    ] = None,
    linted: Linted = False,
    tries: Tries = 8,
    linter: JudgeName = "pyflakes",
    give_up: GiveUp = "keep",
    stop_after_edits: StopAfter = None,
    backend: BackendName = "transformers",
    url: Url = None,
    device: Device = None,
    dtype: Dtype = "auto",
    batch: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Completions under way. [default: 32; GPU 128; server 16]")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="Seconds that a server has for an answer.")
    ] = 600,
    model_config: Annotated[
        str | None, typer.Option(metavar="FILE", help="A served model's config.json, to work out operations.")
    ] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Let a model write completions of a benchmark's problems, or of your prompts.

    The output is what `lintseq evaluate` reads: a row for each completion, with its seed, tokens and operations.
    Completions are on the disk after seconds; a run that was ended goes on with --resume. Several settings,
    such as --temperature 0.2,1 --top-p 0.9,1, are a sweep: each goes to a file of its own, which its name tells.

    Example: lintseq complete --model runs/edits --benchmark humaneval --data data --n 20 --output edits.jsonl
    """
    from lintseq.benchmarks import load_problems
    from lintseq.benchmarks.selection import choose
    from lintseq.evaluation.cost import read_shape
    from lintseq.evaluation.run import RowsFile
    from lintseq.lm import generating as plan
    from lintseq.lm.backends import open_backend
    from lintseq.lm.linted import EditOptions, watches

    settings = plan.sweep(
        numbers("temperature", temperature),
        numbers("top-p", top_p),
        numbers("min-p", min_p),
        [int(k) for k in numbers("top-k", top_k)],
        max_tokens=max_tokens,
        min_tokens=min(min_tokens, max_tokens),
        stop=tuple(stop or ()),
    )
    plan.check_count(n, settings)
    arm = plan.arm_of(model)
    asked: list[Asked]
    of: dict[str, object]
    if (benchmark is None) == (prompts_file is None):
        raise ConfigError("say with --benchmark, or with --prompts-file, what is to be completed")
    if prompts_file is not None:
        if prompts is not None:
            raise ConfigError("--prompts is a style for a benchmark; those of --prompts-file are taken as they are")
        if problems is not None:
            raise ConfigError("--problems is of a benchmark; those of --prompts-file are all taken")
        asked, of = plan.read_prompts(prompts_file), {"prompts": os.path.basename(prompts_file)}
        form = plan.form_of(format, "") or arm.format
    else:
        assert benchmark is not None
        style = prompts or arm.prompts
        if style is None:
            raise ConfigError(f"{model} has no recipe that tells which prompts it knows; say so with --prompts")
        form = plan.form_of(format or (arm.format if style == arm.prompts else None), style)
        loaded = load_problems(benchmark, data)
        choice = choose(loaded, skip_first=skip_first, wanted=problems)
        asked = plan.asked_of(choice.problems, style)
        of = {"benchmark": loaded.as_dict(), **choice.as_settings(), "prompts": style}
    edits = EditOptions(linted, tries, linter, give_up, stop_after_edits, form or "diff")  # type: ignore[arg-type]
    if edits.wanted and form in ("code", "program"):
        raise ConfigError(f"--linted and --stop-after-edits are for edits, and --format {form} is none")
    for one in settings:
        watches(edits, one)
    outputs = plan.output_names(output, settings)
    taken = [path for path in outputs if os.path.exists(path) and not (resume or overwrite)]
    if taken:
        raise ConfigError(
            f"{taken[0]} exists; go on with --resume, replace it with --overwrite, or choose another name"
        )
    opened = open_backend(
        backend,
        model,
        url=url,
        key=os.environ.get("OPENAI_API_KEY"),
        device=device,
        dtype=dtype,
        batch=batch,
        timeout=timeout,
        shape=None if model_config is None else read_shape(model_config),
    )
    requests = plan.requests_of(asked, n=n, seed=seed)
    tallies: dict[str, Tally] = {}
    for path, one in zip(outputs, settings, strict=True):
        same = {**opened.describe(), **of, "n": n, "seed": seed, "sampling": asdict(one), "format": form}
        same |= {"asked": plan.checksum(asked), "edits": asdict(edits) if edits.wanted else None}
        file = RowsFile(path, same, resume=resume, overwrite=overwrite)
        try:
            with Meter(shown=not quiet) as meter:
                name = f"{one.name}: " if len(settings) > 1 else ""
                tallies[path] = plan.complete(
                    opened,
                    requests,
                    one,
                    file,
                    form=form,
                    edits=edits,
                    on_progress=lambda tally, meter=meter, name=name: meter(  # type: ignore[misc]
                        tally.before + tally.done, tally.total, name + progress(tally)
                    ),
                )
        except KeyboardInterrupt:
            typer.echo(f"lintseq: interrupted; go on with --resume, what is done is in {path}.partial", err=True)
            raise typer.Exit(130) from None
        finally:
            file.close()
    if json:
        typer.echo(dumps({path: asdict(tally) for path, tally in tallies.items()}))
    elif not quiet:
        typer.echo("\n\n".join(shown(path, tally) for path, tally in tallies.items()))
    for warning in told(opened, tallies):
        typer.echo(f"lintseq: {warning}", err=True)


def numbers(name: str, text: str) -> list[float]:
    """Return the numbers in `0.2,0.8`."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"--{name} {text}: give a number, or several with commas between") from None


def progress(tally: "Tally") -> str:
    """Return how fast it goes and how long it takes."""
    text = f"{plural(tally.before + tally.done, 'completion')}"
    if tally.done and tally.seconds:
        left = tally.seconds / tally.done * (tally.total - tally.before - tally.done)
        text += f", {tally.tokens / tally.seconds:,.0f} tokens a second, {duration(left)} left"
    return text


def shown(path: str, tally: "Tally") -> str:
    """Return what was done as a table for people."""
    rows = [("completions", f"{tally.before + tally.done:,}" + (f", {tally.before:,} before" if tally.before else ""))]
    if tally.done:
        seconds = max(tally.seconds, 1e-9)
        rows.append(("tokens", f"{tally.tokens:,}, {tally.tokens / seconds:,.0f} a second ({duration(seconds)})"))
        if tally.thrown_tokens:
            rows.append(("  thrown away", f"{tally.thrown_tokens:,}"))
        if tally.flops:
            rows.append(("operations", f"{tally.flops:.3g}"))
        rows += [(f"  over: {name}", f"{count:,}") for name, count in sorted(tally.finishes.items())]
    else:
        rows.append(("", "done by an earlier run; nothing was left to do"))
    return table([*rows, ("output", path)])


def told(backend: "Backend", tallies: "dict[str, Tally]") -> list[str]:
    """Return what a user of the completions has to know."""
    found = list(backend.warnings())
    if none := sum(tally.finishes.get("no-room", 0) for tally in tallies.values()):
        found.append(f"{plural(none, 'prompt')} left no room in the model's context; the completions are empty")
    return found
