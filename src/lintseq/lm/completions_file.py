"""The file of completions: rows that survive a kill, sorted when the file is complete, and a manifest next to it."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from lintseq.errors import ConfigError
from lintseq.rows import encode_line, parse_row, read_rows
from lintseq.storage import COMPRESSIONS, AppendFile, WorkDirectory

CompletionRow = dict[str, Any]


class CompletionsFile:
    """A file of completions that grows in `PATH.partial` and gets its name when it is complete."""

    def __init__(self, path: str, settings: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
        """Start a file, or with `resume` continue one with the same settings.

        Raises `ConfigError` if a file would be lost, or the settings differ.
        """
        suffix = next((end for end in ("", *COMPRESSIONS) if path.endswith(f".jsonl{end}")), None)
        if suffix is None:
            raise ConfigError(f"{path}: completions are JSON lines; choose a name that ends in .jsonl or .jsonl.gz")
        self._suffix = suffix
        manifest = f"{os.path.realpath(path).removesuffix('.jsonl')}.manifest.json"
        self._work = WorkDirectory(path, settings, manifest=manifest, resume=resume, overwrite=overwrite)
        self.finished = self._work.manifest is not None
        """Whether an earlier run completed the file."""
        self.rows: list[CompletionRow] = []
        """What an interrupted run saved."""
        if not self.finished:
            self._file = AppendFile(self._work.file("rows.jsonl"), self._work.progress)
            if self._work.progress is not None:
                self.rows = self._saved_rows()

    def append(self, rows: Sequence[CompletionRow]) -> None:
        """Save rows durably."""
        if rows:
            self._file.write(b"".join(map(encode_line, rows)))
            self._work.save(self._file.mark())

    def finish(self, manifest: Mapping[str, Any], order: Callable[[CompletionRow], Any]) -> None:
        """Give the file its final name, with its rows sorted and the manifest next to it."""
        self._file.close()
        ordered = AppendFile(self._work.file(f"ordered.jsonl{self._suffix}"))
        for row in sorted(self._saved_rows(), key=order):
            ordered.write(encode_line(row))
        ordered.close()
        self._work.finish([(ordered.path, self._work.target)], manifest)
        self.finished = True

    def _saved_rows(self) -> list[CompletionRow]:
        path = self._file.path
        return [parse_row(raw.data) for raw in read_rows(path)] if os.path.getsize(path) else []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.finished:
            self._file.release()
        self._work.close()
