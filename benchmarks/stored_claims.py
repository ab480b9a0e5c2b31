"""The claims of studies whose findings were stored without counts per problem, under the statistics of today.

Stored are pass@k by seed, and percentile bootstrap intervals over problems and seeds. The variance between trainings
follows from the means by seed. What is left of the interval's width, less what these means explain of it, is the
variance between problems. So p-values and intervals are as today's, up to the error of the bootstrap.

    git show 6fbb3fa:docs/results/samples-sweep/findings.json \\
      | python benchmarks/stored_claims.py samples-sweep > findings.json
"""

import json
import sys
from dataclasses import replace
from statistics import pvariance, variance

from lintseq.evaluation.intervals import LEVEL, Estimate, combined, holm
from lintseq.study.files import Study, read_study
from lintseq.study.findings import NO_DIFFERENCE

PROBLEMS = {"validation": 50, "problems": 120, "mbpp-plus": 40}
WIDTH = 2 * 1.959964
"""Of a 95 % interval, in standard errors."""


def reconstructed(row: dict, by_seed: list[list[float]], *, paired: bool) -> Estimate:
    """Return the estimate of a score or a difference; `by_seed` are the means of its arms."""
    problems, seeds = PROBLEMS[row["benchmark"]], len(by_seed[0])
    error = (row["high"] - row["low"]) / WIDTH
    explained = sum(pvariance(means) / seeds for means in by_seed)
    parts = [(max(error**2 - explained, 1 / problems / (problems - 1)), problems - 1)]
    varying = [[a - b for a, b in zip(*by_seed, strict=True)]] if paired else by_seed
    parts += [(variance(means) / seeds, seeds - 1) for means in varying]
    return Estimate(row["value"], *combined(parts), problems)


def recomputed(findings: dict, study: Study) -> dict:
    """Return findings with intervals, p-values and words as of today."""
    arms: dict[tuple, list[float]] = {}
    for row in findings["pass_at_k"]:
        found = reconstructed(row, [row["by_seed"]], paired=False)
        row.update(found.score_interval().as_dict())
        arms.setdefault((row["benchmark"], row["arm"], row["k"]), []).append(row)
    differences = findings["differences"]
    estimates = []
    for row in differences:
        names = (row["arm"], row["other"])
        by_seed = chosen(arms, row, names)
        estimates.append(reconstructed(row, by_seed, paired=study.same_models(*names)))
    planned = [index for index, row in enumerate(differences) if row["k"] in study.planned_k]
    corrected = dict(zip(planned, holm([estimates[index].p_value for index in planned]), strict=True))
    for index, (row, found) in enumerate(zip(differences, estimates, strict=True)):
        p_value = corrected.get(index)
        better = row["arm"] if row["value"] > 0 else row["other"]
        claim = f"{better} solves more" if p_value is not None and p_value <= 1 - LEVEL else NO_DIFFERENCE
        row.update(found.difference_interval().as_dict())
        words = "not tested" if p_value is None else claim
        row.update({"seeds": len(study.seeds), "p_value": p_value, "words": words})
    return findings


def chosen(arms: dict, row: dict, names: tuple[str, str]) -> list[list[float]]:
    """Return the means by seed of two arms, at the settings whose difference was stored."""
    first, second = (arms[row["benchmark"], name, row["k"]] for name in names)
    value = row["value"]
    pair = min(
        ((one, other) for one in first for other in second),
        key=lambda two: abs(two[0]["value"] - two[1]["value"] - value),
    )
    return [item["by_seed"] for item in pair]


def main() -> None:
    study = read_study(sys.argv[1])
    # The stored studies have one base for all seeds.
    study = replace(study, base=replace(study.base, each_seed=False))
    json.dump(recomputed(json.load(sys.stdin), study), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
