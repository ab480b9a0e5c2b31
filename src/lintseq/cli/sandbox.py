"""`lintseq sandbox`: what keeps programs in on this machine.

Owns the words and the exit status; the layers are `lintseq.sandbox`'s.
"""

from json import dumps
from typing import Annotated

import typer


def sandbox(
    *,
    check: Annotated[bool, typer.Option("--check", help="Run five programs whose verdicts are known.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what keeps programs in on this machine; exit with 2 if nothing would.

    Makes the room that programs of models run in, tries its walls, and names each layer, with the reason if it is
    off. With --check also runs a program that passes, one that fails, one that leaves early, one that hangs and one
    that takes too much memory, and exits with 1 if a verdict is not the known one.

    Example: lintseq sandbox --check
    """
    from lintseq.sandbox.pool import Sandbox
    from lintseq.sandbox.trial import try_out

    with Sandbox(workers=1) as room:
        endings = list(try_out(room)) if check else []
        level = room.level
    if json:
        trials = [{"expected": one, "verdict": end.verdict, "detail": end.detail} for one, end in endings]
        typer.echo(dumps({**level.as_dict(), **({"check": trials} if check else {})}))
    else:
        typer.echo(level.words())
        if check:
            typer.echo("")
        for expected, ending in endings:
            right = "as expected" if ending.verdict == expected else f"NOT {expected}"
            typer.echo(f"  {ending.verdict:<8} {right} ({1000 * ending.seconds:.0f} ms) {ending.detail}".rstrip())
    if any(ending.verdict != expected for expected, ending in endings):
        raise typer.Exit(1)
