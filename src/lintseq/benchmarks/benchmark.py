"""What a benchmark is: its files, what they have to hold, and how their rows become problems.

Owns finding and fetching the file, and telling which version of it is there. What the rows mean is told by the
modules beside this one, a family of benchmarks each.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from lintseq.benchmarks.cache import cache_folder
from lintseq.benchmarks.problems import Problem
from lintseq.errors import ConfigError, ProgramError, ToolError
from lintseq.rows import BrokenInputError, encode_line, parse_row, read_rows
from lintseq.rows.streams import decompressed, opened
from lintseq.storage.workplace import write_durably

DATA_VARIABLE = "LINTSEQ_DATA"

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark by name."""

    name: str
    title: str
    files: tuple[str, ...]
    """Official names of the file, without `.gz`; the first that is there is taken."""
    size: int
    """How many problems it has."""
    home: str
    """Where it comes from: `hf:NAME...` as inputs are named, or a URL."""
    license: str
    columns: frozenset[str]
    """Those that each row has to have."""
    load: Callable[[Rows], list[Problem]]
    """The problems of the rows."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """By the first 16 hexadecimal digits of the SHA-256 of what the file holds."""
    rows: int | None = None
    """How many rows the file has, if that is more than the problems."""
    any_size: bool = False
    """Whether files of other sizes are this benchmark too."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A benchmark and the file that it was read from."""

    name: str
    problems: tuple[Problem, ...]
    path: str
    checksum: str
    """SHA-256 of what the file holds, uncompressed."""
    version: str
    """`unknown` if the file is none that we know."""

    def as_dict(self) -> dict[str, Any]:
        """Return what tells which problems they were."""
        return {
            "name": self.name,
            "problems": len(self.problems),
            "file": os.path.basename(self.path),
            "version": self.version,
            "sha256": self.checksum,
        }


def find(benchmark: Benchmark, data: str | None) -> str | None:
    """Return the path of a benchmark's file in the data folder or in the cache, or None if it is in neither."""
    if data is not None and not os.path.isdir(data):
        raise ConfigError(
            f"{data} is no folder; --data and {DATA_VARIABLE} name the folder with the benchmarks' files"
        )
    folders = [folder for folder in (data, str(cache_folder() / "benchmarks")) if folder and os.path.isdir(folder)]
    for folder in folders:
        there = _files(folder)
        for name in benchmark.files:
            for ending in ("", ".gz", ".zst"):
                if (path := there.get(name + ending)) is not None:
                    return path
    return None


def _files(folder: str) -> dict[str, str]:
    """Return the paths of the files in a folder and in its folders, by name; the highest of several."""
    found: dict[str, str] = {}
    for path, folders, files in os.walk(folder):
        folders.sort()
        if os.path.relpath(path, folder).count(os.sep) >= 2:
            folders.clear()
        for name in files:
            found.setdefault(name, os.path.join(path, name))
    return found


def load(benchmark: Benchmark, data: str | None = None) -> Loaded:
    """Return the problems of a benchmark; raises `ConfigError` if its file is not to be had or is another one."""
    path = find(benchmark, data) or _fetch(benchmark, data)
    rows = read(path, benchmark.columns)
    checksum = checksum_of(path)
    version = benchmark.versions.get(checksum[:16], "unknown")
    expected = benchmark.rows or benchmark.size
    if version == "unknown" and not benchmark.any_size and len(rows) != expected:
        raise ConfigError(
            f"{path} has {len(rows)} rows, and {benchmark.title} has {expected}: it is another version;"
            f" get {benchmark.files[0]} from {benchmark.home}"
        )
    return Loaded(benchmark.name, tuple(benchmark.load(rows)), path, checksum, version)


def read(path: str, columns: frozenset[str]) -> list[dict[str, Any]]:
    """Return the rows of a benchmark's file; raises `ConfigError` if one lacks a column."""
    rows = list(_numbered(path))
    if len(rows) == 1 and rows[0][1] and all(isinstance(value, dict) for value in rows[0][1].values()):
        rows = list(enumerate(rows[0][1].values(), 1))  # an object of problems by their names
    if not rows:
        raise ConfigError(f"{path} is empty; it should hold a problem on each line")
    for number, row in rows:
        if missing := sorted(columns - row.keys()):
            raise ConfigError(
                f"{path}, row {number} has no column {', '.join(missing)} (columns found: {', '.join(row)});"
                " it is another file, or another version of it"
            )
    return [row for _, row in rows]


def _numbered(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        for raw in read_rows(path):
            try:
                yield raw.number, _exactly(raw.data)
            except ProgramError as error:
                raise ConfigError(f"{path}, row {raw.number}: {error}; get the file anew") from None
    except BrokenInputError as error:
        raise ConfigError(f"{error}; get the file anew") from None


def _exactly(data: bytes) -> dict[str, Any]:
    """Return the object on a line with its integers as they are: `parse_row` makes floats of large ones."""
    row = parse_row(data)
    try:
        exact = json.loads(data)
    except ValueError:
        return row
    return exact if isinstance(exact, dict) else row


def checksum_of(path: str) -> str:
    """Return the SHA-256 of what a file holds, uncompressed."""
    hashed = sha256()
    with opened(path) as file:
        stream = decompressed(file)
        while chunk := stream.read(1 << 20):
            hashed.update(chunk)
    return hashed.hexdigest()


def _fetch(benchmark: Benchmark, data: str | None) -> str:
    """Copy a benchmark from its home into the cache, and return the path of the copy."""
    name = benchmark.files[0]
    where = f"not in {data} or the folders in it" if data else f"no folder was named (--data or {DATA_VARIABLE})"
    wanted = f"{benchmark.title} needs {' or '.join(benchmark.files)}: {where}"
    target = cache_folder() / "benchmarks" / (name if name.endswith(".jsonl") else f"{Path(name).stem}.jsonl")
    try:
        if benchmark.home.startswith("hf:"):
            content = b"".join(encode_line(json.loads(raw.data)) for raw in read_rows(benchmark.home))
        elif benchmark.home.startswith("https:"):
            content = _download(benchmark.home)
        else:
            raise ConfigError(f"it has to be got by hand from {benchmark.home}")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_durably(str(target), content)
    except (ConfigError, ToolError, BrokenInputError, OSError) as error:
        raise ConfigError(f"{wanted}; and from {benchmark.home} it was not to be had: {error}") from None
    return str(target)


def _download(url: str) -> bytes:
    from urllib.request import urlopen

    with urlopen(url, timeout=60) as answer:
        content: bytes = answer.read()
    return content
