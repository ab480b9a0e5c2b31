"""From files of programs to a file of edit sequences.

Owns the pipeline and its report: inputs are looked into before any work starts, batches of rows go
through the workers, and what comes back is written in input order, whole or not at all. Reading is left
to `rows`, the work to `work` and `workers`, the lines' shape to `records`.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from lintseq.dataset.output import STDOUT, OutputFile, is_special
from lintseq.dataset.records import SCHEMAS
from lintseq.dataset.rows import BrokenInputError, Line, Source, open_source
from lintseq.dataset.work import Batch, BuildOptions, Tally
from lintseq.dataset.workers import default_workers, run_here, run_in_processes
from lintseq.errors import ConfigError, LintseqError
from lintseq.sampling import check_options

_BATCH_ROWS = 64
_BATCH_BYTES = 1 << 16
_BATCH_SECONDS = 0.2
"""How long the work of a batch should take: long against handing it over, short against a user's patience."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is."""

    rows: int
    sequences: int
    rejected: int
    bytes_done: int
    """Of the inputs as they are stored, compressed or not."""
    bytes_total: int | None
    """None if an input does not tell its size."""


@dataclass(slots=True)
class BuildReport:
    """What a build did."""

    output: str
    rejected: str
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    broken_inputs: list[str] = field(default_factory=list)
    """What was wrong with inputs that could not be read to their end; their rows up to there are done."""
    finished: bool = False
    """Whether the output has its name; if not, what is done lies in `partial`, in whole records."""
    partial: str = ""

    @property
    def rejections(self) -> int:
        return self.tally.rejections.total()

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, for JSON."""
        tally = self.tally
        edits = sum(number * sequences for number, sequences in tally.edits.items())
        return {
            "output": self.output,
            "rejected": self.rejected,
            "finished": self.finished,
            "rows": tally.rows,
            "sequences": tally.sequences,
            "edits_per_sequence": {
                "mean": _ratio(edits, tally.sequences),
                "median": _median(tally.edits),
                "max": max(tally.edits, default=0),
            },
            "lines_per_edit": _ratio(tally.lines, edits),
            "single_edit_share": _ratio(tally.edits[1], tally.sequences),
            "rejections": dict(tally.rejections.most_common()),
            "broken_inputs": self.broken_inputs,
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(_ratio(tally.rows, self.seconds), 1),
            "sequences_per_second": round(_ratio(tally.sequences, self.seconds), 1),
        }


class BuildInterrupted(KeyboardInterrupt):
    """Ctrl-C came; `report` tells what was done before."""

    def __init__(self, report: BuildReport) -> None:
        super().__init__("interrupted")
        self.report = report


def build(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    options: BuildOptions | None = None,
    rejected: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> BuildReport:
    """Write the edit sequences of the programs in `inputs` to `output` and return what was done.

    A row gives `options.samples` records, or one line in the file `rejected` (by default beside the
    output) with the reason that it gives none. Both files appear when the work is done and not before.
    Raises `ConfigError` before any work for what cannot work, and `BuildInterrupted` on Ctrl-C.
    """
    options = options or BuildOptions()
    workers = default_workers() if workers is None else workers
    output = os.fspath(output)
    rejected = default_rejected(output) if rejected is None else os.fspath(rejected)
    paths = [os.fspath(path) for path in inputs]
    _check(paths, output, rejected, options, workers=workers, overwrite=overwrite)
    sources = [open_source(path, options.names) for path in paths]
    report = BuildReport(output, rejected)
    started = time.perf_counter()
    files = _open_outputs(output, rejected)
    report.partial = files[0].partial
    try:
        _run(sources, options, workers=workers, files=files, report=report, on_progress=on_progress)
        # The output last: where it is, everything is.
        for file in reversed(files):
            file.commit()
        report.finished = True
    except KeyboardInterrupt:
        raise BuildInterrupted(report) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LintseqError(f"cannot go on with {output}: {error}; what was done is in {report.partial}") from None
    finally:
        report.seconds = time.perf_counter() - started
        for file in files:
            file.abandon()
    return report


def default_rejected(output: str) -> str:
    """Return where rejected rows go if nothing else is said: beside the output."""
    if output == STDOUT:
        raise ConfigError("with the output on standard output, name a file for rejected rows with --rejected")
    stem = output
    for ending in (".gz", ".zst", ".jsonl", ".json"):
        stem = stem.removesuffix(ending)
    return f"{stem}.rejected.jsonl"


def _check(
    inputs: list[str], output: str, rejected: str, options: BuildOptions, *, workers: int, overwrite: bool
) -> None:
    """Raise `ConfigError` for settings that cannot work."""
    check_options(options.sampling)
    if options.schema not in SCHEMAS:
        raise ConfigError(f"unknown schema {options.schema!r}; use one of {', '.join(SCHEMAS)}")
    for name, value, least in (
        ("samples", options.samples, 1),
        ("workers", workers, 1),
        ("row timeout", options.row_timeout, 0),
    ):
        if not value >= least:
            raise ConfigError(f"{name} is {value}, but must be at least {least}")
    if not inputs:
        raise ConfigError("no inputs; name at least one JSONL file, or - for standard input")
    taken = {os.path.realpath(path) for path in inputs}
    for path in (output, rejected):
        if path == STDOUT or is_special(path):
            continue
        if os.path.realpath(path) in taken:
            raise ConfigError(f"{path} is named twice; inputs, output and rejected rows must be different files")
        taken.add(os.path.realpath(path))
        if os.path.isfile(path) and not overwrite:
            raise ConfigError(f"{path} exists; choose another name, or replace it with --overwrite")
        if not os.path.isdir(os.path.dirname(path) or "."):
            raise ConfigError(f"cannot write {path}: there is no folder {os.path.dirname(path)}")


def _open_outputs(output: str, rejected: str) -> tuple[OutputFile, OutputFile]:
    path = output
    try:
        file = OutputFile(output)
        path = rejected
        return file, OutputFile(rejected)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None


def _run(
    sources: Sequence[Source],
    options: BuildOptions,
    *,
    workers: int,
    files: tuple[OutputFile, OutputFile],
    report: BuildReport,
    on_progress: Callable[[Progress], None],
) -> None:
    """Do the work, filling `files` and `report` batch by batch."""
    sizes = [source.size for source in sources]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    pace = _Pace()
    batches = _batches(sources, pace, report.broken_inputs)
    run = run_here(batches, options) if workers == 1 else run_in_processes(batches, options, workers=workers)
    with closing(run) as results:
        for batch, result in results:
            files[0].write(result.records)
            files[1].write(result.rejections)
            tally = report.tally
            tally.add(result.tally)
            pace.note(result.seconds)
            on_progress(Progress(tally.rows, tally.sequences, report.rejections, batch.position, total))


class _Pace:
    """How many rows make a batch: few where rows take long, as with a slow linter."""

    def __init__(self) -> None:
        self.rows = 4

    def note(self, seconds: float) -> None:
        """Learn from what a batch took."""
        if seconds < _BATCH_SECONDS / 2:
            self.rows = min(2 * self.rows, _BATCH_ROWS)
        elif seconds > 2 * _BATCH_SECONDS:
            self.rows = max(self.rows // 2, 1)


def _batches(sources: Sequence[Source], pace: _Pace, broken: list[str]) -> Iterator[Batch]:
    """Yield the rows of all inputs; what keeps one from being read to its end is added to `broken`."""
    before = 0
    for source in sources:
        first = 0
        lines: list[Line] = []
        size = 0
        try:
            for line in source.lines:
                lines.append(line)
                size += len(line.data)
                if len(lines) >= pace.rows or size > _BATCH_BYTES:
                    yield Batch(source.path, source.fields, first, lines, before + line.end)
                    first += len(lines)
                    lines, size = [], 0
        except BrokenInputError as error:
            broken.append(str(error))
        if lines:
            yield Batch(source.path, source.fields, first, lines, before + lines[-1].end)
        before += source.size or 0


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _median(counts: Counter[int]) -> float:
    """Return the (lower) median of the values in `counts`: value -> how often."""
    middle = (counts.total() - 1) // 2
    for value in sorted(counts):
        middle -= counts[value]
        if middle < 0:
            return value
    return 0
