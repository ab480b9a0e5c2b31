"""`lintseq view`: the edit sequences of a data set on a page of HTML.

Owns where the page goes. What is on it is `lintseq.reporting`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.cli.console import plural, table
from lintseq.cli.stats import Ticker, check_page, name_of

if TYPE_CHECKING:
    from lintseq.dataset.browsing import Survey

_SUFFIXES = (".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".pq")


def view(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A data set: a file or folder of any kind; - is standard input.")
    ],
    *,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the page goes. [default: NAME.html beside DATA]")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, metavar="N", help="Sequences on the page, at most.")] = 500,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the choice of sequences.")] = 0,
) -> None:
    """Write a page to look at edit sequences: programs grow edit by edit, and lines say why they came together.

    The page is one file of HTML that loads nothing from anywhere. It has ways to find sequences by word,
    edits, lines and linter, and plots of the whole data set. Of a larger data set it holds --rows sequences,
    chosen at random, the same each time; the plots count all of them.

    Example: lintseq view edits.jsonl --html edits.html --rows 100
    """
    from lintseq.dataset.browsing import survey
    from lintseq.dataset.view_page import view_page
    from lintseq.reporting.pages import write_page

    path = page_beside(data) if html is None else html
    check_page(path)
    with Ticker("view", data) as ticker:
        found = survey(
            data,
            keep=rows,
            seed=seed,
            progress=lambda found, place: ticker.tell(place, plural(found.rows, "row")),
        )
    write_page(path, view_page(found, dataset=name_of(data)))
    typer.echo(table(summary(found, path)))


def page_beside(data: str) -> Path:
    """Return where the page of a data set goes if nobody says: beside it, or here if it is not a local file."""
    path = Path(data)
    name = path.name if path.exists() else "".join(c if c.isalnum() else "-" for c in name_of(data)).strip("-")
    while found := next((end for end in _SUFFIXES if name.endswith(end) and name != end), ""):
        name = name.removesuffix(found)
    folder = path.parent if path.exists() else Path()
    return folder / f"{name or 'view'}.html"


def summary(found: "Survey", path: Path) -> list[tuple[str, str]]:
    """Return what is on the page, and what is not, for the table that the command prints."""
    kept = f"{len(found.kept):,}"
    rows = [("rows", f"{found.rows:,}")]
    rows += [("  unreadable", f"{n:,} {reason}") for reason, n in sorted(found.unreadable.items())]
    rows += [("  too long", f"{found.too_long:,}")] if found.too_long else []
    rows.append(("on the page", kept if len(found.kept) == found.sequences else f"{kept}, chosen at random"))
    rows.append(("page", str(path)))
    return rows
