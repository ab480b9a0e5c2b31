"""From an empty folder to a model that writes programs as edits: duration of each step, and quality of the programs.

Each step is a command, as in `make demo-train`, from edit sequences to verdicts. Completions are greedy or sampled.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from common import Goal, Report, Table, arguments, lintseq_command, note, package_version

ROOT = Path(__file__).parents[1]
NANO = ROOT / "examples" / "nano"
RECIPES = ROOT / "recipes" / "nano"
FOLDER = "out/nano-demo"
"""Folder in which the recipes expect the outputs of the steps."""
MINUTES = 10


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is greedy decoding (default: 0)")
    parser.add_argument("--n", type=int, default=1, help="completions per problem (default: 1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        Path(name, FOLDER).mkdir(parents=True)
        rows = [[step, timed(words, Path(name))] for step, words in steps(options)]
        summary = json.loads(Path(name, FOLDER, "results.manifest.json").read_text())["summary"]
        model = json.loads(Path(name, FOLDER, "edits", "manifest.json").read_text())
    total = sum(float(seconds) for _, seconds in rows)
    report = Report("pipeline", "Nano model, from an empty folder")
    report.notes.append(
        f"{model['parameters']:,} parameters; {summary['problems']} problems of examples/nano, completions per"
        f" problem: {options.n}, at temperature {options.temperature:g}."
    )
    report.tables.append(Table("Steps", ["step", "s"], [[step, f"{seconds:.0f}"] for step, seconds in rows]))
    report.tables.append(Table("Quality", ["measure", "value"], quality(summary)))
    report.goals += [
        Goal("minutes", total / 60, most=MINUTES),
        Goal("malformed edits, %", 100 * summary["edits"]["malformed_edits"], most=5),
        Goal("programs that compile, %", 100 * summary["clean"]["programs"], least=50),
    ]
    versions = {name: package_version(name) for name in ("torch", "transformers", "accelerate")}
    report.numbers = {"seconds": dict(rows), "summary": summary, "versions": versions}
    report.publish(options.results)


def steps(options: Any) -> list[tuple[str, list[str]]]:
    """Return the commands in order, each with its name."""
    problems, corpus = str(NANO / "problems.jsonl"), str(NANO / "corpus.jsonl.gz")
    linted, random = f"{FOLDER}/linted.jsonl", f"{FOLDER}/random.jsonl"
    done = f"{FOLDER}/completions.jsonl"
    sampling = ["--n", str(options.n), "--temperature", f"{options.temperature:g}"]
    complete = ["complete", "--model", f"{FOLDER}/edits", "--benchmark", problems, *sampling, "--max-tokens", "400"]
    judge = [
        "evaluate",
        done,
        "--benchmark",
        problems,
        "--k",
        ",".join(sorted({"1", str(options.n)})),
        "--linter",
        "compile",
    ]
    train = ["tokenizer", "train", linted, "--read", "edits", "--vocab", "1024"]
    return [
        (
            "edit sequences",
            ["build", str(NANO / "pairs.jsonl"), "--output", f"{FOLDER}/edits.jsonl", "--samples", "5"],
        ),
        ("edit sequences of the corpus", ["build", corpus, "--output", linted, "--samples", "2"]),
        ("random sequences", ["build", corpus, "--output", random, "--samples", "2", "--linter", "none"]),
        ("tokenizer", [*train, "--output", f"{FOLDER}/tokenizer"]),
        ("pretraining", ["pretrain", str(RECIPES / "pretrain.toml"), "--output", f"{FOLDER}/base"]),
        ("finetuning", ["finetune", str(RECIPES / "finetune.toml"), "--output", f"{FOLDER}/edits"]),
        ("completions", [*complete, "--output", done]),
        ("verdicts", [*judge, "--output", f"{FOLDER}/results.jsonl"]),
    ]


def timed(words: list[str], folder: Path) -> float:
    """Run a command of lintseq in a folder, and return its duration in seconds."""
    started = time.monotonic()
    done = subprocess.run([*lintseq_command(), *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"lintseq {' '.join(words)} failed:\n{done.stderr[-2000:]}")
    seconds = time.monotonic() - started
    note(f"{words[0]}: {seconds:.0f} s")
    return seconds


def quality(summary: dict[str, Any]) -> list[list[object]]:
    rows: list[list[object]] = [[f"pass@{k}", f"{100 * value:.1f} %"] for k, value in summary["pass_at_k"].items()]
    rows.append(["edits per program", f"{summary['edits']['edits_per_program']:.2f}"])
    rows.append(["malformed edits", f"{100 * summary['edits']['malformed_edits']:.1f} %"])
    rows.append(["programs that compile", f"{100 * summary['clean']['programs']:.1f} %"])
    rows.append(["states that compile", f"{100 * summary['clean']['states']:.1f} %"])
    return rows


if __name__ == "__main__":
    main()
