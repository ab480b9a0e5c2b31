"""Do the steps of a plan: what is done stays done, what was ended goes on, what can run beside each other does.

A step is done when its output is there and the note beside the study's files says that it was made of the same
things. A step that was ended in the middle is started again with `--resume`; one whose recipe or inputs have changed
is made anew. Each step writes what it says to a log of its own. Whatever ends a study ends its steps.
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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lintseq.errors import ConfigError, ToolError
from lintseq.sandbox import kernel
from lintseq.storage import lock_directory, write_atomically
from lintseq.study.plan import HERE, Step

NOTES = "steps"
LOGS = "logs"
_LOOK_EVERY = 0.2
_TAIL = 15
"""Lines of a failed step's log that are told."""


@dataclass(frozen=True, slots=True)
class Room:
    """What may run at the same time."""

    devices: tuple[str, ...]
    """One for each step that trains or generates: the number of a GPU, or "" for processor cores."""
    others: int
    """Steps that need no device: building and evaluating."""
    threads: int
    """Cores for each step on a processor."""
    cores: int
    """Cores for a step that all others wait for."""


@dataclass(slots=True)
class Standing:
    """How far a study is, for whoever shows it."""

    steps: Sequence[Step]
    done: dict[str, float] = field(default_factory=dict)
    """Seconds that each finished step took."""
    before: set[str] = field(default_factory=set)
    """Steps that were done when the study was started."""
    running: dict[str, float] = field(default_factory=dict)
    """When each started, by a clock."""
    failed: dict[str, str] = field(default_factory=dict)
    """The end of the log of each step that failed."""
    passed_over: set[str] = field(default_factory=set)
    """Steps that need one that failed."""

    def seconds_left(self, room: Room, now: float) -> float | None:
        """Return an estimate from what steps of each kind took; None while a kind has not been seen."""
        each: dict[str, list[float]] = {}
        for step in self.steps:
            if step.name in self.done:
                each.setdefault(step.kind, []).append(self.done[step.name])
        left = 0.0
        for step in self.steps:
            if step.name in self.done or step.name in self.failed or step.name in self.passed_over:
                continue
            seen = each.get(step.kind)
            if not seen:
                return None
            spent = now - self.running[step.name] if step.name in self.running else 0.0
            side = len(room.devices) / step.devices if step.trains else room.others
            left += max(sum(seen) / len(seen) - spent, 0.0) / side
        return left


def default_room(jobs: int | None = None) -> Room:
    """Return what this machine has room for: a step on each GPU, or one on each two cores, at most `jobs`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    gpus = _gpus()
    side = jobs or (len(gpus) or max(cores // 2, 1))
    devices = gpus[:side] if gpus else [""] * side
    return Room(tuple(devices), max(cores // 2, 1), max(cores // side, 1), cores)


def run_steps(
    steps: Sequence[Step],
    prints: Mapping[str, str],
    folder: str,
    *,
    room: Room,
    tell: Callable[[Standing], None] = lambda standing: None,
    program: Sequence[str] = (sys.executable, "-m", "lintseq"),
) -> Standing:
    """Do all steps that are not done, and return how they ended; a step that fails stops only what needs it.

    `program` is what a step's words are given to.
    """
    for name in (NOTES, LOGS):
        Path(folder, name).mkdir(parents=True, exist_ok=True)
    standing = Standing(steps)
    for step in steps:
        if (seconds := _done(step, prints[step.name], folder)) is not None:
            standing.done[step.name] = seconds
            standing.before.add(step.name)
    work = _Work(folder, prints, room, standing, program)
    try:
        while work.start() or work.processes:
            work.wait()
            tell(standing)
    except BaseException:
        work.stop()
        raise
    tell(standing)
    return standing


class _Work:
    """The processes of the steps that are under way."""

    def __init__(
        self, folder: str, prints: Mapping[str, str], room: Room, standing: Standing, program: Sequence[str]
    ) -> None:
        self.folder, self.prints, self.room, self.standing, self.program = folder, prints, room, standing, program
        self.processes: dict[str, tuple[Step, subprocess.Popen[bytes], Sequence[str], IO[bytes]]] = {}

    def start(self) -> bool:
        """Start what can be started; tell whether anything was."""
        started = False
        for step in self.standing.steps:
            if self._waits(step) and (devices := self._free(step)) is not None:
                self._start(step, devices)
                started = True
        return started

    def wait(self) -> None:
        """Wait until a step ends, or for a moment."""
        time.sleep(_LOOK_EVERY)
        for name, (step, process, _, log) in list(self.processes.items()):
            if process.poll() is None:
                continue
            log.close()
            del self.processes[name]
            seconds = time.monotonic() - self.standing.running.pop(name)
            if process.returncode == 0 and os.path.exists(os.path.join(self.folder, step.output)):
                _note(step, self.prints[name], seconds, self.folder)
                self.standing.done[name] = seconds
            else:
                self._fail(step, process.returncode)

    def stop(self) -> None:
        """End all that runs; each leaves what it needs to go on later."""
        for _, process, _, _ in self.processes.values():
            process.terminate()
        for _, process, _, log in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()

    def _waits(self, step: Step) -> bool:
        standing = self.standing
        over = {*standing.done, *standing.failed, *standing.passed_over, *standing.running}
        return step.name not in over and all(need in standing.done for need in step.needs)

    def _free(self, step: Step) -> Sequence[str] | None:
        """Return the devices that a step can have, or None."""
        if not step.trains:
            others = sum(not other.trains for other, _, _, _ in self.processes.values())
            return () if others < self.room.others else None
        free = list(self.room.devices)
        for _, _, taken, _ in self.processes.values():
            for device in taken:
                free.remove(device)
        return free[: step.devices] if len(free) >= step.devices else None

    def _start(self, step: Step, devices: Sequence[str]) -> None:
        _prepare(step, self.prints[step.name], self.folder)
        log = open(_log(step, self.folder), "ab")  # noqa: SIM115  closed when the step ends
        environment = dict(os.environ)
        if any(devices):
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(devices)
        else:
            environment["OMP_NUM_THREADS"] = str(self.room.cores if step.is_waited_for else self.room.threads)
        launcher = (sys.executable, "-m", "accelerate.commands.accelerate_cli", *step.launcher, "--no_python")
        command = [*(launcher if step.launcher else ()), *self.program, *self._words(step)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  one system call
        )
        self.processes[step.name] = (step, process, devices, log)
        self.standing.running[step.name] = time.monotonic()

    def _words(self, step: Step) -> list[str]:
        return [word.replace(HERE, os.path.join(self.folder, "")) for word in step.command]

    def _fail(self, step: Step, status: int) -> None:
        text = Path(_log(step, self.folder)).read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.replace("\r", "\n").splitlines() if line.strip()]
        self.standing.failed[step.name] = "\n".join([f"exit status {status}", *lines[-_TAIL:]])
        lost = {step.name}
        for other in self.standing.steps:
            if lost & set(other.needs):
                lost.add(other.name)
                self.standing.passed_over.add(other.name)


def _end_with_parent() -> None:
    """Have the system end this process when the one that started it has ended, be it by SIGKILL."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM, what="end with the study")


def checksums_of(files: Sequence[str]) -> dict[str, str]:
    """Return a checksum of each file, or of all files of a folder; what is no local file stands for itself."""
    return {file: _checksum(file) for file in dict.fromkeys(files)}


def _checksum(path: str) -> str:
    if os.path.isdir(path):
        names = sorted(str(one) for one in Path(path).rglob("*") if one.is_file())
        told = [(name, os.path.getsize(name), os.stat(name).st_mtime_ns) for name in names]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()
    if not os.path.isfile(path):
        return path
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_notes(steps: Sequence[Step], folder: str) -> dict[str, dict[str, Any]]:
    """Return what was noted of the steps that are done."""
    found = {}
    for step in steps:
        with suppress(OSError, ValueError):
            note = json.loads(Path(_note_path(step, folder)).read_text(encoding="utf-8"))
            if "seconds" in note:
                found[step.name] = note
    return found


def _file_name(step: Step) -> str:
    return step.name.replace(" ", "-").replace("/", "-")


def _log(step: Step, folder: str) -> str:
    return os.path.join(folder, LOGS, f"{_file_name(step)}.log")


def _note_path(step: Step, folder: str) -> str:
    return os.path.join(folder, NOTES, f"{_file_name(step)}.json")


def _note(step: Step, print_: str, seconds: float | None, folder: str) -> None:
    told: dict[str, Any] = {"step": step.name, "command": step.words, "fingerprint": print_}
    if seconds is not None:
        told |= {"seconds": round(seconds, 3)}
    write_atomically(_note_path(step, folder), json.dumps(told, indent=1).encode())


def _read_note(step: Step, folder: str) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        note: dict[str, Any] = json.loads(Path(_note_path(step, folder)).read_text(encoding="utf-8"))
        return note
    return {}


def _done(step: Step, print_: str, folder: str) -> float | None:
    """Return how long a step took, if it is done and was made of the same things."""
    note = _read_note(step, folder)
    whole = note.get("fingerprint") == print_ and os.path.exists(os.path.join(folder, step.output))
    return note.get("seconds") if whole else None


def _prepare(step: Step, print_: str, folder: str) -> None:
    """Leave what an earlier start of the same step made, delete what is of another."""
    if _read_note(step, folder).get("fingerprint") != print_:
        for place in (step.place, f"{step.place}.partial"):
            shutil.rmtree(os.path.join(folder, place), ignore_errors=True)
        Path(_log(step, folder)).unlink(missing_ok=True)
    Path(folder, step.output).parent.mkdir(parents=True, exist_ok=True)
    _note(step, print_, None, folder)


def _gpus() -> list[str]:
    """Return the numbers of the GPUs that may be used; found without torch, which takes seconds to import."""
    if (said := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [number for number in said.split(",") if number.strip()]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(number) for number, line in enumerate(listed.splitlines()) if line.startswith("GPU ")]


def check_finished(standing: Standing, folder: str) -> None:
    """Raise `ToolError` with what the failed steps said, if there are any."""
    if not standing.failed:
        return
    name, said = next(iter(standing.failed.items()))
    more = f" ({len(standing.failed)} steps failed)" if len(standing.failed) > 1 else ""
    raise ToolError(
        f"step {name!r} failed{more}, {len(standing.passed_over)} steps that need it were not started:\n{said}\n"
        f"all that was done is kept in {folder}; mend it and start the same command again"
    )


def check_room(steps: Sequence[Step], room: Room) -> None:
    """Raise `ConfigError` if a step wants more devices than there are."""
    for step in steps:
        if step.devices > len(room.devices):
            raise ConfigError(
                f"step {step.name!r} is shared out on {step.devices} devices, and there are {len(room.devices)}: lower"
                " devices of [base] or [finetune], or raise --jobs"
            )


def check_folder(folder: str, study: str) -> None:
    """Raise `ConfigError` if a folder holds something that is no study."""
    if os.path.isfile(folder):
        raise ConfigError(f"--output {folder} is a file, and a study of {study} needs a folder; choose another name")
    if os.path.isdir(folder) and os.listdir(folder) and not os.path.isdir(os.path.join(folder, NOTES)):
        raise ConfigError(
            f"--output {folder} holds other things than a study; choose another name, or an empty folder"
        )


def alone(folder: str) -> IO[bytes]:
    """Keep other processes from a study's folder until what is returned is closed.

    Raises `ConfigError` if another one works in it, or if it cannot be made.
    """
    try:
        return lock_directory(os.path.join(folder, NOTES))
    except OSError as error:
        raise ConfigError(f"--output {folder} cannot be written to: {error.strerror}; choose another folder") from None
