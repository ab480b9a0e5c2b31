"""The prompt of a row, the same in training data and at generation time."""

from lintseq.languages import get_language
from lintseq.program import Program


def prompt_of(instruction: str, state: Program) -> str:
    """Return the instruction, followed by the current program in a Markdown fence unless that is empty."""
    if not state.lines:
        return instruction + "\n"
    text = state.text if state.final_newline else state.text + "\n"
    return f"{instruction}\n```{get_language().fences[0]}\n{text}```\n"
