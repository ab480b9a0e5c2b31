"""`lintseq sandbox`: print the isolation that this machine offers."""

from typing import Annotated

import typer

from lintseq.cli.console import print_summary
from lintseq.cli.options import Json, Quiet, with_options
from lintseq.sandbox.isolation import LevelOrAuto
from lintseq.sandbox.status import sandbox_status


@with_options()
def sandbox(
    *,
    level: Annotated[LevelOrAuto, "Level to show: isolated, confined or unsafe; auto shows the strongest."] = "auto",
    check: Annotated[bool, "Also run programs with known verdicts."] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show which sandbox this machine offers; exit with status 2 if programs cannot be isolated.

    Starts a sandbox, tests its isolation from inside, and prints each layer, with the reason if it is off. With
    --check, also runs a program that passes, one that fails, one that exits early, one that hangs and one that takes
    too much memory, and looks whether programs find your packages; exits with status 1 if a verdict is wrong.

    Example: lintseq sandbox --check
    """
    status = sandbox_status(check=check, level=level)
    print_summary(status.as_dict(), status.describe(), json=json, quiet=quiet)
    if not status.ok:
        raise typer.Exit(1)
