"""Other ways to run a build: engines that work on its pieces, on one machine or on many.

An engine runs in a process of its own, which is told the folder of the pieces and ends when the build does,
whatever ends that; what it prints goes to a log in the folder. Owns that process and what each engine is
called with. What a piece gives is found in its file; in which order pieces are done makes no difference.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lintseq.dataset.pieces import Piece, Plan, do_task, given_by, is_done, load_plan, save_plan
from lintseq.dataset.work import Result, Tally
from lintseq.errors import ConfigError, ToolError
from lintseq.rows import Mark, RawRow

LOCAL = "local"
LOG = "engine.log"
_LOOK_SECONDS = 0.02
_TELL_SECONDS = 0.5
_END_SECONDS = 60.0
"""How long an engine may take to end when its work is done, and a shared file system to show what it wrote."""
_RETRIES = 3
"""How often Ray tries a task again whose process died; its own default is without end."""
_OBJECT_STORE_BYTES = 100 << 20
"""Little goes through it: numbers of pieces."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that came of a piece, or just the time that passes."""

    piece: Piece
    mark: Mark
    """How far its input is worked through now."""
    rows: list[RawRow]
    result: Result
    broken: str = ""
    """What keeps the input from being read on."""
    last: bool = False
    """Whether nothing more comes of the piece."""
    ahead: int = 0
    """Rows of later pieces that are done."""


def check_engine(name: str) -> None:
    """Raise `ConfigError` for an engine that there is not."""
    if name not in _ENGINES:
        raise ConfigError(f"unknown engine {name!r}; use one of {', '.join([LOCAL, *_ENGINES])}")
    if importlib.util.find_spec(name) is None:
        raise ConfigError(f"the engine {name} needs a package that is not there: pip install 'lintseq[{name}]'")


def run_in_engine(name: str, plan: Plan, folder: str, *, workers: int) -> Generator[Step]:
    """Yield what the pieces of a plan give, in their order; those that are not done, the engine does.

    While nothing comes, steps come that tell so. Of an input that cannot be read on, later pieces are left out.
    """
    os.makedirs(folder, exist_ok=True)
    save_plan(folder, plan)
    unreadable = set()
    rows = {piece.name: piece.rows or 0 for piece in plan.pieces}
    with _Engine.starting_late(name, folder, workers) as engine:
        for piece in plan.pieces:
            if piece.input in unreadable:
                continue
            mark = piece.start
            for _ in engine.waiting_for(piece):
                ahead = sum(rows.get(file, 0) for file in os.listdir(folder))
                yield Step(piece, mark, [], _NOTHING, ahead=ahead)
            for one in given_by(folder, piece):
                if isinstance(one, str):
                    if one:
                        unreadable.add(piece.input)
                    yield Step(piece, mark, [], _NOTHING, broken=one, last=True)
                else:
                    mark = one.mark
                    yield Step(piece, mark, one.rows, one.result)


_NOTHING = Result(b"", b"", Tally())


class _Engine:
    """The process of an engine; it is started when something has to be waited for."""

    def __init__(self, name: str, folder: str, workers: int) -> None:
        self._name = name
        self._folder = folder
        self._workers = workers
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def starting_late(cls, name: str, folder: str, workers: int) -> Iterator["_Engine"]:
        engine = cls(name, folder, workers)
        try:
            yield engine
            engine._wait()
        finally:
            engine._kill()

    def waiting_for(self, piece: Piece) -> Iterator[None]:
        """Yield now and then until a piece is done; raise `ToolError` if the engine ends without it."""
        told = time.monotonic()
        ended = 0.0
        while not is_done(self._folder, piece):
            if self._process is None:
                self._start()
            status = self._process.poll() if self._process is not None else None
            now = time.monotonic()
            ended = now if status is not None and not ended else ended
            if status or (ended and now - ended > _END_SECONDS):
                self._raise(status)
            if now - told > _TELL_SECONDS:
                told = now
                yield
            time.sleep(_LOOK_SECONDS)

    def _start(self) -> None:
        code = f"import sys; sys.path[:] = {sys.path!r}; from lintseq.dataset.engines import main; main()"
        with open(os.path.join(self._folder, LOG), "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code, self._name, self._folder, str(self._workers)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **_ray_address()},
                start_new_session=True,  # a Ctrl-C is for this process, which then ends that one
            )

    def _raise(self, status: int | None) -> None:
        path = Path(self._folder, LOG)
        lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
        told = "\n".join(["", *lines[-3:]])
        what = f"ended with status {status}" if status else "ended before its work was done"
        raise ToolError(f"the engine {self._name} {what}; go on with --resume. The end of {path}:{told}")

    def _wait(self) -> None:
        if self._process is not None:
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:  # all that was asked of it is done
                return

    def _kill(self) -> None:
        """End the process, and all that it started and that is still there."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (AttributeError, ProcessLookupError, PermissionError):  # Windows has no groups; or it is gone already
            self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


def _ray_address() -> dict[str, str]:
    """Return what leads to the Ray that this process is connected to, if there is one."""
    ray: Any = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return {}
    return {"RAY_ADDRESS": ray.get_runtime_context().gcs_address}


# In the process of the engine


def main() -> None:
    """Run an engine: its name, the folder of the pieces and the number of workers are the arguments."""
    name, folder, workers = sys.argv[1:]
    threading.Thread(target=_end_with_the_build, daemon=True).start()
    _ENGINES[name](folder, len(load_plan(folder).tasks), int(workers))


def _end_with_the_build() -> None:
    """Wait for the end of standard input, which the build holds open, and end all processes of the engine."""
    os.read(0, 1)  # not by `sys.stdin`: its lock would be held for ever in processes that are forked meanwhile
    _end()


def _end() -> None:
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _run_datatrove(folder: str, tasks: int, workers: int) -> None:
    from datatrove.executor import LocalPipelineExecutor

    threading.Thread(target=_end_with_a_worker, daemon=True).start()
    LocalPipelineExecutor(
        [partial(_datatrove_task, folder)],
        tasks=tasks,
        workers=min(workers, tasks),
        logging_dir=os.path.join(folder, "datatrove"),
        skip_completed=False,  # whether it is, pieces tell
    ).run()


def _datatrove_task(folder: str, data: object, rank: int, world_size: int) -> None:
    do_task(folder, rank)


def _end_with_a_worker() -> None:
    """End all if a worker process is killed: datatrove would wait for its task for ever."""
    import multiprocess

    known: set[Any] = set()
    while True:
        known.update(multiprocess.active_children())
        for process in known:
            if process.exitcode not in (None, 0, -signal.SIGTERM):
                print(f"\na worker process of datatrove ended with status {process.exitcode}", flush=True)
                _end()
        time.sleep(_TELL_SECONDS)


def _run_ray(folder: str, tasks: int, workers: int) -> None:
    import ray
    import ray.data

    if "RAY_ADDRESS" in os.environ:
        ray.init(log_to_driver=False)
    else:
        ray.init(
            num_cpus=workers, include_dashboard=False, log_to_driver=False, object_store_memory=_OBJECT_STORE_BYTES
        )
    ray.data.DataContext.get_current().enable_progress_bars = False
    numbers = ray.data.range(tasks, override_num_blocks=tasks)
    done = numbers.map(
        partial(_ray_task, folder),
        num_cpus=1,
        compute=ray.data.TaskPoolStrategy(size=workers),
        max_retries=_RETRIES,
    )
    for _ in done.iter_rows():
        pass
    ray.shutdown()  # of a cluster that was there before, it leaves all but this connection


def _ray_task(folder: str, row: dict[str, Any]) -> dict[str, Any]:
    # Processes started here would load Ray's own program first, which takes them a second, and have no use for it.
    vars(sys.modules["__main__"]).pop("__file__", None)
    do_task(folder, int(row["id"]))
    return row


_ENGINES: dict[str, Callable[[str, int, int], None]] = {"datatrove": _run_datatrove, "ray": _run_ray}
