"""How long does it take to mine a git history of 10,000 commits, of which half become rows?

The history is made with `git fast-import`: the hunks between two releases of packages (those for development in
`releases.csv`), there and back, each a commit of its own, and between them commits that are skipped. This project's
own history is mined too, and repositories that are named.
"""

import random
import subprocess
import tempfile
from collections.abc import Iterator
from csv import DictReader
from difflib import SequenceMatcher
from itertools import chain
from pathlib import Path

from common import HERE, ROOT, Goal, Report, Table, arguments, lintseq_command, note, read_jsonl, run
from version_pairs import release_pairs, repository_name

COMMITS = 10_000
ROWS = 5_000
WORKERS = (1, 2)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("repositories", type=Path, nargs="*", help="git repositories to mine as well")
    options = parser.parse_args()
    report = Report("history", "Mining git histories")
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        made, own = Path(name) / "made.git", Path(name) / "lintseq.git"
        make_repository(made, options.seed)
        git(Path(name), "clone", "--quiet", "--bare", str(ROOT), own.name)
        for path in (made, own, *options.repositories):
            for workers in WORKERS:
                rows.append(mined(path, Path(name), workers))
                note(" ".join(map(str, rows[-1])))
    assert isinstance(rows[1][2], int)
    assert isinstance(rows[1][4], float)
    report.goals.append(Goal(f"rows from {COMMITS:,} commits", rows[1][2], least=ROWS))
    report.goals.append(Goal("seconds, with two workers", rows[1][4], most=60))
    columns = ["repository", "commits", "rows", "workers", "seconds", "CPU seconds"]
    report.tables.append(Table("`lintseq mine REPOSITORY --commits --no-tests`", columns, rows))
    report.notes += [
        "The history of `made` consists of hunks between releases, and was packed by `git gc`.",
        "Seconds depend on what else the machine does (see the load); CPU seconds, of all processes, hardly do.",
    ]
    report.publish(options.results)


def mined(path: Path, folder: Path, workers: int) -> list[object]:
    """Return a row of the table: the cost of mining a repository."""
    output = folder / "commits.jsonl"
    command = [*lintseq_command(), "mine", path, "--commits", "--no-tests", "--output", output, "--overwrite"]
    cost = run([*command, "--workers", str(workers), "--quiet"])
    commits = int(git(path, "rev-list", "--count", "HEAD"))
    rows = sum(1 for _ in read_jsonl(output))
    name = repository_name(path).removesuffix(".git")
    return [name, commits, rows, workers, round(cost.seconds, 1), round(cost.cpu_seconds, 1)]


def git(path: Path, *words: str, data: bytes = b"") -> bytes:
    return subprocess.run(["git", "-C", path, *words], input=data, capture_output=True, check=True).stdout


# A history of hunks


def make_repository(path: Path, seed: int) -> None:
    """Make a bare repository of `COMMITS` commits."""
    with (HERE / "releases.csv").open() as file:
        packages = [row for row in DictReader(file) if row["part"] == "dev"]
    pairs = [pair for row in packages for pair in release_pairs(row, seed)]
    note(f"{len(pairs):,} pairs of files in two releases of {len(packages)} packages")
    stream = [commit(0, "Releases", [(pair["path"], pair["old_contents"]) for pair in pairs])]
    number = 0
    for number, (file, message) in enumerate(hunks(pairs, seed), 1):
        if number == COMMITS:
            break
        stream.append(commit(number, message, [file]) if number % 10 < 6 else skipped(number))
    git(path.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(path))
    git(path, "fast-import", "--quiet", data=b"".join(stream))
    git(path, "gc", "--quiet")
    note(f"{number:,} commits")


def hunks(pairs: list[dict[str, str]], seed: int) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the files with one hunk more each time, in random order, and a message."""
    back = [{**pair, "old_contents": pair["new_contents"], "new_contents": pair["old_contents"]} for pair in pairs]
    waiting = [chain(states(pair), states(other)) for pair, other in zip(pairs, back, strict=True)]
    random.Random(seed).shuffle(waiting)
    while waiting:
        index = random.Random(len(waiting)).randrange(len(waiting))
        if (state := next(waiting[index], None)) is None:
            waiting.pop(index)
        else:
            yield state, f"Follow the next release in {state[0]}"


def states(pair: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield a file after each of the hunks between its versions, from top to bottom."""
    old, new = (pair[name].splitlines(keepends=True) for name in ("old_contents", "new_contents"))
    for tag, _, old_end, _, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield pair["path"], "".join([*new[:new_end], *old[old_end:]])


def skipped(number: int) -> bytes:
    """Return a commit that does not become a row: other files, several files, a merge, a short message."""
    text = f"x = {number}\n"
    match number % 4:
        case 0:
            return commit(number, "Describe what is new", [("NEWS.md", text)])
        case 1:
            return commit(number, "Change several files at once", [("one.py", text), ("two.py", text)])
        case 2:
            return commit(number, "Merge what is there", [], merge=True)
    return commit(number, "Typo", [("one.py", text)])


def commit(number: int, message: str, files: list[tuple[str, str]], *, merge: bool = False) -> bytes:
    """Return a commit in the language of `git fast-import`."""
    lines = [f"commit refs/heads/main\nmark :{number + 1}\ncommitter A <a@b.org> {number} +0000".encode()]
    lines += [f"data {len(message)}\n{message}".encode()]
    lines += [f"from :{number}".encode()] * (number > 0) + [f"merge :{number - 1}".encode()] * merge
    for path, text in files:
        data = text.encode()
        lines.append(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data)
    return b"\n".join(lines) + b"\n"


if __name__ == "__main__":
    main()
