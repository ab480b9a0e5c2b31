"""Token files: the training examples of a file of records, tokenized once and mapped into memory.

A folder holds the examples of one arm: `tokens.u32`, all ids in sequence; `index.i64`, for each example the number of
its row, its end, and the number of its prompt tokens; and `about.json`, written last, with the keys of the rows and
what was counted.
"""

import json
import os
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lintseq.codecs import DIFF, Codec, get_codec
from lintseq.dataset.shapes import Record, read_record
from lintseq.errors import BrokenInputError, ConfigError, ProgramError
from lintseq.lm.batches import Example
from lintseq.lm.examples import ExampleEncoder, pair_of
from lintseq.lm.matching import ExampleSizes
from lintseq.rows import parse_row, read_rows
from lintseq.storage import AppendFile, batched, write_atomically

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 256
_TOKENS, _INDEX, _ABOUT = "tokens.u32", "index.i64", "about.json"

OnRecords = Callable[[int], None]
"""Called with the number of records read so far."""


@dataclass(slots=True)
class ExampleTally:
    """What happened to the records of a file in one arm."""

    records: int = 0
    """Records read; in the plain arm, including repeated draws."""
    examples: int = 0
    rows: int = 0
    trained: int = 0
    """Completion tokens."""
    tokens: int = 0
    cut: int = 0
    """Examples that were shortened."""
    lost: int = 0
    """Tokens cut off."""
    longest: int = 0
    """Tokens of the longest example."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Dropped records by reason."""

    def drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


@dataclass(frozen=True, slots=True)
class TokenFile(Sequence[Example]):
    """The examples of one arm of a file of records."""

    ids: "NDArray[np.uint32]"
    """All token ids in sequence, shape `(tokens,)`; not in memory."""
    spans: "NDArray[np.int64]"
    """Shape `(examples, 3)`: row number, end, prompt tokens."""
    rows: tuple[str, ...]
    """Keys of the rows."""
    sha256: str
    """Hash of the records."""
    tally: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, index: Any) -> Any:
        start = int(self.spans[index - 1, 1]) if index else 0
        _, end, prompt = self.spans[index].tolist()
        return Example(self.ids[start:end], prompt)

    def select(self, rows: Mapping[str, int] | None = None) -> tuple[list[int], ExampleSizes]:
        """Return the indices and sizes of the examples whose row keys are in `rows`, numbered as there."""
        import numpy as np

        numbers = {row: number for number, row in enumerate(self.rows)} if rows is None else rows
        own = np.array([numbers.get(row, -1) for row in self.rows], np.int64)[self.spans[:, 0]]
        indices = np.flatnonzero(own >= 0)
        lengths = np.diff(self.spans[:, 1], prepend=0)[indices]
        trained = lengths - self.spans[indices, 2]
        return indices.tolist(), ExampleSizes(own[indices].tolist(), trained.tolist(), lengths.tolist())


def common_rows(first: TokenFile, *others: TokenFile) -> dict[str, int]:
    """Return the row keys that all files have, numbered in the order of the first."""
    shared = set(first.rows).intersection(*(other.rows for other in others))
    return {row: number for number, row in enumerate(row for row in first.rows if row in shared)}


def open_tokens(folder: str, fingerprint: str) -> TokenFile | None:
    """Return the examples in a folder; None if it is incomplete or has another fingerprint."""
    import numpy as np

    try:
        about = json.loads(Path(folder, _ABOUT).read_bytes())
    except (OSError, ValueError):
        return None
    if about["fingerprint"] != fingerprint:
        return None
    index = np.fromfile(os.path.join(folder, _INDEX), dtype=np.int64).reshape(-1, 3)
    path = os.path.join(folder, _TOKENS)
    ids = np.memmap(path, dtype=np.uint32, mode="r") if len(index) else np.zeros(0, dtype=np.uint32)
    return TokenFile(ids, index, tuple(about["rows"]), about["sha256"], about["tally"])


def tokenize(
    path: str,
    encoders: Mapping[str, ExampleEncoder],
    *,
    format: str,
    fingerprint: str,
    on_records: OnRecords = lambda count: None,
) -> dict[str, TokenFile]:
    """Return the examples of a file of records by arm; tokenized, unless the folders have them already.

    `encoders` has a folder and its encoder for each arm. `fingerprint` identifies everything the tokens depend on.
    Raises `ConfigError` if an arm has no examples.
    """
    files = {folder: open_tokens(folder, fingerprint) for folder in encoders}
    if None in files.values():
        hashed = sha256()
        with ExitStack() as stack:
            writers = [stack.enter_context(_TokenWriter(*arm)) for arm in encoders.items()]
            for number, records in enumerate(batched(_records(path, get_codec(format), hashed), _BATCH)):
                for writer in writers:
                    writer.add(records)
                on_records(number * _BATCH + len(records))
            for writer in writers:
                writer.finish({"fingerprint": fingerprint, "sha256": hashed.hexdigest()})
        files = {folder: open_tokens(folder, fingerprint) for folder in encoders}
    result = {encoders[folder].arm: file for folder, file in files.items() if file is not None}
    for arm, file in result.items():
        _check_not_empty(path, arm, file.tally)
    return result


def format_of(path: str) -> str:
    """Return the format of the first record of a file that can be read."""
    records = (record for record in _records(path, None, sha256()) if isinstance(record, Record))
    return next((record.codec.name for record in records), DIFF.name)


def _records(path: str, codec: Codec | None, hashed: Any) -> Iterator[Record | ProgramError]:
    """Yield the records of a file in the format of `codec` or in their own, or why a row has none; hash all rows."""
    try:
        for raw in read_rows(path):
            hashed.update(raw.data.strip() + b"\n")
            try:
                record = read_record(parse_row(raw.data))
                yield record.in_format(codec or record.codec)
            except ProgramError as error:
                yield error
    except BrokenInputError as error:
        raise ConfigError(f"{error}; training on the part before it would not match the recipe") from None


class _TokenWriter(AbstractContextManager["_TokenWriter"]):
    """Writes the examples of one arm into a folder."""

    def __init__(self, folder: str, encoder: ExampleEncoder) -> None:
        self._folder, self._encoder = folder, encoder
        os.makedirs(folder, exist_ok=True)
        Path(folder, _ABOUT).unlink(missing_ok=True)
        self._file = AppendFile(os.path.join(folder, _TOKENS))
        self._rows: dict[str, int] = {}
        self._seen: set[str] = set()
        self._index = array("q")
        self._tally = ExampleTally()

    def add(self, records: Sequence[Record | ProgramError]) -> None:
        pairs = []
        for record in records:
            self._tally.records += 1
            try:
                if isinstance(record, ProgramError):
                    raise record
                pair = pair_of(record, self._encoder.arm)
            except ProgramError as error:
                self._tally.drop(error.reason)
                continue
            if self._encoder.arm == "plain":
                if pair.row in self._seen:
                    continue
                self._seen.add(pair.row)
            pairs.append(pair)
        tally, tokens = self._tally, array("I")
        for pair, example in zip(pairs, self._encoder.encode(pairs), strict=True):
            if isinstance(example, ProgramError):
                tally.drop(example.reason)
                continue
            size = len(example.prompt) + len(example.completion)
            tally.examples += 1
            tally.trained += len(example.completion)
            tally.tokens += size
            tally.longest = max(tally.longest, size)
            tally.cut += bool(example.lost)
            tally.lost += example.lost
            tokens.extend(example.prompt + example.completion)
            row = self._rows.setdefault(pair.row, len(self._rows))
            self._index.extend((row, tally.tokens, len(example.prompt)))
        self._file.write(tokens.tobytes())

    def finish(self, about: Mapping[str, Any]) -> None:
        """Make the folder complete."""
        self._file.close()
        self._tally.rows = len(self._rows)
        write_atomically(os.path.join(self._folder, _INDEX), self._index.tobytes())
        content = {**about, "rows": list(self._rows), "tally": asdict(self._tally)}
        write_atomically(os.path.join(self._folder, _ABOUT), json.dumps(content).encode())

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _check_not_empty(path: str, arm: str, tally: Mapping[str, Any]) -> None:
    if tally["examples"]:
        return
    if not tally["records"]:
        raise ConfigError(f"{path} contains no rows; use records written by lintseq build")
    reasons = sorted(tally["dropped"].items(), key=lambda item: (-item[1], item[0]))
    counts = ", ".join(f"{count:,} {reason}" for reason, count in reasons)
    too_long = reasons[0][0] in ("prompt-too-long", "no-edit-fits", "no-line-fits", "too-long")
    hint = "raise data.max_tokens" if too_long else "use records written by lintseq build"
    raise ConfigError(f"no row of {path} can be trained on in the arm {arm} ({counts}): {hint}")
