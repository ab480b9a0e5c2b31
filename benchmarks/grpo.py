"""Reinforcement learning with TRL: does the reward rise, and what do lintseq's rewards cost?

    make demo-train
    python benchmarks/grpo.py

The model of `make demo-train` is trained with `GRPOTrainer` for a hundred steps, once for each seed, on problems like
those of `examples/nano/problems.jsonl`, which it is evaluated on before and after: no problem is the same, nor is the
combination of ideas in any. The reward is 1 for a program that passes its tests. An epoch has all problems once, so
the first and the last one compare. Each seed is a process with one thread; finished seeds are kept in `--runs`.
"""

import json
import os
import subprocess
import sys
import time
from argparse import SUPPRESS
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

from common import ROOT, Goal, Report, Table, arguments, note, package_version, percent

from lintseq import BackendOptions, CompletionOptions, EvaluationOptions, complete, evaluate
from lintseq.integrations.rewards import PassedTests
from lintseq.reporting.plots import Plot, Point, line_plot, svg_document

PROBLEMS = ROOT / "examples" / "nano" / "problems.jsonl"
FORMAT = "search-replace"
PROMPTS, GENERATIONS, EPOCH = 4, 8, 25
"""Prompts in a step, completions of each, and steps in an epoch."""
TOKENS = 256
RATE = 3e-4


class TimedReward:
    """A reward, and how long its calls took."""

    def __init__(self, reward: PassedTests) -> None:
        self.__name__ = reward.__name__
        self.reward = reward
        self.seconds: list[float] = []

    def __call__(self, completions: list[Any], **columns: Any) -> list[float | None]:
        started = time.perf_counter()
        rewards = self.reward(completions, **columns)
        self.seconds.append(time.perf_counter() - started)
        return rewards


def training_problems(path: Path) -> Path:
    """Write as many problems as an epoch has, none of which has the combination of ideas of an evaluated one."""
    sys.path.insert(0, str(PROBLEMS.parent))
    import make

    made = make.world()
    evaluated = [plan for name in ("problems", "validation") for plan, _ in made[name]]
    taken = {mark for plan in evaluated for mark in {" ".join(plan.core), *make.marks_of(plan)}}
    rows = islice(make.problem_rows(PROMPTS * EPOCH, Random(make.SEED + 4), taken=taken), PROMPTS * EPOCH)
    path.write_text("".join(json.dumps(row) + "\n" for _, row in rows))
    return path


def train(model: str, problems: Path, steps: int, seed: int, folder: Path) -> None:
    """Train a model in `folder`, and write what happened in each step next to it."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    rows = [json.loads(line) for line in problems.read_text().splitlines()]
    names = ("prompt", "test", "entry_point")
    data = Dataset.from_list([row | {"prompt": f"{row['instruction']}\n<|diff|>"} for row in rows]).select_columns(
        names
    )
    options = GRPOConfig(
        str(folder),
        seed=seed,
        max_steps=steps,
        learning_rate=RATE,
        lr_scheduler_type="constant",
        per_device_train_batch_size=PROMPTS * GENERATIONS,
        num_generations=GENERATIONS,
        max_completion_length=TOKENS,
        bf16=False,
        gradient_checkpointing=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
    )
    reward = TimedReward(PassedTests(format=FORMAT))
    trainer = GRPOTrainer(model, [reward], options, data)
    trainer.train()
    trainer.save_model()
    found = [entry for entry in trainer.state.log_history if "reward" in entry]
    columns = {"reward": "reward", "seconds": "step_time", "tokens": "completions/mean_length", "entropy": "entropy"}
    log = [{name: entry[key] for name, key in columns.items()} for entry in found]
    for entry, seconds in zip(log, reward.seconds, strict=True):
        entry["reward_seconds"] = seconds
    (folder / "steps.json").write_text(json.dumps(log))


def passed(model: str, folder: Path, samples: int) -> float:
    """Return which share of completions of the evaluated problems pass, at the temperature of the training."""
    path = str(folder / "completions.jsonl")
    inference = BackendOptions(threads=1)
    options = CompletionOptions(n=samples, prompts="edits", format=FORMAT, max_tokens=TOKENS, inference=inference)
    complete(model, str(PROBLEMS), path, options, overwrite=True)
    rows = evaluate(path, str(PROBLEMS), EvaluationOptions(format=FORMAT, linter="none")).rows
    return mean(row.verdict == "passed" for row in rows)


def run(options: Any, name: str) -> None:
    """Train with a seed, unless the name is `before`, and evaluate; the file with the result is written last."""
    folder = options.runs / name
    folder.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {}
    if name != "before" and not (folder / "steps.json").exists():
        train(options.model, training_problems(folder / "problems.jsonl"), options.steps, int(name), folder)
    if name != "before":
        result["steps"] = json.loads((folder / "steps.json").read_text())
    result["passed"] = passed(options.model if name == "before" else str(folder), folder, options.samples)
    (folder / "result.json").write_text(json.dumps(result))


def result_of(options: Any, name: str) -> dict[str, Any]:
    """Return the result of a run, an earlier one or one in a process of its own."""
    path = options.runs / name / "result.json"
    if not path.exists():
        note(name)
        words = [f"--{option}={getattr(options, option)}" for option in ("model", "runs", "steps", "samples")]
        command = [sys.executable, __file__, "--only", name, *words]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        subprocess.run(list(map(str, command)), check=True, env=environment)
    return dict(json.loads(path.read_text()))


def curve_of(rewards: Sequence[float]) -> list[tuple[float, float]]:
    """Return step and mean reward of the epoch that ends with it, for each step from the end of the first epoch."""
    return [(end, mean(rewards[end - EPOCH : end])) for end in range(EPOCH, len(rewards) + 1)]


def row_of(seed: int, result: dict[str, Any], before: float) -> list[object]:
    steps = result["steps"]
    first, last = (mean(step["reward"] for step in part) for part in (steps[:EPOCH], steps[-EPOCH:]))
    seconds, in_rewards = (sum(step[name] for step in steps) for name in ("seconds", "reward_seconds"))
    rewards = len(steps) * PROMPTS * GENERATIONS
    return [
        seed,
        f"{first:.3f}",
        f"{last:.3f}",
        f"{last - first:+.3f}",
        f"{100 * before:.1f} %",
        f"{100 * result['passed']:.1f} %",
        f"{seconds / len(steps):.1f}",
        f"{rewards / in_rewards:.0f}",
        percent(in_rewards, seconds),
    ]


HEADER = [
    "seed",
    "reward, first epoch",
    "last epoch",
    "difference",
    "pass@1 before",
    "after",
    "seconds per step",
    "rewards per second",
    "time in rewards",
]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", type=Path, default=ROOT / "out" / "demo" / "model", help="model folder")
    parser.add_argument("--seeds", type=int, default=3, help="number of trainings (default: 3)")
    parser.add_argument("--steps", type=int, default=100, help="steps of each (default: 100)")
    parser.add_argument("--samples", type=int, default=4, help="completions per evaluated problem (default: 4)")
    parser.add_argument("--runs", type=Path, default=ROOT / "out" / "grpo", help="folder of the trainings")
    parser.add_argument("--plot", type=Path, help="also write the curves as SVG")
    parser.add_argument("--only", help=SUPPRESS)
    options = parser.parse_args()
    options.model = str(options.model)
    if options.only is not None:
        run(options, options.only)
        return
    before = result_of(options, "before")["passed"]
    results = {seed: result_of(options, str(seed)) for seed in range(options.seeds)}
    rows = [row_of(seed, result, before) for seed, result in results.items()]
    report = Report("grpo", "Reinforcement learning with TRL: 1 for a program that passes its tests")
    report.notes.append(
        f"{options.steps} steps of {PROMPTS} prompts with {GENERATIONS} completions each, learning rate {RATE:g}; an"
        f" epoch is {EPOCH} steps and has each of {PROMPTS * EPOCH} problems once. pass@1 is that of {options.samples}"
        " completions for each of 120 other problems, at temperature 1 as in training. The model has a million"
        " parameters and one thread. Time in rewards is that of reading completions and of the sandbox; other work on"
        " the machine, trainings beside each other too, slows both."
        f" {', '.join(f'{name} {package_version(name)}' for name in ('trl', 'transformers', 'torch'))}."
    )
    report.tables.append(Table("Trainings", HEADER, rows))
    report.goals.append(
        Goal("least rise of the reward from the first to the last epoch", min(map(rise, results.values())), least=0.01)
    )
    report.numbers = {
        "trainings": [dict(zip(HEADER, row, strict=True)) for row in rows],
        "reward_by_step": {seed: rewards_of(result) for seed, result in results.items()},
        "pass_at_1": {seed: [before, result["passed"]] for seed, result in results.items()},
    }
    if options.plot is not None:
        options.plot.write_text(svg_document(plot_of([rewards_of(result) for result in results.values()])))
    report.publish(options.results)


def rewards_of(result: dict[str, Any]) -> list[float]:
    """Return the mean reward of each step."""
    return [step["reward"] for step in result["steps"]]


def plot_of(runs: Sequence[Sequence[float]]) -> Plot:
    """Return the rewards of runs over their steps: a line for each run, averaged, and a point for each step."""
    title = "Share of programs that pass their tests"
    lines = {f"seed {seed}, mean of {EPOCH} steps": curve_of(rewards) for seed, rewards in enumerate(runs)}
    lines["each step, mean of the seeds"] = [(1, mean(rewards[0] for rewards in runs))]
    plot = line_plot("grpo", title, "step", {**lines})
    points = tuple(Point(step, mean(values)) for step, values in enumerate(zip(*runs, strict=True), 1))
    return replace(plot, series=(*plot.series[:-1], replace(plot.series[-1], points=points, joined=False, line=())))


def rise(result: dict[str, Any]) -> float:
    """Return the difference between the mean rewards of the last and the first epoch."""
    rewards = rewards_of(result)
    return mean(rewards[-EPOCH:]) - mean(rewards[:EPOCH])


if __name__ == "__main__":
    main()
