"""Programming languages: everything lintseq knows about each, behind one protocol."""

from lintseq.languages.language import DEFAULT_LANGUAGE, LANGUAGES, Language, get_language
from lintseq.languages.linters import get_linter, linter_version
