"""`lintseq sample`: one edit sequence in the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lintseq.cli.options import Preset, print_preset, with_options
from lintseq.errors import ConfigError, ProgramError
from lintseq.walks import SamplingOptions


@with_options()
def sample(
    file: Annotated[str, "FILE", "A source file; - is standard input."],
    *,
    options: SamplingOptions,
    format: Annotated[str, "FORMAT", "Text format of the edits, with --text or --json."] = "diff",
    preset: Preset = None,
    seed: Annotated[int, "N", "Random seed."] = 0,
    draw: Annotated[int, typer.Option(metavar="N", min=0, help="Number of the draw, from 0.")] = 0,
    start: Annotated[str | None, "FILE", "An old version of FILE, which the edits start from."] = None,
    text: Annotated[bool, "Print the edit text instead, byte for byte."] = False,
    json: Annotated[bool, "Print the record instead."] = False,
) -> None:
    """Show one way to write FILE, edit by edit.

    Prints each edit with the program after it; new lines are marked +, and removed ones -.

    Example: lintseq sample area.py --seed 3
    """
    from lintseq.codecs import get_codec
    from lintseq.reporting.terminal import console, print_sequence
    from lintseq.walks import ProgramSampler, check_options

    if text and json:
        raise ConfigError("--text and --json exclude each other; choose one")
    if file == start == "-":
        raise ConfigError("standard input is read once, so FILE and --start cannot both be -")
    check_options(options)
    codec = get_codec(format)
    print_preset(preset, {**asdict(options), "format": format})
    program, old = read_source(file), read_source(start) if start else ""
    with naming(file):
        sequence = ProgramSampler(program, options, start=old).sample(seed=seed, draw=draw)
    if text:
        typer.echo(codec.write(sequence).encode(), nl=False)
    elif json:
        from lintseq.dataset.shapes import SHAPES, ProgramRow, meta_of
        from lintseq.rows import encode_line

        row = ProgramRow(id="", instruction="", program=sequence.program.text)
        record = SHAPES["lintseq"].write(row, sequence, draw, meta_of(options, seed), codec)
        typer.echo(encode_line(record), nl=False)
    else:
        name = "standard input" if file == "-" else Path(file).name
        since = f" from {Path(start).name}" if start else ""
        print_sequence(sequence, console(), title=f"{name}{since}, seed {seed}, draw {draw}")


def read_source(file: str) -> str:
    """Return the exact text of a source file, in the encoding that it declares."""
    from lintseq.languages import get_language
    from lintseq.rows.inputs import is_data_set
    from lintseq.rows.streams import read_whole

    data = read_whole(file)
    if is_data_set(file, data):
        raise ConfigError(
            f"{file} is a data set, not a program: `lintseq show` prints its edit sequences, and `lintseq build`"
            " makes them from the programs in it"
        )
    with naming(file):
        return get_language().decode(data)


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Name a file in the message of a `ProgramError`."""
    try:
        yield
    except ProgramError as error:
        raise ProgramError(error.reason, f"{file}: {error.detail}") from None
