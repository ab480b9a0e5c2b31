"""The prompt that a model gets for a problem, in one of four styles.

official   the prompt of the benchmark's own harness
plain      the instruction and a newline: the paper's baseline
edits      the instruction, a newline and `<|diff|>`: the paper's other arm
messages   the instruction as a conversation, for the model's own chat template
"""

from typing import Any

from lintseq.benchmarks.problem import Problem
from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError
from lintseq.program import Program
from lintseq.rows import prompt_of

PROMPT_STYLES = ("official", "plain", "edits", "messages")


def prompt_for(problem: Problem, style: str) -> str | list[dict[str, Any]]:
    """Return the prompt of a problem in a style; includes the start program, if edits change one."""
    instruction = prompt_of(problem.instruction, Program.from_text(problem.start))
    if style == "official":
        return problem.prompt
    if style == "plain":
        return instruction
    if style == "edits":
        return instruction + SEPARATOR
    if style == "messages":
        return [{"role": "user", "content": instruction.removesuffix("\n")}]
    raise ConfigError(f"unknown prompts {style!r}; use one of {', '.join(PROMPT_STYLES)}")
