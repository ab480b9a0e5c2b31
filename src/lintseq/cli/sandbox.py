"""`lintseq sandbox`: print the isolation that this machine offers."""

from json import dumps
from typing import Annotated

import typer

from lintseq.cli.options import Json
from lintseq.sandbox.status import sandbox_status


def sandbox(
    *,
    check: Annotated[bool, typer.Option("--check", help="Also run five programs with known verdicts.")] = False,
    json: Json = False,
) -> None:
    """Show which sandbox this machine offers; exit with status 2 if programs cannot be isolated.

    Starts a sandbox, tests its isolation from inside, and prints each layer, with the reason if it is off. With
    --check, also runs a program that passes, one that fails, one that exits early, one that hangs and one that takes
    too much memory, and exits with status 1 if a verdict is wrong.

    Example: lintseq sandbox --check
    """
    status = sandbox_status(check=check)
    typer.echo(dumps(status.as_dict()) if json else status.describe())
    if not status.ok:
        raise typer.Exit(1)
