"""Executing the steps of a plan: finished steps are kept, interrupted ones resume, independent ones run in parallel.

A step is done when its output exists and the record next to the study's files has its fingerprint. A step that was
interrupted is started again with `--resume`; one whose recipe or inputs changed starts from scratch. Each step writes
its output to its own log. Whatever ends a study ends its steps.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lintseq.errors import ConfigError, ToolError, check_at_least
from lintseq.lm.threads import BUSY
from lintseq.sandbox import kernel
from lintseq.storage import default_workers, lock_directory, write_atomically
from lintseq.study.plan import HERE, StudyPlan, StudyStep

RECORDS = "steps"
LOGS = "logs"
_TAIL = 15
"""Lines of a failed step's log that an error shows."""


@dataclass(frozen=True, slots=True)
class DeviceBudget:
    """What may run at the same time."""

    devices: tuple[str, ...]
    """One for each step that trains or generates: the number of a GPU, or "" for CPU cores."""
    others: int
    """Number of concurrent steps that need no device: building and evaluating."""
    threads: int
    """CPU threads of a step."""
    cores: int
    """CPU threads of a step that all training waits for."""

    def check(self, plan: StudyPlan) -> None:
        """Raise `ConfigError` if a step needs more devices than there are."""
        for step in plan.steps:
            if step.devices > len(self.devices):
                raise ConfigError(
                    f"step {step.name!r} needs {step.devices} devices, and there are {len(self.devices)}: lower"
                    " devices of [base] or [finetune], or raise --jobs"
                )


def device_budget(jobs: int | None = None, threads: int | None = None) -> DeviceBudget:
    """Return what this machine can run: a step per GPU, or without GPUs one per two cores; at most `jobs`.

    Without `threads`, a step has OMP_NUM_THREADS threads, or the processors are divided between the jobs.
    """
    check_at_least(1, {"--jobs": jobs, "--threads": threads})
    cores, gpus = default_workers(), _gpus()
    usual = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    fixed = threads or (int(usual) if usual.isdecimal() and int(usual) else None)
    count = jobs or len(gpus) or max(cores // (fixed or 2), 1)
    devices = gpus[:count] if gpus else [""] * count
    return DeviceBudget(tuple(devices), max(cores // 2, 1), fixed or max(cores // count, 1), fixed or cores)


@dataclass(slots=True)
class StudyProgress:
    """The state of a study while it runs."""

    steps: Sequence[StudyStep]
    """All steps."""
    budget: DeviceBudget
    """The devices, and how many other steps may run at a time."""
    done: dict[str, float] = field(default_factory=dict)
    """Seconds that each finished step took."""
    done_before: set[str] = field(default_factory=set)
    """Steps that were finished when the study started."""
    running: dict[str, float] = field(default_factory=dict)
    """When each running step started, by the monotonic clock."""
    failed: dict[str, str] = field(default_factory=dict)
    """The end of the log of each failed step."""
    skipped: set[str] = field(default_factory=set)
    """Steps that need a failed one."""
    busy: bool = False
    """Whether a step had to wait for a processor."""

    @property
    def pending(self) -> list[StudyStep]:
        """The steps that are not over, running ones included."""
        over = {*self.done, *self.failed, *self.skipped}
        return [step for step in self.steps if step.name not in over]

    def seconds_left(self, now: float) -> float | None:
        """Return an estimate from the finished steps of each kind; None until there is one of every kind."""
        durations: dict[str, list[float]] = {}
        for step in self.steps:
            if step.name in self.done:
                durations.setdefault(step.kind, []).append(self.done[step.name])
        left = 0.0
        for step in self.pending:
            if step.kind not in durations:
                return None
            mean = sum(durations[step.kind]) / len(durations[step.kind])
            elapsed = now - self.running.get(step.name, now)
            parallel = len(self.budget.devices) / step.devices if step.uses_device else self.budget.others
            left += max(mean - elapsed, 0.0) / parallel
        return left

    def check_finished(self, folder: str) -> None:
        """Raise `ToolError` with the end of the first failed step's log, if a step failed."""
        if not self.failed:
            return
        name, log = next(iter(self.failed.items()))
        more = f" ({len(self.failed)} steps failed)" if len(self.failed) > 1 else ""
        raise ToolError(
            f"step {name!r} failed{more}, {len(self.skipped)} steps that need it were not started:\n{log}\n"
            f"finished steps are kept in {folder}; fix the cause and run the same command again"
        )


def run_steps(
    steps: Sequence[StudyStep],
    prints: Mapping[str, str],
    folder: str,
    *,
    budget: DeviceBudget,
    on_progress: Callable[[StudyProgress], None] = lambda progress: None,
    program: Sequence[str] = (sys.executable, "-m", "lintseq"),
    poll_seconds: float = 0.2,
) -> StudyProgress:
    """Execute all steps that are not done, and return how they ended; a failed step stops only those that need it.

    `prints` are the fingerprints of the steps; `program` runs a step's command. `on_progress` is called every
    `poll_seconds`.
    """
    for name in (RECORDS, LOGS):
        Path(folder, name).mkdir(parents=True, exist_ok=True)
    progress = StudyProgress(steps, budget)
    for step in steps:
        record = read_step_record(step, folder)
        finished = record.get("fingerprint") == prints[step.name] and os.path.exists(os.path.join(folder, step.output))
        if finished and "seconds" in record:
            progress.done[step.name] = record["seconds"]
            progress.done_before.add(step.name)
    runner = _StepRunner(folder, prints, progress, program)
    try:
        while runner.start():
            on_progress(progress)
            time.sleep(poll_seconds)
            runner.collect()
    except BaseException:
        runner.stop()
        raise
    on_progress(progress)
    return progress


@dataclass(frozen=True, slots=True)
class _RunningStep:
    step: StudyStep
    process: subprocess.Popen[bytes]
    devices: Sequence[str]


class _StepRunner:
    """The processes of the steps that are running."""

    def __init__(
        self, folder: str, prints: Mapping[str, str], progress: StudyProgress, program: Sequence[str]
    ) -> None:
        self.folder, self.prints, self.progress, self.program = folder, prints, progress, program
        self.processes: dict[str, _RunningStep] = {}

    def start(self) -> bool:
        """Start what can run now; return whether anything is running."""
        for step in self.progress.pending:
            ready = step.name not in self.processes and all(need in self.progress.done for need in step.needs)
            if ready and (devices := self._free_devices(step)) is not None:
                self._start(step, devices)
        return bool(self.processes)

    def collect(self) -> None:
        """Record which steps have ended."""
        for name, running in list(self.processes.items()):
            status = running.process.poll()
            if status is None:
                continue
            del self.processes[name]
            seconds = time.monotonic() - self.progress.running.pop(name)
            self.progress.busy |= BUSY.encode() in _path(self.folder, LOGS, running.step).read_bytes()
            if status == 0 and os.path.exists(os.path.join(self.folder, running.step.output)):
                _write_record(running.step, self.prints[name], self.folder, seconds=round(seconds, 3))
                self.progress.done[name] = seconds
            else:
                self._fail(running.step, status)

    def stop(self) -> None:
        """End all running steps, each of which keeps what it needs to resume."""
        for running in self.processes.values():
            running.process.terminate()
        for running in self.processes.values():
            try:
                running.process.wait(30)
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()

    def _free_devices(self, step: StudyStep) -> Sequence[str] | None:
        """Return the devices that a step can use now, or None if it has to wait."""
        if not step.uses_device:
            others = sum(not running.step.uses_device for running in self.processes.values())
            return () if others < self.progress.budget.others else None
        free = list(self.progress.budget.devices)
        for running in self.processes.values():
            for device in running.devices:
                free.remove(device)
        return free[: step.devices] if len(free) >= step.devices else None

    def _start(self, step: StudyStep, devices: Sequence[str]) -> None:
        self._prepare(step)
        budget, environment = self.progress.budget, dict(os.environ)
        if any(devices):
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(devices)
        environment["OMP_NUM_THREADS"] = str(budget.cores if step.blocks_training else budget.threads)
        launcher = (sys.executable, "-m", "accelerate.commands.accelerate_cli", *step.launcher, "--no_python")
        words = [word.replace(HERE, os.path.join(self.folder, "")) for word in step.command]
        with _path(self.folder, LOGS, step).open("ab") as log:
            process = subprocess.Popen(
                [*(launcher if step.launcher else ()), *self.program, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  one system call
            )
        self.processes[step.name] = _RunningStep(step, process, devices)
        self.progress.running[step.name] = time.monotonic()

    def _prepare(self, step: StudyStep) -> None:
        """Keep what an earlier start of the same step made; delete what another one made."""
        if read_step_record(step, self.folder).get("fingerprint") != self.prints[step.name]:
            for name in (step.folder, f"{step.folder}.partial"):
                shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)
            _path(self.folder, LOGS, step).unlink(missing_ok=True)
        Path(self.folder, step.output).parent.mkdir(parents=True, exist_ok=True)
        _write_record(step, self.prints[step.name], self.folder)

    def _fail(self, step: StudyStep, status: int) -> None:
        text = _path(self.folder, LOGS, step).read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.replace("\r", "\n").splitlines() if line.strip()]
        self.progress.failed[step.name] = "\n".join([f"exit status {status}", *lines[-_TAIL:]])
        lost = {step.name}
        for other in self.progress.steps:
            if lost & set(other.needs):
                lost.add(other.name)
                self.progress.skipped.add(other.name)


def _end_with_parent() -> None:
    """Have the kernel end this process when its parent ends, even by SIGKILL."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM, what="end with the study")


def _gpus() -> list[str]:
    """Return the numbers of the usable GPUs; found without torch, which takes seconds to import."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [number for number in visible.split(",") if number.strip()]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(number) for number, line in enumerate(listed.splitlines()) if line.startswith("GPU ")]


# Files


def checksums_of(files: Sequence[str]) -> dict[str, str]:
    """Return a checksum of each file or folder; a name that is not a local path stands for itself."""
    return {file: _checksum(file) for file in dict.fromkeys(files)}


def _checksum(path: str) -> str:
    if os.path.isdir(path):
        names = sorted(str(file) for file in Path(path).rglob("*") if file.is_file())
        stats = [(name, os.path.getsize(name), os.stat(name).st_mtime_ns) for name in names]
        return hashlib.sha256(json.dumps(stats).encode()).hexdigest()
    if not os.path.isfile(path):
        return path
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_step_record(step: StudyStep, folder: str) -> dict[str, Any]:
    """Return what was recorded about a step: its fingerprint, and when it is done its seconds; empty if nothing."""
    path = _path(folder, RECORDS, step)
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _write_record(step: StudyStep, fingerprint: str, folder: str, **more: Any) -> None:
    record = {"step": step.name, "command": step.words, "fingerprint": fingerprint, **more}
    write_atomically(str(_path(folder, RECORDS, step)), json.dumps(record, indent=1).encode())


def _path(folder: str, directory: str, step: StudyStep) -> Path:
    """Return the path of a step's record or log."""
    suffix = ".json" if directory == RECORDS else ".log"
    return Path(folder, directory, step.name.replace(" ", "-").replace("/", "-") + suffix)


def lock_study(folder: str, study: str) -> IO[bytes]:
    """Keep other processes out of a study's folder until the returned lock is closed.

    Raises `ConfigError` if the folder is not a study's, cannot be written, or is used by another process.
    """
    if os.path.isfile(folder):
        raise ConfigError(f"--output {folder} is a file, and the study {study} needs a folder; choose another name")
    if os.path.isdir(folder) and os.listdir(folder) and not os.path.isdir(os.path.join(folder, RECORDS)):
        raise ConfigError(f"--output {folder} contains other files than a study; choose another or an empty folder")
    try:
        return lock_directory(os.path.join(folder, RECORDS))
    except OSError as error:
        raise ConfigError(f"--output {folder} cannot be written to: {error.strerror}; choose another folder") from None
