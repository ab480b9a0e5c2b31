"""Looking into a data set of edit sequences: any row by its number, and a choice of all rows.

Owns the numbers by which people know rows, going back and forth among them, and one pass over a whole data set
that counts everything and keeps a few sequences. Memory does not grow with the data set beyond these.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop

from lintseq.dataset.shapes import Record, read_record
from lintseq.edits import EditSequence
from lintseq.errors import BrokenInputError, ConfigError, ProgramError
from lintseq.rows import START, Input, RawRow, find_inputs, parse_row, stable_hash

LONGEST = 200_000
"""Characters of a sequence's text, or of its program, beyond which it is counted and not kept."""

_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read, and the number by which people know it, from 1."""

    number: int
    raw: RawRow


def numbered_rows(spec: str) -> Iterator[Row]:
    """Yield the rows of a data set with their numbers.

    In a file of lines that is the line, in any other file the row; the rows of several files are counted through.
    """
    return _numbered(find_inputs(spec))


def _numbered(inputs: Sequence[Input]) -> Iterator[Row]:
    rows = (raw for one in inputs for raw in one.read(START))
    for place, raw in enumerate(rows, 1):
        yield Row(raw.number if len(inputs) == 1 else place, raw)


class Rows:
    """The rows of a data set by their places, from 0. Going on reads on; going far back reads anew."""

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self._inputs = find_inputs(spec)
        self._reader = _numbered(self._inputs)
        self._read = 0
        self._recent: OrderedDict[int, Row] = OrderedDict()

    def at(self, place: int) -> Row | None:
        """Return the row at a place, None past the last one. Raises `ConfigError` where that cannot be read."""
        if place < self._read and place not in self._recent:
            if any(one.fingerprint is None for one in self._inputs):
                raise ConfigError(f"{self.spec} can be read only once; what was read long ago is gone")
            self._reader, self._read = _numbered(self._inputs), 0
            self._recent.clear()
        while place >= self._read:
            if self._next() is None:
                return None
        return self._recent[place]

    def find(self, wanted: Callable[[Row], bool]) -> int | None:
        """Return the place of the first row that is wanted, None if none is."""
        place = 0
        while (row := self.at(place)) is not None:
            if wanted(row):
                return place
            place += 1
        return None

    def _next(self) -> Row | None:
        try:
            row = next(self._reader, None)
        except BrokenInputError as error:
            raise ConfigError(str(error)) from None
        if row is not None:
            self._recent[self._read] = row
            self._read += 1
            if len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        return row


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that was chosen: its number, what it says, and its sequence."""

    number: int
    record: Record
    sequence: EditSequence


@dataclass(slots=True)
class Survey:
    """What one pass over a data set gives: counts over all of its rows, and some of its sequences."""

    rows: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    """Reason -> rows that hold no edit sequence, or a malformed one."""
    edits: Counter[int] = field(default_factory=Counter)
    """Edits in a sequence -> sequences."""
    lines: Counter[int] = field(default_factory=Counter)
    """Lines that an edit inserts -> edits."""
    too_long: int = 0
    """Sequences longer than `LONGEST`."""
    kept: list[Kept] = field(default_factory=list)
    """The chosen sequences, in the order of the data set."""

    @property
    def sequences(self) -> int:
        return self.edits.total()


def survey(
    spec: str, *, keep: int = 500, seed: int = 0, progress: Callable[[Survey, int], None] | None = None
) -> Survey:
    """Count the rows of a data set, and keep at most so many of its sequences.

    Which are kept, a hash of the seed and the place of the row decides: each is as likely as any other, and the
    same ones are kept each time. `progress` is called with the counts so far and the place in the data that is
    reached. Raises `ProgramError` if there are rows and none holds an edit sequence.
    """
    found = Survey()
    failure: ProgramError | None = None
    chosen: list[tuple[int, int, Kept]] = []
    for row in _to_the_end(spec, found):
        place = found.rows
        found.rows += 1
        try:
            record = read_record(parse_row(row.raw.data))
            sequence = record.parse()
        except ProgramError as error:
            found.unreadable[error.reason] += 1
            failure = failure or error
        else:
            found.edits[len(sequence)] += 1
            found.lines.update(map(len, sequence.inserted()))
            if max(len(record.text), len(sequence.program.text)) > LONGEST:
                found.too_long += 1
            elif keep:
                entry = (-stable_hash(seed, place, "view"), place, Kept(row.number, record, sequence))
                if len(chosen) < keep:
                    heappush(chosen, entry)
                else:
                    heappushpop(chosen, entry)
        if progress is not None:
            progress(found, row.raw.end)
    if failure is not None and not found.edits:
        raise failure
    found.kept = [kept for _, _, kept in sorted(chosen, key=lambda entry: entry[1])]
    return found


def _to_the_end(spec: str, found: Survey) -> Iterator[Row]:
    """Yield the rows; where the data cannot be read on, count that and stop."""
    try:
        yield from numbered_rows(spec)
    except BrokenInputError:
        found.unreadable["broken-input"] += 1
        found.rows += 1
