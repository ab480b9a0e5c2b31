"""Formats in which an edit sequence is written down, by name.

Owns the text of edits; how sequences come about and where texts go is none of its business.
"""

from lintseq.codecs import diff, tolerant
from lintseq.codecs.blocks import SEARCH_REPLACE
from lintseq.codecs.codec import NOTHING, SEPARATOR, Codec, join_edits, split_edits
from lintseq.codecs.resolution import Note, Resolution
from lintseq.codecs.states import STATES
from lintseq.codecs.windows import ORIGINAL_UPDATED
from lintseq.errors import ConfigError

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
    "split_edits",
]

DIFF = Codec("diff", diff.edit_texts, diff.read_edit, tolerant.resolve)

CODECS = {codec.name: codec for codec in (DIFF, SEARCH_REPLACE, ORIGINAL_UPDATED, STATES)}


def get_codec(name: str) -> Codec:
    """Return the format of a name; raises `ConfigError` if there is none."""
    try:
        return CODECS[name]
    except KeyError:
        raise ConfigError(f"unknown format {name!r}; use one of {', '.join(CODECS)}") from None
