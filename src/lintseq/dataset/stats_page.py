"""The page of `lintseq stats`: the numbers of a data set as a table, and their distributions."""

from collections import Counter
from pathlib import Path

from lintseq.dataset.stats import DatasetStats, table_rows
from lintseq.reporting.charts import chart
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import check_page, escaped, fill, page, template, write_page


def write_stats_page(stats: DatasetStats, path: Path, *, dataset: str) -> None:
    """Write the page to `path`; `dataset` is the name of the data set on it.

    Raises `ConfigError` if it cannot be written, or if another file is in the way.
    """
    check_page(path)
    write_page(path, stats_page(stats, dataset=dataset))


def stats_page(stats: DatasetStats, *, dataset: str) -> str:
    """Return the page as HTML; `dataset` is the name of the data set on it."""
    numbers = stats.as_dict()
    summary = f"{plural(numbers['sequences'], 'sequence')} of {plural(numbers['programs'], 'program')}"
    draws = Counter(stats.draws.values())
    charts = [
        chart("edits", "Edits in a sequence", stats.edits, values="edits", counted="sequences"),
        chart("lines", "Lines in an edit", stats.lines, values="lines", counted="edits"),
        chart("draws", "Draws of a program", draws, values="draws", counted="programs"),
        chart("tokens", "Tokens in a sequence", stats.tokens, values="tokens", counted="sequences"),
    ]
    body = fill(
        template("stats.html"),
        {
            "dataset": escaped(dataset),
            "summary": escaped(summary),
            "tiles": "\n".join(_tile(*tile) for tile in _tiles(stats)),
            "rows": "\n".join(_row(*row) for row in table_rows(numbers)),
            "charts": "\n".join(filter(None, charts)),
        },
    )
    return page(body, title=f"{dataset} in numbers", styles=("chart.css", "stats.css"))


def _tiles(stats: DatasetStats) -> list[tuple[str, str]]:
    """Return the most important numbers, each with its name."""
    numbers = stats.as_dict()
    tiles = [
        ("sequences", f"{numbers['sequences']:,}"),
        ("programs", f"{numbers['programs']:,}"),
        ("edits a sequence", f"{numbers['edits_per_sequence']['mean']:.2f}"),
        ("lines an edit", f"{numbers['lines_per_edit']['mean']:.2f}"),
    ]
    if "tokens_per_sequence" in numbers:
        tiles.append(("tokens a sequence", f"{numbers['tokens_per_sequence']['mean']:,.0f}"))
    if stats.unreadable:
        tiles.append(("rows unreadable", f"{stats.unreadable.total():,}"))
    return tiles


def _tile(name: str, value: str) -> str:
    return f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>"


def _row(name: str, value: str, remark: str) -> str:
    kind = ' class="part"' if name.startswith(" ") else ""
    cells = f"<td>{escaped(value)}</td><td>{escaped(remark)}</td>"
    return f'<tr{kind}><th scope="row">{escaped(name.strip())}</th>{cells}</tr>'
