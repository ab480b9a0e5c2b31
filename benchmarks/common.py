"""Code shared by the benchmarks: input programs, timed processes, tables and results.

A benchmark prints tables (Markdown) and a last line of JSON, and stores both in `results/`.
"""

import argparse
import gzip
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import sysconfig
import time
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lintseq.languages import get_language
from lintseq.program import Program
from lintseq.program.markdown import code_from_markdown

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PAIRS = "data/instruct/python_pairs.jsonl.gz"
"""Path of the instruction pairs in any folder next to the repository, unless `--pairs` names a file."""

PYLINTSEQ = "pylintseq==0.0.2"

LOAD = os.getloadavg()[0]
"""Load average before the benchmark started."""


# Programs


@dataclass(frozen=True, slots=True)
class Source:
    """A program and its origin."""

    name: str
    text: str
    instruction: str = ""
    start: str = ""
    """The version that its edits start from."""

    @property
    def lines(self) -> int:
        return len(Program.from_text(self.text).lines)


def installed_folders() -> list[Path]:
    """Return the folders of the standard library and of the installed packages."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    return [Path(sysconfig.get_path("purelib")), stdlib / "site-packages", stdlib]


def python_files(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Yield each .py file once with its name relative to its folder, in a stable order."""
    seen: set[Path] = set()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            real = path.resolve()
            if real not in seen and path.is_file():
                seen.add(real)
                yield path.relative_to(folder).as_posix(), path


def read_python(path: Path) -> str | None:
    """Return the text of a file in its declared encoding, newlines unchanged; None if it cannot be decoded."""
    try:
        with path.open("rb") as file:
            encoding, _ = tokenize.detect_encoding(file.readline)
        return path.read_bytes().decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        return None


def is_usable(text: str) -> bool:
    """Return whether a text is a Python program that contains code."""
    return get_language("python").is_program(text)


def real_files(*, least: int = 20, most: int = 120, seed: int = 0) -> list[Source]:
    """Return the installed files of `least` to `most` lines that parse, without duplicates, shuffled."""
    sources: dict[str, Source] = {}
    for name, path in python_files(installed_folders()):
        text = read_python(path)
        if text is None or text in sources:
            continue
        source = Source(name, text)
        if least <= source.lines <= most and is_usable(text):
            sources[text] = source
    found = list(sources.values())
    random.Random(seed).shuffle(found)
    return found


def instruction_pairs(path: Path | None = None, *, seed: int = 0) -> list[Source]:
    """Return the instruction pairs of a JSON Lines file that contain a program, shuffled."""
    found = []
    for row in read_jsonl(pairs_file(path)):
        text = row.get("program") or code_from_markdown(row["response"], get_language())
        if is_usable(text):
            found.append(Source(str(row["id"]), text, row.get("instruction", "")))
    random.Random(seed).shuffle(found)
    return found


def pairs_file(path: Path | None = None) -> Path:
    """Return the file of instruction pairs: `path`, one in a folder next to the repository, or the examples."""
    if path is not None and not path.exists():
        raise SystemExit(f"no instruction pairs at {path}; name a JSON Lines file with --pairs")
    return path or next(ROOT.parent.glob(f"*/{PAIRS}"), ROOT / "examples" / "pairs.jsonl")


def data_folder(path: Path | None = None) -> Path:
    """Return the folder of benchmark files: `path`, or one next to the repository."""
    found = path or next((found.parent for found in ROOT.parent.glob("*/data/humaneval")), None)
    if found is None or not found.is_dir():
        raise SystemExit(
            f"no benchmark files in {found or 'data/ next to the repository'}; name their folder with --data"
        )
    return found


def spread(sources: Sequence[Source], count: int) -> list[Source]:
    """Return `count` of the sources, evenly spaced by length, so that a small set resembles the large one."""
    ordered = sorted(sources, key=lambda source: source.lines)
    count = min(count, len(ordered))
    return [ordered[(2 * index + 1) * len(ordered) // (2 * count)] for index in range(count)]


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSON Lines file, plain or .gz."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for line in file:
            yield json.loads(line)


def write_jsonl(path: Path, sources: Iterable[Source]) -> Path:
    """Write sources as rows that both lintseq and pylintseq read."""
    with path.open("w") as file:
        for source in sources:
            row = {"id": source.name, "instruction": source.instruction, "response": source.text}
            file.write(json.dumps(row) + "\n")
    return path


# Processes


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a process from start to end."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def run(command: Sequence[str | Path], *, core: int | None = None, cwd: Path | None = None) -> Cost:
    """Run a command, on one core if `core` is set, and return its cost; exit if it fails."""
    words = [str(word) for word in command]
    if core is not None and shutil.which("taskset"):
        words = ["taskset", "-c", str(core), *words]
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} exited with status {process.returncode}:\n{output[-3000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def lintseq_command() -> list[str]:
    return [sys.executable, "-m", "lintseq"]


def build_command(source: Path, output: Path, *options: str | Path) -> list[str | Path]:
    """Return the command that builds edit sequences of `source` in one process."""
    return [*lintseq_command(), "build", source, "--output", output, "--overwrite", "--quiet", *options]


def count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def pylintseq_python() -> Path:
    """Return the interpreter of pylintseq's virtual environment, created if it is missing."""
    folder = ROOT / ".venv-pylintseq"
    python = folder / "bin" / "python"
    if not (folder / "bin" / "pylintseq").exists():
        print(f"setting up {PYLINTSEQ} in {folder.name}", file=sys.stderr)
        run([sys.executable, "-m", "venv", folder])
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYLINTSEQ])
    return python


def pylintseq_versions() -> str:
    """Return the versions of pylintseq and pylint as text."""
    packages = pylintseq_python().parent.parent.glob("lib/*/site-packages/pylint-*.dist-info")
    (pylint,) = (path.name.removeprefix("pylint-").removesuffix(".dist-info") for path in packages)
    return f"{PYLINTSEQ.replace('==', ' ')} with pylint {pylint}"


def pylintseq_command(source: Path, folder: Path, *, samples: int) -> list[str | Path]:
    """Return pylintseq's command line with one worker; it writes one file into `folder`."""
    program = pylintseq_python().with_name("pylintseq")
    return [program, "-p", source, "-d", folder, "-c", "1", "-s", str(samples)]


def one_output(folder: Path) -> Path:
    """Return the only JSON Lines file in a folder."""
    (found,) = folder.glob("*.jsonl")
    return found


# Models


def save_small_model(folder: Path, *, width: int, layers: int, length: int) -> None:
    """Save a decoder with random weights in the folder of its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, Olmo2Config

    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    config = Olmo2Config(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=length,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)


# Results


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; numbers are printed as passed."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]

    def markdown(self) -> str:
        cells = [[_cell(value) for value in row] for row in [self.header, *self.rows]]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.header))]
        lines = [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in cells]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return f"## {self.title}\n\n" + "\n".join(lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


@dataclass(frozen=True, slots=True)
class Goal:
    """A measured number and its target."""

    name: str
    value: float
    least: float = float("-inf")
    most: float = float("inf")

    @property
    def met(self) -> bool:
        return self.least <= self.value <= self.most

    def row(self) -> list[object]:
        goal = f"at least {self.least:,g}" if self.least > float("-inf") else f"at most {self.most:,g}"
        return [self.name, goal, f"{self.value:,.5g}", "yes" if self.met else "NO"]


@dataclass(slots=True)
class Report:
    """The results of one benchmark."""

    name: str
    title: str
    goals: list[Goal] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """Text after the tables."""
    numbers: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        goals = {goal.name: {"value": round(goal.value, 4), "met": goal.met} for goal in self.goals}
        return {"benchmark": self.name, "goals": goals, **self.numbers, "machine": machine()}

    def markdown(self) -> str:
        parts = [f"# {self.title}", f"`{command_line()}`, {describe(machine())}", *self.notes]
        if self.goals:
            parts.append(
                Table("Goals", ["measure", "goal", "measured", "met"], [g.row() for g in self.goals]).markdown()
            )
        parts += [table.markdown() for table in self.tables]
        return "\n\n".join([*parts, *self.texts]) + "\n"

    def publish(self, folder: Path | None) -> None:
        """Print the report, then its JSON, and store both in `folder`."""
        text, data = self.markdown(), self.as_dict()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{self.name}.md").write_text(text)
            (folder / f"{self.name}.json").write_text(json.dumps(data, indent=2) + "\n")
        print(text)
        print(json.dumps(data))


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options common to all benchmarks."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed for programs and draws (default: 0)")
    parser.add_argument("--pairs", type=Path, help="a JSON Lines file of instruction pairs")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder for the results")
    parser.add_argument(
        "--no-results", dest="results", action="store_const", const=None, help="print results without storing them"
    )
    return parser


def machine() -> dict[str, str | int | float]:
    """Return what the numbers depend on besides the code: processor, system, versions."""
    versions = {name: package_version(name) for name in ("lintseq", "pyflakes", "pylint", "astroid", "ruff")}
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(LOAD, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: found for name, found in versions.items() if found},
        "date": time.strftime("%Y-%m-%d"),
    }


def describe(machine: dict[str, str | int | float]) -> str:
    """Return a one-line description of a machine."""
    versions = ", ".join(f"{name} {machine[name]}" for name in ("lintseq", "pyflakes", "pylint") if name in machine)
    return (
        f"{machine['date']}: {machine['processor']}, {machine['cores']} cores, load {machine['load_before']} before,"
        f" {machine['system']}, Python {machine['python']}, {versions}."
    )


def package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def processor() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def command_line() -> str:
    """Return the command to repeat the run: without options whose paths are outside the repository."""
    words = ["python", str(Path(sys.argv[0]).resolve().relative_to(ROOT))]
    for word in sys.argv[1:]:
        if not word.startswith("/"):
            words.append(word)
        elif words[-1].startswith("--"):
            words.pop()
    return " ".join(words)


def note(message: str) -> None:
    """Print progress to stderr."""
    print(message, file=sys.stderr, flush=True)


def share(part: float, whole: float) -> float:
    """Return a percentage."""
    return 100 * part / whole if whole else 0.0


def percent(part: float, whole: float) -> str:
    return f"{share(part, whole):.2f} %"
