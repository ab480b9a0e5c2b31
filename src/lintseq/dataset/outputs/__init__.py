"""Where records and rejected rows go: files and folders that appear when they are complete.

Owns the files of a run: which ones there are, how they grow in the working directory, and what they become. What is
in the records, and when progress is saved, is left to others.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from lintseq.dataset.outputs.parquet import ColumnTypes
from lintseq.dataset.outputs.shards import KINDS, RecordStream, Shards
from lintseq.dataset.outputs.target import STDOUT, Target, check_target, default_rejected, is_regular, stem
from lintseq.errors import ConfigError
from lintseq.storage import (
    COMPRESSIONS,
    AppendFile,
    OutputStream,
    WorkDirectory,
    suffix_of,
    sync_directory,
    write_atomically,
)


class Outputs(AbstractContextManager["Outputs"]):
    """The files of one run, locked and open for writing.

    `manifest` is None unless an earlier run was completed: then no file is open and there is nothing to do.
    `progress` is what an earlier run saved last, None for a new run.
    """

    def __init__(
        self,
        target: Target,
        columns: ColumnTypes,
        settings: Mapping[str, Any],
        *,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Open the files where an earlier run left them with `resume`, or create them.

        `settings` are what the bytes depend on: only a run with the same ones can be resumed. Raises `ConfigError`
        as `WorkDirectory` does, and if files next to the output would be replaced.
        """
        self.target = target
        self.settings = settings
        self.manifest: dict[str, Any] | None = None
        self.progress: dict[str, Any] | None = None
        self._work: WorkDirectory | None = None
        self._rejections: AppendFile | OutputStream | None = None
        self._records: Shards | RecordStream | None = None
        self._tests: Shards | None = None
        """The part for testing, if there is one."""
        try:
            self._open(columns, resume=resume, overwrite=overwrite)
        except OSError as error:
            self.close()
            raise ConfigError(f"cannot write {error.filename or target.output}: {error.strerror}") from None
        except BaseException:
            self.close()
            raise

    def _open(self, columns: ColumnTypes, *, resume: bool, overwrite: bool) -> None:
        target = self.target
        regular = [path for path in (target.output, target.rejected_path) if is_regular(path)]
        if regular:
            manifest = None if target.sharded else target.manifest_path or f"{regular[0]}.manifest.json"
            self._work = WorkDirectory(
                regular[0], self.settings, manifest=manifest, resume=resume, overwrite=overwrite
            )
            self.manifest = self._work.manifest
            if self.manifest is not None:
                return
            if self._work.progress is None:
                _check_beside(target, overwrite=overwrite)
        saved = self._work.progress if self._work is not None else None
        marks = {} if saved is None else saved["marks"]
        self.progress = None if saved is None else saved["progress"]
        if is_regular(target.rejected_path):
            self._rejections = AppendFile(self._growing_rejected(), marks.get("rejected"))
        else:
            self._rejections = OutputStream(target.rejected_path)
        if is_regular(target.output):
            if target.sharded:
                os.makedirs(self.file("output/data"), exist_ok=True)
            self._records = self._shards("train", columns, marks.get("records"))
            self._tests = self._shards("test", columns, marks.get("tests")) if target.split is not None else None
        else:
            self._records = RecordStream(target.output)

    @property
    def resumable(self) -> bool:
        """Whether a later run can resume this one."""
        return self._work is not None and is_regular(self.target.output)

    @property
    def partial(self) -> str:
        """The working directory; empty if there is none."""
        return "" if self._work is None else self._work.path

    def file(self, name: str) -> str:
        """Return the path of a file in the working directory, which there has to be."""
        assert self._work is not None
        return self._work.file(name)

    def write(self, records: bytes, rejections: bytes, *, shard: int = 0, test_records: bytes = b"") -> None:
        """Write whole lines to the files; with a fixed number of shards, records go to one of them."""
        assert self._records is not None
        assert self._rejections is not None
        self._records.write(records, shard)
        if self._tests is not None:
            self._tests.write(test_records, shard)
        self._rejections.write(rejections)

    def save(self, progress: dict[str, Any]) -> None:
        """Make what was written durable, so that a later run continues from here with `progress`."""
        if self.resumable and self._work and self._records and self._rejections:
            marks = {"records": self._records.mark(), "rejected": self._rejections.mark()}
            if self._tests is not None:
                marks["tests"] = self._tests.mark()
            self._work.save({"progress": progress, "marks": marks})
            self._prune()

    def finish(self, progress: dict[str, Any], manifest: dict[str, Any], *, card: str | None = None) -> None:
        """Complete the files and give them their final names, the output last: once it exists, everything does."""
        assert self._records is not None
        assert self._rejections is not None
        self.save(progress)
        self._records.close(self.target.shards)
        if self._tests is not None:
            self._tests.close(self.target.shards)
        self._rejections.close()
        if self._work is None:
            return
        moves = []
        if isinstance(self._rejections, AppendFile):
            moves.append((self._rejections.path, self.target.rejected_path))
        if self.target.test_path is not None:
            moves.append((self._shard_path("test", 0), self.target.test_path))
        if self.target.sharded:
            self._prune()
            folder = self.file("output")
            if card is not None:
                write_atomically(os.path.join(folder, "README.md"), card.encode("utf-8", "replace"))
            sync_directory(os.path.join(folder, "data"))
            moves.append((folder, self.target.output))
        elif self.resumable:
            moves.append((self._shard_path("train", 0), self.target.output))
        self._work.finish(moves, manifest if self.resumable else None)

    def close(self) -> None:
        """Close the files as they are: a later run continues from what was saved last."""
        for file in (self._records, self._tests, self._rejections):
            if file is not None:
                file.release()
        if self._work is not None:
            self._work.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    # Paths of files that grow

    def _shards(self, part: str, columns: ColumnTypes, mark: dict[str, Any] | None) -> Shards:
        """Return the files of a part, `train` or `test`, where an earlier run left them."""
        target = self.target
        path_of = partial(self._shard_path, part)
        return Shards(
            path_of, target.kind, columns, rows_each=target.shard_rows, for_datasets=target.sharded, mark=mark
        )

    def _prune(self) -> None:
        for shards in (self._records, self._tests):
            if shards is not None:
                shards.prune()

    def _shard_path(self, part: str, shard: int) -> str:
        if self.target.sharded:
            return self.file(f"output/data/{part}-{shard:05}.{self.target.kind}")
        return self.file(f"{'records' if part == 'train' else part}-{shard}.{self.target.kind}")

    def _growing_rejected(self) -> str:
        """Return where rejected rows are written: next to their target if that may be on another disk."""
        assert self._work is not None
        path = self.target.rejected_path
        suffix = suffix_of(path, COMPRESSIONS) or ".jsonl"
        if os.path.dirname(os.path.realpath(path)) != os.path.dirname(self._work.path):
            return f"{os.path.realpath(path)}.partial{suffix}"
        return self.file(f"rejected{suffix}")


def _check_beside(target: Target, *, overwrite: bool) -> None:
    """Raise `ConfigError` if rejected rows or a manifest would replace those of another output."""
    for path in (target.rejected_path, target.manifest_path):
        if path is not None and is_regular(path) and os.path.exists(path) and not overwrite:
            raise ConfigError(f"{path} exists; choose another name, or replace it with --overwrite")
    if target.sharded or target.manifest_path is None:
        return
    for other in (f"{stem(target.output)}.{kind}" for kind in KINDS):
        for path in (other, f"{other}.partial"):
            if os.path.exists(path) and os.path.realpath(other) != os.path.realpath(target.output):
                raise ConfigError(
                    f"{path} exists, and its manifest {target.manifest_path} would be replaced; choose another name"
                )
