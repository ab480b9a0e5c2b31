"""Reports of a build: its progress, and its final summary."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lintseq.dataset.batches import BuildTally
from lintseq.reporting.numbers import share

REPEATS_FILES = "format states repeats the whole file in each edit; diff and search-replace hold only what changes"
"""A note for changes of existing programs."""


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far a build is."""

    rows: int
    """Rows done so far."""
    new_rows: int
    """Rows done by this run, not by one that it resumes."""
    sequences: int
    """Edit sequences written so far."""
    rejected: int
    """Rows rejected so far."""
    done: int
    """How much of the inputs is done, in the units of `total`: bytes as they are stored, or rows."""
    total: int | None
    """None if the size of an input is unknown."""


@dataclass(slots=True)
class BuildReport:
    """What a build did."""

    output: str
    """Path of the records."""
    rejected: str
    """Path of the rejected rows."""
    tally: BuildTally = field(default_factory=BuildTally)
    """Counts of rows, sequences, edits and rejections, over all runs."""
    seconds: float = 0.0
    """Duration of this run, without those that it resumed."""
    rows_before: int = 0
    """Rows done by the run that this one resumed."""
    broken_inputs: list[str] = field(default_factory=list)
    """Why inputs could not be read to their end; the rows before that are done."""
    finished: bool = False
    """Whether the output is complete; if not, the finished part is in `partial`."""
    nothing_to_do: bool = False
    """Whether an earlier run was complete already."""
    notes: list[str] = field(default_factory=list)
    """What the settings mean for these inputs, where that may not be wanted."""
    partial: str = ""
    """Path of the working directory until the build is complete."""

    @property
    def rejections(self) -> int:
        """Number of rows rejected, over all runs."""
        return self.tally.rejections.total()

    @property
    def new_rows(self) -> int:
        """Rows done by this run."""
        return self.tally.rows - self.rows_before

    def counts(self) -> dict[str, Any]:
        """Return the numbers that are the same for every run with the same settings."""
        tally = self.tally
        edits = sum(number * sequences for number, sequences in tally.edits.items())
        return {
            "rows": tally.rows,
            "sequences": tally.sequences,
            **({"test_sequences": tally.test} if tally.test else {}),
            **({"truncated_sequences": tally.truncated} if tally.truncated else {}),
            "edits_per_sequence": {
                "mean": share(edits, tally.sequences),
                "median": _median(tally.edits),
                "max": max(tally.edits, default=0),
            },
            "lines_per_edit": share(tally.lines, edits),
            "single_edit_share": share(tally.edits[1], tally.sequences),
            "rejections": dict(tally.rejections.most_common()),
            "dropped_draws": dict(tally.dropped.most_common()),
            "licenses": dict(tally.licenses.most_common()),
            "broken_inputs": self.broken_inputs,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers as plain values, for JSON."""
        new_sequences = self.tally.sequences * share(self.new_rows, self.tally.rows)
        return {
            "output": self.output,
            "rejected": self.rejected,
            "notes": self.notes,
            "finished": self.finished,
            **self.counts(),
            "rows_before": self.rows_before,
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(share(self.new_rows, self.seconds), 1),
            "sequences_per_second": round(share(new_sequences, self.seconds), 1),
        }


def _median(counts: Counter[int]) -> float:
    """Return the (lower) median of the values in `counts`: value -> how often."""
    middle = (counts.total() - 1) // 2
    for value in sorted(counts):
        middle -= counts[value]
        if middle < 0:
            return value
    return 0
