"""Wrong usage in one line: what typer finds wrong with the arguments of a command, in our words."""

import difflib
import inspect
import os
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

import typer

from lintseq.errors import ConfigError

UsageError: Any = typer.BadParameter.__mro__[1]
"""Typer brings its own click, or uses the installed one; both derive this exception from it."""


class OneLineUsage:
    """Mixin of commands and groups: wrong usage is a `ConfigError`."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        given = list(args)
        try:
            if isinstance(self, typer.core.TyperCommand):
                self._check_repeated(ctx, given)
            return super().parse_args(ctx, args)  # type: ignore[misc]
        except UsageError as error:
            if not given and error.__class__.__name__ == "NoArgsIsHelpError":
                raise
            raise ConfigError(_message(error, ctx, given)) from None

    def _check_repeated(self, ctx: Any, args: list[str]) -> None:
        """Raise `ConfigError` for an option that is given twice and holds one value."""
        order = [] if ctx.resilient_parsing else ctx.command.make_parser(ctx).parse_args(list(args))[2]
        for param in order:
            takes_value = param.param_type_name == "option" and not getattr(param, "is_flag", False)
            if takes_value and not param.multiple and order.count(param) > 1:
                raise ConfigError(f"{param.opts[0]} is given {order.count(param)} times; give it once")


def _message(error: Any, ctx: Any, args: Sequence[str]) -> str:
    """Return what is wrong, with which value, and where to read more."""
    param, more = getattr(error, "param", None), f"see {ctx.command_path} --help"
    if param is not None:
        name = param.opts[0] if param.param_type_name == "option" else param.metavar or param.name.upper()
        missing = hasattr(error, "param_type")
        return f"{name.strip('[]')} " + (f"is missing; {more}" if missing else _wrong_value(param, ctx, args))
    if (option := getattr(error, "option_name", None)) is None:
        return f"{_sentence(error)}; {more}"
    known = {name: param for param in ctx.command.get_params(ctx) for name in param.opts}
    if option in known:
        flag = getattr(known[option], "is_flag", False)
        return f"{option} {'takes no value' if flag else 'needs a value'}; {more}"
    if any(arg.startswith(option) and os.path.exists(arg) for arg in args):
        return f"there is no option {option}; write -- before names of files that begin with a dash"
    close = difflib.get_close_matches(option, known, 1)
    return f"there is no option {option}; {f'did you mean {close[0]}?' if close else more}"


def _sentence(error: Any) -> str:
    """Return the message of a library without its punctuation; it calls arguments that are too many extra."""
    text = error.format_message()
    _, _, extra = text.removesuffix(")").rpartition("(")
    return f"unexpected argument {extra}" if "extra argument" in text else text[:1].lower() + text[1:].rstrip(".")


def _wrong_value(param: Any, ctx: Any, args: Sequence[str]) -> str:
    """Return the value that a parameter has on the command line, and which values it takes, by its annotation."""
    given = ctx.command.make_parser(ctx).parse_args(list(args))[0].get(param.name)
    value = " ".join(map(str, given)) if isinstance(given, list | tuple) else given
    kind, info = get_args(inspect.signature(ctx.command.callback, eval_str=True).parameters[param.name].annotation)
    kinds = (kind, *get_args(kind))
    plain = next((part for part in kinds if get_origin(part) is Literal or part in (int, float)), None)
    if get_origin(plain) is Literal:
        return f"{value}: use one of {', '.join(map(str, get_args(plain)))}"
    if plain is None:
        return f"{value}: it cannot be read"
    least = "" if info.min is None else f" from {info.min}"
    return f"{value}: expected {'an integer' if plain is int else 'a number'}{least}"
