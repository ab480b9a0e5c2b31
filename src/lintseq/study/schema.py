"""The JSON schema of recipes and studies, made from the dataclasses that read them."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin

from lintseq.errors import check_choice
from lintseq.lm.recipes import FinetuneRecipe, PretrainRecipe
from lintseq.lm.settings import Range, default_of, field_docs, hints_of, is_required, is_section
from lintseq.study.files import Study

_KINDS: Mapping[str, type[Any]] = MappingProxyType(
    {"pretrain": PretrainRecipe, "finetune": FinetuneRecipe, "study": Study}
)
_DRAFT = "http://json-schema.org/draft-07/schema#"
_TYPES = {str: "string", Path: "string", int: "integer", float: "number", bool: "boolean"}
_BOUNDS = {"least": "minimum", "above": "exclusiveMinimum", "most": "maximum", "below": "exclusiveMaximum"}


def recipe_schema(kind: str | None = None) -> dict[str, Any]:
    """Return the JSON schema (draft 7) of recipes for `pretrain` or `finetune`, of a `study`, or of all three.

    It has types, ranges, defaults and descriptions, but no combinations of settings. Raises `ConfigError` for another
    kind.
    """
    if kind is None:
        schemas = [{"title": name, **_object(settings)} for name, settings in _KINDS.items()]
        return {"$schema": _DRAFT, "anyOf": schemas}
    check_choice("kind of recipe", kind, _KINDS)
    return {"$schema": _DRAFT, "title": kind, **_object(_KINDS[kind])}


def _object(kind: type[Any]) -> dict[str, Any]:
    """Return the schema of a section, which is a dataclass."""
    schema = {"type": "object", "additionalProperties": False, "properties": dict(_properties(kind))}
    required = [field.name for field in dataclasses.fields(kind) if is_required(field)]
    return {**schema, "required": required} if required else schema


def _options(kind: type[Any]) -> dict[str, Any]:
    """Return the schema of a table with options of a command, in which sections are on one level."""
    properties: dict[str, Any] = {}
    for name, schema in _properties(kind):
        hint = hints_of(kind)[name]
        properties.update(_options(hint)["properties"] if is_section(hint) else {name: schema})
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _properties(kind: type[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    docs = field_docs(kind)
    for field in dataclasses.fields(kind):
        schema = {"description": docs.get(field.name, ""), **_schema_of(hints_of(kind)[field.name])}
        default = None if is_required(field) else default_of(field)
        if isinstance(default, str | int | float | tuple) and default != ():
            schema["default"] = list(default) if isinstance(default, tuple) else default
        yield field.name, schema


def _schema_of(hint: Any) -> dict[str, Any]:
    """Return the schema of the values of an annotation."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        inner, *notes = arguments
        if tables := [note for note in notes if isinstance(note, type)]:
            return _options(tables[0])
        bounds = [dataclasses.asdict(note) for note in notes if isinstance(note, Range)]
        limits = {_BOUNDS[name]: value for bound in bounds for name, value in bound.items() if value is not None}
        return {**_schema_of(inner), **limits}
    if is_section(hint):
        return _object(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if type(None) in arguments:
        return _schema_of(next(choice for choice in arguments if choice is not type(None)))
    if origin is tuple:
        fixed = {} if arguments[1:] == (Ellipsis,) else {"minItems": len(arguments), "maxItems": len(arguments)}
        return {"type": "array", "items": _schema_of(arguments[0]), **fixed}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema_of(arguments[1])}
    return {"type": _TYPES[hint]} if hint in _TYPES else {}
