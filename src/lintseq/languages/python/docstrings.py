"""The description in a docstring as plain text, without fields, sections, examples and markup.

Understands Google, numpy, Sphinx and Epydoc style.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from pathlib import Path

_PATTERNS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_SECTION = re.compile(
    rf"[\#*=\s]*(?:{_PATTERNS['sections']})[\s*]*(?::{{1,2}}.*|\([\w\ ,]+\):?)?[\#*=\s]*", re.IGNORECASE | re.VERBOSE
)
"""A line that may open a section, if it has a colon, an underline or capitals."""
_FIELD = re.compile(r"(?::|@)(?:[a-z]+)(?:\s+[^:]{1,60})?:(?!`)|@\w+|:(?:param|returns?|rtype|type|raises?)\b")
_UNDERLINE = re.compile(r"([-=~^*#_+.])\1{2,}")
_SESSION = re.compile(r"(?:>>>|In \[\d+\]:|\$ )")
_DIRECTIVE = re.compile(r"\.\.(?:\s|$)")
_PLAIN_DIRECTIVE = re.compile(r"\.\. (?:math|code|code-block|sourcecode|note|hint|tip|parsed-literal)::\s*(.*)")
"""Directives whose content is part of the description."""

_ROLE = re.compile(r":(?:[a-z]+:){0,2}[a-zA-Z-]+:`([^`]*)`")
_TARGET = re.compile(r"\s*<[^<>]*>$")
_DOUBLE = re.compile(r"``([^`]+)``")
_LINK = re.compile(r"`([^`<]+?)\s*<[^>]*>`__?")
_REFERENCE = re.compile(r"`([^`]+)`__?(?!\w)")
_MARKER = re.compile(r"\s*\((?:PRIVATE|DEPRECATED|INTERNAL|EXPERIMENTAL)\)")
_FOOTNOTE = re.compile(
    r"""
    (?:
        (?:\s*,)?(?:\s+(?:and|or|also|originally))*
        (?:\s+(?:as|which\ is|is|are|was|were))?
        (?:\s+(?:shown|given|described|presented|found|discussed|defined|proposed|derived|specified|listed|explained
          |developed|published|outlined|used|based|reported|introduced|reviewed|recommended|taken|suggested))?
        \s+(?:(?:according|due)\s+to|as|see|in|by|from|of|on|per|with|at|via)
    )?
    (?:(?:\s*,)?(?:\s+(?:and|or|also))?\s*\[[\w#*.-]+\]_)+
    """,
    re.VERBOSE,
)
"""Citations with the words that introduce them, such as "as given in [1]_ and [2]_"."""
_SENTENCE = re.compile(r".+?(?:[.!?](?=\s+[A-Z`(\[])|\Z)(\s*)", re.DOTALL)
_LEAST_CITING_WORDS = 3
"""A sentence with fewer words besides its citations is dropped."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

_NO_DESCRIPTION = re.compile(rf"[^\w]*(?:{_PATTERNS['no_description']})", re.IGNORECASE | re.VERBOSE)
_OUT_OF_DATE = re.compile(
    r"deprecat|obsolete|will be removed|do not use|superseded|no longer (?:used|needed)", re.IGNORECASE
)
_COMMON_WORDS = frozenset(_PATTERNS["common_words"].split())
_LEAST_WORDS = 4
_LEAST_LATIN = 0.97


def description_of(docstring: str) -> str:
    """Return the text of a docstring up to its first field, section or example, without markup."""
    kept = list(_prose(cleandoc(docstring).split("\n")))
    text = "\n".join(kept).strip()
    text = re.sub(r"\n{3,}", "\n\n", text)
    text = re.sub(r"::(?=\n|$)", ":", text)
    return _plain(text).strip()


def first_sentence(description: str) -> str:
    """Return the first sentence of a text, on one line."""
    paragraph = " ".join(description.partition("\n\n")[0].split())
    match = re.match(r".+?[.!?](?=\s+[A-Z`(\[]|$)", paragraph)
    return match.group() if match and not re.search(r"\b(?:e\.g|i\.e|etc|vs|cf)\.$", match.group()) else paragraph


def description_fault(docstring: str, description: str) -> str | None:
    """Return why a definition cannot be written from its description; None if it may be possible."""
    words = _WORD.findall(description)
    if len(words) < _LEAST_WORDS:
        return f"{len(words)} words: {description!r}" if description else "there is no description"
    if _OUT_OF_DATE.search(docstring):
        return "it is out of date"
    if (match := _NO_DESCRIPTION.match(description)) is not None:
        return f"it begins {match.group()!r}"
    letters = [char for char in description if char.isalpha()]
    if sum(char.isascii() for char in letters) < _LEAST_LATIN * len(letters):
        return "it is not in English"
    if not _COMMON_WORDS & {word.lower() for word in words}:
        return f"no sentence: {description[:60]!r}"
    return None


def _prose(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a docstring up to the first field, section or session, without directives."""
    skipped: int | None = None  # indentation of the directive whose body is being skipped
    for index, line in enumerate(lines):
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        after = lines[index + 1].strip() if index + 1 < len(lines) else ""
        if skipped is not None:
            if not text or indent > skipped:
                continue
            skipped = None
        if _SESSION.match(text) or _FIELD.match(text) or _opens_section(text, after):
            return
        if (match := _PLAIN_DIRECTIVE.match(text)) is not None:
            yield f"    {match.group(1)}" if match.group(1).strip() and "::" in text else ""
        elif _DIRECTIVE.match(text):
            skipped = indent
        elif _UNDERLINE.fullmatch(text) is None and not re.fullmatch(r":[a-z-]+: \S+", text):
            yield line.rstrip()


def _opens_section(text: str, after: str) -> bool:
    if _SECTION.fullmatch(text) is None:
        return False
    return ":" in text or _UNDERLINE.fullmatch(after) is not None or text.istitle() or text.isupper()


def _plain(text: str) -> str:
    """Return a text without reStructuredText markup; names and code stay in backticks."""
    text = _ROLE.sub(lambda match: f"`{_last_part(match.group(1))}`", text)
    text = _LINK.sub(r"\1", text)
    text = _REFERENCE.sub(r"`\1`", text)
    text = _MARKER.sub("", text)
    text = _DOUBLE.sub(r"`\1`", text)
    text = _SENTENCE.sub(_without_footnotes, text) if "]_" in text else text
    return re.sub(r"[ \t]+\n", "\n", text)


def _without_footnotes(sentence: re.Match[str]) -> str:
    """Return a sentence without citations; only the white space after it if little else is left."""
    kept = _FOOTNOTE.sub("", sentence.group())
    return kept if kept == sentence.group() or len(_WORD.findall(kept)) >= _LEAST_CITING_WORDS else sentence.group(1)


def _last_part(name: str) -> str:
    """Return the text of a cross-reference as Sphinx renders it."""
    text = _TARGET.sub("", name)
    return text[1:].rpartition(".")[2] if text.startswith("~") else text.removeprefix("!")
