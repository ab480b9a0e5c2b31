"""Could Pebble or loky replace lintseq's process pool, `lintseq.storage.map_in_order`?

Measures speed with 64 rows per task and with one, and how many of 300 rows survive if one of them crashes its process
or hangs uninterruptibly. Pools that are not installed are skipped: pip install pebble loky
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
"""Tasks submitted to a pool before their results are needed."""
PATIENCE = 60
"""Seconds without a result after which a pool is considered stuck."""


class Traps:
    """A linter that crashes or hangs on certain programs."""

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
    """Process a batch in a process of another pool."""
    if "worker" not in _worker:
        _worker["worker"] = RowWorker(options.row_work())
    worker = _worker["worker"]
    with worker.limits.installed():
        return worker(batch)


def ours(batches: Iterator[Batch], options: BuildOptions) -> Iterator[BatchResult]:
    for _, result in process_batches(batches, options.row_work(), workers=WORKERS):
        yield result


def pebble(batches: Iterator[Batch], options: BuildOptions) -> Iterator[BatchResult]:
    """Each task has the sum of its rows' time limits; a task that fails is lost entirely."""
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
    """There is no time limit; if a process dies, all running tasks are lost."""
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
    parser.add_argument("--rows", type=int, default=20_000, help="rows for the speed test (default: 20000)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each pool (default: 3)")
    options = parser.parse_args()
    report = Report("pools", "Process pools: lintseq compared with Pebble and loky")
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
    header = ["rows per task", "pool", "rows per second", "CPU ms per row"]
    report.tables.append(Table("Speed, two workers, medians", header, speeds))
    header = ["a row that", "rows per task", "pool", "rows accounted for, of 300", "seconds", "ended by"]
    report.tables.append(Table("A hostile row", header, fates))
    report.numbers = {f"{name} {size}": rate for size, name, rate, _ in speeds}
    report.publish(options.results)


def adopt_orphans() -> None:
    """Adopt orphaned processes, so that their CPU time counts."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def rows_of(pairs: list[Source], count: int) -> list[RawRow]:
    return [RawRow(index, index + 1, orjson.dumps(row), 0) for index, row in enumerate(islice(altered(pairs), count))]


def batches(rows: list[RawRow], size: int) -> Iterator[Batch]:
    for start in range(0, len(rows), size):
        yield Batch("rows", FIELDS, rows[start : start + size])


def speed(name: str, rows: list[RawRow], size: int, rounds: int) -> list[Any]:
    """Return the medians over the rounds: rows per second, and CPU time per row of all processes."""
    rates, costs = [], []
    for _ in range(rounds):
        (done, seconds), cost = in_a_process(lambda: timed(name, rows, size))
        if done != len(rows):
            raise SystemExit(f"{name} did {done} of {len(rows)} rows")
        rates.append(len(rows) / seconds)
        costs.append(1000 * cost / len(rows))
        note(f"{size} rows per task, {name}: {rates[-1]:,.0f} rows per second")
    return [size, name, round(sorted(rates)[rounds // 2]), f"{sorted(costs)[rounds // 2]:.3f}"]


def timed(name: str, rows: list[RawRow], size: int) -> tuple[int, float]:
    """Return the number of rows that a pool processed, and the duration in seconds."""
    started = time.perf_counter()
    done = sum(result.tally.rows for result in POOLS[name](batches(rows, size), PLAIN))
    return done, time.perf_counter() - started


def in_a_process(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of a call in a separate process, without threads of other pools, and its CPU seconds."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = context.Process(target=lambda: sender.send(work()))
    process.start()
    result = receiver.recv()
    process.join()
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return result, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def fate(name: str, pairs: list[Source], trap: str, size: int) -> list[Any]:
    """Return a row of the table: how many rows survive a hostile one."""
    rows = rows_of(pairs, 300)
    row = orjson.loads(rows[150].data)
    rows[150] = RawRow(150, 151, orjson.dumps({**row, "program": trap + "\n" + row["program"]}), 0)
    (done, seconds, end), _ = in_a_process(lambda: survivors(name, rows, size))
    note(f"{trap}, {size} rows per task, {name}: {done} rows, {seconds:.1f} s, ended by {end}")
    return [{"die = 1": "crashes", "spin = 1": "hangs"}[trap], size, name, done, f"{seconds:.1f}", end]


def survivors(name: str, rows: list[RawRow], size: int) -> tuple[int, float, str]:
    """Return the number of rows that a pool processed, the duration in seconds, and what ended it."""
    started = time.perf_counter()
    done, end = 0, "itself"
    try:
        for result in POOLS[name](batches(rows, size), TRAPPED):
            done += result.tally.rows
    except Exception as error:  # any exception of the pool
        end = type(error).__name__
    return done, time.perf_counter() - started, end


if __name__ == "__main__":
    main()
