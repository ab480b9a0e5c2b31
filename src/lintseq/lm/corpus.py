"""Tokenized corpora: documents as token ids in files that are mapped into memory.

A corpus is a folder:

    manifest.json              settings and counts
    00-train.tokens            ids of source 0, each document followed by the end-of-text token (uint16 or uint32)
    00-train.ends              end of each document, in tokens (uint64)
    00-validation.tokens, ...  the documents held out for validation, chosen by a hash of their text

Building a corpus is resumable: after a kill at any point it continues, and the bytes are those of an uninterrupted
build. Which texts are documents is decided in `documents`, the rows that a model trains on in `mixture`.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from lintseq.errors import BrokenInputError, ConfigError, ProgramError, ToolError
from lintseq.lm import tokenizers
from lintseq.lm.documents import DocumentReader, Documents, TextOptions, open_documents
from lintseq.lm.recipes import CorpusOptions
from lintseq.rows import START, Mark
from lintseq.storage import (
    MANIFEST,
    AppendFile,
    SaveTimer,
    WorkDirectory,
    batched,
    check_settings,
    default_workers,
    map_in_order,
    public,
    read_manifest,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARTS = ("train", "validation")

_FORMAT = 2
_BATCH_ROWS, _BATCH_BYTES = 512, 1 << 20
_SAVE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class CorpusProgress:
    """The state of a corpus build."""

    done: int
    """How much of the inputs is read."""
    total: int | None
    """In the units of the inputs' sizes; None if these are unknown."""
    documents: int
    """Documents tokenized so far."""
    tokens: int
    """Tokens written so far."""


Counts = dict[str, Counter[str]]
"""Of one source: `documents`, `tokens` and `bytes` by part, and `skipped` rows without a text by reason."""

_COUNTED = ("documents", "tokens", "bytes", "skipped")


def counts_from(saved: Mapping[str, Mapping[str, int]]) -> Counts:
    """Return counts saved as JSON; zero where nothing was saved."""
    return {name: Counter(saved.get(name, {})) for name in _COUNTED}


# Tokenizing


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Consecutive rows of one input."""

    input: int
    mark: Mark
    """Position after the last row."""
    rows: list[bytes]
    reader: DocumentReader
    held_out: float
    """Fraction of documents held out for validation."""


@dataclass(frozen=True, slots=True)
class TokenizedBatch:
    """The documents of a batch as token ids: for each part, the ids as bytes, and the lengths of the documents."""

    tokens: dict[str, bytes]
    lengths: dict[str, list[int]]
    counts: Counts


class CorpusEncoder:
    """Tokenizes batches of rows; works in any process."""

    def __init__(self, tokenizer: str, end: int, dtype: str, *, threads: bool) -> None:
        """`tokenizer` is the content of a tokenizer.json, `end` the id that follows each document."""
        if not threads:
            os.environ["TOKENIZERS_PARALLELISM"] = "false"
        from tokenizers import Tokenizer

        self._end, self._dtype = end, dtype
        self._tokenizer = Tokenizer.from_str(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        # A text about language models must not end a document or pad it.
        self._tokenizer.encode_special_tokens = True

    def __call__(self, batch: RowBatch) -> TokenizedBatch:
        import numpy as np

        counts = counts_from({})
        texts: list[str] = []
        for data in batch.rows:
            try:
                texts.append(batch.reader.text(data))
            except ProgramError as error:
                counts["skipped"][error.reason] += 1
        tokens: dict[str, list[int]] = {part: [] for part in PARTS}
        lengths: dict[str, list[int]] = {part: [] for part in PARTS}
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        for text, encoding in zip(texts, encodings, strict=True):
            data = text.encode()
            part = PARTS[is_held_out(data, batch.held_out)]
            ids = [*encoding.ids, self._end]
            tokens[part] += ids
            lengths[part].append(len(ids))
            for name, count in (("documents", 1), ("tokens", len(ids)), ("bytes", len(data))):
                counts[name][part] += count
        packed = {part: np.array(ids, self._dtype).tobytes() for part, ids in tokens.items()}
        return TokenizedBatch(packed, lengths, counts)


def is_held_out(text: bytes, fraction: float) -> bool:
    """Return whether a document belongs to the fraction held out for validation; equal texts go to the same part."""
    return int.from_bytes(blake2b(text, digest_size=8).digest()) < fraction * 2**64


def dtype_of(vocabulary: int) -> str:
    """Return the smallest dtype for the ids of a vocabulary, in the byte order of the files."""
    return "<u2" if vocabulary <= 1 << 16 else "<u4"


# Building


def build_corpus(
    data: CorpusOptions,
    tokenizer: Any,
    folder: str,
    *,
    workers: int | None = 1,
    batch_rows: int = _BATCH_ROWS,
    save_seconds: float = _SAVE_SECONDS,
    on_progress: Callable[[CorpusProgress], None] = lambda progress: None,
) -> "Corpus":
    """Tokenize the sources of a recipe into `folder` and return the corpus; continue an unfinished build.

    A complete corpus is returned as it is if its sources have the same names and the tokenizer is the same; the
    sources themselves may be missing. Raises `ConfigError` if they differ, or an input cannot be read, and `ToolError`
    if an input is damaged or the disk is full; what is done is kept.
    """
    if tokenizer.eos_token_id is None:
        raise ConfigError("the tokenizer has no end-of-text token; set eos_token in tokenizer_config.json")
    sources = [
        {"path": _name(source.path), "field": source.field, "read": source.read, "held_out": held_out}
        for part, held_out in ((data.train, data.held_out), (data.validation, 1.0))
        for source in part
    ]
    settings = {"format": _FORMAT, "sources": sources, "tokenizer": tokenizers.digest(tokenizer)}
    dtype, workers = dtype_of(len(tokenizer)), workers or default_workers()
    encoder = partial(
        CorpusEncoder, tokenizers.backend(tokenizer), tokenizer.eos_token_id, dtype, threads=workers <= 1
    )
    if (manifest := read_manifest(os.path.join(folder, MANIFEST))) is not None:
        check_settings(manifest["settings"], public(settings), folder)
        return Corpus(folder)
    with WorkDirectory(folder, settings, resume=True) as work:
        build = _CorpusBuild(work, data, dtype, SaveTimer(save_seconds))
        try:
            build.run(encoder, workers, batch_rows, on_progress)
            build.finish(tokenizer.eos_token_id)
        except OSError as error:
            raise ToolError(
                f"cannot write the corpus {folder}: {error.strerror or error}; what is done is kept: free disk space"
                " and run the command again"
            ) from error
    return Corpus(folder)


def _name(path: str) -> str:
    """Return the name of a source, the same on any machine that the corpus is copied to."""
    return path if path.startswith("hf:") or "://" in path else os.path.basename(path.rstrip("/"))


class _CorpusBuild:
    """An unfinished corpus."""

    def __init__(self, work: WorkDirectory, data: CorpusOptions, dtype: str, timer: SaveTimer) -> None:
        self._work, self._dtype, self._timer = work, dtype, timer
        self._inputs: list[tuple[int, float, Documents]] = []
        for number, source in enumerate([*data.train, *data.validation]):
            held_out = data.held_out if number < len(data.train) else 1.0
            for documents in open_documents(source.path, TextOptions(source.field, source.read)):
                self._inputs.append((number, held_out, documents))
        fingerprints = [documents.source.fingerprint for _, _, documents in self._inputs]
        self._fingerprints = json.loads(json.dumps(fingerprints, default=str))
        saved = work.progress
        if saved is not None and saved["fingerprints"] != self._fingerprints:
            raise ConfigError(f"the sources have changed since the corpus in {work.path} was started; delete it")
        if saved is not None and saved["input"] < len(self._inputs) and self._fingerprints[saved["input"]] is None:
            saved = None  # the current input can be read only once
        self._input: int = saved["input"] if saved else 0
        self._mark = Mark(*saved["mark"]) if saved else START
        sources = len(data.train) + len(data.validation)
        self._counts = [counts_from(counts) for counts in (saved["counts"] if saved else [{}] * sources)]
        self._folder = work.file("files")
        if saved is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        os.makedirs(self._folder, exist_ok=True)
        files = saved["files"] if saved else {}
        self._files = {name: AppendFile(os.path.join(self._folder, name), mark) for name, mark in files.items()}

    def run(
        self,
        encoder: Callable[[], CorpusEncoder],
        workers: int,
        batch_rows: int,
        on_progress: Callable[[CorpusProgress], None],
    ) -> None:
        """Tokenize the remaining documents."""
        sizes = [documents.source.size for _, _, documents in self._inputs]
        total = None if None in sizes else sum(size for size in sizes if size is not None)
        try:
            for batch, tokenized in map_in_order(encoder, self._batches(batch_rows), workers=workers, fork=False):
                self._append(batch, tokenized)
                self._timer.run(self._save)
                before = sum(size or 0 for size in sizes[: batch.input])
                documents, tokens = (
                    sum(counts[name].total() for counts in self._counts) for name in ("documents", "tokens")
                )
                on_progress(CorpusProgress(before + batch.mark.end, total, documents, tokens))
            for file in self._files.values():
                file.close()
        finally:
            for file in self._files.values():
                file.release()

    def _batches(self, batch_rows: int) -> Iterator[RowBatch]:
        for number, (_, held_out, documents) in enumerate(self._inputs[self._input :], self._input):
            rows = documents.source.read(self._mark if number == self._input else START)
            try:
                for batch in batched(rows, batch_rows, max_bytes=_BATCH_BYTES, size=lambda row: len(row.data)):
                    data = [row.data for row in batch]
                    yield RowBatch(number, batch[-1].mark, data, documents.reader, held_out)
            except BrokenInputError as error:
                raise ToolError(f"{error}; what was tokenized before that is kept: run the command again") from None

    def _append(self, batch: RowBatch, tokenized: TokenizedBatch) -> None:
        import numpy as np

        source, _, _ = self._inputs[batch.input]
        counts = self._counts[source]
        for part in PARTS:
            if lengths := tokenized.lengths[part]:
                ends = counts["tokens"][part] + np.cumsum(np.array(lengths, "<u8"), dtype="<u8")
                for kind, data in (("tokens", tokenized.tokens[part]), ("ends", ends.astype("<u8").tobytes())):
                    name = f"{file_name(source, part)}.{kind}"
                    if name not in self._files:
                        self._files[name] = AppendFile(os.path.join(self._folder, name))
                    self._files[name].write(data)
        for name in _COUNTED:
            counts[name].update(tokenized.counts[name])
        self._input, self._mark = batch.input, batch.mark

    def _save(self) -> None:
        self._work.save(
            {
                "fingerprints": self._fingerprints,
                "input": self._input,
                "mark": astuple(self._mark),
                "counts": self._counts,
                "files": {name: file.mark() for name, file in self._files.items()},
            }
        )

    def finish(self, end: int) -> None:
        """Give the complete corpus its name."""
        from importlib.metadata import version

        manifest = {
            "versions": {name: version(name) for name in ("lintseq", "tokenizers", "numpy")},
            "end": end,
            "dtype": self._dtype,
            "fingerprints": self._fingerprints,
            "counts": self._counts,
        }
        self._work.finish([(self._folder, self._work.target)], manifest)


def file_name(source: int, part: str) -> str:
    """Return the name of the files of a part of a source, without suffix."""
    return f"{source:02}-{part}"


# Reading


class Corpus:
    """A complete corpus."""

    def __init__(self, folder: str) -> None:
        """Open the corpus in a folder; raises `ConfigError` if there is none."""
        self.folder = folder
        manifest = read_manifest(os.path.join(folder, MANIFEST))
        if manifest is None or "counts" not in manifest:
            raise ConfigError(f"{folder} is not a complete corpus; make it with lintseq pretrain --prepare")
        self.manifest = manifest
        self.sources: list[Counts] = [counts_from(counts) for counts in manifest["counts"]]
        """The counts of each source."""

    def tokens(self, part: str) -> int:
        """Return the number of tokens of a part, over all sources."""
        return sum(counts["tokens"][part] for counts in self.sources)

    def tokens_per_byte(self, part: str) -> float:
        """Return tokens per byte of text, counting end-of-text tokens."""
        return self.tokens(part) / max(sum(counts["bytes"][part] for counts in self.sources), 1)

    def counts(self) -> dict[str, Any]:
        """Return the totals and the identity of the sources, as plain values."""
        skipped = sum((counts["skipped"] for counts in self.sources), Counter[str]())
        return {
            "tokens": {part: self.tokens(part) for part in PARTS},
            **{name: sum(counts[name].total() for counts in self.sources) for name in ("documents", "bytes")},
            "skipped": dict(sorted(skipped.items())),
            "sources": self.manifest["settings"]["sources"],
            "fingerprints": self.manifest["fingerprints"],
        }

    def stream(self, source: int, part: str) -> "TokenStream":
        """Return the tokens of a part of a source."""
        counts = self.sources[source]
        path = os.path.join(self.folder, file_name(source, part))
        tokens = _mapped(f"{path}.tokens", self.manifest["dtype"], counts["tokens"][part])
        return TokenStream(tokens, _mapped(f"{path}.ends", "<u8", counts["documents"][part]))


@dataclass(frozen=True, slots=True)
class TokenStream:
    """The documents of a part of a source in sequence; not in memory."""

    tokens: "NDArray[np.uint32]"
    """Shape `(tokens,)`."""
    ends: "NDArray[np.uint64]"
    """Where each document ends; shape `(documents,)`."""

    def __len__(self) -> int:
        return len(self.tokens)

    def window(self, start: int, length: int) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
        """Return `length` tokens from `start` on, and the indices in them at which a document starts, without 0."""
        import numpy as np

        bounds = np.array([start, start + length - 1], self.ends.dtype)  # another dtype would convert all of them
        first, last = np.searchsorted(self.ends, bounds, side="right")
        starts = self.ends[first:last].astype(np.int64) - start
        return self.tokens[start : start + length].astype(np.int64), starts


def _mapped(path: str, dtype: str, count: int) -> Any:
    import numpy as np

    if not count:
        return np.zeros(0, dtype)
    try:
        size = os.path.getsize(path)
        if size != count * np.dtype(dtype).itemsize:
            raise ConfigError(f"{path} has {size:,} bytes instead of {count:,} values; copy the corpus again")
        return np.memmap(path, dtype, "r", shape=(count,))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; copy the corpus again") from None
