"""Tables in Markdown, for cards."""

from collections.abc import Sequence


def two_columns(header: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    """Return a table with names and values; each cell is on one line."""
    cells = [[" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in [header, *rows]]
    lines = [f"| {name} | {value} |" for name, value in cells]
    return "\n".join([lines[0], "|---|---|", *lines[1:]])
