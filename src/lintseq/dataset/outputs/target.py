"""What is to be written, and where; and whether that can be.

Opens nothing and changes nothing.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from lintseq.dataset.outputs.parquet import check_parquet
from lintseq.dataset.outputs.shards import KINDS, kind_of
from lintseq.errors import ConfigError
from lintseq.rows.streams import is_remote
from lintseq.storage.workplace import MANIFEST, is_ours

STDOUT = "-"
_ENDINGS = (".gz", ".zst", ".jsonl", ".json", ".parquet")
_OTHER_KINDS = (".csv", ".tsv", ".pq", ".parquet.gz", ".parquet.zst", ".arrow", ".txt", ".bz2", ".xz", ".zip")
"""Ends of names that promise what is not written."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be written, and where."""

    output: str
    """A file, whose end tells its kind; with shards, a folder; `-` is standard output."""
    rejected: str | None = None
    """Where rejected rows go; None is beside the output, or in its folder."""
    shards: int | None = None
    """So many files of about the same share of the input each."""
    shard_rows: int | None = None
    """Files of so many records each."""
    shard_kind: str = "parquet"

    @property
    def sharded(self) -> bool:
        return self.shards is not None or self.shard_rows is not None

    @property
    def kind(self) -> str:
        return self.shard_kind if self.sharded else kind_of(self.output)

    @property
    def rejected_path(self) -> str:
        return default_rejected(self.output, folder=self.sharded) if self.rejected is None else self.rejected

    @property
    def manifest_path(self) -> str | None:
        """Where the manifest goes; None if the output is no regular file."""
        if not is_regular(self.output):
            return None
        return os.path.join(self.output, MANIFEST) if self.sharded else f"{stem(self.output)}.manifest.json"

    def holds(self, path: str) -> bool:
        """Tell whether a file is, or will be, of this output."""
        if not is_regular(self.output):
            return False
        own, mine = os.path.realpath(path), os.path.realpath(self.output)
        return own == mine or (self.sharded and own.startswith(mine + os.sep))


def stem(output: str) -> str:
    """Return the path of an output without the endings that tell its kind."""
    for ending in _ENDINGS:
        output = output.removesuffix(ending)
    return output


def default_rejected(output: str, *, folder: bool = False) -> str:
    """Return where rejected rows go if nothing else is said: beside the output, or in its folder."""
    if output == STDOUT:
        raise ConfigError("with the output on standard output, name a file for rejected rows with --rejected")
    return os.path.join(output, "rejected.jsonl") if folder else f"{stem(output)}.rejected.jsonl"


def is_special(path: str) -> bool:
    """Tell whether there is something at `path` that is neither a file nor a folder: a pipe, a device."""
    return os.path.exists(path) and not (stat.S_ISREG(mode := os.stat(path).st_mode) or stat.S_ISDIR(mode))


def is_regular(path: str) -> bool:
    return path != STDOUT and not is_special(path)


def check_target(target: Target, inputs: Sequence[str], *, overwrite: bool, resume: bool) -> None:
    """Raise `ConfigError` for an output that cannot be written."""
    if target.shards is not None and target.shard_rows is not None:
        raise ConfigError("--shards and --shard-rows exclude each other; choose one")
    for name, value in (("--shards", target.shards), ("--shard-rows", target.shard_rows)):
        if value is not None and value < 1:
            raise ConfigError(f"{name} is {value}, but must be at least 1")
    if target.shard_kind not in KINDS:
        raise ConfigError(f"unknown kind of shards {target.shard_kind!r}; use one of {', '.join(KINDS)}")
    if target.shard_kind != KINDS[0] and not target.sharded:
        raise ConfigError("--shard-kind says what shards are; ask for some with --shards or --shard-rows")
    if overwrite and resume:
        raise ConfigError("--overwrite starts again and --resume goes on; choose one")
    _check_kind(target)
    if not is_regular(target.output):
        if target.sharded:
            raise ConfigError(f"{target.output} cannot hold shards; name a folder")
        if resume:
            raise ConfigError(f"what was printed to {target.output} cannot be gone on with; write to a file to resume")
    if target.sharded and os.path.exists(target.output):
        if not os.path.isdir(target.output):
            raise ConfigError(f"{target.output} is a file; name a folder for the shards")
        if overwrite and not is_ours(target.output):
            raise ConfigError(f"{target.output} holds other things than lintseq's; name another folder")
    taken = {os.path.realpath(path) for path in inputs}
    for path in (target.output, target.rejected_path):
        if not is_regular(path):
            continue
        if os.path.realpath(path) in taken:
            raise ConfigError(f"{path} is named twice; inputs, output and rejected rows must be different files")
        taken.add(os.path.realpath(path))
        if os.path.isdir(path) and not target.sharded:
            raise ConfigError(f"{path} is a folder; name a file, or ask for shards with --shards or --shard-rows")
        if os.path.exists(path) and not overwrite and not resume:
            raise ConfigError(f"{path} exists; choose another name, or replace it with --overwrite")
        folder = os.path.dirname(path.rstrip(os.sep))
        if not os.path.isdir(folder or ".") and not (target.sharded and path == target.rejected_path):
            raise ConfigError(f"cannot write {path}: there is no folder {folder}")


def _check_kind(target: Target) -> None:
    """Raise `ConfigError` if what the names of the files promise is not what can be written."""
    for path in (target.output, target.rejected):
        if path is not None and is_remote(path):
            raise ConfigError(
                f"cannot write {path}: files are written to disks; name one, and copy it when it is whole"
            )
    kinds = ", ".join(f".{kind}" for kind in KINDS)
    if not target.sharded and is_regular(target.output) and target.output.lower().endswith(_OTHER_KINDS):
        raise ConfigError(f"cannot write {target.output}: files of that kind are not written; use one of {kinds}")
    if target.kind == "parquet":
        check_parquet()
