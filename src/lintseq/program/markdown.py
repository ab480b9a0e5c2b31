"""Finds the program in a Markdown answer."""

import re
from collections.abc import Iterable
from typing import Protocol

from lintseq.errors import ProgramError

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<name>[^\s`]*)[^\n`]*$", re.M)


class FencedLanguage(Protocol):
    """The part of a `lintseq.languages.Language` that recognizes its code."""

    @property
    def name(self) -> str: ...
    @property
    def fences(self) -> tuple[str, ...]: ...
    def is_program(self, text: str) -> bool: ...


def code_from_markdown(text: str, language: FencedLanguage) -> str:
    """Return the program in a Markdown answer; text without fences, or that is itself a program, is returned as is.

    Fences named after the language count (in upper or lower case), or else unnamed ones that parse. Several are
    joined by an empty line if the result parses; otherwise the longest one that parses is returned. An unclosed
    fence ends with the text. Raises `ProgramError` if there are fences but none holds a program.
    """
    if ("```" not in text and "~~~" not in text) or language.is_program(text):
        return text
    blocks = list(_fenced_blocks(text))
    if not blocks:
        return text
    named = [body for name, body in blocks if name.lower() in language.fences]
    candidates = named or [body for name, body in blocks if not name and language.is_program(body)]
    candidates = [body for body in candidates if body.strip()]
    if not candidates:
        names = ", ".join(sorted({name or "unnamed" for name, _ in blocks}))
        raise ProgramError("no-code", f"no fence holds {language.name} code (fences found: {names})")
    if len(candidates) == 1:
        return candidates[0]
    joined = "\n\n".join(candidates)
    if language.is_program(joined):
        return joined
    return max(filter(language.is_program, candidates), key=len, default=candidates[0])


def _fenced_blocks(text: str) -> Iterable[tuple[str, str]]:
    """Yield (name, body) of each fence; bodies have no final newline and are dedented by the fence's indentation."""
    position = 0
    while opening := _FENCE.search(text, position):
        start = min(opening.end() + 1, len(text))
        mark = opening["fence"]
        closing = re.compile(rf"^[ \t]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*\r?$", re.M).search(text, start)
        end = closing.start() if closing else len(text)
        body = text[start:end].removesuffix("\n").removesuffix("\r")
        if opening["indent"]:
            body = re.sub(rf"^[ \t]{{1,{len(opening['indent'])}}}", "", body, flags=re.M)
        yield opening["name"], body
        position = closing.end() if closing else len(text)
