"""What a study found: pass@k of each arm over all seeds, differences, costs, and what may be said of them.

Pure: results in, numbers and sentences out.

Each arm is trained once for each seed. Its pass@k is the mean over seeds and problems. Intervals are by a bootstrap
that draws problems (for all arms together) and seeds (for each arm on its own, but together where each seed has a
base, which all arms share), so that they hold both what other problems and what other trainings would have given;
three seeds are few, and such intervals are too narrow rather than too wide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import fsum
from random import Random
from typing import Any

from lintseq.evaluation.report_tables import points
from lintseq.evaluation.results import Evaluation, counts_of
from lintseq.evaluation.scoring import RESAMPLES, Interval, interval_of, pass_at_k
from lintseq.study.files import Benchmark, Study, label
from lintseq.study.plan import Measured, Plan, Setting

Scores = Sequence[Mapping[str, float]]
"""For each seed, pass@k of each problem."""


@dataclass(frozen=True, slots=True)
class Found:
    """All that was measured, ready to be told."""

    study: Study
    results: Mapping[tuple[str, str, Setting], Sequence[Evaluation]]
    """By benchmark, arm and setting: one for each seed."""
    trainings: Mapping[str, Sequence[Mapping[str, Any]]]
    """Of each arm: what each finetuning said of itself."""
    seconds: Mapping[str, Mapping[str, Sequence[float]]]
    """Of each arm: what steps of each kind took."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an arm stands beside another."""

    benchmark: str
    arm: str
    other: str
    k: int
    difference: Interval

    @property
    def words(self) -> str:
        """Say what was seen."""
        if self.difference.low <= 0 <= self.difference.high:
            return "no difference seen"
        return f"{self.arm if self.difference.low > 0 else self.other} solves more"


def gather(
    study: Study,
    plan: Plan,
    results: Mapping[str, Evaluation],
    manifests: Mapping[str, Mapping[str, Any]],
    notes: Mapping[str, Mapping[str, Any]],
) -> Found:
    """Sort what the steps left; `results` by step, `manifests` by model folder, `notes` by step."""
    by_what: dict[tuple[str, str, Setting], list[Evaluation]] = {}
    for one in plan.results:
        by_what.setdefault((one.benchmark, one.arm, one.setting), []).append(results[one.step])
    trainings = {
        arm: [manifests[plan.models[arm, seed]] for seed in study.seeds if plan.models[arm, seed] in manifests]
        for arm in study.arms
    }
    seconds: dict[str, dict[str, list[float]]] = {arm: {} for arm in study.arms}
    for step in plan.steps:
        for arm in study.arms:
            if step.name in notes and _is_of(step.name, arm, plan.results):
                seconds[arm].setdefault(step.kind, []).append(float(notes[step.name]["seconds"]))
    return Found(study, by_what, trainings, seconds)


def verdicts_of(found: Found) -> list[Verdict]:
    """Return how arms stand beside the baseline, and beside others if the study asks, on all but validation."""
    study = found.study
    asked = [(arm, study.baseline) for arm in study.arms if arm != study.baseline] + list(study.ask.items())
    told = []
    for bench in study.benchmarks:
        if bench.validation:
            continue
        for arm, other in asked:
            for k in study.k:
                one, two = (
                    scores_of(found, label(bench), name, chosen(found, bench, name), k) for name in (arm, other)
                )
                if one and two:
                    apart = difference(one, two, paired=study.base.each_seed)
                    told.append(Verdict(label(bench), arm, other, k, apart))
    return told


def as_table(found: Found) -> dict[str, Any]:
    """Return pass@k of every arm, benchmark and setting, and the differences, as plain data."""
    study = found.study
    scored = []
    for (bench, arm, setting), results in found.results.items():
        for k in study.k:
            if scores := scores_of(found, bench, arm, setting, k):
                told = {"benchmark": bench, "arm": arm, "setting": setting.name, "k": k, "seeds": len(results)}
                scored.append(told | mean_of(scores).as_dict() | {"by_seed": [_mean(one) for one in scores]})
    verdicts = [
        {"benchmark": one.benchmark, "arm": one.arm, "other": one.other, "k": one.k, "words": one.words}
        | one.difference.as_dict()
        for one in verdicts_of(found)
    ]
    return {"title": study.title, "pass_at_k": scored, "differences": verdicts}


# Numbers


def scores_of(found: Found, bench: str, arm: str, setting: Setting, k: int) -> list[dict[str, float]]:
    """Return pass@k of each problem for each seed; empty where some problem has fewer completions."""
    told = []
    for results in found.results[bench, arm, setting]:
        counts = counts_of(results.rows)
        if not counts or min(n for n, _ in counts.values()) < k:
            return []
        told.append({problem: pass_at_k(n, c, k) for problem, (n, c) in counts.items()})
    return told


def mean_of(scores: Scores, *, seed: int = 0) -> Interval:
    """Return the mean over seeds and problems with its interval."""
    problems = _common([scores])
    return _bootstrap(problems, [scores], lambda means: means[0], seed)


def difference(one: Scores, other: Scores, *, paired: bool = False, seed: int = 0) -> Interval:
    """Return by how much the first is above the second, on the problems that both have.

    `paired` if the two have something in common at each seed, such as the model that they were trained from.
    """
    problems = _common([one, other])
    return _bootstrap(problems, [one, other], lambda means: means[0] - means[1], seed, paired=paired)


def _mean(scores: Mapping[str, float]) -> float:
    return fsum(scores.values()) / len(scores)


def _common(arms: Sequence[Scores]) -> list[str]:
    return sorted(set.intersection(*(set(seed) for scores in arms for seed in scores)))


def _bootstrap(
    problems: Sequence[str], arms: Sequence[Scores], statistic: Any, seed: int, *, paired: bool = False
) -> Interval:
    rng = Random(seed)
    places = range(len(problems))

    def mean(number: int, seeds: tuple[int, ...]) -> list[float]:
        scores = arms[number]
        return [fsum(scores[one][problem] for one in seeds) / len(seeds) for problem in problems]

    by_seeds = cache(mean)  # few ways to draw few seeds
    every = [by_seeds(number, tuple(range(len(scores)))) for number, scores in enumerate(arms)]
    value = statistic([fsum(values) / len(problems) for values in every])
    drawn = []
    for _ in range(RESAMPLES):
        chosen_problems = rng.choices(places, k=len(problems))
        means = []
        seeds: tuple[int, ...] = ()
        for number, scores in enumerate(arms):
            if not paired or not seeds:
                seeds = tuple(sorted(rng.choices(range(len(scores)), k=len(scores))))
            values = by_seeds(number, seeds)
            means.append(sum(map(values.__getitem__, chosen_problems)) / len(problems))
        drawn.append(statistic(means))
    return interval_of(value, drawn)


def chosen(found: Found, bench: Benchmark, arm: str) -> Setting:
    """Return the setting that an arm is judged by: the best on the validation benchmarks, else on this one."""
    settings = [setting for name, other, setting in found.results if (name, other) == (label(bench), arm)]
    validation = [one for one in found.study.benchmarks if one.validation] or [bench]

    def worth(setting: Setting) -> float:
        told: list[float] = []
        for one in validation:
            for k in found.study.k:
                scores = scores_of(found, label(one), arm, setting, k)
                told += map(_mean, scores)
        return fsum(told)

    return max(settings, key=worth)


def sentences(verdicts: Sequence[Verdict], study: Study) -> list[str]:
    """Say in words what the numbers support, and what they do not."""
    told = []
    for bench in dict.fromkeys(one.benchmark for one in verdicts):
        for arm, other in dict.fromkeys((one.arm, one.other) for one in verdicts if one.benchmark == bench):
            mine = [one for one in verdicts if (one.benchmark, one.arm, one.other) == (bench, arm, other)]
            told.append(f"{bench}, {arm} beside {other}: {'; '.join(_groups(mine))}.")
    if any("no difference seen" in one for one in told):
        told.append("Where no difference was seen, there may still be one that is smaller than the interval is wide.")
    seeds = len(study.seeds)
    if seeds < 3:
        told.append(
            f"Each arm was trained {'once' if seeds == 1 else 'twice'}, so that what another training would give"
            " is not known: read the differences as of these models, not of these ways to train."
        )
    if len(verdicts) > 1:
        told.append(f"{len(verdicts)} comparisons were made, each at 95 %: about one in twenty errs by chance alone.")
    return told


def _groups(verdicts: Sequence[Verdict]) -> list[str]:
    """Return one phrase for each outcome, with the k that it was seen at."""
    groups: dict[str, list[Verdict]] = {}
    for one in verdicts:
        groups.setdefault(one.words, []).append(one)
    return [
        f"{words} at {', '.join(f'pass@{one.k} ({points(one.difference.value)} points)' for one in mine)}"
        for words, mine in groups.items()
    ]


def _is_of(step: str, arm: str, results: Sequence[Measured]) -> bool:
    kind, _, rest = step.partition(" ")
    if kind == "build":
        return rest == arm
    if kind == "finetune":
        return rest.rpartition(" ")[0] == arm
    return any(one.arm == arm and one.step.partition(" ")[2] == rest for one in results)
