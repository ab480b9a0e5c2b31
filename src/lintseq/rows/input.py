"""Inputs: what can be read row by row, and resumed after any row."""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from lintseq.rows.fields import Fields


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an input was read."""

    rows: int
    """Number of rows read."""
    number: int
    """The number of the last of them, see `RawRow.number`; 0 if there is none."""
    end: int
    """The position, in the units of the input's size."""


START = Mark(0, 0, 0)


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it was read."""

    index: int
    """Its index in the input, from 0."""
    number: int
    """Its number for people, from 1: the line in a file of lines, otherwise the row."""
    data: bytes
    """A JSON object; `parse_row` rejects anything else."""
    end: int
    """The position after it, in the units of the input's size."""

    @property
    def mark(self) -> Mark:
        return Mark(self.index + 1, self.number, self.end)


@dataclass(frozen=True, slots=True)
class Input:
    """Something with rows. It is opened when it is read."""

    path: str
    """Its name in messages and manifests."""
    size: int | None
    """How large it is: in bytes as stored, in rows or in files; None if unknown."""
    fingerprint: dict[str, Any] | None
    """Plain values that change when it does; None if it can be read only once."""
    read: Callable[[Mark], Iterator[RawRow]]
    """Yields the rows after a mark; raises `BrokenInputError` where the input cannot be read."""
    by_rows: bool = False
    """Whether its size is its number of rows, so that the mark after n rows is (n, n, n)."""
    fields: Fields | None = None
    """The columns that matter. None if they were not looked for, or if no row is a JSON object."""
    columns: Mapping[str, Set[type]] = field(default_factory=dict)
    """The columns that are not null in all of the first rows, with the types of their values there."""
    folder: str | None = None
    """The folder that the paths of its source files are relative to; None for other inputs."""
    with_prefix: "Callable[[str], Input] | None" = None
    """Returns the same input with a prefix before these paths."""
