"""Total row transforms: any row becomes records or one rejection with a reason, in bounded time.

Owns the result of a row and the limit on its time. What rows are turned into is up to the transform; which process
does the work, and in which order, is decided elsewhere.
"""

import signal
import threading
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

from lintseq.errors import ProgramError, RowTimeoutError, ToolError
from lintseq.rows import Fields, parse_row


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a part of a row was rejected."""

    id: str
    reason: str
    detail: str
    part: Mapping[str, Any]
    """What was rejected."""
    line: int | None = None
    """Where it begins in a source file; None for the line of the row."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """The records of one row, or why there are none."""

    records: list[dict[str, Any]] = field(default_factory=list)
    """One for each sequence kept."""
    id: str | int | None = None
    """The row's own id, or a hash of its content; of a rejected row only its own id, None if it has none."""
    reason: str = ""
    """Why the row was rejected, as a machine-readable word; empty if it was not."""
    detail: str = ""
    """Why, for people."""
    edits: list[int] = field(default_factory=list)
    """The number of edits of each sequence."""
    lines: int = 0
    """Lines inserted by all edits of all sequences."""
    truncated: int = 0
    """Sequences that were cut to fit a limit on tokens."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> draws that were left out."""
    license: str = ""
    """The license of the row; empty if unknown."""
    signature: tuple[int, ...] | None = None
    """What identifies the program when duplicates are dropped."""
    rejections: list[Rejection] = field(default_factory=list)
    """Parts of the row that were rejected although others became records."""
    test: bool = False
    """Whether the records belong to the part for testing."""

    def as_row(self) -> dict[str, Any]:
        """Return records and rejection as plain values, for tools that map rows to rows."""
        rejection = {"id": self.id, "reason": self.reason, "detail": self.detail} if self.reason else None
        return {"records": self.records, "rejection": rejection}


class RowTransform(Protocol):
    """Turns rows into records. Both methods raise `ProgramError` for rows that they reject."""

    def read_id(self, row: Mapping[str, Any], fields: Fields | None) -> str | int | None:
        """Return the row's own id, None if it has none."""

    def transform(self, row: Mapping[str, Any], fields: Fields | None, *, source: str, index: int) -> RowResult:
        """Return the records of a row; `source` and `index` are its input and its index there."""


class RowLimits:
    """Applies a transform with a time limit, and turns any exception into a rejection.

    The limit works in the main thread on POSIX systems, and only while `installed` or after `install`.
    """

    def __init__(self, transform: RowTransform, seconds: float) -> None:
        self._transform = transform
        self._seconds = seconds
        self._active = False
        self._expired = False

    def apply(
        self, row: Mapping[str, Any] | bytes, fields: Fields | None = None, *, source: str = "", index: int = 0
    ) -> RowResult:
        """Return the result of a row: columns, or the JSON object that they are written in."""
        self._expired = False
        columns: Mapping[str, Any] | None = None
        try:
            try:
                if self._active:
                    # Expires again each second: should a tool swallow the first exception, another follows.
                    signal.setitimer(signal.ITIMER_REAL, self._seconds, 1.0)
                columns = parse_row(row) if isinstance(row, bytes) else row
                return self._transform.transform(columns, fields, source=source, index=index)
            finally:
                if self._active:
                    signal.setitimer(signal.ITIMER_REAL, 0)
        except RowTimeoutError:
            signal.setitimer(signal.ITIMER_REAL, 0)
            reason, detail = "timeout", ""
        except ProgramError as error:
            reason, detail = error.reason, error.detail
        except ToolError as error:
            reason, detail = "tool-error", str(error)
        except RecursionError:
            reason, detail = "nesting", "nested too deeply"
        except MemoryError:
            reason, detail = "memory", "takes more memory than it may"
        except (Exception, SystemExit) as error:  # a bug, ours or a linter's, must not end a run of a million rows
            reason, detail = "internal-error", _location(error)
        if self._expired:  # inside C code, the alarm may surface as another error
            reason, detail = "timeout", f"not done after {self._seconds:g} seconds"
        return RowResult(id=self._id(columns, fields), reason=reason, detail=detail)

    def _id(self, columns: Mapping[str, Any] | None, fields: Fields | None) -> str | int | None:
        """Return the id of a row that was rejected, None if it has none."""
        with suppress(ProgramError):
            return None if columns is None else self._transform.read_id(columns, fields)
        return None

    def install(self) -> None:
        """Enforce the time limit from now on, in a process that does nothing else."""
        if self._possible:
            signal.signal(signal.SIGALRM, self._expire)
            self._active = True

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Enforce the time limit while the context lasts."""
        if not self._possible:
            yield
            return
        handler = signal.getsignal(signal.SIGALRM)
        timer = signal.setitimer(signal.ITIMER_REAL, 0)
        self.install()
        try:
            yield
        finally:
            self._active = False
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, *timer)

    @property
    def _possible(self) -> bool:
        main = threading.current_thread() is threading.main_thread()
        return hasattr(signal, "setitimer") and main and bool(self._seconds)

    def _expire(self, _signal: int, _frame: FrameType | None) -> None:
        self._expired = True
        raise RowTimeoutError


def _location(error: BaseException) -> str:
    """Return an error with the line that raised it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({frame.filename}:{frame.lineno}, in {frame.name})"
