"""Benchmark files: finding or downloading them, checking their columns, and identifying their version.

What the rows mean is defined by one module per family of benchmarks.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from lintseq.benchmarks.problem import Problem
from lintseq.errors import BrokenInputError, ConfigError, ProgramError, ToolError
from lintseq.rows import parse_row, read_rows
from lintseq.rows.streams import decompressed, opened
from lintseq.storage import write_atomically

DATA_VARIABLE = "LINTSEQ_DATA"
CACHE_VARIABLE = "LINTSEQ_CACHE"

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Where a benchmark comes from, and how its rows become problems."""

    name: str
    title: str
    files: Sequence[str]
    """Official names of the file, without `.gz`, in order of preference."""
    size: int
    """Number of problems."""
    home: str
    """Where to download it: `hf:NAME...` as for inputs, or a URL."""
    license: str
    load: Callable[[Rows], list[Problem]]
    """Turns rows into problems."""
    columns: Sequence[str] = ()
    """Columns that each row must have."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Known versions, by the first 16 hexadecimal digits of the SHA-256 of the uncompressed file."""
    rows: int | None = None
    """Number of rows in the file, if it differs from the number of problems."""
    any_size: bool = False
    """Whether files with another number of rows are accepted."""


@dataclass(frozen=True, slots=True)
class ProblemSet:
    """The problems of a benchmark, and the file they were read from."""

    name: str
    """The name of the benchmark, or of the file."""
    problems: tuple[Problem, ...]
    """In the order of the file."""
    path: str
    """The file."""
    checksum: str
    """SHA-256 of the uncompressed file."""
    version: str
    """`unknown` if the checksum is not a known one."""

    def as_dict(self) -> dict[str, Any]:
        """Return what identifies the problems, for manifests."""
        return {
            "name": self.name,
            "problems": len(self.problems),
            "file": os.path.basename(self.path),
            "version": self.version,
            "sha256": self.checksum,
        }


def cache_folder() -> Path:
    """Return the folder for downloads and expected results: `$LINTSEQ_CACHE`, or `~/.cache/lintseq`."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lintseq"
    return Path(os.environ.get(CACHE_VARIABLE) or default)


def find_file(benchmark: Benchmark, data: str | None) -> str | None:
    """Return the path of a benchmark's file in the folder `data` or in the cache, or None."""
    if data is not None and not os.path.isdir(data):
        raise ConfigError(
            f"{data} is not a folder; --data and {DATA_VARIABLE} name the folder with the benchmarks' files"
        )
    for folder in (data, str(cache_folder() / "benchmarks")):
        paths = _files_in(folder) if folder and os.path.isdir(folder) else {}
        for name in benchmark.files:
            for suffix in ("", ".gz", ".zst"):
                if (path := paths.get(name + suffix)) is not None:
                    return path
    return None


def _files_in(folder: str) -> dict[str, str]:
    """Return the files in a folder, up to three levels deep, by name; the topmost wins."""
    found: dict[str, str] = {}
    for path, folders, files in os.walk(folder):
        folders.sort()
        if os.path.relpath(path, folder).count(os.sep) >= 2:
            folders.clear()
        for name in files:
            found.setdefault(name, os.path.join(path, name))
    return found


def file_of(benchmark: Benchmark, data: str | None) -> str:
    """Return the path of a benchmark's file, downloading it if it is neither in `data` nor in the cache."""
    return find_file(benchmark, data) or _download(benchmark, data)


def load_benchmark(benchmark: Benchmark, data: str | None) -> ProblemSet:
    """Return the problems of a benchmark, downloading its file if it is neither in `data` nor in the cache."""
    path = file_of(benchmark, data)
    rows = read_problem_rows(path, benchmark.columns)
    checksum = checksum_of(path)
    version = benchmark.versions.get(checksum[:16], "unknown")
    expected = benchmark.rows or benchmark.size
    if version == "unknown" and not benchmark.any_size and len(rows) != expected:
        raise ConfigError(
            f"{path} has {len(rows)} rows, and {benchmark.title} has {expected}: it is another version;"
            f" get {benchmark.files[0]} from {benchmark.home}"
        )
    return ProblemSet(benchmark.name, tuple(benchmark.load(rows)), path, checksum, version)


def read_problem_rows(path: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a benchmark's file; raises `ConfigError` if one lacks a column."""
    rows = list(numbered_rows(path, "download the file again", _parse_exactly))
    if len(rows) == 1 and rows[0][1] and all(isinstance(value, dict) for value in rows[0][1].values()):
        rows = list(enumerate(rows[0][1].values(), 1))  # one object that maps names to problems
    if not rows:
        raise ConfigError(f"{path} is empty; it should hold a problem on each line")
    for number, row in rows:
        if missing := [name for name in columns if name not in row]:
            raise ConfigError(
                f"{path}, row {number} has no column {', '.join(missing)} (columns found: {', '.join(row)});"
                " it is another file, or another version of it"
            )
    return [row for _, row in rows]


def numbered_rows(
    path: str, advice: str, parse: Callable[[bytes], dict[str, Any]] = parse_row
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and content of each row of a file; `ConfigError` for unreadable ones ends with `advice`."""
    try:
        for raw in read_rows(path):
            try:
                yield raw.number, parse(raw.data)
            except ProgramError as error:
                raise ConfigError(f"{path}, row {raw.number}: {error}; {advice}") from None
    except BrokenInputError as error:
        raise ConfigError(f"{error}; {advice}") from None


def _parse_exactly(data: bytes) -> dict[str, Any]:
    """Return the object on a line with exact integers; `parse_row` turns large ones into floats."""
    parse_row(data)  # raises `ProgramError` if something is wrong with the line
    return dict(json.loads(data))


def checksum_of(path: str) -> str:
    """Return the SHA-256 of a file's uncompressed content."""
    digest = sha256()
    with opened(path) as file:
        stream = decompressed(file)
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _download(benchmark: Benchmark, data: str | None) -> str:
    """Download a benchmark's file into the cache and return its path."""
    from urllib.request import urlopen

    name = benchmark.files[0]
    target = cache_folder() / "benchmarks" / (name if name.endswith(".jsonl") else f"{Path(name).stem}.jsonl")
    try:
        if benchmark.home.startswith("hf:"):
            content = b"".join(raw.data.rstrip() + b"\n" for raw in read_rows(benchmark.home))
        else:
            with urlopen(benchmark.home, timeout=60) as response:
                content = response.read()
        write_atomically(str(target), content)
    except (ConfigError, ToolError, BrokenInputError, OSError) as error:
        where = f"not found in {data}" if data else f"no folder was given (--data or {DATA_VARIABLE})"
        raise ConfigError(
            f"{benchmark.title} needs {' or '.join(benchmark.files)}: {where}; and downloading it from"
            f" {benchmark.home} failed: {error}"
        ) from None
    return str(target)
