"""Steps for datatrove pipelines, for any of its executors: on one machine, on Slurm or on Ray.

`ProgramReader` reads what `lintseq build` reads, `EditSampling` turns programs into records, `RecordWriter` writes
them. Task r of n reads and writes shard r of `lintseq build --shards n`: the files of all tasks, concatenated, have
the bytes of a build without shards. Other readers, filters, deduplication and writers of datatrove combine with
these steps.

Rows are worked on in a process of their own, so that one that crashes or hangs is rejected and costs nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from operator import itemgetter
from typing import IO, Any

from lintseq.dataset.batches import BATCH_BYTES, BATCH_ROWS, Batch, BatchResult, process_batches, rows_of_shard
from lintseq.dataset.build import check_build
from lintseq.dataset.duplicates import KEEP, tokens_of
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.shapes import read_record
from lintseq.errors import BrokenInputError, ConfigError, ProgramError
from lintseq.rows import FieldNames, Fields, RawRow, encode_line, encode_row, open_inputs, parse_row
from lintseq.storage import batched

try:
    from datatrove.data import Document
    from datatrove.io import DataFolderLike
    from datatrove.pipeline.base import PipelineStep
    from datatrove.pipeline.dedup import MinhashConfig
    from datatrove.pipeline.writers.disk_base import DiskWriter
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from datatrove.utils.hashing import HashConfig
    from datatrove.utils.logging import logger
    from datatrove.utils.text import TextNormConfig
    from datatrove.utils.typeshelper import StatHints
    from datatrove.utils.word_tokenizers import WordTokenizer
except ImportError as error:
    raise ConfigError(f"these steps need datatrove ({error}): pip install 'lintseq[datatrove]'") from None


class RowDocument(Document):
    """A document with the row that it was read from, so that no column is lost on the way."""

    __slots__ = ("read", "row", "source")

    def __init__(self, path: str, row: RawRow, fields: Fields | None) -> None:
        columns, text, id = _columns_of(row, fields)
        super().__init__(text=text, id=id or f"{path}/{row.index}", metadata=columns)
        self.source = path, fields
        self.row = row
        self.read = text, dict(columns)


class LineDocument(Document):
    """A document that is written as the line that it holds."""

    __slots__ = ("line",)

    def __init__(self, text: str, id: str, metadata: dict[str, Any], line: bytes) -> None:
        super().__init__(text=text, id=id, metadata=metadata)
        self.line = line


class ProgramReader(PipelineStep):
    """Reads rows that hold programs from whatever `lintseq build` reads: files of many kinds, folders, data sets.

    A document's text is the program, or the answer that contains it; its metadata are the row's other columns. The
    inputs are opened when the step is created, and have to exist where the tasks run, too.
    """

    type = "📖 - READER"
    name = "Programs"

    def __init__(self, inputs: Sequence[str], *, names: FieldNames | None = None) -> None:
        super().__init__()
        self.sources = open_inputs(list(inputs), names or FieldNames())
        for source in self.sources:
            if source.fingerprint is None or source.size is None:
                raise ConfigError(f"the size of {source.path} is unknown, so tasks cannot share it; name files")

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        if data:
            yield from data
        for source in self.sources:
            rows = rows_of_shard(self.sources, source, rank, world_size)
            try:
                for row in rows:
                    document = RowDocument(source.path, row, source.fields)
                    self.update_doc_stats(document)
                    yield document
            except BrokenInputError as error:
                self.stat_update("broken_inputs")
                logger.error(f"{error}; the rows before that are done")


class EditSampling(PipelineStep):
    """Turns each program into records of edit sequences, one document each.

    A document's text is the edit text, its metadata are the record. Programs come from `ProgramReader`, or from any
    reader of datatrove: then the program is the text, and `instruction` and `old` name the metadata with the
    instruction and with the old version of the program, if there are any. Rejected rows are counted by reason and go
    to `exclusion_writer`.
    """

    type = "✂️ - SAMPLER"
    name = "Edit sequences"

    def __init__(
        self,
        options: BuildOptions | None = None,
        *,
        instruction: str | None = None,
        old: str | None = None,
        exclusion_writer: DiskWriter | None = None,
    ) -> None:
        super().__init__()
        self.options = options or BuildOptions()
        self.exclusion_writer = exclusion_writer
        self.fields = Fields(code="text", instruction=instruction, id="id", old=old)
        check_build(self.options)
        if self.options.screening.duplicates != KEEP:
            raise ConfigError(
                "a task does not see the programs of others, so duplicates cannot be dropped here; use datatrove's"
                " MinHash steps before this one, or `lintseq build`"
            )

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        results = process_batches(self._batches(data), self.options.row_work(), workers=1)
        with self.exclusion_writer or nullcontext(), closing(results):
            for _, result in results:
                self._count(result)
                if self.exclusion_writer is not None:
                    for line in _lines(result.rejections):
                        self.exclusion_writer.write(_rejection(line), rank)
                yield from map(_record, _lines(result.records))

    def _count(self, result: BatchResult) -> None:
        tally = result.tally
        self.stats.time_stats.update(result.seconds, "batch")
        self.stat_update(StatHints.total, value=tally.rows, unit="batch")
        self.stat_update(StatHints.dropped, value=tally.rejections.total(), unit="batch")
        self.stat_update(StatHints.forwarded, value=tally.sequences, unit="batch")
        for reason, rows in tally.rejections.items():
            self.stat_update(f"dropped_{reason}", value=rows, unit="batch")

    def _batches(self, data: Iterable[Document]) -> Iterator[Batch]:
        """Yield the documents' rows in batches, each of rows of one source."""
        rows = (self._row(index, document) for index, document in enumerate(data))
        for batch in batched(
            rows, BATCH_ROWS, max_bytes=BATCH_BYTES, size=lambda row: len(row[1].data), key=itemgetter(0)
        ):
            path, fields = batch[0][0]
            yield Batch(path, fields, [row for _, row in batch])

    def _row(self, index: int, document: Document) -> tuple[tuple[str, Fields | None], RawRow]:
        """Return a document as a row, with the path and the fields of its source."""
        if isinstance(document, RowDocument):
            row, (_, fields) = document.row, document.source
            if fields is None or (document.text, document.metadata) == document.read:
                return document.source, row
            columns = {**document.metadata, fields.code: document.text}
            return document.source, RawRow(row.index, row.number, encode_row(columns), row.end)
        columns = {**document.metadata, "id": document.id, "text": document.text}
        path = str(document.metadata.get("file_path", ""))
        return (path, self.fields), RawRow(index, index + 1, encode_row(columns), 0)


class CodeTokenizer(WordTokenizer):
    """Splits programs into tokens, for datatrove's MinHash steps; see `minhash_config`."""

    def word_tokenize(self, text: str) -> list[str]:
        return tokens_of(text)

    def sent_tokenize(self, text: str) -> list[str]:
        return text.splitlines()

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        raise NotImplementedError


def minhash_config(**settings: Any) -> MinhashConfig:
    """Return a configuration of datatrove's MinHash steps that compares programs by their tokens, as they are."""
    plain = TextNormConfig(
        lowercase=False,
        norm_whitespace=False,
        remove_punctuation=False,
        norm_unicode_diacritics=False,
        norm_numbers=False,
    )
    # Of datatrove's hashes, the one that needs no other package.
    return MinhashConfig(norm_config=plain, hash_config=HashConfig(hash_fc="sha1"), **settings)


class RecordWriter(JsonlWriter):
    """Writes records, or rejected rows, as `lintseq build` does: one file of lines per task."""

    name = "Records"

    def __init__(self, output_folder: DataFolderLike, *, compression: str | None = "infer", **options: Any) -> None:
        super().__init__(output_folder, compression=compression, **options)

    def _default_adapter(self, document: Document) -> dict[str, Any]:
        return {"line": document.line if isinstance(document, LineDocument) else encode_line(document.metadata)}

    def _write(self, document: dict[str, Any], file_handler: IO[bytes], _filename: str) -> None:
        file_handler.write(document["line"])


def _columns_of(row: RawRow, fields: Fields | None) -> tuple[dict[str, Any], str, str]:
    """Return a row's other columns, its text and its id, empty where it has none."""
    try:
        columns = parse_row(row.data)
    except ProgramError:
        return {}, "", ""
    if fields is None:
        return columns, "", ""
    own_id = fields.read_id(columns)
    text = columns.pop(fields.code, None)
    return columns, text if isinstance(text, str) else "", "" if own_id is None else str(own_id)


def _lines(data: bytes) -> Iterator[bytes]:
    """Yield lines; only a newline ends one."""
    return (line + b"\n" for line in data.split(b"\n")[:-1])


def _record(line: bytes) -> Document:
    columns = parse_row(line)
    record = read_record(columns)
    return Document(text=record.text, id=f"{record.id}/{record.draw}", metadata=columns)


def _rejection(line: bytes) -> Document:
    columns = parse_row(line)
    row = columns.pop("record")
    return LineDocument(str(row), str(columns["id"]), columns, line)
