"""`lintseq stats`: a data set of edit sequences in numbers and bars.

Owns the bars and the progress line. Counting is `lintseq.dataset.stats`, pages are `lintseq.reporting`.
"""

import os
import sys
import time
from json import dumps
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self

import typer

from lintseq.reporting.terminal import console

if TYPE_CHECKING:
    from rich.console import Console

    from lintseq.dataset.stats import DatasetStats

BAR = 40
"""Columns of the longest bar."""


def stats(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A data set: a file or folder of any kind; - is standard input.")
    ],
    *,
    tokenizer: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A tokenizer.json to count tokens with; needs the extra `tokens`."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the numbers and plots to a page of HTML, too.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Print what a data set of edit sequences looks like: edits, lines, draws, tokens.

    Programs are told apart by their text: rows that write the same text are draws of one program. A program
    is single-edit if every draw of it is.

    The page that --html writes is one file, which loads nothing from anywhere.

    Example: lintseq stats edits.jsonl --tokenizer tokenizer.json
    """
    from lintseq.dataset import stats as library

    if html is not None:
        check_page(html)
    with Ticker("stats", data) as ticker:
        numbers = library.stats(
            data,
            tokenizer=None if tokenizer is None else library.load_tokenizer(tokenizer),
            progress=lambda stats, place: ticker.tell(place, f"{stats.rows:,} rows"),
        )
    if html is not None:
        write_stats(html, numbers, data)
    if json:
        typer.echo(dumps(numbers.as_dict()))
    else:
        show(numbers, console())
        if html is not None:
            typer.echo(f"\npage  {html}")


def check_page(path: Path) -> None:
    """Raise `ConfigError`, before work starts, if a page cannot be written to `path`."""
    from lintseq.reporting.pages import check_writable

    check_writable(path)


def write_stats(path: Path, numbers: "DatasetStats", data: str) -> None:
    from lintseq.dataset.stats_page import stats_page
    from lintseq.reporting.pages import write_page

    write_page(path, stats_page(numbers, dataset=name_of(data)))


def name_of(data: str) -> str:
    """Return what to call a data set: the last part of its path."""
    return "standard input" if data == "-" else data.rstrip("/").rpartition("/")[2] or data


def show(stats: "DatasetStats", to: "Console") -> None:
    """Print the numbers as a table, and how edits and lines are distributed as bars."""
    from rich.table import Table

    from lintseq.dataset.stats import table_rows
    from lintseq.reporting.numbers import described, histogram

    numbers = stats.as_dict()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for cells in table_rows(numbers):
        table.add_row(*cells)
    to.print(table)
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
    """Return a bar of `part` of the full width, to an eighth of a column; what is not nothing shows."""
    eighths = max(round(part * BAR * 8), int(part > 0))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def size_of(data: str) -> int | None:
    """Return how much there is to read, in the units in which reading tells its place; None if nobody knows.

    Raises `ConfigError` for a local file that cannot be read.
    """
    from lintseq.rows import find_inputs

    if not os.path.isfile(data):
        return None
    (one,) = find_inputs(data)
    return one.size


class Ticker:
    """Says on standard error how far a long run is: a line that renews itself, or off a terminal one at times."""

    def __init__(self, name: str, path: str) -> None:
        self._name = name
        self._size = size_of(path)
        self._live = sys.stderr.isatty()
        self._every = 0.2 if self._live else 15.0
        self._started = self._last = time.monotonic()

    def tell(self, place: int, what: str) -> None:
        """Say `what`, with the share of the file and the rate, if it is time to say something."""
        now = time.monotonic()
        if now - self._last < self._every:
            return
        self._last = now
        done = f"{place / self._size:4.0%} " if self._size else ""
        line = f"{self._name}: {done}{what}, {now - self._started:.0f} s"
        sys.stderr.write(f"\r\x1b[K{line}" if self._live else line + "\n")
        sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
