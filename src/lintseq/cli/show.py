"""`lintseq show`: one row of a data set in the terminal, edit by edit, by keys where there are any.

Owns the picture and what keys do. How a state is drawn is `sample`'s, how a terminal is used `screen`'s.
"""

import os
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.cli.console import plural
from lintseq.errors import ConfigError, ProgramError
from lintseq.reporting.terminal import console, print_edit, print_line, print_title, printable

if TYPE_CHECKING:
    from rich.console import Console

    from lintseq.dataset.browsing import Row, Rows
    from lintseq.dataset.shapes import Record
    from lintseq.edits import EditSequence
    from lintseq.needs.reasons import Reasons

_MOST_NEEDS = 12
"""So many needs of an edit are told; of the others, how many they are."""
_INSTRUCTION_LINES = 3
_HINT = "→ on  ← back  ↓ ↑ rows  Home End  q leaves  ? keys"
_HELP = """\
→  space  n        on, to the next edit
←  p               back, to the edit before
↓  j               the next row of the data set
↑  k               the row before
Home  g            before the first edit
End  G             the last edit
Page Down  Page Up a long program, down and up
?                  these keys
q  Escape          leave"""


def show(
    place: Annotated[
        str,
        typer.Argument(metavar="DATA:ROW", help="A data set and a row, from 1, or the id of one. [default: row 1]"),
    ],
) -> None:
    """Show an edit sequence of a data set, edit by edit, and why lines came together.

    In a terminal, keys go on and back by edits and rows; ? lists them. Elsewhere the whole sequence is printed.
    In a file of lines, ROW is the line, so it is what verify and view call the row; in any other file it is the
    row. What is no number is an id: the first row with it is shown.

    Example: lintseq show edits.jsonl:3
    """
    from lintseq.cli.screen import there_is_a_screen
    from lintseq.dataset.browsing import Rows

    data, wanted = split_place(place)
    rows = Rows(data)
    first = find_row(rows, wanted)
    if data != "-" and there_is_a_screen():
        walk(rows, first)
    else:
        row = rows.at(first)
        assert row is not None
        show_whole(Shown.of(data, row), console())


def split_place(place: str) -> tuple[str, str]:
    """Return the data set and the row that `DATA:ROW` names; no row is row 1.

    Both may hold colons themselves: an existing file is taken for the data set, and a number for the row.
    """
    if os.path.exists(place):
        return place, "1"
    cuts = [index for index, char in enumerate(place) if char == ":"]
    for cut in reversed(cuts):
        if os.path.exists(place[:cut]) or place[:cut] == "-":
            return place[:cut], place[cut + 1 :] or "1"
    data, _, row = place.rpartition(":")
    return (data, row) if data and row.isdecimal() else (place, "1")


def find_row(rows: "Rows", wanted: str) -> int:
    """Return the place of the row with a number or an id; raise `ConfigError` if there is none."""
    last = 0

    def is_it(row: "Row") -> bool:
        nonlocal last
        last = row.number
        return row.number == int(wanted) if wanted.isdecimal() else _id_of(row) == wanted

    found = rows.find(is_it)
    if found is None and not last:
        raise ConfigError(f"{rows.spec} has no rows")
    if found is None and wanted.isdecimal():
        raise ConfigError(f"{rows.spec} has no row {wanted}; its rows are counted from 1, and the last is {last:,}")
    if found is None:
        raise ConfigError(f"no row of {rows.spec} has the id {wanted!r}; a row can be named by its number, too")
    return found


def _id_of(row: "Row") -> str | None:
    from lintseq.dataset.shapes import read_record
    from lintseq.rows import parse_row

    try:
        return str(read_record(parse_row(row.raw.data)).id)
    except ProgramError:
        return None


# What a row holds


@dataclass(frozen=True)
class Shown:
    """A row that is shown: what it says and its sequence."""

    title: str
    record: "Record"
    sequence: "EditSequence"

    @classmethod
    def of(cls, data: str, row: "Row") -> "Shown":
        """Return what a row holds; raise `ProgramError` if that is no edit sequence."""
        from lintseq.dataset.shapes import read_record
        from lintseq.rows import parse_row

        title = title_of(data, row.number)
        try:
            record = read_record(parse_row(row.raw.data))
            sequence = record.parse()
        except ProgramError as error:
            raise ProgramError(error.reason, f"{title}: {error.detail}") from None
        name = f", {printable(str(record.id))}" if record.id != "" else ""
        return cls(f"{title}{name}, draw {record.draw}", record, sequence)

    @property
    def first(self) -> int:
        """The edit to begin with, from 0; -1 is what the edits start from, if they do not start from nothing."""
        return -1 if self.sequence.start.lines or not len(self.sequence) else 0

    @cached_property
    def reasons(self) -> "Reasons | ProgramError":
        from lintseq.languages import get_language
        from lintseq.needs.reasons import reasons_of

        try:
            return reasons_of(get_language().analyze(self.sequence.program), self.sequence.arrivals)
        except ProgramError as error:
            return error


def title_of(data: str, number: int) -> str:
    from lintseq.cli.stats import name_of

    return f"{printable(name_of(data))}:{number}"


def why(shown: Shown, edit: int) -> list[str]:
    """Say why the lines of an edit came together: in a sentence, and need by need; nothing of a single line."""
    if edit < 0 or shown.sequence.arrivals.count(edit) == 1:
        return []
    reasons = shown.reasons
    if isinstance(reasons, ProgramError):
        return [f"the program cannot be analyzed: {reasons}"]
    places = _places(shown.sequence, edit)
    heads = {head for head, came in zip(reasons.heads, shown.sequence.arrivals, strict=True) if came == edit} - {-1}
    cause = reasons.causes[edit]
    if not heads:
        said = "comments and blank lines, which need nothing"
    elif len(heads) == 1:
        said = f"all of this goes with line {places[heads.pop()]}"
    elif cause >= 0:
        said = f"all of this needs line {places[cause]}, directly or through other lines"
    else:
        said = "the analysis knows of no line here that all others need"
    needs: dict[int, list[tuple[int, ...]]] = {}
    for one in reasons.edits[edit]:
        needs.setdefault(places[one.line], []).append(tuple(places[other] for other in one.others))
    told = [f"line {line} needs {needed(others)}" for line, others in needs.items()]
    if len(told) > _MOST_NEEDS + 1:
        told[_MOST_NEEDS:] = [f"{len(told) - _MOST_NEEDS} lines more need others"]
    return [said, "; ".join(told)] if told else [said]


def _places(sequence: "EditSequence", edit: int) -> dict[int, int]:
    """Return the line numbers after an edit of the lines that are there, by their indices."""
    present = (index for index, arrival in enumerate(sequence.arrivals) if arrival <= edit)
    return {index: place for place, index in enumerate(present, 1)}


def needed(needs: Sequence[Sequence[int]]) -> str:
    """Say what is needed: `lines 2 and 3 and one of lines 5, 6 or 9`."""
    each = [str(others[0]) for others in needs if len(others) == 1]
    words = [f"line{'s' if len(each) > 1 else ''} {_listed(each, 'and')}"] if each else []
    words += [f"one of lines {_listed(list(map(str, others)), 'or')}" for others in needs if len(others) > 1]
    return " and ".join(words)


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


# Without keys


def show_whole(shown: Shown, to: "Console") -> None:
    """Print the whole sequence."""
    sequence = shown.sequence
    print_title(sequence, to, title=shown.title)
    for line in shown.record.instruction.strip().split("\n"):
        print_line(to, (printable(line), ""))
    for edit in range(shown.first, len(sequence)):
        print_line(to)
        print_edit(sequence, edit, to)
        for line in why(shown, edit):
            print_line(to, (f"  {line}", "yellow"))


# With keys


@dataclass(frozen=True, slots=True)
class Where:
    """What is on the screen: a row by its place, an edit (-1: before the first), the lines scrolled past."""

    row: int
    edit: int = 0
    scroll: int | None = None
    """None: so that what is new can be seen."""
    help: bool = False


class Book:
    """The rows of a data set, opened one at a time; what cannot be read is told instead."""

    def __init__(self, rows: "Rows") -> None:
        self._rows = rows
        self._open: tuple[int, Shown | str] | None = None

    def page(self, place: int) -> Shown | str | None:
        """Return what a row holds, or why it cannot be read; None past the last one."""
        if self._open is None or self._open[0] != place:
            try:
                row = self._rows.at(place)
                if row is None:
                    return None
                self._open = (place, Shown.of(self._rows.spec, row))
            except (ConfigError, ProgramError) as error:
                self._open = (place, printable(str(error)))
        return self._open[1]

    def opened_at(self, place: int) -> Where | None:
        """Return where the reading of a row begins; None if there is no such row."""
        page = self.page(place) if place >= 0 else None
        return None if page is None else Where(place, page.first if isinstance(page, Shown) else -1)


def after(key: str, where: Where, book: Book) -> Where | None:
    """Return what is to be on the screen after a key; None to leave."""
    page = book.page(where.row)
    last = len(page.sequence) - 1 if isinstance(page, Shown) else -1
    if where.help:
        return replace(where, help=False)
    steps: dict[str, Callable[[], Where | None]] = {
        **dict.fromkeys(("right", "space", "n"), lambda: Where(where.row, min(where.edit + 1, last))),
        **dict.fromkeys(("left", "p"), lambda: Where(where.row, max(where.edit - 1, -1))),
        **dict.fromkeys(("home", "g"), lambda: Where(where.row, -1)),
        **dict.fromkeys(("end", "G"), lambda: Where(where.row, last)),
        **dict.fromkeys(("down", "j"), lambda: book.opened_at(where.row + 1) or where),
        **dict.fromkeys(("up", "k"), lambda: book.opened_at(where.row - 1) or where),
        **dict.fromkeys(("q", "escape", "lost"), lambda: None),
        "?": lambda: replace(where, help=True),
    }
    return steps.get(key, lambda: where)()


def walk(rows: "Rows", first: int) -> None:
    """Show rows on the terminal until a key leaves."""
    from lintseq.cli.screen import Screen

    book = Book(rows)
    where = book.opened_at(first)
    with Screen() as screen:
        to = console()
        keys = screen.keys()
        while where is not None:
            to.size = screen.size
            lines, where = picture(book.page(where.row), where, to)
            screen.draw(lines)
            key = next(keys)
            if key in ("page-down", "page-up"):
                pages = 1 if key == "page-down" else -1
                where = replace(where, scroll=max((where.scroll or 0) + pages * (screen.size[1] // 2), 0))
            else:
                where = after(key, where, book)


def picture(page: Shown | str | None, where: Where, to: "Console") -> tuple[list[str], Where]:
    """Return the lines of the screen, which has the size of `to`, and how far it is scrolled in the end."""
    width, height = to.size
    if where.help:
        return _HELP.split("\n")[:height], where
    if not isinstance(page, Shown):
        told = textwrap.wrap(page or "", width - 1)[: height - 2]
        return [*told, *[""] * (height - 1 - len(told)), _captured(to, _HINT, "dim")], where
    head = _captured_lines(to, lambda: _print_head(page, to))
    new: list[bool] = []
    body = _captured_lines(to, lambda: new.extend(print_edit(page.sequence, where.edit, to)))
    foot = [_captured(to, line, "yellow") for line in _folded(why(page, where.edit), width, height // 6)]
    if height < len(head) + len(foot) + 6:  # on a small screen, the program comes first
        head, foot = head[:1], foot[:1] if height > 8 else []
    heading, state = body[0], body[1:]
    room = max(height - len(head) - len(foot) - 4, 1)  # beside the blank line, the heading and two lines below
    most = max(len(state) - room, 0)
    wanted = where.scroll if where.scroll is not None else (new.index(True) - room // 3 if True in new else 0)
    scroll = min(max(wanted, 0), most)
    state = state[scroll : scroll + room]
    more = len(body) - 1 - scroll - len(state)
    below = _captured(to, f"⋮ {plural(more, 'line')} below: Page Down", "dim italic") if more else ""
    lines = [*head, "", heading, *state, *[""] * (room - len(state)), *foot, below, _captured(to, _HINT, "dim")]
    return lines[:height], replace(where, scroll=scroll)


def _print_head(page: Shown, to: "Console") -> None:
    print_title(page.sequence, to, title=page.title)
    said = printable(" ".join(page.record.instruction.split()))
    lines = textwrap.wrap(said, to.size.width - 1, max_lines=_INSTRUCTION_LINES, placeholder=" …")
    for line in lines:
        print_line(to, (line, ""))


def _folded(texts: Sequence[str], width: int, most: int) -> list[str]:
    """Return texts as lines that fit, at most so many of each."""
    return [
        line
        for text in texts
        for line in textwrap.wrap(text, width - 1, max_lines=max(most, 1), placeholder=" …")
    ]  # fmt: skip


def _captured(to: "Console", text: str, style: str) -> str:
    return "".join(_captured_lines(to, lambda: print_line(to, (text, style))))


def _captured_lines(to: "Console", draw: Callable[[], object]) -> list[str]:
    """Return what `draw` prints, as lines."""
    with to.capture() as capture:
        draw()
    return capture.get().removesuffix("\n").split("\n")
