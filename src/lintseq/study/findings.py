"""What a study found: pass@k of each arm over all seeds, differences, and the conclusions they support.

Pure: results in, numbers and sentences out.

Each arm is trained once per seed. Its pass@k is the mean over seeds and problems, and intervals cover other trainings
and other problems. Arms that share something at each seed, their model or its base, are compared seed by seed. Claims
are made about the comparisons that the study file plans, corrected for their number. With one seed, they are about
these models, not about ways to train.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from statistics import fmean
from typing import Any

from lintseq.evaluation.intervals import LEVEL, Estimate, Interval, estimate, holm
from lintseq.evaluation.report_tables import points
from lintseq.evaluation.results import Evaluation, counts_of
from lintseq.evaluation.scoring import Counts, problem_scores
from lintseq.lm.backends.backend import SamplingParameters
from lintseq.reporting.numbers import plural
from lintseq.study.files import Study, StudyBenchmark
from lintseq.study.plan import StudyPlan

ResultKey = tuple[str, str, SamplingParameters]
"""Benchmark, arm and sampling setting."""
NO_DIFFERENCE = "no difference detected"


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What the model of one seed scored on a benchmark."""

    seed: int
    counts: Counts
    summary: Mapping[str, Any]
    """That of the evaluation."""


@dataclass(frozen=True, slots=True)
class StudyFindings:
    """Everything that was measured, without the programs: enough for the report."""

    study: Study
    """The study file."""
    results: Mapping[ResultKey, Sequence[SeedResult]]
    """By benchmark, arm and sampling setting: one for each seed."""
    trainings: Mapping[str, Sequence[Mapping[str, Any]]]
    """What the manifests of each arm's models say about plan and outcome."""
    seconds: Mapping[str, Mapping[str, Sequence[float]]]
    """The durations of each arm's steps, by kind of step."""
    commands: str
    """All commands, one on each line."""


@dataclass(frozen=True, slots=True)
class ArmsOnBenchmark:
    """The arms of a study on one benchmark, each at one sampling setting."""

    findings: StudyFindings
    benchmark: StudyBenchmark
    settings: Mapping[str, SamplingParameters]
    remark: str = ""
    """Part of the title, if the benchmark is reported at several settings."""

    @property
    def title(self) -> str:
        return f"{self.benchmark.title}, {self.remark}" if self.remark else self.benchmark.title

    @property
    def arms(self) -> list[str]:
        return list(self.settings)

    def results(self, arm: str) -> Sequence[SeedResult]:
        """Return the results of an arm, one for each seed."""
        return self.findings.results.get((self.benchmark.title, arm, self.settings[arm]), ())

    def scores(self, arm: str, k: int) -> dict[int, dict[str, float]]:
        """Return pass@k of each problem for each seed; empty if it is not defined for some seed."""
        found = {result.seed: problem_scores(result.counts, k) for result in self.results(arm)}
        return found if all(found.values()) else {}

    def mean(self, arm: str, k: int) -> Interval | None:
        """Return the mean over seeds and problems with its 95 % interval."""
        scores = self.scores(arm, k)
        return estimate(list(scores.values())).score_interval() if scores else None


@dataclass(frozen=True, slots=True)
class StudyComparison:
    """How far pass@k of an arm is above that of another."""

    view: ArmsOnBenchmark
    arm: str
    other: str
    k: int
    found: Estimate
    seeds: int
    """Trainings of the arm that has fewer."""
    p_value: float | None = None
    """Corrected for the number of planned comparisons; None if this one was not planned."""

    @property
    def interval(self) -> Interval:
        return self.found.difference_interval()

    @property
    def words(self) -> str:
        """What it shows."""
        better = self.arm if self.found.value > 0 else self.other
        if self.p_value is None:
            return "not tested"
        if self.p_value > 1 - LEVEL:
            return NO_DIFFERENCE
        return f"{better} solves more" if self.seeds > 1 else f"this model of {better} solves more"


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
    grouped: dict[ResultKey, list[SeedResult]] = {}
    for result in plan.results:
        evaluation = results[result.step]
        found = SeedResult(result.seed, counts_of(evaluation.rows), evaluation.summary)
        grouped.setdefault((result.benchmark, result.arm, result.setting), []).append(found)
    trainings: dict[str, list[Mapping[str, Any]]] = {arm: [] for arm in study.arms}
    for (arm, _), model in plan.models.items():
        if manifest := manifests.get(model):
            trainings[arm].append({part: manifest.get(part, {}) for part in ("plan", "outcome")})
    seconds: dict[str, dict[str, list[float]]] = {arm: {} for arm in study.arms}
    for step in plan.steps:
        if step.arm and step.name in durations:
            seconds[step.arm].setdefault(step.kind, []).append(durations[step.name])
    return StudyFindings(study, grouped, trainings, seconds, plan.commands("STUDY"))


# Numbers


def describe(setting: SamplingParameters) -> str:
    """Return a sampling setting as text."""
    text = f"temperature {setting.temperature:g}"
    text += f", top-p {setting.top_p:g}" if setting.top_p != 1 else ""
    return text + (f", min-p {setting.min_p:g}" if setting.min_p else "")


def settings_of(findings: StudyFindings) -> list[SamplingParameters]:
    """Return the sampling settings at which the study was evaluated."""
    return list(dict.fromkeys(setting for _, _, setting in findings.results))


def views_of(findings: StudyFindings) -> list[ArmsOnBenchmark]:
    """Return the arms on each benchmark, at the setting chosen on the validation problems, or else at every setting.

    The best setting on the problems themselves would overestimate all arms.
    """
    study, views = findings.study, []
    for benchmark in study.benchmarks:
        settings = settings_of(findings)
        if len(settings) > 1 and not any(item.validation for item in study.benchmarks):
            views += [
                ArmsOnBenchmark(findings, benchmark, dict.fromkeys(study.arms, setting), describe(setting))
                for setting in settings
            ]
        else:
            views.append(ArmsOnBenchmark(findings, benchmark, {arm: chosen(findings, arm) for arm in study.arms}))
    return views


def chosen(findings: StudyFindings, arm: str) -> SamplingParameters:
    """Return the setting of an arm that is best on the validation problems at the values of k that are tested.

    Without validation problems, return the first.
    """
    validation = [item for item in findings.study.benchmarks if item.validation]

    def total(setting: SamplingParameters) -> float:
        views = [ArmsOnBenchmark(findings, benchmark, {arm: setting}) for benchmark in validation]
        scores = [view.scores(arm, k) for view in views for k in findings.study.planned_k]
        return fsum(fmean(fmean(seed.values()) for seed in found.values()) for found in scores if found)

    return max(settings_of(findings), key=total)


def comparisons_of(findings: StudyFindings) -> list[StudyComparison]:
    """Return the differences to the baseline, and others that the study asks for; validation problems have none.

    Planned are those at `claims_at`. Their p-values are corrected together.
    """
    study = findings.study
    views = [view for view in views_of(findings) if not view.benchmark.validation]
    every = [
        comparison
        for view in views
        for arm, other in study.compared
        for k in study.k
        if (comparison := _compare(view, arm, other, k))
    ]
    planned = [comparison for comparison in every if comparison.k in study.planned_k]
    corrected = dict(zip(map(id, planned), holm([item.found.p_value for item in planned]), strict=True))
    return [replace(item, p_value=corrected.get(id(item))) for item in every]


def _compare(view: ArmsOnBenchmark, arm: str, other: str, k: int) -> StudyComparison | None:
    """Return the difference between two arms; None if they have no scores on the same problems."""
    first, second = view.scores(arm, k), view.scores(other, k)
    paired = view.findings.study.paired(arm, other)
    if paired:
        first, second = (
            {seed: scores[seed] for seed in scores if seed in first and seed in second} for scores in (first, second)
        )
    problems = [set(scores) for arm_scores in (first, second) for scores in arm_scores.values()]
    if not first or not second or not set.intersection(*problems):
        return None
    arms = (list(first.values()), list(second.values()))
    return StudyComparison(view, arm, other, k, estimate(*arms, paired=paired), min(len(first), len(second)))


def as_table(findings: StudyFindings) -> dict[str, Any]:
    """Return pass@k of every arm, benchmark and setting, and the differences, as plain values."""
    rows = []
    benchmarks = {benchmark.title: benchmark for benchmark in findings.study.benchmarks}
    for title, arm, setting in findings.results:
        view = ArmsOnBenchmark(findings, benchmarks[title], {arm: setting})
        for k in findings.study.k:
            if mean := view.mean(arm, k):
                by_seed = [fmean(scores.values()) for scores in view.scores(arm, k).values()]
                row = {"benchmark": title, "arm": arm, "setting": setting.name, "k": k, "seeds": len(by_seed)}
                rows.append({**row, **mean.as_dict(), "by_seed": by_seed})
    differences = [
        {"benchmark": item.view.title, "arm": item.arm, "other": item.other, "k": item.k, "seeds": item.seeds}
        | {"words": item.words, "p_value": item.p_value, **item.interval.as_dict()}
        for item in comparisons_of(findings)
    ]
    return {"title": findings.study.title, "pass_at_k": rows, "differences": differences}


# Words


def sentences(findings: StudyFindings) -> list[str]:
    """Return the answer as text: what the numbers support."""
    found: dict[str, list[str]] = {}
    for item in comparisons_of(findings):
        if item.p_value is not None:
            found.setdefault(item.view.title, []).append(_in_words(item))
    lines = [f"On {title}: {'; '.join(texts)}." for title, texts in found.items()]
    return [*lines, *_limits(findings)] or ["No two arms have scores on the same problems, so nothing is compared."]


def _in_words(item: StudyComparison) -> str:
    value, low, high = (points(value) for value in item.interval.as_dict().values())
    numbers = f"pass@{item.k} {value} points, {low} to {high}"
    if item.words == NO_DIFFERENCE:
        return f"no difference detected between {item.arm} and {item.other} ({numbers})"
    worse = item.other if item.found.value > 0 else item.arm
    return f"{item.words} than {worse} ({numbers})"


def _limits(findings: StudyFindings) -> Iterator[str]:
    """Yield what nothing can be said about: ways to train with one seed, other problems with one problem."""
    study = findings.study
    measured = [view for view in views_of(findings) if not view.benchmark.validation]
    seeds = {arm: {result.seed for view in measured for result in view.results(arm)} for arm in study.arms}
    if any(len(known) == 1 for known in seeds.values()):
        yield (
            "Where an arm was trained once, how much trainings vary is unknown: the differences are between these"
            " models, and nothing follows about ways to train."
        )
    elif any(len(known) == 2 for known in seeds.values()):
        yield "With two seeds, up to 9 % of studies make a false claim, instead of 5 % with three or more."
    for arm, known in seeds.items():
        if missing := [seed for seed in study.seeds if seed not in known]:
            yield f"{arm} has no results for {plural(len(missing), 'seed')}: {', '.join(map(str, missing))}."
    for view in measured:
        if not all(view.scores(arm, min(study.k)) for arm in view.arms):
            empty = [arm for arm in view.arms if not view.scores(arm, min(study.k))]
            yield f"On {view.title}, {', '.join(empty)} has problems without enough judged completions: no score."
        problems = {problem for arm in view.arms for result in view.results(arm) for problem in result.counts}
        if len(problems) == 1:
            yield f"{view.title} has one problem: nothing follows about others."
        verdicts = {c / n for arm in view.arms for result in view.results(arm) for n, c in result.counts.values() if n}
        if len(verdicts) == 1 and verdicts <= {0.0, 1.0}:
            every = "all completions pass" if verdicts == {1.0} else "no completion passes"
            yield f"On {view.title}, {every}, whatever the arm: it cannot tell them apart."
