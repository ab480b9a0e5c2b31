"""Statistics of data sets of edit sequences: counts that add, and the numbers that follow from them.

Two halves of a data set, counted apart and added, give the numbers of the whole.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import repeat
from typing import TYPE_CHECKING, Any, Self

from lintseq.codecs import DIFF
from lintseq.dataset.browsing import parsed_rows
from lintseq.dataset.shapes import Record, read_record
from lintseq.dataset.tokens import encodable, load_tokenizer
from lintseq.reporting.numbers import describe, share
from lintseq.rows import RawRow, find_inputs, parse_row, stable_hash
from lintseq.storage import batched

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_BATCH_ROWS = 256


@dataclass(slots=True)
class DatasetStats:
    """Counts over the rows read so far; all other numbers follow from them.

    Programs are identified by their text: two rows that write the same text are two draws of one program.
    """

    unreadable: Counter[str] = field(default_factory=Counter)
    """Reason -> rows that could not be read."""
    edits: Counter[int] = field(default_factory=Counter)
    """Edits in a sequence -> sequences."""
    lines: Counter[int] = field(default_factory=Counter)
    """Lines that an edit inserts -> edits."""
    kinds: Counter[str] = field(default_factory=Counter)
    """`insert`, `delete` or `replace` -> edits that only insert lines, only remove some, or do both."""
    tokens: Counter[int] = field(default_factory=Counter)
    """Tokens in the text of a sequence -> sequences; empty without a tokenizer."""
    draws: Counter[int] = field(default_factory=Counter)
    """Hash of a program -> sequences that write it."""
    multi_edit: set[int] = field(default_factory=set)
    """Hashes of the programs that some draw writes in more than one edit."""
    sequences: set[int] = field(default_factory=set)
    """Hash of a program, followed by the hash of a sequence that writes it."""
    sequence_characters: int = 0
    """Characters of all sequences as texts."""
    program_characters: int = 0
    """Characters of their programs, one for each sequence."""
    sequence_tokens: int = 0
    """Tokens of all sequences as texts; 0 without a tokenizer."""
    program_tokens: int = 0
    """Tokens of their programs; 0 without a tokenizer."""

    def add(
        self,
        edits: Sequence[str],
        text: str,
        program: str,
        *,
        lines: Iterable[tuple[int, int]] | None = None,
        tokens: tuple[int, int] = (0, 0),
    ) -> None:
        """Count a row: its edit texts, the same as one text, its program, and the tokens of these two.

        `lines` are the numbers of lines that each edit inserts and removes; without it the texts are taken to be of
        format `diff`.
        """
        key = stable_hash(program)
        self.edits[len(edits)] += 1
        for inserted, removed in map(lines_in_diff, edits) if lines is None else lines:
            self.lines[inserted] += 1
            self.kinds["insert" if not removed else "replace" if inserted else "delete"] += 1
        self.draws[key] += 1
        if tokens[0]:
            self.tokens[tokens[0]] += 1
        if len(edits) > 1:
            self.multi_edit.add(key)
        self.sequences.add(key << 64 | stable_hash(text))
        self.sequence_characters += len(text)
        self.program_characters += len(program)
        self.sequence_tokens += tokens[0]
        self.program_tokens += tokens[1]

    def __add__(self, other: "DatasetStats") -> Self:
        """Return the counts over the rows of both."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return type(self)(*(mine | theirs if isinstance(mine, set) else mine + theirs for mine, theirs in pairs))

    @property
    def rows(self) -> int:
        """Number of rows, unreadable ones included."""
        return self.edits.total() + self.unreadable.total()

    @property
    def distinct_draws(self) -> float | None:
        """The share of distinct sequences among the draws of programs drawn more than once; None without any."""
        repeated = {program for program, draws in self.draws.items() if draws > 1}
        if not repeated:
            return None
        distinct = sum(sequence >> 64 in repeated for sequence in self.sequences)
        return share(distinct, sum(self.draws[program] for program in repeated))

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, for JSON."""
        sequences, programs = self.edits.total(), len(self.draws)
        numbers: dict[str, Any] = {
            "rows": self.rows,
            "unreadable": dict(self.unreadable),
            "sequences": sequences,
            "programs": programs,
            "draws_per_program": share(sequences, programs),
            "distinct_draws": self.distinct_draws,
            "single_edit_programs": share(programs - len(self.multi_edit), programs),
            "single_edit_sequences": share(self.edits[1], sequences),
            "edits_by_kind": {kind: self.kinds[kind] for kind in ("insert", "delete", "replace")},
            "edits_per_sequence": describe(self.edits) | {"counts": dict(sorted(self.edits.items()))},
            "lines_per_edit": describe(self.lines) | {"counts": dict(sorted(self.lines.items()))},
            "sequence_characters": self.sequence_characters,
            "program_characters": self.program_characters,
        }
        if self.sequence_tokens:
            numbers["sequence_tokens"] = self.sequence_tokens
            numbers["program_tokens"] = self.program_tokens
            numbers["tokens_ratio"] = share(self.sequence_tokens, self.program_tokens)
            numbers["tokens_per_sequence"] = describe(self.tokens)
        return numbers


def table_rows(numbers: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, value and remark of each number that `DatasetStats.as_dict` returns."""
    rows = [("rows", f"{numbers['rows']:,}", "")]
    rows += [("  unreadable", f"{n:,}", reason) for reason, n in sorted(numbers["unreadable"].items())]
    sequences = max(numbers["sequences"], 1)
    rows += [
        ("programs", f"{numbers['programs']:,}", f"{numbers['draws_per_program']:.2f} draws of each on average"),
        ("single-edit programs", f"{numbers['single_edit_programs']:.2%}", ""),
        ("single-edit sequences", f"{numbers['single_edit_sequences']:.2%}", ""),
    ]
    if (kinds := numbers["edits_by_kind"])["insert"] < (edits := sum(kinds.values())):
        rows += [(f"edits that {kind}", f"{count / edits:.2%}", f"{count:,}") for kind, count in kinds.items()]
    if numbers["distinct_draws"] is not None:
        rows.append(("distinct draws", f"{numbers['distinct_draws']:.2%}", "of programs drawn more than once"))
    for unit in ("characters", "tokens"):
        if (written := numbers.get(f"sequence_{unit}")) is not None:
            plain = numbers[f"program_{unit}"]
            ratio = f"{written / plain:.3f} times the programs', " if plain else ""
            rows.append((unit, f"{written:,}", f"{ratio}{written / sequences:,.1f} a sequence"))
    return rows


def lines_in_diff(edit: str) -> tuple[int, int]:
    """Return how many lines an edit text of format `diff` inserts and removes, by the signs of its rows."""
    signs = [row[:1] for row in edit.split("\n")]
    return signs.count("+"), signs.count("-")


def lines_of_edits(record: Record) -> list[tuple[int, int]]:
    """Return how many lines each edit of a record inserts and removes; raise `ProgramError` if they cannot be read.

    In format `diff` rows are counted, whether they are well-formed or not: other tools write that too.
    """
    if record.codec is DIFF:
        return [lines_in_diff(edit) for edit in record.edits]
    sequence = record.parse()
    return [(len(new), len(gone)) for new, gone in zip(sequence.inserted(), sequence.removed(), strict=True)]


def stats(
    data: str | Sequence[str],
    *,
    tokenizer: str | os.PathLike[str] | None = None,
    on_progress: Callable[[DatasetStats, int, int | None], None] | None = None,
) -> DatasetStats:
    """Return statistics of a data set: a file or folder of any kind, several of them, or `-` for standard input.

    `tokenizer` is what to count tokens with: a `tokenizer.json`, its folder, or a name on the Hugging Face Hub.
    `on_progress` is called with the counts so far, the position in the data, and the size of the data in the same
    unit, if it is known. Raises `ConfigError` if the data or the tokenizer cannot be read, and `ProgramError` if
    there are rows and none holds an edit sequence.
    """
    coder = None if tokenizer is None else load_tokenizer(tokenizer)
    inputs = [found for spec in ([data] if isinstance(data, str) else data) for found in find_inputs(spec)]
    size = inputs[0].size if len(inputs) == 1 else None
    counts = DatasetStats()
    for rows in batched(parsed_rows(inputs, _texts_and_lines, counts.unreadable), _BATCH_ROWS):
        parsed = [row for _, row in rows if row is not None]
        tokens = repeat((0, 0)) if coder is None else _count_tokens(coder, [texts for texts, _ in parsed])
        for (texts, lines), numbers in zip(parsed, tokens, strict=False):
            counts.add(*texts, lines=lines, tokens=numbers)
        if on_progress is not None:
            on_progress(counts, rows[-1][0].end, size)
    return counts


def _texts_and_lines(row: RawRow) -> tuple[tuple[Sequence[str], str, str], list[tuple[int, int]]]:
    """Return the edit texts, the whole text and the program of a row, and the lines that each edit changes."""
    record = read_record(parse_row(row.data))
    return (record.edits, record.text, record.program), lines_of_edits(record)


def _count_tokens(tokenizer: "Tokenizer", rows: Sequence[tuple[Sequence[str], str, str]]) -> Iterator[tuple[int, int]]:
    """Yield, for each row, the tokens of its sequence text and of its program."""
    texts = [encodable(text) for _, text, program in rows for text in (text, program)]
    encodings = iter(tokenizer.encode_batch(texts, add_special_tokens=False))
    for sequence, program in zip(encodings, encodings, strict=True):
        yield len(sequence.ids), len(program.ids)
