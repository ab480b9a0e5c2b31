"""Make a data set of instructions and programs from permissively licensed packages and existing data sets.

    python studies/pairs/make.py --output pairs.jsonl.gz --pairs python_pairs.jsonl.gz --data DIR

Downloads the wheels listed in `packages.txt` and mines tasks from their sources, as `lintseq mine --tasks` does. The
sources are read from the wheels, never imported or run. Packages under other licenses than those below, contaminated
rows and near duplicates are rejected. Everything that is rejected is counted by its reason.
"""

import argparse
import ast
import gc
import gzip
import importlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any

from lintseq.dataset.duplicates import Seen
from lintseq.dataset.screening import Screen, ScreeningOptions
from lintseq.errors import ProgramError
from lintseq.languages.python.definitions import documented
from lintseq.languages.python.tasks import check_file, check_names, task_of
from lintseq.linting.pyflakes import PyflakesLinter
from lintseq.rows import parse_row, read_rows
from lintseq.rows.sourcecode import decoded

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

BENCHMARKS = (
    "humaneval/HumanEval.jsonl.gz",
    "humanevalplus/HumanEvalPlus-*-OriginFmt.jsonl.gz",
    "humanevalpack/humanevalpack_python.jsonl.gz",
    "mbppplus/MbppPlus-v0.2.0-OriginFmt.jsonl.gz",
    "mbppplus/MbppPlus-v0.1.0.jsonl.gz",
    "ds1000/ds1000.jsonl.gz",
    "bigcodebench/BigCodeBench-v*.*.4.jsonl.gz",
    "codecontests/codecontests_test_165_statements.jsonl.gz",
    "codecontests/codecontests_sample_20_sandboxfusion.jsonl.gz",
    "apps/*.jsonl.gz",
    "instruct/LeetCodeDataset-*-test.jsonl.gz",
)
"""Files of benchmarks in the folder `--data`. Of MBPP only the test split counts, tasks 11 to 510."""
MBPP = "mbpp/mbpp.jsonl.gz"
MBPP_TEST = range(11, 511)
OWN_PROBLEMS = ROOT / "examples" / "problems.jsonl"

LICENSES = {
    "MIT": ("MIT", "MIT-0", "Expat", "MIT License (Expat)"),
    "BSD": ("BSD", "New BSD", "Modified BSD", "Simplified BSD", "BSD style", "BSD-like", "Revised BSD"),
    "BSD-2-Clause": ("BSD-2-Clause", "2-Clause BSD", "BSD 2"),
    "BSD-3-Clause": ("BSD-3-Clause", "3-Clause BSD", "BSD 3", "BSD 3 Clause New or Revised", "3 Clause BSD"),
    "Apache-2.0": ("Apache-2.0", "Apache", "Apache Software", "Apache Software License 2.0", "ASL 2.0", "Apache2"),
    "PSF-2.0": ("PSF-2.0", "PSF", "Python Software Foundation", "Python-2.0", "Python"),
}
"""The accepted licenses, with their other names."""
_TEXTS = {
    "MIT": re.compile(r"MIT License|Permission is hereby granted, free of charge", re.IGNORECASE),
    "Apache-2.0": re.compile(r"Apache License,?\s+Version 2\.0", re.IGNORECASE),
    "BSD": re.compile(r"Redistribution and use in source and binary forms", re.IGNORECASE),
}
"""How licenses are recognized by their text."""
IMPORTS = frozenset(
    {
        "numpy",
        "scipy",
        "pandas",
        "matplotlib",
        "sympy",
        "networkx",
        "sklearn",
        "torch",
        "typing_extensions",
        "requests",
    }
    | {"yaml", "bs4", "PIL", "cv2", "six", "dateutil", "pytz", "tqdm", "jax", "setuptools", "lxml", "seaborn"}
)
"""Widely known packages that programs may import besides the standard library."""
_COPYLEFT = re.compile(
    r"\b[AL]?GPL|General Public Licen[cs]e|Mozilla Public|Creative Commons|\bCC[- ]BY|\bEUPL|\bCDDL"
)
_COPIED = re.compile(rf"{_COPYLEFT.pattern}|stack ?overflow|stackexchange|rosetta ?code", re.IGNORECASE)
"""Marks of definitions that may be under another license than their package."""
_NON_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)
_PREAMBLE = ("typing", "collections", "functools", "itertools", "heapq", "bisect", "math", "random", "string", "re")
"""Modules that the judges of programming contests import, in the order in which names are looked up."""
LINES, CHARS, INSTRUCTION = 60, 2500, 2000
_HEAD_LINES = 60
_BATCH = 20


@dataclass(slots=True)
class Found:
    """The rows from a wheel or from another data set."""

    name: str
    license: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, str]] = field(default_factory=list)
    refused: str = ""
    """Why the whole package was rejected; empty if it was not."""

    def reject(self, id: str, error: ProgramError) -> None:
        self.rejected.append({"id": id, "reason": error.reason, "detail": error.detail})


# Packages


def wanted_packages(path: Path) -> list[str]:
    """Return the requirements in a file, one per line, without comments."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def download(requirements: Sequence[str], folder: Path) -> list[str]:
    """Download the wheels of all requirements that are not in a folder yet; return those that are unavailable."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [requirement for requirement in requirements if not wheels_of(requirement, folder)]
    failed: list[str] = []
    for start in range(0, len(missing), _BATCH):
        batch = missing[start : start + _BATCH]
        log(f"downloading {start + len(batch)} of {len(missing)} wheels")
        if not (message := _pip_download(batch, folder)):
            continue
        for requirement in batch:  # pip downloads nothing if one of the requirements is unavailable
            if not wheels_of(requirement, folder) and (message := _pip_download([requirement], folder)):
                failed.append(requirement)
        if not any(wheels_of(requirement, folder) for requirement in batch):
            raise SystemExit(f"cannot download any of {', '.join(batch)}:\n{message}")
    return failed


def _pip_download(requirements: Sequence[str], folder: Path) -> str:
    """Download all wheels or none; return the error message of pip, empty on success."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--retries=1"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), *requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip() or f"status {done.returncode}"


def wheels_of(requirement: str, folder: Path) -> list[Path]:
    """Return the wheels in a folder for a requirement `name` or `name==version`."""
    name, _, version = requirement.partition("==")
    return [
        path
        for path in sorted(folder.glob("*.whl"))
        if normal_name(path.name.split("-")[0]) == normal_name(name) and version in ("", path.name.split("-")[1])
    ]


def normal_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def license_of(metadata: Message) -> str:
    """Return the license named in a wheel's METADATA; raise `ProgramError` if it is not accepted.

    `License-Expression` decides; without it the classifiers, unless the field `License` contradicts them; without
    those, `License`.
    """
    expression = str(metadata.get("License-Expression", ""))
    free_text = str(metadata.get("License", ""))
    classifiers = [
        classifier.rpartition(" :: ")[2]
        for classifier in map(str, metadata.get_all("Classifier", []))
        if classifier.startswith("License ::") and classifier != "License :: OSI Approved"
    ]
    if expression:
        return _accepted([expression])
    if _COPYLEFT.search(free_text):
        raise ProgramError("license", f"License: {' '.join(free_text.split())[:100]!r}")
    if classifiers:
        return _accepted(classifiers)
    for name, text in _TEXTS.items():
        if text.search(free_text):
            return name
    if not free_text.strip():
        raise ProgramError("license", "METADATA names none")
    return _accepted([free_text.strip().split("\n")[0][:200]])


def _accepted(names: Sequence[str]) -> str:
    """Return the usual names of licenses, joined by AND; raise `ProgramError` if one is not accepted."""
    found = []
    for name in names:
        fitting = [usual for usual, others in LICENSES.items() if _allows(others, name)]
        if fitting:
            found.append(fitting[0])
        elif _allows([other for others in LICENSES.values() for other in others], name):
            found.append(name)
        else:
            raise ProgramError("license", f"{name!r}")
    return " AND ".join(dict.fromkeys(found))


def _allows(licenses: Sequence[str], expression: str) -> bool:
    try:
        Screen(ScreeningOptions(license=tuple(licenses))).check({"license": expression}, "", "")
    except ProgramError:
        return False
    return True


def rows_of_wheel(path: Path, limits: "Limits") -> Found:
    """Return the tasks mined from the sources of a wheel."""
    name, version = path.name.split("-")[:2]
    found = Found(normal_name(name))
    with warnings.catch_warnings(), zipfile.ZipFile(path) as wheel:
        warnings.simplefilter("ignore")
        (metadata,) = (name for name in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        try:
            found.license = license_of(message_from_bytes(wheel.read(metadata)))
        except ProgramError as error:
            found.refused = error.detail
            return found
        gc.disable()  # syntax trees have many objects and no cycles: the collector would traverse them in vain
        for member in sorted(wheel.namelist()):
            if member.endswith(".py"):
                _add_file(found, version, member, decoded(wheel.read(member)), limits)
        gc.enable()
    return found


def _add_file(found: Found, version: str, path: str, text: str, limits: "Limits") -> None:
    """Add the tasks of a file to `found`."""
    whole = f"{found.name}-{version}/{path}"
    try:
        check_file(path, text)
        if (match := _COPYLEFT.search("\n".join(text.split("\n")[:_HEAD_LINES]))) is not None:
            raise ProgramError("license", f"the file mentions {match.group()!r}")
        definitions = list(documented(text))
    except ProgramError as error:
        found.reject(whole, ProgramError(f"file: {error.reason}", error.detail))
        return
    except (SyntaxError, ValueError, RecursionError) as error:
        found.reject(whole, ProgramError("file: syntax", str(error)))
        return
    for definition in definitions:
        id = f"{whole}::{definition.name}"
        try:
            task = task_of(definition, path, max_lines=limits.lines)
            if rare := set(task.imports) - IMPORTS:
                raise ProgramError("rare-import", ", ".join(sorted(rare)))
            limits.check(task.instruction, task.program)
            if (match := _COPIED.search(definition.documentation) or _COPIED.search(task.program)) is not None:
                raise ProgramError("license", f"it mentions {match.group()!r}")
        except ProgramError as error:
            found.reject(id, error)
            continue
        found.rows.append(
            {
                "id": id,
                "source": found.name,
                "version": version,
                "license": found.license,
                "path": path,
                "kind": task.kind,
                "imports": task.imports,
                "instruction": task.instruction,
                "program": task.program,
            }
        )


# All rows


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum sizes of programs and instructions."""

    lines: int = LINES
    chars: int = CHARS
    instruction: int = INSTRUCTION

    def check(self, instruction: str, program: str) -> None:
        """Raise `ProgramError` if the program or the instruction is too long."""
        if (size := program.count("\n")) > self.lines:
            raise ProgramError("too-many-lines", f"{size} lines, where at most {self.lines} are wanted")
        if len(program) > self.chars:
            raise ProgramError("too-many-characters", f"{len(program)} characters of code")
        if len(instruction) > self.instruction:
            raise ProgramError("long-instruction", f"{len(instruction)} characters of instruction")


def rows_of_pairs(path: str, limits: Limits) -> Found:
    """Return the rows of another data set; those without a license, or for non-commercial use only, are rejected."""
    found = Found(Path(path).name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for raw in read_rows(path):
            row = parse_row(raw.data)
            id = f"{row.get('id', raw.number)}"
            try:
                license = row.get("license") or row.get("licence") or ""
                if not license or _NON_COMMERCIAL.search(license):
                    raise ProgramError("license", f"{license!r}")
                program = row["program"] if row["program"].endswith("\n") else row["program"] + "\n"
                program = with_imports(program)
                limits.check(row["instruction"], program)
                check_names(program)
            except ProgramError as error:
                found.reject(id, error)
                continue
            found.rows.append(
                {**row, "id": id, "license": license, "imports": packages_in(program), "program": program}
            )
    return found


def packages_in(program: str) -> list[str]:
    """Return the packages that a program imports, besides the standard library."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return sorted(found - sys.stdlib_module_names)


def with_imports(program: str) -> str:
    """Return a program with the imports that it lacks, as far as the standard library has the names.

    The judges of contests import many names before they run a solution, so solutions do not.
    """
    messages = [diagnostic.message for diagnostic in PyflakesLinter().check(program)]
    found = [re.fullmatch(r"undefined name '(\w+)'", message) for message in messages]
    missing = {match.group(1) for match in found if match is not None}
    lines = [f"import {name}" for name in sorted(missing & set(_PREAMBLE))]
    missing -= set(_PREAMBLE)
    for module in _PREAMBLE:
        if names := sorted(missing & set(dir(importlib.import_module(module)))):
            lines.append(f"from {module} import {', '.join(names)}")
            missing -= set(names)
    first = program.lstrip().split("\n")[0]
    gap = "\n" if first.startswith(("import ", "from ")) else "\n\n\n"
    return "\n".join(lines) + gap + program.lstrip("\n") if lines else program


class Sieve:
    """Rejects contaminated rows and duplicates of earlier rows."""

    def __init__(self, benchmarks: Sequence[str], similarity: float) -> None:
        options = ScreeningOptions(decontaminate=tuple(benchmarks), duplicates="near", similarity=similarity)
        self._screen = Screen(options)
        self._seen = Seen(None, similarity)
        self._instructions: dict[str, str] = {}
        self._number = 0

    def check(self, row: Mapping[str, Any]) -> None:
        """Raise `ProgramError` if a row is rejected; otherwise remember it."""
        instruction, program = row["instruction"], row["program"]
        self._screen.check(row, instruction, program)
        if (earlier := self._instructions.get(instruction)) is not None:
            raise ProgramError("same-instruction", f"same instruction as {earlier}")
        signature = self._screen.signature(program)
        assert signature is not None
        self._number += 1
        if (match := self._seen.add(self._number, row["id"], signature)) is not None:
            raise ProgramError(match.reason, match.detail)
        self._instructions[instruction] = row["id"]


def benchmarks_in(folder: Path, temporary: Path) -> list[str]:
    """Return the files of benchmarks in a folder; writes the test split of MBPP to another folder."""
    found = []
    for pattern in BENCHMARKS:
        paths = sorted(folder.glob(pattern))
        if not paths:
            log(f"no {pattern} in {folder}: not decontaminated against it")
        found += [str(path) for path in paths]
    if (folder / MBPP).exists():
        rows = (parse_row(raw.data) for raw in read_rows(str(folder / MBPP)))
        test = temporary / "mbpp-test.jsonl"
        test.write_text("".join(json.dumps(row) + "\n" for row in rows if row["task_id"] in MBPP_TEST))
        found.append(str(test))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the data set and print statistics of it."""
    options = parser().parse_args(arguments)
    started = time.monotonic()
    limits = Limits(options.max_lines, options.max_chars, options.max_instruction)
    requirements = wanted_packages(options.packages)
    if not options.offline:
        for requirement in download(requirements, options.wheels):
            log(f"{requirement} is unavailable")
    paths = list(dict.fromkeys(path for name in requirements for path in wheels_of(name, options.wheels)))
    with tempfile.TemporaryDirectory() as temporary:
        benchmarks = [*options.benchmark, *([str(OWN_PROBLEMS)] if OWN_PROBLEMS.exists() else [])]
        if options.data is not None:
            benchmarks += benchmarks_in(options.data, Path(temporary))
        sieve = Sieve(benchmarks, options.similarity)
        results = []
        with opened(options.output) as output, opened(options.rejected) as rejected:
            for found in everything(options.pairs, paths, limits, options.workers):
                keep(found, sieve)
                for row in found.rows:
                    output(row)
                for row in found.rejected:
                    rejected({"source": found.name, **row})
                results.append(found)
                log(f"{found.name}: {found.refused or f'{len(found.rows)} rows'}")
    print(described(results))
    print(json.dumps({**summary(results), "seconds": round(time.monotonic() - started)}))
    return 0


def everything(pairs: Sequence[str], wheels: Sequence[Path], limits: Limits, workers: int) -> Iterator[Found]:
    """Yield the rows of all sources in order; of duplicates, the earlier source keeps the row."""
    for path in pairs:
        yield rows_of_pairs(path, limits)
    if workers == 1:
        yield from map(partial(rows_of_wheel, limits=limits), wheels)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(partial(rows_of_wheel, limits=limits), wheels)


def keep(found: Found, sieve: Sieve) -> None:
    """Move the rows that the sieve rejects to the rejected ones."""
    kept = []
    for row in found.rows:
        try:
            sieve.check(row)
            kept.append(row)
        except ProgramError as error:
            found.reject(row["id"], error)
    found.rows = kept


class opened:
    """A file of JSON lines to write, compressed if its name ends in .gz; writes nothing if `path` is None.

    It is written to `NAME.partial` and renamed when it is complete.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __enter__(self) -> Callable[[Mapping[str, Any]], None]:
        if self._path is None:
            self._file = None
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            raw = Path(f"{self._path}.partial").open("wb")
            self._file = gzip.GzipFile("", "wb", 9, raw, mtime=0) if self._path.suffix == ".gz" else raw
            self._raw = raw
        return self._write

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._path is not None and self._file is not None:
            self._file.close()
            self._raw.close()
            if kind is None:
                Path(f"{self._path}.partial").replace(self._path)

    def _write(self, row: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")


def summary(results: Sequence[Found]) -> dict[str, Any]:
    """Return statistics of the data set."""
    rows = [row for found in results for row in found.rows]
    lines = [row["program"].count("\n") for row in rows]
    return {
        "rows": len(rows),
        "packages": sum(bool(found.license) for found in results),
        "refused_packages": {found.name: found.refused for found in results if found.refused},
        "median_lines": statistics.median(lines) if lines else None,
        "licenses": dict(Counter(row["license"] for row in rows).most_common()),
        "kinds": dict(Counter(row.get("kind", "other set") for row in rows).most_common()),
        "sources": dict(Counter(row.get("source", "") for row in rows).most_common()),
        "imports": dict(Counter(name for row in rows for name in row.get("imports", ())).most_common()),
        "rejections": dict(Counter(row["reason"] for found in results for row in found.rejected).most_common()),
    }


def described(results: Sequence[Found]) -> str:
    """Return statistics of the data set as Markdown tables."""
    numbers = summary(results)
    rows = [row for found in results for row in found.rows]
    total = max(len(rows), 1)
    lines = sorted(row["program"].count("\n") for row in rows)
    words = sorted(len(row["instruction"].split()) for row in rows)
    chars = sorted(len(row["program"]) for row in rows)
    refused = numbers["refused_packages"]
    others = len(results) - numbers["packages"] - len(refused)
    parts = [
        f"{len(rows):,} rows from {numbers['packages']} packages and {others} other data sets."
        f" {len(refused)} packages were rejected for their license.",
        table(["license", "rows"], numbers["licenses"].items()),
        table(["kind", "rows"], numbers["kinds"].items()),
        table(
            ["", "minimum", "10 %", "median", "90 %", "maximum"],
            [
                (name, *quantiles(values))
                for name, values in (("lines", lines), ("characters", chars), ("words of instruction", words))
            ],
        ),
        table(
            ["lines", "rows", "share"],
            [
                (f"{low}-{high}", count, f"{count / total:.1%}")
                for low, high in ((1, 5), (6, 10), (11, 20), (21, 30), (31, 40), (41, 60), (61, 10**6))
                if (count := sum(low <= length <= high for length in lines))
            ],
        ),
        table(["rejected for", "definitions, rows or files"], numbers["rejections"].items()),
        table(["most rows from", "rows"], list(numbers["sources"].items())[:30]),
        table(
            ["imports", "rows"],
            [
                ("nothing but the standard library", sum(not row.get("imports") for row in rows)),
                *list(numbers["imports"].items())[:20],
            ],
        ),
    ]
    if numbers["refused_packages"]:
        parts.append(table(["rejected package", "license"], numbers["refused_packages"].items()))
    return "\n\n".join(parts)


def quantiles(values: Sequence[int]) -> list[int]:
    return [values[round(share * (len(values) - 1))] for share in (0, 0.1, 0.5, 0.9, 1)] if values else []


def table(head: Sequence[str], rows: Any) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += [
        "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) + " |" for row in rows
    ]
    return "\n".join(lines)


def log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    assert __doc__ is not None
    made = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    made.add_argument(
        "--output", type=Path, required=True, help="JSON lines to write, compressed if the name ends in .gz"
    )
    made.add_argument(
        "--packages",
        type=Path,
        default=HERE / "packages.txt",
        help="list of requirements; default: packages.txt beside this script",
    )
    made.add_argument(
        "--wheels", type=Path, default=ROOT / "out" / "wheels", help="folder of wheels; default: out/wheels"
    )
    made.add_argument("--offline", action="store_true", help="use existing wheels, download nothing")
    made.add_argument(
        "--pairs",
        action="append",
        default=[],
        metavar="FILE",
        help="existing data set with instruction, program and license",
    )
    made.add_argument("--data", type=Path, metavar="DIR", help="folder of benchmarks for decontamination")
    made.add_argument(
        "--benchmark", action="append", default=[], metavar="FILE", help="another benchmark for decontamination"
    )
    made.add_argument(
        "--similarity", type=float, default=0.75, help="Jaccard similarity from which on programs are near duplicates"
    )
    made.add_argument("--max-lines", type=int, default=LINES)
    made.add_argument("--max-chars", type=int, default=CHARS)
    made.add_argument(
        "--max-instruction", type=int, default=INSTRUCTION, help="maximum number of characters of an instruction"
    )
    made.add_argument("--rejected", type=Path, metavar="FILE", help="file of rejected rows with their reasons")
    made.add_argument("--workers", type=int, default=1, metavar="N")
    return made


if __name__ == "__main__":
    sys.exit(main())
