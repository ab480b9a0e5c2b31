"""The report of an evaluation as Markdown, with plots as PNG beside it where matplotlib is there."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lintseq import __version__
from lintseq.errors import ConfigError
from lintseq.evaluation.report import Cell, Report, Section, Table
from lintseq.reporting.pages import escaped

MARK = "<!-- made by lintseq "

_SPECIAL = re.compile(r"[\\`*_\[\]|~$]|^[-+#]")


def markdown(report: Report, pictures: Mapping[tuple[int, str], str]) -> str:
    """Return the text; `pictures` gives the file of a section's plot or table, by its name, if it was drawn."""
    parts = [f"{MARK}{__version__} -->", "# Evaluation"]
    for number, section in enumerate(report.sections):
        parts += section_markdown(section, {name: file for (place, name), file in pictures.items() if place == number})
    parts.append("The examples behind these numbers are on [the page](index.html).")
    return "\n\n".join(parts) + "\n"


def section_markdown(section: Section, pictures: Mapping[str, str]) -> list[str]:
    """Return a section's paragraphs; `pictures` gives the file of a plot or table by its name."""
    parts = [f"## {plain(section.title)}"]
    if section.remarks:
        parts.append("\n".join(f"- {plain(remark)}" for remark in section.remarks))
    plots = {plot.name: plot for plot in section.plots}
    for table in section.tables:
        parts += [f"### {plain(table.title)}", _table(table)]
        if table.note:
            parts.append(plain(table.note))
        if table.name in pictures and table.name not in plots:
            parts.append(f"![{plain(table.title)}]({pictures[table.name]})")
        if table.name == "pass-at-k":
            for name in [name for name in plots if name in pictures]:
                parts += [f"![{plain(plots[name].title)}]({pictures[name]})", plain(plots[name].note)]
            parts += [plain(why) for why in section.missing_plots]
    return parts


def _table(table: Table) -> str:
    lines = [_row([Cell(head) for head in table.heads])]
    lines.append("|" + "|".join(["---"] + (["---:"] if table.runs else ["---"]) * (len(table.heads) - 1)) + "|")
    return "\n".join([*lines, *map(_row, table.rows)])


def _row(cells: Sequence[Cell]) -> str:
    told = (plain(cell.text) + (f" ({plain(cell.note)})" if cell.note else "") for cell in cells)
    return "| " + " | ".join(told) + " |"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return escaped(_SPECIAL.sub(r"\\\g<0>", " ".join(text.split())), quotes=False)


def check_markdown(path: Path) -> None:
    """Raise `ConfigError` if something else than our Markdown is there."""
    try:
        with open(path, "rb") as file:
            if not file.read(len(MARK)).startswith(MARK.encode()):
                raise ConfigError(f"{path} exists and is no report of lintseq; choose another folder with --output")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
