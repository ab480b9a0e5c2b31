"""The command `lintseq`: its commands, and how errors become exit statuses.

A command parses, calls one library function and prints; what it needs for that, it imports when it runs.
Exit status 0: done; 1: done, but something failed or was found; 2: wrong usage or an impossible setting.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from lintseq import __version__
from lintseq.cli.benchmarks import benchmarks
from lintseq.cli.build import build
from lintseq.cli.complete import complete
from lintseq.cli.convert import convert
from lintseq.cli.evaluate import evaluate
from lintseq.cli.finetune import card, finetune
from lintseq.cli.pretrain import pretrain
from lintseq.cli.report import report
from lintseq.cli.resolve import resolve
from lintseq.cli.sample import sample
from lintseq.cli.sandbox import sandbox
from lintseq.cli.show import show
from lintseq.cli.solve import solve
from lintseq.cli.stats import stats
from lintseq.cli.study import study
from lintseq.cli.tokenizer import tokenizer
from lintseq.cli.verify import verify
from lintseq.cli.view import view
from lintseq.errors import ConfigError, LintseqError

app = typer.Typer(
    name="lintseq",
    help="Turn programs into exact, linter-clean edit sequences for training code models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    *(sample, build, convert, resolve, verify, stats, show, view),
    *(pretrain, finetune, card, complete, solve),
    *(benchmarks, evaluate, report, sandbox, study),
):
    app.command()(command)
for group in (tokenizer,):
    app.add_typer(group)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lintseq {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        app(args=None if arguments is None else list(arguments))
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except ConfigError as error:
        return _fail(error, status=2)
    except LintseqError as error:
        return _fail(error, status=1)
    except BrokenPipeError:
        _silence_stdout()
        return 1
    return 0


def _fail(error: Exception, *, status: int) -> int:
    from lintseq.rows.streams import without_secrets

    typer.echo(f"lintseq: {without_secrets(str(error))}", err=True)
    return status


def _silence_stdout() -> None:
    """Keep Python from complaining, while it shuts down, about a pipe that its reader has closed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
