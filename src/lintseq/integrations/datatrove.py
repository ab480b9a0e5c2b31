"""Steps for datatrove pipelines, for any of its executors: on one machine, on Slurm or on Ray.

`ProgramReader` reads what `lintseq build` reads, `EditSampling` turns programs, or pairs of versions, into records,
`RecordWriter` writes them. Task r of n reads and writes shard r of `lintseq build --shards n`: the files of all tasks,
concatenated, have the bytes of a build without shards. To drop duplicates across tasks, `DuplicateSignatures` and
datatrove's MinHash steps come first. Other readers, filters and writers of datatrove combine with these steps.

Rows are worked on in a process of their own, so that one that crashes or hangs is rejected and costs nothing else.
"""

import struct
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from operator import itemgetter
from typing import IO, Any

from lintseq.dataset.batches import BATCH_BYTES, BATCH_ROWS, Batch, BatchResult, process_batches, rows_of_shard
from lintseq.dataset.build import check_build
from lintseq.dataset.duplicates import KEEP, bands_for, keys_of
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.shapes import read_record
from lintseq.errors import BrokenInputError, ConfigError, ProgramError
from lintseq.rows import FieldNames, Fields, RawRow, encode_line, encode_row, open_inputs, parse_row
from lintseq.storage import batched

try:
    from datatrove.data import Document
    from datatrove.io import DataFolderLike, get_datafolder
    from datatrove.pipeline.base import PipelineStep
    from datatrove.pipeline.dedup import MinhashConfig, MinhashDedupFilter
    from datatrove.pipeline.writers.disk_base import DiskWriter
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from datatrove.utils.hashing import HashConfig
    from datatrove.utils.logging import logger
    from datatrove.utils.typeshelper import StatHints
except ImportError as error:
    raise ConfigError(f"these steps need datatrove ({error}): pip install 'lintseq[datatrove]'") from None


SIGNATURES = (1 << 61) - 1
"""datatrove's steps ignore signatures from this one on."""


class RowDocument(Document):
    """A document with the row that it was read from, so that no column is lost on the way."""

    __slots__ = ("names", "read", "row", "source")

    def __init__(self, path: str, row: RawRow, fields: Fields | None, names: FieldNames) -> None:
        columns, text, id = _columns_of(row, fields)
        super().__init__(text=text, id=id or f"{path}/{row.index}", metadata=columns)
        self.source = path, fields
        self.row, self.names = row, names
        self.read = text, dict(columns)


class LineDocument(Document):
    """A document that is written as the line that it holds."""

    __slots__ = ("line",)

    def __init__(self, text: str, id: str, metadata: dict[str, Any], line: bytes) -> None:
        super().__init__(text=text, id=id, metadata=metadata)
        self.line = line


class ProgramReader(PipelineStep):
    """Reads rows that hold programs from whatever `lintseq build` reads: files of many kinds, folders, data sets.

    A document's text is the program, or the answer that contains it, and of two versions the new one; its metadata are
    the row's other columns, which are found for each file by their usual names or by `names`. The inputs are opened
    when the step is created, and have to exist where the tasks run, too.
    """

    type = "📖 - READER"
    name = "Programs"

    def __init__(self, inputs: Sequence[str], *, names: FieldNames | None = None) -> None:
        super().__init__()
        self.names = names or FieldNames()
        self.sources = open_inputs(list(inputs), self.names)
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
                    document = RowDocument(source.path, row, source.fields, self.names)
                    self.update_doc_stats(document)
                    yield document
            except BrokenInputError as error:
                self.stat_update("broken_inputs")
                logger.error(f"{error}; the rows before that are done")


class RowStep(PipelineStep):
    """A step that works on rows as `lintseq build` does.

    They come from `ProgramReader`, or from any reader of datatrove: then the program is the document's text, and
    `options.names` name the metadata with the instruction and with the old version of the program, if there are any.
    """

    def __init__(self, options: BuildOptions | None) -> None:
        super().__init__()
        self.options = options or BuildOptions()
        check_build(self.options)
        names = self.options.names
        ids, instruction, old = names.id_field or "id", names.instruction_field or None, names.old_field or None
        self.fields = Fields(code="text", instruction=instruction, id=ids, old=old)

    def results(self, data: Iterable[Document]) -> Generator[tuple[Batch, BatchResult]]:
        """Yield the results of the documents' rows in batches, each of rows of one source."""
        rows = (self._row(index, document) for index, document in enumerate(data))
        found = batched(rows, BATCH_ROWS, max_bytes=BATCH_BYTES, size=lambda row: len(row[1].data), key=itemgetter(0))
        batches = (Batch(*batch[0][0], [row for _, row in batch]) for batch in found)
        return process_batches(batches, self.options.row_work(), workers=1)

    def _row(self, index: int, document: Document) -> tuple[tuple[str, Fields | None], RawRow]:
        """Return a document as a row, with the path and the fields of its source."""
        if isinstance(document, RowDocument):
            if self.options.names not in (FieldNames(), document.names):
                raise ConfigError("ProgramReader looked for other columns; pass names=options.names to it")
            row, (_, fields) = document.row, document.source
            if fields is None or (document.text, document.metadata) == document.read:
                return document.source, row
            columns = {**document.metadata, fields.code: document.text}
            return document.source, RawRow(row.index, row.number, encode_row(columns), row.end)
        columns = {**document.metadata, "id": document.id, "text": document.text}
        path = str(document.metadata.get("file_path", ""))
        return (path, self.fields), RawRow(index, index + 1, encode_row(columns), 0)


class EditSampling(RowStep):
    """Turns each program, or pair of versions, into records of edit sequences, one document each.

    A document's text is the edit text, its metadata are the record. Rejected rows are counted by reason and go to
    `exclusion_writer`. With `options` that drop duplicates, `duplicates` is the folder in which `MinhashDedupCluster`
    wrote which documents they are; see `DuplicateSignatures`.
    """

    type = "✂️ - SAMPLER"
    name = "Edit sequences"

    def __init__(
        self,
        options: BuildOptions | None = None,
        *,
        duplicates: DataFolderLike | None = None,
        exclusion_writer: DiskWriter | None = None,
    ) -> None:
        super().__init__(options)
        if (duplicates is not None) != (self.options.screening.duplicates != KEEP):
            raise ConfigError(
                "a task does not see the programs of others, so the steps that begin with DuplicateSignatures find the"
                " duplicates first; name their last folder with duplicates=, and set duplicates in the options"
            )
        self.filter = None if duplicates is None else MinhashDedupFilter(duplicates)
        self.exclusion_writer = exclusion_writer
        self.options = replace(self.options, screening=replace(self.options.screening, duplicates=KEEP))

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        kept = data if self.filter is None else self.filter.run(data, rank, world_size)
        with self.exclusion_writer or nullcontext(), closing(self.results(kept)) as results:
            for _, result in results:
                self._count(result)
                if self.exclusion_writer is not None:
                    for line in _lines(result.rejections):
                        self.exclusion_writer.write(_rejection(line), rank)
                yield from map(_record, _lines(result.records))
        if self.filter is not None:
            self.stat_update("dropped_duplicate", value=self.filter.stats[StatHints.dropped].total)

    def _count(self, result: BatchResult) -> None:
        tally = result.tally
        self.stats.time_stats.update(result.seconds, "batch")
        self.stat_update(StatHints.total, value=tally.rows, unit="batch")
        self.stat_update(StatHints.dropped, value=tally.rejections.total(), unit="batch")
        self.stat_update(StatHints.forwarded, value=tally.sequences, unit="batch")
        for reason, rows in tally.rejections.items():
            self.stat_update(f"dropped_{reason}", value=rows, unit="batch")


class DuplicateSignatures(RowStep):
    """Writes what duplicates have in common, for datatrove's MinHash steps, which take its `config`.

    The steps find which documents `EditSampling` drops when it reads the same ones with the same options. Rows that a
    build rejects have no signatures, so no program is dropped as the duplicate of a rejected one. Of exact duplicates
    the first is kept, as by `lintseq build`. Near duplicates are approximate: programs are dropped that share one band
    of MinHash with another, which a build would compare further, or that are similar to one that is dropped, and the
    one that is kept need not be the first.
    """

    type = "🫂 - DEDUP"
    name = "Signatures of programs"

    def __init__(self, output_folder: DataFolderLike, options: BuildOptions) -> None:
        super().__init__(options)
        screening = options.screening
        if screening.duplicates == KEEP:
            raise ConfigError("the options keep duplicates; choose ScreeningOptions(duplicates='exact'), or 'near'")
        self.output_folder = get_datafolder(output_folder)
        keys = 1 + (bands_for(screening.similarity)[0] if screening.duplicates == "near" else 0)
        # Of datatrove's hashes, the one that needs no other package. It is not computed.
        self.config = MinhashConfig(num_buckets=keys, hashes_per_bucket=1, hash_config=HashConfig(hash_fc="sha1"))

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> None:
        found: list[list[int]] = [[] for _ in range(self.config.num_buckets)]
        with closing(self.results(data)) as results:
            outputs = (output for _, result in results for output in result.rows)
            for index, output in enumerate(outputs):
                self.stat_update(StatHints.total)
                if output.signature is not None:
                    for bucket, key in zip(found, keys_of(output.signature), strict=True):
                        bucket.append(key % SIGNATURES << 32 | index)
        for number, bucket in enumerate(found):
            with self.output_folder.open(f"bucket_{number:03}/{rank:05}.minhash.sig", "wb") as file:
                file.write(b"".join(struct.pack("<QI", *divmod(pair, 1 << 32)) for pair in sorted(bucket)))


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
