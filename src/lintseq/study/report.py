"""The report of a study: a page, the same in Markdown with plots, and the programs behind the numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lintseq.evaluation.report import ReportOptions, compose, report_page
from lintseq.evaluation.results import Evaluation
from lintseq.lm.recipes import as_toml
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import escaped, fill, page, template, write_page
from lintseq.reporting.sections import Section, markdown_report, plain, section_html, sections_markdown
from lintseq.study.files import Study, label
from lintseq.study.findings import Found, chosen
from lintseq.study.plan import HERE, Plan
from lintseq.study.sections import sections_of

_EXAMPLES = 3
"""Of each problem and run, on the pages with programs."""


def write_report(found: Found, plan: Plan, folder: Path) -> list[Path]:
    """Write the report of a study into a folder, and return the files: first the page, then the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = sections_of(found)
    paragraphs, plots = sections_markdown(sections, folder)
    details = _write_details(found, folder)
    index, text = folder / "index.html", folder / "report.md"
    write_page(index, study_page(found.study, plan, sections, details))
    write_page(text, study_markdown(found.study, plan, paragraphs, details))
    return [index, text, *plots, *(folder / file for _, file in details)]


def study_page(study: Study, plan: Plan, sections: Sequence[Section], details: Sequence[tuple[str, str]]) -> str:
    """Return the page; `details` names the pages with programs."""
    links = "".join(f'<li><a href="{escaped(file)}">{escaped(name)}</a></li>' for name, file in details)
    body = fill(
        template("study.html"),
        {
            "title": escaped(study.title),
            "summary": escaped(_summary(study)),
            "sections": "\n".join(map(section_html, sections)),
            "details": links,
            "count": plural(len(plan.steps), "command"),
            "commands": escaped(_commands(plan)),
            "file": escaped(as_toml(study)),
        },
    )
    return page(body, title=study.title, styles=("base.css", "code.css", "chart.css", "report.css", "plots.css"))


def study_markdown(study: Study, plan: Plan, paragraphs: Sequence[str], details: Sequence[tuple[str, str]]) -> str:
    """Return the report as Markdown; `paragraphs` are those of its sections."""
    parts = [plain(_summary(study)), *paragraphs, "## Programs"]
    parts.append("\n".join(f"- [{plain(name)}]({file})" for name, file in details))
    parts += ["## The study file", f"```toml\n{as_toml(study).rstrip()}\n```"]
    parts += ["## The commands", f"```text\n{_commands(plan).rstrip()}\n```"]
    return markdown_report(study.title, parts)


def _summary(study: Study) -> str:
    arms, seeds = plural(len(study.arms), "arm"), plural(len(study.seeds), "seed")
    return f"{arms}, {seeds}, {plural(study.sampling.n, 'completion')} of each problem"


def _commands(plan: Plan) -> str:
    return "".join(" ".join(step.words).replace(HERE, "STUDY/") + "\n" for step in plan.steps)


def _write_details(found: Found, folder: Path) -> list[tuple[str, str]]:
    """Write a page with the arms' programs for each benchmark and seed; return what to call it, and its file."""
    told = []
    for bench in found.study.benchmarks:
        settings = {arm: chosen(found, bench, arm) for arm in found.study.arms}
        for place, seed in enumerate(found.study.seeds):
            runs = {arm: _one(found, label(bench), arm, settings, place) for arm in found.study.arms}
            file = f"{label(bench)}-{seed}.html"
            options = ReportOptions(tuple(found.study.k), examples=_EXAMPLES)
            write_page(folder / file, report_page(compose(runs, options)))
            told.append((f"{label(bench)}, seed {seed}", file))
    return told


def _one(found: Found, bench: str, arm: str, settings: Mapping[str, object], place: int) -> Evaluation:
    return next(
        results[place]
        for (name, other, setting), results in found.results.items()
        if (name, other, setting) == (bench, arm, settings[arm])
    )
