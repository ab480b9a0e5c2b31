"""Converts records to another shape or format, without sampling again."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from lintseq.codecs import get_codec, named_file
from lintseq.dataset.batches import RowWork
from lintseq.dataset.outputs import Target
from lintseq.dataset.pipeline import open_run, run_pipeline
from lintseq.dataset.report import REPEATS_FILES, BuildProgress, BuildReport
from lintseq.dataset.shapes import ProgramRow, ShapeName, columns_of, get_shape, read_record, row_id
from lintseq.dataset.tokens import LimitedWriter, TokenLimit, check_limit
from lintseq.dataset.transform import RowResult
from lintseq.errors import ProgramError
from lintseq.rows import Fields


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """The layout of the records that are written."""

    shape: ShapeName = "lintseq"
    """Layout of the records, for different kinds of trainers."""
    format: str = "diff"
    """Text format of the edits: diff, udiff, search-replace, ..."""
    path: str | None = None
    """File that each edit names, in format str-replace; '' means none. Default: what the record names."""
    token_limit: TokenLimit = field(default_factory=TokenLimit)
    """How many tokens a record may have."""
    seed: int | None = None
    """Seed for choosing the edit of next-edit records. Default: the seed of the draws."""
    row_timeout: float = 10.0
    """Time limit for each record, in seconds; 0 means no limit."""
    row_memory: float = 2.0
    """Memory limit for each record, in GB; 0 means no limit."""


class Converter:
    """Turns records into records of another shape or format with the same edits."""

    def __init__(self, options: ConvertOptions, license: bool) -> None:
        self.options, self._license = options, license
        self._writer = LimitedWriter(options.shape, options.format, options.path, options.token_limit)

    def read_id(self, row: Mapping[str, Any], fields: Fields | None) -> str | int | None:
        return row_id(row)

    def transform(self, row: Mapping[str, Any], fields: Fields | None, *, source: str, index: int) -> RowResult:
        """Return the converted record, or raise `ProgramError` with the reason why there is none."""
        record = read_record(row)
        sequence = record.parse()
        if not len(sequence):
            raise ProgramError("no-edits", "the sequence is empty")
        program = sequence.program.text
        if self.options.shape == "pylintseq" and sequence.start.lines:
            raise ProgramError("starts-later", "shape pylintseq has no column for the state that the edits start from")
        if record.programs and program not in record.programs:
            raise ProgramError("not-exact", "the edits write another program than the row has")
        path = named_file(record.codec)
        program_row = ProgramRow(record.id, record.instruction, program, program, source, index, path=path)
        meta = record.meta if self.options.seed is None else {**record.meta, "seed": self.options.seed}
        fitting = self._writer.write(program_row, sequence, record.draw, meta, left=record.left)
        if fitting is None:
            limit = self.options.token_limit.max_tokens
            raise ProgramError("no-edit-fits", f"prompt and first edit have more than {limit} tokens")
        written, kept = fitting
        license = record.license if self._license else ""
        if license:
            written["license"] = license
        counts: dict[str, Any] = {"edits": [len(kept)], "lines": kept.lines_inserted}
        return RowResult([written], record.id, **counts, truncated=len(kept) < len(sequence), license=license)


def convert(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | Target,
    options: ConvertOptions | None = None,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    resume: bool = False,
    on_progress: Callable[[BuildProgress], None] = lambda progress: None,
) -> BuildReport:
    """Write the edit sequences in `inputs` to `output` in another shape or format, and return what was done.

    Inputs are anything that `build` reads. Each row becomes one record, or one line in the file of rejected rows with
    the reason. Licenses are kept. The other parameters, and what is raised, are those of `build`.
    """
    options = options or ConvertOptions()
    get_shape(options.shape).check(options.format)
    get_codec(options.format, path=options.path)
    tokenizer = check_limit(options.token_limit, options.shape)
    opened = open_run(inputs, output, None, overwrite=overwrite, resume=resume)
    license = any("license" in source.columns for source in opened.sources)
    columns = columns_of(options.shape, license=license)
    work = RowWork(partial(Converter, options, license), columns, options.row_timeout, options.row_memory)
    settings = {"options": {"converts": True, "license": license, **asdict(options)}, **tokenizer}
    report = run_pipeline(opened, work, settings, workers=workers, on_progress=on_progress)
    if options.format == "states" and any("state" in source.columns for source in opened.sources):
        report.notes.append(REPEATS_FILES)
    return report
