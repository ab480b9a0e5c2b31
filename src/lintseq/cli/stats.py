"""`lintseq stats`: statistics of a data set of edit sequences, as a table and bars."""

from json import dumps
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lintseq.cli.console import Meter, check_read
from lintseq.cli.options import DataSets, Json, Quiet, with_options
from lintseq.dataset.browsing import dataset_name
from lintseq.dataset.stats import DatasetStats, stats as count, table_rows
from lintseq.dataset.stats_page import write_stats_page
from lintseq.reporting.numbers import described, histogram, plural
from lintseq.reporting.pages import check_page
from lintseq.reporting.terminal import console, print_table

BAR = 40
"""Columns of the longest bar."""


@with_options()
def stats(
    data: DataSets,
    *,
    tokenizer: Annotated[
        str | None, "NAME", "Count tokens with this tokenizer.json, its folder, or a name on the Hub; extra `tokens`."
    ] = None,
    html: Annotated[Path | None, "FILE", "Also write the numbers and plots to an HTML page."] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print statistics of a data set of edit sequences: edits, lines, draws, tokens.

    Programs are identified by their text: rows that write the same text are draws of one program. A program
    is single-edit if every draw of it is.

    The page that --html writes is one file, which loads nothing from anywhere.

    Example: lintseq stats edits.jsonl --tokenizer tokenizer.json
    """
    if html is not None:
        check_page(html)
    with Meter(visible=not quiet) as meter:
        numbers = count(
            data,
            tokenizer=tokenizer,
            on_progress=lambda stats, position, size: meter(position, size, plural(stats.rows, "row")),
        )
    if html is not None:
        write_stats_page(numbers, html, dataset=", ".join(map(dataset_name, data)))
    if json:
        typer.echo(dumps(numbers.as_dict()))
    elif numbers.rows and not quiet:
        show(numbers, console())
        if html is not None:
            typer.echo(f"\npage  {html}")
    check_read(numbers.rows, numbers.unreadable, data)


def show(stats: DatasetStats, to: Console) -> None:
    """Print the numbers as a table, and the distributions of edits and lines as bars."""
    numbers = stats.as_dict()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for cells in table_rows(numbers):
        table.add_row(*cells)
    print_table(table, to)
    for title, key, counts in (
        ("edits in a sequence", "edits_per_sequence", stats.edits),
        ("lines in an edit", "lines_per_edit", stats.lines),
    ):
        if counts:
            to.print()
            to.print(title, style="bold", end="")
            to.print(f"   {described(numbers[key])}", style="dim", soft_wrap=True)
            for row in bars(histogram(counts)):
                to.print(row, soft_wrap=True)


def bars(bins: list[tuple[str, int]]) -> list[str]:
    """Return a row of text for each bin: label, bar, count and share, in columns."""
    total, largest = sum(n for _, n in bins), max(n for _, n in bins)
    labels, counts = max(len(label) for label, _ in bins), len(f"{largest:,}")
    return [f"  {label:>{labels}} {bar(n / largest):{BAR}} {n:>{counts},} {n / total:>6.1%}" for label, n in bins]


def bar(part: float) -> str:
    """Return a bar of `part` of the full width, to an eighth of a column; a part above 0 is always visible."""
    eighths = max(round(part * BAR * 8), int(part > 0))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
