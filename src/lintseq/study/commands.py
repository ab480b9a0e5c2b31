"""Options of lintseq's commands: option dataclasses from tables, and command lines from option dataclasses.

The names of options are the same everywhere: fields of the dataclass and of those nested in it, keys in a study
file (`max_lines`), and options on the command line (`--max-lines`).
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from lintseq.errors import ConfigError
from lintseq.lm.settings import from_table

OptionsType = TypeVar("OptionsType")


def options_of(kind: type[OptionsType], values: Mapping[str, Any], source: str) -> OptionsType:
    """Return the option dataclass with these values; the fields of nested dataclasses are on the same level.

    None stands for the default. Raises `ConfigError`, which starts with `source`, for an unknown option or a value of
    the wrong type.
    """
    paths = dict(_paths(kind))
    table: dict[str, Any] = {}
    for name, value in values.items():
        if name not in paths:
            close = difflib.get_close_matches(name, paths, n=1)
            hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(paths)}"
            raise ConfigError(f"{source}: unknown option {name}; {hint}")
        section = table
        for part in paths[name]:
            section = section.setdefault(part, {})
        if value is not None:
            section[name] = list(value) if isinstance(value, tuple) else value
    return from_table(table, kind, source)


def arguments_of(options: Any) -> list[str]:
    """Return the command-line arguments for every option that differs from its default."""
    arguments: list[str] = []
    for field in fields(options):
        value, option = getattr(options, field.name), f"--{field.name.replace('_', '-')}"
        if is_dataclass(value):
            arguments += arguments_of(value)
        elif value is None or value == _default(field):
            continue
        elif value is True:
            arguments.append(option)
        elif value is False:
            arguments.append(option.replace("--", "--no-", 1))
        elif isinstance(value, tuple) and all(isinstance(item, int | float) for item in value):
            arguments += [option, ",".join(map(_text, value))]
        else:
            for item in value if isinstance(value, tuple) else (value,):
                arguments += [option, _text(item)]
    return arguments


def _paths(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name of each option, and the names of the nested dataclasses that it is in."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        if is_dataclass(hints[field.name]):
            yield from _paths(hints[field.name], (*path, field.name))
        else:
            yield field.name, path


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
