"""Do hostile programs end as they should, and is everything else as before? Asked of the corpus in `tests/`.

Each program of `tests/evil_programs` runs in the sandbox, and the sandbox in the jail of `tests/jail.py`: a read-only
root that it cannot leave, whatever becomes of the sandbox. Once as whoever starts this, once as a user without
rights, if that is root, and once where no /proc of one's own can be had, as in containers.
"""

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import HERE, ROOT, Goal, Report, Table, note
from jailed import run_jailed

KINDS = {
    "environment": "reads or changes what is around it",
    "exit": "leaves early, or crashes",
    "file": "writes or reads files that are not its own",
    "forge": "forges a pass",
    "good": "is right, and does what guards often forbid",
    "leftover": "leaves something to the next program",
    "memory": "takes memory",
    "network": "reaches others",
    "output": "prints or returns too much, or odd things",
    "process": "starts processes, and kills them",
    "time": "does not end",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """Whom the sandbox is started by, and where."""

    title: str
    options: tuple[str, ...]


def settings() -> list[Setting]:
    """Return where the corpus is run; another user takes root."""
    is_root = os.geteuid() == 0
    found = [Setting("as root" if is_root else "as a user without rights", ())]
    if is_root:
        found.append(Setting("as a user without rights", ("--user", "12345")))
    return [*found, Setting(f"{found[0].title}, no /proc of its own", ("--masked-proc",))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results", help="where the results are kept")
    parser.add_argument("--no-results", dest="results", action="store_const", const=None, help="only print them")
    options = parser.parse_args()
    report = Report("corpus", "Hostile programs in the sandbox")
    told = {setting.title: run(setting) for setting in settings()}
    programs = sorted(next(iter(told.values()))["programs"])
    report.tables.append(by_kind(programs, told))
    report.tables.append(by_setting(told))
    wrong = {title: wrong_in(one) for title, one in told.items()}
    changed = {title: one["changes"] for title, one in told.items()}
    report.goals += [
        Goal("programs", len(programs), least=100),
        Goal("of them did not end as they should, in any setting", sum(map(len, wrong.values())), most=0),
        Goal("things changed outside of them", sum(map(len, changed.values())), most=0),
    ]
    report.notes.append(
        "A program is as it should be if its verdict is the one that it names, what it prints and returns too, if it"
        " found no way to what it tries, and if a pass that could be forged is marked. Skipped is what needs a layer"
        " or a library that is not there."
    )
    report.numbers |= {
        "programs": len(programs),
        "wrong": wrong,
        "changes": changed,
        "skipped": {title: skipped_in(one) for title, one in told.items()},
        "verdicts": {title: dict(verdicts(one).most_common()) for title, one in told.items()},
    }
    report.publish(options.results)
    if not all(goal.met for goal in report.goals):
        sys.exit(1)


def run(setting: Setting) -> dict[str, Any]:
    """Return what the runner of the corpus found."""
    started = time.monotonic()
    command = [sys.executable, ROOT / "tests" / "evil.py"]
    told: dict[str, Any] = run_jailed(command, options=setting.options)
    told["took"] = time.monotonic() - started
    note(f"{setting.title}: {len(told['programs'])} programs in {told['took']:.0f} s, wrong: {wrong_in(told)}")
    return told


def wrong_in(told: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: one["problems"] for name, one in told["programs"].items() if one.get("problems")}


def skipped_in(told: Mapping[str, Any]) -> dict[str, str]:
    return {name: one["skipped"] for name, one in told["programs"].items() if "skipped" in one}


def verdicts(told: Mapping[str, Any]) -> Counter[str]:
    return Counter(one["verdict"] for one in told["programs"].values() if "verdict" in one)


def by_kind(programs: list[str], told: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return how many programs of each kind ended as they should, in each setting."""
    groups = defaultdict(list)
    for name in programs:
        groups[name.partition("_")[0]].append(name)
    rows: list[list[object]] = [
        [KINDS.get(kind, kind), len(names), *(cell(one, names) for one in told.values())]
        for kind, names in groups.items()
    ]
    rows.append(["all", len(programs), *(cell(one, programs) for one in told.values())])
    return Table("As they should be, by what a program does", ["the program", "programs", *told], rows)


def cell(told: Mapping[str, Any], names: list[str]) -> str:
    wrong, skipped = wrong_in(told), skipped_in(told)
    left_out = sum(name in skipped for name in names)
    right = sum(name not in wrong and name not in skipped for name in names)
    return f"{right}" + (f", {left_out} skipped" if left_out else "")


def by_setting(told: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        [
            title,
            ", ".join(name for name, on in one["level"]["layers"].items() if not on) or "nothing",
            ", ".join(f"{count} {verdict}" for verdict, count in verdicts(one).most_common()),
            len(one["changes"]),
            f"{one['took']:.0f}",
        ]
        for title, one in told.items()
    ]
    return Table("Settings", ["setting", "layers off", "verdicts", "changes outside", "seconds"], rows)


if __name__ == "__main__":
    main()
