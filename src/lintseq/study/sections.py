"""The findings of a study as sections of a report: the answer, each benchmark, how the arms were made.

Pure. The page and the Markdown show the same sections.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from lintseq.evaluation.published import PUBLISHED
from lintseq.evaluation.report_plots import fitted_series, flops_of, operations_plot, pass_plot
from lintseq.evaluation.report_tables import (
    SUMMARY_NUMBERS,
    VERDICTS,
    difference_cell,
    formatted,
    percent,
    published_table,
    score_cell,
    without_empty_rows,
)
from lintseq.evaluation.results import Evaluation
from lintseq.lm.backends.backend import SamplingParameters
from lintseq.reporting.numbers import plural
from lintseq.reporting.plots import Plot, Point, Series, power
from lintseq.reporting.sections import Cell, Section, Table
from lintseq.study.files import Options, StudyArm, StudyBenchmark
from lintseq.study.findings import (
    ArmComparison,
    SeedScores,
    StudyFindings,
    chosen,
    comparisons_of,
    mean_of,
    scores_of,
    sentences,
)

Row = tuple[Cell, ...]

_TRAINING_NUMBERS = (
    ("distinct rows", "plan.own.rows", ",.0f"),
    ("optimizer steps", "plan.own.steps", ",.0f"),
    ("examples seen", "plan.own.examples", ",.0f"),
    ("passes over the examples", "plan.own.passes", ",.2f"),
    ("tokens processed", "outcome.tokens", ",.0f"),
    ("tokens trained on", "outcome.trained_tokens", ",.0f"),
    ("final loss", "outcome.loss", ",.3f"),
    ("operations for training", "outcome.flops", ".2e"),
)
"""Row title, path in the manifest of a finetuned model, and format."""


def sections_of(findings: StudyFindings) -> list[Section]:
    """Return the sections of the report: first the answer, then each benchmark, then how the arms were made."""
    benchmarks = [_benchmark_section(findings, benchmark) for benchmark in findings.study.benchmarks]
    return [_answer(findings), *benchmarks, _arms_section(findings)]


def describe(setting: SamplingParameters) -> str:
    """Return a sampling setting in words."""
    text = f"temperature {setting.temperature:g}"
    text += f", top-p {setting.top_p:g}" if setting.top_p != 1 else ""
    return text + (f", min-p {setting.min_p:g}" if setting.min_p else "")


# The answer


def _answer(findings: StudyFindings) -> Section:
    study, comparisons = findings.study, comparisons_of(findings)
    tables = [
        _comparison_table(benchmark.title, comparisons, study.k)
        for benchmark in study.benchmarks
        if not benchmark.validation
    ]
    return Section("Findings", (*sentences(comparisons, study), *study.notes), tuple(tables))


def _comparison_table(benchmark: str, comparisons: Sequence[ArmComparison], ks: Sequence[int]) -> Table:
    cells: dict[tuple[str, str], dict[int, Cell]] = {}
    for comparison in comparisons:
        if comparison.benchmark == benchmark:
            row = cells.setdefault((comparison.arm, comparison.other), {})
            row[comparison.k] = difference_cell(comparison.difference, comparison.words)
    rows = tuple(
        (Cell(f"{arm} - {other}", "percentage points"), *(row.get(k, Cell("–")) for k in ks))
        for (arm, other), row in cells.items()
    )
    note = "Below each difference: its 95 % confidence interval from 2,000 bootstrap samples of problems and seeds."
    heads = (benchmark, *(f"pass@{k}" for k in ks))
    return Table(f"answer-{benchmark}", f"{benchmark}: differences", heads, rows, note, runs=False)


# A benchmark


@dataclass(frozen=True, slots=True)
class _ArmsOnBenchmark:
    """The arms of a study on one benchmark, each at the setting chosen for it."""

    findings: StudyFindings
    benchmark: StudyBenchmark
    settings: Mapping[str, SamplingParameters]

    @property
    def arms(self) -> list[str]:
        return list(self.settings)

    def results(self, arm: str) -> Sequence[Evaluation]:
        """Return the evaluations of an arm, one for each seed."""
        return self.findings.results[self.benchmark.title, arm, self.settings[arm]]

    def scores(self, arm: str, k: int) -> SeedScores:
        return scores_of(self.findings, self.benchmark.title, arm, self.settings[arm], k)


def _benchmark_section(findings: StudyFindings, benchmark: StudyBenchmark) -> Section:
    study = findings.study
    compared = _ArmsOnBenchmark(findings, benchmark, {arm: chosen(findings, benchmark, arm) for arm in study.arms})
    ks = [k for k in study.k if all(compared.scores(arm, k) for arm in study.arms)]
    tables = [
        _pass_table(compared, ks),
        _seeds_table(compared, ks),
        _settings_table(compared, ks),
        _behavior_table(compared),
    ]
    if study.published and not benchmark.problems and (curves := PUBLISHED.get(benchmark.name)):
        tables.append(published_table(curves, "other models, data and prompts"))
    return Section(
        f"{benchmark.title} (validation)" if benchmark.validation else benchmark.title,
        (*_problem_remarks(compared), _setting_remark(compared)),
        tuple(table for table in tables if table.rows),
        tuple(_plots(compared, ks)),
    )


def _problem_remarks(compared: _ArmsOnBenchmark) -> list[str]:
    """Return how problems were selected, unless all were used."""
    evaluation = compared.results(compared.arms[0])[0]
    if not (selection := evaluation.settings.get("chosen")):
        return []
    benchmark, count = compared.benchmark, plural(selection["problems"], "problem")
    return [f"Only {count} of {benchmark.name}, selected by name: {benchmark.problems}."]


def _setting_remark(compared: _ArmsOnBenchmark) -> str:
    if len({setting for _, _, setting in compared.findings.results}) == 1:
        return f"Sampled at {describe(next(iter(compared.settings.values())))}."
    settings = "; ".join(f"{arm}: {describe(setting)}" for arm, setting in compared.settings.items())
    if any(benchmark.validation for benchmark in compared.findings.study.benchmarks):
        return f"Sampling settings, chosen on the validation problems: {settings}."
    return f"Sampling settings, the best on this benchmark itself, which overestimates all arms: {settings}."


def _pass_table(compared: _ArmsOnBenchmark, ks: Sequence[int]) -> Table:
    rows = tuple(
        (Cell(f"pass@{k}"), *(score_cell(mean_of(compared.scores(arm, k))) for arm in compared.arms)) for k in ks
    )
    note = "Mean over seeds and problems, with its 95 % confidence interval from 2,000 bootstrap samples of both."
    return Table("pass-at-k", "pass@k", ("", *compared.arms), rows, note)


def _seeds_table(compared: _ArmsOnBenchmark, ks: Sequence[int]) -> Table:
    seeds = compared.findings.study.seeds
    rows = [
        (Cell(f"pass@{k}, seed {seed}"), *(_mean_cell([compared.scores(arm, k)[index]]) for arm in compared.arms))
        for k in ks
        for index, seed in enumerate(seeds)
        if len(seeds) > 1
    ]
    return Table("seeds", "Each seed", ("", *compared.arms), tuple(rows), "Each seed is a separate training.")


def _settings_table(compared: _ArmsOnBenchmark, ks: Sequence[int]) -> Table:
    findings, title = compared.findings, compared.benchmark.title
    settings = list(dict.fromkeys(setting for name, _, setting in findings.results if name == title))
    rows = [
        (
            Cell(f"pass@{k}", describe(setting)),
            *(_mean_cell(scores_of(findings, title, arm, setting, k)) for arm in compared.arms),
        )
        for setting in settings
        for k in ks
        if len(settings) > 1
    ]
    return Table("settings", "Each sampling setting", ("", *compared.arms), tuple(rows))


def _mean_cell(scores: SeedScores) -> Cell:
    return Cell(percent(fsum(fsum(seed.values()) / len(seed) for seed in scores) / len(scores)))


def _behavior_table(compared: _ArmsOnBenchmark) -> Table:
    def mean(arm: str, group: str, key: str) -> float | None:
        values = [evaluation.summary.get(group, {}).get(key) for evaluation in compared.results(arm)]
        return _mean([float(value) for value in values if value is not None])

    rows: list[Row] = [
        (Cell(name, note), *(Cell(formatted(mean(arm, group, key), spec)) for arm in compared.arms))
        for name, group, key, spec, note in SUMMARY_NUMBERS
    ]
    verdicts = {
        arm: [row.verdict for evaluation in compared.results(arm) for row in evaluation.rows] for arm in compared.arms
    }
    for verdict in VERDICTS:
        shares = [found.count(verdict) / len(found) for found in verdicts.values()]
        if any(shares):
            rows.append((Cell(f"verdict {verdict}"), *(Cell(percent(share)) for share in shares)))
    return Table("facts", "Completions", ("", *compared.arms), without_empty_rows(rows), "Means over seeds.")


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _plots(compared: _ArmsOnBenchmark, ks: Sequence[int]) -> list[Plot]:
    if not ks:
        return []
    by_k, by_operations = [], []
    for arm in compared.arms:
        points, costed = [], []
        for k in ks:
            score = mean_of(compared.scores(arm, k))
            text = f"{arm}, pass@{k}: {percent(score.value)}"
            points.append(Point(k, score.value, score.low, score.high, text))
            costs = [flops_of(evaluation.summary, k) for evaluation in compared.results(arm)]
            if all(costs):
                cost = fsum(cost for cost in costs if cost) / len(costs)
                costed.append(Point(cost, score.value, tooltip=f"{text}, {power(cost)} operations"))
        by_k.append(Series(arm, tuple(points)))
        if costed:
            by_operations.append(fitted_series(arm, costed))
    plots = [pass_plot(by_k, ks, "Vertical bars: 95 % confidence intervals over problems and seeds.")]
    if len({point.x for series in by_operations for point in series.points}) > 1:
        note = "Points: means over seeds. Line: least squares in log operations."
        plots.append(operations_plot(by_operations, note))
    return plots


# How the arms were made


def _arms_section(findings: StudyFindings) -> Section:
    rows = [*_configuration_rows(findings), *_training_rows(findings)]
    for kind in ("build", "finetune", "complete", "evaluate"):
        means = [_mean(findings.seconds[arm].get(kind, [])) for arm in findings.study.arms]
        rows.append((Cell(f"seconds per {kind} step"), *(Cell(formatted(mean, ",.1f")) for mean in means)))
    heads = ("", *findings.study.arms)
    table = Table("making", "How the arms were made", heads, without_empty_rows(rows), "Means over seeds.")
    return Section("The arms", tables=(table,))


def _configuration_rows(findings: StudyFindings) -> list[Row]:
    """Return the settings of each arm in the study file."""
    arms = findings.study.arms

    def row(title: str, value: Callable[[StudyArm, StudyArm], str]) -> Row:
        """`value` takes the arm, and the arm whose models it uses."""
        texts = [value(arm, arms[arm.same_model_as] if arm.same_model_as else arm) for arm in arms.values()]
        return Cell(title), *(Cell(text or "–") for text in texts)

    def edits(model: StudyArm, text: str) -> str:
        return text if model.trains_on == "edits" else ""

    return [
        row("trained on", lambda arm, model: edits(model, "edits") or "whole programs"),
        row("linter", lambda arm, model: edits(model, model.linter)),
        row("edit sequences per program", lambda arm, model: edits(model, str(model.samples))),
        row("format", lambda arm, model: edits(model, model.format)),
        row("options of build", lambda arm, model: _listed(model.build)),
        row("changes to the recipe", lambda arm, model: ", ".join(model.set)),
        row("options of complete", lambda arm, model: _listed(arm.complete)),
    ]


def _training_rows(findings: StudyFindings) -> list[Row]:
    """Return the numbers that the finetuned models record in their manifests."""
    rows = []
    for title, path, spec in _TRAINING_NUMBERS:
        cells = []
        for arm in findings.study.arms:
            values = [_number(manifest, path) for manifest in findings.trainings[arm]]
            cells.append(Cell(formatted(_mean([value for value in values if value is not None]), spec)))
        rows.append((Cell(title), *cells))
    return rows


def _number(manifest: Mapping[str, Any], path: str) -> float | None:
    """Return the number at a path such as `outcome.loss`, if there is one."""
    value: Any = manifest
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, (int, float)) else None


def _listed(options: Options) -> str:
    """Return options of a command as text."""
    return ", ".join(f"{name}={str(value).lower() if value is True else value}" for name, value in options.items())
