"""Training examples: records of edit sequences as token ids, a prompt followed by the completion that is trained on.

This module decides what an example is, which part of it is trained on, and how it is shortened. A file of records
gives two arms: `edits` has every draw of a row, `plain` each row's program once.

A prompt is tokenized exactly as at generation time and the completion is appended token by token, so the model is
prompted with what it was trained on.

    text   the prompts of `lintseq.benchmarks`: the instruction, a newline and, for edits, `<|diff|>`; then the
           completion and the end-of-text token
    chat   the tokenizer's chat template around the instruction and the completion, with everything it appends
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

from lintseq.codecs import SEPARATOR
from lintseq.dataset.shapes import Record
from lintseq.errors import ConfigError, ProgramError
from lintseq.lm import tokenizers
from lintseq.lm.documents import encodable
from lintseq.program import Program
from lintseq.rows import prompt_of

ARMS = ("edits", "plain")

_PROBE = "x = 1"


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A prompt and its completion as text."""

    row: str
    """Key of the row: a hash of id, instruction and program, which all draws of a row have in common."""
    prompt: str
    """The instruction and a newline, then the current program unless it is empty."""
    completion: str
    ends: bool = True
    """False if edits of the sequence follow, so that no end of text does."""


def pair_of(record: Record, arm: str) -> TrainingPair:
    """Return the training pair of a record in an arm; raises `ProgramError` if it has none."""
    if arm == "edits":
        text = record.text.removeprefix(SEPARATOR)
        if not text:
            raise ProgramError("no-edits", "the sequence has no edits")
        start, completion = record.start, SEPARATOR + text
    else:
        if record.left:
            raise ProgramError("no-program", "the row has some edits of a sequence, but not the whole program")
        start, completion = Program(()), record.program
    prompt = prompt_of(record.instruction, start)
    encodable(prompt + completion)
    # A single edit does not know the final program, and the current one would distinguish draws of a row.
    program = "" if record.left or record.shape == "next-edit" else record.program
    key = blake2b(f"{record.id}\0{record.instruction}\0{program}".encode("utf-8", "surrogatepass"), digest_size=12)
    return TrainingPair(key.hexdigest(), prompt, completion, not record.left or record.shape == "next-edit")


@dataclass(frozen=True, slots=True)
class EncodedExample:
    """An example as token ids."""

    prompt: list[int]
    completion: list[int]
    lost: int = 0
    """Number of tokens cut off at the end."""


class ExampleEncoder:
    """Encodes training pairs of one arm."""

    def __init__(
        self, tokenizer: Any, *, arm: str, layout: str = "text", max_tokens: int, truncate: str = "edit"
    ) -> None:
        """Raises `ConfigError` if the tokenizer does not suit the layout."""
        self.tokenizer, self.arm, self.layout = tokenizer, arm, layout
        self.max_tokens, self.truncate = max_tokens, truncate
        self.diff = tokenizers.diff_id(tokenizer)
        if tokenizer.eos_token_id is None:
            raise ConfigError("the tokenizer has no end-of-text token, so a model cannot learn when to stop")
        self.end: int = tokenizer.eos_token_id
        self.tail = [self.end] if layout == "text" else self._template_tail()
        self._is_line_end = cache(lambda token: "\n" in tokenizer.decode([token]))
        if layout == "text" and self._ids([_PROBE])[0][-1] == self.end:
            raise ConfigError("the tokenizer ends every text with the end-of-text token; set add_eos_token to false")

    def encode(self, pairs: Sequence[TrainingPair]) -> list[EncodedExample | ProgramError]:
        """Return the example of each pair, or why it has none."""
        prompts = [pair.prompt for pair in pairs]
        texts = [pair.completion for pair in pairs]
        if self.layout == "chat":
            messages = [[{"role": "user", "content": prompt.removesuffix("\n")}] for prompt in prompts]
            prompts = [self._render(message, add_generation_prompt=True) for message in messages]
        elif self.arm == "edits":  # the separator belongs to the prompt
            prompts = [prompt + SEPARATOR for prompt in prompts]
            texts = [text.removeprefix(SEPARATOR) for text in texts]
        prompt_ids = self._ids(prompts)
        joint_ids = self._ids([prompt + text for prompt, text in zip(prompts, texts, strict=True)])
        ends = [pair.ends for pair in pairs]
        return [self._example(*parts) for parts in zip(prompt_ids, joint_ids, texts, ends, strict=True)]

    def _example(self, prompt: list[int], joint: list[int], text: str, ends: bool) -> EncodedExample | ProgramError:
        seamless = joint[: len(prompt)] == prompt
        completion = joint[len(prompt) :] if seamless else self.tokenizer.encode(text, add_special_tokens=False)
        if self.end in completion:
            return ProgramError("end-inside", "the completion contains the end-of-text token")
        budget = self.max_tokens - len(prompt)
        if budget < 1:
            return ProgramError("prompt-too-long", f"the prompt alone has {len(prompt)} tokens")
        full = completion + self.tail if ends else completion
        kept = len(full)
        if kept > budget:
            if self.truncate == "drop":
                return ProgramError("too-long", f"prompt and completion have {len(prompt) + len(full)} tokens")
            kept = budget if self.truncate == "anywhere" else self._whole_units(completion, text, budget)
        if not kept:
            unit = "edit" if self.arm == "edits" else "line"
            return ProgramError(f"no-{unit}-fits", f"the first {unit} does not fit after {len(prompt)} prompt tokens")
        return EncodedExample(prompt, full[:kept], len(full) - kept)

    def _whole_units(self, completion: list[int], text: str, budget: int) -> int:
        """Return how many tokens the edits (in the plain arm, lines) that fit into `budget` tokens take."""
        if len(completion) <= budget:
            return len(completion)
        if self.arm == "plain":  # the last token may contain the indentation of the next line
            return next((index + 1 for index in range(budget - 1, -1, -1) if self._is_line_end(completion[index])), 0)
        tokens = [index for index, token in enumerate(completion) if token == self.diff]
        offsets = [match.start() for match in re.finditer(re.escape(SEPARATOR), text)]
        if len(tokens) != len(offsets):
            return 0
        # Inside a line it is the text of the line and separates nothing.
        starts = [index for index, offset in zip(tokens, offsets, strict=True) if offset and text[offset - 1] == "\n"]
        return max((index for index in starts if index <= budget), default=0)

    def _ids(self, texts: list[str]) -> list[list[int]]:
        if not texts:
            return []
        special = self.layout == "text"
        encoded = self.tokenizer(texts, add_special_tokens=special, return_attention_mask=False, verbose=False)
        return list(encoded["input_ids"])

    def _render(self, messages: list[dict[str, str]], *, add_generation_prompt: bool = False) -> str:
        template = self.tokenizer.apply_chat_template
        return str(template(messages, tokenize=False, add_generation_prompt=add_generation_prompt))

    def _template_tail(self) -> list[int]:
        """Return the tokens that the chat template puts after an answer, up to the end-of-text token."""
        if not self.tokenizer.chat_template:
            raise ConfigError("the tokenizer has no chat template; set data.layout to text")
        user = {"role": "user", "content": _PROBE}
        start = self._render([user], add_generation_prompt=True) + _PROBE
        whole = self._render([user, {"role": "assistant", "content": _PROBE}])
        if not whole.startswith(start):
            raise ConfigError(
                "the chat template changes answers or their prompts, so the model would be prompted with something"
                " else than it was trained on; set data.layout to text, or use another template"
            )
        ids: list[int] = self.tokenizer.encode(whole[len(start) :], add_special_tokens=False)
        return [*ids[: ids.index(self.end)], self.end] if self.end in ids else [*ids, self.end]
