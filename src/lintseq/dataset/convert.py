"""From a data set of edit sequences to one in another shape or format, without sampling again.

Owns what becomes of one record; reading it is left to `sequences`, writing it to `records`, and the run to
`pipeline`.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from lintseq.codecs import get_codec
from lintseq.dataset.outputs import Target, check_target
from lintseq.dataset.pipeline import run_pipeline
from lintseq.dataset.report import BuildProgress, BuildReport
from lintseq.dataset.screening import ScreeningOptions
from lintseq.dataset.shapes import Column, ProgramRow, ShapeName, columns_of, get_shape, read_record, row_id
from lintseq.dataset.transform import RowResult
from lintseq.errors import ConfigError, ProgramError
from lintseq.rows import Fields, open_inputs

_LICENSE = "license"


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """Everything that the bytes of an output depend on, beside the inputs."""

    shape: ShapeName = "lintseq"
    format: str = "diff"
    """The text format of edits."""
    seed: int | None = None
    """Of the choice that shape next-edit makes; None is for the seed of the draws, or 0 where rows do not tell."""
    screening: ScreeningOptions = field(default_factory=ScreeningOptions)
    row_timeout: float = 10.0
    """Seconds for a record; 0 is for no limit."""
    row_memory: float = 2.0
    """Memory limit per row in GB; 0 means no limit. Holds in worker processes."""

    @property
    def columns(self) -> Mapping[str, Column]:
        return columns_of(self.shape, license=self.screening.names_licenses)

    def make_transform(self) -> "Converter":
        return Converter(self)


class Converter:
    """Turns records into others that hold the same edits."""

    def __init__(self, options: ConvertOptions) -> None:
        self.options = options
        self._write = get_shape(options.shape).writer
        self._codec = get_codec(options.format)

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
            raise ProgramError("not-exact", "the edits do not give the program that the row has")
        program_row = ProgramRow(record.id, record.instruction, program, program, source, index)
        meta = record.meta if self.options.seed is None else {**record.meta, "seed": self.options.seed}
        written = self._write(program_row, sequence, record.draw, meta, self._codec)
        if "left" in written:
            written["left"] += record.left
        license = record.license if self.options.screening.names_licenses else ""
        if license:
            written[_LICENSE] = license
        lines = len(sequence.program.lines) - len(sequence.present())
        return RowResult([written], record.id, edits=[len(sequence)], lines=lines, license=license)


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

    Inputs are anything that rows can be read from. A row gives one record, or one line in the file of rejected
    rows with the reason that it gives none. Licenses go along where rows name them. Raises what
    `lintseq.dataset.pipeline.run_pipeline` does.
    """
    options = options or ConvertOptions()
    target = output if isinstance(output, Target) else Target(os.fspath(output))
    paths = [os.fspath(path) for path in inputs]
    get_shape(options.shape).check(options.format)
    if not options.row_timeout >= 0:
        raise ConfigError(f"row timeout is {options.row_timeout}, but must be at least 0")
    if not paths:
        raise ConfigError("no inputs; name at least one data set of edit sequences, or - for standard input")
    check_target(target, paths, overwrite=overwrite, resume=resume)
    sources = open_inputs(paths, None, but=target.holds)
    if any(_LICENSE in source.columns for source in sources):
        options = replace(options, screening=ScreeningOptions(license_field=_LICENSE))
    return run_pipeline(
        sources,
        target,
        options,
        settings={"options": {"converts": True, **asdict(options)}},
        workers=workers,
        overwrite=overwrite,
        resume=resume,
        on_progress=on_progress,
    )
