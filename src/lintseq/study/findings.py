"""What a study found: pass@k of each arm over all seeds, differences, costs, and the conclusions they support.

Pure: results in, numbers and sentences out.

Each arm is trained once per seed. Its pass@k is the mean over seeds and problems. Intervals are bootstrapped over
problems (for all arms together) and seeds (for each arm separately, but together if each seed has its own base, which
all arms share). So they cover both other problems and other trainings. Three seeds are few; such intervals are too
narrow rather than too wide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import fsum
from random import Random
from statistics import fmean
from typing import Any

from lintseq.evaluation.comparison import PairDifference, in_words
from lintseq.evaluation.report_tables import points
from lintseq.evaluation.results import Evaluation, counts_of
from lintseq.evaluation.scoring import RESAMPLES, Interval, interval_of, pass_at_k
from lintseq.lm.backends.backend import SamplingParameters
from lintseq.study.files import Study, StudyBenchmark
from lintseq.study.plan import StudyPlan

SeedScores = Sequence[Mapping[str, float]]
"""For each seed, pass@k of each problem."""


@dataclass(frozen=True, slots=True)
class StudyFindings:
    """Everything that was measured."""

    study: Study
    """The study file."""
    results: Mapping[tuple[str, str, SamplingParameters], Sequence[Evaluation]]
    """By benchmark, arm and sampling setting: one for each seed."""
    trainings: Mapping[str, Sequence[Mapping[str, Any]]]
    """The manifests of each arm's models."""
    seconds: Mapping[str, Mapping[str, Sequence[float]]]
    """The durations of each arm's steps, by kind of step."""


def gather(
    plan: StudyPlan,
    results: Mapping[str, Evaluation],
    manifests: Mapping[str, Mapping[str, Any]],
    durations: Mapping[str, float],
) -> StudyFindings:
    """Return the findings from the output of the steps.

    `results` are by step, `manifests` by model folder, `durations` in seconds by step.
    """
    study = plan.study
    grouped: dict[tuple[str, str, SamplingParameters], list[Evaluation]] = {}
    for result in plan.results:
        grouped.setdefault((result.benchmark, result.arm, result.setting), []).append(results[result.step])
    trainings = {
        arm: [manifests[plan.models[arm, seed]] for seed in study.seeds if plan.models[arm, seed] in manifests]
        for arm in study.arms
    }
    seconds: dict[str, dict[str, list[float]]] = {arm: {} for arm in study.arms}
    for step in plan.steps:
        if step.arm and step.name in durations:
            seconds[step.arm].setdefault(step.kind, []).append(durations[step.name])
    return StudyFindings(study, grouped, trainings, seconds)


def comparisons_of(findings: StudyFindings) -> dict[str, list[PairDifference]]:
    """Return by benchmark the differences to the baseline, and others that the study asks for.

    Validation problems have none.
    """
    study = findings.study
    pairs = [(arm, study.baseline) for arm in study.arms if arm != study.baseline] + list(study.ask.items())
    return {
        benchmark.title: [_compare(findings, benchmark, arm, other) for arm, other in pairs]
        for benchmark in study.benchmarks
        if not benchmark.validation
    }


def _compare(findings: StudyFindings, benchmark: StudyBenchmark, arm: str, other: str) -> PairDifference:
    settings = [(name, chosen(findings, benchmark, name)) for name in (arm, other)]
    intervals: dict[int, Interval | None] = {}
    for k in findings.study.k:
        scores = [scores_of(findings, benchmark.title, name, setting, k) for name, setting in settings]
        intervals[k] = difference(*scores, paired=findings.study.base.varies) if all(scores) else None
    problems = ({row.task_id for row in findings.results[benchmark.title, *setting][0].rows} for setting in settings)
    return PairDifference(other, arm, len(set.intersection(*problems)), intervals)


def as_table(findings: StudyFindings) -> dict[str, Any]:
    """Return pass@k of every arm, benchmark and setting, and the differences, as plain values."""
    rows = []
    for benchmark, arm, setting in findings.results:
        for k in findings.study.k:
            if scores := scores_of(findings, benchmark, arm, setting, k):
                by_seed = [fmean(seed.values()) for seed in scores]
                row = {"benchmark": benchmark, "arm": arm, "setting": setting.name, "k": k, "seeds": len(scores)}
                rows.append({**row, **mean_of(scores).as_dict(), "by_seed": by_seed})
    differences = [
        {"benchmark": benchmark, "arm": pair.second, "other": pair.first, "k": k, "words": words, **found.as_dict()}
        for benchmark, pair, k, found, words in _differences(comparisons_of(findings))
    ]
    return {"title": findings.study.title, "pass_at_k": rows, "differences": differences}


def _differences(
    comparisons: Mapping[str, Sequence[PairDifference]],
) -> Iterator[tuple[str, PairDifference, int, Interval, str]]:
    """Yield the defined differences: benchmark, arms, k, interval, and what it shows."""
    for benchmark, pairs in comparisons.items():
        for pair in pairs:
            for k, found in pair.intervals.items():
                if found is not None:
                    yield benchmark, pair, k, found, in_words(found, pair.first, pair.second)


# Numbers


def scores_of(
    findings: StudyFindings, benchmark: str, arm: str, setting: SamplingParameters, k: int
) -> list[dict[str, float]]:
    """Return pass@k of each problem for each seed; empty if a problem has fewer than k completions."""
    scores = []
    for results in findings.results[benchmark, arm, setting]:
        counts = counts_of(results.rows)
        if not counts or min(n for n, _ in counts.values()) < k:
            return []
        scores.append({problem: pass_at_k(n, c, k) for problem, (n, c) in counts.items()})
    return scores


def mean_of(scores: SeedScores) -> Interval:
    """Return the mean over seeds and problems with its 95 % interval."""
    return _bootstrap([scores])


def difference(scores: SeedScores, other: SeedScores, *, paired: bool = False) -> Interval:
    """Return the difference of the means with its 95 % interval, on the problems that both have.

    `paired` if the two share something at each seed, such as the base model.
    """
    return _bootstrap([scores, other], paired=paired)


def _bootstrap(arms: Sequence[SeedScores], *, paired: bool = False) -> Interval:
    """Return the mean of the first arm, minus that of the second if there is one, with its interval."""
    rng = Random(0)
    problems = sorted(set.intersection(*(set(seed) for scores in arms for seed in scores)))

    @cache  # there are few combinations of few seeds
    def by_problem(arm: int, seeds: tuple[int, ...]) -> list[float]:
        return [fmean(arms[arm][index][problem] for index in seeds) for problem in problems]

    value, *others = (fmean(by_problem(arm, tuple(range(len(scores))))) for arm, scores in enumerate(arms))
    resampled = []
    for _ in range(RESAMPLES):
        drawn_problems = rng.choices(range(len(problems)), k=len(problems))
        means = []
        seeds: tuple[int, ...] = ()
        for arm, scores in enumerate(arms):
            if not paired or not seeds:
                seeds = tuple(sorted(rng.choices(range(len(scores)), k=len(scores))))
            values = by_problem(arm, seeds)
            means.append(sum(map(values.__getitem__, drawn_problems)) / len(problems))
        resampled.append(means[0] - sum(means[1:]))
    return interval_of(value - sum(others), resampled)


def chosen(findings: StudyFindings, benchmark: StudyBenchmark, arm: str) -> SamplingParameters:
    """Return the setting at which an arm is compared: the best on the validation problems, or else on these."""
    settings = [setting for name, other, setting in findings.results if (name, other) == (benchmark.title, arm)]
    validation = [item.title for item in findings.study.benchmarks if item.validation] or [benchmark.title]

    def total(setting: SamplingParameters) -> float:
        return fsum(
            fmean(scores.values())
            for title in validation
            for k in findings.study.k
            for scores in scores_of(findings, title, arm, setting, k)
        )

    return max(settings, key=total)


# Words


def sentences(comparisons: Mapping[str, Sequence[PairDifference]], study: Study) -> list[str]:
    """Return conclusions as text: what the numbers support, and what they do not."""
    outcomes: dict[str, dict[str, list[str]]] = {}
    differences = list(_differences(comparisons))
    for benchmark, pair, k, found, words in differences:
        outcome = outcomes.setdefault(f"{benchmark}, {pair.second} compared with {pair.first}", {})
        outcome.setdefault(words, []).append(f"pass@{k} ({points(found.value)} points)")
    lines = [
        compared + ": " + "; ".join(f"{words} at {', '.join(values)}" for words, values in outcome.items()) + "."
        for compared, outcome in outcomes.items()
    ]
    if any("no difference detected" in line for line in lines):
        lines.append("Where no difference was detected, there may still be one smaller than the interval is wide.")
    if (seeds := len(study.seeds)) < 3:
        lines.append(
            f"Each arm was trained {'once' if seeds == 1 else 'twice'}, so the variation between trainings is unknown:"
            " the differences are between these models, not between these ways to train."
        )
    if (count := len(differences)) > 1:
        lines.append(f"With {count} comparisons at 95 % confidence, about one in twenty is wrong by chance alone.")
    return lines
