"""Where records and rejected rows go: files and folders that appear when they are whole, and can be gone on with.

Until a build is done, all of it lies in `OUTPUT.partial`. Owns the order of the steps by which files grow,
are saved and get their names; what records are, and when progress is saved, is left to others.
"""

import json
import os
from typing import Any, Self

from lintseq.dataset.outputs.parquet import Columns
from lintseq.dataset.outputs.shards import KINDS, Shards
from lintseq.dataset.outputs.target import STDOUT, Target, check_target, default_rejected, is_regular, is_special, stem
from lintseq.errors import ConfigError
from lintseq.storage.growing import GrowingFile, Passage
from lintseq.storage.workplace import MANIFEST, Workplace, sync_folder, write_durably

__all__ = ["KINDS", "MANIFEST", "STDOUT", "Outputs", "Target", "check_target", "default_rejected", "is_special"]

_REJECTED = "rejected"
_RECORDS = "records"


class Outputs:
    """The files of one run, locked and open for writing.

    `settings` are what the bytes depend on: a run that goes on with an earlier one must have the same.
    """

    def __init__(
        self,
        target: Target,
        columns: Columns,
        settings: dict[str, Any],
        *,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Open the files where an earlier run left them, with `resume`, or anew.

        Raises `ConfigError` if another process writes them, if unfinished work lies there and nothing was said
        of it, and if the earlier run had other settings.
        """
        self.target = target
        self.settings = settings
        self.manifest: dict[str, Any] | None = None
        """Of the earlier run, if that is finished: then nothing is open and there is nothing to do."""
        self.progress: dict[str, Any] | None = None
        """What the earlier run saved last, if there is one to go on with."""
        regular = [path for path in (target.output, target.rejected_path) if is_regular(path)]
        self.workplace = Workplace(os.path.realpath(regular[0])) if regular else None
        try:
            self._open(columns, resume=resume, overwrite=overwrite)
        except OSError as error:
            self._close()
            raise ConfigError(f"cannot write {error.filename or target.output}: {error.strerror}") from None
        except BaseException:
            self._close()
            raise

    def _open(self, columns: Columns, *, resume: bool, overwrite: bool) -> None:
        state = self._earlier(resume=resume, overwrite=overwrite)
        if self.manifest is not None:
            return
        marks = {} if state is None else state["marks"]
        self.progress = None if state is None else state["progress"]
        self.rejections: GrowingFile | Passage
        self.records: Shards | Passage
        if is_regular(self.target.rejected_path):
            self.rejections = GrowingFile(self._growing_rejected(), marks.get(_REJECTED))
        else:
            self.rejections = Passage(self.target.rejected_path)
        if is_regular(self.target.output):
            if self.target.sharded:
                os.makedirs(self._growing("output/data"), exist_ok=True)
            self.records = Shards(
                self._shard_path,
                self.target.kind,
                columns,
                rows_each=self.target.shard_rows,
                loads=self.target.sharded,
                mark=marks.get(_RECORDS),
            )
        else:
            self.records = Passage(self.target.output)

    def _earlier(self, *, resume: bool, overwrite: bool) -> dict[str, Any] | None:
        """Return the state of the run to go on with, or None to start anew; sets `manifest` if it is finished."""
        if self.workplace is None:
            return None
        state = self.workplace.load()
        if state is None and resume and os.path.exists(self.target.output):
            self.manifest = _manifest_of(self.target)
            check_same(self.manifest["settings"], self.settings, self.target.output)
        elif state is not None and resume:
            check_same(state["settings"], self.settings, self.workplace.path)
            if "moves" in state:
                self.workplace.move(state["moves"])
                self.manifest = _manifest_of(self.target)
            return state
        elif state is not None and not overwrite:
            way_out = "go on with --resume, or start again with --overwrite"
            raise ConfigError(f"an unfinished run lies in {self.workplace.path}: {way_out}")
        if self.manifest is None:
            _check_beside(self.target, overwrite=overwrite)
            self.workplace.clear()
        return None

    @property
    def resumable(self) -> bool:
        """Whether a later run can go on with this one."""
        return self.workplace is not None and is_regular(self.target.output)

    @property
    def partial(self) -> str:
        """Where unfinished work lies."""
        return "" if self.workplace is None else self.workplace.path

    def file(self, name: str) -> str | None:
        """Return a path for a file that lives as long as the work is unfinished, if there is a place for it."""
        return None if self.workplace is None else self.workplace.file(name)

    def write(self, records: bytes, rejections: bytes, *, shard: int = 0) -> None:
        """Write whole lines to both files; records to a shard, where the writer is to choose it."""
        if isinstance(self.records, Shards):
            self.records.write(records, shard)
        else:
            self.records.write(records)
        self.rejections.write(rejections)

    def save(self, progress: dict[str, Any], **more: Any) -> None:
        """Make what was written durable, so that a later run goes on from here with `progress`."""
        if not self.resumable or self.workplace is None:
            return
        marks: dict[str, Any] = {}
        if isinstance(self.records, Shards):
            marks[_RECORDS] = self.records.mark()
        if isinstance(self.rejections, GrowingFile):
            marks[_REJECTED] = self.rejections.mark()
        self.workplace.save({"settings": self.settings, "progress": progress, "marks": marks, **more})
        if isinstance(self.records, Shards):
            self.records.forget()

    def finish(self, progress: dict[str, Any], manifest: dict[str, Any], *, card: str | None = None) -> None:
        """Make the files whole and give them their names, the output last: where it is, everything is."""
        self.save(progress)
        if isinstance(self.records, Shards):
            self.records.close(self.target.shards)
        else:
            self.records.close()
        self.rejections.close()
        if self.workplace is None:
            return
        moves = []
        if isinstance(self.rejections, GrowingFile):
            moves.append((self.rejections.path, os.path.realpath(self.target.rejected_path)))
        if is_regular(self.target.output):
            moves += self._finished(manifest, card)
        if self.target.sharded and self.target.rejected is None:
            moves = moves[1:]  # they are in the folder already
        if self.resumable:
            state = {"settings": self.settings, "progress": progress, "marks": {}, "moves": moves}
            self.workplace.save(state)
        self.workplace.move(moves)

    def _finished(self, manifest: dict[str, Any], card: str | None) -> list[tuple[str, str]]:
        """Write what stands beside the records; return the moves that give all of it its names."""
        content = json.dumps({"settings": self.settings, **manifest}, indent=2).encode() + b"\n"
        if not self.target.sharded:
            path = self._growing(MANIFEST)
            write_durably(path, content)
            assert self.target.manifest_path is not None
            return [
                (path, os.path.realpath(self.target.manifest_path)),
                (self._shard_path(0), os.path.realpath(self.target.output)),
            ]
        assert isinstance(self.records, Shards)
        self.records.forget()
        folder = self._growing("output")
        write_durably(os.path.join(folder, MANIFEST), content)
        if card is not None:
            write_durably(os.path.join(folder, "README.md"), card.encode("utf-8", "replace"))
        sync_folder(os.path.join(folder, "data"))
        return [(folder, os.path.realpath(self.target.output))]

    def abandon(self, progress: dict[str, Any] | None = None) -> None:
        """Close the files as they are; with `progress`, save it first."""
        if self.manifest is not None:
            return
        if progress is not None:
            self.save(progress)
        self._close()

    def _close(self) -> None:
        for file in (getattr(self, "records", None), getattr(self, "rejections", None)):
            if isinstance(file, (Shards, GrowingFile)):
                file.abandon()
        if self.workplace is not None:
            self.workplace.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    # Where things are while they grow

    def _growing(self, name: str) -> str:
        assert self.workplace is not None
        return self.workplace.file(name)

    def _shard_path(self, shard: int) -> str:
        if self.target.sharded:
            return self._growing(f"output/data/train-{shard:05}.{self.target.kind}")
        return self._growing(f"{_RECORDS}-{shard}.{self.target.kind}")

    def _growing_rejected(self) -> str:
        """Return where rejected rows grow: beside their target if that may be on another disk."""
        path = self.target.rejected_path
        if self.target.sharded and self.target.rejected is None:
            os.makedirs(self._growing("output"), exist_ok=True)
            return self._growing("output/rejected.jsonl")
        if os.path.dirname(os.path.realpath(path)) != os.path.dirname(self._growing("")[:-1]):
            return f"{os.path.realpath(path)}.partial"
        end = next((end for end in (".gz", ".zst") if path.endswith(end)), "")
        return self._growing(f"{_REJECTED}.jsonl{end}")


def _check_beside(target: Target, *, overwrite: bool) -> None:
    """Raise `ConfigError` if rejected rows or a manifest would take the place of those of another output."""
    for path in (target.rejected_path, target.manifest_path):
        if path is not None and is_regular(path) and os.path.exists(path) and not overwrite:
            raise ConfigError(f"{path} exists; choose another name, or replace it with --overwrite")
    if target.sharded or target.manifest_path is None:
        return
    for other in (f"{stem(target.output)}.{kind}" for kind in KINDS):
        for path in (other, f"{other}.partial"):
            if os.path.exists(path) and os.path.realpath(other) != os.path.realpath(target.output):
                raise ConfigError(
                    f"{path} is there, whose manifest {target.manifest_path} would be replaced; choose another name"
                )


def _manifest_of(target: Target) -> dict[str, Any]:
    """Return the manifest of a finished output."""
    path = target.manifest_path
    try:
        with open(path or "", "rb") as file:
            manifest: dict[str, Any] = json.load(file)
    except (FileNotFoundError, ValueError):
        raise ConfigError(
            f"{target.output} exists and has no manifest at {path}, so it cannot be told whether it is what was asked"
            " for; choose another name, or replace it with --overwrite"
        ) from None
    return manifest


def check_same(before: Any, now: Any, where: str) -> None:
    """Raise `ConfigError` with what differs between the settings of an earlier run and those of this one."""
    differences = list(_differences(json.loads(json.dumps(before)), json.loads(json.dumps(now))))
    if differences:
        told = "; ".join(differences[:5]) + (f"; and {len(differences) - 5} more" if len(differences) > 5 else "")
        raise ConfigError(f"{where} was made differently: {told}. Resume as it was, or start again with --overwrite")


def _differences(before: Any, now: Any, name: str = "") -> "list[str]":
    if isinstance(before, dict) and isinstance(now, dict):
        names = list(before) + [key for key in now if key not in before]
        return [
            difference
            for key in names
            for difference in _differences(before.get(key), now.get(key), f"{name} {key}".strip())
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [
            difference
            for place, (one, other) in enumerate(zip(before, now, strict=True), 1)
            for difference in _differences(one, other, f"{name} {place}")
        ]
    return [] if before == now else [f"{name} was {before!r}, and is {now!r}"]
