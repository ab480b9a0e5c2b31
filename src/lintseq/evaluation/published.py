"""Published results, for comparison with runs: those of the LintSeq paper (arXiv 2410.02749).

Most were read off its plots, accurate to about half a percentage point; reports label them as digitized. The paper
gives no intervals.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BASE = "instruct"
"""The arm of a model that was finetuned on whole programs."""


@dataclass(frozen=True, slots=True)
class PublishedCurve:
    """pass@k of one model in the paper."""

    model: str
    arm: str
    passed: Mapping[int, float]
    """pass@k by k, from 0 to 1."""
    flops_at_1: float | None = None
    """Operations to sample one completion of each problem."""

    @property
    def name(self) -> str:
        return f"{self.model} {self.arm}"


def _published() -> dict[str, list[PublishedCurve]]:
    """Return the curves in `published.csv`, whose columns after the first four are k, with pass@k in percent."""
    found: dict[str, list[PublishedCurve]] = {}
    with Path(__file__).with_name("published.csv").open(encoding="utf-8", newline="") as file:
        (_, columns), *rows = ((row[:4], row[4:]) for row in csv.reader(file))
    for (benchmarks, model, arm, flops), scores in rows:
        passed = {int(k): float(score) / 100 for k, score in zip(columns, scores, strict=True) if score}
        for benchmark in benchmarks.split():
            curve = PublishedCurve(model, arm, passed, float(flops) if flops else None)
            found.setdefault(benchmark, []).append(curve)
    return found


PUBLISHED: Mapping[str, Sequence[PublishedCurve]] = _published()
"""By the name of the benchmark."""
