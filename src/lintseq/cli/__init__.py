"""The command `lintseq`: its commands, and how errors become exit statuses.

A command parses, calls one public function and prints. The module of a command is imported when the command is
used. Exit status 0: success; 1: finished, but something failed or was found; 2: wrong usage or impossible
configuration; 130: interrupted.
"""

import os
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from lintseq import __version__
from lintseq.errors import ConfigError, LintseqError

COMMANDS: Mapping[str, Mapping[str, str]] = tomllib.loads(
    Path(__file__).with_name("commands.toml").read_text(encoding="utf-8")
)
"""The one-line help of each command, by help panel."""


class PanelCommand(TyperCommand):
    """A command whose help groups options by panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is None:
                continue
            if parameter.param_type_name == "argument":
                panels["Arguments"].append((parameter.metavar or parameter.name.upper(), record[1]))
            else:
                panels[getattr(parameter, "rich_help_panel", None) or "Options"].append(record)
        for title, records in panels.items():
            with formatter.section(title):
                formatter.write_dl(records)


class LazyGroup(TyperGroup):
    """The group of all commands, each imported when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_command(cmd_name) if cmd_name in self.list_commands(ctx) else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for panel, commands in COMMANDS.items():
            with formatter.section(panel):
                formatter.write_dl(list(commands.items()))


def load_command(name: str) -> Any:
    """Return the click command of a name, importing its module."""
    command = getattr(import_module(f"lintseq.cli.{name}"), name)
    if not isinstance(command, typer.Typer):
        single = new_app()
        single.command(cls=PanelCommand)(command)
        command = single
    loaded = typer.main.get_command(command)
    loaded.name = name
    return loaded


def new_app(**settings: Any) -> typer.Typer:
    """Return an application or a group of commands in the style of lintseq."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **settings)


app = new_app(
    name="lintseq",
    cls=LazyGroup,
    help="Turn programs into exact, linter-clean edit sequences for training code models.",
    no_args_is_help=True,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lintseq {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        app(args=None if arguments is None else list(arguments))
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    except ConfigError as error:
        return _fail(error, status=2)
    except LintseqError as error:
        return _fail(error, status=1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains about it at exit
        return 1
    return 0


def _fail(error: Exception, *, status: int) -> int:
    from lintseq.rows.streams import without_secrets

    typer.echo(f"lintseq: {without_secrets(str(error))}", err=True)
    return status
