"""The findings of a study as sections of a report: the answer, each benchmark, how the arms were made.

Pure. The page and the Markdown show the same sections.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from lintseq.evaluation.intervals import Interval, SeedScores
from lintseq.evaluation.published import PUBLISHED
from lintseq.evaluation.report_plots import costs_of, plots_of
from lintseq.evaluation.report_tables import (
    SUMMARY_NUMBERS,
    VERDICTS,
    formatted,
    points,
    published_table,
    score_cell,
    without_empty_rows,
)
from lintseq.reporting.numbers import percent, plural
from lintseq.reporting.plots import Plot
from lintseq.reporting.sections import Cell, Section, Table
from lintseq.study.findings import (
    ArmsOnBenchmark,
    SeedResult,
    StudyComparison,
    StudyFindings,
    comparisons_of,
    describe,
    sentences,
    settings_of,
    views_of,
)

Row = tuple[Cell, ...]

_NUMBERS_FILE = Path(__file__).with_name("training_numbers.toml")
_TRAINING_NUMBERS: Mapping[str, tuple[str, str]] = tomllib.loads(_NUMBERS_FILE.read_text(encoding="utf-8"))
"""By row title: path in the manifest of a finetuned model, and format."""


def sections_of(findings: StudyFindings) -> list[Section]:
    """Return the sections of the report: first the answer, then each benchmark, then how the arms were made."""
    views = views_of(findings)
    first = next(view for view in views if not view.benchmark.validation)
    sections = [_benchmark_section(view) for view in views]
    index = views.index(first)
    figure, plots = sections[index].plots[:1], sections[index].plots[1:]
    sections[index] = replace(sections[index], plots=plots)
    return [_answer(findings, figure), *sections, _arms_section(findings)]


# The answer


def _answer(findings: StudyFindings, figure: tuple[Plot, ...]) -> Section:
    study, comparisons = findings.study, comparisons_of(findings)
    lead = " ".join([*sentences(findings), *_budgets(findings), *study.notes])
    tables: list[Table] = []
    for title in dict.fromkeys(item.view.title for item in comparisons):
        rows = [
            (
                Cell(f"{arm} - {other}", "percentage points"),
                *_difference_cells(comparisons, title, arm, other, study.k),
            )
            for arm, other in study.compared
        ]
        heads = (title, *(f"pass@{k}" for k in study.k))
        note = "" if tables else _comparison_note(comparisons)
        tables.append(
            Table(f"answer-{title}", f"{title}: differences", heads, without_empty_rows(rows), note, runs=False)
        )
    return Section("Findings", (), tuple(tables), figure, lead=lead)


def _difference_cells(
    comparisons: Sequence[StudyComparison], title: str, arm: str, other: str, ks: Sequence[int]
) -> Iterator[Cell]:
    """Yield for each k the difference, its interval, the corrected p-value, and what it shows."""
    found = {item.k: item for item in comparisons if (item.view.title, item.arm, item.other) == (title, arm, other)}
    for k in ks:
        if item := found.get(k):
            value, low, high = (points(value) for value in item.interval.as_dict().values())
            tested = "" if item.p_value is None else f", p {_p_text(item.p_value)}: {item.words}"
            yield Cell(value, f"{low} to {high}{tested}")
        else:
            yield Cell("–")


def _p_text(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _comparison_note(comparisons: Sequence[StudyComparison]) -> str:
    """Return what intervals, p-values and claims mean, and which comparisons were planned."""
    planned = [item for item in comparisons if item.p_value is not None]
    if all(item.seeds == 1 for item in comparisons):
        about = "for other problems and these models"
    else:
        about = "for other problems and other trainings"
    ks = ", ".join(f"pass@{k}" for k in sorted({item.k for item in planned}))
    pairs = ", ".join(dict.fromkeys(f"{item.arm} and {item.other}" for item in planned))
    return (
        f"Below each difference: its 95 % confidence interval {about}."
        f" Planned were {plural(len(planned), 'comparison')} ({pairs}; at {ks}). Their p-values are corrected together"
        " (Holm): with claims at p up to 0.05, one study in twenty makes a false one. Without a p-value, a difference"
        " is only described. Where none was detected, there may be one as large as the interval allows."
    )


def _budgets(findings: StudyFindings) -> Iterator[str]:
    """Yield how the arms' training compares: what was equal, and what differed by how much."""
    arms = [arm for arm, settings in findings.study.arms.items() if not settings.same_model_as]
    equal, different = [], []
    for title in ("optimizer steps", "examples seen", "tokens processed", "operations for training"):
        path, spec = _TRAINING_NUMBERS[title]
        found = {arm: [_value_at(path, manifest) for manifest in findings.trainings.get(arm, ())] for arm in arms}
        means = {arm: fmean(values) for arm, values in found.items() if values and None not in values}
        if len(means) < 2:
            continue
        least, most = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
        if means[most] <= 1.01 * means[least]:
            equal.append(f"{title} ({formatted(means[most], spec)})")
        else:
            low, high = (formatted(means[arm], spec) for arm in (least, most))
            different.append(f"{title} ({low} for {least} to {high} for {most})")
    texts = [f"equal {', '.join(equal)}"] if equal else []
    texts += [f"unequal {', '.join(different)}"] if different else []
    if texts:
        yield f"Training: {'; '.join(texts)}."


# A benchmark


def _benchmark_section(view: ArmsOnBenchmark) -> Section:
    findings, benchmark = view.findings, view.benchmark
    study = findings.study
    ks = [k for k in study.k if any(view.scores(arm, k) for arm in study.arms)]
    scores = {arm: {k: view.mean(arm, k) for k in ks} for arm in study.arms}
    costs = {arm: _mean_costs(view.results(arm), ks) for arm in study.arms}
    tables = [_pass_table(view, scores), _settings_table(view, ks), _behavior_table(view)]
    if study.published and not benchmark.problems and (curves := PUBLISHED.get(benchmark.name)):
        tables.append(published_table(curves, "other models, data and prompts"))
    return Section(
        f"{view.title} (validation)" if benchmark.validation else view.title,
        tuple(_remarks(view)),
        tuple(table for table in tables if table.rows),
        tuple(plots_of(scores, costs)),
    )


def _mean_costs(results: Sequence[SeedResult], ks: Sequence[int]) -> dict[int, float]:
    """Return the mean operations for k completions, for each k where all results have them."""
    costs = [costs_of(result.summary, ks) for result in results]
    return {k: fmean(found[k] for found in costs) for k in ks if costs and all(k in found for found in costs)}


def _remarks(view: ArmsOnBenchmark) -> Iterator[str]:
    """Yield how problems were selected, unless all were used, and the sampling settings."""
    study, benchmark = view.findings.study, view.benchmark
    selections = [result.summary.get("chosen") for arm in view.arms for result in view.results(arm)]
    if selection := next(filter(None, selections), None):
        count = plural(selection["problems"], "problem")
        yield f"Only {count} of {benchmark.name}, selected by name: {benchmark.problems}."
    if len(set(view.settings.values())) == 1:
        yield f"Sampled at {describe(next(iter(view.settings.values())))}."
    settings = "; ".join(f"{arm}: {describe(setting)}" for arm, setting in view.settings.items())
    if len(settings_of(view.findings)) == 1:
        return
    if any(item.validation for item in study.benchmarks):
        yield f"Sampling settings, chosen on the validation problems: {settings}."
    else:
        yield (
            "The study has no validation problems to choose a sampling setting on, so every setting is reported: the"
            " best on these problems would be an overestimate."
        )


def _pass_table(view: ArmsOnBenchmark, scores: Mapping[str, Mapping[int, Interval | None]]) -> Table:
    seeds = view.findings.study.seeds
    rows: list[Row] = []
    for k in scores[view.arms[0]]:
        rows.append((Cell(f"pass@{k}"), *(score_cell(scores[arm][k]) for arm in view.arms)))
        for seed in seeds if len(seeds) > 1 else ():
            each = (view.scores(arm, k).get(seed) for arm in view.arms)
            cells = (_mean_cell([found] if found else []) for found in each)
            rows.append((Cell(f"pass@{k}, seed {seed}"), *cells))
    about = "problems and trainings" if len(seeds) > 1 else "problems and these models"
    note = (
        f"Mean over seeds and problems, with its 95 % confidence interval for other {about}. Each seed is a training."
    )
    return Table("pass-at-k", "pass@k", ("", *view.arms), tuple(rows), note)


def _settings_table(view: ArmsOnBenchmark, ks: Sequence[int]) -> Table:
    settings = settings_of(view.findings)
    rows = []
    for setting, k in product(settings if len(settings) > 1 and not view.remark else (), ks):
        at_setting = replace(view, settings=dict.fromkeys(view.arms, setting))
        cells = (_mean_cell(list(at_setting.scores(arm, k).values())) for arm in view.arms)
        rows.append((Cell(f"pass@{k}", describe(setting)), *cells))
    return Table("settings", "Each sampling setting", ("", *view.arms), tuple(rows))


def _mean_cell(scores: SeedScores) -> Cell:
    return Cell(percent(fmean(fmean(seed.values()) for seed in scores)) if scores else "–")


def _behavior_table(view: ArmsOnBenchmark) -> Table:
    rows: list[Row] = []
    summaries = {arm: [result.summary for result in view.results(arm)] for arm in view.arms}
    for name, group, key, spec, note in SUMMARY_NUMBERS:
        found = ([summary.get(group, {}).get(key) for summary in summaries[arm]] for arm in view.arms)
        rows.append((Cell(name, note), *(_mean_number(values, spec) for values in found)))
    counts = [sum((Counter(summary["verdicts"]) for summary in summaries[arm]), Counter[str]()) for arm in view.arms]
    for verdict in VERDICTS:
        if any(found[verdict] for found in counts):
            cells = (Cell(percent(found[verdict] / found.total()) if found else "–") for found in counts)
            rows.append((Cell(f"verdict {verdict}"), *cells))
    return Table("facts", "Completions", ("", *view.arms), without_empty_rows(rows), "Means over seeds.")


def _mean_number(values: Iterable[float | None], spec: str) -> Cell:
    """Return the mean of the known values in a format, or a dash."""
    known = [value for value in values if value is not None]
    return Cell(formatted(fmean(known) if known else None, spec))


# How the arms were made


def _arms_section(findings: StudyFindings) -> Section:
    arms = findings.study.arms
    rows = _configuration_rows(findings)
    for title, (path, spec) in _TRAINING_NUMBERS.items():
        numbers = ([_value_at(path, manifest) for manifest in findings.trainings.get(arm, ())] for arm in arms)
        rows.append((Cell(title), *(_mean_number(values, spec) for values in numbers)))
    for kind in ("build", "finetune", "complete", "evaluate"):
        cells = (_mean_number(findings.seconds.get(arm, {}).get(kind, []), ",.1f") for arm in arms)
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
