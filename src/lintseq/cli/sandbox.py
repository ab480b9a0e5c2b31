"""`lintseq sandbox`: print the isolation that this machine offers."""

from json import dumps
from typing import Annotated

import typer


def sandbox(
    *,
    check: Annotated[bool, typer.Option("--check", help="Also run five programs with known verdicts.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how programs are isolated on this machine; exit with status 2 if they cannot be.

    Starts a sandbox, tests its isolation from inside, and prints each layer, with the reason if it is off. With
    --check, also runs a program that passes, one that fails, one that exits early, one that hangs and one that takes
    too much memory, and exits with status 1 if a verdict is not the expected one.

    Example: lintseq sandbox --check
    """
    from lintseq.sandbox import sandbox_status

    status = sandbox_status(check=check)
    typer.echo(dumps(status.as_dict()) if json else status.describe())
    if not status.ok:
        raise typer.Exit(1)
