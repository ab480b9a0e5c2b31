"""From rows to a data set, whatever the rows are turned into.

Owns the run and its report: batches of rows go through the workers, and what comes back is written in
input order, whole or not at all; programs that were there before are left out on the way, if that is asked
for. A run that was ended is gone on with. Reading is left to `inputs`, the work to `work` and `workers`, the
lines' shape to `records`, files to `outputs`.
"""

import os
import platform
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any

from lintseq import __version__
from lintseq.dataset.card import card_of
from lintseq.dataset.duplicates import KEEP, Seen
from lintseq.dataset.engines import LOCAL, check_engine, run_in_engine
from lintseq.dataset.outputs import Outputs, Target
from lintseq.dataset.outputs.target import is_regular
from lintseq.dataset.pieces import cut, path_of, plan_of, rows_of_a_piece, shard_at
from lintseq.dataset.shapes import COLUMNS, Column, get_shape
from lintseq.dataset.work import Batch, Result, Tally, WorkOptions, without_duplicates
from lintseq.dataset.workers import default_workers, run_in_processes
from lintseq.errors import ConfigError, LintseqError
from lintseq.rows import START, BrokenInputError, Mark, RawRow, Source
from lintseq.storage.growing import uninterrupted

_BATCH_ROWS = 64
_BATCH_BYTES = 1 << 16
_BATCH_SECONDS = 0.05
"""How long the work of a batch should take: long against handing it over, short where a process dies over one of its
rows and the others are done again."""
_KEPT = 0.9
"""Of what earlier batches took, when another one tells."""
_PROGRAMS = "programs.sqlite"
_SAVE_SECONDS = 1.0
"""How much work a kill may cost, if saving progress that often takes less than a twentieth of the time."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    rows: int
    new_rows: int
    """Those done by this run, and not by one that it goes on with."""
    sequences: int
    rejected: int
    done: int
    """Of the inputs, in the units of `total`: bytes as they are stored, or rows."""
    total: int | None
    """None if an input does not tell its size."""
    ahead: int = 0
    """Rows that an engine has done and whose turn has not come."""


@dataclass(slots=True)
class RunReport:
    """What a run did."""

    output: str
    rejected: str
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    """Of this run, not of those that it went on with."""
    rows_before: int = 0
    """Rows done by the run that this one went on with."""
    broken_inputs: list[str] = field(default_factory=list)
    """What was wrong with inputs that could not be read to their end; their rows up to there are done."""
    finished: bool = False
    """Whether the output has its name; if not, what is done lies in `partial`."""
    nothing_to_do: bool = False
    """Whether an earlier run had finished already."""
    partial: str = ""

    @property
    def rejections(self) -> int:
        return self.tally.rejections.total()

    @property
    def new_rows(self) -> int:
        return self.tally.rows - self.rows_before

    def counts(self) -> dict[str, Any]:
        """Return the numbers that are the same for every run with the same settings."""
        tally = self.tally
        edits = sum(number * sequences for number, sequences in tally.edits.items())
        return {
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
            "dropped_draws": dict(tally.dropped.most_common()),
            "licenses": dict(tally.licenses.most_common()),
            "broken_inputs": self.broken_inputs,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers as plain values, for JSON."""
        return {
            "output": self.output,
            "rejected": self.rejected,
            "finished": self.finished,
            **self.counts(),
            "rows_before": self.rows_before,
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(_ratio(self.new_rows, self.seconds), 1),
            "sequences_per_second": round(
                _ratio(self.tally.sequences * _ratio(self.new_rows, self.tally.rows), self.seconds), 1
            ),
        }


class RunInterrupted(KeyboardInterrupt):
    """Ctrl-C came; `report` tells what was done before."""

    def __init__(self, report: RunReport) -> None:
        super().__init__("interrupted")
        self.report = report


def run(
    sources: Sequence[Source],
    target: Target,
    options: WorkOptions,
    *,
    settings: dict[str, Any],
    workers: int | None = None,
    engine: str = LOCAL,
    overwrite: bool = False,
    resume: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> RunReport:
    """Turn the rows of all sources into records, as `options` have it, and return what was done.

    `settings` are what the bytes depend on beside the sources and the target: a run goes on only with one that
    had the same. All files appear when the work is done and not before; until then it lies in a folder beside
    them, and with `resume` a run that was ended in any way is gone on with: the bytes are those of a run that
    was left alone. An engine of `lintseq.dataset.engines` has the work done elsewhere, `workers` tasks at once;
    the bytes are the same. Raises `ConfigError` before any work for what cannot work, and `RunInterrupted` on
    Ctrl-C.
    """
    workers = default_workers() if workers is None else workers
    if workers < 1:
        raise ConfigError(f"workers is {workers}, but must be at least 1")
    if resume and any(source.fingerprint is None for source in sources):
        raise ConfigError("standard input and pipes cannot be read twice, so there is nothing to resume from")
    if engine != LOCAL:
        _check_engine(engine, sources, target)
    if target.shards is not None and any(source.size is None for source in sources):
        raise ConfigError("how much input there is cannot be known, so it cannot be split; use --shard-rows")
    whole = settings_of(settings, options, target, sources)
    columns = {name: column.type for name, column in columns_of(options).items()}
    with Outputs(target, columns, whole, resume=resume, overwrite=overwrite) as outputs:
        one = _Run(sources, options, outputs)
        if outputs.manifest is not None:
            return one.finished_before(outputs.manifest)
        with closing(one):
            try:
                one.go(workers, on_progress, engine=engine)
                one.finish()
            except KeyboardInterrupt:
                one.save()
                raise RunInterrupted(one.report) from None
            except BrokenPipeError:
                raise
            except (OSError, sqlite3.Error) as error:
                way_out = f"; what was done is in {outputs.partial}; go on with --resume" if outputs.resumable else ""
                raise LintseqError(f"cannot go on with {target.output}: {error}{way_out}") from None
    return one.report


def _check_engine(engine: str, sources: Sequence[Source], target: Target) -> None:
    """Raise `ConfigError` if an engine cannot do this."""
    check_engine(engine)
    if any(source.fingerprint is None for source in sources):
        raise ConfigError(f"standard input and pipes cannot be shared out by engine {engine}; name files")
    if not any(map(is_regular, (target.output, target.rejected_path))):
        raise ConfigError(f"engine {engine} needs a place for unfinished work; write to a file")


def columns_of(options: WorkOptions) -> dict[str, Column]:
    """Return the columns of the records."""
    columns = dict(get_shape(options.shape).columns)
    return {**columns, "license": COLUMNS["license"]} if options.screening.names_licenses else columns


def settings_of(
    settings: dict[str, Any], options: WorkOptions, target: Target, sources: Sequence[Source]
) -> dict[str, Any]:
    """Return everything that the bytes of an output depend on, as plain values."""
    return {
        "lintseq": __version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
        **settings,
        "output": {"kind": target.kind, "shards": target.shards, "shard_rows": target.shard_rows},
        "inputs": [
            {
                "path": source.path,
                "fields": None if source.fields is None else asdict(source.fields),
                "fingerprint": source.fingerprint,
                **_modules_of(source),
            }
            for source in sources
        ],
    }


def _modules_of(source: Source) -> dict[str, Any]:
    """Return what is taken out of an input's rows; nothing where a row is a program."""
    if source.modules is None:
        return {}
    columns = {"path": source.modules.path, "repository": source.modules.repository}
    return {"modules": {"unit": source.modules.unit, **columns}}


@dataclass(frozen=True, slots=True)
class _Place:
    """How far the inputs are worked through."""

    source: int = 0
    mark: Mark = START


class _Run:
    """One run: the rows of all inputs go through the workers, and what comes back is written in order."""

    def __init__(self, sources: Sequence[Source], options: WorkOptions, outputs: Outputs) -> None:
        self.sources = sources
        self.options = options
        self.outputs = outputs
        self.target = target = outputs.target
        self.report = RunReport(target.output, target.rejected_path, partial=outputs.partial)
        self.started = time.perf_counter()
        self.place = _Place()
        self.example = ""
        """The first record, for the card."""
        self.ahead = 0
        """Rows that an engine has done and whose turn has not come."""
        self.written: deque[str] = deque()
        """Files of pieces of which all is written, if not yet durably."""
        sizes = [source.size for source in sources]
        self.total = None if None in sizes else sum(size or 0 for size in sizes)
        if (saved := outputs.progress) is not None:
            self.place = _Place(saved["source"], Mark(*saved["mark"]))
            self.example = saved["example"]
            self._take_over(saved)
        self._seen = None if outputs.manifest is not None else self._programs_seen()

    def _programs_seen(self) -> Seen | None:
        """Return the memory of programs, as it was when progress was saved last; None if duplicates stay."""
        screening = self.options.screening
        if screening.duplicates == KEEP:
            return None
        seen = Seen(self.outputs.file(_PROGRAMS) if self.outputs.resumable else None, screening.similarity)
        seen.rewind(self.report.tally.rows)
        return seen

    def go(self, workers: int, on_progress: Callable[[Progress], None], *, engine: str = LOCAL) -> None:
        """Do the work."""
        pace = _Pace()
        saver = _Saver()
        ends: deque[tuple[_Place, int]] = deque()
        if engine == LOCAL:
            run = run_in_processes(self._batches(pace, ends), self.options, workers=workers)
        else:
            run = self._through_engine(engine, workers, ends)
        report = self.report
        with closing(run) as results:
            for batch, result in results:
                with uninterrupted():  # so that what is written and what is known of it agree
                    self._write(batch, result, *ends.popleft())
                pace.note(result.seconds, len(batch.rows))
                if saver.due():
                    self.save()
                    saver.done()
                    while self.written:
                        os.remove(self.written.popleft())
                tally = report.tally
                on_progress(
                    Progress(
                        tally.rows,
                        report.new_rows,
                        tally.sequences,
                        report.rejections,
                        batch.position,
                        self.total,
                        self.ahead,
                    )
                )

    def _write(self, batch: Batch, result: Result, place: _Place, shard: int) -> None:
        if self._seen is not None:
            result = without_duplicates(batch, result.parts, self._seen, self.report.tally.rows)
        self.place = place
        self.outputs.write(result.records, result.rejections, shard=shard)
        self.example = self.example or result.records.partition(b"\n")[0].decode()
        self.report.tally.add(result.tally)

    def save(self) -> None:
        """Make what was done durable, so that a later run goes on from here."""
        if self._seen is not None:
            self._seen.mark()  # first: what is remembered too much is forgotten again
        self.outputs.save(self.progress())

    def close(self) -> None:
        """Stop the clock, and let go of the memory of programs."""
        self.report.seconds = time.perf_counter() - self.started
        if self._seen is not None:
            self._seen.close()

    def finish(self) -> None:
        """Give the files their names."""
        if self._seen is not None:
            self._seen.mark()
            self._seen.close()
        manifest = {**self.report.counts(), "tally": self.report.tally.as_dict()}
        card = None
        if self.target.sharded:
            card = card_of(self.outputs.settings, manifest, columns_of(self.options), self.example)
        self.outputs.finish(self.progress(), manifest, card=card)
        self.report.finished = True

    def finished_before(self, manifest: dict[str, Any]) -> RunReport:
        """Return the report of an earlier run that left nothing to do."""
        self._take_over(manifest)
        self.report.finished = self.report.nothing_to_do = True
        return self.report

    def progress(self) -> dict[str, Any]:
        """Return how far this run is, as plain values."""
        mark = self.place.mark
        return {
            "source": self.place.source,
            "mark": [mark.rows, mark.number, mark.end],
            "tally": self.report.tally.as_dict(),
            "broken_inputs": self.report.broken_inputs,
            "example": self.example,
        }

    def _take_over(self, saved: dict[str, Any]) -> None:
        self.report.tally = Tally.from_dict(saved["tally"])
        self.report.broken_inputs = saved["broken_inputs"]
        self.report.rows_before = self.report.tally.rows

    def _batches(self, pace: "_Pace", ends: "deque[tuple[_Place, int]]") -> Iterator[Batch]:
        """Yield the rows of all inputs from where the run stands.

        For each batch, `ends` is told where it ends and the shard that it goes to. What keeps an input from
        being read to its end is added to the report.
        """
        start = self.place
        before = sum(source.size or 0 for source in self.sources[: start.source])
        for number, source in enumerate(self.sources[start.source :], start.source):
            mark = start.mark if number == start.source else START
            rows: list[RawRow] = []
            size = 0
            shard = self._shard(before + mark.end)

            def batch() -> Batch:
                ends.append((_Place(number, rows[-1].mark), shard))  # noqa: B023  called at once
                position = before + rows[-1].end  # noqa: B023
                return Batch(source.path, source.fields, rows, position, source.modules)  # noqa: B023

            try:
                for row in source.read(mark):
                    rows.append(row)
                    size += len(row.data)
                    next_shard = self._shard(before + row.end)
                    if len(rows) >= pace.rows or size > _BATCH_BYTES or next_shard != shard:
                        yield batch()
                        rows, size, shard = [], 0, next_shard
            except BrokenInputError as error:
                if str(error) not in self.report.broken_inputs:  # as the run that this one goes on with saw it
                    self.report.broken_inputs.append(str(error))
            if rows:
                yield batch()
            before += source.size or 0

    def _through_engine(
        self, engine: str, workers: int, ends: "deque[tuple[_Place, int]]"
    ) -> Generator[tuple[Batch, Result]]:
        """Yield what an engine makes of the rows of all inputs from where the run stands.

        `ends` and the report are told what `_batches` tells them.
        """
        folder = self.outputs.file("pieces")
        assert folder is not None
        self.save()  # so that a later run goes on with this one, whose pieces may be done before anything is written
        place, each = self.place, rows_of_a_piece(self.options)
        pieces = list(cut(self.sources, rows_each=each, shard_of=self._shard, input=place.source, mark=place.mark))
        plan = plan_of(self.options, self.sources, pieces, workers=workers)
        before = list(accumulate((source.size or 0 for source in self.sources), initial=0))
        with closing(run_in_engine(engine, plan, folder, workers=workers)) as steps:
            for step in steps:
                piece, source = step.piece, self.sources[step.piece.input]
                self.ahead = step.ahead
                if step.broken and step.broken not in self.report.broken_inputs:
                    self.report.broken_inputs.append(step.broken)
                ends.append((_Place(piece.input, step.mark), piece.shard))
                position = before[piece.input] + step.mark.end
                yield Batch(source.path, source.fields, step.rows, position, source.modules), step.result
                if step.last:
                    self.written.append(path_of(folder, piece))

    def _shard(self, position: int) -> int:
        """Return the shard of a row that starts at `position` of all inputs together."""
        return shard_at(position, self.total or 0, self.target.shards or 1)


class _Saver:
    """When to save progress: each second, but less often where saving itself takes long."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._wait = _SAVE_SECONDS
        self._asked = 0.0

    def due(self) -> bool:
        self._asked = time.monotonic()
        return self._asked - self._last >= self._wait

    def done(self) -> None:
        """Learn what saving took, since `due` said that it was time."""
        self._last = time.monotonic()
        self._wait = max(_SAVE_SECONDS, 20 * (self._last - self._asked))


class _Pace:
    """How many rows make a batch: few where rows take long, as with a slow linter.

    Batches are cut long before results come back, many of these at once after a row that hung. So what counts is what
    a row took, not what batches took that were cut at an earlier pace; and of the rows the latest count most.
    """

    def __init__(self) -> None:
        self.rows = 4
        self._seconds = self._seen = 0.0

    def note(self, seconds: float, rows: int) -> None:
        """Learn from what a batch took."""
        self._seconds = _KEPT * self._seconds + seconds
        self._seen = _KEPT * self._seen + rows
        self.rows = max(1, min(_BATCH_ROWS, int(_BATCH_SECONDS * self._seen / max(self._seconds, 1e-6))))


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
