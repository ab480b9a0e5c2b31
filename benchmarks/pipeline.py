"""From an empty folder to a model that writes programs as edits: how long does it take, and what does it write?

Each step is a command, as in `make demo-train`, from edit sequences to verdicts.
Edits are in the format `--format`; the share of states and programs that compile is by the linter `compile`.
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
MINUTES = 10


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--format", default="udiff-words", help="how edits are written (default: udiff-words)")
    parser.add_argument("--n", type=int, default=5, help="completions of each problem (default: 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        rows = [[step, timed(words, Path(name))] for step, words in steps(options)]
        told = json.loads(Path(name, "results.manifest.json").read_text())["summary"]
        model = json.loads(Path(name, "edits", "manifest.json").read_text())
    total = sum(float(seconds) for _, seconds in rows)
    report = Report("pipeline", "Nano, from an empty folder")
    report.notes.append(
        f"{model['parameters']:,} parameters; edits in the format {options.format}; {told['problems']} problems of"
        f" examples/nano, {options.n} completions each at temperature 0.8."
    )
    report.tables.append(Table("Steps", ["step", "s"], [[step, f"{seconds:.0f}"] for step, seconds in rows]))
    report.tables.append(Table("What it writes", ["what", "is"], written(told)))
    report.goals += [
        Goal("minutes", total / 60, most=MINUTES),
        Goal("malformed edits, %", 100 * told["edits"]["malformed_edits"], most=5),
        Goal("programs that compile, %", 100 * told["clean"]["programs"], least=50),
    ]
    versions = {name: package_version(name) for name in ("torch", "transformers", "accelerate")}
    report.numbers = {"seconds": dict(rows), "summary": told, "versions": versions}
    report.publish(options.results)


def steps(options: Any) -> list[tuple[str, list[str]]]:
    """Return the commands in order, each by its name."""
    problems = str(NANO / "problems.jsonl")
    model = ["--set", "model=base", "--set", "data.train=edits.jsonl", "--set", f"data.format={options.format}"]
    build = ["build", str(NANO / "pairs.jsonl"), "--output", "edits.jsonl", "--samples", "5"]
    train = ["tokenizer", "train", "edits.jsonl", "--read", "edits", "--vocab", "1024", "--output", "tokenizer"]
    draw = ["complete", "--model", "edits", "--benchmark", problems, "--n", str(options.n), "--temperature", "0.8"]
    judge = ["evaluate", "completions.jsonl", "--benchmark", problems, "--k", f"1,{options.n}", "--linter", "compile"]
    corpus = f"data.train=[{{path = '{NANO / 'corpus.jsonl.gz'}'}}]"
    pretrain = ["pretrain", str(RECIPES / "pretrain.toml"), "--set", "tokenizer=tokenizer", "--set", corpus]
    return [
        ("edit sequences", [*build, "--format", options.format]),
        ("tokenizer", train),
        ("pretraining", [*pretrain, "--output", "base"]),
        ("finetuning", ["finetune", str(RECIPES / "finetune.toml"), *model, "--output", "edits"]),
        ("completions", [*draw, "--max-tokens", "400", "--output", "completions.jsonl"]),
        ("verdicts", [*judge, "--output", "results.jsonl"]),
    ]


def timed(words: list[str], folder: Path) -> float:
    """Run a command of lintseq in a folder, and return the seconds that it took."""
    started = time.monotonic()
    done = subprocess.run([*lintseq_command(), *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"lintseq {' '.join(words)} failed:\n{done.stderr[-2000:]}")
    seconds = time.monotonic() - started
    note(f"{words[0]}: {seconds:.0f} s")
    return seconds


def written(told: dict[str, Any]) -> list[list[object]]:
    rows: list[list[object]] = [[f"pass@{k}", f"{100 * value:.1f} %"] for k, value in told["pass_at_k"].items()]
    rows.append(["edits of a program", f"{told['edits']['edits_per_program']:.2f}"])
    rows.append(["malformed edits", f"{100 * told['edits']['malformed_edits']:.1f} %"])
    rows.append(["programs that compile", f"{100 * told['clean']['programs']:.1f} %"])
    rows.append(["states that compile", f"{100 * told['clean']['states']:.1f} %"])
    return rows


if __name__ == "__main__":
    main()
