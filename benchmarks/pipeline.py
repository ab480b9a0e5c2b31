"""`make demo-train` from an empty folder, beside a process that keeps a processor busy: times and quality.

Each step is a command, from edit sequences to verdicts. CPU seconds say how much of the time a busier machine costs.
"""

import json
import multiprocessing
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from common import Goal, Report, Table, arguments, lintseq_command, note, package_version

ROOT = Path(__file__).parents[1]
NANO = ROOT / "examples" / "nano"
RECIPES = ROOT / "recipes" / "demo"
FOLDER = "out/demo"
"""Folder in which the recipes expect the outputs of the steps."""
MINUTES = 6


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is greedy decoding (default: 0)")
    parser.add_argument("--n", type=int, default=1, help="completions per problem (default: 1)")
    parser.add_argument("--busy", type=int, default=1, help="processes that keep a processor busy each (default: 1)")
    options = parser.parse_args()
    others = [multiprocessing.Process(target=keep_busy, daemon=True) for _ in range(options.busy)]
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        Path(name, FOLDER).mkdir(parents=True)
        for other in others:
            other.start()
        rows = [[step, *timed(words, Path(name))] for step, words in steps(options)]
        summary = json.loads(Path(name, FOLDER, "results.manifest.json").read_text())["summary"]
        model = json.loads(Path(name, FOLDER, "model", "manifest.json").read_text())
    wall, cpu = (sum(float(row[column]) for row in rows) for column in (1, 2))
    report = Report("pipeline", "The demo's model, from an empty folder")
    report.notes.append(
        f"{model['parameters']:,} parameters; {summary['problems']} problems of examples/nano, completions per"
        f" problem: {options.n}, at temperature {options.temperature:g}. Other processes that kept a processor busy:"
        f" {options.busy}; load average before: {load:.1f}, at the end: {os.getloadavg()[0]:.1f}. All steps took"
        f" {wall / 60:.1f} minutes. Training and generation have one thread, so where a processor is free for it, they"
        " take their CPU time."
    )
    table = [[step, f"{seconds:.0f}", f"{used:.0f}"] for step, seconds, used in rows]
    report.tables.append(Table("Steps", ["step", "s", "CPU s"], table))
    report.tables.append(Table("Quality", ["measure", "value"], quality(summary)))
    report.goals += [
        Goal("CPU minutes", cpu / 60, most=MINUTES),
        Goal("pass@1, %", 100 * summary["pass_at_k"]["1"], least=50),
        Goal("malformed edits, %", 100 * summary["edits"]["malformed_edits"], most=5),
        Goal("programs that compile, %", 100 * summary["clean"]["programs"], least=50),
    ]
    versions = {name: package_version(name) for name in ("torch", "transformers", "accelerate")}
    report.numbers = {"seconds": {row[0]: row[1:] for row in rows}, "summary": summary, "versions": versions}
    report.publish(options.results)


def keep_busy() -> None:
    while True:
        pass


def steps(options: Any) -> list[tuple[str, list[str]]]:
    """Return the commands in order, each with its name."""
    problems, corpus, done = str(NANO / "problems.jsonl"), f"{FOLDER}/corpus.jsonl", f"{FOLDER}/completions.jsonl"
    sampling = ["--n", str(options.n), "--temperature", f"{options.temperature:g}", "--max-tokens", "400"]
    complete = ["complete", "--model", f"{FOLDER}/model", "--benchmark", problems, *sampling, "--threads", "1"]
    judge = ["evaluate", done, "--benchmark", problems, "--k", ",".join(sorted({"1", str(options.n)}))]
    build = ["--preset", "recommended", "--output"]
    train = ["tokenizer", "train", corpus, "--read", "edits", "--vocab", "1024", "--output", f"{FOLDER}/tokenizer"]
    recipes = {
        name: [str(RECIPES / f"{name}.toml"), "--threads", "1", "--output"] for name in ("pretrain", "finetune")
    }
    return [
        ("edit sequences of the corpus", ["build", str(NANO / "corpus.jsonl.gz"), *build, corpus]),
        ("edit sequences", ["build", str(NANO / "pairs.jsonl"), *build, f"{FOLDER}/edits.jsonl"]),
        ("tokenizer", train),
        ("pretraining", ["pretrain", *recipes["pretrain"], f"{FOLDER}/base"]),
        ("finetuning", ["finetune", *recipes["finetune"], f"{FOLDER}/model"]),
        ("completions", [*complete, "--output", done]),
        ("verdicts", [*judge, "--linter", "compile", "--output", f"{FOLDER}/results.jsonl"]),
    ]


def timed(words: list[str], folder: Path) -> tuple[float, float]:
    """Run a command of lintseq in a folder, and return its duration and its CPU time in seconds."""
    started, used = time.monotonic(), cpu_seconds()
    done = subprocess.run([*lintseq_command(), *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"lintseq {' '.join(words)} failed:\n{done.stderr[-2000:]}")
    seconds, used = time.monotonic() - started, cpu_seconds() - used
    note(f"{words[0]}: {seconds:.0f} s, {used:.0f} CPU s")
    return seconds, used


def cpu_seconds() -> float:
    """Return the CPU time of all commands so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def quality(summary: dict[str, Any]) -> list[list[object]]:
    rows: list[list[object]] = [[f"pass@{k}", f"{100 * value:.1f} %"] for k, value in summary["pass_at_k"].items()]
    rows.append(["edits per program", f"{summary['edits']['edits_per_program']:.2f}"])
    rows.append(["malformed edits", f"{100 * summary['edits']['malformed_edits']:.1f} %"])
    rows.append(["programs that compile", f"{100 * summary['clean']['programs']:.1f} %"])
    rows.append(["states that compile", f"{100 * summary['clean']['states']:.1f} %"])
    return rows


if __name__ == "__main__":
    main()
