"""The report on evaluations: a page and Markdown that compare runs, with examples.

Runs on the same problems share a section, in the order in which they were given. The page and the Markdown are made
from the same values, so they cannot disagree.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lintseq.errors import ConfigError
from lintseq.evaluation.comparison import Comparison, compare, defined_ks
from lintseq.evaluation.published import PUBLISHED
from lintseq.evaluation.report_examples import examples_of
from lintseq.evaluation.report_plots import costs_of, plots_of
from lintseq.evaluation.report_tables import tables_of
from lintseq.evaluation.results import EvaluatedProblems, Evaluation
from lintseq.evaluation.results_file import read_results
from lintseq.evaluation.summary import warnings_of
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import check_page, escaped, fill, page, template, write_page
from lintseq.reporting.sections import Section, markdown_report, section_html, sections_markdown

_NAMED_PROBLEMS = 5
"""Number of selected problems that a remark names."""


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What a report shows."""

    k: tuple[int, ...] | None = None
    """Values of k for pass@k. [default: as evaluated]"""
    published: bool = False
    """Show the results of the LintSeq paper, digitized from its plots, for comparison."""
    examples: int = 5
    """Maximum number of examples per problem and run on the page."""


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """A report as values, and the files it was written to."""

    comparisons: tuple[Comparison, ...]
    """One for each set of problems."""
    sections: tuple[Section, ...]
    """In the same order."""
    examples: tuple[dict[str, Any], ...]
    """Completions that the page shows, as plain values."""
    page: Path | None = None
    """The report as HTML; None if it was not written."""
    markdown: Path | None = None
    """The report as Markdown; None if it was not written."""
    plots: tuple[Path, ...] = ()
    """The SVG files of its plots."""

    @property
    def runs(self) -> list[str]:
        """The names of the runs."""
        return [name for comparison in self.comparisons for name in comparison.runs]

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers and the paths as plain data."""
        return {
            "page": str(self.page),
            "markdown": str(self.markdown),
            "plots": [str(path) for path in self.plots],
            "sections": [
                comparison.as_dict() | {"title": section.title, "remarks": list(section.remarks)}
                for comparison, section in zip(self.comparisons, self.sections, strict=True)
            ],
        }


def report(
    runs: str | Sequence[str] | Mapping[str, Evaluation],
    output: str | Path,
    options: ReportOptions | None = None,
    *,
    overwrite: bool = False,
) -> EvaluationReport:
    """Write a report that compares runs to the folder `output`, and return it.

    `runs` are files that `evaluate` wrote (`FILE` or `NAME=FILE`), or evaluations by name. The report is a page
    (`index.html`), the same in Markdown (`report.md`), and its plots as SVG. Raises `ConfigError` if a file is not a
    result of `evaluate`, if two runs have the same name, or if the folder holds other files, or a report and
    `overwrite` is false.
    """
    folder = Path(output)
    page_file, markdown_file = folder / "index.html", folder / "report.md"
    if folder.is_dir() and any(folder.iterdir()) and not page_file.exists():
        raise ConfigError(f"{folder} holds other files than a report; name another folder with --output")
    for file in (page_file, markdown_file):
        check_page(file, option="--output")
    if page_file.exists() and not overwrite:
        raise ConfigError(f"{folder} holds a report; replace it with --overwrite, or choose another name")
    if not isinstance(runs, Mapping):
        runs = read_runs([runs] if isinstance(runs, str) else runs)
    composed = compose(runs, options)
    paragraphs, plots = sections_markdown(composed.sections, folder)
    paragraphs.append("See [the page](index.html) for the examples behind these numbers.")
    write_page(page_file, report_page(composed))
    write_page(markdown_file, markdown_report("Evaluation", paragraphs))
    return replace(composed, page=page_file, markdown=markdown_file, plots=tuple(plots))


def read_runs(runs: Sequence[str]) -> dict[str, Evaluation]:
    """Return the evaluations in files given as `FILE` or `NAME=FILE`, by name.

    Files without a name are called like the file, with its folder where several files are called the same.
    """
    named = [_split_name(run) for run in runs]
    stems = Counter(_stem(path) for name, path in named if not name)
    found: dict[str, Evaluation] = {}
    for name, path in named:
        stem = _stem(path)
        run = name or (stem if stems[stem] == 1 else f"{Path(path).resolve().parent.name}/{stem}")
        if run in found:
            raise ConfigError(f"two runs are called {run}; name them with NAME=FILE")
        found[run] = read_results(path)
    return found


def _split_name(run: str) -> tuple[str, str]:
    """Return the name and the file in `NAME=FILE`; the name is empty if there is none."""
    name, equals, path = run.partition("=")
    return ("", run) if not equals or not name or Path(run).exists() else (name, path)


def _stem(path: str) -> str:
    return Path(path).name.partition(".jsonl")[0] or Path(path).name


def compose(runs: Mapping[str, Evaluation], options: ReportOptions | None = None) -> EvaluationReport:
    """Return the report on runs without writing it."""
    options = options or ReportOptions()
    if (options.k is not None and min(options.k, default=0) < 1) or options.examples < 0:
        raise ConfigError("k must consist of integers from 1, and the number of examples must not be negative")
    groups: dict[EvaluatedProblems, dict[str, Evaluation]] = {}
    for name, run in runs.items():
        groups.setdefault(run.problems, {})[name] = run
    comparisons = tuple(compare(group, ks=options.k) for group in groups.values())
    sections = tuple(_section(comparison, published=options.published) for comparison in comparisons)
    examples = tuple(example for name, run in runs.items() for example in examples_of(name, run, options.examples))
    return EvaluationReport(comparisons, sections, examples)


def _section(comparison: Comparison, *, published: bool) -> Section:
    problems = comparison.problems
    curves = PUBLISHED.get(problems.benchmark, ()) if published and problems.selected is None else ()
    ks = defined_ks(comparison.scores)
    costs = {name: costs_of(run.summary, ks) for name, run in comparison.runs.items()}
    missing = (
        f"{name} is missing from the plot of pass@k against operations because its cost is unknown. Evaluate with"
        " --model-config and --tokenizer, or add the column flops to the completions."
        for name, found in costs.items()
        if not any(k in found for k in ks if comparison.scores[name][k] is not None)
    )
    return Section(
        title_of(problems),
        tuple(_remarks(comparison, published=published)),
        tuple(tables_of(comparison, curves)),
        tuple(plots_of(comparison.scores, costs, curves)),
        tuple(missing),
    )


def title_of(problems: EvaluatedProblems) -> str:
    """Return the name of a set of problems."""
    title = problems.benchmark
    if problems.skipped:
        title += f", without the first {problems.skipped}"
    return title if problems.selected is None else f"{title}, {plural(problems.selected, 'selected problem')}"


def _remarks(comparison: Comparison, *, published: bool) -> list[str]:
    """Return caveats about the numbers."""
    problems, runs = comparison.problems, comparison.runs
    remarks = []
    if problems.selected is not None:
        names = sorted({row.task_id for run in runs.values() for row in run.rows})
        more = ", ..." if len(names) > _NAMED_PROBLEMS else ""
        remarks.append(
            f"Only {plural(problems.selected, 'problem')} of {problems.benchmark}, selected by name"
            f" ({', '.join(names[:_NAMED_PROBLEMS])}{more}): not comparable with scores of other selections."
        )
    if undefined := comparison.undefined:
        remarks.append(
            f"pass@{', '.join(map(str, undefined))} is not defined: some problem has fewer completions than k."
        )
    for name, run in runs.items():
        remarks += [f"{name}: {warning}." for warning in warnings_of(run)]
        if not any(row.completion is not None for row in run.rows):
            remarks.append(f"{name}: the results do not contain the completions; evaluate again to see them here.")
    if len({(run.settings.get("timeout"), run.settings.get("memory")) for run in runs.values()}) > 1:
        remarks.append("The runs had different time or memory limits.")
    if published and problems.benchmark not in PUBLISHED:
        remarks.append(f"No results are published for {problems.benchmark}, only for {', '.join(PUBLISHED)}.")
    elif published and problems.selected is not None:
        remarks.append(f"Published results are left out here: they are for all problems of {problems.benchmark}.")
    return remarks


def report_page(composed: EvaluationReport) -> str:
    """Return the page: sections, and the examples with their filters."""
    summary = plural(len(composed.runs), "run")
    if len(composed.sections) > 1:
        summary += f" on {plural(len(composed.sections), 'benchmark')}"
    sections = "\n".join(map(section_html, composed.sections))
    body = fill(template("report.html"), {"summary": escaped(summary), "sections": sections})
    instructions = list(dict.fromkeys(example["instruction"] for example in composed.examples))
    numbers = {text: number for number, text in enumerate(instructions)}
    examples = [example | {"instruction": numbers[example["instruction"]]} for example in composed.examples]
    return page(
        body,
        title="Evaluation",
        styles=("code.css", "chart.css", "report.css", "plots.css"),
        scripts=("text.js", "report.js"),
        data={"runs": composed.runs, "instructions": instructions, "examples": examples},
    )
