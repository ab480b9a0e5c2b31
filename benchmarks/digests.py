"""Digests of lintseq's output, to show that a change of the code does not change it.

Runs commands and prints a SHA-256 for each: records of every order and seeds 0 to 2 on the bundled pairs, a file of
instruction pairs and the standard library; black-box walks; every shape and format; results of the bundled
completions; the losses of a short training (with --training). Run it before and after a change and compare:

    python benchmarks/digests.py --output before.json
    python benchmarks/digests.py --output after.json && diff before.json after.json
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ORDERS = ("uniform", "indent", "forward")
SEEDS = (0, 1, 2)
OUTPUT = ("--rejected", os.devnull, "--output", "-")
SHAPES = (
    *("lintseq", "pylintseq", "prompt-completion", "chat-prompt-completion"),
    *("messages", "messages-by-edit", "next-edit"),
)
FORMATS = (
    *("diff", "udiff", "udiff:0", "udiff:1", "udiff-words", "search-replace"),
    *("original-updated", "apply-patch", "states"),
)
UNSTABLE = {"seconds", "wall", "cpu", "rows_per_second", "time", "memory", "cpu_seconds", "wall_seconds"}
"""Keys of results that depend on the machine."""


def run(*arguments: str, cwd: Path | None = None) -> Iterator[bytes]:
    """Run a lintseq command and yield its stdout in blocks."""
    command = [sys.executable, "-m", "lintseq", *arguments]
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        yield from iter(lambda: process.stdout.read(1 << 20), b"")  # type: ignore[union-attr]
        message = process.stderr.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} exits with status {process.returncode}: {message.decode()}")


def digest(*arguments: str, cwd: Path | None = None) -> str:
    total = hashlib.sha256()
    for chunk in run(*arguments, cwd=cwd):
        total.update(chunk)
    return total.hexdigest()[:16]


def builds(inputs: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Yield the digests of builds by order, seed and input."""
    for name, source in inputs.items():
        for order in ORDERS:
            for seed in SEEDS:
                options = ["--order", order, "--seed", str(seed), "--row-timeout", "0", "--rejected", os.devnull, "-q"]
                yield f"build {name} {order} {seed}", digest("build", *source, *options, "--output", "-")
    for linter in ("pyflakes", "pylint", "none"):
        options = ["--linter", linter, "--row-timeout", "0", "--rejected", os.devnull, "-q", "--output", "-"]
        yield f"build pairs linter {linter}", digest("build", *inputs["pairs"], *options)
    options = ["--certify", "pyflakes", "--samples", "3", "--sub-sequences", "2", "--row-timeout", "0", "-q"]
    options += ["--rejected", os.devnull]
    yield "build pairs certified, sub-sequences", digest("build", *inputs["pairs"], *options, "--output", "-")


def library() -> list[str]:
    """Return patterns of the standard library's files, without installed packages."""
    root = Path(sysconfig.get_path("stdlib"))
    packages = sorted(path for path in root.iterdir() if path.is_dir() and path.name != "site-packages")
    return [f"{root}/*.py", *(f"{path}/**/*.py" for path in packages if any(path.glob("**/*.py")))]


def conversions(pairs: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the digests of every shape and format of the bundled pairs."""
    list(run("build", pairs, "--output", str(folder / "edits.jsonl"), "--samples", "2", "-q"))
    for shape in SHAPES:
        for format in FORMATS:
            if shape == "pylintseq" and format != "diff":
                continue
            yield (
                f"convert {shape} {format}",
                digest("convert", "edits.jsonl", "--shape", shape, "--format", format, "-q", *OUTPUT, cwd=folder),
            )


def evaluation(examples: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the digest of the results of the bundled completions, without keys that depend on the machine."""
    output = folder / "results.jsonl"
    list(
        run(
            *("evaluate", str(examples / "completions.jsonl"), "--benchmark", str(examples / "problems.jsonl")),
            *("--output", str(output), "--k", "1,5", "--quiet"),
        )
    )
    rows = [stable(json.loads(line)) for line in output.read_text().splitlines()]
    rows.sort(key=json.dumps)
    yield "evaluate examples", hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]


def stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if key not in UNSTABLE}
    return [stable(item) for item in value] if isinstance(value, list) else value


def training(examples: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the digest of the steps, losses and tokens of a short pretraining and finetuning of the nano model."""
    nano = examples / "nano"
    folder /= "training"
    folder.mkdir()
    for name, options in (("linted", []), ("random", ["--linter", "none"])):
        corpus = str(nano / "corpus.jsonl.gz")
        list(run("build", corpus, "--output", str(folder / f"{name}.jsonl"), *options, "-q"))
    list(run("build", str(nano / "pairs.jsonl"), "--output", str(folder / "edits.jsonl"), "-q"))
    tokenizer = ["tokenizer", "train", str(folder / "linted.jsonl"), "--read", "edits", "--vocab", "512"]
    list(run(*tokenizer, "--output", str(folder / "tokenizer")))
    for command, output, options in (
        ("pretrain", "base", ["--set", "steps=30"]),
        ("finetune", "finetuned", ["--set", "match.epochs=0.1", "--set", "run.log_every=5"]),
    ):
        recipe = folder / f"{command}.toml"
        text = (ROOT / "recipes" / "nano" / f"{command}.toml").read_text()
        recipe.write_text(text.replace("out/nano-demo", str(folder)))
        list(run(command, str(recipe), "--output", str(folder / output), *options, "--quiet"))
        log = [json.loads(line) for line in (folder / output / "log.jsonl").read_text().splitlines()]
        rows = [{key: row[key] for key in ("step", "loss", "tokens") if key in row} for row in log]
        yield f"{command} nano", hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--pairs", help="a file of instruction pairs besides the bundled ones")
    parser.add_argument("--training", action="store_true", help="also train a nano model for a few steps")
    parser.add_argument("--no-library", action="store_true", help="leave out the standard library")
    options = parser.parse_args()
    pairs = str(ROOT / "examples" / "pairs.jsonl")
    inputs = {"pairs": [pairs]}
    if options.pairs:
        inputs["instruct"] = [options.pairs]
    if not options.no_library:
        inputs["library"] = library()
    digests: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = [builds(inputs), conversions(pairs, folder), evaluation(ROOT / "examples", folder)]
        if options.training:
            parts.append(training(ROOT / "examples", folder))
        for part in parts:
            for label, value in part:
                digests[label] = value
                print(f"{value}  {label}", flush=True)
                if options.output:
                    options.output.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
