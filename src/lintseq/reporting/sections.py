"""Sections of a report: tables, plots and remarks as values, and how they look in HTML and Markdown.

Both formats show the same values, so they cannot disagree. What the values are is up to the packages that report.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lintseq import __version__
from lintseq.reporting.pages import escaped, write_page
from lintseq.reporting.plots import Plot, mark, svg, svg_document

_FOLDED = ("problem", "published")
"""Tables that the page shows on a click."""
_BAR = 72
"""Pixels of a full bar: the same in all columns, so that bars can be compared."""
_SPECIAL = re.compile(r"[\\`*_\[\]|~$]|^[-+#]")


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in a table."""

    text: str
    note: str = ""
    share: float | None = None
    """Length of a bar, from 0 to 1."""
    filters: tuple[tuple[str, str], ...] = ()
    """Which examples the number counts: names of the page's filters and their values."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first column names the rows."""

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    runs: bool = True
    """Whether the other columns are runs."""


@dataclass(frozen=True, slots=True)
class Section:
    """Everything that a report says about one benchmark, or one topic."""

    title: str
    remarks: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    missing_plots: tuple[str, ...] = ()
    """Reasons why plots are missing."""
    lead: str = ""
    """A paragraph before everything else."""


# HTML


def section_html(section: Section) -> str:
    """Return a section as HTML."""
    parts = [f"<section>\n<h2>{escaped(section.title)}</h2>"]
    if section.lead:
        parts.append(f'<p class="lead">{escaped(section.lead)}</p>')
    if section.remarks:
        items = "".join(f"<li>{escaped(remark)}</li>" for remark in section.remarks)
        parts.append(f'<ul class="remarks">{items}</ul>')
    if section.plots:
        parts.append(f'<div class="plots">{"".join(map(svg, section.plots))}</div>')
    parts += [f'<p class="why">{escaped(reason)}</p>' for reason in section.missing_plots]
    unfolded = [table for table in section.tables if table.name not in _FOLDED]
    parts.append(f'<div class="tables">{"".join(map(_table_html, unfolded))}</div>')
    for table in section.tables:
        if table.name in _FOLDED:
            content = _table_html(table, title=False)
            parts.append(f"<details><summary>{escaped(table.title)}</summary>\n{content}\n</details>")
    return "\n".join([*parts, "</section>"])


def _table_html(table: Table, *, title: bool = True) -> str:
    heads = "".join(
        f'<th scope="col">{mark(number - 1) if table.runs and number else ""}{escaped(head)}</th>'
        for number, head in enumerate(table.heads)
    )
    rows = "\n".join(
        f'<tr><th scope="row">{escaped(head.text)}{_note(head)}</th>'
        f"{''.join(f'<td>{_cell_html(cell)}</td>' for cell in cells)}</tr>"
        for head, *cells in table.rows
    )
    name = f"<h3>{escaped(table.title)}</h3>\n" if title else ""
    note = f'\n<p class="note">{escaped(table.note)}</p>' if table.note else ""
    kind = "table" if table.runs else "table words"
    return (
        f'<div class="{kind}" data-table="{escaped(table.name)}">\n{name}'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escaped(table.title)}"><table>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>{note}\n</div>"
    )


def _note(cell: Cell) -> str:
    return f" <small>{escaped(cell.note)}</small>" if cell.note else ""


def _cell_html(cell: Cell) -> str:
    text = f"<b>{escaped(cell.text)}</b>"
    if cell.filters:
        data = "".join(f' data-{name}="{escaped(value)}"' for name, value in cell.filters)
        text = f'<button type="button" class="pick"{data}>{escaped(cell.text)}</button>'
    text += _note(cell)
    if cell.share is not None:
        bar = f'<rect width="{100 * cell.share:.2f}%" height="100%" rx="2"/>'
        text += f'<svg class="share" aria-hidden="true" width="{_BAR}" height="5">{bar}</svg>'
    return text


# Markdown


def markdown_report(title: str, parts: Sequence[str]) -> str:
    """Return a Markdown report made of a title and paragraphs."""
    return "\n\n".join([f"<!-- made by lintseq {__version__} -->", f"# {plain(title)}", *parts]) + "\n"


def sections_markdown(sections: Sequence[Section], folder: Path) -> tuple[list[str], list[Path]]:
    """Return the paragraphs of sections, and the SVG files of their plots, written to `folder`."""
    parts: list[str] = []
    files: list[Path] = []
    for number, section in enumerate(sections, 1):
        parts.append(f"## {plain(section.title)}")
        if section.lead:
            parts.append(plain(section.lead))
        if section.remarks:
            parts.append("\n".join(f"- {plain(remark)}" for remark in section.remarks))
        for plot in section.plots:
            file = folder / f"{plot.name}{f'-{number}' if len(sections) > 1 else ''}.svg"
            write_page(file, svg_document(plot))
            files.append(file)
            parts += [f"![{plain(plot.title)}]({file.name})", plain(plot.note)]
        parts += map(plain, section.missing_plots)
        for table in section.tables:
            parts += [
                f"### {plain(table.title)}",
                _table_markdown(table),
                *([plain(table.note)] if table.note else []),
            ]
    return parts, files


def _table_markdown(table: Table) -> str:
    lines = [_row_markdown([Cell(head) for head in table.heads])]
    lines.append("|" + "|".join(["---"] + (["---:"] if table.runs else ["---"]) * (len(table.heads) - 1)) + "|")
    return "\n".join([*lines, *map(_row_markdown, table.rows)])


def _row_markdown(cells: Sequence[Cell]) -> str:
    texts = (plain(cell.text) + (f" ({plain(cell.note)})" if cell.note else "") for cell in cells)
    return "| " + " | ".join(texts) + " |"


def plain(text: str) -> str:
    """Return text that Markdown shows unchanged, on one line."""
    return escaped(_SPECIAL.sub(r"\\\g<0>", " ".join(text.split())), quotes=False)
