"""The conventions that all formats share: separators, escapes, end-of-text tokens, Markdown fences.

Each edit is led by `<|diff|>`, every edit but the first on a new line, and the text ends in a newline exactly when
the program does. So an edit text never holds a line that starts with `<|diff|>`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SEPARATOR = "<|diff|>"
FENCES = ("```", "~~~")


def join_edits(edits: Sequence[str]) -> str:
    """Return edit texts as one text, without the final newline that a program may have."""
    return SEPARATOR + f"\n{SEPARATOR}".join(edits)


def looks_like_edits(text: str) -> bool:
    """Return whether a text starts like edits in format diff, which no program does."""
    return text.lstrip().startswith((SEPARATOR, "@@ -"))


def split_edits(text: str) -> list[str]:
    """Return the edit texts in a sequence text."""
    body = text.removeprefix(SEPARATOR)
    return body.removesuffix("\n").split(f"\n{SEPARATOR}") if body else []


@dataclass(frozen=True, slots=True)
class Escape:
    """Keeps lines of code from being taken for structure: one that starts with one of the words gets a backslash.

    So does one that starts with backslashes and then a word, so every line reads back.
    """

    words: tuple[str, ...]

    def escape(self, lines: Sequence[str]) -> list[str]:
        return ["\\" + line if line.lstrip("\\").startswith(self.words) else line for line in lines]

    def unescape(self, lines: Sequence[str]) -> list[str]:
        return [
            line[1:] if line.startswith("\\") and line.lstrip("\\").startswith(self.words) else line for line in lines
        ]


def is_fence(line: str) -> bool:
    return line.lstrip().startswith(FENCES)


def shorten(text: str) -> str:
    """Return `text` quoted, on one line, with nothing in it that cannot be printed, and not too long."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


END_TOKENS = (
    *("<|endoftext|>", "<|end_of_text|>", "<|end|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>"),
    *("<end_of_turn>", "<eos>", "</s>"),
)


def end_without_tokens(text: str) -> int:
    """Return where `text` ends without the end-of-text tokens, and the white space after them, that close it."""
    end = reach = len(text)
    while True:
        while reach and text[reach - 1].isspace():
            reach -= 1
        token = next((token for token in END_TOKENS if text.endswith(token, 0, reach)), None)
        if token is None:
            return end
        end = reach = reach - len(token)
