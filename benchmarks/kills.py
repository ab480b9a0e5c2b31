"""Repeatedly killed builds: is the output identical to that of an uninterrupted build, and how much work is lost?

Builds each kind of output once without interruption, and once in a process that is killed (SIGKILL) at random moments
and restarted with `--resume` until it has been killed `--kills` times; the last run completes. If a build completes
earlier, it is compared and another one starts. Random moments rarely hit the phase that finishes and renames files, so
short builds are also killed near their end.
"""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from common import Goal, Report, Table, arguments, build_command, instruction_pairs, note
from scale import write_input

KINDS = {"edits.jsonl": [], "edits.jsonl.zst": [], "edits.parquet": [], "shards of Parquet": ["--shards", "4"]}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=50, help="kills per build (default: 50)")
    parser.add_argument("--megabytes", type=int, default=60, help="size of the input (default: 60)")
    parser.add_argument("--late", type=int, default=20, help="kills of short builds near their end (default: 20)")
    parser.add_argument("--longest", type=float, default=2.5, help="maximum seconds before a kill (default: 2.5)")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    report = Report("kills", "Killed builds: bytes and work lost")
    report.notes.append(
        f"Only the main process is killed, {options.kills} times per kind of output, between 0.2 and"
        f" {options.longest} seconds after its start; its workers must exit by themselves. Lost work is the time"
        " from the last saved progress to the kill."
        f" There are {options.late} late kills besides: a build of a thirtieth of the rows is killed once, after 85 to"
        " 105 % of its usual duration, and resumed; builds that ended before are not counted."
    )
    rows: list[list[object]] = []
    lost_all: list[float] = []
    different = left_over = 0
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        source, count = write_input(
            folder / "rows.jsonl", instruction_pairs(options.pairs, seed=options.seed), options.megabytes * 1_000_000
        )
        few, _ = write_input(
            folder / "few.jsonl",
            instruction_pairs(options.pairs, seed=options.seed),
            options.megabytes * 1_000_000 // 30,
        )
        for kind, extra in KINDS.items():
            output = "edits" if extra else kind
            uninterrupted, killed = (folder / kind.replace(" ", "-") / name for name in ("alone", "killed"))
            for path in (uninterrupted, killed):
                path.mkdir(parents=True)
            started = time.perf_counter()
            command = build_command(source, uninterrupted / output, "--quiet", *extra)
            subprocess.run([str(word) for word in command], check=True)
            alone = time.perf_counter() - started
            command = [
                word
                for word in build_command(source, killed / output, "--quiet", "--resume", *extra)
                if word != "--overwrite"
            ]
            lost: list[float] = []
            unequal: list[str] = []
            builds = 0
            while len(lost) < options.kills:
                shutil.rmtree(killed)
                killed.mkdir()
                state = killed / f"{output}.partial" / "state.json"
                lost += kill_often(command, state, options.kills - len(lost), options.longest, chance)
                subprocess.run([str(word) for word in command], check=True)
                unequal += differing(uninterrupted, killed)
                builds += 1
            late = [
                differing(*pair)
                for pair in kill_late(few, killed.with_name("late"), output, extra, options.late, chance)
            ]
            unequal += [name for names in late for name in names]
            different += len(unequal)
            left_over += children_left(source) + children_left(few)
            lost_all += lost
            rows.append(
                [
                    kind,
                    count,
                    f"{alone:.1f}",
                    builds,
                    len(lost),
                    len(late),
                    len(unequal),
                    f"{middle(lost):.2f}",
                    f"{max(lost):.2f}",
                ]
            )
            note(f"{kind}: {len(lost)} kills, different: {unequal or 'nothing'}")
    report.tables.append(
        Table(
            "Kinds of output",
            [
                "output",
                "rows",
                "s alone",
                "builds",
                "kills",
                "late kills",
                "files different",
                "s lost, median",
                "s lost, most",
            ],
            rows,
        )
    )
    report.goals += [
        Goal("files different", different, most=0),
        Goal("seconds of work lost, median", middle(lost_all), most=2),
        Goal("processes left behind", left_over, most=0),
    ]
    report.numbers = {
        "kills": len(lost_all),
        "lost_seconds_median": middle(lost_all),
        "lost_seconds_most": max(lost_all),
    }
    report.publish(options.results)


def kill_often(
    command: list[str | Path], state: Path, kills: int, longest: float, chance: random.Random
) -> Iterator[float]:
    """Start the build and kill it, `kills` times or until it ends; yield the seconds of work lost by each kill."""
    for _ in range(kills):
        process = subprocess.Popen([str(word) for word in command])
        started = time.time()
        try:
            process.wait(chance.uniform(0.2, longest))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        else:
            if process.returncode:
                raise SystemExit(f"the build failed, with status {process.returncode}: {command}")
            break
        killed = time.time()
        saved = state.stat().st_mtime if state.exists() else started
        yield killed - max(saved, started)


def kill_late(
    source: Path, folder: Path, output: str, extra: list[str], kills: int, chance: random.Random
) -> Iterator[tuple[Path, Path]]:
    """Kill builds near their end and resume them; yield the folders of an uninterrupted and of each killed build."""
    alone, killed = folder / "alone", folder / "killed"
    alone.mkdir(parents=True)
    command = [str(word) for word in build_command(source, alone / output, "--quiet", *extra)]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    whole = time.perf_counter() - started
    command = [str(word) for word in build_command(source, killed / output, "--quiet", "--resume", *extra)]
    command.remove("--overwrite")
    for _ in range(5 * kills):
        killed.mkdir()
        process = subprocess.Popen(command)
        try:
            process.wait(whole * chance.uniform(0.85, 1.05))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            subprocess.run(command, check=True)
            yield alone, killed
            kills -= 1
        shutil.rmtree(killed)
        if not kills:
            break
    shutil.rmtree(folder)


def differing(first: Path, second: Path) -> list[str]:
    """Return the names of files that are not in both folders with the same bytes."""
    names = {
        str(path.relative_to(folder)) for folder in (first, second) for path in folder.rglob("*") if path.is_file()
    }
    return sorted(
        name
        for name in names
        if not (
            (first / name).exists()
            and (second / name).exists()
            and (first / name).read_bytes() == (second / name).read_bytes()
        )
    )


def children_left(source: Path) -> int:
    """Return the number of processes reading `source` that are still alive a second later."""
    time.sleep(1)
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return sum(str(source) in line for line in listed.splitlines())


def middle(numbers: list[float]) -> float:
    return sorted(numbers)[len(numbers) // 2]


if __name__ == "__main__":
    main()
