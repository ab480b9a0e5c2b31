"""What a study found: pass@k of each arm over all seeds, differences, costs, and the conclusions they support.

Pure: results in, numbers and sentences out.

Each arm is trained once per seed. Its pass@k is the mean over seeds and problems. Intervals are bootstrapped over
problems (for all arms together) and seeds (for each arm separately, but together if each seed has its own base, which
all arms share). So they cover both other problems and other trainings. Three seeds are few; such intervals are too
narrow rather than too wide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import fsum
from random import Random
from statistics import fmean
from typing import Any

from lintseq.evaluation.report_tables import points
from lintseq.evaluation.results import Evaluation, counts_of
from lintseq.evaluation.scoring import RESAMPLES, Interval, interval_of, pass_at_k
from lintseq.lm.backends.backend import SamplingParameters
from lintseq.study.files import Study, StudyBenchmark
from lintseq.study.plan import StudyPlan, setting_name

SeedScores = Sequence[Mapping[str, float]]
"""For each seed, pass@k of each problem."""


@dataclass(frozen=True, slots=True)
class StudyFindings:
    """Everything that was measured."""

    study: Study
    results: Mapping[tuple[str, str, SamplingParameters], Sequence[Evaluation]]
    """By benchmark, arm and sampling setting: one for each seed."""
    trainings: Mapping[str, Sequence[Mapping[str, Any]]]
    """The manifests of each arm's models."""
    seconds: Mapping[str, Mapping[str, Sequence[float]]]
    """The durations of each arm's steps, by kind of step."""


@dataclass(frozen=True, slots=True)
class ArmComparison:
    """The difference between two arms in pass@k on a benchmark."""

    benchmark: str
    arm: str
    other: str
    k: int
    difference: Interval

    @property
    def words(self) -> str:
        """The conclusion that the difference supports."""
        if self.difference.low <= 0 <= self.difference.high:
            return "no difference detected"
        return f"{self.arm if self.difference.low > 0 else self.other} solves more"


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


def comparisons_of(findings: StudyFindings) -> list[ArmComparison]:
    """Return the differences to the baseline, and others that the study asks for, on all but validation problems."""
    study = findings.study
    pairs = [(arm, study.baseline) for arm in study.arms if arm != study.baseline] + list(study.ask.items())
    comparisons = []
    for benchmark, (arm, other) in product(study.benchmarks, pairs):
        settings = [(name, chosen(findings, benchmark, name)) for name in (arm, other)]
        for k in () if benchmark.validation else study.k:
            first, second = (scores_of(findings, benchmark.title, name, setting, k) for name, setting in settings)
            if first and second:
                interval = difference(first, second, paired=study.base.each_seed)
                comparisons.append(ArmComparison(benchmark.title, arm, other, k, interval))
    return comparisons


def as_table(findings: StudyFindings) -> dict[str, Any]:
    """Return pass@k of every arm, benchmark and setting, and the differences, as plain values."""
    rows = []
    for (benchmark, arm, setting), results in findings.results.items():
        for k in findings.study.k:
            if scores := scores_of(findings, benchmark, arm, setting, k):
                row = {"benchmark": benchmark, "arm": arm, "setting": setting_name(setting), "k": k}
                row |= {"seeds": len(results), **mean_of(scores).as_dict(), "by_seed": list(map(_mean, scores))}
                rows.append(row)
    differences = [
        {name: getattr(comparison, name) for name in ("benchmark", "arm", "other", "k", "words")}
        | comparison.difference.as_dict()
        for comparison in comparisons_of(findings)
    ]
    return {"title": findings.study.title, "pass_at_k": rows, "differences": differences}


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


def _mean(scores: Mapping[str, float]) -> float:
    return fmean(scores.values())


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
            _mean(scores)
            for title in validation
            for k in findings.study.k
            for scores in scores_of(findings, title, arm, setting, k)
        )

    return max(settings, key=total)


# Words


def sentences(comparisons: Sequence[ArmComparison], study: Study) -> list[str]:
    """Return what the numbers support, and what they do not, in words."""
    grouped: dict[tuple[str, str, str], list[ArmComparison]] = {}
    for comparison in comparisons:
        key = comparison.benchmark, comparison.arm, comparison.other
        grouped.setdefault(key, []).append(comparison)
    lines = [
        f"{benchmark}, {arm} compared with {other}: {'; '.join(_outcomes(group))}."
        for (benchmark, arm, other), group in grouped.items()
    ]
    if any("no difference detected" in line for line in lines):
        lines.append("Where no difference was detected, there may still be one smaller than the interval is wide.")
    if (seeds := len(study.seeds)) < 3:
        lines.append(
            f"Each arm was trained {'once' if seeds == 1 else 'twice'}, so the variation between trainings is unknown:"
            " the differences are between these models, not between these ways to train."
        )
    if len(comparisons) > 1:
        lines.append(
            f"With {len(comparisons)} comparisons at 95 % confidence, about one in twenty is wrong by chance alone."
        )
    return lines


def _outcomes(comparisons: Sequence[ArmComparison]) -> list[str]:
    """Return a phrase for each outcome, with the k for which it holds."""
    grouped: dict[str, list[str]] = {}
    for comparison in comparisons:
        value = f"pass@{comparison.k} ({points(comparison.difference.value)} points)"
        grouped.setdefault(comparison.words, []).append(value)
    return [f"{words} at {', '.join(values)}" for words, values in grouped.items()]
