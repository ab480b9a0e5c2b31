"""Tokenizers: trained on programs, or taken from a model and taught that `<|diff|>` is one token.

Owns what is special about tokenizers here: `<|diff|>` stands before each edit, so it has to be one token that
no decoding drops and beside which no white space is lost. Everything else is the libraries' work.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError, ProgramError, ToolError
from lintseq.lm.documents import Documents, open_documents
from lintseq.lm.folders import check_free, loading, new_folder
from lintseq.storage.workplace import MANIFEST

END, PAD = "<|endoftext|>", "<|pad|>"
"""The special tokens of tokenizers that are trained here; `<|diff|>` is a token like any other, so it survives."""

ENDS = (END, "</s>", "<|end_of_text|>", "<eos>", "<|im_end|>")
"""What may stand for the end of a text in a bare tokenizer.json, which does not say."""

LEAST = 256 + 3
"""All bytes, and the three tokens above."""

_BATCH = 1000
_SAMPLE = 1 << 22
"""Characters by which bytes a token are measured."""
_BEFORE = ("", "x", "x ", "x\n", "x\n\n", "\t", ")", "é", "Write it.\n")
_AFTER = ("@@ -0,0 +1 @@\n+x = 1\n", " @@", "\n", "", "x", SEPARATOR, f"\n{SEPARATOR}")


def need(package: str, what: str) -> None:
    """Raise `ConfigError` if a package of the extra `train` is missing."""
    try:
        __import__(package)
    except ImportError:
        raise ConfigError(f"{what} needs {package}: pip install 'lintseq[train]'") from None


# Training


@dataclass(slots=True)
class Seen:
    """What a tokenizer was trained on."""

    documents: int = 0
    bytes: int = 0
    skipped: int = 0
    """Rows without a text."""


def texts_of(documents: Sequence[Documents], seen: Seen, *, most: int | None = None) -> Iterator[str]:
    """Yield the texts of inputs, of each no more than `most` bytes, and count them."""
    from lintseq.rows import START

    for one in documents:
        left = most
        for row in one.source.read(START):
            try:
                text = one.reading.text(row.data)
            except ProgramError:
                seen.skipped += 1
                continue
            size = len(text.encode())
            if left is not None and (left := left - size) < 0:
                break
            seen.documents += 1
            seen.bytes += size
            yield text


def train_tokenizer(texts: Iterable[str], *, vocabulary: int) -> Any:
    """Return a byte-level BPE of so many tokens, of which `<|endoftext|>` and `<|pad|>` are special; the same texts
    give the same tokenizer."""
    need("tokenizers", "training a tokenizer")
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    if vocabulary < LEAST:
        raise ConfigError(f"a vocabulary of {vocabulary} is too small: bytes and special tokens are {LEAST} already")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 1,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_cut_out(texts), trainer)
    # Not among the trainer's special tokens: decoders leave those out when they are told to.
    tokenizer.add_tokens([AddedToken(SEPARATOR, normalized=False, special=False)])
    return tokenizer


@dataclass(frozen=True, slots=True)
class Trained:
    """A tokenizer that was trained, in numbers."""

    documents: int
    bytes: int
    skipped: int
    tokens: int
    """In the vocabulary."""
    bytes_per_token: float
    """Of the texts that it was trained on, or the first of them."""
    diff: int
    """The number of `<|diff|>`."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def train_folder(
    paths: Sequence[str],
    output: str,
    *,
    vocabulary: int,
    field: str = "",
    read: str = "text",
    most: int | None = None,
    overwrite: bool = False,
) -> Trained:
    """Train a tokenizer on inputs, of each no more than `most` bytes, and write it to the folder `output`."""
    need("tokenizers", "training a tokenizer")
    check_free(output, overwrite=overwrite)
    documents = [one for path in paths for one in open_documents(path, field=field, read=read)]
    seen = Seen()
    first: list[str] = []
    tokenizer = train_tokenizer(_noting(texts_of(documents, seen, most=most), first), vocabulary=vocabulary)
    if not seen.documents:
        raise ConfigError(f"{', '.join(paths)}: no texts in it ({seen.skipped:,} rows without one)")
    counted = sum(len(one.ids) for one in tokenizer.encode_batch_fast(first))
    done = Trained(
        seen.documents,
        seen.bytes,
        seen.skipped,
        tokenizer.get_vocab_size(),
        sum(len(text.encode()) for text in first) / max(counted, 1),
        tokenizer.token_to_id(SEPARATOR),
    )
    manifest = {
        "lintseq": version("lintseq"),
        "tokenizers": version("tokenizers"),
        "inputs": [{"path": one.path, "fingerprint": one.source.fingerprint} for one in documents],
        "vocabulary": vocabulary,
        "field": field,
        "read": read,
        "most_bytes": most,
        **done.as_dict(),
    }
    with new_folder(output, overwrite=overwrite) as folder:
        as_pretrained(tokenizer).save_pretrained(folder)
        Path(folder, MANIFEST).write_text(json.dumps(manifest, indent=1, default=str) + "\n")
    return done


def _noting(texts: Iterable[str], first: list[str]) -> Iterator[str]:
    """Yield texts and keep the first of them."""
    size = 0
    for text in texts:
        if size < _SAMPLE:
            first.append(text)
            size += len(text)
        yield text


def _cut_out(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield texts in batches, without `<|diff|>`: it is one token, and its letters are not to be learned from."""
    batch: list[str] = []
    for text in texts:
        batch += [part for part in text.split(SEPARATOR) if part]
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    yield batch


def as_pretrained(tokenizer: Any, *, end: str = END, pad: str | None = PAD) -> Any:
    """Return a tokenizer of the library `tokenizers` as transformers has them."""
    need("transformers", "saving a tokenizer")
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token=end, pad_token=pad, clean_up_tokenization_spaces=False
    )


# Loading


def load_tokenizer(path: str) -> Any:
    """Return the tokenizer in a folder, in a tokenizer.json, or of a name on the Hugging Face Hub."""
    need("transformers", f"loading the tokenizer {path}")
    bare = _bare(Path(path))
    return _load_named(path) if bare is None else _load_bare(bare)


def _bare(path: Path) -> Path | None:
    """Return the tokenizer.json that has nothing beside it that says what its tokens are for."""
    if path.is_file():
        return path
    file = path / "tokenizer.json"
    beside = ("tokenizer_config.json", "config.json", "special_tokens_map.json")
    return file if file.is_file() and not any((path / name).exists() for name in beside) else None


def _load_bare(file: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise ConfigError(f"{file} does not load as a tokenizer ({error}); name a tokenizer.json") from None
    known = tokenizer.get_vocab()
    end = next((token for token in ENDS if token in known), None)
    if end is None:
        raise ConfigError(
            f"{file} has none of {', '.join(ENDS)}, so it is not known how a text ends; put it into a folder with a"
            " tokenizer_config.json that names eos_token"
        )
    return as_pretrained(tokenizer, end=end, pad=PAD if PAD in known else None)


def _load_named(path: str) -> Any:
    from transformers import AutoTokenizer

    with loading("tokenizer", path):
        tokenizer = AutoTokenizer.from_pretrained(path)
    if not tokenizer.is_fast:
        raise ConfigError(f"the tokenizer {path} is not of the library `tokenizers`; save it as tokenizer.json first")
    return tokenizer


def backend(tokenizer: Any) -> str:
    """Return the tokenizer.json of a tokenizer: all that encoding needs."""
    text: str = tokenizer.backend_tokenizer.to_str()
    return text


def digest(tokenizer: Any) -> str:
    """Return what tells whether two tokenizers encode alike."""
    loaded = json.loads(backend(tokenizer))
    # How encoding pads and cuts is set by whoever used it last, and is none of its nature.
    for name in ("padding", "truncation"):
        loaded.pop(name, None)
    return sha256(json.dumps(loaded, sort_keys=True).encode()).hexdigest()[:32]


def diff_id(tokenizer: Any) -> int:
    """Return the number of `<|diff|>`; raises `ConfigError` if it is no token of its own."""
    ids = tokenizer.encode(SEPARATOR, add_special_tokens=False)
    if len(ids) != 1:
        raise ConfigError(f"{SEPARATOR} is {len(ids)} tokens to this tokenizer; make it one: lintseq tokenizer extend")
    return int(ids[0])


# Extending


@dataclass(frozen=True, slots=True)
class Extension:
    """What was done to a tokenizer, and to a model if there is one."""

    token: str
    id: int
    added: bool
    """False if it was a token already."""
    tokens: int
    """In the vocabulary, all told."""
    pieces: tuple[str, ...]
    """What it was before."""
    rows_before: int | None = None
    """Of the embeddings of a model; None without one."""
    rows: int | None = None
    initialized: str = ""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def extend_tokenizer(tokenizer: Any) -> Extension:
    """Make `<|diff|>` one token of a tokenizer, in place, and return how that went.

    It is not marked as special, so that `skip_special_tokens` leaves it where it is, and it takes no white space
    beside it. Where decoding puts a space behind it, as tokenizers of the SentencePiece kind do, the decoder is
    taught to take that away. Raises `ToolError` where a text still does not come back as it was.
    """
    from tokenizers import AddedToken

    pieces = tokenizer.encode(SEPARATOR, add_special_tokens=False)
    known = pieces[0] if len(pieces) == 1 else None
    if known is not None and known in set(tokenizer.all_special_ids):
        raise ConfigError(
            f"{SEPARATOR} is a special token of this tokenizer, which decoding drops: set its `special` to false in"
            " tokenizer.json, and take it out of tokenizer_config.json"
        )
    tokenizer.add_tokens(
        [AddedToken(SEPARATOR, normalized=False, special=False, lstrip=False, rstrip=False, single_word=False)]
    )
    notes = []
    if problem(tokenizer):
        _drop_space(tokenizer.backend_tokenizer)
        notes.append(f"decoding put a space behind {SEPARATOR}; the decoder in tokenizer.json takes it away now")
    if found := problem(tokenizer):
        raise ToolError(
            f"edit texts do not survive this tokenizer: {found}; use one that gives texts back as they were, such as a"
            " byte-level BPE"
        )
    return Extension(
        SEPARATOR,
        diff_id(tokenizer),
        known is None,
        len(tokenizer),
        tuple(tokenizer.convert_ids_to_tokens(pieces)) if known is None else (SEPARATOR,),
        notes=tuple(notes),
    )


def problem(tokenizer: Any) -> str:
    """Return what becomes of a text with `<|diff|>` that does not come back from a tokenizer; empty if all do."""
    number = diff_id(tokenizer)
    for text in (before + SEPARATOR + after for before in _BEFORE for after in _AFTER):
        ids = tokenizer.encode(text, add_special_tokens=False)
        if ids.count(number) != text.count(SEPARATOR):
            return f"{text!r} has {SEPARATOR} {ids.count(number)} times as a token"
        if SEPARATOR not in tokenizer.decode(ids, skip_special_tokens=True):
            return f"{SEPARATOR} is lost when special tokens are skipped in decoding {text!r}"
        if (back := decode(tokenizer, ids)) != text:
            return f"{text!r} is decoded as {back!r}"
    return ""


def _drop_space(tokenizer: Any) -> None:
    """Let decoding take away one space behind `<|diff|>`: the one that encoding put there."""
    state = json.loads(tokenizer.to_str())
    decoder = state["decoder"] or {"type": "Fuse"}
    steps = decoder["decoders"] if decoder["type"] == "Sequence" else [decoder]
    place = next((number for number, step in enumerate(steps) if step["type"] == "Fuse"), None)
    if place is None:
        steps, place = [*steps, {"type": "Fuse"}], len(steps)
    drop = {"type": "Replace", "pattern": {"String": f"{SEPARATOR} "}, "content": SEPARATOR}
    state["decoder"] = {"type": "Sequence", "decoders": [*steps[: place + 1], drop, *steps[place + 1 :]]}
    tokenizer.decoder = type(tokenizer).from_str(json.dumps(state)).decoder


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """Return the text of tokens with nothing left out and nothing tidied."""
    text: str = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text


def extend_model(model: Any, done: Extension, pieces: Sequence[int], *, multiple: int) -> Extension:
    """Give a model a row for `<|diff|>`, in place; rows are a multiple of `multiple` where there are new ones.

    The new row is the mean of the rows of the tokens that the text was before; rows that fill up to the multiple
    are the mean of all. Both for the input and the output side. A mean has a logit that is the mean of theirs,
    so (the exponential being convex) the new token is not likelier than they are on average: what the model said
    before is barely changed, whatever the norm of its embeddings. The tokens of its own text rather than all,
    so that training starts from a place that means something to the model.
    """
    import torch

    before = int(model.get_input_embeddings().weight.shape[0])
    rows = before if done.tokens <= before else -(-done.tokens // multiple) * multiple
    if rows != before:
        model.resize_token_embeddings(rows, mean_resizing=False)
    new = list(range(before, rows))
    if done.added:
        new = sorted({*new, done.id})
    with torch.no_grad():
        for weight in _tables(model):
            of_pieces = weight[list(pieces)].float().mean(0).to(weight.dtype)
            of_all = weight[:before].float().mean(0).to(weight.dtype)
            for row in new:
                weight[row] = of_pieces if row == done.id else of_all
    model.config.vocab_size = rows
    said = "nothing to initialize: it was a token already"
    if done.added:
        said = f"mean of the embeddings of its {len(pieces)} tokens until now, {' '.join(done.pieces)}"
    return Extension(done.token, done.id, done.added, done.tokens, done.pieces, before, rows, said, done.notes)


def _tables(model: Any) -> list[Any]:
    """Return the embeddings of both sides; one where they are tied."""
    tables = [model.get_input_embeddings().weight]
    head = model.get_output_embeddings()
    if head is not None and head.weight is not tables[0]:
        tables.append(head.weight)
    return tables


def extend_folder(path: str, output: str, *, multiple: int = 16, overwrite: bool = False) -> Extension:
    """Extend the tokenizer at `path`, and the model if there is one, and write both to the folder `output`."""
    if multiple < 1:
        raise ConfigError(f"--multiple {multiple}: give a whole number from 1")
    tokenizer = load_tokenizer(path)
    pieces = tokenizer.encode(SEPARATOR, add_special_tokens=False)
    check_free(output, overwrite=overwrite)
    done = extend_tokenizer(tokenizer)
    model = load_model(path) if _holds_model(path) else None
    if model is not None:
        done = extend_model(model, done, pieces, multiple=multiple)
    with new_folder(output, overwrite=overwrite) as folder:
        if model is not None:
            model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        manifest = {"lintseq": version("lintseq"), "extended": path, "multiple": multiple, **done.as_dict()}
        Path(folder, MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        if found := problem(load_tokenizer(folder)):  # as those find it who load it
            raise ToolError(f"edit texts do not survive the tokenizer when it is loaded again: {found}")
    return done


def _holds_model(path: str) -> bool:
    """Tell whether weights are where a tokenizer is; a name on the hub is taken for a model's."""
    if not os.path.exists(path):
        return True
    with suppress(NotADirectoryError):
        return any(name.endswith((".safetensors", ".bin", ".safetensors.index.json")) for name in os.listdir(path))
    return False


def load_model(path: str) -> Any:
    """Return the causal language model in a folder or of a name, in the type that its weights are saved in."""
    need("torch", f"loading the model {path}")
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with loading("model", path):
        return AutoModelForCausalLM.from_pretrained(path)
