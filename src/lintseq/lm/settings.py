"""Settings as dataclasses that are read from tables, with all mistakes reported at once.

The annotation of a field says what it accepts: its type and, in `Annotated`, a `Range`, an `InputKind`, or the class
whose options a table contains. Readers, constructors, the JSON schema and the table in the docs all use it.
"""

import dataclasses
import difflib
import inspect
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard, TypeVar, get_args, get_origin, get_type_hints

from lintseq.errors import ConfigError, SettingsError

SettingsType = TypeVar("SettingsType")

_WRONG = object()
"""Stands for a value that was reported as a mistake."""
_TYPE_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "true or false", dict: "a table"}
_REMOTE = re.compile(r"\w[\w+.-]*:|.*[*?\[{]")
"""Inputs that cannot be looked up: those with a protocol, patterns, and paths in the folder of a study."""
_HUB_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that a field accepts."""

    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        low = f"from {self.least:g}" if self.above is None else f"above {self.above:g}"
        if self.most is None and self.below is None:
            return f"{self.least:g} or more" if self.above is None else f"a number {low}"
        return f"a number {low} to {self.most:g}" if self.below is None else f"a number {low} to below {self.below:g}"


@dataclass(frozen=True, slots=True)
class InputKind:
    """What a field names."""

    kind: Literal["data", "model", "pretrain", "finetune"]
    """`data`: any input. `model`: a model or tokenizer, in a folder or on the Hub. The others: a recipe."""

    def missing(self, path: str, exists: Callable[[str, str], bool]) -> bool:
        """Return whether it is a local path, and does not exist; `exists` takes the path and the kind."""
        if not path or _REMOTE.match(path) or exists(path, self.kind):
            return False
        return self.kind != "model" or not may_be_on_hub(path)


def may_be_on_hub(path: str) -> bool:
    """Return whether a path that does not exist can be a name on the Hugging Face Hub."""
    return _HUB_NAME.fullmatch(path) is not None and not os.path.isdir(os.path.dirname(path))


class Settings:
    """Base of dataclasses that check their values; a constructor raises `ConfigError` with all mistakes.

    A method `_check_NAME(at)` yields what is wrong with a combination of fields; `at` precedes the names of fields in
    messages, such as `optim.`.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        reader = SettingsReader(type(self))
        for name, hint in hints_of(type(self)).items():
            reader.value(getattr(self, name), hint, name)
        if mistakes := [*reader.mistakes, *conflicts(self)]:
            raise mistakes_error("", mistakes)


def conflicts(settings: Settings, at: str = "", *, partial: bool = False) -> Iterator[str]:
    """Yield what is wrong with combinations of fields; leave out those of which `partial` settings lack a part."""
    for name in dir(settings):
        if name.startswith("_check_"):
            with suppress(AttributeError) if partial else nullcontext():
                yield from getattr(settings, name)(at)


def hints_of(kind: type[Any]) -> Mapping[str, Any]:
    """Return the annotation of each field of a dataclass."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def field_docs(options: type) -> dict[str, str]:
    """Return the docstring below each field of a dataclass, on one line, read from its source and its bases'."""
    field = r'^    (\w+): (?:(?!    \w+: ).*\n)*?    """((?:.|\n)*?)"""'
    sources = [inspect.cleandoc(inspect.getsource(kind)) for kind in options.__mro__ if dataclasses.is_dataclass(kind)]
    found = [match for source in sources for match in re.findall(field, source, re.M)]
    return {name: " ".join(text.replace("`", "").split()) for name, text in found}


def is_section(hint: Any) -> TypeGuard[type[Any]]:
    """Return whether an annotation is a dataclass."""
    return dataclasses.is_dataclass(hint) and isinstance(hint, type)


def is_required(field: dataclasses.Field[Any]) -> bool:
    """Return whether a field has no default."""
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def default_of(field: dataclasses.Field[Any]) -> Any:
    """Return the default of a field that is not required."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def mistakes_error(source: str, mistakes: list[str]) -> ConfigError:
    """Return the error for mistakes in `source`, each on a line if there are several."""
    mistakes = list(dict.fromkeys(mistakes))
    if len(mistakes) == 1:
        return ConfigError(f"{source}: {mistakes[0]}" if source else mistakes[0])
    title = f"{source} has {len(mistakes)} mistakes" if source else f"{len(mistakes)} mistakes"
    return SettingsError("\n  ".join([f"{title}:", *mistakes]))


def from_table(table: Mapping[str, Any], kind: type[SettingsType], source: str) -> SettingsType:
    """Return the instance of dataclass `kind` described by `table`; `ConfigError` messages start with `source`."""
    reader = SettingsReader(kind)
    value: SettingsType = reader.section(table, kind, "")
    if reader.mistakes:
        raise mistakes_error(source, reader.mistakes)
    return value


class SettingsReader:
    """Reads tables as dataclasses, and collects the mistakes in them."""

    def __init__(self, root: type[Any], *, exists: Callable[[str, str], bool] | None = None) -> None:
        """`root` is the dataclass of the whole table; with `exists`, an input that does not exist is a mistake."""
        self.root, self.exists = root, exists
        self.mistakes: list[str] = []

    def section(self, table: Any, kind: type[Any], name: str) -> Any:
        """Return the instance of dataclass `kind` that a table describes; without what was reported as a mistake."""
        if isinstance(table, kind):
            return table
        if not isinstance(table, Mapping):
            return self._report(f"{name} is {table!r}; expected a section")
        at, hints, before = f"{name}." if name else "", hints_of(kind), len(self.mistakes)
        self._report_unknown(table, list(hints), at)
        values = {key: self.value(table[key], hints[key], at + key) for key in hints if key in table}
        values = {key: value for key, value in values.items() if value is not _WRONG}
        for field in dataclasses.fields(kind):
            if is_required(field) and field.name not in table:
                self._report(f"{at}{field.name} is missing: {field_docs(kind).get(field.name, '').partition('.')[0]}")
        if issubclass(kind, Settings):
            return self._settings(kind, values, table, at)
        try:
            return kind(**values) if len(self.mistakes) == before else _WRONG
        except ConfigError as error:
            return self._report(str(error))

    def _settings(self, kind: type[Any], values: Mapping[str, Any], table: Mapping[str, Any], at: str) -> Any:
        """Return an instance that lacks the attributes that were reported as mistakes."""
        made, fields = object.__new__(kind), dataclasses.fields(kind)
        defaults = {field.name: default_of(field) for field in fields if not is_required(field)}
        known = {**{name: value for name, value in defaults.items() if name not in table}, **values}
        for name, value in known.items():
            object.__setattr__(made, name, value)
        self.mistakes += list(conflicts(made, at, partial=bool(self.mistakes)))
        return made

    def options(self, table: Any, kind: type[Any], name: str) -> Any:
        """Check a table with options of a command: the fields of a dataclass and of those nested in it."""
        if not isinstance(table, dict):
            return self._report(f"{name} is {table!r}; expected a table")
        hints = options_of_kind(kind)
        self._report_unknown(table, list(hints), f"{name}.")
        for key in (key for key in hints if key in table):
            self.value(table[key], hints[key], f"{name}.{key}")
        return table

    def value(self, value: Any, kind: Any, name: str) -> Any:
        """Return `value` converted to the annotated type `kind`, or `_WRONG` after it was reported."""
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return self._annotated(value, arguments, name)
        if is_section(kind):
            return self.section(value, kind, name)
        if origin is Literal:
            if value in arguments:
                return value
            return self._report(f"{name} is {value!r}; use one of {', '.join(map(str, arguments))}")
        if type(None) in arguments:
            inner = next(choice for choice in arguments if choice is not type(None))
            return None if value is None else self.value(value, inner, name)
        if origin is tuple and isinstance(value, list | tuple):
            kinds = [arguments[0]] * len(value) if arguments[1:] == (Ellipsis,) else list(arguments)
            if len(kinds) != len(value):
                return self._report(f"{name} has {len(value)} values; expected {len(kinds)}")
            pairs = zip(value, kinds, strict=True)
            values = tuple(self.value(element, kind, f"{name}.{index}") for index, (element, kind) in enumerate(pairs))
            return _WRONG if _WRONG in values else values
        if origin is dict and isinstance(value, dict):
            read = {key: self.value(element, arguments[1], f"{name}.{key}") for key, element in value.items()}
            return _WRONG if _WRONG in read.values() else read
        return self._scalar(value, kind, name)

    def _annotated(self, value: Any, arguments: tuple[Any, ...], name: str) -> Any:
        kind, *notes = arguments
        for note in notes:
            if isinstance(note, type):
                return self.options(value, note, name)
        value = self.value(value, kind, name)
        for note in notes if value is not _WRONG else ():
            if isinstance(note, Range) and value not in note:
                return self._report(f"{name} is {value}; expected {note}")
            if isinstance(note, InputKind) and self.exists is not None and note.missing(value, self.exists):
                return self._report(f"{name} is {value!r}; there is no such file or folder")
        return value

    def _scalar(self, value: Any, kind: Any, name: str) -> Any:
        if kind is Any:
            return value
        if kind is Path and isinstance(value, str):
            return Path(value)
        if not isinstance(value, bool):
            if kind is float and isinstance(value, int):
                value = float(value)
            elif kind is int and isinstance(value, float) and value.is_integer():
                value = int(value)
        fits = isinstance(kind, type) and type(value) is kind
        if not fits or (isinstance(value, float) and not math.isfinite(value)):
            expected = _TYPE_NAMES.get(kind) or f"a list, such as [{value!r}]"
            return self._report(f"{name} is {value!r}; expected {expected}")
        return value

    def _report(self, mistake: str) -> Any:
        self.mistakes.append(mistake)
        return _WRONG

    def _report_unknown(self, table: Mapping[str, Any], known: list[str], at: str) -> None:
        """Report each unknown key, with the nearest key, or the section that has a key of this name."""
        for key in (key for key in table if key not in known):
            section = [path for path in _paths(self.root) if path.endswith(f".{key}")]
            near = section[:1] or [at + name for name in difflib.get_close_matches(key, known, n=1, cutoff=0.5)]
            hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
            self._report(f"unknown key {at}{key}; {hint}")


def options_of_kind(kind: type[Any]) -> dict[str, Any]:
    """Return the annotation of each field of a dataclass and of those nested in it, by name."""
    found: dict[str, Any] = {}
    for name, hint in hints_of(kind).items():
        found.update(options_of_kind(hint) if is_section(hint) else {name: hint})
    return found


def _paths(kind: type[Any], at: str = "") -> Iterator[str]:
    """Yield the keys of a dataclass and of its sections, such as `optim.lr`."""
    for name, hint in hints_of(kind).items():
        yield at + name
        if is_section(hint):
            yield from _paths(hint, f"{at}{name}.")
