"""Command-line options: made from option dataclasses, or shared by several commands.

A command takes the same option dataclass as the Python function that it calls, and `with_options` turns each
field into an option: its name, type, default and docstring become those of the option. So an option is
documented once, for both.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from lintseq.dataset.presets import PRESETS, PresetName, describe_preset, preset_in_words
from lintseq.errors import ConfigError
from lintseq.lm.settings import field_docs

Command = Callable[..., None]

_METAVARS = {
    "split": "FRACTION",
    "split_by": "COLUMN",
    "output": "PATH",
    "rejected": "PATH",
    "certify": "LINTER",
    "decontaminate": "B",
}
"""Names of values that do not follow from the names or types of options."""
_SHORT = {"output": ("-o",), "quiet": ("-q",), "model": ("-m",), "benchmark": ("-b",)}
"""Short names of options."""
_MAX_NUMBER = 10**9
"""Larger seconds, gigabytes, ... overflow what the system calls take."""


def _benchmarks() -> Iterable[str]:
    from lintseq.benchmarks import BENCHMARKS

    return BENCHMARKS


def _formats() -> Iterable[str]:
    from lintseq.codecs import CODECS

    return CODECS


def _linters() -> Iterable[str]:
    from lintseq.languages.python.linter_table import LINTERS

    return ["native", "none", *LINTERS]


def _bundled() -> Iterable[str]:
    from lintseq.bundled import list_bundled

    return dict.fromkeys(file.name for file in list_bundled())


_CANDIDATES: Mapping[str, Callable[[], Iterable[str]]] = {
    "benchmark": _benchmarks,
    "decontaminate": _benchmarks,
    "format": _formats,
    "references": _formats,
    "linter": _linters,
    "certify": _linters,
    "RECIPE": _bundled,
    "STUDY": _bundled,
}
"""The values of parameters, by name or metavar, that a shell completes; names of files are completed by the shell."""


def with_options(panels: Mapping[str, str] | None = None) -> Callable[[Command], Command]:
    """Return a decorator that declares the parameters of a command.

    One that is annotated `Annotated[TYPE, METAVAR, HELP]`, or `Annotated[bool, HELP]`, becomes an argument, or an
    option if it is keyword-only. One that is annotated with a dataclass becomes one option per field; so do the fields
    of nested dataclasses, and names must be unique among all of them. A tuple of numbers is one option with commas
    (`--k 1,10`); any other tuple is an option that may be repeated. `panels` groups options in the help text: the
    title of each group, and the names of its parameters and fields separated by spaces. The command is called with
    the dataclasses. Each command takes --quiet; one without that parameter prints nothing but its results anyway.
    """
    panel_of = {name: title for title, names in (panels or {}).items() for name in names.split()}

    def decorate(function: Command) -> Command:
        parameters: list[inspect.Parameter] = []
        groups: dict[str, tuple[type, Any]] = {}
        for parameter in inspect.signature(function, eval_str=True).parameters.values():
            default = None if parameter.default is parameter.empty else parameter.default
            if is_dataclass(parameter.annotation) and isinstance(parameter.annotation, type):
                groups[parameter.name] = parameter.annotation, default
                parameters += _parameters(parameter.annotation, default)
            else:
                parameters.append(_declared(parameter))
        extra = None
        if not any(parameter.name == "quiet" for parameter in parameters):
            extra = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet)
            parameters.append(_declared(extra))
        parameters = [_in_panel(parameter, panel_of.get(parameter.name)) for parameter in parameters]
        unknown = panel_of.keys() - {parameter.name for parameter in parameters}
        if unknown:
            raise TypeError(f"{function.__name__} has no option {', '.join(sorted(unknown))}")
        parameters.sort(key=lambda parameter: parameter.kind)

        def run(**values: Any) -> None:
            _check_numbers(values)
            if extra is not None:
                values.pop("quiet")
            options = {name: _assemble(kind, values, default) for name, (kind, default) in groups.items()}
            function(**values, **options)

        run.__name__, run.__doc__, run.__module__ = function.__name__, function.__doc__, function.__module__
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return run

    return decorate


def _declared(parameter: inspect.Parameter) -> inspect.Parameter:
    """Return a parameter as typer takes it; one that is declared with typer's own classes stays as it is."""
    kind, *words = get_args(parameter.annotation)
    if not isinstance(words[0], str):
        return parameter
    metavar, help = words if len(words) == 2 else (None, words[0])
    is_option = parameter.kind is inspect.Parameter.KEYWORD_ONLY
    if is_option:
        return parameter.replace(annotation=Annotated[kind, _option(parameter.name, metavar, help)])
    info = typer.Argument(metavar=metavar, help=help, autocompletion=_completion(parameter.name, metavar))
    return parameter.replace(annotation=Annotated[kind, info])


def _option(name: str, metavar: str | None, help: str) -> Any:
    names = (f"--{name.replace('_', '-')}", *_SHORT.get(name, ()))
    return typer.Option(*names, metavar=metavar, help=help, autocompletion=_completion(name))


def _completion(name: str, metavar: str | None = None) -> Callable[[str], list[str]] | None:
    """Return what completes the values of a parameter in a shell; None if they are files or anything."""
    if (candidates := _CANDIDATES.get(name, _CANDIDATES.get(metavar or ""))) is None:
        return None

    def complete(incomplete: str) -> list[str]:
        return [candidate for candidate in candidates() if candidate.startswith(incomplete)]

    return complete


def _parameters(options: type, default: Any) -> Iterator[inspect.Parameter]:
    docs, hints = field_docs(options), get_type_hints(options)
    for field in fields(options):
        kind, value = hints[field.name], _default(field, default)
        if is_dataclass(kind) and isinstance(kind, type):
            yield from _parameters(kind, None if value is inspect.Parameter.empty else value)
            continue
        option = _option(field.name, _metavar(field.name, kind), docs.get(field.name, ""))
        if _element(kind) in (int, float):
            kind, value = str | None, ",".join(map(str, value)) if value else None
        elif _element(kind) is not None:
            kind, value = list[get_args(kind)[0]] | None, list(value) or None  # type: ignore[misc]
        yield inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=Annotated[kind, option]
        )


def _default(field: Field[Any], default: Any) -> Any:
    """Return the default of a field: that of `default`, if there is one, or else that of its class."""
    if default is not None:
        return getattr(default, field.name)
    if field.default_factory is not MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is MISSING else field.default


def _metavar(name: str, kind: Any) -> str | None:
    plain = next((kind for kind in get_args(kind) if kind is not NoneType), kind) if get_args(kind) else kind
    if name in _METAVARS:
        return _METAVARS[name]
    if _element(kind) in (int, float):
        return "N,..." if _element(kind) is int else "X,..."
    if plain is bool or get_origin(kind) is Literal or get_origin(plain) is Literal:
        return None
    return {int: "N", float: "X", Path: "PATH"}.get(plain) or name.rpartition("_")[2].upper()


def _in_panel(parameter: inspect.Parameter, panel: str | None) -> inspect.Parameter:
    if panel is None:
        return parameter
    kind, info = get_args(parameter.annotation)
    changed = type(info)(**{**vars(info), "rich_help_panel": panel})
    return parameter.replace(annotation=Annotated[kind, changed])


def _assemble(options: type, values: dict[str, Any], default: Any) -> Any:
    """Take the values of the fields of a dataclass out of `values`, and return the dataclass."""
    hints = get_type_hints(options)
    built = {}
    for field in fields(options):
        kind, initial = hints[field.name], _default(field, default)
        if is_dataclass(kind) and isinstance(kind, type):
            built[field.name] = _assemble(kind, values, None if initial is inspect.Parameter.empty else initial)
            continue
        value = values.pop(field.name)
        if _element(kind) in (int, float) and value is not None:
            value = _numbers(field.name, value, _element(kind))
        elif get_origin(kind) is tuple:
            value = tuple(value or ())
        built[field.name] = value
    return options(**built)


def _element(kind: Any) -> Any:
    """Return the type of the elements of a tuple, which may be optional; None for other types."""
    plain = next((part for part in get_args(kind) if get_origin(part) is tuple), kind)
    return get_args(plain)[0] if get_origin(plain) is tuple else None


def _numbers(name: str, text: str, kind: Any) -> tuple[Any, ...]:
    """Return the numbers in `1,5,10`."""
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        numbers = "integers" if kind is int else "numbers"
        option = f"--{name.replace('_', '-')}"
        raise ConfigError(f"{option} {text}: expected {numbers} separated by commas, such as 1,10") from None


def _check_numbers(values: Mapping[str, Any]) -> None:
    """Raise `ConfigError` for numbers that no option can mean: not finite, or beyond 64 bits."""
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"--{name.replace('_', '-')} {value}: expected a finite number")
        if isinstance(value, float) and abs(value) > _MAX_NUMBER:
            raise ConfigError(f"--{name.replace('_', '-')} {value}: expected a number of at most {_MAX_NUMBER:,}")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ConfigError(f"--{name.replace('_', '-')} {value}: expected an integer of at most 64 bits")


def _use_preset(context: typer.Context, name: PresetName | None) -> PresetName | None:
    """Make the values of a preset the defaults of the other options."""
    context.default_map = dict(PRESETS[name]) if name else None
    return name


def print_preset(name: PresetName | None, options: Mapping[str, Any]) -> None:
    """Print which options come from a preset, if there is one, and which override it."""
    if name:
        typer.echo(f"lintseq: {describe_preset(name, options)}", err=True)


Preset = Annotated[
    PresetName | None,
    typer.Option(
        callback=_use_preset,
        is_eager=True,
        help=f"Set the options that are not given. {'; '.join(map(preset_in_words, PRESETS))}.",
    ),
]
Workers = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Number of worker processes. [default: one per processor]")
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="CPU threads. [default: $OMP_NUM_THREADS, or one per available processor]"),
]
Resume = Annotated[bool, "Continue an interrupted run with the same settings."]
Overwrite = Annotated[bool, "Replace the output if it exists."]
Json = Annotated[bool, "Print the summary as JSON."]
Quiet = Annotated[bool, "Print no progress, notes or summary."]
DataSets = Annotated[list[str], "DATA", "A data set: files or folders of any kind; - is standard input."]
DataSet = Annotated[str, "DATA", "A data set: a file or folder of any kind; - is standard input."]
