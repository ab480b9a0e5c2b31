"""Text formats of edit sequences, by name."""

import re
from dataclasses import replace

from lintseq.codecs.apply_patch import APPLY_PATCH
from lintseq.codecs.codec import NOTHING, Codec
from lintseq.codecs.diff import DIFF
from lintseq.codecs.original_updated import ORIGINAL_UPDATED
from lintseq.codecs.resolution import Note, Resolution
from lintseq.codecs.search_replace import SEARCH_REPLACE
from lintseq.codecs.states import STATES, WHOLE
from lintseq.codecs.str_replace import STR_REPLACE, str_replace
from lintseq.codecs.text import SEPARATOR, join_edits, looks_like_edits, split_edits
from lintseq.codecs.udiff import UDIFF, UDIFF_WORDS, udiff
from lintseq.errors import ConfigError
from lintseq.program import Program

_ALL = (DIFF, UDIFF, UDIFF_WORDS, SEARCH_REPLACE, ORIGINAL_UPDATED, APPLY_PATCH, STR_REPLACE, STATES, WHOLE)
CODECS = {codec.name: codec for codec in _ALL}
"""Codecs by name; `get_codec` also accepts `udiff:N` and `str-replace:PATH`."""

_UDIFF = re.compile(r"udiff:([0-9]{1,4})")


def get_codec(name: str, *, path: str | None = None) -> Codec:
    """Return the codec with this name; with a path, the calls of format `str-replace` name it.

    Raises `ConfigError` if there is no such codec, or if it has no place for a path.
    """
    if path and name != STR_REPLACE.name:
        raise ConfigError(f"format {name} names no file; use a path (--path) with format {STR_REPLACE.name}")
    name = f"{name}:{path}" if path else name
    if (found := _UDIFF.fullmatch(name)) is not None:
        context = int(found[1])
        return udiff(context) if context else replace(DIFF, name="udiff:0")
    format, _, path = name.partition(":")
    if path and format == STR_REPLACE.name:
        return str_replace(path)
    try:
        return CODECS[name]
    except KeyError:
        names = ", ".join([*CODECS, "udiff:N", "str-replace:PATH"])
        raise ConfigError(f"unknown format {name!r}; use one of {names}") from None


def naming(codec: Codec, path: str) -> Codec:
    """Return the codec; if it is `str-replace`, which names no file yet, that whose calls name this one."""
    return str_replace(path) if path and codec is STR_REPLACE else codec


def named_file(codec: Codec) -> str:
    """Return the file that the calls of `str-replace` name; "" for none."""
    format, _, path = codec.name.partition(":")
    return path if format == STR_REPLACE.name else ""


def resolve(text: str, format: str = DIFF.name, *, start: Program = NOTHING, strict: bool = False) -> Resolution:
    """Return the program that a model's edit text writes on `start`, with notes on what was ignored or repaired.

    Whatever cannot be read is skipped and noted; with `strict`, the first irregularity raises `MalformedEditError`
    instead. `format` is a name for `get_codec`; raises `ConfigError` for an unknown one.
    """
    codec = get_codec(format)
    return codec.read_strictly(text, start) if strict else codec.resolve(text, start)
