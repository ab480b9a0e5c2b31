"""Evaluations of the same problems side by side: their scores, and how each pair of them differs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from lintseq.evaluation.intervals import Interval
from lintseq.evaluation.results import EvaluatedProblems, Evaluation, counts_of
from lintseq.evaluation.scoring import Counts, difference, scores

Scores = Mapping[str, Mapping[int, Interval | None]]
"""pass@k of each run for each k; None where it is not defined."""


@dataclass(frozen=True, slots=True)
class PairDifference:
    """How far pass@k of one run is above that of an earlier one."""

    first: str
    second: str
    problems: int
    """Number of problems that both have."""
    intervals: Mapping[int, Interval | None]
    """Of `second` minus `first`, for each k; None where pass@k is not defined."""


def in_words(found: Interval, first: str, second: str) -> str:
    """Return what the difference `second` - `first` shows: which is better, or that none was detected."""
    if found.low <= 0 <= found.high:
        return "no difference detected"
    return f"{second if found.low > 0 else first} solves more"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs on the same problems, in the order in which they were given."""

    runs: Mapping[str, Evaluation]
    """By name."""
    counts: Mapping[str, Counts]
    scores: Scores
    base_scores: Scores | None
    """Scores on the base tests, if the benchmark has more tests than these."""
    differences: tuple[PairDifference, ...]

    @property
    def problems(self) -> EvaluatedProblems:
        """The problems that all runs are about."""
        return next(iter(self.runs.values())).problems

    @property
    def undefined(self) -> list[int]:
        """Each k at which no run has a score."""
        return [k for k in next(iter(self.scores.values())) if k not in defined_ks(self.scores)]

    def as_dict(self) -> dict[str, Any]:
        """Return scores, verdicts and differences as plain data."""
        settings = next(iter(self.runs.values())).settings
        return {
            "benchmark": settings["benchmark"],
            **{name: settings[name] for name in ("skip_first", "chosen") if name in settings},
            "runs": {
                name: {
                    "pass_at_k": {str(k): score and score.as_dict() for k, score in self.scores[name].items()},
                    "verdicts": dict(Counter(row.verdict for row in run.rows).most_common()),
                }
                for name, run in self.runs.items()
            },
            "differences": [
                {
                    "of": pair.second,
                    "from": pair.first,
                    "k": k,
                    "problems": pair.problems,
                    "difference": interval and interval.as_dict(),
                }
                for pair in self.differences
                for k, interval in pair.intervals.items()
            ],
        }


def compare(runs: Mapping[str, Evaluation], *, ks: Sequence[int] | None = None) -> Comparison:
    """Return the comparison of runs on the same problems; by default for each k of any run, and 1."""
    counts = {name: counts_of(run.rows) for name, run in runs.items()}
    ks = sorted(set(ks) if ks is not None else {k for run in runs.values() for k in run.pass_at_k} | {1})
    found = {name: scores(counts[name], ks) for name in runs}
    base = None
    if all(any("base" in row.stages for row in run.rows) for run in runs.values()):
        base = {name: scores(counts_of(run.rows, "base"), ks) for name, run in runs.items()}
    differences = [
        PairDifference(
            first,
            second,
            len(counts[first].keys() & counts[second].keys()),
            {k: difference(counts[second], counts[first], k) for k in defined_ks(found)},
        )
        for first, second in combinations(runs, 2)
    ]
    return Comparison(runs, counts, found, base, tuple(differences))


def defined_ks(found: Scores) -> list[int]:
    """Return each k at which some run has a score."""
    return [k for k in next(iter(found.values())) if any(run[k] is not None for run in found.values())]
