"""The command `lintseq`: its commands, and how errors become exit statuses.

A command parses, calls one public function and prints. The module of a command is imported when the command is
used. Exit status 0: success; 1: finished, but something failed or was found; 2: wrong usage or impossible
configuration; 130: interrupted; 141: whoever reads the output stopped reading.
"""

import io
import os
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from lintseq import __version__
from lintseq.cli.usage import OneLineUsage, UsageError
from lintseq.errors import ConfigError, LintseqError, ProgramError, SettingsError

COMMANDS: Mapping[str, Mapping[str, str]] = tomllib.loads(
    Path(__file__).with_name("commands.toml").read_text(encoding="utf-8")
)
"""The one-line help of each command, by help panel."""


_SETTINGS = {"help_option_names": ["-h", "--help"]}
_INTERRUPTED, _CLOSED_PIPE = 130, 141
"""Exit status by the convention of shells: 128 and the number of the signal, SIGINT or SIGPIPE."""


class PanelCommand(OneLineUsage, TyperCommand):
    """A command whose help groups options by panel."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        pieces = ["[OPTIONS]"]
        for param in self.get_params(ctx):
            if param.param_type_name == "argument":
                name = (param.metavar or param.name.upper()).strip("[]") + "..." * (param.nargs == -1)
                pieces.append(name if param.required else f"[{name}]")
        return pieces

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


class CommandGroup(OneLineUsage, TyperGroup):
    """A group of commands."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        names = self.list_commands(ctx)
        if not ctx.resilient_parsing and args[0] not in names:
            close = get_close_matches(args[0], names, 1)
            hint = f"did you mean {close[0]}?" if close else f"see {ctx.command_path} --help"
            raise ConfigError(f"there is no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


class LazyGroup(CommandGroup):
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
        single.command()(command)
        command = single
    loaded = typer.main.get_command(command)
    loaded.name = name
    return loaded


class _App(typer.Typer):
    """A typer application whose commands are ours."""

    def command(self, name: str | None = None, **settings: Any) -> Any:
        style: dict[str, Any] = {"cls": PanelCommand, "context_settings": _SETTINGS}
        return super().command(name, **style | settings)


def new_app(**settings: Any) -> typer.Typer:
    """Return an application or a group of commands in the style of lintseq."""
    style: dict[str, Any] = {"add_completion": False, "cls": CommandGroup, "context_settings": _SETTINGS}
    return _App(pretty_exceptions_enable=False, rich_markup_mode=None, **style | settings)


app = new_app(
    name="lintseq",
    cls=LazyGroup,
    add_completion=True,
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
    if "_LINTSEQ_COMPLETE" in os.environ:
        app(prog_name="lintseq")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # unencodable characters must not abort the command
    _shorten_waits()
    try:
        status = _run(sys.argv[1:] if arguments is None else list(arguments))
        if sys.stdout is not None:
            sys.stdout.flush()
    except Exception as error:
        status = _fail(error)
    except KeyboardInterrupt:
        typer.echo("lintseq: interrupted", err=True)
        status = _INTERRUPTED
    return status


def _shorten_waits() -> None:
    """Have threads of torch that wait for each other give up their processor soon; it is read when torch is loaded.

    By default they spin for milliseconds, and where processors are busy the thread that they wait for cannot run:
    training with two threads on two busy processors was 10 to 25 times slower. On free ones it is 3 to 18 % faster.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def _run(arguments: list[str]) -> int:
    """Run a command and return its exit status; every failure is an exception."""
    group = typer.main.get_command(app)
    try:
        with group.make_context("lintseq", arguments) as context:
            group.invoke(context)
    except typer.Exit as exit:
        return exit.exit_code
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    return 0


def _fail(error: Exception) -> int:
    """Print what failed, in one line or with a line for each mistake, and return the exit status."""
    from lintseq.rows.streams import without_secrets

    if isinstance(error, OSError):
        _discard_output()
    if isinstance(error, BrokenPipeError):
        return _CLOSED_PIPE
    if isinstance(error, UsageError):  # without arguments: it shows the help
        error.show()
        return 2
    if os.environ.get("LINTSEQ_TRACEBACK"):
        raise error
    message = _message_of(error).strip()
    if not isinstance(error, SettingsError):
        message = "; ".join(line.strip() for line in message.splitlines() if line.strip())
    typer.echo(f"lintseq: {without_secrets(message)}", err=True)
    return 2 if isinstance(error, ConfigError) else 1


def _message_of(error: Exception) -> str:
    if isinstance(error, LintseqError):
        return error.detail if isinstance(error, ProgramError) else str(error)
    if isinstance(error, OSError) and error.strerror:
        what = f"cannot use {error.filename}" if error.filename else "cannot write the output"
        return f"{what}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "out of memory; use fewer --workers, or a smaller input"
    return f"internal error, {type(error).__name__}: {error}; LINTSEQ_TRACEBACK=1 shows where, for a bug report"


def _discard_output() -> None:
    """Discard what standard output could not write; else Python complains about it at exit."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
