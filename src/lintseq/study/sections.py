"""What a study found, as sections of a report: the answer, each benchmark, how the arms were made.

Pure. The page and the Markdown show the same sections.
"""

from collections.abc import Callable, Mapping, Sequence
from math import fsum, log10
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
from lintseq.evaluation.scoring import Interval
from lintseq.reporting.numbers import plural
from lintseq.reporting.plots import Plot, Point, Series, power
from lintseq.reporting.sections import Cell, Section, Table
from lintseq.study.files import Arm, Benchmark, Study, label
from lintseq.study.findings import Found, Scores, Verdict, chosen, mean_of, scores_of, sentences, verdicts_of
from lintseq.study.plan import Setting


def sections_of(found: Found) -> list[Section]:
    """Return what is to be said: first the answer, then each benchmark, then how the arms were made."""
    study = found.study
    told = [_benchmark(found, one) for one in study.benchmarks]
    return [_answer(found), *told, _making(found)]


# The answer


def _answer(found: Found) -> Section:
    study = found.study
    told = verdicts_of(found)
    tables = []
    for bench in (one for one in study.benchmarks if not one.validation):
        mine = [one for one in told if one.benchmark == label(bench)]
        tables.append(_comparison_table(bench, mine, study.k))
    return Section("What was found", (*sentences(told, study), *study.notes), tuple(tables))


def _comparison_table(bench: Benchmark, verdicts: Sequence[Verdict], ks: Sequence[int]) -> Table:
    rows = []
    for arm, other in dict.fromkeys((one.arm, one.other) for one in verdicts):
        cells = []
        for k in ks:
            one = next((one for one in verdicts if (one.arm, one.other, one.k) == (arm, other, k)), None)
            cells.append(Cell("–") if one is None else difference_cell(one.difference, one.words))
        rows.append((Cell(f"{arm} against {other}", "in points"), *cells))
    note = "95 % of 2,000 draws of problems and of seeds give a difference in the range below each number."
    heads = (label(bench), *(f"pass@{k}" for k in ks))
    return Table(f"answer-{label(bench)}", f"{label(bench)}: differences", heads, tuple(rows), note, runs=False)


# A benchmark


def _benchmark(found: Found, bench: Benchmark) -> Section:
    study = found.study
    arms = list(study.arms)
    settings = {arm: chosen(found, bench, arm) for arm in arms}
    scores = {(arm, k): scores_of(found, label(bench), arm, settings[arm], k) for arm in arms for k in study.k}
    ks = [k for k in study.k if all(scores[arm, k] for arm in arms)]
    means = {(arm, k): mean_of(scores[arm, k]) for arm in arms for k in ks}
    title = f"{label(bench)} (for choosing settings)" if bench.validation else label(bench)
    tables = [
        _pass_table(arms, ks, means),
        _seeds_table(study, arms, ks, scores),
        _settings_table(found, bench, ks),
        _behavior_table(found, bench, settings),
    ]
    if study.published and not bench.problems and (theirs := PUBLISHED.get(bench.name)):
        tables.append(published_table(theirs, "other models, data and prompts"))
    return Section(
        title,
        tuple(_choice(found, bench, settings)),
        tuple(table for table in tables if table is not None),
        tuple(_plots(found, bench, settings, ks, means)),
    )


def _choice(found: Found, bench: Benchmark, settings: Mapping[str, Setting]) -> list[str]:
    return [*_problems(found, bench), *_settings(found, bench, settings)]


def _problems(found: Found, bench: Benchmark) -> list[str]:
    """Say which of a benchmark's problems were asked, if it was not all of them."""
    told = next(one[0].settings for (name, _, _), one in found.results.items() if name == label(bench))
    if not (chosen := told.get("chosen")):
        return []
    return [f"Of {bench.name}, {plural(chosen['problems'], 'problem')} were chosen by name: {bench.problems}."]


def _settings(found: Found, bench: Benchmark, settings: Mapping[str, Setting]) -> list[str]:
    if len({one for _, _, one in found.results}) == 1:
        return [f"Drawn at {next(iter(settings.values())).words}."]
    told = "; ".join(f"{arm}: {setting.words}" for arm, setting in settings.items())
    if any(one.validation for one in found.study.benchmarks):
        return [f"Settings, chosen on the validation problems: {told}."]
    return [f"Settings, the best of the sweep on this benchmark itself, which flatters all arms alike: {told}."]


def _pass_table(arms: Sequence[str], ks: Sequence[int], means: Mapping[tuple[str, int], Interval]) -> Table:
    rows = tuple((Cell(f"pass@{k}"), *(score_cell(means[arm, k]) for arm in arms)) for k in ks)
    note = "Mean over seeds and problems; below, what 95 % of 2,000 draws of problems and of seeds give."
    return Table("pass-at-k", "pass@k", ("", *arms), rows, note)


def _seeds_table(
    study: Study, arms: Sequence[str], ks: Sequence[int], scores: Mapping[tuple[str, int], Scores]
) -> Table | None:
    if len(study.seeds) < 2:
        return None
    rows = []
    for k in ks:
        for place, seed in enumerate(study.seeds):
            values = [scores[arm, k][place] for arm in arms]
            cells = (Cell(percent(fsum(one.values()) / len(one))) for one in values)
            rows.append((Cell(f"pass@{k}, seed {seed}"), *cells))
    return Table("seeds", "Seed by seed", ("", *arms), tuple(rows), "Each seed is a training of its own.")


def _settings_table(found: Found, bench: Benchmark, ks: Sequence[int]) -> Table | None:
    settings = list(dict.fromkeys(one for name, _, one in found.results if name == label(bench)))
    if len(settings) < 2:
        return None
    arms = list(found.study.arms)
    rows = []
    for setting in settings:
        for k in ks:
            cells = []
            for arm in arms:
                scores = scores_of(found, label(bench), arm, setting, k)
                cells.append(Cell(percent(_plain_mean(scores))))
            rows.append((Cell(f"pass@{k}", setting.words), *cells))
    return Table("settings", "Every setting", ("", *arms), tuple(rows))


def _plain_mean(scores: Scores) -> float:
    return fsum(fsum(one.values()) / len(one) for one in scores) / len(scores)


def _behavior_table(found: Found, bench: Benchmark, settings: Mapping[str, Setting]) -> Table:
    arms = list(found.study.arms)
    summaries = {arm: [one.summary for one in found.results[label(bench), arm, settings[arm]]] for arm in arms}

    def mean(arm: str, group: str, key: str) -> float | None:
        values = [summary.get(group, {}).get(key) for summary in summaries[arm]]
        known = [float(value) for value in values if value is not None]
        return fsum(known) / len(known) if known else None

    rows: list[tuple[Cell, ...]] = [
        (Cell(name, note), *(Cell(formatted(mean(arm, group, key), spec)) for arm in arms))
        for name, group, key, spec, note in SUMMARY_NUMBERS
    ]
    rows += _verdict_rows(found, bench, settings)
    return Table("facts", "How they were written", ("", *arms), without_empty_rows(rows), "Means over seeds.")


def _verdict_rows(found: Found, bench: Benchmark, settings: Mapping[str, Setting]) -> list[tuple[Cell, ...]]:
    arms = list(found.study.arms)
    shares = []
    for arm in arms:
        rows = [row.verdict for one in found.results[label(bench), arm, settings[arm]] for row in one.rows]
        shares.append({verdict: rows.count(verdict) / len(rows) for verdict in set(rows)})
    seen = [name for name in VERDICTS if any(name in one for one in shares)]
    return [(Cell(f"ended as {name}"), *(Cell(percent(one.get(name, 0.0))) for one in shares)) for name in seen]


def _plots(
    found: Found,
    bench: Benchmark,
    settings: Mapping[str, Setting],
    ks: Sequence[int],
    means: Mapping[tuple[str, int], Interval],
) -> list[Plot]:
    arms = list(found.study.arms)
    if not ks:
        return []
    by_k = tuple(
        Series(
            arm,
            tuple(
                Point(
                    k,
                    means[arm, k].value,
                    means[arm, k].low,
                    means[arm, k].high,
                    f"{arm}, pass@{k}: {percent(means[arm, k].value)}",
                )
                for k in ks
            ),
        )
        for arm in arms
    )
    plots = [pass_plot(by_k, ks, "Vertical bars: 95 % confidence intervals over problems and seeds.")]
    series = []
    for arm in arms:
        drawn = []
        for k in ks:
            costs = [flops_of(one.summary, k) for one in found.results[label(bench), arm, settings[arm]]]
            if all(costs):
                mean = fsum(cost for cost in costs if cost) / len(costs)
                drawn.append(
                    Point(
                        mean,
                        means[arm, k].value,
                        says=f"{arm}, pass@{k}: {percent(means[arm, k].value)}, {power(mean)} operations",
                    )
                )
        if drawn:
            series.append(fitted_series(arm, drawn))
    if series:
        every = [point.x for one in series for point in one.points]
        if log10(max(every)) > log10(min(every)):
            note = (
                "Points: means over seeds. Line: least squares in log operations, with one standard error as a band."
            )
            plots.append(operations_plot(series, note))
    return plots


# How the arms were made


def _making(found: Found) -> Section:
    study = found.study
    arms = list(study.arms)

    def mean(arm: str, place: str, form: str) -> Cell:
        known = [value for one in found.trainings[arm] if (value := _number(one, place)) is not None]
        return Cell(format(fsum(known) / len(known), form) if known else "–")

    def told_of(words: str, tell: Callable[[Arm], str]) -> tuple[Cell, ...]:
        return (Cell(words), *(Cell(tell(study.arms[arm]) or "–") for arm in arms))

    def trained(arm: Arm) -> Arm:
        return study.arms[arm.same_model_as] if arm.same_model_as else arm

    def if_edits(tell: Callable[[Arm], str]) -> Callable[[Arm], str]:
        return lambda arm: tell(trained(arm)) if trained(arm).trains_on == "edits" else ""

    rows = [
        told_of("trained on", lambda arm: "edits" if trained(arm).trains_on == "edits" else "whole programs"),
        told_of("linter", if_edits(lambda arm: arm.linter)),
        told_of("edit sequences of a program", if_edits(lambda arm: str(arm.samples))),
        told_of("format", if_edits(lambda arm: arm.format)),
        told_of("built with", lambda arm: " ".join(trained(arm).options)),
        told_of("finetuned with", lambda arm: ", ".join(trained(arm).set)),
        told_of("drawn with", lambda arm: " ".join(arm.complete)),
        *(
            (Cell(words), *(mean(arm, name, form) for arm in arms))
            for words, name, form in (
                ("distinct rows", "plan.own.rows", ",.0f"),
                ("optimizer steps", "plan.own.steps", ",.0f"),
                ("examples seen", "plan.own.examples", ",.0f"),
                ("passes over its examples", "plan.own.passes", ",.2f"),
                ("tokens fed", "outcome.tokens", ",.0f"),
                ("tokens learned", "outcome.trained_tokens", ",.0f"),
                ("loss at the end", "outcome.loss", ",.3f"),
                ("operations of the training", "outcome.flops", ".2e"),
            )
        ),
        *(
            (Cell(f"seconds to {kind}", "mean of the steps"), *(_seconds(found, arm, kind) for arm in arms))
            for kind in ("build", "finetune", "complete", "evaluate")
        ),
    ]
    table = Table("making", "How the arms were made", ("", *arms), without_empty_rows(rows), "Means over seeds.")
    return Section("The arms", tables=(table,))


def _number(told: Mapping[str, Any], place: str) -> float | None:
    """Return the number at a place such as `outcome.loss`, if there is one."""
    value: Any = told
    for name in place.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, (int, float)) else None


def _seconds(found: Found, arm: str, kind: str) -> Cell:
    values = found.seconds[arm].get(kind, [])
    return Cell(f"{fsum(values) / len(values):,.1f}" if values else "–")
