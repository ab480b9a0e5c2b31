"""The training loop shared by pretraining and finetuning.

`transformers.Trainer` handles devices, gradient accumulation, precision, DDP, FSDP and DeepSpeed. This module adds
the order of the rows, the loss, the log, checkpoints that are complete or absent, and error messages. Rows, their
order and how they are collated come from the caller.

Importing this module imports torch.
"""

import contextlib
import json
import math
import os
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from torch.nn.functional import cross_entropy
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.integrations import TensorBoardCallback
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation.cost import shape_of
from lintseq.lm.batches import IGNORED, Collate
from lintseq.lm.loading import silence_transformers
from lintseq.lm.recipes import OptimizerOptions, RunOptions
from lintseq.lm.runs import CHECKPOINTS, LOG, TrainingProgress, TrainingRun, is_first_process
from lintseq.lm.threads import ThreadWatch
from lintseq.storage import sync_directory

_COMPLETE = "complete"
"""File that marks a checkpoint as complete."""
_SAVE_SHARE = 20
"""Writing checkpoints by the clock takes at most this fraction of the time."""
_ZERO = torch.zeros((), dtype=torch.float64)


def train(
    model: Any,
    rows: Sequence[Any],
    order: Sequence[int],
    collate: Collate,
    *,
    run: TrainingRun,
    reduction: Literal["sum", "mean"] = "mean",
    validation: Sequence[Any] = (),
    text_bytes: int = 0,
    on_step: Callable[[TrainingProgress], None] = lambda progress: None,
    on_notice: Callable[[str], None] = lambda text: None,
) -> tuple[TrainingProgress, Mapping[str, torch.Tensor] | None]:
    """Train `model` in place on `rows` in the given order, continuing from the last complete checkpoint.

    The recipe, the log and the checkpoints are those of `run`. Each `run.batch` consecutive indices of `order` are one
    optimizer step; `reduction` is that of the loss over its trained tokens. `text_bytes` is the amount of text that
    the labels of the `validation` rows represent, for bits per byte; 0 if unknown. `on_notice` hears of busy CPUs.

    Returns the progress after the last step, and the full weights if the model is sharded over processes (FSDP,
    DeepSpeed), else None.

    Raises `ConfigError` before the first step; `ToolError` if the loss is not finite or memory runs out;
    `KeyboardInterrupt` after SIGINT or SIGTERM. Complete checkpoints are never lost.
    """
    options = run.recipe.run
    if not order or len(order) % options.batch:
        raise ConfigError(f"{len(order)} rows are not a whole number of batches of {options.batch}")
    start, checkpoint = _prepare_disk(run, model)
    monitor = _Monitor(model, run, reduction, len(order) // options.batch, on_step, on_notice, start=start)
    if options.activation_checkpointing:
        name = "activation_checkpointing_enable"  # `gradient_checkpointing_enable` in older versions of transformers
        enable = getattr(model, name if hasattr(model, name) else "gradient_checkpointing_enable")
        # Reentrant checkpointing gives no gradients where embeddings are frozen, as they are with adapters.
        enable({"use_reentrant": False})
    trainer = _OrderedTrainer(
        model=model,
        args=_arguments(run, monitor.steps),
        train_dataset=rows,
        data_collator=collate,
        compute_loss_func=monitor.loss,
        callbacks=[monitor],
    )
    trainer.order, trainer.monitor, monitor.trainer = order, monitor, trainer
    _select_callbacks(trainer, run)
    monitor.evaluate = lambda: _evaluate(trainer, validation, text_bytes, collate) if len(validation) else None
    with _stop_signals(monitor), open_trackers(options), warnings.catch_warnings():
        # With adapters, checkpoints contain the resized embedding matrix.
        warnings.filterwarnings("ignore", "Setting `save_embedding_layers`")
        try:
            trainer.train(resume_from_checkpoint=checkpoint)
        except torch.OutOfMemoryError as error:
            message = "the device is out of memory: lower run.micro_batch, or set run.activation_checkpointing"
            raise ToolError(message) from error
    sharded = trainer.accelerator.distributed_type in ("FSDP", "DEEPSPEED") and not monitor.stopped
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped) if sharded else None
    trainer.accelerator.end_training()  # while all processes are alive: one that exits alone may abort
    if monitor.stopped:
        raise KeyboardInterrupt
    return monitor.progress, weights


def _select_callbacks(trainer: Trainer, run: TrainingRun) -> None:
    """Remove what prints; have TensorBoard's files, which name this machine, next to the folder of the model."""
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    for tracker in trainer.callback_handler.callbacks:
        if isinstance(tracker, TensorBoardCallback) and tracker.logging_dir is None:
            tracker.logging_dir = f"{run.output.rstrip('/')}.tensorboard"


@contextlib.contextmanager
def open_trackers(options: RunOptions) -> Iterator[None]:
    """Keep what trackers print off standard output, and end their runs: the next training is a run of its own."""
    if not options.report_to:
        yield
        return
    with contextlib.redirect_stdout(sys.stderr):
        try:
            yield
        finally:
            if (wandb := sys.modules.get("wandb")) is not None:
                wandb.finish()


def save_model(model: Any, tokenizer: Any, folder: str, *, weights: Mapping[str, Any] | None = None) -> None:
    """Write a model and its tokenizer in the layout of transformers; call it in the first process only."""
    if weights is not None:  # gathered from shards, a tied matrix appears under both names
        weights = {name: tensor for name, tensor in weights.items() if name not in model.all_tied_weights_keys}
    model.save_pretrained(folder, state_dict=weights)
    tokenizer.save_pretrained(folder)
    for path in Path(folder).glob("*.safetensors"):  # the library makes them readable by their owner only
        shutil.copymode(Path(folder, "config.json"), path)


def device_of(run: RunOptions) -> str:
    """Return `cpu` or `cuda`; raises `ConfigError` if `run.device` is not available."""
    if run.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("run.device is cuda, but torch finds no GPU; set it to auto or cpu")
    return "cuda" if run.device != "cpu" and torch.cuda.is_available() else "cpu"


def precision_of(run: RunOptions) -> str:
    """Return `fp32` or `bf16`."""
    if run.precision != "auto":
        return run.precision
    return "bf16" if device_of(run) == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def matrix_rate(device: str, precision: str) -> float:
    """Return the floating-point operations per second of a large matrix product, measured now."""
    size = 1024 if device == "cpu" else 8192
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    generator = torch.Generator(device)  # leaves the random state of the training, such as dropout, unchanged
    left = torch.randn(size, size, device=device, dtype=dtype, generator=generator)
    best = math.inf
    for _ in range(4):
        started = time.perf_counter()
        product = left @ left
        product[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


# The trainer


class _OrderedTrainer(Trainer):
    """A trainer that takes rows in a given order and reports to the monitor."""

    order: Sequence[int]
    monitor: "_Monitor"

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self.order

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Return the loss of a micro-batch; count its tokens and the number of positions they attend to."""
        ids = inputs["input_ids"]
        if "attention_mask" in inputs:
            lengths = inputs["attention_mask"].sum(-1)
            tokens, attended = lengths.sum(), (lengths * (lengths + 1) // 2).sum()
        else:
            positions = inputs.get("position_ids", torch.arange(ids.shape[1]).expand(ids.shape))
            tokens, attended = torch.tensor(ids.numel()), (positions + 1).sum()
        self.monitor.tokens = self.monitor.tokens + tokens.to("cpu", torch.float64)
        self.monitor.attended = self.monitor.attended + attended.to("cpu", torch.float64)
        # With a cache, documents in the same row would attend to each other.
        return super().compute_loss(model, {**inputs, "use_cache": False}, *args, **kwargs)

    def training_step(self, model: Any, *args: Any, **kwargs: Any) -> Any:
        loss = super().training_step(model, *args, **kwargs)
        if self.accelerator.sync_gradients:  # the gradients are complete and not clipped yet
            gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
            norm: Any = torch.nn.utils.get_total_norm(gradients)
            self.monitor.grad_norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
        return loss


def _tracked(progress: TrainingProgress) -> dict[str, float]:
    """Return a line of the log under the names that trackers have: those of the evaluation start with `eval_`."""
    row = {
        name: value for name, value in asdict(progress).items() if value is not None and name not in ("step", "steps")
    }
    names = {"validation_loss": "eval_loss", "bits_per_byte": "eval_bits_per_byte"}
    return {names.get(name, name): value for name, value in row.items()}


def summed_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the summed next-token cross-entropy in nats, a scalar.

    `logits: (rows, length, vocab)`, `labels: (rows, length)`, not shifted, `IGNORED` where there is no loss.
    """
    flat = logits[..., :-1, :].reshape(-1, logits.shape[-1]).float()
    return cross_entropy(flat, labels[..., 1:].reshape(-1), ignore_index=IGNORED, reduction="sum")


class _Monitor(TrainerCallback):
    """Counts tokens and loss, writes the log, marks checkpoints as complete, and stops on signals."""

    trainer: Any
    evaluate: Callable[[], tuple[float, float | None] | None]

    def __init__(
        self,
        model: Any,
        run: TrainingRun,
        reduction: str,
        steps: int,
        on_step: Callable[[TrainingProgress], None],
        on_notice: Callable[[str], None],
        *,
        start: int,
    ) -> None:
        self.options: RunOptions = run.recipe.run
        self.steps, self.reduction, self.on_step, self.on_notice = steps, reduction, on_step, on_notice
        self.signaled = False
        """Whether this process received a signal; it may arrive at any time."""
        self.stopped = False
        """Whether training stops after this step: the same in all processes."""
        shape = shape_of(model.config.to_dict())
        self._flops_per_token = 6 * shape.weights
        self._flops_per_attention = 12 * shape.layers * shape.heads * shape.head_size
        self.log = Path(run.file(LOG))
        self.progress = TrainingProgress(steps=steps)
        self._restore(start)
        self.grad_norm: Any = math.nan
        self.lr, self.clipped = 0.0, self.progress.clipped
        self._max_norm = run.recipe.optim.clip or math.inf
        self._saved, self._save_seconds = time.monotonic(), 0.0
        self._watch: ThreadWatch | None = None
        self.tokens = self.attended = self._nats = self._labels = _ZERO

    def _restore(self, start: int) -> None:
        """Restore the counts of an earlier process, and drop log lines that are newer than its last checkpoint."""
        if not self.log.exists():
            return
        kept = []
        for line in self.log.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):  # a line that was cut off
                row = json.loads(line)
                if row["step"] <= start:
                    kept.append(line)
                    self.progress = TrainingProgress(**row)
        if is_first_process():
            self.log.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        rate = matrix_rate(device_of(self.options), precision_of(self.options))
        self._peak_rate = rate * int(self.trainer.accelerator.num_processes)
        self._since = time.perf_counter()

    def loss(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        """Return the loss of a micro-batch and count it; the sums stay on its device until the step is complete."""
        nats = summed_loss(outputs.logits, labels)
        self._nats = self._nats.to(nats.device) + nats.detach().double()
        self._labels = self._labels.to(nats.device) + (labels[..., 1:] != IGNORED).sum().double()
        # The trainer multiplies by the number of processes, because gradients are averaged over them.
        return nats if self.reduction == "sum" else nats / num_items_in_batch

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.lr = float(self.trainer.lr_scheduler.get_last_lr()[0])  # the scheduler advances before the step ends
        self.clipped += float(self.grad_norm) > self._max_norm
        if not math.isfinite(float(self._nats)):
            raise ToolError(
                f"the loss of step {state.global_step + 1} is {float(self._nats)}, so training stops before the"
                " update: lower optim.lr, use a longer warmup, or inspect the rows"
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step, run = state.global_step, self.options
        self.stopped, overdue = self._agreed(self.signaled, self._save_is_overdue())
        due = bool(run.save_every) and step % run.save_every == 0
        logged = step % run.log_every == 0 or step == self.steps
        # A checkpoint needs a line of the log, with the counts so far. Those by the clock wait for one, so that the
        # log does not depend on the clock.
        if logged or due or self.stopped:
            self._log_step(step)
        if self.stopped:
            control.should_training_stop = True
        control.should_save = ((due or (overdue and logged)) and step < self.steps) or self.stopped
        self._saving = time.monotonic()
        self._watch_processor()

    def _agreed(self, *flags: bool) -> list[bool]:
        """Return for each flag whether it is set in any process: signals and clocks differ between them."""
        accelerator = self.trainer.accelerator
        if accelerator.num_processes == 1:
            return list(flags)
        values = torch.tensor([float(flag) for flag in flags], device=accelerator.device)
        return [bool(value > 0) for value in accelerator.reduce(values, reduction="sum")]

    def _save_is_overdue(self) -> bool:
        """Return whether the last checkpoint is so old that a kill would cost minutes of training."""
        wait = max(60 * self.options.save_minutes, _SAVE_SHARE * self._save_seconds)
        return bool(self.options.save_minutes) and time.monotonic() - self._saved >= wait

    def _watch_processor(self) -> None:
        """Say if the processors are busy, judged by the steps after the first one, which takes longer."""
        if self._watch is not None and (note := self._watch.note()):
            self.on_notice(note)
        # Where several processes train together, each also waits for the others.
        elif self._watch is None and device_of(self.options) == "cpu" and self.trainer.accelerator.num_processes == 1:
            self._watch = ThreadWatch()

    def _log_step(self, step: int) -> None:
        accelerator, run = self.trainer.accelerator, self.options
        sums = (self.tokens, self.attended, self._nats, self._labels)
        own = torch.stack([value.to(accelerator.device) for value in sums])
        tokens, attended, nats, labels = accelerator.reduce(own, reduction="sum").tolist()
        seconds = time.perf_counter() - self._since
        before = self.progress
        flops = self._flops_per_token * tokens + self._flops_per_attention * attended
        evaluated = (run.evaluate_every and step % run.evaluate_every == 0) or step == self.steps
        validation_loss, bits_per_byte = (self.evaluate() if evaluated else None) or (None, None)
        self.progress = TrainingProgress(
            step=step,
            steps=self.steps,
            loss=nats / labels if labels else math.nan,
            lr=self.lr,
            grad_norm=float(self.grad_norm),
            clipped=self.clipped,
            tokens=before.tokens + int(tokens),
            trained_tokens=before.trained_tokens + int(labels),
            seconds=round(before.seconds + seconds, 3),
            flops=before.flops + flops,
            tokens_per_second=round(tokens / seconds, 1),
            mfu=round(flops / seconds / self._peak_rate, 4),
            validation_loss=validation_loss,
            bits_per_byte=bits_per_byte,
        )
        if run.report_to:
            self.trainer.log(_tracked(self.progress))
        if accelerator.is_main_process:
            row = {name: value for name, value in asdict(self.progress).items() if value is not None}
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            self.on_step(self.progress)
        self.tokens = self.attended = self._nats = self._labels = _ZERO
        self._since = time.perf_counter()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark a checkpoint as complete when all processes have written their part, then delete the oldest ones."""
        self.trainer.accelerator.wait_for_everyone()
        self._saved = time.monotonic()
        self._save_seconds = self._saved - self._saving
        if not state.is_world_process_zero:
            return
        folder = os.path.join(args.output_dir, f"checkpoint-{state.global_step}")
        Path(folder, _COMPLETE).touch()
        sync_directory(folder)
        complete = [path for _, path in _checkpoints(args.output_dir)]
        for path in complete[: -self.options.keep_checkpoints]:
            shutil.rmtree(path)


def _evaluate(trainer: Trainer, rows: Sequence[Any], text_bytes: int, collate: Collate) -> tuple[float, float | None]:
    """Return nats per token and bits per byte on the validation rows, which are divided between processes."""
    accelerator, model = trainer.accelerator, trainer.model_wrapped
    size = trainer.args.per_device_train_batch_size
    total = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
    model.eval()
    with torch.no_grad():
        for start in range(0, len(rows), size * accelerator.num_processes):
            # All processes must run the model equally often; one without rows runs it on a row that does not count.
            first = start + size * accelerator.process_index
            indices = range(first, min(first + size, len(rows)))
            batch = collate([rows[index] for index in indices or [0]])
            batch = {name: value.to(accelerator.device) for name, value in batch.items()}
            labels = batch.pop("labels")
            with accelerator.autocast():
                logits = model(**batch, use_cache=False).logits
            if indices:
                nats = summed_loss(logits, labels)
                total += torch.stack([nats.double(), (labels[..., 1:] != IGNORED).sum().double()])
    model.train()
    nats, tokens = accelerator.reduce(total, reduction="sum").tolist()
    bits_per_byte = nats / math.log(2) / text_bytes if text_bytes else None
    return nats / max(tokens, 1), bits_per_byte


# Settings


def _arguments(training: TrainingRun, steps: int) -> TrainingArguments:
    run, optim = training.recipe.run, training.recipe.optim
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if run.batch % (run.micro_batch * processes):
        raise ConfigError(
            f"run.batch is {run.batch}; expected a multiple of {run.micro_batch * processes}: {run.micro_batch} rows"
            f" on each of {processes} devices"
        )
    silence_transformers(warnings=True)
    schedule, schedule_options = _schedule(optim, steps)
    arguments = TrainingArguments(
        output_dir=training.path(CHECKPOINTS),
        run_name=os.path.basename(os.path.abspath(training.output)),
        project="lintseq",
        max_steps=steps,
        per_device_train_batch_size=run.micro_batch,
        gradient_accumulation_steps=run.batch // run.micro_batch // processes,
        learning_rate=optim.lr,
        lr_scheduler_type=schedule,
        lr_scheduler_kwargs=schedule_options,
        warmup_steps=_steps(optim.warmup, steps),
        weight_decay=optim.weight_decay,
        adam_beta1=optim.betas[0],
        adam_beta2=optim.betas[1],
        adam_epsilon=optim.eps,
        max_grad_norm=optim.clip,
        bf16=precision_of(run) == "bf16",
        use_cpu=device_of(run) == "cpu",
        torch_compile=run.compile,
        seed=run.seed,
        data_seed=run.seed,
        save_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to=list(run.report_to) or "none",
        disable_tqdm=True,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=device_of(run) == "cuda",
    )
    if processes == 1:
        arguments._n_gpu = min(arguments.n_gpu, 1)  # never data-parallel over several GPUs within one process
    return arguments


def _steps(number: float, steps: int) -> int:
    """Return a number of steps; below 1, `number` is a fraction of all steps."""
    return round(number * steps) if number < 1 else round(number)


def _schedule(optim: OptimizerOptions, steps: int) -> tuple[str, dict[str, Any]]:
    """Return the name and options of a learning-rate schedule in transformers."""
    if optim.schedule == "constant":
        return "constant_with_warmup", {}
    if optim.schedule == "linear":
        return ("polynomial", {"lr_end": optim.lr * optim.final_lr}) if optim.final_lr else ("linear", {})
    if optim.schedule == "cosine":
        return "cosine_with_min_lr", {"min_lr_rate": optim.final_lr}
    decay = min(_steps(optim.decay, steps), steps - _steps(optim.warmup, steps))
    options = {"num_decay_steps": decay, "min_lr_ratio": optim.final_lr, "decay_type": "linear"}
    return "warmup_stable_decay", options


# Checkpoints and signals


def _checkpoints(folder: str) -> list[tuple[int, str]]:
    """Return step and path of the complete checkpoints of a run, oldest first."""
    found = []
    for path in Path(folder).glob("checkpoint-*"):
        step = path.name.removeprefix("checkpoint-")
        if step.isdigit() and (path / _COMPLETE).exists():
            found.append((int(step), str(path)))
    return sorted(found)


def _prepare_disk(run: TrainingRun, model: Any) -> tuple[int, str | None]:
    """Return step and path of the checkpoint to resume from, (0, None) without one.

    Incomplete checkpoints are deleted. Raises `ConfigError` if the trained model and its checkpoints would not fit.
    """
    folder, options = run.path(CHECKPOINTS), run.recipe.run
    complete = _checkpoints(folder)
    if is_first_process():
        for path in map(str, Path(folder).glob("checkpoint-*")):
            if path not in (kept for _, kept in complete):  # an earlier process was killed while it wrote it
                shutil.rmtree(path)
        needed = sum(4 * parameter.numel() for parameter in model.parameters())
        if options.save_every or options.save_minutes:
            # Weights and the two moments of each; an old checkpoint is deleted after the next one.
            trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
            needed += 12 * trained * max(0, options.keep_checkpoints + 1 - len(complete))
        free = shutil.disk_usage(run.partial).free
        if free < needed:
            raise ConfigError(
                f"{run.partial} has {free / 1e9:.2f} GB free, and the model and its checkpoints take up to"
                f" {needed / 1e9:.2f} GB; free disk space, or lower run.keep_checkpoints"
            )
    return complete[-1] if complete else (0, None)


@contextlib.contextmanager
def _stop_signals(monitor: _Monitor) -> Iterator[None]:
    """On the first SIGINT or SIGTERM, stop after the current step with a checkpoint; on the second, immediately."""
    alone = os.environ.get("WORLD_SIZE", "1") == "1"

    def stop(*_: object) -> None:
        if monitor.signaled and alone:  # a launcher may forward each signal a second time
            raise KeyboardInterrupt
        monitor.signaled = True

    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # not the main thread
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
