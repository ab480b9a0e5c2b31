"""`lintseq resolve`: edit text in, program out."""

import sys
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from lintseq.cli.options import Quiet, with_options
from lintseq.errors import ConfigError


@with_options()
def resolve(
    file: Annotated[Path, "[FILE]", "Edit text; - is standard input."] = Path("-"),
    *,
    strict: Annotated[bool, "Fail on the first irregularity."] = False,
    json: Annotated[bool, "Print program, edits_applied and notes as JSON."] = False,
    quiet: Quiet = False,
) -> None:
    """Print the program that an edit text writes, byte for byte.

    Any text is read, also a malformed one: each thing that was ignored or repaired is reported in a line on standard
    error. With --strict, the first of them is an error, and nothing is printed.

    Example: lintseq sample area.py --text | lintseq resolve --strict
    """
    from lintseq import codecs

    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the edit text: {error}") from None
    text = data.decode(errors="surrogateescape")  # bytes that are not UTF-8 pass through unchanged
    resolution = codecs.resolve(text, strict=strict)
    if json:
        notes = [asdict(note) for note in resolution.notes]
        typer.echo(dumps({"program": resolution.text, "edits_applied": resolution.edits_applied, "notes": notes}))
        return
    for note in () if quiet else resolution.notes:
        typer.echo(str(note), err=True)
    typer.echo(resolution.text.encode(errors="surrogateescape"), nl=False)
