"""The training loop of pretraining and finetuning alike.

`transformers.Trainer` does the work: devices, accumulation, precision, DDP, FSDP and DeepSpeed. Ours are the order of
the rows, the loss, the log, checkpoints that are whole or not there, and the words when something goes wrong.
What rows are, where they come from and in which order they go is the caller's.

This module meets torch when it is imported; import it where it is used.
"""

import contextlib
import json
import math
import os
import shutil
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from torch.nn.functional import cross_entropy
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation.cost import ModelShape, shape_of
from lintseq.lm.recipes import Optim, Run
from lintseq.lm.runs import CHECKPOINTS, LOG
from lintseq.storage.workplace import sync_folder

IGNORED = -100
"""The label of a token that is not learned."""

Collate = Callable[[list[Any]], dict[str, torch.Tensor]]
"""Makes a batch of rows: `input_ids`, `labels` (the same, with `IGNORED` where nothing is learned; not shifted), and
either `attention_mask` for padded rows or `position_ids` for rows that hold several documents."""

_WHOLE = "whole"
"""The file that says that a checkpoint is all there."""
_FULL = ("No space left", "File too large", "Disk quota exceeded", "PytorchStreamWriter failed", "unexpected pos")


@dataclass(frozen=True, slots=True)
class Step:
    """How far training is."""

    step: int
    steps: int
    loss: float
    """Nats for each learned token, over the steps since the last line."""
    lr: float
    grad_norm: float
    """Of the last step, before it was cut."""
    tokens: int
    """Fed so far."""
    learned: int
    """Learned so far: tokens with a label."""
    seconds: float
    """Spent so far, those of earlier processes included."""
    tokens_per_second: float
    mfu: float
    """Model FLOPs utilization: operations that the model needs, of those that the device does of large matrices."""
    validation_loss: float | None = None
    bits_per_byte: float | None = None


@dataclass(frozen=True, slots=True)
class Validation:
    """Rows that are not trained on."""

    rows: Sequence[Any]
    size: int = 0
    """Bytes of the text that their labels are, for bits per byte; 0 if unknown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended."""

    steps: int
    loss: float
    tokens: int
    learned: int
    seconds: float
    flops: float
    """Operations that the model needed, forward and backward."""
    validation_loss: float | None = None
    bits_per_byte: float | None = None
    weights: Mapping[str, Any] | None = None
    """All of them, where each process has but its share of the model (FSDP, DeepSpeed)."""


@dataclass(frozen=True, slots=True)
class Loop:
    """All that training needs besides a model and its rows."""

    folder: str
    """Where the log and the checkpoints go."""
    optim: Optim
    run: Run
    reduction: Literal["sum", "mean"] = "mean"
    """Of the loss over the learned tokens of an optimizer step."""


def train(
    model: Any,
    rows: Sequence[Any],
    order: Sequence[int],
    collate: Collate,
    *,
    loop: Loop,
    validation: Validation | None = None,
    tell: Callable[[Step], None] = lambda step: None,
) -> Outcome:
    """Train `model` in place on the rows in the order given, and go on from the last whole checkpoint if there is one.

    Each `run.batch` numbers of `order` are an optimizer step. Raises `ConfigError` before the first step, `ToolError`
    when the loss is no number or a checkpoint cannot be written, `KeyboardInterrupt` when it was asked to stop; a
    whole checkpoint is never lost.
    """
    if not order or len(order) % loop.run.batch:
        raise ConfigError(f"{len(order)} rows are no whole number of batches of {loop.run.batch}")
    checkpoints = os.path.join(loop.folder, CHECKPOINTS)
    last = _last_checkpoint(checkpoints)
    meter = _Meter(model, loop, len(order) // loop.run.batch, tell, start=last[0] if last else 0)
    if loop.run.activation_checkpointing:
        name = "activation_checkpointing_enable"  # in older transformers it is `gradient_checkpointing_enable`
        enable = getattr(model, name if hasattr(model, name) else "gradient_checkpointing_enable")
        # The other way (reentrant) gives no gradients where embeddings are frozen, as they are under adapters.
        enable({"use_reentrant": False})
    trainer = _Trainer(
        model=model,
        args=_arguments(loop, checkpoints, meter.steps),
        train_dataset=rows,
        data_collator=collate,
        compute_loss_func=_loss(loop.reduction, meter),
        callbacks=[meter],
    )
    trainer.order, trainer.meter = order, meter
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    meter.trainer = trainer
    meter.evaluate = lambda: _validate(trainer, validation, collate) if validation and len(validation.rows) else None
    with _stopping(meter), warnings.catch_warnings():
        # Of adapters, whose checkpoints hold a grown embedding whole: as they should.
        warnings.filterwarnings("ignore", "Setting `save_embedding_layers`")
        try:
            trainer.train(resume_from_checkpoint=last[1] if last else None)
        except Exception as error:
            raise _told(error, checkpoints) from error
    shared = trainer.accelerator.distributed_type in ("FSDP", "DEEPSPEED") and not meter.stopped
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped) if shared else None
    trainer.accelerator.end_training()  # while all are here: one that ends by itself may abort
    if meter.stopped:
        raise KeyboardInterrupt
    return meter.outcome(weights)


def save_model(model: Any, tokenizer: Any, folder: str, *, weights: Mapping[str, Any] | None = None) -> None:
    """Write a model and its tokenizer as transformers reads them; in the first process alone."""
    if weights is not None:  # put together from shares, a matrix that has two names is there twice
        weights = {name: one for name, one in weights.items() if name not in model.all_tied_weights_keys}
    try:
        model.save_pretrained(folder, state_dict=weights)
        tokenizer.save_pretrained(folder)
        for weight in Path(folder).glob("*.safetensors"):  # which the library lets nobody else read
            shutil.copymode(Path(folder, "config.json"), weight)
    except Exception as error:
        if _is_full(error):
            way_out = "free some and go on with --resume, the last checkpoint is whole"
            raise ToolError(f"no room to write the model to {folder}: {error}; {way_out}") from error
        raise


def device_of(run: Run) -> str:
    """Return `cpu` or `cuda`; raises `ConfigError` if the one asked for is not there."""
    if run.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("run.device is cuda, and torch finds no GPU; leave it at auto, or set it to cpu")
    return "cuda" if run.device != "cpu" and torch.cuda.is_available() else "cpu"


def precision_of(run: Run) -> str:
    """Return `fp32` or `bf16`."""
    if run.precision != "auto":
        return run.precision
    return "bf16" if device_of(run) == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def matrix_rate(device: str, precision: str) -> float:
    """Return how many operations a second a device does on large matrices, measured now."""
    size = 1024 if device == "cpu" else 8192
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    own = torch.Generator(device)  # the chances of a training, such as those of dropout, stay as they are
    left = torch.randn(size, size, device=device, dtype=kind, generator=own)
    best = math.inf
    for _ in range(4):
        started = time.perf_counter()
        product = left @ left
        product[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


# The pieces


class _Trainer(Trainer):
    """A trainer that takes rows in the order given, and counts what it feeds."""

    order: Sequence[int]
    meter: "_Meter"

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return _Order(self.order)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **named: Any) -> Any:
        self.meter.feed(inputs)
        # With a cache, documents that share a row would see each other.
        return super().compute_loss(model, {**inputs, "use_cache": False}, *args, **named)

    def training_step(self, model: Any, *args: Any, **named: Any) -> Any:
        loss = super().training_step(model, *args, **named)
        if self.accelerator.sync_gradients:
            self.meter.look_at_gradients(model)
        return loss


class _Order(torch.utils.data.Sampler[int]):
    def __init__(self, order: Sequence[int]) -> None:
        self.order = order

    def __iter__(self) -> Iterator[int]:
        return (int(self.order[place]) for place in range(len(self.order)))

    def __len__(self) -> int:
        return len(self.order)


def _loss(reduction: str, meter: "_Meter") -> Callable[..., torch.Tensor]:
    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        nats = _nats(outputs.logits, labels)
        meter.learn(nats.detach(), (labels[..., 1:] != IGNORED).sum())
        # The trainer multiplies by the number of processes, because gradients are averaged over them.
        return nats if reduction == "sum" else nats / num_items_in_batch

    return loss


def _nats(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the summed negative log-likelihood of the labels, each told by the token before it."""
    flat = logits[..., :-1, :].reshape(-1, logits.shape[-1]).float()
    return cross_entropy(flat, labels[..., 1:].reshape(-1), ignore_index=IGNORED, reduction="sum")


class _Meter(TrainerCallback):
    """Counts, logs, marks checkpoints whole, and stops what makes no sense."""

    trainer: Any
    evaluate: Callable[[], tuple[float, float | None] | None]

    def __init__(self, model: Any, loop: Loop, steps: int, tell: Callable[[Step], None], *, start: int) -> None:
        self.steps, self.loop, self.tell = steps, loop, tell
        self.stopped = False
        self.shape: ModelShape = shape_of(model.config.to_dict())
        self.log = os.path.join(loop.folder, LOG)
        self.tokens = self.learned = 0
        self.seconds = self.flops = 0.0
        self.loss = math.nan
        self.validation: tuple[float, float | None] | None = None
        self._read_log(start)
        self._rate: float | None = None
        self._grad_norm: Any = math.nan
        self._zero()

    def _read_log(self, start: int) -> None:
        """Take up the counts of an earlier process, and drop its lines that are not in its last checkpoint."""
        with contextlib.suppress(FileNotFoundError):
            kept = []
            for line in Path(self.log).read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):
                    row = json.loads(line)
                    if row["step"] <= start:
                        kept.append(line)
                        self.tokens, self.learned = row["tokens"], row["learned"]
                        self.seconds, self.flops, self.loss = row["seconds"], row["flops"], row["loss"]
            if int(os.environ.get("RANK", "0")) == 0:
                Path(self.log).write_text("".join(line + "\n" for line in kept), encoding="utf-8")

    def _zero(self) -> None:
        self._fed = self._attended = self._nats = self._labels = torch.zeros((), dtype=torch.float64)
        self._since = time.perf_counter()

    def feed(self, inputs: Mapping[str, Any]) -> None:
        """Count the tokens of a micro-batch, and what they attend to."""
        ids = inputs["input_ids"]
        if "position_ids" in inputs:
            fed: Any = torch.tensor(float(ids.numel()))
            attended = (inputs["position_ids"] + 1).sum()
        elif "attention_mask" in inputs:
            lengths = inputs["attention_mask"].sum(-1)
            fed, attended = lengths.sum(), (lengths * (lengths + 1) // 2).sum()
        else:
            rows, length = ids.shape
            fed = torch.tensor(float(rows * length))
            attended = torch.tensor(float(rows * length * (length + 1) // 2))
        self._fed = self._fed + fed.to("cpu", torch.float64)
        self._attended = self._attended + attended.to("cpu", torch.float64)

    def learn(self, nats: torch.Tensor, labels: torch.Tensor) -> None:
        """Count the loss of a micro-batch; stays on its device until the step is done."""
        self._nats = self._nats.to(nats.device) + nats.double()
        self._labels = self._labels.to(nats.device) + labels.double()

    def look_at_gradients(self, model: Any) -> None:
        """Take their norm, as it is before they are cut."""
        gradients = [one.grad for one in model.parameters() if one.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        self._grad_norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not math.isfinite(float(self._nats)):
            raise ToolError(
                f"the loss of step {state.global_step + 1} is {float(self._nats)}, so training stops before it: lower"
                " optim.lr, warm up for longer, or look at the rows"
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step = state.global_step
        run = self.loop.run
        self._agree()
        if step % run.log_every == 0 or step == self.steps or self.stopped:
            self._note(step)
        if self.stopped:
            control.should_training_stop = True
        control.should_save = (
            bool(run.save_every) and step % run.save_every == 0 and step < self.steps
        ) or self.stopped

    def _agree(self) -> None:
        """Stop in all processes behind the same step; a signal reaches them at different ones."""
        accelerator = self.trainer.accelerator
        if accelerator.num_processes > 1:
            asked = torch.tensor(float(self.stopped), device=accelerator.device)
            self.stopped = bool(accelerator.reduce(asked, reduction="sum") > 0)

    def _note(self, step: int) -> None:
        accelerator = self.trainer.accelerator
        device = accelerator.device
        mine = torch.stack([one.to(device) for one in (self._fed, self._attended, self._nats, self._labels)])
        fed, attended, nats, labels = accelerator.reduce(mine, reduction="sum").tolist()
        seconds = time.perf_counter() - self._since
        flops = 3 * (2 * self.shape.weights * fed + 4 * self.shape.layers * self._attention_width() * attended)
        self.tokens += int(fed)
        self.learned += int(labels)
        self.seconds += seconds
        self.flops += flops
        self.loss = nats / labels if labels else math.nan
        every = self.loop.run.evaluate_every
        if (every and step % every == 0) or step == self.steps:
            self.validation = self.evaluate()
            told = self.validation
        else:
            told = None
        lr = self.trainer.lr_scheduler.get_last_lr()[0]
        line = Step(
            step,
            self.steps,
            self.loss,
            float(lr),
            float(self._grad_norm),
            self.tokens,
            self.learned,
            round(self.seconds, 3),
            round(fed / seconds, 1),
            round(flops / seconds / self._best_rate(), 4),
            told[0] if told else None,
            told[1] if told else None,
        )
        if accelerator.is_main_process:
            row = {name: getattr(line, name) for name in Step.__slots__} | {"flops": self.flops}
            with open(self.log, "a", encoding="utf-8") as file:
                file.write(json.dumps({name: value for name, value in row.items() if value is not None}) + "\n")
            self.tell(line)
        self._zero()

    def _attention_width(self) -> int:
        return self.shape.heads * self.shape.head_size

    def _best_rate(self) -> float:
        """Return what all devices together do at best."""
        if self._rate is None:
            run = self.loop.run
            rate = matrix_rate(device_of(run), precision_of(run))
            self._rate = rate * int(self.trainer.accelerator.num_processes)
        return self._rate

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark a checkpoint as whole when all processes have written their part, then let go of the oldest."""
        self.trainer.accelerator.wait_for_everyone()
        if not state.is_world_process_zero:
            return
        folder = os.path.join(args.output_dir, f"checkpoint-{state.global_step}")
        Path(folder, _WHOLE).touch()
        sync_folder(folder)
        whole = [path for _, path in _checkpoints(args.output_dir)]
        for old in whole[: -self.loop.run.keep]:
            shutil.rmtree(old)

    def outcome(self, weights: Mapping[str, Any] | None) -> Outcome:
        loss, bits = self.validation or (None, None)
        return Outcome(self.steps, self.loss, self.tokens, self.learned, self.seconds, self.flops, loss, bits, weights)


def _validate(trainer: Trainer, validation: Validation, collate: Collate) -> tuple[float, float | None]:
    """Return nats a token and bits a byte on the validation rows, each process taking its share of them."""
    accelerator, model = trainer.accelerator, trainer.model_wrapped
    size = trainer.args.per_device_train_batch_size
    each = size * accelerator.num_processes
    total = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
    model.eval()
    with torch.no_grad():
        for start in range(0, len(validation.rows), each):
            # Every process has to go through the model equally often; one without rows takes one that counts nothing.
            mine = range(start + size * accelerator.process_index, start + size * (accelerator.process_index + 1))
            places = [place for place in mine if place < len(validation.rows)]
            batch = collate([validation.rows[place] for place in places or [0]])
            batch = {name: value.to(accelerator.device) for name, value in batch.items()}
            labels = batch.pop("labels")
            with accelerator.autocast():
                logits = model(**batch, use_cache=False).logits
            if places:
                total += torch.stack([_nats(logits, labels).double(), (labels[..., 1:] != IGNORED).sum().double()])
    model.train()
    nats, tokens = accelerator.reduce(total, reduction="sum").tolist()
    bits = nats / math.log(2) / validation.size if validation.size else None
    return nats / max(tokens, 1), bits


def _arguments(loop: Loop, checkpoints: str, steps: int) -> TrainingArguments:
    run, optim = loop.run, loop.optim
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if run.batch % (run.micro_batch * processes):
        raise ConfigError(
            f"run.batch is {run.batch}, where a multiple of {run.micro_batch} rows on each of {processes} devices"
            f" ({run.micro_batch * processes}) was expected"
        )
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    schedule, more = _schedule(optim, steps)
    arguments = TrainingArguments(
        output_dir=checkpoints,
        max_steps=steps,
        per_device_train_batch_size=run.micro_batch,
        gradient_accumulation_steps=run.batch // run.micro_batch // processes,
        learning_rate=optim.lr,
        lr_scheduler_type=schedule,
        lr_scheduler_kwargs=more,
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
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=device_of(run) == "cuda",
    )
    if processes == 1:
        arguments._n_gpu = min(arguments.n_gpu, 1)  # several GPUs in one process is a way that nobody should take
    return arguments


def _steps(number: float, steps: int) -> int:
    """Return a number of steps that may be given as a share of all."""
    return round(number * steps) if number < 1 else round(number)


def _schedule(optim: Optim, steps: int) -> tuple[str, dict[str, Any]]:
    """Return the name and the settings of a schedule as transformers has them."""
    if optim.schedule == "constant":
        return "constant_with_warmup", {}
    if optim.schedule == "linear":
        return ("polynomial", {"lr_end": optim.lr * optim.final_lr}) if optim.final_lr else ("linear", {})
    if optim.schedule == "cosine":
        return "cosine_with_min_lr", {"min_lr_rate": optim.final_lr}
    falling = min(_steps(optim.decay, steps), steps - _steps(optim.warmup, steps))
    more = {"num_decay_steps": falling, "min_lr_ratio": optim.final_lr, "decay_type": "linear"}
    return "warmup_stable_decay", more


def _checkpoints(folder: str) -> list[tuple[int, str]]:
    """Return the whole checkpoints of a run, oldest first."""
    found = []
    for path in Path(folder).glob("checkpoint-*"):
        number = path.name.removeprefix("checkpoint-")
        if number.isdigit() and (path / _WHOLE).exists():
            found.append((int(number), str(path)))
    return sorted(found)


def _last_checkpoint(folder: str) -> tuple[int, str] | None:
    """Return the last whole checkpoint; those that a kill left torn are deleted."""
    whole = _checkpoints(folder)
    if int(os.environ.get("RANK", "0")) == 0:
        kept = {path for _, path in whole}
        for path in Path(folder).glob("checkpoint-*"):
            if str(path) not in kept:
                shutil.rmtree(path)
    return whole[-1] if whole else None


@contextlib.contextmanager
def _stopping(meter: _Meter) -> Iterator[None]:
    """On Ctrl-C and on a polite kill, end behind the step, with a checkpoint; on another one, at once."""
    alone = os.environ.get("WORLD_SIZE", "1") == "1"

    def stop(*_: object) -> None:
        if meter.stopped and alone:  # else it may be the launcher, who hands each signal on
            raise KeyboardInterrupt
        meter.stopped = True

    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # not the main thread
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_full(error: BaseException) -> bool:
    return any(word in str(error) for word in _FULL)


def _told(error: Exception, checkpoints: str) -> Exception:
    """Return the error to raise for what ended a training."""
    last = _last_checkpoint(checkpoints)
    kept = f"the checkpoint of step {last[0]} is whole" if last else "there is no checkpoint yet"
    if _is_full(error):
        return ToolError(
            f"a checkpoint cannot be written to {checkpoints}: {error}; {kept}: free some room and go on with --resume"
        )
    if isinstance(error, torch.OutOfMemoryError):
        way_out = "lower run.micro_batch, or set run.activation_checkpointing"
        return ToolError(f"the device has too little memory: {way_out}; {kept}")
    return error
