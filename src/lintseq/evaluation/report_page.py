"""The page of `lintseq report`: tables and plots of runs, and the examples behind each number."""

from typing import Any

from lintseq.evaluation.report import Cell, Report, Section, Table
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import escaped, fill, page, template
from lintseq.reporting.plots import mark, svg

_BESIDE = ("verdict", "kind", "edits", "facts")
"""Tables that stand in columns, if there is room."""
_FOLDED = ("problem", "published")
_BAR = 72
"""Pixels of a whole bar: the same in all columns, so that bars beside each other can be compared."""


def evaluation_page(report: Report) -> str:
    """Return the page."""
    body = fill(
        template("report.html"),
        {
            "summary": escaped(summary_of(report)),
            "sections": "\n".join(map(section_html, report.sections)),
            "examples": escaped(
                f"Of each problem and run up to {report.most}, of every verdict some. A number above that is"
                " underlined shows its examples here."
            ),
        },
    )
    return page(
        body,
        title="Evaluation",
        styles=("base.css", "code.css", "chart.css", "report.css"),
        scripts=("text.js", "report.js"),
        data={"runs": list(report.runs), **_examples(report)},
    )


def _examples(report: Report) -> dict[str, list[Any]]:
    """Return the examples, and what was asked, which many share, once."""
    asked = list(dict.fromkeys(one["instruction"] for one in report.examples if "instruction" in one))
    places = {text: place for place, text in enumerate(asked)}
    examples = [
        {name: places[value] if name == "instruction" else value for name, value in one.items()}
        for one in report.examples
    ]
    return {"instructions": asked, "examples": examples}


def summary_of(report: Report) -> str:
    told = plural(len(report.runs), "run")
    return told if len(report.sections) == 1 else f"{told} of {plural(len(report.sections), 'benchmark')}"


def section_html(section: Section) -> str:
    """Return a section as HTML."""
    parts = [f"<section>\n<h2>{escaped(section.title)}</h2>"]
    if section.remarks:
        parts.append(f'<ul class="remarks">{"".join(f"<li>{escaped(one)}</li>" for one in section.remarks)}</ul>')
    head = [table for table in section.tables if table.name not in (*_BESIDE, *_FOLDED)]
    beside = [table for table in section.tables if table.name in _BESIDE]
    parts.append(f'<div class="heads">{"".join(map(_table, head))}</div>')
    if section.plots:
        parts.append(f'<div class="plots">{"".join(map(svg, section.plots))}</div>')
    parts += [f'<p class="why">{escaped(why)}</p>' for why in section.missing_plots]
    parts.append(f'<div class="tables">{"".join(map(_table, beside))}</div>')
    for table in section.tables:
        if table.name in _FOLDED:
            parts.append(
                f"<details><summary>{escaped(table.title)}</summary>\n{_table(table, title=False)}\n</details>"
            )
    return "\n".join([*parts, "</section>"])


def _table(table: Table, *, title: bool = True) -> str:
    heads = "".join(
        f'<th scope="col">{mark(number - 1) if table.runs and number else ""}{escaped(head)}</th>'
        for number, head in enumerate(table.heads)
    )
    rows = "\n".join(
        f'<tr><th scope="row">{_words(head)}</th>{"".join(f"<td>{_cell(cell)}</td>" for cell in cells)}</tr>'
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


def _words(cell: Cell) -> str:
    return escaped(cell.text) + (f" <small>{escaped(cell.note)}</small>" if cell.note else "")


def _cell(cell: Cell) -> str:
    text = f"<b>{escaped(cell.text)}</b>"
    if cell.pick:
        told = "".join(f' data-{name}="{escaped(value)}"' for name, value in cell.pick)
        text = f'<button type="button" class="pick"{told}>{escaped(cell.text)}</button>'
    if cell.note:
        text += f" <small>{escaped(cell.note)}</small>"
    if cell.share is not None:
        bar = f'<rect width="{100 * cell.share:.2f}%" height="100%" rx="2"/>'
        text += f'<svg class="share" aria-hidden="true" width="{_BAR}" height="5">{bar}</svg>'
    return text
