"""`lintseq resolve`: edit text in, program out."""

import sys
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from lintseq.codecs import Resolution


def resolve(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="Edit text; - is standard input.")] = Path("-"),
    strict: Annotated[bool, typer.Option("--strict", help="Read only what lintseq itself writes.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print program, edits_applied and notes as JSON.")] = False,
) -> None:
    """Print the program that an edit text writes, byte for byte.

    Whatever a model wrote is read; what was ignored or repaired is told on standard error, a line for each.
    With --strict the first such thing is an error and nothing is printed.

    Example: lintseq sample area.py --text | lintseq resolve --strict
    """
    from lintseq.codecs import DIFF, Resolution

    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the edit text: {error}") from None
    text = data.decode(errors="surrogateescape")  # bytes that are no UTF-8 pass through unchanged
    if strict:
        sequence = DIFF.read(text)
        resolution = Resolution.of_edits(sequence.start, sequence.program, sequence.edits)
    else:
        resolution = DIFF.resolve(text)
    if json:
        show_json(resolution)
        return
    for note in resolution.notes:
        typer.echo(str(note), err=True)
    typer.echo(resolution.text.encode(errors="surrogateescape"), nl=False)


def show_json(resolution: "Resolution") -> None:
    """Print a resolution as one JSON object; what is no UTF-8 is escaped."""
    notes = [asdict(note) for note in resolution.notes]
    typer.echo(dumps({"program": resolution.text, "edits_applied": resolution.edits_applied, "notes": notes}))
