"""The report of a study: a page, the same in Markdown with plots, and the programs behind the numbers."""

import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from lintseq.evaluation.report import ReportOptions, compose, report_page
from lintseq.evaluation.results import Evaluation
from lintseq.lm.backends.backend import SamplingParameters
from lintseq.lm.recipes import as_toml
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import escaped, fill, page, template, write_page
from lintseq.reporting.sections import Section, markdown_report, plain, section_html, sections_markdown
from lintseq.study.files import Study
from lintseq.study.findings import StudyFindings, as_table, views_of
from lintseq.study.measurements import MEASUREMENTS, measurements_text
from lintseq.study.sections import sections_of

Programs = Mapping[tuple[str, str, SamplingParameters, int], Evaluation]
"""By benchmark, arm, sampling setting and seed."""
_EXAMPLES = 3
"""Completions of each problem and arm on the pages with programs."""


def write_report(findings: StudyFindings, folder: Path, programs: Programs) -> list[Path]:
    """Write the report of a study into a folder, and return the files: first the page, then the Markdown.

    `programs` are the evaluations whose programs it shows; without any, it has only the numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sections = sections_of(findings)
    paragraphs, plots = sections_markdown(sections, folder)
    pages = _write_program_pages(findings, programs, folder)
    index, text = folder / "index.html", folder / "report.md"
    write_page(index, study_page(findings, sections, pages))
    write_page(text, study_markdown(findings, paragraphs, pages))
    (folder / "findings.json").write_text(json.dumps(as_table(findings), indent=1), encoding="utf-8")
    (folder / MEASUREMENTS).write_text(measurements_text(findings), encoding="utf-8")
    return [index, text, *plots, *(folder / file for _, file in pages)]


def study_page(findings: StudyFindings, sections: Sequence[Section], programs: Sequence[tuple[str, str]]) -> str:
    """Return the page; `programs` are the titles and files of the pages with programs."""
    study = findings.study
    links = "".join(f'<li><a href="{escaped(file)}">{escaped(name)}</a></li>' for name, file in programs)
    body = fill(
        template("study.html"),
        {
            "title": escaped(study.title),
            "summary": escaped(_summary(study)),
            "sections": "\n".join(map(section_html, sections)),
            "details": links or "<li>not stored with the measurements</li>",
            "count": plural(findings.commands.count("\n") + 1, "command"),
            "commands": escaped(findings.commands),
            "file": escaped(as_toml(study)),
        },
    )
    return page(body, title=study.title, styles=("code.css", "chart.css", "report.css", "plots.css"))


def study_markdown(findings: StudyFindings, paragraphs: Sequence[str], programs: Sequence[tuple[str, str]]) -> str:
    """Return the report as Markdown; `paragraphs` are those of its sections."""
    parts = [plain(_summary(findings.study)), *paragraphs]
    if programs:
        parts += ["## Programs", "\n".join(f"- [{plain(name)}]({file})" for name, file in programs)]
    parts += ["## The study file", f"```toml\n{as_toml(findings.study).rstrip()}\n```"]
    parts += ["## The commands", f"```text\n{findings.commands}\n```"]
    return markdown_report(findings.study.title, parts)


def _summary(study: Study) -> str:
    arms, seeds = plural(len(study.arms), "arm"), plural(len(study.seeds), "seed")
    return f"{arms}, {seeds}, {plural(study.sampling.n, 'completion')} per problem"


def _write_program_pages(findings: StudyFindings, programs: Programs, folder: Path) -> list[tuple[str, str]]:
    """Write a page with the arms' programs for each benchmark and seed; return its title and file."""
    study, pages = findings.study, []
    options = ReportOptions(study.k, examples=_EXAMPLES)
    for view, seed in product(views_of(findings), study.seeds):
        keys = {arm: (view.benchmark.title, arm, setting, seed) for arm, setting in view.settings.items()}
        runs = {arm: programs[key] for arm, key in keys.items() if key in programs}
        if runs:
            file = "-".join(
                [view.benchmark.title, *([view.settings[view.arms[0]].name] if view.remark else []), str(seed)]
            )
            write_page(folder / f"{file}.html", report_page(compose(runs, options)))
            pages.append((f"{view.title}, seed {seed}", f"{file}.html"))
    return pages
