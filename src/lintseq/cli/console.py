"""Numbers and progress for people, on any terminal or none.

Owns their appearance; the commands decide what to count.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from json import dumps
from typing import TYPE_CHECKING, Self

import typer

from lintseq.errors import BrokenInputError, EmptyInputError

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


_LINE_EVERY = 15.0
"""Seconds between progress lines where there is no terminal."""
_DRAW_EVERY = 0.1
"""Seconds between drawings of the bar on a terminal."""


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Return names and values in two columns."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}".rstrip() for name, value in rows)


def print_summary(
    numbers: object, text: str, *, json: bool, quiet: bool = False, warnings: Iterable[str] = ()
) -> None:
    """Print a summary, as numbers in JSON or as text unless `quiet`, and warnings on standard error."""
    if json:
        typer.echo(dumps(numbers))
    elif not quiet:
        typer.echo(text)
    for warning in warnings:
        typer.echo(f"lintseq: {warning}", err=True)


def check_read(rows: int, unreadable: Mapping[str, int], specs: Sequence[str]) -> None:
    """Raise an exception if no rows were read from the inputs that were named, or not all of them."""
    if unreadable.get("broken-input"):
        raise BrokenInputError(f"{', '.join(specs)} cannot be read to the end; these are the rows before that")
    if not rows:
        raise EmptyInputError(f"{', '.join(specs)}: there are no rows in it; check the path, and what was to write it")


class Meter:
    """Prints progress to standard error: a bar on a terminal, otherwise a line every few seconds."""

    def __init__(self, *, visible: bool = True) -> None:
        self._visible = visible
        self._bar = _bar() if visible and sys.stderr.isatty() else None
        self._last = time.monotonic()
        self._first: tuple[float, float] | None = None
        """The time of the first report of progress, and what was done by then."""

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: float, total: float | None, text: str, *, left: bool = False) -> None:
        """Report progress: how much of the total is done, and a text; with `left`, print the remaining time too."""
        now = time.monotonic()
        if self._first is None or done < self._first[1]:  # it begins, or begins to count something else
            self._first = now, done
        if not self._visible or now - self._last < (_LINE_EVERY if self._bar is None else _DRAW_EVERY):
            return
        self._last = now
        started, before = self._first
        if left and total and before < done:
            text += f", {duration((now - started) * (total - done) / (done - before))} left"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], total=total, completed=done, text=text)
            self._bar.refresh()
        else:
            typer.echo(f"{done / total:4.0%}  {text}" if total else text, err=True)

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        if self._bar is not None:
            self._bar.console.print(f"lintseq: {text}", markup=False, highlight=False, soft_wrap=True)
        elif self._visible:
            print_note(text)


def print_note(text: str) -> None:
    """Print a line to standard error."""
    typer.echo(f"lintseq: {text}", err=True)


@contextmanager
def resumable_meter(*, visible: bool, resumable: bool = True) -> Iterator[Meter]:
    """Show progress, and exit with status 130 if the run is interrupted, which says how to continue if one can."""
    try:
        with Meter(visible=visible) as meter:
            yield meter
    except KeyboardInterrupt:
        typer.echo(f"lintseq: interrupted{'; continue with --resume' if resumable else ''}", err=True)
        raise typer.Exit(130) from None


def _bar() -> "Bar":
    from rich.console import Console
    from rich.progress import BarColumn, Progress as Bar, TaskProgressColumn, TextColumn

    # Drawn only on request: a thread that draws would make forking unsafe.
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[text]}", markup=False))
    bar = Bar(*columns, console=Console(stderr=True), auto_refresh=False, transient=True)
    bar.add_task("run", total=None, text="")
    return bar


def duration(seconds: float) -> str:
    """Return a time as `3:05`, or with hours."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
