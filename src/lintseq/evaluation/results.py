"""Results of a run, read back from the file that `lintseq evaluate --output` wrote and the manifest beside it."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lintseq.errors import ConfigError, ProgramError
from lintseq.rows import BrokenInputError, parse_row, read_rows

NEEDED = ("task_id", "index", "verdict", "detail")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which problems a run is of: runs are compared where all of this is the same."""

    name: str
    """Of the benchmark."""
    checksum: str
    """Of its file."""
    skipped: int
    """How many of the first problems were left out."""
    chosen: int | None
    """How many of the others were chosen by name; None if all."""
    choice: str
    """The checksum of their names."""

    def of(self, whole: int) -> int:
        """Return how many problems are asked of a benchmark that has so many."""
        return whole - self.skipped if self.chosen is None else self.chosen


@dataclass(frozen=True, slots=True)
class Results:
    """A run, as its files tell it."""

    rows: tuple[dict[str, Any], ...]
    settings: dict[str, Any]
    summary: dict[str, Any]
    instructions: dict[str, str] = field(default_factory=dict)
    """What each problem asks for, as far as it was kept."""

    @property
    def benchmark(self) -> Asked:
        """What tells the problems from others."""
        told, chosen = self.settings["benchmark"], self.settings.get("chosen") or {}
        return Asked(
            str(told["name"]),
            str(told.get("sha256", "")),
            int(self.settings.get("skip_first", 0)),
            int(chosen["problems"]) if chosen else None,
            str(chosen.get("sha256", "")),
        )

    @property
    def ks(self) -> tuple[int, ...]:
        """The k for which the run was asked."""
        return tuple(sorted(int(k) for k in self.summary.get("pass_at_k", {})))


def read_results(path: str) -> Results:
    """Return the results in a file; raises `ConfigError` if it is none."""
    way_out = "give a file that `lintseq evaluate --output` wrote"
    if not os.path.isfile(path):
        raise ConfigError(f"there is no file {path}; {way_out}")
    manifest = f"{os.path.realpath(path).removesuffix('.jsonl')}.manifest.json"
    try:
        with open(manifest, "rb") as file:
            told = json.load(file)
        settings, summary = told["settings"], told["summary"]
        asked = {str(name): str(text) for name, text in told.get("instructions", {}).items()}
        results = Results(tuple(_rows(path)), settings, summary, asked)
        _ = results.benchmark, results.ks
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            f"{path} has no manifest of an evaluation beside it, at {manifest}, that says what it is of; {way_out}"
        ) from None
    lacking = next(
        ((number, name) for number, row in enumerate(results.rows, 1) for name in NEEDED if name not in row), None
    )
    if lacking is not None:
        raise ConfigError(f"{path}, row {lacking[0]} has no column {lacking[1]}; {way_out}")
    return results


def _rows(path: str) -> Sequence[dict[str, Any]]:
    try:
        return [parse_row(raw.data) for raw in read_rows(path)]
    except (BrokenInputError, ProgramError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; evaluate again with --overwrite") from None
