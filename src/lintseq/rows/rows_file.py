"""A file of JSON lines that grows row by row: rows survive a kill, and a manifest next to it holds the settings."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from lintseq.errors import ConfigError
from lintseq.rows.inputs import read_rows
from lintseq.rows.row import encode_line, parse_row
from lintseq.storage import COMPRESSIONS, AppendFile, WorkDirectory, suffix_of

JSON_LINES = (".jsonl", *(f".jsonl{suffix}" for suffix in COMPRESSIONS))
"""Suffixes of files of rows."""


def manifest_path(path: str) -> str:
    """Return where the manifest of a file of rows is."""
    path = os.path.realpath(path)
    return f"{path[: -len(suffix_of(path, ['.jsonl']) or '') or None]}.manifest.json"


class RowsFile(AbstractContextManager["RowsFile"]):
    """A file that grows in `PATH.partial` and gets its name when it is complete."""

    def __init__(self, path: str, settings: Mapping[str, Any], kind: str, *, resume: bool, overwrite: bool) -> None:
        """Start a file, or with `resume` continue one with the same settings; `kind` names its rows in messages.

        Raises `ConfigError` if a file would be lost, or the settings differ.
        """
        suffix = suffix_of(path, JSON_LINES)
        if suffix is None:
            raise ConfigError(f"{path}: {kind} are JSON lines; the name has to end in one of {', '.join(JSON_LINES)}")
        self._suffix = suffix
        self._work = WorkDirectory(path, settings, manifest=manifest_path(path), resume=resume, overwrite=overwrite)
        self.complete = self._work.manifest is not None
        """Whether an earlier run completed the file."""
        self.saved: list[dict[str, Any]] = []
        """What an interrupted run saved."""
        if not self.complete:
            self._file = AppendFile(self._work.file("rows.jsonl"), self._work.progress)
            if self._work.progress is not None:
                self.saved = self._saved_rows()

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Save rows durably."""
        if lines := b"".join(map(encode_line, rows)):
            self._file.write(lines)
            self._work.save(self._file.mark())

    def finish(self, manifest: Mapping[str, Any], order: Callable[[dict[str, Any]], Any] | None = None) -> None:
        """Give the file its final name, with its rows sorted by `order` and the manifest next to it."""
        self._file.close()
        rows = self._saved_rows()
        ordered = AppendFile(self._work.file(f"ordered{self._suffix}"))
        for row in rows if order is None else sorted(rows, key=order):
            ordered.write(encode_line(row))
        ordered.close()
        self._work.finish([(ordered.path, self._work.target)], manifest)
        self.complete = True

    def _saved_rows(self) -> list[dict[str, Any]]:
        path = self._file.path
        return [parse_row(raw.data) for raw in read_rows(path)] if os.path.getsize(path) else []

    def __exit__(self, *_: object) -> None:
        if not self.complete:
            self._file.release()
        self._work.close()
