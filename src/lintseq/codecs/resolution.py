"""What reading a model's text gives back: the program, and a note on each thing ignored or repaired.

Shared by every format; knows nothing of any of them.
"""

from dataclasses import dataclass

from lintseq.program import Program


@dataclass(frozen=True, slots=True)
class Note:
    """One thing in a text that was not as it should be; `str(note)` is one readable line."""

    edit: int
    """Which edit of the text, from 1; 0 is what comes before the first."""

    line: int
    """Which line of the text, from 1."""

    reason: str
    """A short machine-readable word."""

    detail: str
    """What was found and what became of it, for people."""

    def __str__(self) -> str:
        return f"edit {self.edit}, line {self.line}: {self.reason}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a text resolved to, whatever it was."""

    program: Program
    edits_applied: int
    """How many edits changed the state."""

    notes: tuple[Note, ...] = ()
    """In the order of the text's lines; none means that the text was exactly as `encode` writes."""

    @property
    def text(self) -> str:
        """The program's text."""
        return self.program.text


class EditFault(Exception):
    """What keeps an edit text from being read strictly; `line` counts in that text, from 1."""

    def __init__(self, line: int, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.reason = reason
        self.detail = detail


def shorten(text: str) -> str:
    """Return `text` quoted, on one line, with nothing in it that cannot be printed, and not too long."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


END_TOKENS = (
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<end_of_turn>",
    "<eos>",
    "</s>",
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
