"""Would another process pool do what `lintseq.storage.map_in_order` does? Ours, Pebble's and loky's on the same rows.

Speed, with 64 rows in a task and with one; and what becomes of 300 rows of which one crashes its process, or
hangs in a way that no signal interrupts. Pools that are not installed are left out: pip install pebble loky
"""

import ctypes
import importlib.util
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from itertools import islice
from typing import Any

import orjson
from common import Report, Source, Table, arguments, instruction_pairs, note
from scale import altered

from lintseq.dataset.batches import Batch, BatchResult, RowWorker, process_batches
from lintseq.dataset.sampler import BuildOptions
from lintseq.rows import Fields, RawRow
from lintseq.walks import SamplingOptions

FIELDS = Fields("program", "instruction", id="id")
WORKERS = 2
AHEAD = 16
"""Tasks that are given to a pool before their results are wanted."""
PATIENCE = 60
"""Seconds after which a pool that gives nothing more is given up."""


class Traps:
    """A linter that dies or hangs where the program says so."""

    def check(self, source: str) -> list[Any]:
        first = source.partition("\n")[0]
        if first == "die = 1":
            os._exit(7)
        if first == "spin = 1":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            while True:
                pass
        return []


TRAPS = Traps()
TRAPPED = BuildOptions(sampling=SamplingOptions(linter="pools:TRAPS"), row_timeout=1.0)
PLAIN = BuildOptions()

_worker: dict[str, RowWorker] = {}


def work(batch: Batch, options: BuildOptions) -> BatchResult:
    """Do a batch in a process of another pool."""
    if "worker" not in _worker:
        _worker["worker"] = RowWorker(options)
    worker = _worker["worker"]
    with worker.limits.installed():
        return worker(batch)


def ours(batches: Iterator[Batch], options: BuildOptions) -> Iterator[BatchResult]:
    for _, result in process_batches(batches, options, workers=WORKERS):
        yield result


def pebble(batches: Iterator[Batch], options: BuildOptions) -> Iterator[BatchResult]:
    """Each task has the time limit of its rows together; one that fails is lost whole."""
    from pebble import ProcessExpired, ProcessPool

    with ProcessPool(max_workers=WORKERS) as pool:
        waiting: deque[Any] = deque()

        def oldest() -> Iterator[BatchResult]:
            with suppress(ProcessExpired, FutureTimeout):
                yield waiting.popleft().result()

        for batch in batches:
            limit = (options.row_timeout + 1) * len(batch.rows)
            waiting.append(pool.schedule(work, args=(batch, options), timeout=limit))
            if len(waiting) >= AHEAD:
                yield from oldest()
        while waiting:
            yield from oldest()


def loky(batches: Iterator[Batch], options: BuildOptions) -> Iterator[BatchResult]:
    """There is no time limit; a process that dies takes all tasks along that are under way."""
    from loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(max_workers=WORKERS)
    waiting: deque[Any] = deque()
    try:
        for batch in batches:
            waiting.append(pool.submit(work, batch, options))
            if len(waiting) >= AHEAD:
                yield waiting.popleft().result(PATIENCE)
        while waiting:
            yield waiting.popleft().result(PATIENCE)
    finally:
        pool.shutdown(wait=False, kill_workers=True)


POOLS: dict[str, Callable[[Iterator[Batch], BuildOptions], Iterator[BatchResult]]] = {
    "ours": ours,
    "pebble": pebble,
    "loky": loky,
}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="rows for the speed (default: 20000)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each pool (default: 3)")
    options = parser.parse_args()
    report = Report("pools", "Pools: ours beside Pebble's and loky's")
    pools = [name for name in POOLS if name == "ours" or importlib.util.find_spec(name)]
    for name in POOLS.keys() - set(pools):
        note(f"{name} is not installed: pip install {name}")
    adopt_orphans()
    pairs = instruction_pairs(options.pairs, seed=options.seed)
    rows = rows_of(pairs, options.rows)
    speeds = [
        speed(name, rows[: options.rows // (1 if size == 64 else 4)], size, options.rounds)
        for size in (64, 1)
        for name in pools
    ]
    fates = [fate(name, pairs, trap, size) for trap in ("die = 1", "spin = 1") for size in (64, 1) for name in pools]
    header = ["rows a task", "pool", "rows a second", "processor ms a row"]
    report.tables.append(Table("Speed, two workers, medians", header, speeds))
    header = ["a row that", "rows a task", "pool", "rows accounted for, of 300", "seconds", "ended by"]
    report.tables.append(Table("A hostile row", header, fates))
    report.numbers = {f"{name} {size}": rate for size, name, rate, _ in speeds}
    report.publish(options.results)


def adopt_orphans() -> None:
    """Make this process the parent of what its children leave behind, so that their processor time is counted."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def rows_of(pairs: list[Source], count: int) -> list[RawRow]:
    return [RawRow(index, index + 1, orjson.dumps(row), 0) for index, row in enumerate(islice(altered(pairs), count))]


def batches(rows: list[RawRow], size: int) -> Iterator[Batch]:
    for start in range(0, len(rows), size):
        yield Batch("rows", FIELDS, rows[start : start + size])


def speed(name: str, rows: list[RawRow], size: int, rounds: int) -> list[Any]:
    """Return the middle of some runs: rows a second, and processor time for a row, of all processes."""
    rates, costs = [], []
    for _ in range(rounds):
        (done, seconds), cost = in_a_process(lambda: timed(name, rows, size))
        if done != len(rows):
            raise SystemExit(f"{name} did {done} of {len(rows)} rows")
        rates.append(len(rows) / seconds)
        costs.append(1000 * cost / len(rows))
        note(f"{size} rows a task, {name}: {rates[-1]:,.0f} rows a second")
    return [size, name, round(sorted(rates)[rounds // 2]), f"{sorted(costs)[rounds // 2]:.3f}"]


def timed(name: str, rows: list[RawRow], size: int) -> tuple[int, float]:
    """Return how many rows a pool has done, and in how many seconds."""
    started = time.perf_counter()
    done = sum(result.tally.rows for result in POOLS[name](batches(rows, size), PLAIN))
    return done, time.perf_counter() - started


def in_a_process(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call gives in a process of its own, without threads of other pools, and what that costs."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = context.Process(target=lambda: sender.send(work()))
    process.start()
    given = receiver.recv()
    process.join()
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return given, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def fate(name: str, pairs: list[Source], trap: str, size: int) -> list[Any]:
    """Return what becomes of rows one of which is hostile."""
    rows = rows_of(pairs, 300)
    row = orjson.loads(rows[150].data)
    rows[150] = RawRow(150, 151, orjson.dumps({**row, "program": trap + "\n" + row["program"]}), 0)
    (done, seconds, end), _ = in_a_process(lambda: fared(name, rows, size))
    note(f"{trap}, {size} rows a task, {name}: {done} rows, {seconds:.1f} s, ended by {end}")
    return [{"die = 1": "crashes", "spin = 1": "hangs"}[trap], size, name, done, f"{seconds:.1f}", end]


def fared(name: str, rows: list[RawRow], size: int) -> tuple[int, float, str]:
    """Return how many rows a pool has done, in how many seconds, and what ended it."""
    started = time.perf_counter()
    done, end = 0, "itself"
    try:
        for result in POOLS[name](batches(rows, size), TRAPPED):
            done += result.tally.rows
    except Exception as error:  # whatever the pool says
        end = type(error).__name__
    return done, time.perf_counter() - started, end


if __name__ == "__main__":
    main()
