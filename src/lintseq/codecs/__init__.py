"""Formats in which an edit sequence is written down, by name.

Owns the text of edits; how sequences come about and where texts go is none of its business.
"""

import re

from lintseq.codecs import diff, tolerant
from lintseq.codecs.blocks import SEARCH_REPLACE
from lintseq.codecs.codec import NOTHING, Codec
from lintseq.codecs.patch import APPLY_PATCH
from lintseq.codecs.resolution import Note, Resolution
from lintseq.codecs.states import STATES
from lintseq.codecs.text import SEPARATOR, join_edits, split_edits
from lintseq.codecs.unified import UDIFF, UDIFF_WORDS, udiff
from lintseq.codecs.windows import ORIGINAL_UPDATED
from lintseq.errors import ConfigError
from lintseq.program import Program

__all__ = [
    "CODECS",
    "DIFF",
    "NOTHING",
    "SEPARATOR",
    "Codec",
    "Note",
    "Resolution",
    "get_codec",
    "join_edits",
    "resolve",
    "split_edits",
]

DIFF = Codec("diff", diff.edit_texts, diff.read_edit, tolerant.resolve)

CODECS = {
    codec.name: codec for codec in (DIFF, UDIFF, UDIFF_WORDS, SEARCH_REPLACE, ORIGINAL_UPDATED, APPLY_PATCH, STATES)
}
"""By name; `get_codec` knows `udiff:N` besides."""

_UDIFF = re.compile(r"udiff:([0-9]{1,4})")


def get_codec(name: str) -> Codec:
    """Return the format of a name; raises `ConfigError` if there is none."""
    if (found := _UDIFF.fullmatch(name)) is not None:
        return udiff(int(found[1]))
    try:
        return CODECS[name]
    except KeyError:
        raise ConfigError(f"unknown format {name!r}; use one of {', '.join(CODECS)}, udiff:N") from None


def resolve(text: str, format: str = "diff", *, start: Program = NOTHING) -> Resolution:
    """Return the program that a model's edit text writes on `start`, with notes on what was ignored or repaired.

    Never fails on a text: whatever cannot be read is skipped and noted. Raises `ConfigError` for an unknown format.
    """
    return get_codec(format).resolve(text, start)
