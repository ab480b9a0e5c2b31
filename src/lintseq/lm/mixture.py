"""Rows of pretraining: fixed-length windows of a tokenized corpus, in an order that is computed, not stored.

Which row of which source comes when is a function of the seed and the row's number, so training can resume at any
step, on any machine. A row may contain parts of several documents.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any

from lintseq.errors import ConfigError
from lintseq.lm.batches import IGNORED
from lintseq.lm.corpus import Corpus, TokenStream
from lintseq.lm.recipes import CorpusOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_ROWS = 1 << 16
"""Number of rows within which the shares of a mixture are exact."""


def row_of(stream: TokenStream, index: int, length: int, *, separate: bool) -> "dict[str, NDArray[np.int64]]":
    """Return a row of a stream as arrays of shape `(length,)`: `input_ids`, `labels` and, if `separate`,
    `position_ids`.

    Positions start at 0 in each document. With them, and without an attention mask or cache, the models of
    transformers restrict attention to the document. The first token of a document is not predicted from the previous
    document.
    """
    import numpy as np

    tokens, starts = stream.window(index * length, length)
    labels = tokens.copy()
    if not separate:
        return {"input_ids": tokens, "labels": labels}
    labels[starts] = IGNORED
    begin = np.zeros(length, np.int64)
    begin[starts] = starts
    return {"input_ids": tokens, "labels": labels, "position_ids": np.arange(length) - np.maximum.accumulate(begin)}


def permuted(index: int, size: int, key: str) -> int:
    """Return the image of `index` under a pseudorandom permutation of `range(size)`, without storing it.

    A Feistel network over the next power of four, applied until the result is in range (cycle walking; Black and
    Rogaway 2002).
    """
    half = max((size - 1).bit_length() + 1, 2) // 2
    mask = (1 << half) - 1
    while True:
        left, right = index >> half, index & mask
        for turn in range(4):
            hashed = blake2b(f"{key}\0{turn}\0{right}".encode(), digest_size=8).digest()
            left, right = right, left ^ (int.from_bytes(hashed) & mask)
        index = left << half | right
        if index < size:
            return index


@dataclass(frozen=True, slots=True)
class RowOrder:
    """Which row of which source comes when.

    Without weights, every row comes once per epoch, in a new order each time. With weights, each source is repeated in
    epochs of its own, as often as its share requires.
    """

    sizes: tuple[int, ...]
    """Number of rows of each source."""
    seed: int
    quotas: tuple[int, ...] = ()
    """Rows of each source per block; empty without weights."""
    sources: Sequence[int] = ()
    """The source of each row of a block; the same for all blocks."""
    ranks: Sequence[int] = ()
    """How many rows of the same source precede it in the block."""

    @classmethod
    def of(cls, sizes: Sequence[int], weights: Sequence[float], seed: int) -> "RowOrder":
        """Return the order for sources of these sizes; raises `ConfigError` if one with a weight has no rows."""
        if not any(weights):
            return cls(tuple(sizes), seed)
        shares = quotas(sizes, weights)
        sources = array("H", (source for source, quota in enumerate(shares) for _ in range(quota)))
        Random(f"{seed} mixture").shuffle(sources)
        ranks = array("L")
        counts = [0] * len(shares)
        for source in sources:
            ranks.append(counts[source])
            counts[source] += 1
        return cls(tuple(sizes), seed, shares, sources, ranks)

    @property
    def epoch(self) -> int:
        """Number of rows of all sources."""
        return sum(self.sizes)

    def locate(self, index: int) -> tuple[int, int]:
        """Return the source and its row for a position in the order, from 0."""
        if not self.quotas:
            epoch, rest = divmod(index, self.epoch)
            return _locate(self.sizes, permuted(rest, self.epoch, f"{self.seed} all {epoch}"))
        block, rest = divmod(index, BLOCK_ROWS)
        source = self.sources[rest]
        epoch, rest = divmod(block * self.quotas[source] + self.ranks[rest], self.sizes[source])
        return source, permuted(rest, self.sizes[source], f"{self.seed} {source} {epoch}")

    def epochs(self, rows: int) -> list[float]:
        """Return the number of passes over each source within the first `rows` rows."""
        if not self.quotas:
            return [rows / self.epoch] * len(self.sizes)
        pairs = zip(self.quotas, self.sizes, strict=True)
        return [rows * quota / BLOCK_ROWS / size if size else 0.0 for quota, size in pairs]


def quotas(sizes: Sequence[int], weights: Sequence[float]) -> tuple[int, ...]:
    """Return the number of rows of each source per block, in proportion to the weights."""
    for number, (size, weight) in enumerate(zip(sizes, weights, strict=True)):
        if weight and not size:
            raise ConfigError(
                f"data.train.{number} has too few tokens for one row; remove it, or lower data.row_tokens"
            )
    exact = [weight / sum(weights) * BLOCK_ROWS for weight in weights]
    found = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda source: found[source] - exact[source])
    for source in by_remainder[: BLOCK_ROWS - sum(found)]:
        found[source] += 1
    return tuple(found)


def _locate(sizes: Sequence[int], index: int) -> tuple[int, int]:
    """Return the group and the index in it for an index into consecutive groups of these sizes."""
    for group, size in enumerate(sizes):
        if index < size:
            return group, index
        index -= size
    raise IndexError(index)


class TrainingRows(Sequence[Any]):
    """The rows of a pretraining run in order; each is computed from its number."""

    def __init__(self, corpus: Corpus, data: CorpusOptions, *, length: int, rows: int, seed: int) -> None:
        """Raises `ConfigError` if the corpus has less than one row of `length` tokens."""
        self._length, self._rows, self._separate = length, rows, data.separate_documents
        self._streams = [corpus.stream(source, "train") for source in range(len(data.train))]
        sizes = [len(stream) // length for stream in self._streams]
        if not sum(sizes):
            raise ConfigError(
                f"the corpus has {corpus.tokens('train'):,} training tokens, fewer than one row of {length:,}; add"
                " sources, or lower data.row_tokens"
            )
        self.order = RowOrder.of(sizes, [source.weight for source in data.train], seed)

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < self._rows:
            raise IndexError(index)
        source, row = self.order.locate(index)
        return row_of(self._streams[source], row, self._length, separate=self._separate)


class ValidationRows(Sequence[Any]):
    """The validation rows, source by source: the first `data.validation_rows` of each."""

    def __init__(self, corpus: Corpus, data: CorpusOptions, *, length: int) -> None:
        self._length, self._separate = length, data.separate_documents
        self._streams = [corpus.stream(source, "validation") for source in range(len(corpus.sources))]
        self._sizes = [min(len(stream) // length, data.validation_rows) for stream in self._streams]

    def __len__(self) -> int:
        return sum(self._sizes)

    def __getitem__(self, index: Any) -> Any:
        source, row = _locate(self._sizes, index)
        return row_of(self._streams[source], row, self._length, separate=self._separate)
