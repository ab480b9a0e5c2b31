"""Repeatedly killed pretraining: are weights and losses identical to those of an uninterrupted run?

Pretrains a small model once without interruption, and once in a process that is killed (SIGKILL) at random moments
(during startup, tokenization, training, validation or checkpointing) and restarted with `--resume` until it has been
killed `--kills` times; the last run completes.
"""

import json
import os
import random
import signal
import subprocess
import tempfile
import time
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from common import Goal, Report, Table, arguments, lintseq_command, note, package_version, real_files, write_jsonl

RECIPE = """
tokenizer = "tokenizer"
steps = {steps}

[model]
layers = 2
width = 64
heads = 4
ffn_width = 192
context = 128

[data]
held_out = 0.1
validation_rows = 8

[[data.train]]
path = "texts.jsonl"
field = "response"

[optim]
lr = 3e-3
schedule = "cosine"
warmup = 0.1
weight_decay = 0.1

[run]
batch = 8
micro_batch = 4
device = "cpu"
save_every = 5
evaluate_every = 10
"""
CLOCKS = ("seconds", "tokens_per_second", "mfu")
"""Keys of the log that depend on timing."""
KINDS = ("starting", "training")


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=10, help="number of kills (default: 10)")
    parser.add_argument("--steps", type=int, default=240, help="optimizer steps (default: 240)")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    report = Report("resume", "Killed pretraining: weights and losses")
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        write_jsonl(folder / "texts.jsonl", real_files(seed=options.seed)[:400])
        (folder / "recipe.toml").write_text(RECIPE.format(steps=options.steps))
        train = [*lintseq_command(), "tokenizer", "train", "texts.jsonl", "--field", "response", "--vocab", "512"]
        subprocess.run([*train, "--output", "tokenizer"], cwd=folder, check=True)
        started = time.monotonic()
        subprocess.run(command("alone"), cwd=folder, check=True)
        alone = time.monotonic() - started
        note(f"alone: {alone:.0f} s")
        startup = alone - last(folder / "alone" / "log.jsonl")["seconds"]
        rows = kill_often(folder, options, startup, chance)
        subprocess.run(command("killed"), cwd=folder, check=True)
        different = [
            name
            for name, read in (("model.safetensors", read_weights), ("log.jsonl", read_log))
            if read(folder / "alone" / name) != read(folder / "killed" / name)
        ]
        steps = len(read_log(folder / "killed" / "log.jsonl"))
        weights = sha256((folder / "killed" / "model.safetensors").read_bytes()).hexdigest()[:16]
    report.notes.append(
        f"{options.steps} steps, a checkpoint every 5, validation every 10. A kill of kind *starting* happens at a"
        " random moment before the process completes a step, one of kind *training* at a random moment after a"
        " random number of steps. Logs are compared without seconds and rates."
    )
    report.tables.append(Table("Kills", ["kill", "kind", "after, s", "steps in the log", "complete checkpoint"], rows))
    report.goals += [
        Goal("kills", len(rows), least=options.kills),
        Goal("files different", len(different), most=0),
        Goal("steps in the log", steps, least=options.steps, most=options.steps),
    ]
    versions = {name: package_version(name) for name in ("torch", "transformers", "accelerate")}
    report.numbers = {"kills": len(rows), "different": different, "weights_sha256": weights, "versions": versions}
    report.publish(options.results)


def command(output: str) -> list[str]:
    return [*lintseq_command(), "pretrain", "recipe.toml", "--output", output, "--resume", "--quiet"]


def kill_often(folder: Path, options: Any, startup: float, chance: random.Random) -> list[list[object]]:
    """Start the run and kill it repeatedly; return a table row per kill."""
    log = folder / "killed.partial" / "run" / "log.jsonl"
    rows: list[list[object]] = []
    each = options.steps // (2 * options.kills)
    for number in range(options.kills):
        kind = KINDS[chance.random() < 0.7]
        begun = time.monotonic()
        process = subprocess.Popen(command("killed"), cwd=folder)
        if kind == "starting":
            first = partial(reached, log, last_checkpoint(folder) + 1, begun)
            wait(process, begun + chance.uniform(0, startup), first)
        else:
            done = last_checkpoint(folder)
            wanted = done + chance.randrange(1, max(2 * each - 1, 2))
            wait(process, begun + 3600, partial(reached, log, wanted, begun))
            time.sleep(chance.uniform(0, 0.3))
        if process.poll() is not None:
            raise SystemExit(
                f"the run ended with status {process.returncode} before kill {number + 1}; use more --steps"
            )
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        rows.append([number + 1, kind, f"{time.monotonic() - begun:.1f}", count(log), last_checkpoint(folder)])
        note(f"kill {number + 1}: {kind}, {count(log)} steps in the log, checkpoint of {last_checkpoint(folder)}")
    return rows


def wait(process: "subprocess.Popen[bytes]", deadline: float, enough: Any) -> None:
    while time.monotonic() < deadline and not enough() and process.poll() is None:
        time.sleep(0.01)


def reached(log: Path, wanted: int, begun: float) -> bool:
    """Return whether the log has `steps` steps, the last ones written by the process started at `since`."""
    return count(log) >= wanted and fresh(log, begun)


def fresh(path: Path, begun: float) -> bool:
    """Return whether a file was modified since a moment, i.e. by this process."""
    return path.stat().st_mtime > time.time() - (time.monotonic() - begun)


def count(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0


def last_checkpoint(folder: Path) -> int:
    """Return the step of the last complete checkpoint; 0 if there is none."""
    found = (folder / "killed.partial" / "checkpoints").glob("checkpoint-*/complete")
    return max((int(path.parent.name.removeprefix("checkpoint-")) for path in found), default=0)


def last(path: Path) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(path.read_text().splitlines()[-1])
    return line


def read_weights(path: Path) -> bytes:
    return path.read_bytes()


def read_log(path: Path) -> list[dict[str, Any]]:
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return [{name: value for name, value in line.items() if name not in CLOCKS} for line in lines]


if __name__ == "__main__":
    main()
