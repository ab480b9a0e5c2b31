"""Tokenizers: training them on programs, and adding `<|diff|>` as one token to existing ones.

`<|diff|>` precedes each edit. It has to be one token that no decoder drops and next to which no whitespace is lost, so
it is not a special token. Everything else is done by the libraries `tokenizers` and `transformers`.
"""

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError, ProgramError, ToolError, check_at_least
from lintseq.lm.documents import Documents, TextOptions, open_documents
from lintseq.lm.loading import END, PAD, as_pretrained, load_model, load_tokenizer, require_package
from lintseq.rows import START
from lintseq.storage import WorkDirectory, batched, check_writable

MINIMUM_VOCABULARY = 256 + 3
"""All bytes and the three added tokens."""

_BATCH = 1000
_SAMPLE_CHARACTERS = 1 << 22
"""Amount of text from which bytes per token are estimated."""
_BEFORE = ("", "x", "x ", "x\n", "x\n\n", "\t", ")", "é", "Write it.\n")
_AFTER = ("@@ -0,0 +1 @@\n+x = 1\n", " @@", "\n", "", "x", SEPARATOR, f"\n{SEPARATOR}")


def backend(tokenizer: Any) -> str:
    """Return the content of the tokenizer.json of a tokenizer."""
    return str(tokenizer.backend_tokenizer.to_str())


def digest(tokenizer: Any) -> str:
    """Return a hash that is equal for tokenizers with equal encodings."""
    state = json.loads(backend(tokenizer))
    for name in ("padding", "truncation"):  # set by whoever used the tokenizer last
        state.pop(name, None)
    return sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:32]


def diff_id(tokenizer: Any) -> int:
    """Return the id of `<|diff|>`; raises `ConfigError` if it is not one token."""
    ids = tokenizer.encode(SEPARATOR, add_special_tokens=False)
    if len(ids) != 1:
        raise ConfigError(f"{SEPARATOR} is {len(ids)} tokens in this tokenizer; run lintseq tokenizer extend first")
    return int(ids[0])


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """Return the exact text of token ids, including special tokens."""
    return str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))


# Training


@dataclass(frozen=True, slots=True)
class TokenizerOptions:
    """Options of `train_tokenizer`."""

    vocab: int
    """Vocabulary size, including bytes and added tokens."""
    megabytes: float | None = None
    """Maximum amount of text to read from each input."""
    text: TextOptions = field(default_factory=TextOptions)
    """How texts are read from rows."""


@dataclass(frozen=True, slots=True)
class TrainedTokenizer:
    """Statistics of a trained tokenizer."""

    documents: int
    """Texts that it was trained on."""
    bytes: int
    """Size of these texts in UTF-8."""
    skipped: int
    """Rows without a text."""
    tokens: int
    """Vocabulary size; smaller than requested if the texts have too few distinct words."""
    bytes_per_token: float
    """Measured on the first few megabytes of the texts."""
    diff: int
    """Token id of `<|diff|>`."""


def train_tokenizer(
    inputs: Sequence[str], output: str, options: TokenizerOptions, *, overwrite: bool = False
) -> TrainedTokenizer:
    """Train a byte-level BPE tokenizer and write it to the folder `output`, for `AutoTokenizer.from_pretrained`.

    `inputs` are those of `lintseq build`, read in order; the same inputs give the same tokenizer. Raises `ConfigError`
    if the vocabulary is too small, there are no texts, or `output` exists.
    """
    require_package("tokenizers", "training a tokenizer")
    check_writable(output, directory=True, overwrite=overwrite)
    documents = [source for path in inputs for source in open_documents(path, options.text)]
    count: Counter[str] = Counter(documents=0, bytes=0, skipped=0)
    sample: list[str] = []
    limit = math.inf if options.megabytes is None else round(options.megabytes * 1e6)
    tokenizer = byte_level_bpe(_texts(documents, count, sample, limit), options.vocab)
    if not count["documents"]:
        raise ConfigError(f"{', '.join(inputs)}: no texts to train on ({count['skipped']:,} rows without a text)")
    sample_tokens = sum(len(encoding.ids) for encoding in tokenizer.encode_batch_fast(sample))
    trained = TrainedTokenizer(
        **count,
        tokens=tokenizer.get_vocab_size(),
        bytes_per_token=sum(len(text.encode()) for text in sample) / max(sample_tokens, 1),
        diff=tokenizer.token_to_id(SEPARATOR),
    )
    settings = {
        "tokenizers": version("tokenizers"),
        "inputs": [{"path": source.source.path, "fingerprint": source.source.fingerprint} for source in documents],
        **asdict(options),
    }
    with WorkDirectory(output, settings, overwrite=overwrite) as work:
        as_pretrained(tokenizer).save_pretrained(work.file("tokenizer"))
        work.finish([(work.file("tokenizer"), work.target)], {"lintseq": version("lintseq"), **asdict(trained)})
    return trained


def byte_level_bpe(texts: Iterable[str], vocabulary: int) -> Any:
    """Return a byte-level BPE tokenizer of the library `tokenizers`, with `<|diff|>` as its last token."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    if vocabulary < MINIMUM_VOCABULARY:
        raise ConfigError(f"a vocabulary of {vocabulary} is too small; use at least {MINIMUM_VOCABULARY}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 1,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # `<|diff|>` is one token already, so nothing is learned from its letters.
    parts = (part for text in texts for part in text.split(SEPARATOR) if part)
    tokenizer.train_from_iterator(batched(parts, _BATCH), trainer)
    # Not one of the trainer's special tokens: decoders drop those on request.
    tokenizer.add_tokens([AddedToken(SEPARATOR, normalized=False, special=False)])
    return tokenizer


def _texts(documents: Sequence[Documents], count: Counter[str], sample: list[str], limit: float) -> Iterator[str]:
    """Yield the texts of inputs, at most `limit` bytes of each; count them, and keep the first ones as a sample."""
    sampled = 0
    for source in documents:
        total = 0
        for row in source.source.read(START):
            try:
                text = source.reader.text(row.data)
            except ProgramError:
                count["skipped"] += 1
                continue
            size = len(text.encode())
            total += size
            if total > limit:
                break
            count.update(documents=1, bytes=size)
            if sampled < _SAMPLE_CHARACTERS:
                sample.append(text)
                sampled += len(text)
            yield text


# Extending


@dataclass(frozen=True, slots=True)
class TokenizerExtension:
    """How `<|diff|>` was added to a tokenizer and, if there is one, to its model."""

    id: int
    """Token id of `<|diff|>`."""
    added: bool
    """False if it was one token already."""
    tokens: int
    """Vocabulary size."""
    pieces: tuple[int, ...]
    """Ids of the tokens that it was before."""
    rows_before: int | None = None
    """Rows of the model's embedding matrix before; None without a model."""
    rows: int | None = None
    """Rows of the model's embedding matrix now; None without a model."""
    initialized: str = ""
    """How the new embedding was initialized."""
    notes: tuple[str, ...] = ()
    """Remarks for the user."""


def extend_tokenizer(path: str, output: str, *, multiple: int = 16, overwrite: bool = False) -> TokenizerExtension:
    """Add `<|diff|>` to the tokenizer at `path` and its model, if there is one, and write both to the folder `output`.

    If the model needs a new embedding, the number of embeddings becomes a multiple of `multiple`. Raises `ConfigError`
    if there is no usable tokenizer, and `ToolError` if edit texts do not survive encoding and decoding.
    """
    tokenizer = load_tokenizer(path)
    model = load_model(path) if _has_model(path) else None
    extension = add_separator(tokenizer, model, multiple=multiple)
    with WorkDirectory(output, {"extended": path, "multiple": multiple}, overwrite=overwrite) as work:
        folder = work.file("model")
        if model is not None:
            model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        if problem := round_trip_problem(load_tokenizer(folder)):
            raise ToolError(f"edit texts do not survive the tokenizer after loading it again: {problem}")
        work.finish([(folder, work.target)], {"lintseq": version("lintseq"), **asdict(extension)})
    return extension


def add_separator(tokenizer: Any, model: Any = None, *, multiple: int = 16) -> TokenizerExtension:
    """Make `<|diff|>` one token of a tokenizer of transformers, and give the model an embedding for it, both in place.

    It is not marked as special, so that `skip_special_tokens` keeps it, and it strips no whitespace. If decoding puts
    a space after it, as SentencePiece tokenizers do, the decoder is changed to remove that space. If the model has no
    spare embedding, it gets some, up to a multiple of `multiple`. What is there already stays as it is. Raises
    `ConfigError` for a tokenizer that cannot be extended, and `ToolError` if a text does not survive encoding and
    decoding.
    """
    check_at_least(1, {"--multiple": multiple})
    if not getattr(tokenizer, "is_fast", False):
        raise ConfigError(f"a {type(tokenizer).__name__} cannot be extended; use a fast tokenizer of transformers")
    from tokenizers import AddedToken

    pieces = tokenizer.encode(SEPARATOR, add_special_tokens=False)
    existing = len(pieces) == 1
    if existing and pieces[0] in set(tokenizer.all_special_ids):
        raise ConfigError(
            f"{SEPARATOR} is a special token of this tokenizer, which decoding drops: set its `special` to false in"
            " tokenizer.json, and remove it from tokenizer_config.json"
        )
    tokenizer.add_tokens([AddedToken(SEPARATOR, normalized=False, special=False)])
    notes: tuple[str, ...] = ()
    if round_trip_problem(tokenizer):
        _drop_space(tokenizer.backend_tokenizer)
        notes = (f"decoding put a space after {SEPARATOR}; the decoder in tokenizer.json now removes it",)
    if problem := round_trip_problem(tokenizer):
        raise ToolError(
            f"edit texts do not survive this tokenizer: {problem}; use one that restores texts exactly, such as a"
            " byte-level BPE"
        )
    extension = TokenizerExtension(diff_id(tokenizer), not existing, len(tokenizer), tuple(pieces), notes=notes)
    return extension if model is None else add_embedding(model, extension, multiple=multiple)


def round_trip_problem(tokenizer: Any) -> str:
    """Return how a text with `<|diff|>` fails to survive encoding and decoding; empty if all texts survive."""
    separator = diff_id(tokenizer)
    for text in (before + SEPARATOR + after for before in _BEFORE for after in _AFTER):
        ids = tokenizer.encode(text, add_special_tokens=False)
        if ids.count(separator) != text.count(SEPARATOR):
            return f"{text!r} is encoded with {ids.count(separator)} {SEPARATOR} tokens"
        if SEPARATOR not in tokenizer.decode(ids, skip_special_tokens=True):
            return f"{SEPARATOR} is lost when {text!r} is decoded without special tokens"
        if (decoded := decode(tokenizer, ids)) != text:
            return f"{text!r} is decoded as {decoded!r}"
    return ""


def _drop_space(tokenizer: Any) -> None:
    """Make decoding remove one space after `<|diff|>`: the one that encoding put there."""
    state = json.loads(tokenizer.to_str())
    decoder = state["decoder"] or {"type": "Fuse"}
    steps = decoder["decoders"] if decoder["type"] == "Sequence" else [decoder]
    fuse = next((index for index, step in enumerate(steps) if step["type"] == "Fuse"), None)
    if fuse is None:
        steps, fuse = [*steps, {"type": "Fuse"}], len(steps)
    drop = {"type": "Replace", "pattern": {"String": f"{SEPARATOR} "}, "content": SEPARATOR}
    state["decoder"] = {"type": "Sequence", "decoders": [*steps[: fuse + 1], drop, *steps[fuse + 1 :]]}
    tokenizer.decoder = type(tokenizer).from_str(json.dumps(state)).decoder


def add_embedding(model: Any, extension: TokenizerExtension, *, multiple: int) -> TokenizerExtension:
    """Give a model an embedding for `<|diff|>`, in place, and return the extension with what was done.

    The new row of `weight: (tokens, width)`, on the input and the output side, is the mean of the rows of the tokens
    that the text was before; rows that only pad to the multiple are the mean of all rows. The logit of a mean is the
    mean of the logits, so (by convexity of the exponential) the new token is never more likely than those tokens were
    on average, and the distribution barely changes, whatever the norm of the embeddings.
    """
    import torch

    before = int(model.get_input_embeddings().weight.shape[0])
    rows = before if extension.tokens <= before else -(-extension.tokens // multiple) * multiple
    if rows != before:
        model.resize_token_embeddings(rows, mean_resizing=False)
    new = {*range(before, rows), *([extension.id] if extension.added else [])}
    with torch.no_grad():
        for weight in (layer.weight for layer in embeddings_of(model)):
            of_pieces = weight[list(extension.pieces)].float().mean(0).to(weight.dtype)
            of_all = weight[:before].float().mean(0).to(weight.dtype)
            for row in sorted(new):
                weight[row] = of_pieces if row == extension.id and extension.added else of_all
    model.config.vocab_size = rows
    initialized = "not needed: it was one token already"
    if extension.id in new:
        initialized = "mean of all embeddings"
    if extension.added:
        initialized = f"mean of the embeddings of its previous {len(extension.pieces)} tokens"
    return replace(extension, rows_before=before, rows=rows, initialized=initialized)


def embeddings_of(model: Any) -> list[Any]:
    """Return the input and output embedding layers of a model; one if they are tied."""
    layers = [model.get_input_embeddings(), model.get_output_embeddings()]
    tied = layers[1] is None or layers[1].weight is layers[0].weight
    return layers[:1] if tied else layers


def _has_model(path: str) -> bool:
    """Tell whether there are weights next to a tokenizer; a name on the Hub is assumed to be that of a model."""
    if not os.path.exists(path):
        return True
    with suppress(NotADirectoryError):
        return any(name.endswith((".safetensors", ".bin", ".safetensors.index.json")) for name in os.listdir(path))
    return False
