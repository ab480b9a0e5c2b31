"""Numbers and progress for people, on any terminal or none.

Owns how they look; what is counted is left to the commands.
"""

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

from lintseq.reporting.numbers import plural

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from lintseq.dataset.report import BuildProgress

__all__ = ["Meter", "RunProgress", "duration", "percent", "plural", "table"]

_LINE_EVERY = 15.0
"""Seconds between progress lines where there is no terminal."""
_DRAW_EVERY = 0.1
"""Seconds between drawings of the bar on a terminal."""


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Return names and values in two columns."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}".rstrip() for name, value in rows)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


class RunProgress:
    """Shows on standard error how far a run is: a bar on a terminal, elsewhere a line every few seconds."""

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown
        self._bar = _bar() if shown and sys.stderr.isatty() else None
        self._started = self._last = time.monotonic()
        self._first: int | None = None
        """What of the inputs was done when this run had done its first rows: earlier runs did the rest."""

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: "BuildProgress") -> None:
        now = time.monotonic()
        if not self._shown or now - self._last < (_LINE_EVERY if self._bar is None else _DRAW_EVERY):
            return
        self._last = now
        if self._first is None:
            self._first = progress.done
        seconds = now - self._started
        rate = progress.new_rows / seconds
        text = f"{plural(progress.rows, 'row')}, {rate:,.0f} a second, {progress.rejected:,} rejected"
        done = progress.done / progress.total if progress.total else None
        if progress.total and progress.done > self._first:
            left = (progress.total - progress.done) / (progress.done - self._first)
            text += f", {duration(seconds * left)} left"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], total=progress.total, completed=progress.done, text=text)
            self._bar.refresh()
        else:
            typer.echo(text if done is None else f"{done:4.0%}  {text}", err=True)


class Meter:
    """Shows on standard error how far something is, in words that it is given: a bar, or a line every few seconds."""

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown
        self._bar = _bar() if shown and sys.stderr.isatty() else None
        self._last = time.monotonic()
        self._first: tuple[float, float] | None = None
        """When something was told first, and what was done by then."""

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: float, total: float | None, text: str, *, left: bool = False) -> None:
        """Tell that so much of all is done, what there is to say of it, and with `left` how long the rest takes."""
        now = time.monotonic()
        if self._first is None:
            self._first = now, done
        if not self._shown or now - self._last < (_LINE_EVERY if self._bar is None else _DRAW_EVERY):
            return
        self._last = now
        started, before = self._first
        if left and total and before < done < total:
            text += f", {duration((now - started) * (total - done) / (done - before))} left"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], total=total, completed=done, text=text)
            self._bar.refresh()
        else:
            typer.echo(f"{done / total:4.0%}  {text}" if total else text, err=True)


def _bar() -> "Bar":
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    # Drawn only when told to: a thread that draws would make forking unsafe.
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[text]}", markup=False))
    bar = Bar(*columns, console=Console(stderr=True), auto_refresh=False, transient=True)
    bar.add_task("run", total=None, text="")
    return bar


def duration(seconds: float) -> str:
    """Return a time as `3:05`, or with hours."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
