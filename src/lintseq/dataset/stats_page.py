"""The page of `lintseq stats`: the numbers of a data set as a table, and how they are distributed."""

from collections import Counter

from lintseq.dataset.stats import DatasetStats, table_rows
from lintseq.reporting.charts import chart
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import escaped, fill, page, template


def stats_page(stats: DatasetStats, *, dataset: str) -> str:
    """Return the page; `dataset` is what to call the data set."""
    numbers = stats.as_dict()
    summary = f"{plural(numbers['sequences'], 'sequence')} of {plural(numbers['programs'], 'program')}"
    body = fill(
        template("stats.html"),
        {
            "dataset": escaped(dataset),
            "summary": escaped(summary),
            "tiles": "\n".join(_tile(*tile) for tile in _tiles(stats)),
            "rows": "\n".join(_row(*row) for row in table_rows(numbers)),
            "charts": "\n".join(filter(None, charts_of(stats))),
        },
    )
    return page(body, title=f"{dataset} in numbers", styles=("chart.css", "stats.css"))


def charts_of(stats: DatasetStats) -> list[str]:
    """Return a histogram of each thing that was counted."""
    draws = Counter(stats.draws.values())
    return [
        chart("edits", "Edits in a sequence", stats.edits, values="edits", counted="sequences"),
        chart("lines", "Lines in an edit", stats.lines, values="lines", counted="edits"),
        chart("draws", "Draws of a program", draws, values="draws", counted="programs"),
        chart("tokens", "Tokens in a sequence", stats.tokens, values="tokens", counted="sequences"),
    ]


def _tiles(stats: DatasetStats) -> list[tuple[str, str]]:
    """Return the numbers that matter most, each with its name."""
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
