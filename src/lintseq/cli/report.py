"""`lintseq report`: runs of an evaluation beside each other, on a page and in Markdown.

Owns where the files go. What they say is `lintseq.reporting`.
"""

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.cli.console import plural, table
from lintseq.cli.options import Json
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from lintseq.evaluation.report import Report, Run


def report(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Files that `evaluate --output` wrote, or NAME=FILE.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the report.")],
    k: Annotated[
        str | None, typer.Option("--k", metavar="K,...", help="For which k to give pass@k. [default: as evaluated]")
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Draw the paper's figures beside, which were digitized.")
    ] = False,
    examples: Annotated[
        int, typer.Option(min=0, metavar="N", help="Examples of each problem and run on the page, at most.")
    ] = 5,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the intervals.")] = 0,
    json: Json = False,
) -> None:
    """Write a report of evaluations: pass@k with intervals, what it cost, how programs failed, and examples.

    The report is a page, index.html, which loads nothing from anywhere, and report.md with plots as PNG if
    matplotlib is installed (the extra `plots`). Runs of one benchmark stand beside each other, in the order in
    which they are given; a paired bootstrap says of each two whether their difference means anything.

    Example: lintseq report plain=plain.jsonl edits=edits.jsonl --output report
    """
    from lintseq.cli.evaluate import numbers
    from lintseq.evaluation import report as evaluation
    from lintseq.evaluation.report_data import as_dict
    from lintseq.evaluation.report_markdown import check_markdown, markdown
    from lintseq.evaluation.report_page import evaluation_page
    from lintseq.reporting import pictures
    from lintseq.reporting.pages import check_writable, write_page

    ks = None if k is None else numbers(k)
    page, text = output / "index.html", output / "report.md"
    folder(output)
    check_writable(page, option="--output")
    check_markdown(text)
    told = evaluation.report(read_runs(runs), ks=ks, seed=seed, published=published, examples=examples)
    drawn = pictures.draw_sections(told.sections, output) if pictures.available() else {}
    write_page(page, evaluation_page(told))
    write_page(text, markdown(told, drawn))
    if json:
        plots = [str(output / name) for name in drawn.values()]
        typer.echo(dumps({"page": str(page), "markdown": str(text), "plots": plots, **as_dict(told)}))
    else:
        typer.echo(files(told, page, text, len(drawn)))
    if not pictures.available():
        typer.echo(
            "lintseq: report.md has no plots, for matplotlib is not installed: pip install 'lintseq[plots]'", err=True
        )


def files(told: "Report", page: Path, text: Path, plots: int) -> str:
    """Return what was written as a table for people."""
    rows = [("runs", f"{len(told.runs):,}"), ("examples", f"{len(told.examples):,}"), ("page", str(page))]
    rows.append(("Markdown", f"{text}, {plural(plots, 'plot')}" if plots else str(text)))
    return table(rows)


def folder(path: Path) -> None:
    """Make a folder if it is not there; raises `ConfigError` if it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {path}: {error.strerror}; choose another with --output") from None


def read_runs(given: list[str]) -> "list[Run]":
    """Return runs by their names: those that were given, or what the names of the files tell apart."""
    from lintseq.evaluation.report import Run
    from lintseq.evaluation.results import read_results

    named = [split_name(one) for one in given]
    unnamed = [Path(path) for name, path in named if not name]
    stems = [stem(path) for path in unnamed]
    runs = []
    for name, path in named:
        own = stem(Path(path))
        if stems.count(own) > 1:
            own = f"{Path(path).resolve().parent.name}/{own}"
        runs.append(Run(name or own, read_results(path)))
    return runs


def split_name(given: str) -> tuple[str, str]:
    """Return name and file in NAME=FILE; no name if there is none."""
    name, equals, path = given.partition("=")
    return ("", given) if not equals or not name or Path(given).exists() else (name, path)


def stem(path: Path) -> str:
    return path.name.partition(".jsonl")[0] or path.name
