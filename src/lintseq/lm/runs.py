"""Training runs: one folder per run, resumable, which appears under its name when the model is complete.

Until then everything is in `OUTPUT.partial`. The finished folder has the files of transformers, the model card, and
`recipe.toml`, `log.jsonl` and `manifest.json`. It may be shared, so it names local files without their folders. Of
several processes that train together, only the first one writes.
"""

import json
import math
import os
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, TypeVar

from lintseq import __version__
from lintseq.errors import ConfigError, ToolError
from lintseq.lm.recipes import RunOptions, as_table, as_toml
from lintseq.reporting.plots import line_plot, svg_document
from lintseq.storage import MANIFEST, WorkDirectory, read_manifest, write_atomically

LOG = "log.jsonl"
LOSS = "loss.svg"
RECIPE = "recipe.toml"
CHECKPOINTS = "checkpoints"
CORPUS = "corpus"

_MAY_CHANGE = ("save_every", "save_minutes", "keep_checkpoints", "log_every", "evaluate_every", "report_to")
"""Run options that do not affect the weights, so a resumed run may change them."""
_PACKAGES = ("torch", "transformers", "accelerate", "tokenizers", "peft", "numpy")
_DISK_FULL = ("No space left", "File too large", "Disk quota exceeded", "PytorchStreamWriter failed", "unexpected pos")
"""Messages of the system and of torch."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress:
    """The state of a training run after an optimizer step; also a line of its log."""

    step: int = 0
    """Number of optimizer steps so far."""
    steps: int
    """Number of steps of the whole run."""
    loss: float = math.nan
    """Nats per trained token, over the steps since the previous log line."""
    lr: float = 0.0
    """Learning rate of the last step."""
    grad_norm: float = math.nan
    """Norm of the gradients of the last step, before clipping."""
    clipped: int = 0
    """Steps so far whose gradients were clipped."""
    tokens: int = 0
    """Tokens processed so far."""
    trained_tokens: int = 0
    """Tokens trained on so far: those with a label."""
    seconds: float = 0.0
    """Training time so far, including earlier processes of a resumed run."""
    flops: float = 0.0
    """Floating-point operations that the model required so far, forward and backward."""
    tokens_per_second: float = 0.0
    """Tokens processed per second since the previous log line."""
    mfu: float = 0.0
    """Model FLOPs utilization: operations required by the model, relative to the rate of large matrix products."""
    validation_loss: float | None = None
    """Nats per token, where it was evaluated."""
    bits_per_byte: float | None = None
    """The validation loss in bits per byte of text, where it was evaluated."""


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """A finished training run."""

    output: str
    """Folder of the model, for `AutoModelForCausalLM.from_pretrained`."""
    manifest: Mapping[str, Any]
    """Content of its manifest.json: settings, versions, counts and the final progress."""

    @property
    def progress(self) -> TrainingProgress:
        """The progress after the last step."""
        return TrainingProgress(**self.manifest["outcome"])

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user of the model has to know: most steps were clipped."""
        done = self.progress
        if 2 * done.clipped <= done.step:
            return ()
        limit = f"optim.clip limited the gradients of {done.clipped:,} of {done.step:,} steps, whose lengths therefore"
        return (f"{limit} had no effect: raise optim.clip, or set loss to mean where it is sum",)

    @property
    def parameters(self) -> int:
        """Number of parameters of the model."""
        return int(self.manifest["parameters"])


class TrainingRun(AbstractContextManager["TrainingRun"]):
    """The working directory of a training run, locked while this object is open."""

    def __init__(self, output: str, recipe: Any, data: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
        """Open the run that writes `output`; `data` identifies what it is trained on.

        Raises `ConfigError` if `output` or an unfinished run exists and is neither to be resumed nor overwritten, or
        if the run to resume has another recipe or other data.
        """
        self.output, self.recipe = output, recipe
        self.settings = {"recipe": _fixed(as_table(recipe)), "data": dict(data)}
        self.partial = f"{os.path.realpath(output)}.partial"
        self.folder = self.path("run")
        """The folder that becomes `output`."""
        self.manifest: Mapping[str, Any] | None = None
        """The manifest of a finished run; None while there is work to do."""
        self._work: WorkDirectory | None = None
        if is_first_process():
            self._work = WorkDirectory(output, self.settings, resume=resume, overwrite=overwrite)
            self.manifest = self._work.manifest
            if self.manifest is None:
                self._work.save({})
                os.makedirs(self.folder, exist_ok=True)
                write_atomically(self.file(RECIPE), as_toml(recipe, shared=True).encode())
        elif resume and not os.path.exists(self.folder):
            self.manifest = read_manifest(os.path.join(output, MANIFEST))

    @property
    def fingerprint(self) -> str:
        """A hash of the settings."""
        return sha256(repr(self.settings).encode()).hexdigest()[:32]

    def path(self, name: str) -> str:
        """Return the path of temporary data, deleted when the run is complete."""
        return os.path.join(self.partial, name)

    def file(self, name: str) -> str:
        """Return the path of a file of the run while it is unfinished."""
        return os.path.join(self.folder, name)

    def finish(self, progress: TrainingProgress, manifest: Mapping[str, Any]) -> None:
        """Write the card and the manifest, and rename the folder to `output`."""
        from lintseq.lm.cards import README, model_card

        self.manifest = {
            "lintseq": __version__,
            "versions": versions(),
            "seed": self.recipe.run.seed,
            "outcome": asdict(progress),
            **manifest,
        }
        if self._work is not None:
            card = model_card(self.recipe, self.manifest, name=os.path.basename(os.path.abspath(self.output)))
            write_atomically(self.file(README), card.encode())
            self._draw_losses()
            self._work.finish([(self.folder, self._work.target)], self.manifest)
            self.manifest = self._work.manifest

    def _draw_losses(self) -> None:
        with open(self.file(LOG), encoding="utf-8") as file:
            log = [TrainingProgress(**json.loads(line)) for line in file]
        lines = {"training": [(progress.step, progress.loss) for progress in log]}
        held_out = [(progress.step, progress.validation_loss) for progress in log]
        if validation := [(step, loss) for step, loss in held_out if loss is not None]:
            lines["validation"] = validation
        title = f"Loss of {os.path.basename(os.path.abspath(self.output))}"
        with open(self.file(LOSS), "w", encoding="utf-8") as file:
            file.write(svg_document(line_plot("loss", title, "optimizer step", lines)))

    def report(self) -> TrainingReport:
        """Return the report of the finished run."""
        assert self.manifest is not None
        return TrainingReport(self.output, self.manifest)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._work is None:
            return
        kept = any(os.path.exists(self.path(name)) for name in (CHECKPOINTS, CORPUS))
        if isinstance(error, ConfigError) and not kept:  # a configuration that cannot work is not resumed
            self._work.discard()
        self._work.close()
        if not isinstance(error, ToolError) and any(message in str(error) for message in _DISK_FULL):
            raise ToolError(
                f"cannot write to {self.partial}: {error}; free disk space and continue with --resume from the"
                " last complete checkpoint, if there is one"
            ) from error


def check_trackers(options: RunOptions) -> None:
    """Raise `ConfigError` if the package of a tracker is not installed."""
    if missing := [name for name in options.report_to if find_spec(name) is None]:
        names = " and ".join(missing)
        raise ConfigError(f"run.report_to needs {names}: pip install {' '.join(missing)}, or remove it from the list")


def is_first_process() -> bool:
    """Tell whether this is the first of the processes that a launcher started."""
    return int(os.environ.get("RANK", "0")) == 0


def wait_for(ready: Callable[[], T | None]) -> T:
    """Return what `ready` returns once the first process has made it; the launcher ends this one if that fails."""
    while (value := ready()) is None:
        time.sleep(0.5)
    return value


def versions() -> dict[str, str]:
    """Return the versions of the packages that affect the weights."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _fixed(table: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe without the options that a resumed run may change."""
    run = {name: value for name, value in table.get("run", {}).items() if name not in _MAY_CHANGE}
    return {**table, "run": run}
