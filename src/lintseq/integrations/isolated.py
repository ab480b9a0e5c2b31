"""The unit of work for engines that call a function for each row: Spark, Dask, `datasets.map`, Ray Data and others.

Owns the process in which rows are worked on, one for each thread that calls; what becomes of a row is
decided where it always is.
"""

import json
import multiprocessing
import threading
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.work import Batch, Outcome, Result
from lintseq.dataset.workers import run_in_processes
from lintseq.rows import Fields, RawRow, encode_row, parse_row


class IsolatedSampler:
    """An `EditSampler` in a process of its own: a row that crashes, hangs or eats memory costs itself alone.

    Can be pickled. A call takes a row and always returns an `Outcome`, in whatever process or thread. Going
    through another process takes about a tenth of a millisecond more than `EditSampler` does.
    """

    def __init__(self, options: BuildOptions | None = None, fields: Fields | None = None) -> None:
        """`fields` are the columns that matter; if not given, they are found in each row by `options.names`."""
        self.options = options or BuildOptions()
        self.fields = fields
        self._of_thread = threading.local()

    def __getstate__(self) -> tuple[BuildOptions, Fields | None]:
        return self.options, self.fields

    def __setstate__(self, state: tuple[BuildOptions, Fields | None]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __call__(self, row: Mapping[str, Any] | bytes, *, source: str = "", index: int = 0) -> Outcome:
        """Return what becomes of a row; `source` and `index` tell its place to shapes that repeat it."""
        data = row if isinstance(row, bytes) else encode_row(row)
        calls: _Calls | None = getattr(self._of_thread, "calls", None)
        if calls is None:
            calls = self._of_thread.calls = _Calls(self.options)
        return _outcome(calls.result(Batch(source, self.fields, [RawRow(index, index + 1, data, 0)], 0)))


class _Calls:
    """A worker process that is given one batch after the other."""

    def __init__(self, options: BuildOptions) -> None:
        self._next: list[Batch] = []
        # Pops what `result` has put there just before; with one worker, no more is asked for.
        self._run = run_in_processes(iter(self._next.pop, None), options, workers=1)
        weakref.finalize(self, self._run.close)

    def result(self, batch: Batch) -> Result:
        self._next.append(batch)
        with _having_children():
            _, result = next(self._run)
        return result


@contextmanager
def _having_children() -> Iterator[None]:
    """Let this process start others even if it is a daemon of `multiprocessing`, as Dask's are.

    That is forbidden lest they be left behind; ours end with the pipe to this process.
    """
    config: dict[str, Any] = getattr(multiprocessing.current_process(), "_config", {})
    daemon = config.pop("daemon", None)
    try:
        yield
    finally:
        if daemon is not None:
            config["daemon"] = daemon


def _outcome(result: Result) -> Outcome:
    """Return what the lines of a row say."""
    signature = None
    if result.parts:  # duplicates are to be told apart, which is left to the caller
        (part,) = result.parts
        result, signature = part.result, part.signature
    records = [parse_row(line) for line in result.records.split(b"\n")[:-1]]
    tally = result.tally
    outcome = Outcome(
        records,
        edits=list(tally.edits.elements()),
        lines=tally.lines,
        dropped=Counter(tally.dropped),
        signature=signature,
    )
    if result.rejections:
        rejection = json.loads(result.rejections)
        outcome.id, outcome.reason, outcome.detail = (rejection[name] for name in ("id", "reason", "detail"))
    elif records:
        outcome.id = records[0].get("id")
        outcome.license = records[0].get("license", "")
    return outcome
