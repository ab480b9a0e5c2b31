"""Looking into a data set of edit sequences: the sequence in one row, and a sample of all rows with counts.

Memory does not grow with the data set, only with the sample.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappush, heappushpop
from typing import TypeVar

from lintseq.dataset.shapes import Record, read_record
from lintseq.edits import EditSequence
from lintseq.errors import BrokenInputError, ConfigError, ProgramError
from lintseq.rows import START, Input, RawRow, find_inputs, parse_row, stable_hash

T = TypeVar("T")

LONGEST = 200_000
"""Characters of a sequence's text, or of its program, beyond which it is counted and not sampled."""


def numbered_rows(inputs: Sequence[Input]) -> Iterator[RawRow]:
    """Yield the rows of the inputs of a data set; those of several inputs are numbered consecutively."""
    rows = (row for source in inputs for row in source.read(START))
    if len(inputs) == 1:
        return rows
    return (replace(row, number=number) for number, row in enumerate(rows, 1))


@dataclass(frozen=True, slots=True)
class StoredSequence:
    """An edit sequence of a data set: the number of its row, its record, and the sequence itself."""

    number: int
    """The row, from 1."""
    record: Record
    """What the row says."""
    sequence: EditSequence
    """The edit sequence that it holds."""


def dataset_name(spec: str) -> str:
    """Return a short name of a data set: the last part of its path."""
    return "standard input" if spec == "-" else spec.rstrip("/").rpartition("/")[2] or spec


def find_sequence(spec: str, row: int | str = 1) -> StoredSequence:
    """Return the sequence in a row of a data set, given by its number, from 1, or by its id.

    Raises `ConfigError` if there is no such row or the data cannot be read, and `ProgramError` if the row holds no
    edit sequence.
    """
    last = 0
    try:
        for found in numbered_rows(find_inputs(spec)):
            last = found.number
            if found.number == row if isinstance(row, int) else _has_id(found, row):
                return _stored(found)
    except BrokenInputError as error:
        raise ConfigError(str(error)) from None
    except ProgramError as error:
        raise ProgramError(error.reason, f"{dataset_name(spec)}:{last}: {error.detail}") from None
    if not last:
        raise ConfigError(f"{spec} has no rows")
    if isinstance(row, int):
        raise ConfigError(f"{spec} has no row {row}; its rows are counted from 1, and the last is {last:,}")
    raise ConfigError(f"no row of {spec} has the id {row!r}; use an id of the data set, or the number of a row")


def split_row(spec: str) -> tuple[str, int | str]:
    """Return the data set and the row that `DATA:ROW` names; without a row, it is the first.

    Both may contain colons: an existing file is taken for the data set, and a number for the row.
    """
    if os.path.exists(spec):
        return spec, 1
    cuts = [index for index, char in enumerate(spec) if char == ":"]
    for cut in reversed(cuts):
        if os.path.exists(spec[:cut]) or spec[:cut] == "-":
            row = spec[cut + 1 :] or "1"
            return spec[:cut], int(row) if row.isdecimal() else row
    data, _, row = spec.rpartition(":")
    return (data, int(row)) if data and row.isdecimal() else (spec, 1)


def _has_id(row: RawRow, id: str) -> bool:
    try:
        return str(read_record(parse_row(row.data)).id) == id
    except ProgramError:
        return False


def _stored(row: RawRow) -> StoredSequence:
    record = read_record(parse_row(row.data))
    return StoredSequence(row.number, record, record.parse())


@dataclass(slots=True)
class Survey:
    """The result of one pass over a data set: counts over all of its rows, and a sample of its sequences."""

    total: int | None = None
    """The size of the data, in the unit in which progress is reported, if it is known."""
    rows: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    """Reason -> rows that hold no edit sequence, or a malformed one."""
    edits: Counter[int] = field(default_factory=Counter)
    """Edits in a sequence -> sequences."""
    lines: Counter[int] = field(default_factory=Counter)
    """Lines that an edit inserts -> edits."""
    too_long: int = 0
    """Sequences longer than `LONGEST`."""
    sample: list[StoredSequence] = field(default_factory=list)
    """In the order of the data set."""

    @property
    def sequences(self) -> int:
        return self.edits.total()


def survey(
    spec: str, *, size: int = 500, seed: int = 0, on_progress: Callable[[Survey, int], None] | None = None
) -> Survey:
    """Return counts over the rows of a data set, and a random sample of at most `size` of its sequences.

    A hash of the seed and the index of the row decides which are in the sample, so each is as likely as any other,
    and they are the same each time. `on_progress` is called with the counts so far and the position in the data.
    Raises `ProgramError` if there are rows and none holds an edit sequence.
    """
    inputs = find_inputs(spec)
    found = Survey(inputs[0].size if len(inputs) == 1 else None)
    chosen: list[tuple[int, int, StoredSequence]] = []
    for index, (row, stored) in enumerate(parsed_rows(inputs, _stored, found.unreadable)):
        found.rows += 1
        if stored is not None:
            found.edits[len(stored.sequence)] += 1
            found.lines.update(map(len, stored.sequence.inserted()))
            if max(len(stored.record.text), len(stored.sequence.program.text)) > LONGEST:
                found.too_long += 1
            elif size:
                entry = (-stable_hash(seed, index, "view"), index, stored)
                (heappush if len(chosen) < size else heappushpop)(chosen, entry)
        if on_progress is not None:
            on_progress(found, row.end)
    found.rows += found.unreadable["broken-input"]
    found.sample = [stored for _, _, stored in sorted(chosen, key=lambda entry: entry[1])]
    return found


def parsed_rows(
    inputs: Sequence[Input], parse: Callable[[RawRow], T], unreadable: Counter[str]
) -> Iterator[tuple[RawRow, T | None]]:
    """Yield each row with what `parse` returns, None if that raises `ProgramError`; count the reasons in `unreadable`.

    Where an input cannot be read any further, the rows end, which counts as `broken-input`. Raises
    `ProgramError` with the first reason in the end if there was no other row.
    """
    failure: ProgramError | None = None
    parsed = False
    try:
        for row in numbered_rows(inputs):
            try:
                value: T | None = parse(row)
                parsed = True
            except ProgramError as error:
                value, failure = None, failure or error
                unreadable[error.reason] += 1
            yield row, value
    except BrokenInputError:
        unreadable["broken-input"] += 1
    if failure is not None and not parsed:
        paths = ", ".join(source.path for source in inputs).replace("-", "standard input", inputs[0].path == "-")
        detail = f"no row of {paths} holds an edit sequence: {failure.detail}; lintseq build makes them from programs"
        raise ProgramError(failure.reason, detail)
