"""Tokens of records: counting what a trainer sees, and cutting sequences that have too many.

Owns tokenizers and the limit. What a record looks like is left to `shapes`, edit texts to `codecs`.
"""

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from lintseq.codecs import SEPARATOR, Codec, get_codec, naming
from lintseq.dataset.shapes import Meta, ProgramRow, get_shape
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, check_at_least, first_line
from lintseq.rows import prompt_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_CONVERSATION = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}]


@dataclass(frozen=True, slots=True)
class TokenLimit:
    """The limit on the tokens of a record: of its prompt, its edits and what ends them."""

    max_tokens: int | None = None
    """Cut sequences after the last edit with which prompt and edits have at most N tokens of --tokenizer."""
    tokenizer: str | None = None
    """Tokenizer for --max-tokens: a folder, its tokenizer.json, or a name on the Hub; extra `tokens`."""


def check_limit(limit: TokenLimit, shape: str) -> dict[str, str]:
    """Return a hash of the tokenizer, if there is one; raise `ConfigError` for a limit that cannot work."""
    check_at_least(1, {"--max-tokens": limit.max_tokens})
    if (limit.max_tokens is None) != (limit.tokenizer is None):
        raise ConfigError("--max-tokens and --tokenizer have no effect without each other")
    if limit.tokenizer is None:
        return {}
    conversational = is_conversational(shape)
    text = load_tokenizer(limit.tokenizer, extra="train" if conversational else "tokens").to_str()
    if conversational:
        text += load_template(limit.tokenizer)(_CONVERSATION)
    return {"tokenizer": blake2b(text.encode(), digest_size=16).hexdigest()}


def is_conversational(shape: str) -> bool:
    """Return whether trainers see records of a shape through a chat template."""
    return any(column.type == "messages" for column in get_shape(shape).columns.values())


# Counting


def load_tokenizer(name: str | os.PathLike[str], *, extra: str = "tokens") -> "Tokenizer":
    """Return a tokenizer: a tokenizer.json, its folder, or a name on the Hugging Face Hub.

    `<|diff|>` is a single token, as in training, and texts of any length are encoded whole. Where the library is
    missing, `extra` is the one that the error names.
    """
    try:
        from tokenizers import AddedToken, Tokenizer
    except ImportError:
        raise ConfigError(f"counting tokens needs the extra `{extra}`: pip install 'lintseq[{extra}]'") from None
    name = os.fspath(name)
    path = os.path.join(name, "tokenizer.json") if os.path.isdir(name) else name
    on_hub = not os.path.exists(name) and _HUB_NAME.fullmatch(name) and not name.endswith(".json")
    advice = "name a tokenizer.json, its folder, or a tokenizer on the Hugging Face Hub"
    if not on_hub and not os.path.isfile(path):
        raise ConfigError(f"there is no tokenizer file at {path}; {advice}")
    try:
        tokenizer = Tokenizer.from_pretrained(name) if on_hub else Tokenizer.from_file(path)
    except Exception as error:  # the library raises nothing narrower
        where = "is neither a file here nor loads from the Hugging Face Hub" if on_hub else "does not load"
        raise ConfigError(f"the tokenizer {name} {where}: {first_line(error)}; {advice}") from None
    tokenizer.add_tokens([AddedToken(SEPARATOR, normalized=False)])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def load_template(name: str) -> Callable[[list[dict[str, str]]], str]:
    """Return what renders a conversation as the chat template of a tokenizer does."""
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise ConfigError(
            "counting tokens of conversations needs transformers: pip install 'lintseq[train]'"
        ) from None
    folder = os.path.dirname(name) or "." if os.path.isfile(name) else name
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.apply_chat_template(_CONVERSATION, tokenize=False)
    except Exception as error:  # files, the Hub, templates: the libraries raise nothing narrower
        raise ConfigError(
            f"the tokenizer {name} has no usable chat template ({first_line(error)}); use one that has, or shape"
            " prompt-completion"
        ) from None
    return lambda messages: str(tokenizer.apply_chat_template(messages, tokenize=False))


def encodable(text: str) -> str:
    """Return a text with lone surrogates, which no tokenizer takes, as question marks."""
    return text.encode("utf-8", "replace").decode()


class TokenCounter:
    """Counts tokens as a trainer does: those of a text and its end token, or of a conversation in its template."""

    def __init__(self, name: str, *, conversational: bool) -> None:
        """Raises `ConfigError` if the tokenizer, or its chat template, does not load."""
        self._tokenizer = load_tokenizer(name)
        self._render = load_template(name) if conversational else None
        self._added = self._tokenizer.num_special_tokens_to_add(False)

    def __call__(self, content: str | list[dict[str, str]]) -> int:
        return self._count(self._text(content), ends=isinstance(content, str))

    def exceeds(self, content: str | list[dict[str, str]], most: int) -> bool:
        """Return whether a content has more than `most` tokens.

        Each token stands for a byte or more, unless text is normalized first, so most contents need no tokenizer.
        """
        text = self._text(content)
        if self._tokenizer.normalizer is None and len(text.encode()) + self._added + 2 <= most:
            return False
        return self._count(text, ends=isinstance(content, str)) > most

    def _text(self, content: str | list[dict[str, str]]) -> str:
        if isinstance(content, str):
            return encodable(content)
        assert self._render is not None
        return encodable(self._render(content))

    def _count(self, text: str, *, ends: bool) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=ends)) + ends


# Cutting


class LimitedWriter:
    """Writes edit sequences as records of a shape and format, cut where they exceed a limit on tokens."""

    def __init__(self, shape: str, format: str, path: str | None, limit: TokenLimit) -> None:
        """Raises `ConfigError` if the shape cannot hold the format, or the tokenizer does not load."""
        self._shape, self._codec, self._most = get_shape(shape), get_codec(format, path=path), limit.max_tokens
        self._shape.check(format)
        self._names_rows = path is None
        self._counter: TokenCounter | None = None
        if limit.tokenizer is not None:
            self._counter = TokenCounter(limit.tokenizer, conversational=is_conversational(shape))

    def _codec_of(self, row: ProgramRow) -> Codec:
        return naming(self._codec, row.path) if self._names_rows else self._codec

    def write(
        self, row: ProgramRow, sequence: EditSequence, draw: int, meta: Meta, *, left: int = 0
    ) -> tuple[dict[str, Any], EditSequence] | None:
        """Return the record of a draw with the edits in it: all, or the first ones that fit; None if none fits.

        `left` edits of the original sequence follow these; the record says how many follow its own.
        """

        def written(edits: int) -> tuple[dict[str, Any], EditSequence]:
            kept, source, after = sequence, row, left + len(sequence) - edits
            if edits < len(sequence):
                kept = sequence.first(edits).with_readable_end()
                source = replace(row, program=kept.program.text, response=kept.program.text)
            record = self._shape.write(
                source, kept, draw, {**meta, "truncated": after} if after else meta, self._codec_of(row)
            )
            if "left" in record:
                record["left"] += left
            return record, kept

        whole = written(len(sequence))
        if not self._exceeds(row, *whole):
            return whole
        if self._codec.single_edit or "left" in whole[0]:  # a record of one edit
            return None
        fitting = bisect_left(range(1, len(sequence)), True, key=lambda edits: self._exceeds(row, *written(edits)))
        return written(fitting) if fitting else None

    def _exceeds(self, row: ProgramRow, record: Mapping[str, Any], sequence: EditSequence) -> bool:
        if self._counter is None or self._most is None:
            return False
        if "messages" in record:
            content = record["messages"]
        elif "completion" in record:
            content = record["prompt"] + record["completion"]
        else:
            content = prompt_of(row.instruction, sequence.start) + self._codec_of(row).write(sequence)
        return self._counter.exceeds(content, self._most)
