"""The results file: one row per judged completion, and a manifest next to it with settings and summary.

Rows are saved batch by batch, so that an interrupted evaluation continues where it was.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from lintseq.benchmarks.loading import numbered_rows
from lintseq.errors import ConfigError
from lintseq.evaluation.results import Evaluation, JudgedCompletion
from lintseq.rows.rows_file import RowsFile, manifest_path

REQUIRED = ("task_id", "index", "verdict", "detail")


class ResultsFile(AbstractContextManager["ResultsFile"]):
    """The results file while it grows; it gets its final name when it is complete."""

    def __init__(self, path: str, settings: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
        """Start a results file, or with `resume` continue one with the same settings.

        Raises `ConfigError` if a file would be lost, or the settings differ.
        """
        self._file = RowsFile(path, settings, "results", resume=resume, overwrite=overwrite)
        self.finished = read_results(path) if self._file.complete else None
        """The evaluation, if an earlier run finished it."""
        self.rows = [JudgedCompletion.from_row(row) for row in self._file.saved]
        """What an interrupted run saved."""

    def append(self, rows: Sequence[JudgedCompletion]) -> None:
        """Save rows durably."""
        self._file.append(row.as_row() for row in rows)

    def finish(self, evaluation: Evaluation) -> None:
        """Give the file its final name, with the manifest next to it."""
        self._file.finish({"summary": evaluation.summary, "instructions": evaluation.instructions})

    def __exit__(self, *_: object) -> None:
        self._file.__exit__()


def read_results(path: str) -> Evaluation:
    """Return the evaluation whose results file is at `path`; raises `ConfigError` if there is none."""
    advice = "pass a file written by `lintseq evaluate --output`"
    if not os.path.isfile(path):
        raise ConfigError(f"there is no file {path}; {advice}")
    manifest = manifest_path(path)
    try:
        with open(manifest, "rb") as file:
            found = json.load(file)
        instructions = {str(name): str(text) for name, text in found.get("instructions", {}).items()}
        evaluation = Evaluation(tuple(_read_rows(path, advice)), found["settings"], found["summary"], instructions)
        _ = evaluation.problems, evaluation.pass_at_k
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"{path} has no evaluation manifest next to it (expected at {manifest}); {advice}") from None
    return evaluation


def _read_rows(path: str, advice: str) -> list[JudgedCompletion]:
    rows = []
    for number, row in numbered_rows(path, advice):
        if missing := [name for name in REQUIRED if name not in row]:
            raise ConfigError(f"{path}, row {number} has no column {missing[0]}; {advice}")
        rows.append(JudgedCompletion.from_row(row))
    return rows
