"""Supervised fine-tuning with TRL and with lintseq: the same losses? Which is faster?

Both train the same model on the same records in the same batches, with the same optimizer and schedule, each in a
process of its own on one thread. They take turns, so that other load affects both alike. Times are those of the steps
after the first few: without imports, tokenizing and saving.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import SUPPRESS
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from common import ROOT, Goal, Report, Table, arguments, note, package_version, save_small_model

import lintseq
from lintseq.reporting.plots import line_plot, svg_document

PAIRS = ROOT / "examples" / "nano" / "pairs.jsonl"
TRAINERS = ("lintseq", "TRL")
BATCH, RATE, LENGTH = 8, 2e-3, 512
SKIPPED = 5
"""Steps before the clock starts."""


def prepare(folder: Path, steps: int, width: int) -> None:
    """Write records, a tokenizer, a model with random weights, and the records in the order of lintseq's batches."""
    from lintseq.lm.finetuning import open_base, prepare as prepare_examples

    pairs = [json.loads(line) for line in PAIRS.read_text().splitlines()][: steps * BATCH]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    lintseq.build([folder / "pairs.jsonl"], folder / "edits.jsonl", workers=1)
    options = lintseq.TokenizerOptions(vocab=1024, text=lintseq.TextOptions(read="edits"))
    lintseq.train_tokenizer([str(folder / "edits.jsonl")], str(folder / "base"), options)
    save_small_model(folder / "base", width=width, layers=4, length=LENGTH)
    recipe = recipe_of(folder)
    examples = prepare_examples(recipe, open_base(recipe), str(folder / "examples"))
    layout = lintseq.ConvertOptions(shape="prompt-completion")
    lintseq.convert([folder / "edits.jsonl"], folder / "records.jsonl", layout, workers=1)
    records = (folder / "records.jsonl").read_text().splitlines(keepends=True)
    assert len(records) == len(examples.train) == steps * BATCH
    (folder / "ordered.jsonl").write_text("".join(records[index] for index in examples.order))


def recipe_of(folder: Path) -> lintseq.FinetuneRecipe:
    settings = {
        "model": str(folder / "base"),
        "attention": "sdpa",
        "data.train": str(folder / "edits.jsonl"),
        "data.max_tokens": LENGTH,
        "data.truncate": "anywhere",
        "match.by": "none",
        "match.epochs": 1,
        "optim.lr": RATE,
        "optim.warmup": 0.0,
        "optim.weight_decay": 0.0,
        "run.batch": BATCH,
        "run.micro_batch": BATCH,
        "run.precision": "fp32",
        "run.save_minutes": 0,
        "run.log_every": 1,
    }
    return lintseq.read_recipe("demo", lintseq.FinetuneRecipe, settings=settings)


def train_with_lintseq(folder: Path, output: str) -> list[list[float]]:
    log: list[list[float]] = []
    lintseq.finetune(
        recipe_of(folder),
        output,
        threads=1,
        on_step=lambda step: log.append([step.loss, step.tokens, time.process_time(), time.perf_counter()]),
    )
    return log


def train_with_trl(folder: Path, output: str) -> list[list[float]]:
    import torch
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    torch.set_num_threads(1)
    clock: list[list[float]] = []

    class Clock(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if "loss" in logs:
                clock.append([logs["loss"], logs["num_tokens"], time.process_time(), time.perf_counter()])

    tokenizer = AutoTokenizer.from_pretrained(folder / "base")
    model = AutoModelForCausalLM.from_pretrained(folder / "base")
    lintseq.add_separator(tokenizer, model)
    files = str(folder / "ordered.jsonl")
    data = load_dataset("json", data_files=files, split="train", cache_dir=str(folder / "cache"))
    options = SFTConfig(
        output,
        num_train_epochs=1,
        per_device_train_batch_size=BATCH,
        train_sampling_strategy="sequential",
        learning_rate=RATE,
        lr_scheduler_type="linear",
        adam_beta2=0.95,
        max_length=LENGTH,
        activation_checkpointing=False,
        bf16=False,
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    data = data.select_columns(["prompt", "completion"])
    SFTTrainer(model, options, train_dataset=data, processing_class=tokenizer, callbacks=[Clock()]).train()
    return clock


def run(name: str, folder: Path, number: int) -> list[list[float]]:
    """Return loss, tokens so far, CPU seconds and seconds after each step of a training in a process of its own."""
    path = folder / f"{name}-{number}.json"
    command = [sys.executable, __file__, "--only", name, "--folder", str(folder), "--output", str(path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return list(json.loads(path.read_text()))


def rate(log: Sequence[Sequence[float]], clock: int) -> float:
    """Return tokens per second after the first steps, by the clock in this column."""
    first, last = log[SKIPPED], log[-1]
    return (last[1] - first[1]) / (last[clock] - first[clock])


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--steps", type=int, default=100, help="steps of each training (default: 100)")
    parser.add_argument("--repeats", type=int, default=2, help="trainings with each (default: 2)")
    parser.add_argument("--width", type=int, default=128, help="hidden size of the model (default: 128)")
    parser.add_argument("--plot", type=Path, help="also write the loss curves as SVG")
    for name in ("--only", "--folder", "--output"):
        parser.add_argument(name, help=SUPPRESS)
    options = parser.parse_args()
    if options.only is not None:
        folder = Path(options.folder)
        train = train_with_trl if options.only == "TRL" else train_with_lintseq
        Path(options.output).write_text(json.dumps(train(folder, f"{options.output}.model")))
        return
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        prepare(folder, options.steps, options.width)
        logs: dict[str, list[list[list[float]]]] = {trainer: [] for trainer in TRAINERS}
        for number in range(options.repeats):
            for trainer in TRAINERS:
                logs[trainer].append(run(trainer, folder, number))
                note(f"{trainer}: {rate(logs[trainer][-1], 2):,.0f} tokens per CPU second")
    publish(options, logs)


def publish(options: Any, logs: dict[str, list[list[list[float]]]]) -> None:
    report = Report("trl_sft", "Supervised fine-tuning with TRL and with lintseq")
    curves = {trainer: [step[0] for step in logs[trainer][0]] for trainer in TRAINERS}
    gaps = [abs(mine - theirs) for mine, theirs in zip(*curves.values(), strict=True)]
    rates = {trainer: [median(rate(log, clock) for log in logs[trainer]) for clock in (2, 3)] for trainer in TRAINERS}
    report.notes.append(
        f"{options.steps} steps of {BATCH} records of `examples/nano/pairs.jsonl`, the same batches in the same order;"
        f" AdamW, linear schedule from {RATE:g}, fp32, one thread; a decoder of 4 layers, {options.width} wide, with"
        " random weights. Losses are nats per token of the completion; TRL also trains on the first `<|diff|>`, which"
        f" is in lintseq's prompt. Median of {options.repeats} trainings, taking turns. "
        + ", ".join(f"{name} {package_version(name)}" for name in ("trl", "transformers", "torch"))
        + "."
    )
    shown = sorted({1, *range(10, options.steps + 1, max(10, options.steps // 10 // 10 * 10)), options.steps})
    rows = [[step, *(f"{curves[trainer][step - 1]:.3f}" for trainer in TRAINERS)] for step in shown]
    report.tables.append(Table("Loss by step", ["step", *TRAINERS], rows))
    names = ["tokens per CPU second", "tokens per second"]
    rows = [[names[clock], *(f"{rates[t][clock]:,.0f}" for t in TRAINERS), ratio(rates, clock)] for clock in (0, 1)]
    counts = ["tokens in all", *(f"{logs[trainer][0][-1][1]:,.0f}" for trainer in TRAINERS), ""]
    report.tables.append(Table("Speed", ["", *TRAINERS, "lintseq / TRL"], [counts, *rows]))
    late = gaps[len(gaps) // 2 :]
    report.goals += [
        Goal("mean difference of the losses, second half", sum(late) / len(late), most=0.05),
        Goal("tokens per CPU second, relative to TRL", rates["lintseq"][0] / rates["TRL"][0], least=0.9),
    ]
    report.numbers = {"loss": curves, "tokens_per_cpu_second": {t: round(rates[t][0]) for t in TRAINERS}}
    if options.plot is not None:
        points = {trainer: list(enumerate(losses, 1)) for trainer, losses in curves.items()}
        options.plot.write_text(svg_document(line_plot("trl-sft", "Nats per token", "step", points)))
    report.publish(options.results)


def ratio(rates: dict[str, list[float]], clock: int) -> str:
    return f"{rates['lintseq'][clock] / rates['TRL'][clock]:.2f}"


if __name__ == "__main__":
    main()
