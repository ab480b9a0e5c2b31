"""`lintseq complete`: prompts in, completions out."""

from typing import Annotated

from lintseq.cli.console import duration, print_summary, resumable_meter, table
from lintseq.cli.options import Json, Overwrite, Quiet, Resume, with_options
from lintseq.errors import EmptyInputError
from lintseq.lm.backends.backend import SamplingParameters
from lintseq.lm.generation import CompletionOptions, CompletionTally, complete as generate
from lintseq.reporting.numbers import plural

Model = Annotated[str, "MODEL", "A folder, a name on the Hugging Face Hub, or on a server."]
BACKEND_PANEL = "model backend url device dtype threads timeout model_config"
DECODING_PANEL = "linted tries linter give_up stop_after_edits"


@with_options(
    {
        "Model": f"{BACKEND_PANEL} batch",
        "Prompts": "benchmark data skip_first problems prompts prompts_file format",
        "Sampling": "n temperature top_p min_p top_k max_tokens min_tokens stop seed",
        "Decoding edit by edit": DECODING_PANEL,
        "Output": "output resume overwrite json quiet",
    }
)
def complete(
    *,
    model: Model,
    output: Annotated[str, "PATH", "File of the completions: .jsonl, .jsonl.gz."],
    benchmark: Annotated[str | None, "B", "A benchmark, or a file of problems."] = None,
    options: CompletionOptions,
    resume: Resume = False,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Generate completions of a benchmark's problems, or of your prompts.

    The output is what `lintseq evaluate` reads: one row per completion, with its seed, tokens and operations.
    Completions are on disk within seconds; an interrupted run continues with --resume. Several values of a sampling
    setting, such as --temperature 0.2,1 --top-p 0.9,1, are a sweep: each combination has a file of its own.

    Example: lintseq complete --model runs/edits --benchmark humaneval --data data --n 20 --output edits.jsonl
    """
    with resumable_meter(visible=not quiet) as meter:

        def show(sampling: SamplingParameters, tally: CompletionTally) -> None:
            meter(tally.before + tally.done, tally.total, f"{sampling.name}: {progress(tally)}", left=True)

        report = generate(
            model, benchmark, output, options,
            resume=resume, overwrite=overwrite, on_progress=show, on_notice=meter.note,
        )  # fmt: skip
    text = "\n\n".join(summary(path, tally) for path, tally in report.tallies.items())
    print_summary(report.as_dict(), text, json=json, quiet=quiet, warnings=report.warnings)
    done = sum(tally.done for tally in report.tallies.values())
    if done and done == sum(tally.finishes.get("prompt-too-long", 0) for tally in report.tallies.values()):
        raise EmptyInputError("no completion has text; use shorter prompts, or a model with a longer context")


def progress(tally: CompletionTally) -> str:
    """Return the progress and the speed of a run."""
    text = plural(tally.before + tally.done, "completion")
    return text + (f", {tally.tokens / tally.seconds:,.0f} tokens per second" if tally.seconds else "")


def summary(path: str, tally: CompletionTally) -> str:
    """Return a table of what was generated."""
    earlier = f", {tally.before:,} by earlier runs" if tally.before else ""
    rows = [("completions", f"{tally.before + tally.done:,}{earlier}")]
    if tally.done:
        seconds = max(tally.seconds, 1e-9)
        rows.append(("tokens", f"{tally.tokens:,}, {tally.tokens / seconds:,.0f} per second ({duration(seconds)})"))
        if tally.thrown_tokens:
            rows.append(("  discarded", f"{tally.thrown_tokens:,}"))
        if tally.flops:
            rows.append(("operations", f"{tally.flops:.3g}"))
        rows += [(f"  ended by {name}", f"{count:,}") for name, count in sorted(tally.finishes.items())]
    else:
        rows.append(("", "already complete; nothing to do"))
    return table([*rows, ("output", path)])
