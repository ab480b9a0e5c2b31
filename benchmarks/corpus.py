"""Do hostile programs get their expected verdicts, without side effects?

Each program of `tests/hostile_programs` runs in the sandbox, and the sandbox runs in the jail of `tests/jail.py`: a
read-only root that contains the programs even if the sandbox fails. They run as the current user, as an unprivileged
user if the current one is root, and once where /proc cannot be mounted, as in containers. Then again where a system
call filter refuses namespaces, as Docker's default one does: there the sandbox is confined.
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

CATEGORIES = {
    "environment": "reads or changes its environment",
    "exit": "exits early, or crashes",
    "file": "writes or reads files that are not its own",
    "forge": "forges a pass",
    "good": "correct, but does what sandboxes often forbid",
    "leftover": "leaves something behind for the next program",
    "memory": "allocates memory",
    "network": "connects to others",
    "output": "prints or returns too much, or odd values",
    "process": "starts and kills processes",
    "time": "does not end",
}

Reports = Mapping[str, Mapping[str, Any]]
"""The runner's report by setting."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The user who starts the sandbox, and its surroundings."""

    title: str
    options: tuple[str, ...]


def settings() -> list[Setting]:
    """Return the settings; running as another user requires root."""
    is_root = os.geteuid() == 0
    found = [Setting("as root" if is_root else "as an unprivileged user", ())]
    if is_root:
        found.append(Setting("as an unprivileged user", ("--user", "12345")))
    confined = [Setting(f"confined, {setting.title}", ("--like-docker", *setting.options)) for setting in found]
    return [*found, Setting(f"{found[0].title}, without its own /proc", ("--masked-proc",)), *confined]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder for the results")
    parser.add_argument(
        "--no-results", dest="results", action="store_const", const=None, help="print results without storing them"
    )
    options = parser.parse_args()
    report = Report("corpus", "Hostile programs in the sandbox")
    reports = {setting.title: run(setting) for setting in settings()}
    programs = sorted(next(iter(reports.values()))["programs"])
    report.tables += [table_by_category(programs, reports), table_by_setting(reports), table_of_known(reports)]
    wrong = {title: wrong_in(found) for title, found in reports.items()}
    changes = {title: found["changes"] for title, found in reports.items()}
    report.goals += [
        Goal("programs", len(programs), least=100),
        Goal("programs with a wrong result, in any setting", sum(map(len, wrong.values())), most=0),
        Goal("changes outside the sandbox", sum(map(len, changes.values())), most=0),
    ]
    report.notes.append(
        "A result counts as expected if the verdict, output and return value match the program's header, its attack"
        " failed, and a pass that may be forged is marked as suspect. Programs that need a missing isolation layer or"
        " library are skipped. Programs that the level confined does not stop, or to which it does not offer what they"
        " need, are known beforehand, with a reason in their header; each is listed."
    )
    report.numbers |= {
        "programs": len(programs),
        "wrong": wrong,
        "changes": changes,
        "skipped": {title: skipped_in(found) for title, found in reports.items()},
        "verdicts": {title: dict(verdicts(found).most_common()) for title, found in reports.items()},
    }
    report.publish(options.results)
    if not all(goal.met for goal in report.goals):
        sys.exit(1)


def run(setting: Setting) -> dict[str, Any]:
    """Return the runner's report, including its duration in seconds."""
    started = time.monotonic()
    command = [sys.executable, ROOT / "tests" / "hostile.py"]
    found: dict[str, Any] = run_jailed(command, options=setting.options)
    found["seconds"] = time.monotonic() - started
    note(f"{setting.title}: {len(found['programs'])} programs in {found['seconds']:.0f} s, wrong: {wrong_in(found)}")
    return found


def wrong_in(report: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: result["problems"] for name, result in report["programs"].items() if result.get("problems")}


def skipped_in(report: Mapping[str, Any]) -> dict[str, str]:
    return {name: result["skipped"] for name, result in report["programs"].items() if "skipped" in result}


def verdicts(report: Mapping[str, Any]) -> Counter[str]:
    return Counter(result["verdict"] for result in report["programs"].values() if "verdict" in result)


def table_by_category(programs: list[str], reports: Reports) -> Table:
    """Return the number of expected results by category and setting."""
    groups = defaultdict(list)
    for name in programs:
        groups[name.partition("_")[0]].append(name)
    rows: list[list[object]] = [
        [CATEGORIES.get(category, category), len(names), *(cell(report, names) for report in reports.values())]
        for category, names in groups.items()
    ]
    rows.append(["all", len(programs), *(cell(report, programs) for report in reports.values())])
    return Table("Expected results, by what a program does", ["the program", "programs", *reports], rows)


def cell(report: Mapping[str, Any], names: list[str]) -> str:
    wrong, skipped = wrong_in(report), skipped_in(report)
    known = [name for name in names if report["programs"][name].get("known")]
    left_out = sum(name in skipped for name in names)
    right = sum(name not in wrong and name not in skipped for name in names) - len(known)
    return f"{right}" + (f", {left_out} skipped" if left_out else "") + (f", {len(known)} known" if known else "")


def table_by_setting(reports: Reports) -> Table:
    rows = [
        [
            title,
            report["level"]["level"],
            ", ".join(name for name, on in report["level"]["layers"].items() if not on) or "none",
            ", ".join(f"{count} {verdict}" for verdict, count in verdicts(report).most_common()),
            len(report["changes"]),
            f"{report['seconds']:.0f}",
        ]
        for title, report in reports.items()
    ]
    return Table("Settings", ["setting", "level", "layers off", "verdicts", "changes outside", "seconds"], rows)


def table_of_known(reports: Reports) -> Table:
    """Return the programs with another result at the level confined, each with the reason."""
    confined = {
        title: report["programs"] for title, report in reports.items() if report["level"]["level"] == "confined"
    }
    names = sorted({name for results in confined.values() for name in results if results[name].get("known")})
    rows = []
    for name in names:
        found = {title: results[name] for title, results in confined.items() if results[name].get("known")}
        kind = "not stopped" if any("breach" in text for row in found.values() for text in row["known"]) else "fails"
        who = "any" if len(found) == len(confined) else ", ".join(title.removeprefix("confined, ") for title in found)
        rows.append([name, kind, who, next(iter(found.values()))["reason"]])
    return Table("At the level confined", ["program", "result", "user", "reason"], rows)


if __name__ == "__main__":
    main()
