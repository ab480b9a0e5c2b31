"""From a row with a program to the records of its edit sequences."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from typing import Any, Self, get_type_hints

from lintseq.codecs import looks_like_edits
from lintseq.dataset.batches import RowWork
from lintseq.dataset.presets import PRESETS, PresetName
from lintseq.dataset.screening import Screen, ScreeningOptions, licenses_of
from lintseq.dataset.shapes import Column, ProgramRow, ShapeName, columns_of, meta_of, written_program
from lintseq.dataset.tokens import LimitedWriter, TokenLimit
from lintseq.dataset.transform import RowLimits, RowResult
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, ProgramError
from lintseq.languages import get_language
from lintseq.program import Program
from lintseq.program.markdown import code_from_markdown
from lintseq.rows import FieldNames, Fields, content_id, find_fields, stable_hash
from lintseq.walks import ProgramSampler, SamplingOptions

_TRIES = 10
"""Maximum number of draws per requested sample if equal draws are replaced."""

_EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What to build from the programs: everything that the records depend on besides the inputs."""

    names: FieldNames = field(default_factory=FieldNames)
    """The columns of the input."""
    samples: int = 1
    """Number of edit sequences per program."""
    seed: int = 0
    """Seed of the random draws."""
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    """How edit sequences are drawn."""
    shape: ShapeName = "lintseq"
    """Layout of the records, for different kinds of trainers."""
    format: str = "diff"
    """Text format of the edits: diff, udiff, search-replace, ..."""
    path: str | None = None
    """File that each edit names, in format str-replace; '' means none. Default: that of the row, if it has a path."""
    token_limit: TokenLimit = field(default_factory=TokenLimit)
    """How many tokens a record may have."""
    min_edits: int = 1
    """Drop draws with fewer edits."""
    max_edits: int | None = None
    """Drop draws with more edits."""
    max_lines: int | None = None
    """Reject programs with more lines."""
    distinct: bool = False
    """Replace draws that equal an earlier draw of the same program."""
    sub_sequences: int = 0
    """Number of additional records per draw that start from an intermediate state."""
    screening: ScreeningOptions = field(default_factory=ScreeningOptions)
    """Which rows to keep."""
    row_timeout: float = 10.0
    """Time limit for each row, in seconds; 0 means no limit."""
    row_memory: float = 2.0
    """Memory limit for each row, in GB; 0 means no limit."""

    @classmethod
    def preset(cls, name: PresetName, **options: Any) -> Self:
        """Return the options of a preset, `paper` or `recommended`, except those given.

        `options` have the names of the command line: `certify="pylint"` stands for
        `sampling=SamplingOptions(certify="pylint")`, with the preset's order.
        """
        if name not in PRESETS:
            raise ConfigError(f"unknown preset {name!r}; use one of {', '.join(PRESETS)}")
        values = {**PRESETS[name], **options}
        nested: dict[str, Any] = {
            field: kind(**{part.name: values.pop(part.name) for part in fields(kind) if part.name in values})
            for field, kind in get_type_hints(cls).items()
            if is_dataclass(kind) and isinstance(kind, type)
        }
        return cls(**values, **nested)

    @property
    def columns(self) -> Mapping[str, Column]:
        """The columns of the records."""
        return columns_of(self.shape, license=self.screening.names_licenses)

    def row_work(self) -> RowWork:
        """Return the transform for each row."""
        return RowWork(partial(EditSampler, self), self.columns, self.row_timeout, self.row_memory, self.screening)


class EditSampler:
    """Turns rows into the records of their edit sequences; can be pickled.

    A call takes a row, as columns or as the JSON object that they are written in, and never raises for what the row
    holds: it returns a `RowResult` with records or a rejection. The same row gives the same records in any process.
    """

    def __init__(self, options: BuildOptions | None = None, fields: Fields | None = None) -> None:
        """Without `fields`, the columns that matter are found in each row by `options.names`."""
        self.options = options or BuildOptions()
        self.fields = fields
        options = self.options
        self._writer = LimitedWriter(options.shape, options.format, options.path, options.token_limit)
        self._meta = meta_of(self.options.sampling, self.options.seed)
        self._screen: Screen | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return EditSampler, (self.options, self.fields)

    def __call__(self, row: Mapping[str, Any] | bytes, *, source: str = "", index: int = 0) -> RowResult:
        """Return the result of a row; `source` and `index` are its input and its index there, for some shapes."""
        limits = RowLimits(self, self.options.row_timeout)
        with limits.installed():
            return limits.apply(row, source=source, index=index)

    def read_id(self, row: Mapping[str, Any], fields: Fields | None) -> str | int | None:
        """Return the row's own id, None if it has none."""
        return (fields or self.fields or _fields_of(row, self.options.names)).read_id(row)

    def transform(self, row: Mapping[str, Any], fields: Fields | None, *, source: str, index: int) -> RowResult:
        """Return the records of a row, or raise `ProgramError` with the reason why there are none."""
        options = self.options
        fields = fields or self.fields or _fields_of(row, options.names)
        program_row = _program_row(row, fields, source, index)
        old, text, instruction = program_row.old, program_row.program, program_row.instruction
        license, signature = "", None
        if options.screening != ScreeningOptions():
            self._screen = self._screen or Screen(options.screening)
            self._screen.check(row, instruction, text, old)
            signature = self._screen.signature(text, old)
            if options.screening.names_licenses:
                license = ", ".join(licenses_of(row, options.screening.license_field))
        program, start = Program.from_text(text), Program.from_text(old)
        size = max(len(program.lines), len(start.lines))
        if options.max_lines is not None and size > options.max_lines:
            raise ProgramError("too-many-lines", f"{size} lines, more than {options.max_lines}")
        if start.lines and options.shape == "pylintseq":
            raise ProgramError("starts-later", "shape pylintseq has no column for the old version; use another")
        sampler = ProgramSampler(program, options.sampling, start=start)
        return self._result(program_row, sampler, license, signature)

    def _result(
        self, row: ProgramRow, sampler: ProgramSampler, license: str, signature: tuple[int, ...] | None
    ) -> RowResult:
        """Return the records of one program."""
        options = self.options
        records, edits, lines, truncated, dropped = [], [], 0, 0, Counter[str]()
        for draw, sequence, corrections in self._draws(dropped, row, sampler):
            meta = self._meta if options.sampling.certify is None else {**self._meta, "lessons": corrections}
            starts = _starts(options, row.id, draw, len(sequence)) if options.sub_sequences else []
            for start in [0, *starts]:
                if not (written := sequence.after(start).with_readable_start() if start else sequence):
                    continue
                fitting = self._writer.write(row, written, draw, meta)
                if fitting is None or len(fitting[1]) < min(options.min_edits, len(written)):
                    dropped["no-edit-fits"] += not start
                    continue
                record, kept = fitting
                records.append({**record, "license": license} if license else record)
                edits.append(len(kept))
                lines += kept.lines_inserted
                truncated += len(kept) < len(written)
        if not records:
            equal = dropped.pop(_EQUAL, 0)  # to dropped draws, whose reason counts
            reason, _ = dropped.most_common(1)[0]
            detail = f"in all of {dropped.total() + equal} draws"
            raise ProgramError(reason, f"{detail}, {equal} of them equal to earlier ones" if equal else detail)
        counts: dict[str, Any] = {"edits": edits, "lines": lines, "truncated": truncated, "dropped": dropped}
        return RowResult(records, row.id, **counts, license=license, signature=signature)

    def _draws(
        self, dropped: Counter[str], row: ProgramRow, sampler: ProgramSampler
    ) -> Iterator[tuple[int, EditSequence, int]]:
        """Yield (draw, sequence, corrections) of the draws that are kept, and count the others in `dropped`."""
        options = self.options
        seen: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        wanted = options.samples
        for draw in range(options.samples * (_TRIES if options.distinct else 1)):
            before = sampler.corrections
            sequence = sampler.sample(seed=options.seed, id=row.id, draw=draw)
            times = sequence.arrivals, sequence.departures
            if options.distinct and times in seen:
                dropped[_EQUAL] += 1
            elif len(sequence) < options.min_edits:
                dropped["too-few-edits"] += 1
            elif options.max_edits is not None and len(sequence) > options.max_edits:
                dropped["too-many-edits"] += 1
            else:
                yield draw, sequence, sampler.corrections - before
                wanted -= 1
                if not wanted:
                    return
            if options.distinct:
                seen.add(times)


def _program_row(row: Mapping[str, Any], fields: Fields, source: str, index: int) -> ProgramRow:
    """Return the program of a row, or raise `ProgramError`. Of two versions, both are taken as they are."""
    response, old = fields.read_code(row), fields.read_old(row)
    instruction = fields.read_instruction(row)
    if old:
        if fields.instruction is not None and not instruction.strip():
            detail = f"column {fields.instruction!r} is empty; --instruction-field '' builds without instructions"
            raise ProgramError("no-instruction", detail)
        text = response
    elif fields.start is not None and row.get(fields.start):
        detail = f"the row is about a change of the program in {fields.start}; its own edits can be converted"
        raise ProgramError("starts-later", detail)
    else:
        is_edits = looks_like_edits(response)
        text = written_program(row) if is_edits else code_from_markdown(response, get_language())
    if not text.strip():
        raise ProgramError("empty", "the new version has no code" if old else "there is no code")
    id = fields.read_id(row)
    if id is None:
        id = content_id(instruction, *filter(None, [old, text]))
    return ProgramRow(id, instruction, text, response, source, index, old, fields.read_path(row))


def _fields_of(row: Mapping[str, Any], names: FieldNames) -> Fields:
    try:
        return find_fields("the row", [dict(row)], names)
    except ConfigError as error:
        raise ProgramError("no-field", str(error)) from None


def _starts(options: BuildOptions, id: str | int, draw: int, edits: int) -> list[int]:
    """Return how many edits each of the sub-sequences of a draw skips."""
    ranked = sorted(range(1, edits), key=lambda start: stable_hash(options.seed, id, draw, "start", start))
    return sorted(ranked[: options.sub_sequences])
