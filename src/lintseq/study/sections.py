"""The findings of a study as sections of a report: the answer, each benchmark, how the arms were made.

Pure. The page and the Markdown show the same sections.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from lintseq.evaluation.published import PUBLISHED
from lintseq.evaluation.report_plots import costs_of, plots_of
from lintseq.evaluation.report_tables import (
    SUMMARY_NUMBERS,
    VERDICTS,
    difference_rows,
    formatted,
    published_table,
    score_cell,
    without_empty_rows,
)
from lintseq.evaluation.results import Evaluation
from lintseq.evaluation.scoring import Interval
from lintseq.lm.backends.backend import SamplingParameters
from lintseq.reporting.numbers import percent, plural
from lintseq.reporting.sections import Cell, Section, Table
from lintseq.study.files import StudyBenchmark
from lintseq.study.findings import SeedScores, StudyFindings, chosen, comparisons_of, mean_of, scores_of, sentences

Row = tuple[Cell, ...]

_NUMBERS_FILE = Path(__file__).with_name("training_numbers.toml")
_TRAINING_NUMBERS: Mapping[str, tuple[str, str]] = tomllib.loads(_NUMBERS_FILE.read_text(encoding="utf-8"))
"""By row title: path in the manifest of a finetuned model, and format."""


def sections_of(findings: StudyFindings) -> list[Section]:
    """Return the sections of the report: first the answer, then each benchmark, then how the arms were made."""
    benchmarks = [_benchmark_section(findings, benchmark) for benchmark in findings.study.benchmarks]
    return [_answer(findings), *benchmarks, _arms_section(findings)]


def describe(setting: SamplingParameters) -> str:
    """Return a sampling setting as text."""
    text = f"temperature {setting.temperature:g}"
    text += f", top-p {setting.top_p:g}" if setting.top_p != 1 else ""
    return text + (f", min-p {setting.min_p:g}" if setting.min_p else "")


# The answer


def _answer(findings: StudyFindings) -> Section:
    study, comparisons = findings.study, comparisons_of(findings)
    note = "Below each difference: its 95 % confidence interval from 2,000 bootstrap samples of problems and seeds."
    tables = []
    for benchmark, pairs in comparisons.items():
        heads = (benchmark, *(f"pass@{k}" for k in study.k))
        rows = without_empty_rows(difference_rows(pairs))
        tables.append(Table(f"answer-{benchmark}", f"{benchmark}: differences", heads, rows, note, runs=False))
    return Section("Findings", (*sentences(comparisons, study), *study.notes), tuple(tables))


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
    scores = {arm: {k: mean_of(compared.scores(arm, k)) for k in ks} for arm in study.arms}
    costs = {arm: _mean_costs(compared.results(arm), ks) for arm in study.arms}
    tables = [_pass_table(compared, scores), _settings_table(compared, ks), _behavior_table(compared)]
    if study.published and not benchmark.problems and (curves := PUBLISHED.get(benchmark.name)):
        tables.append(published_table(curves, "other models, data and prompts"))
    return Section(
        f"{benchmark.title} (validation)" if benchmark.validation else benchmark.title,
        tuple(_remarks(compared)),
        tuple(table for table in tables if table.rows),
        tuple(plots_of(scores, costs)),
    )


def _mean_costs(results: Sequence[Evaluation], ks: Sequence[int]) -> dict[int, float]:
    """Return the mean operations for k completions, for each k where all results have them."""
    costs = [costs_of(evaluation.summary, ks) for evaluation in results]
    return {k: fmean(found[k] for found in costs) for k in ks if all(k in found for found in costs)}


def _remarks(compared: _ArmsOnBenchmark) -> Iterator[str]:
    """Yield how problems were selected, unless all were used, and the sampling settings."""
    study, benchmark, results = compared.findings.study, compared.benchmark, compared.findings.results
    if selection := compared.results(compared.arms[0])[0].settings.get("chosen"):
        count = plural(selection["problems"], "problem")
        yield f"Only {count} of {benchmark.name}, selected by name: {benchmark.problems}."
    settings = "; ".join(f"{arm}: {describe(setting)}" for arm, setting in compared.settings.items())
    if len({setting for _, _, setting in results}) == 1:
        yield f"Sampled at {describe(next(iter(compared.settings.values())))}."
    elif any(benchmark.validation for benchmark in study.benchmarks):
        yield f"Sampling settings, chosen on the validation problems: {settings}."
    else:
        yield f"Sampling settings, the best on this benchmark itself, which overestimates all arms: {settings}."


def _pass_table(compared: _ArmsOnBenchmark, scores: Mapping[str, Mapping[int, Interval]]) -> Table:
    seeds = compared.findings.study.seeds
    rows: list[Row] = []
    for k in scores[compared.arms[0]]:
        rows.append((Cell(f"pass@{k}"), *(score_cell(scores[arm][k]) for arm in compared.arms)))
        for index, seed in enumerate(seeds if len(seeds) > 1 else ()):
            cells = (_mean_cell([compared.scores(arm, k)[index]]) for arm in compared.arms)
            rows.append((Cell(f"pass@{k}, seed {seed}"), *cells))
    note = (
        "Mean over seeds and problems, with its 95 % confidence interval from 2,000 bootstrap samples of both. Each"
        " seed is a separate training."
    )
    return Table("pass-at-k", "pass@k", ("", *compared.arms), tuple(rows), note)


def _settings_table(compared: _ArmsOnBenchmark, ks: Sequence[int]) -> Table:
    findings, title = compared.findings, compared.benchmark.title
    settings = list(dict.fromkeys(setting for name, _, setting in findings.results if name == title))
    rows = []
    for setting, k in product(settings if len(settings) > 1 else (), ks):
        cells = (_mean_cell(scores_of(findings, title, arm, setting, k)) for arm in compared.arms)
        rows.append((Cell(f"pass@{k}", describe(setting)), *cells))
    return Table("settings", "Each sampling setting", ("", *compared.arms), tuple(rows))


def _mean_cell(scores: SeedScores) -> Cell:
    return Cell(percent(fmean(fmean(seed.values()) for seed in scores)))


def _behavior_table(compared: _ArmsOnBenchmark) -> Table:
    rows: list[Row] = []
    for name, group, key, spec, note in SUMMARY_NUMBERS:
        found = (
            [evaluation.summary.get(group, {}).get(key) for evaluation in compared.results(arm)]
            for arm in compared.arms
        )
        rows.append((Cell(name, note), *(_mean_number(values, spec) for values in found)))
    verdicts = [
        [row.verdict for evaluation in compared.results(arm) for row in evaluation.rows] for arm in compared.arms
    ]
    for verdict in VERDICTS:
        shares = [found.count(verdict) / len(found) for found in verdicts]
        if any(shares):
            rows.append((Cell(f"verdict {verdict}"), *(Cell(percent(share)) for share in shares)))
    return Table("facts", "Completions", ("", *compared.arms), without_empty_rows(rows), "Means over seeds.")


def _mean_number(values: Iterable[float | None], spec: str) -> Cell:
    """Return the mean of the known values in a format, or a dash."""
    known = [value for value in values if value is not None]
    return Cell(formatted(fmean(known) if known else None, spec))


# How the arms were made


def _arms_section(findings: StudyFindings) -> Section:
    arms = findings.study.arms
    rows = _configuration_rows(findings)
    for title, (path, spec) in _TRAINING_NUMBERS.items():
        numbers = ([_value_at(path, manifest) for manifest in findings.trainings[arm]] for arm in arms)
        rows.append((Cell(title), *(_mean_number(values, spec) for values in numbers)))
    for kind in ("build", "finetune", "complete", "evaluate"):
        cells = (_mean_number(findings.seconds[arm].get(kind, []), ",.1f") for arm in arms)
        rows.append((Cell(f"seconds per {kind} step"), *cells))
    table = Table("making", "How the arms were made", ("", *arms), without_empty_rows(rows), "Means over seeds.")
    return Section("The arms", tables=(table,))


def _configuration_rows(findings: StudyFindings) -> list[Row]:
    """Return the settings of each arm in the study file."""
    columns = []
    for arm in findings.study.arms.values():
        model = findings.study.arms[arm.same_model_as] if arm.same_model_as else arm
        edits = model.trains_on == "edits"
        values = {
            "trained on": "edits" if edits else "whole programs",
            "linter": edits and model.linter,
            "edit sequences per program": edits and str(model.samples),
            "format": edits and model.format,
            "options of build": _listed(model.build),
            "changes to the recipe": ", ".join(model.set),
            "options of complete": _listed(arm.complete),
        }
        columns.append(values)
    return [(Cell(title), *(Cell(values[title] or "–") for values in columns)) for title in columns[0]]


def _value_at(path: str, manifest: Mapping[str, Any]) -> Any:
    """Return the value at a path such as `outcome.loss`, None if there is none."""
    value: Any = manifest
    for name in path.split("."):
        value = (value or {}).get(name)
    return value


def _listed(options: Mapping[str, Any]) -> str:
    """Return options of a command as text."""
    return ", ".join(f"{name}={str(value).lower() if value is True else value}" for name, value in options.items())
