"""Parts for training and for testing that share no group, such as a repository.

The groups for testing are chosen before any work, from the number of rows of each. So the inputs are read twice.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from typing import Any

from lintseq.dataset.transform import RowResult, RowTransform
from lintseq.errors import BrokenInputError, ConfigError, ProgramError
from lintseq.rows import START, Fields, Input, column_list, parse_row, stable_hash


class SplittingTransform:
    """Applies a transform, and assigns each row to a part by the group in a column."""

    def __init__(self, make_transform: Callable[[], RowTransform], column: str, tests: Set[str]) -> None:
        self._inner, self._column, self._tests = make_transform(), column, tests

    def read_id(self, row: Mapping[str, Any], fields: Fields | None) -> str | int | None:
        """Return the row's own id, None if it has none."""
        return self._inner.read_id(row, fields)

    def transform(self, row: Mapping[str, Any], fields: Fields | None, *, source: str, index: int) -> RowResult:
        """Return the records of a row and their part, or raise `ProgramError` with the reason why there are none."""
        if (group := _group(row, self._column)) is None:
            raise ProgramError("no-group", f"nothing in column {self._column!r}, by which rows are split")
        return replace(self._inner.transform(row, fields, source=source, index=index), test=group in self._tests)


def find_test_groups(sources: Sequence[Input], column: str, share: float) -> frozenset[str]:
    """Return the groups for testing, with at most this share of the rows, but at least one group.

    Raises `ConfigError` if the inputs cannot be read twice, or hold fewer than two groups.
    """
    rows = Counter[str]()
    for source in sources:
        if source.fingerprint is None:
            raise ConfigError(f"--split reads its input twice, and {source.path} can be read once; write it to a file")
        with suppress(BrokenInputError):  # reported when it is read for the second time
            for raw in source.read(START):
                with suppress(ProgramError):
                    rows.update([group] if (group := _group(parse_row(raw.data), column)) is not None else [])
    if not rows:
        names = column_list(sorted({name for source in sources for name in source.columns}))
        raise ConfigError(f"no row has a value in column {column!r} (columns: {names}); name another with --split-by")
    if len(rows) == 1:
        raise ConfigError(f"all rows have the same {column!r}, {next(iter(rows))!r}; split by another column")
    return choose_groups(rows, share)


def choose_groups(rows: Mapping[str, int], share: float) -> frozenset[str]:
    """Return some of the groups, given the number of rows of each: in a fixed random order, as many as fit."""
    chosen, left = [], share * sum(rows.values())
    for group in sorted(rows, key=lambda group: stable_hash("split", group)):
        if rows[group] <= left:
            chosen.append(group)
            left -= rows[group]
    return frozenset(chosen or [min(rows, key=lambda group: (rows[group], stable_hash("split", group)))])


def _group(row: Mapping[str, Any], column: str) -> str | None:
    group = row.get(column)
    return group if group is None or isinstance(group, str) else json.dumps(group, sort_keys=True)
