"""Corpora: texts tokenized once into files that are mapped into memory, and rows of one length cut out of them.

A corpus is a folder:

    manifest.json                    what it was made of and what it holds; there when all is
    00-train-0000.tokens             tokens of source 0, each document ending in the end token
    00-train-0000.ends               where its documents end, in tokens (uint64)
    00-validation-0000.tokens, ...   a share of the documents, chosen by a hash of the text
    state.json                       while it is being made: what is done so far

Owns tokenizing, the files and the rows. Which document is a text is `documents`' business, what is done with rows
that of training.
"""

import contextlib
import json
import multiprocessing
import os
import signal
import time
from array import array
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import blake2b
from multiprocessing.connection import Connection
from random import Random
from typing import IO, TYPE_CHECKING, Any

from lintseq.errors import ConfigError, ProgramError, ToolError
from lintseq.lm import tokenizers
from lintseq.lm.documents import Documents, Reading, open_documents
from lintseq.lm.recipes import CorpusData, Source
from lintseq.rows import START, BrokenInputError, Mark
from lintseq.storage.workplace import LOCK, MANIFEST, locked, write_durably

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT = 1
PARTS = ("train", "validation")
IGNORED = -100
"""The label of a token that is not to be predicted."""

_STATE = "state.json"
_SHARD_TOKENS = 1 << 28
"""A file of tokens is not longer, by more than a batch: files that can be copied and checked one by one."""
_BATCH_ROWS, _BATCH_BYTES = 512, 1 << 20
_AHEAD = 4
"""Batches for each worker that are under way."""
_SAVE_EVERY = 10.0
"""Seconds of work that a kill may cost, at most about."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far tokenizing is."""

    done: int
    total: int | None
    """In the units of the inputs' sizes; None if these are not known."""
    documents: int
    tokens: int
    new_tokens: int
    """Of this run."""


@dataclass(slots=True)
class Tally:
    """What a source gave so far."""

    documents: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    """Reason -> rows that hold no text."""

    def add(self, other: "Tally") -> None:
        for name in ("documents", "tokens", "bytes", "skipped"):
            getattr(self, name).update(getattr(other, name))

    def as_dict(self) -> dict[str, dict[str, int]]:
        return {name: dict(getattr(self, name)) for name in ("documents", "tokens", "bytes", "skipped")}

    @classmethod
    def of(cls, saved: dict[str, dict[str, int]]) -> "Tally":
        return cls(**{name: Counter(counts) for name, counts in saved.items()})


# Tokenizing


@dataclass(frozen=True, slots=True)
class Encoding:
    """All that a process has to know to turn rows into tokens."""

    tokenizer: str
    """The text of its tokenizer.json."""
    end: int
    """The token after each document."""
    dtype: str

    def encoder(self) -> "Encoder":
        return Encoder(self)


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a batch of rows gave: of each part the tokens, and the lengths of the documents."""

    tokens: dict[str, bytes]
    lengths: dict[str, list[int]]
    tally: Tally


class Encoder:
    """Turns rows into tokens."""

    def __init__(self, how: Encoding) -> None:
        from tokenizers import Tokenizer

        self._how = how
        self._tokenizer = Tokenizer.from_str(how.tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        # So that a text about language models cannot end a document, or pad it.
        self._tokenizer.encode_special_tokens = True

    def __call__(self, rows: Sequence[bytes], reading: Reading, held_out: float) -> Encoded:
        """Return the tokens of the documents in rows, of which a share is held out for validation."""
        import numpy as np

        tally = Tally()
        texts: list[str] = []
        for data in rows:
            try:
                texts.append(reading.text(data))
            except ProgramError as error:
                tally.skipped[error.reason] += 1
        tokens: dict[str, list[int]] = {part: [] for part in PARTS}
        lengths: dict[str, list[int]] = {part: [] for part in PARTS}
        for text, one in zip(texts, self._tokenizer.encode_batch_fast(texts, add_special_tokens=False), strict=True):
            ids = one.ids
            encoded = text.encode()
            part = PARTS[is_held_out(encoded, held_out)]
            tokens[part] += ids
            tokens[part].append(self._how.end)
            lengths[part].append(len(ids) + 1)
            tally.documents[part] += 1
            tally.tokens[part] += len(ids) + 1
            tally.bytes[part] += len(encoded)
        return Encoded(
            {part: np.array(ids, self._how.dtype).tobytes() for part, ids in tokens.items()}, lengths, tally
        )


def is_held_out(text: bytes, share: float) -> bool:
    """Tell whether a document is one of the share that is kept for validation; equal texts go the same way."""
    return int.from_bytes(blake2b(text, digest_size=8).digest()) < share * 2**64


def dtype_of(vocabulary: int) -> str:
    """Return the type that holds the tokens of a vocabulary, in the byte order of the files."""
    return "<u2" if vocabulary <= 1 << 16 else "<u4"


def build_corpus(
    data: CorpusData,
    tokenizer: Any,
    folder: str,
    *,
    workers: int = 1,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> "Corpus":
    """Tokenize what a recipe names into `folder` and return the corpus; go on where an earlier run was ended.

    A corpus that is there already is taken as it is, if it was made of the same sources, as far as they are named,
    with the same tokenizer: so it may be made where the texts are, and used where they are not.
    """
    if tokenizer.eos_token_id is None:
        raise ConfigError("the tokenizer has no token for the end of a text; set eos_token in tokenizer_config.json")
    settings = {**_settings(data), "tokenizer": tokenizers.digest(tokenizer)}
    if os.path.exists(os.path.join(folder, MANIFEST)):
        corpus = Corpus(folder)
        check_same(corpus.manifest, settings, folder)
        return corpus
    inputs = [open_documents(one.path, field=one.field, read=one.read) for one in (*data.train, *data.validation)]
    how = Encoding(tokenizers.backend(tokenizer), tokenizer.eos_token_id, dtype_of(len(tokenizer)))
    try:
        os.makedirs(folder, exist_ok=True)
        with (
            closing(locked(folder)),
            closing(_Making(folder, settings, inputs, how)) as making,
            _encoding(how, workers) as encode,
        ):
            making.run(encode, on_progress)
    except OSError as error:
        raise ToolError(
            f"the corpus cannot be written to {folder}: {error.strerror or error}; what is done is kept: free some"
            " room, and run this again"
        ) from error
    return Corpus(folder)


def _settings(data: CorpusData) -> dict[str, Any]:
    """Return what of a recipe decides what a corpus holds: all but weights and rows, which come later."""

    def words(one: Source, held_out: float) -> dict[str, Any]:
        return {"path": one.path, "field": one.field, "read": one.read, "held_out": held_out}

    sources = [words(one, data.held_out) for one in data.train] + [words(one, 1.0) for one in data.validation]
    return {"format": FORMAT, "sources": sources}


def check_same(found: dict[str, Any], wanted: dict[str, Any], folder: str) -> None:
    """Raise `ConfigError` if a corpus was made of something else than is wanted."""
    words = {"tokenizer": "another tokenizer", "sources": "other sources, or another share held out"}
    for name, value in wanted.items():
        if found.get(name) != value:
            raise ConfigError(
                f"the corpus in {folder} is of {words.get(name, 'another format')}; delete it, or name another folder"
            )


class _Making:
    """A corpus that grows; what is in its folder can be gone on with after a kill at any moment."""

    def __init__(
        self, folder: str, settings: dict[str, Any], inputs: Sequence[Sequence[Documents]], how: Encoding
    ) -> None:
        self._folder, self._settings, self._inputs, self._how = folder, settings, inputs, how
        # As they are when they were written and read back.
        fingerprints = [[one.source.fingerprint for one in group] for group in inputs]
        self._fingerprints = json.loads(json.dumps(fingerprints, default=str))
        state = self._load()
        self._source, self._input = state["at"][:2]
        self._mark = Mark(*state["at"][2:])
        self._tallies = [Tally.of(saved) for saved in state["tallies"]]
        self._tallies += [Tally() for _ in inputs[len(self._tallies) :]]
        self._shards = {tuple(key.split(":")): list(counts) for key, counts in state["shards"].items()}
        self._open: dict[str, _Shard] = {}
        self._cut_back()
        self._new_tokens = 0
        self._saved = time.monotonic()

    def _load(self) -> dict[str, Any]:
        """Return the state that an earlier run left, or that of the beginning."""
        beginning = {"at": [0, 0, *asdict(START).values()], "tallies": [], "shards": {}}
        try:
            with open(os.path.join(self._folder, _STATE), "rb") as file:
                state: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            return beginning
        check_same(state["settings"], self._settings, self._folder)
        if state["fingerprints"] != self._fingerprints:
            raise ConfigError(
                f"the sources have changed since the corpus in {self._folder} was begun; delete that folder"
            )
        source, number = state["at"][:2]
        if source < len(self._inputs) and number < len(self._inputs[source]):
            here = self._inputs[source][number].source
            if here.fingerprint is None:  # it can be read only once, and that was begun
                return beginning
        return state

    def _cut_back(self) -> None:
        """Leave of the files what the state knows of: all else was written after it."""
        known = {
            shard_name(int(source), part, number): count
            for (source, part), counts in self._shards.items()
            for number, count in enumerate(counts)
        }
        for entry in list(os.scandir(self._folder)):
            name, ending = os.path.splitext(entry.name)
            if ending in (".tokens", ".ends") and name not in known:
                os.unlink(entry.path)
        for name, (tokens, documents) in known.items():
            _Shard(os.path.join(self._folder, name), self._how.dtype, tokens, documents).close()

    def run(self, encode: "Encode", on_progress: Callable[[Progress], None]) -> None:
        """Tokenize all that is left, and finish."""
        sizes = [[one.source.size for one in group] for group in self._inputs]
        known = [size for group in sizes for size in group if size is not None]
        total = sum(known) if len(known) == sum(map(len, sizes)) else None
        while self._source < len(self._inputs):
            group = self._inputs[self._source]
            while self._input < len(group):
                before = sum(known[: sum(map(len, sizes[: self._source])) + self._input]) if total is not None else 0
                self._tokenize(group[self._input], encode, partial(self._tell, on_progress, before, total))
                self._input, self._mark = self._input + 1, START
            self._close_shards()
            self._source, self._input = self._source + 1, 0
            self._save()
        self._finish()

    def _tokenize(self, one: Documents, encode: "Encode", tell: Callable[[int], None]) -> None:
        held_out = self._settings["sources"][self._source]["held_out"]
        for mark, encoded in encode(_batches(one, self._mark), one.reading, held_out):
            for part in PARTS:
                if encoded.lengths[part]:
                    self._shard(part).append(encoded.tokens[part], encoded.lengths[part])
            self._tallies[self._source].add(encoded.tally)
            self._new_tokens += sum(encoded.tally.tokens.values())
            self._mark = mark
            if time.monotonic() - self._saved > _SAVE_EVERY:
                self._save()
            tell(mark.end)

    def _tell(self, on_progress: Callable[[Progress], None], before: int, total: int | None, at: int) -> None:
        documents = sum(sum(tally.documents.values()) for tally in self._tallies)
        tokens = sum(sum(tally.tokens.values()) for tally in self._tallies)
        on_progress(Progress(before + at, total, documents, tokens, self._new_tokens))

    def _shard(self, part: str) -> "_Shard":
        """Return the file that tokens of a part go to now."""
        counts = self._shards.setdefault((str(self._source), part), [])
        shard = self._open.get(part)
        if shard is not None:
            counts[-1] = [shard.tokens, shard.documents]
        full = not counts or counts[-1][0] >= _SHARD_TOKENS
        if shard is not None and full:
            shard.sync()
            shard.close()
        if shard is None or full:
            if full:
                counts.append([0, 0])
            path = os.path.join(self._folder, shard_name(self._source, part, len(counts) - 1))
            shard = self._open[part] = _Shard(path, self._how.dtype, *counts[-1])
        return shard

    def _save(self) -> None:
        """Make all that was written durable, and say how far it goes."""
        for part, shard in self._open.items():
            shard.sync()
            self._shards[str(self._source), part][-1] = [shard.tokens, shard.documents]
        state = {
            "settings": self._settings,
            "fingerprints": self._fingerprints,
            "at": [self._source, self._input, *asdict(self._mark).values()],
            "tallies": [tally.as_dict() for tally in self._tallies],
            "shards": {":".join(key): counts for key, counts in self._shards.items()},
        }
        write_durably(os.path.join(self._folder, _STATE), json.dumps(state).encode())
        self._saved = time.monotonic()

    def _close_shards(self) -> None:
        for part, shard in self._open.items():
            shard.sync()
            self._shards[str(self._source), part][-1] = [shard.tokens, shard.documents]
        self.close()

    def close(self) -> None:
        for shard in self._open.values():
            shard.close()
        self._open.clear()

    def _finish(self) -> None:
        manifest = {
            **self._settings,
            "made_by": _versions(),
            "end": self._how.end,
            "dtype": self._how.dtype,
            "fingerprints": self._fingerprints,
            "counts": [tally.as_dict() for tally in self._tallies],
            "shards": {":".join(key): counts for key, counts in self._shards.items()},
        }
        text = json.dumps(manifest, indent=1, default=str).encode() + b"\n"
        write_durably(os.path.join(self._folder, MANIFEST), text)
        for name in (_STATE, LOCK):
            os.unlink(os.path.join(self._folder, name))


class _Shard:
    """A file of tokens and one of the ends of documents, which grow together."""

    def __init__(self, path: str, dtype: str, tokens: int, documents: int) -> None:
        import numpy as np

        self.tokens, self.documents = tokens, documents
        self._tokens = _opened_at(f"{path}.tokens", tokens * np.dtype(dtype).itemsize)
        self._ends = _opened_at(f"{path}.ends", documents * 8)

    def append(self, tokens: bytes, lengths: Sequence[int]) -> None:
        import numpy as np

        ends = self.tokens + np.cumsum(np.array(lengths, "<u8"))
        self._tokens.write(tokens)
        self._ends.write(ends.astype("<u8").tobytes())
        self.tokens, self.documents = int(ends[-1]), self.documents + len(lengths)

    def sync(self) -> None:
        for file in (self._tokens, self._ends):
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        self._tokens.close()
        self._ends.close()


def _opened_at(path: str, size: int) -> IO[bytes]:
    """Open a file to write on after its first `size` bytes; what is behind them is cut off."""
    file = open(path, "ab")  # noqa: SIM115  the shard closes it
    if file.tell() < size:
        file.close()
        raise ConfigError(f"{path} has lost some of its {size:,} bytes; delete the folder, and make the corpus again")
    file.truncate(size)
    return file


def shard_name(source: int, part: str, number: int) -> str:
    return f"{source:02}-{part}-{number:04}"


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("lintseq", "tokenizers", "numpy")}


# Rows through processes

Batches = Iterator[tuple[Mark, list[bytes]]]
Encode = Callable[[Batches, Reading, float], Iterator[tuple[Mark, Encoded]]]


def _batches(one: Documents, after: Mark) -> Batches:
    """Yield the rows of an input in batches, each with the mark behind it."""
    rows: list[bytes] = []
    size = 0
    last = after
    try:
        for row in one.source.read(after):
            rows.append(row.data)
            size += len(row.data)
            last = row.mark
            if len(rows) >= _BATCH_ROWS or size >= _BATCH_BYTES:
                yield last, rows
                rows, size = [], 0
    except BrokenInputError as error:
        raise ToolError(f"{error}; what was tokenized before that is kept: run this again to go on") from None
    if rows:
        yield last, rows


@contextlib.contextmanager
def _encoding(how: Encoding, workers: int) -> Iterator[Encode]:
    """Give what encodes batches in order: here if one worker is enough, else in so many processes."""
    if workers <= 1:
        encoder = how.encoder()
        yield lambda batches, *how: ((mark, encoder(rows, *how)) for mark, rows in batches)
        return
    before = os.environ.get("TOKENIZERS_PARALLELISM")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the processes are what runs at once, not threads in each
    crew = [_Worker(how) for _ in range(workers)]
    try:
        yield lambda batches, *how: _through(crew, batches, *how)
    finally:
        for worker in crew:
            worker.stop()
        if before is None:
            del os.environ["TOKENIZERS_PARALLELISM"]
        else:
            os.environ["TOKENIZERS_PARALLELISM"] = before


def _through(
    crew: "Sequence[_Worker]", batches: Batches, reading: Reading, held_out: float
) -> Iterator[tuple[Mark, Encoded]]:
    """Yield what batches give, in order; each worker has a few of them at a time."""
    under_way: deque[tuple[Mark, _Worker]] = deque()
    for number, (mark, rows) in enumerate(batches):
        if len(under_way) >= _AHEAD * len(crew):
            first, worker = under_way.popleft()
            yield first, worker.take()
        worker = crew[number % len(crew)]
        worker.give(rows, reading, held_out)
        under_way.append((mark, worker))
    while under_way:
        first, worker = under_way.popleft()
        yield first, worker.take()


class _Worker:
    """A process that encodes batches one after the other, and ends when its pipe does.

    It is started afresh, not forked: torch and its threads may be at work here. A thread feeds its pipe, so that
    giving never waits for a process that waits for its own results to be taken.
    """

    def __init__(self, how: Encoding) -> None:
        from queue import SimpleQueue
        from threading import Thread

        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, how), daemon=True)
        self._process.start()
        theirs.close()
        self._orders: SimpleQueue[tuple[list[bytes], Reading, float] | None] = SimpleQueue()
        self._feeder = Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def _feed(self) -> None:
        while (order := self._orders.get()) is not None:
            with contextlib.suppress(OSError):  # of a process that died, which `take` finds out
                self._connection.send(order)

    def give(self, rows: list[bytes], reading: Reading, held_out: float) -> None:
        self._orders.put((rows, reading, held_out))

    def take(self) -> Encoded:
        """Return what the first batch gave of which that is not taken yet."""
        try:
            encoded: Encoded = self._connection.recv()
        except (EOFError, OSError):
            self._process.join(5)
            raise ToolError(
                f"a process that tokenizes ended (status {self._process.exitcode}); what is done is kept: run again,"
                " with fewer workers if memory was short"
            ) from None
        return encoded

    def stop(self) -> None:
        self._orders.put(None)
        self._process.kill()
        self._process.join()
        self._feeder.join(5)
        self._connection.close()


def _serve(connection: Connection, how: Encoding) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which the parent answers for all
    encoder = how.encoder()
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            connection.send(encoder(*connection.recv()))


# Reading


class Corpus:
    """A corpus that is whole."""

    def __init__(self, folder: str) -> None:
        """Raise `ConfigError` where there is none, or one that is damaged."""
        self.folder = folder
        try:
            with open(os.path.join(folder, MANIFEST), "rb") as file:
                self.manifest: dict[str, Any] = json.load(file)
            counts = [Tally.of(saved) for saved in self.manifest["counts"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{folder} holds no corpus that is whole ({error}); make it with --prepare") from None
        self.tallies = counts

    @property
    def end(self) -> int:
        return int(self.manifest["end"])

    def tokens(self, part: str) -> int:
        """Return how many tokens a part has, all sources together."""
        return sum(tally.tokens[part] for tally in self.tallies)

    def tokens_per_byte(self, part: str) -> float:
        """Return how many tokens a byte of text takes; ends of documents are tokens, too."""
        return self.tokens(part) / max(sum(tally.bytes[part] for tally in self.tallies), 1)

    def stream(self, source: int, part: str) -> "Stream":
        """Return the tokens of a part of a source."""
        counts = self.manifest["shards"].get(f"{source}:{part}", [])
        paths = [os.path.join(self.folder, shard_name(source, part, number)) for number in range(len(counts))]
        return Stream(paths, counts, self.manifest["dtype"])


class Stream:
    """The documents of a part of a source, one after the other; nothing is read before it is asked for."""

    def __init__(self, paths: Sequence[str], counts: Sequence[Sequence[int]], dtype: str) -> None:
        import numpy as np

        both = list(zip(paths, counts, strict=True))
        self._tokens = [_mapped(f"{path}.tokens", dtype, tokens) for path, (tokens, _) in both]
        self._ends = [_mapped(f"{path}.ends", "<u8", documents) for path, (_, documents) in both]
        self._starts = [0]
        for tokens, _ in counts:
            self._starts.append(self._starts[-1] + tokens)
        self._int = np.dtype(np.int64)

    def __len__(self) -> int:
        return self._starts[-1]

    def window(self, start: int, length: int) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
        """Return the tokens from `start` on, and the places in them where a document starts, the first left out."""
        import numpy as np

        tokens, starts = [], []
        at, stop = start, start + length
        while at < stop:
            shard = bisect_right(self._starts, at) - 1
            first = self._starts[shard]
            end = min(stop, self._starts[shard + 1])
            tokens.append(self._tokens[shard][at - first : end - first])
            ends = self._ends[shard]
            # Of the type of the ends: another one would have all of them converted.
            low, high = np.searchsorted(ends, np.array([at - first, end - first], "<u8"), side="right")
            starts.append(ends[low:high].astype(self._int) + (first - start))
            at = end
        found = np.concatenate(starts)
        return np.concatenate(tokens).astype(self._int), found[(found > 0) & (found < length)]


def _mapped(path: str, dtype: str, count: int) -> Any:
    import numpy as np

    try:
        size = os.path.getsize(path)
        if size != count * np.dtype(dtype).itemsize:
            raise ConfigError(
                f"{path} has {size:,} bytes and not the {count:,} numbers that it should; copy the corpus again"
            )
        return np.memmap(path, dtype, "r", shape=(count,))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; copy the corpus again") from None


def example(stream: Stream, row: int, length: int, *, separate: bool) -> "dict[str, NDArray[np.int64]]":
    """Return row number `row` of a stream, as models are trained on it.

    Of `separate` documents, positions count from the start of each: transformers' models keep attention within
    documents by that, as long as no attention mask is given and nothing is cached. The first token of a document
    is not to be predicted from the one before.
    """
    import numpy as np

    tokens, starts = stream.window(row * length, length)
    if not separate:
        return {"input_ids": tokens, "labels": tokens.copy()}
    labels = tokens.copy()
    labels[starts] = IGNORED
    begun = np.zeros(length, np.int64)
    begun[starts] = starts
    return {"input_ids": tokens, "labels": labels, "position_ids": np.arange(length) - np.maximum.accumulate(begun)}


# The order of rows


def shuffled(index: int, size: int, key: str) -> int:
    """Return where `index` goes in a permutation of so many numbers, one for each key; nothing is kept in memory.

    A Feistel network over the next power of four, walked until it comes back into range.
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


_BLOCK = 1 << 16
"""Rows in which the shares of a mixture are exact."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which row of which source comes when: the same for the same seed, on any machine, from any place on.

    Without weights, all rows come once before any comes again, in another order each time. With weights, each
    source goes through its own rows like that, as often as its share takes it.
    """

    sizes: tuple[int, ...]
    seed: int
    quotas: tuple[int, ...] = ()
    """Rows of each source in a block; empty without weights."""
    sources: Sequence[int] = ()
    """The source of each row of a block; all blocks are alike."""
    ranks: Sequence[int] = ()
    """How many rows of the same source are before it in the block."""

    @classmethod
    def of(cls, sizes: Sequence[int], weights: Sequence[float], seed: int) -> "Order":
        if not any(weights):
            return cls(tuple(sizes), seed)
        shares = quotas(sizes, weights)
        sources = array("H", (source for source, quota in enumerate(shares) for _ in range(quota)))
        Random(f"{seed} mixture").shuffle(sources)
        ranks = array("L")
        so_far = [0] * len(shares)
        for source in sources:
            ranks.append(so_far[source])
            so_far[source] += 1
        return cls(tuple(sizes), seed, shares, sources, ranks)

    @property
    def epoch(self) -> int:
        """Rows until one comes for the second time, if there are no weights."""
        return sum(self.sizes)

    def place(self, index: int) -> tuple[int, int]:
        """Return the source and the row in it that come at a place, from 0."""
        if not self.quotas:
            epoch, at = divmod(index, self.epoch)
            return _located(self.sizes, shuffled(at, self.epoch, f"{self.seed} all {epoch}"))
        block, at = divmod(index, _BLOCK)
        source = self.sources[at]
        epoch, at = divmod(block * self.quotas[source] + self.ranks[at], self.sizes[source])
        return source, shuffled(at, self.sizes[source], f"{self.seed} {source} {epoch}")

    def epochs(self, rows: int) -> list[float]:
        """Return how often the rows of each source come within so many."""
        if not self.quotas:
            return [rows / self.epoch] * len(self.sizes)
        return [
            rows * quota / _BLOCK / size if size else 0.0 for quota, size in zip(self.quotas, self.sizes, strict=True)
        ]


def _located(sizes: Sequence[int], index: int) -> tuple[int, int]:
    """Return (group, place in it) of a number, where groups of such sizes stand one after the other."""
    for group, size in enumerate(sizes):
        if index < size:
            return group, index
        index -= size
    raise IndexError(index)


def quotas(sizes: Sequence[int], weights: Sequence[float]) -> tuple[int, ...]:
    """Return the rows of each source in a block: whole numbers in proportion to the weights."""
    for number, (size, weight) in enumerate(zip(sizes, weights, strict=True)):
        if weight and not size:
            raise ConfigError(
                f"data.train.{number} has too few tokens for one row; leave it out, or lower data.row_tokens"
            )
    exact = [weight / sum(weights) * _BLOCK for weight in weights]
    found = [int(share) for share in exact]
    by_rest = sorted(range(len(exact)), key=lambda place: found[place] - exact[place])
    for place in by_rest[: _BLOCK - sum(found)]:
        found[place] += 1
    return tuple(found)


class Rows(Sequence[Any]):
    """Rows of a corpus in the order of training: as many as asked for, each worked out from its number."""

    def __init__(self, corpus: Corpus, data: CorpusData, *, length: int, rows: int, seed: int) -> None:
        self._length, self._rows, self._separate = length, rows, data.separate
        self._streams = [corpus.stream(source, "train") for source in range(len(data.train))]
        sizes = [len(stream) // length for stream in self._streams]
        if not sum(sizes):
            raise ConfigError(
                f"the corpus has {corpus.tokens('train'):,} tokens to train on, fewer than one row of {length:,};"
                " name more sources, or a smaller data.row_tokens"
            )
        self.order = Order.of(sizes, [one.weight for one in data.train], seed)

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < self._rows:
            raise IndexError(index)
        source, row = self.order.place(index)
        return example(self._streams[source], row, self._length, separate=self._separate)


class ValidationRows(Sequence[Any]):
    """The rows of what is held out, source after source; of each the first `data.validation_rows`."""

    def __init__(self, corpus: Corpus, data: CorpusData, *, length: int) -> None:
        self._length, self._separate = length, data.separate
        self._streams = [corpus.stream(source, "validation") for source in range(len(corpus.tallies))]
        self._sizes = [min(len(stream) // length, data.validation_rows) for stream in self._streams]

    def __len__(self) -> int:
        return sum(self._sizes)

    def __getitem__(self, index: Any) -> Any:
        source, row = _located(self._sizes, index)
        return example(self._streams[source], row, self._length, separate=self._separate)
