"""Make pairs of versions of real files for `versions.py`: from the histories of git repositories, or from releases.

    python benchmarks/version_pairs.py commits --output commits.jsonl REPOSITORY...
    python benchmarks/version_pairs.py releases --output releases.jsonl --part heldout

A source that is in the output already is not made again. The packages and their releases are in `releases.csv`, whose
parts share no package. Both versions of a pair are programs, and they differ in more than line endings.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from common import HERE, is_usable, note

MAX_FILES = 3
"""The most Python files of a commit that is used."""
MAX_LINES = {"commits": 800, "releases": 1500}
"""The most lines of a file."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="the JSON Lines file, to which is appended")
    parser.add_argument("--most", type=int, default=400, help="pairs per repository or package (default: 400)")
    parser.add_argument("--seed", type=int, default=0)
    kinds = parser.add_subparsers(dest="kind", required=True)
    commits = kinds.add_parser("commits", help="files that commits change")
    commits.add_argument("repositories", type=Path, nargs="+")
    releases = kinds.add_parser("releases", help="files in two releases of packages")
    releases.add_argument("--part", default="dev", help="the packages of this part of releases.csv (default: dev)")
    options = parser.parse_args()
    done = finished(options.output)
    if options.kind == "commits":
        sources = {repository_name(path): commit_pairs(path, options.seed) for path in options.repositories}
    else:
        with (HERE / "releases.csv").open() as file:
            packages = [row for row in csv.DictReader(file) if row["part"] == options.part]
        sources = {row["package"]: release_pairs(row, options.seed) for row in packages}
    for name, pairs in sources.items():
        if name not in done:
            add(options.output, name, pairs, options.most, MAX_LINES[options.kind])


def finished(path: Path) -> set[str]:
    """Return the sources of all pairs in a file."""
    if not path.exists():
        return set()
    with path.open() as file:
        return {json.loads(line)["repo"] for line in file}


def add(path: Path, name: str, pairs: Iterable[dict[str, str]], most: int, lines: int) -> None:
    """Append up to `most` distinct pairs of a source to a file, all at once."""
    rows: dict[tuple[str, str], str] = {}
    for pair in pairs:
        texts = pair["old_contents"], pair["new_contents"]
        if max(text.count("\n") for text in texts) <= lines and differ(*texts) and all(map(is_usable, texts)):
            rows[texts] = json.dumps({"repo": name, **pair}) + "\n"
        if len(rows) == most:
            break
    with path.open("a") as file:
        file.writelines(rows.values())
    note(f"{name}: {len(rows)} pairs")


def differ(old: str, new: str) -> bool:
    return old.splitlines() != new.splitlines()


# Commits


def repository_name(path: Path) -> str:
    """Return a short name of a repository, by its folder or that of its git directory."""
    return path.parent.name if path.name in ("repo", ".git") else path.name


def commit_pairs(repository: Path, seed: int) -> Iterator[dict[str, str]]:
    """Yield the files that commits with one parent change, in random order; a commit changes few Python files."""
    options = ["--all", "--no-merges", "--no-renames", "--raw", "--no-abbrev", "--format=%x00%H%n%B%x01"]
    log = git(repository, "log", *options)
    commits = []
    for entry in log.decode(errors="replace").split("\0")[1:]:
        head, _, changes = entry.partition("\1")
        commit, _, message = head.partition("\n")
        modified = [line.split(None, 5) for line in changes.splitlines() if line.startswith(":")]
        modified = [words for words in modified if words[5].endswith(".py")]
        if 0 < len(modified) <= MAX_FILES:
            commits += [(commit, message.strip(), words) for words in modified if words[4] == "M"]
    random.Random(seed).shuffle(commits)
    blobs = subprocess.Popen(
        ["git", "-C", repository, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with blobs:
        for commit, message, (_, _, old, new, _, path) in commits:
            before, after = read_blob(blobs, old), read_blob(blobs, new)
            about = {"commit": commit, "path": path, "message": message}
            if before is not None and after is not None:
                yield {**about, "old_contents": before, "new_contents": after}


def git(repository: Path, *words: str) -> bytes:
    return subprocess.run(["git", "-C", repository, *words], capture_output=True, check=True).stdout


def read_blob(process: "subprocess.Popen[bytes]", name: str) -> str | None:
    """Return the text of a blob, or None if there is none or it is no text."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(name.encode() + b"\n")
    process.stdin.flush()
    words = process.stdout.readline().split()
    if len(words) != 3:
        return None
    data = process.stdout.read(int(words[2]) + 1)[:-1]
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


# Releases


def release_pairs(row: dict[str, str], seed: int) -> Iterator[dict[str, str]]:
    """Yield the files that differ in two releases of a package, in random order."""
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as folder:
        wheels = [download(row["package"] + row[version], Path(folder) / version) for version in ("old", "new")]
        if None in wheels:
            return
        files = [python_members(wheel) for wheel in wheels if wheel]
        names = "..".join(wheel.name.split("-")[1] for wheel in wheels if wheel)
    shared = sorted(path for path in files[0].keys() & files[1].keys() if files[0][path] != files[1][path])
    random.Random(seed).shuffle(shared)
    for path in shared:
        about = {"commit": names, "path": path, "message": ""}
        yield {**about, "old_contents": files[0][path], "new_contents": files[1][path]}


def download(requirement: str, folder: Path) -> Path | None:
    """Return the wheel of the newest release that a requirement allows, or None if there is none for this Python."""
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    if subprocess.run([*words, "--dest", folder, requirement], check=False, stderr=subprocess.DEVNULL).returncode:
        note(f"no wheel of {requirement}")
        return None
    return next(folder.glob("*.whl"))


def python_members(wheel: Path) -> dict[str, str]:
    """Return the texts of a wheel's Python files, by path."""
    texts = {}
    with zipfile.ZipFile(wheel) as archive:
        for path in archive.namelist():
            if path.endswith(".py"):
                try:
                    texts[path] = archive.read(path).decode()
                except UnicodeDecodeError:
                    continue
    return texts


if __name__ == "__main__":
    main()
