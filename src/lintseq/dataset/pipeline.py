"""From rows to a data set, for any row transform.

Owns the run: batches of rows go through worker processes, and their results are written in input order. A run that
was killed resumes from what it saved last. Reading and working on batches is left to `batches`, files to `outputs`.
"""

import os
import platform
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, astuple, dataclass, replace
from functools import partial
from typing import Any

from lintseq import __version__
from lintseq.dataset.batches import (
    BATCH_ROWS,
    Batch,
    BatchResult,
    BuildTally,
    Checkpoint,
    RowWork,
    process_batches,
    read_batches,
    without_duplicates,
)
from lintseq.dataset.card import card_of
from lintseq.dataset.duplicates import KEEP, Seen
from lintseq.dataset.outputs import Outputs, Target, check_target
from lintseq.dataset.report import BuildProgress, BuildReport
from lintseq.dataset.split import SplittingTransform, find_test_groups
from lintseq.errors import BrokenInputError, BuildInterrupted, ConfigError, LintseqError, check_at_least, reason_of
from lintseq.rows import FieldNames, Input, Mark, open_inputs
from lintseq.storage import SaveTimer, default_workers, uninterrupted

SAVE_SECONDS = 1.0
"""How much work a kill may cost, where saving is quick."""
BATCH_SECONDS = 0.05
"""How long the work on a batch should take: long compared to handing it over, short because a process that dies over
one of its rows makes the others be done again."""
_DECAY = 0.9
"""Weight of earlier batches when another one is measured."""
_PROGRAMS = "programs.sqlite"


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """A run whose inputs and target are checked."""

    sources: Sequence[Input]
    target: Target
    overwrite: bool
    resume: bool


def open_run(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | Target,
    names: FieldNames | None,
    *,
    overwrite: bool,
    resume: bool,
    code_base: bool = False,
) -> OpenedRun:
    """Return the inputs and the target of a run, opened and checked by `open_inputs` and `check_target`."""
    target = output if isinstance(output, Target) else Target(os.fspath(output))
    paths = [os.fspath(path) for path in inputs]
    if not paths:
        raise ConfigError("no inputs; name at least one file, folder or data set, or - for standard input")
    check_target(target, paths, overwrite=overwrite, resume=resume)
    sources = open_inputs(paths, names, code_base=code_base, but=target.holds)
    return OpenedRun(sources, target, overwrite, resume)


def run_pipeline(
    opened: OpenedRun,
    work: RowWork,
    settings: Mapping[str, Any],
    *,
    workers: int | None,
    on_progress: Callable[[BuildProgress], None],
) -> BuildReport:
    """Turn the rows of all sources into records by `work`, and return what was done.

    `settings` are what the output depends on besides the sources and the target: only a run with the same ones can be
    resumed. The files appear when the run is complete; until then they grow in a working directory next to them.
    Raises `ConfigError` before any work for what cannot work, and `BuildInterrupted` on Ctrl-C.
    """
    sources, target, resume = opened.sources, opened.target, opened.resume
    check_at_least(0, {"--row-timeout": work.row_timeout, "--row-memory": work.row_memory})
    check_at_least(1, {"--workers": workers})
    if resume and any(source.fingerprint is None for source in sources):
        raise ConfigError("standard input and pipes cannot be read twice, so there is nothing to resume from")
    if target.shards is not None and any(source.size is None for source in sources):
        raise ConfigError("the size of the input is unknown, so it cannot be split into --shards; use --shard-rows")
    if target.split is not None and target.split_by is not None:
        tests = find_test_groups(sources, target.split_by, target.split)
        work = replace(work, make_transform=partial(SplittingTransform, work.make_transform, target.split_by, tests))
    settings = _all_settings(settings, target, sources)
    columns = {name: column.type for name, column in work.columns.items()}
    with Outputs(target, columns, settings, resume=resume, overwrite=opened.overwrite) as outputs:
        build = _Build(sources, work, outputs)
        if outputs.manifest is not None:
            return build.report_of(outputs.manifest)
        with closing(build):
            try:
                build.run(default_workers() if workers is None else workers, on_progress)
                build.finish()
            except KeyboardInterrupt:
                build.save()
                raise BuildInterrupted(build.report) from None
            except BrokenPipeError:
                raise
            except (OSError, sqlite3.Error) as error:
                hint = f"; what is done is in {outputs.partial}; continue with --resume" if build.resumable else ""
                raise LintseqError(f"cannot continue with {target.output}: {reason_of(error)}{hint}") from None
    return build.report


def _all_settings(settings: Mapping[str, Any], target: Target, sources: Sequence[Input]) -> dict[str, Any]:
    """Return everything that the bytes of an output depend on, as plain values."""
    return {
        "lintseq": __version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
        **settings,
        "output": {"kind": target.kind, "shards": target.shards, "shard_rows": target.shard_rows},
        **({"split": target.split, "split_by": target.split_by} if target.split is not None else {}),
        "inputs": [
            {"path": source.path, "fields": source.fields and asdict(source.fields), "fingerprint": source.fingerprint}
            for source in sources
        ],
    }


class _Build:
    """One run of the pipeline: its progress and state."""

    def __init__(self, sources: Sequence[Input], work: RowWork, outputs: Outputs) -> None:
        self.sources, self.work, self.outputs = sources, work, outputs
        self.target = outputs.target
        self.resumable = outputs.resumable and all(source.fingerprint is not None for source in sources)
        """Whether a later run can continue this one; standard input, for instance, cannot be read again."""
        partial = outputs.partial if self.resumable else ""
        self.report = BuildReport(self.target.output, self.target.rejected_path, partial=partial)
        self.started = time.perf_counter()
        self.checkpoint = Checkpoint()
        """What is written, by this run and those that it resumes."""
        self.example = ""
        """The first record, for the card."""
        self._seen: Seen | None = None
        if (saved := outputs.progress) is not None:
            self.checkpoint = Checkpoint(saved["source"], Mark(*saved["mark"]))
            self.example = saved["example"]
            self._continue(saved)
        if outputs.manifest is None and work.screening.duplicates != KEEP:
            path = outputs.file(_PROGRAMS) if outputs.resumable else None
            try:
                self._seen = Seen(path, work.screening.similarity)
                self._seen.rewind(self.report.tally.rows)
            except sqlite3.DatabaseError as error:
                raise ConfigError(f"{path} is damaged ({error}); start with --overwrite") from None

    def run(self, workers: int, on_progress: Callable[[BuildProgress], None]) -> None:
        """Do the work that is left."""
        pace = BatchPace()
        timer = SaveTimer(SAVE_SECONDS)
        sizes = [source.size for source in self.sources]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        batches = read_batches(
            self.sources,
            shards=self.target.shards or 1,
            start=self.checkpoint,
            rows=lambda: pace.rows,
            on_broken=self._note_broken,
        )
        with closing(process_batches(batches, self.work, workers=workers)) as results:
            for batch, result in results:
                with uninterrupted():  # keeps the files and the saved state consistent
                    self._write(batch, result)
                pace.note(result.seconds, len(batch.rows))
                timer.run(self.save)
                tally = self.report.tally
                new_rows, rejected = tally.rows - self.report.rows_before, tally.rejections.total()
                on_progress(BuildProgress(tally.rows, new_rows, tally.sequences, rejected, batch.position, total))

    def save(self) -> None:
        """Save progress durably, so that a later run continues from here, if one can."""
        if not self.resumable:
            return
        if self._seen is not None:
            self._seen.mark()  # first: programs that were remembered too early are forgotten when resuming
        self.outputs.save(self._progress())

    def close(self) -> None:
        """Stop the clock and close the database of programs."""
        self.report.seconds = time.perf_counter() - self.started
        if self._seen is not None:
            self._seen.close()

    def finish(self) -> None:
        """Complete the output."""
        if self._seen is not None:
            self._seen.mark()
            self._seen.close()
        manifest = {**self.report.counts(), "tally": self.report.tally.as_dict()}
        card = None
        if self.target.sharded:
            card = card_of(self.outputs.settings, manifest, self.work.columns, self.example)
        self.outputs.finish(self._progress(), manifest, card=card)
        self.report.finished = True

    def report_of(self, manifest: dict[str, Any]) -> BuildReport:
        """Return the report of an earlier run that was completed."""
        self._continue(manifest)
        self.report.finished = self.report.nothing_to_do = True
        return self.report

    def _write(self, batch: Batch, result: BatchResult) -> None:
        if self._seen is not None:
            result = without_duplicates(batch, result.rows, self._seen, self.report.tally.rows)
        last = batch.rows[-1]
        self.checkpoint = Checkpoint(batch.input, Mark(last.index + 1, last.number, last.end))
        self.outputs.write(result.records, result.rejections, shard=batch.shard, test_records=result.test_records)
        self.example = self.example or result.records.partition(b"\n")[0].decode()
        self.report.tally.add(result.tally)

    def _note_broken(self, error: BrokenInputError) -> None:
        if str(error) not in self.report.broken_inputs:  # noted by the run that this one resumes
            self.report.broken_inputs.append(str(error))

    def _progress(self) -> dict[str, Any]:
        return {
            "source": self.checkpoint.input,
            "mark": astuple(self.checkpoint.mark),
            "tally": self.report.tally.as_dict(),
            "broken_inputs": self.report.broken_inputs,
            "example": self.example,
        }

    def _continue(self, saved: Mapping[str, Any]) -> None:
        self.report.tally = BuildTally.from_dict(saved["tally"])
        self.report.broken_inputs = saved["broken_inputs"]
        self.report.rows_before = self.report.tally.rows


class BatchPace:
    """How many rows make a batch: fewer where rows take long, as with a slow linter.

    Batches are cut long before their results come back, many of them at once while a row hangs. So the pace follows
    the time per row, not the time per batch, and recent rows count most.
    """

    def __init__(self) -> None:
        self.rows = 4
        self._seconds = self._rows_seen = 0.0

    def note(self, seconds: float, rows: int) -> None:
        """Take into account how long a batch took."""
        self._seconds = _DECAY * self._seconds + seconds
        self._rows_seen = _DECAY * self._rows_seen + rows
        self.rows = max(1, min(BATCH_ROWS, int(BATCH_SECONDS * self._rows_seen / max(self._seconds, 1e-6))))
