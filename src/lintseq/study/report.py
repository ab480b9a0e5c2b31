"""The report of a study: a page, the same in Markdown with plots, and the programs behind the numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lintseq import __version__
from lintseq.evaluation import report as evaluation
from lintseq.evaluation.report import Section
from lintseq.evaluation.report_markdown import MARK, plain, section_markdown
from lintseq.evaluation.report_page import evaluation_page, section_html
from lintseq.evaluation.results import Results
from lintseq.lm.recipes import as_toml
from lintseq.reporting import pictures
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import escaped, fill, page, template, write_page
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
    drawn = pictures.draw_sections(sections, folder) if pictures.available() else {}
    details = _write_details(found, folder)
    index, text = folder / "index.html", folder / "report.md"
    write_page(index, study_page(found.study, plan, sections, details))
    write_page(text, study_markdown(found.study, plan, sections, drawn, details))
    return [index, text, *(folder / file for file in drawn.values()), *(folder / file for _, file in details)]


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
    return page(body, title=study.title, styles=("base.css", "code.css", "chart.css", "report.css"))


def study_markdown(
    study: Study,
    plan: Plan,
    sections: Sequence[Section],
    drawn: Mapping[tuple[int, str], str],
    details: Sequence[tuple[str, str]],
) -> str:
    """Return the report as Markdown; `drawn` gives the files of plots by section and name."""
    parts = [f"{MARK}{__version__} -->", f"# {plain(study.title)}", plain(_summary(study))]
    for number, section in enumerate(sections):
        parts += section_markdown(section, {name: file for (place, name), file in drawn.items() if place == number})
    parts.append("## Programs")
    parts.append("\n".join(f"- [{plain(name)}]({file})" for name, file in details))
    parts += ["## The study file", f"```toml\n{as_toml(study).rstrip()}\n```"]
    parts += ["## The commands", f"```text\n{_commands(plan).rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


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
            runs = [evaluation.Run(arm, _one(found, label(bench), arm, settings, place)) for arm in found.study.arms]
            file = f"{label(bench)}-{seed}.html"
            write_page(folder / file, evaluation_page(evaluation.report(runs, ks=found.study.k, examples=_EXAMPLES)))
            told.append((f"{label(bench)}, seed {seed}", file))
    return told


def _one(found: Found, bench: str, arm: str, settings: Mapping[str, object], place: int) -> Results:
    return next(
        results[place]
        for (name, other, setting), results in found.results.items()
        if (name, other, setting) == (bench, arm, settings[arm])
    )
