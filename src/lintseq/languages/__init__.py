"""Programming languages: everything lintseq knows about each, behind one protocol."""

from lintseq.languages.language import (
    DEFAULT_LANGUAGE as DEFAULT_LANGUAGE,
    LANGUAGES as LANGUAGES,
    Language as Language,
    get_language as get_language,
)
from lintseq.languages.linters import get_linter as get_linter, linter_version as linter_version
