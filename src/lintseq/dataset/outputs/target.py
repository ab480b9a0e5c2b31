"""Where output goes and in which form, and whether it can be written. Opens nothing and changes nothing."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from lintseq.dataset.outputs.parquet import check_parquet
from lintseq.dataset.outputs.shards import KINDS, ShardKind, kind_of
from lintseq.errors import ConfigError, check_at_least, check_choice
from lintseq.rows.streams import is_remote
from lintseq.storage import MANIFEST, suffix_of

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Target:
    """Where output goes and in which form."""

    output: str
    """Where to write records: .jsonl, .jsonl.gz, .jsonl.zst or .parquet, a folder for shards, or - for stdout."""
    rejected: str | None = None
    """Where to write rejected rows with their reasons; by default next to the output."""
    shards: int | None = None
    """Write a folder of this many files for datasets.load_dataset."""
    shard_rows: int | None = None
    """Write a folder of files with this many records each."""
    shard_kind: ShardKind = "parquet"
    """Kind of the files in the folder."""
    split: float | None = None
    """Put up to this share of the rows, such as 0.1, into a part for testing."""
    split_by: str | None = None
    """Column of the input, such as repo, whose values the parts do not share."""

    @property
    def sharded(self) -> bool:
        """Whether the output is a folder of shards."""
        return self.shards is not None or self.shard_rows is not None

    @property
    def kind(self) -> ShardKind:
        """Kind of the files that are written."""
        return self.shard_kind if self.sharded else kind_of(self.output) or "jsonl"

    @property
    def rejected_path(self) -> str:
        """The path of the rejected rows."""
        return default_rejected(self.output) if self.rejected is None else self.rejected

    @property
    def test_path(self) -> str | None:
        """The path of the part for testing; None if there is none, or if it is in the folder of shards."""
        return None if self.split is None or self.sharded else f"{stem(self.output)}.test.{self.kind}"

    @property
    def manifest_path(self) -> str | None:
        """The path of the manifest; None if the output is not a regular file."""
        if not is_regular(self.output):
            return None
        return os.path.join(self.output, MANIFEST) if self.sharded else f"{stem(self.output)}.manifest.json"

    def holds(self, path: str) -> bool:
        """Tell whether a file belongs, or will belong, to this output."""
        if not is_regular(self.output):
            return False
        path, output = os.path.realpath(path), os.path.realpath(self.output)
        is_test = self.test_path is not None and path == os.path.realpath(self.test_path)
        return is_test or path == output or (self.sharded and path.startswith(output + os.sep))


def stem(output: str) -> str:
    """Return the path of an output without the suffixes of its kind."""
    kind = kind_of(output)
    return output if kind is None else output[: -len(kind) - 1]


def default_rejected(output: str) -> str:
    """Return where rejected rows go by default: next to the output, also if that is a folder, which may be shared."""
    if output == STDOUT:
        raise ConfigError("with the output on standard output, name a file for rejected rows with --rejected")
    return f"{stem(output.rstrip(os.sep))}.rejected.jsonl"


def is_regular(path: str) -> bool:
    """Tell whether a path is a file or a folder, or will be one, and not standard output, a pipe or a device."""
    if path == STDOUT or not os.path.exists(path):
        return path != STDOUT
    mode = os.stat(path).st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def check_target(target: Target, inputs: Sequence[str], *, overwrite: bool, resume: bool) -> None:
    """Raise `ConfigError` for an output that cannot be written."""
    if target.shards is not None and target.shard_rows is not None:
        raise ConfigError("--shards and --shard-rows exclude each other; choose one")
    check_at_least(1, {"--shards": target.shards, "--shard-rows": target.shard_rows})
    check_choice("--shard-kind", target.shard_kind, KINDS)
    if target.shard_kind != KINDS[0] and not target.sharded:
        raise ConfigError("--shard-kind needs --shards or --shard-rows")
    _check_split(target)
    if overwrite and resume:
        raise ConfigError("--overwrite starts again and --resume continues; choose one")
    _check_kind(target)
    if not is_regular(target.output):
        if target.sharded:
            raise ConfigError(f"{target.output} cannot hold shards; name a folder")
        if resume:
            raise ConfigError(f"output printed to {target.output} cannot be resumed; write to a file")
    if target.sharded and os.path.exists(target.output):
        if not os.path.isdir(target.output):
            raise ConfigError(f"{target.output} is a file; name a folder for the shards")
        names = set(os.listdir(target.output))
        if overwrite and names and not {MANIFEST, "data"} <= names:
            raise ConfigError(f"{target.output} was not written by lintseq; name another folder")
    taken = {os.path.realpath(path) for path in inputs}
    for path in (target.output, target.rejected_path, target.test_path):
        if path is None or not is_regular(path):
            continue
        if os.path.realpath(path) in taken:
            raise ConfigError(f"{path} is named twice; inputs, output and rejected rows must be different files")
        taken.add(os.path.realpath(path))
        if os.path.isdir(path) and not target.sharded:
            raise ConfigError(f"{path} is a folder; name a file, or write shards with --shards or --shard-rows")
        if os.path.exists(path) and not overwrite and not resume:
            raise ConfigError(f"{path} exists; choose another name, or replace it with --overwrite")


def _check_split(target: Target) -> None:
    """Raise `ConfigError` for parts that cannot be made."""
    if (target.split is None) != (target.split_by is None):
        raise ConfigError("--split and --split-by need each other, such as --split 0.1 --split-by repo")
    if target.split is not None and not 0 < target.split < 1:
        raise ConfigError(f"--split is {target.split:g}, but must be between 0 and 1, such as 0.1")
    if target.split is not None and not is_regular(target.output):
        raise ConfigError(f"{target.output} cannot hold two parts; name a file or a folder")


def _check_kind(target: Target) -> None:
    """Raise `ConfigError` for files of a kind, or at a path, that cannot be written."""
    for path in (target.output, target.rejected):
        if path is not None and is_remote(path):
            raise ConfigError(f"cannot write {path}: only local files can be written; copy it when it is complete")
    kinds = [f".{kind}" for kind in KINDS]
    for path, known in ((target.output, kinds), (target.rejected or STDOUT, kinds[1:])):
        if is_regular(path) and not (target.sharded and path == target.output) and suffix_of(path, known) is None:
            raise ConfigError(f"cannot write {path}: its name has to end in one of {', '.join(known)}")
    if target.kind == "parquet":
        check_parquet()
