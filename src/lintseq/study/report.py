"""The report of a study: a page, the same in Markdown with plots, and the programs behind the numbers."""

from collections.abc import Sequence
from pathlib import Path

from lintseq.evaluation.report import ReportOptions, compose, report_page
from lintseq.lm.recipes import as_toml
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import escaped, fill, page, template, write_page
from lintseq.reporting.sections import Section, markdown_report, plain, section_html, sections_markdown
from lintseq.study.files import Study
from lintseq.study.findings import StudyFindings, chosen
from lintseq.study.plan import StudyPlan
from lintseq.study.sections import sections_of

_EXAMPLES = 3
"""Completions of each problem and arm on the pages with programs."""


def write_report(findings: StudyFindings, plan: StudyPlan, folder: Path) -> list[Path]:
    """Write the report of a study into a folder, and return the files: first the page, then the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = sections_of(findings)
    paragraphs, plots = sections_markdown(sections, folder)
    programs = _write_program_pages(findings, folder)
    index, text = folder / "index.html", folder / "report.md"
    write_page(index, study_page(plan, sections, programs))
    write_page(text, study_markdown(plan, paragraphs, programs))
    return [index, text, *plots, *(folder / file for _, file in programs)]


def study_page(plan: StudyPlan, sections: Sequence[Section], programs: Sequence[tuple[str, str]]) -> str:
    """Return the page; `programs` are the titles and files of the pages with programs."""
    study = plan.study
    links = "".join(f'<li><a href="{escaped(file)}">{escaped(name)}</a></li>' for name, file in programs)
    body = fill(
        template("study.html"),
        {
            "title": escaped(study.title),
            "summary": escaped(_summary(study)),
            "sections": "\n".join(map(section_html, sections)),
            "details": links,
            "count": plural(len(plan.steps), "command"),
            "commands": escaped(plan.commands("STUDY")),
            "file": escaped(as_toml(study)),
        },
    )
    return page(body, title=study.title, styles=("code.css", "chart.css", "report.css", "plots.css"))


def study_markdown(plan: StudyPlan, paragraphs: Sequence[str], programs: Sequence[tuple[str, str]]) -> str:
    """Return the report as Markdown; `paragraphs` are those of its sections."""
    parts = [plain(_summary(plan.study)), *paragraphs, "## Programs"]
    parts.append("\n".join(f"- [{plain(name)}]({file})" for name, file in programs))
    parts += ["## The study file", f"```toml\n{as_toml(plan.study).rstrip()}\n```"]
    parts += ["## The commands", f"```text\n{plan.commands('STUDY')}\n```"]
    return markdown_report(plan.study.title, parts)


def _summary(study: Study) -> str:
    arms, seeds = plural(len(study.arms), "arm"), plural(len(study.seeds), "seed")
    return f"{arms}, {seeds}, {plural(study.sampling.n, 'completion')} per problem"


def _write_program_pages(findings: StudyFindings, folder: Path) -> list[tuple[str, str]]:
    """Write a page with the arms' programs for each benchmark and seed; return its title and file."""
    study, pages = findings.study, []
    options = ReportOptions(study.k, examples=_EXAMPLES)
    for benchmark in study.benchmarks:
        title = benchmark.title
        results = {arm: findings.results[title, arm, chosen(findings, benchmark, arm)] for arm in study.arms}
        for index, seed in enumerate(study.seeds):
            runs = {arm: evaluations[index] for arm, evaluations in results.items()}
            write_page(folder / f"{title}-{seed}.html", report_page(compose(runs, options)))
            pages.append((f"{title}, seed {seed}", f"{title}-{seed}.html"))
    return pages
