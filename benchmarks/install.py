"""The way in: from a wheel and an empty environment to edit sequences, and what starting costs.

Takes the wheel in `dist/`, where `make wheel` leaves it. The cache of pip is warm: an environment is made and filled
twice, and the second time counts. The user's own file is `tempfile.py` of the standard library.
"""

import inspect
import re
import sys
import tempfile
from pathlib import Path
from statistics import median

from common import ROOT, Cost, Goal, Report, Table, arguments, note, run

UNTIL = "Train and compare models"


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="how often each time is measured (default: 5)")
    options = parser.parse_args()
    wheel = next(ROOT.glob("dist/*.whl"), None)
    if wheel is None:
        raise SystemExit("there is no wheel in dist; run make wheel")
    with tempfile.TemporaryDirectory() as folder:
        install(wheel, Path(folder, "first"))
        note("the cache is warm")
        steps = first_edits(wheel, Path(folder))
        python = Path(folder, "venv", "bin", "python")
        started = starts(python, Path(folder), options.repeats)
        note("running the README")
        page = run([python, ROOT / "tests" / "pages.py", ROOT / "README.md", "--until", UNTIL], cwd=Path(folder))
    count = re.findall(r"README.md: (\d+) outputs$", page.output, re.M)
    if not count:
        raise SystemExit(page.output)
    total = sum(cost.seconds for cost in steps.values())
    seconds = {name: median(cost.seconds for cost in costs) for name, costs in started.items()}
    cpu = {name: median(cost.cpu_seconds for cost in costs) for name, costs in started.items()}
    report = Report("install", "From a wheel to edit sequences", notes=[inspect.getdoc(sys.modules[__name__]) or ""])
    report.goals = [
        Goal("seconds from `pip install` to the first edit sequence of one's own file, warm cache", total, most=60),
        Goal("minutes for all commands of the README up to evaluation", page.seconds / 60, most=5),
    ]
    report.tables = [
        Table(
            "From nothing to an edit sequence",
            ["step", "s", "CPU s"],
            [[name, f"{cost.seconds:.1f}", f"{cost.cpu_seconds:.1f}"] for name, cost in steps.items()],
        ),
        Table(
            f"Starting, median of {options.repeats}",
            ["what", "ms", "CPU ms"],
            [[name, f"{1000 * seconds[name]:.0f}", f"{1000 * cpu[name]:.0f}"] for name in started],
        ),
        Table(
            "Sizes",
            ["what", "MB"],
            [[path.name, f"{path.stat().st_size / 1e6:.2f}"] for path in sorted(wheel.parent.iterdir())],
        ),
    ]
    report.texts = [f"The README shows {count[0]} outputs up to evaluation; its commands take {page.seconds:.0f} s."]
    report.numbers = {
        "steps": {name: cost.seconds for name, cost in steps.items()},
        "starts": seconds,
        "starts_cpu": cpu,
        "readme_seconds": page.seconds,
        "wheel": wheel.stat().st_size,
    }
    report.publish(options.results)


def install(wheel: Path, folder: Path) -> dict[str, Cost]:
    """Make an environment with a wheel in it, and return the cost of each step."""
    made = run([sys.executable, "-m", "venv", folder])
    filled = run([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", wheel])
    return {"python -m venv": made, "pip install": filled}


def first_edits(wheel: Path, folder: Path) -> dict[str, Cost]:
    """Install a wheel and sample edits of a file, and return the cost of each step."""
    steps = install(wheel, folder / "venv")
    own = folder / "own.py"
    own.write_text(inspect.getsource(tempfile), encoding="utf-8")
    lintseq = folder / "venv" / "bin" / "lintseq"
    steps["lintseq sample own.py"] = run([lintseq, "sample", own])
    return steps


def starts(python: Path, folder: Path, repeats: int) -> dict[str, list[Cost]]:
    """Return the costs of several starts of each kind, in turns."""
    lintseq = python.with_name("lintseq")
    commands: dict[str, list[str | Path]] = {
        "python -c pass": [python, "-c", "pass"],
        "import lintseq": [python, "-c", "import lintseq"],
        "import lintseq; lintseq.sample_edits": [python, "-c", "import lintseq; lintseq.sample_edits"],
        "lintseq --help": [lintseq, "--help"],
        "lintseq build --help": [lintseq, "build", "--help"],
        "lintseq finetune --help": [lintseq, "finetune", "--help"],
        "lintseq recipes": [lintseq, "recipes"],
    }
    found: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            found[name].append(run(command, cwd=folder))
    return found


if __name__ == "__main__":
    main()
