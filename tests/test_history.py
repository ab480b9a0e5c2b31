"""Each change of a source file in a history becomes a row, or is rejected with a reason; all are counted."""

import json
import os
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from killing import check_bytes, lines_of

from lintseq.dataset.outputs import Target
from lintseq.errors import ConfigError, ProgramError
from lintseq.mining import HistoryOptions, MiningOptions, MiningReport, mine
from lintseq.mining.history import COMMIT_COLUMNS, check_secrets

CASES = Path(__file__).parent / "cases"
HISTORIES = tomllib.loads((CASES / "history.toml").read_text(encoding="utf-8"))["case"]
SECRETS = tomllib.loads((CASES / "secrets.toml").read_text(encoding="utf-8"))
MIT = "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof this\n"
Row = dict[str, Any]


def git(path: Path, *arguments: str, data: bytes = b"") -> None:
    subprocess.run(["git", "-C", str(path), *arguments], input=data, check=True, capture_output=True)


def repository(path: Path, commits: Sequence[Mapping[str, Any]], *, bare: bool = True) -> Path:
    """Make a repository of commits in the form of `cases/history.toml`."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main", "--template=", *["--bare"] * bare)
    stream = b"".join(commit_command(number, commit) for number, commit in enumerate(commits))
    git(path, "fast-import", "--quiet", data=stream)
    return path


def commit_command(number: int, commit: Mapping[str, Any]) -> bytes:
    message = commit.get("message", "Change the number").encode()
    parents = [f":{parent + 1}" for parent in commit.get("parents", [number - 1] * (number > 0))]
    head = [f"commit refs/heads/main\nmark :{number + 1}\ncommitter A <a@b.org> {number} +0000\ndata {len(message)}\n"]
    lines = [head[0].encode() + message + b"\n"]
    lines += [f"{word} {parent}\n".encode() for word, parent in zip(["from", "merge"], parents, strict=False)]
    for name, content in commit["files"].items():
        path = json.dumps(name, ensure_ascii=False).encode()
        if content is False:
            lines.append(b"D " + path + b"\n")
            continue
        file = {"text": content} if isinstance(content, str) else content
        data = bytes.fromhex(file["hex"]) * file.get("times", 1) if "hex" in file else file["text"].encode()
        mode = file.get("mode", "100644").encode()
        lines.append(b"M " + mode + b" inline " + path + b"\ndata " + str(len(data)).encode() + b"\n" + data + b"\n")
    return b"".join(lines)


def options_of(**options: Any) -> MiningOptions:
    return MiningOptions(commits=True, history=HistoryOptions(**options))


def mined(sources: Path | list[Path], output: Path, **options: Any) -> tuple[MiningReport, list[Row], list[Row]]:
    """Return the report, the rows and the rejected ones."""
    found = sources if isinstance(sources, list) else [sources]
    report = mine(found, output, options_of(**options), workers=1, overwrite=True)
    return report, lines_of(output), lines_of(output.with_suffix(".rejected.jsonl"))


# Which changes become rows


@pytest.mark.parametrize("case", HISTORIES, ids=lambda case: case["claim"])
def test_each_change_has_its_outcome(case: Row, tmp_path: Path) -> None:
    path = repository(tmp_path / "area.git", case["commits"])
    report, rows, rejected = mined(path, tmp_path / "out.jsonl", **case.get("options", {}))
    at = {line["line"] - 1: line["reason"] for line in rejected}
    assert [at.get(index, "ok") for index in range(report.files)] == case["outcomes"]
    assert len(rows) + len(rejected) == report.files
    assert report.commits == len(case["commits"])
    assert {tuple(row) for row in rows} <= {tuple(COMMIT_COLUMNS)}


def test_a_row_says_where_it_comes_from_and_names_nobody(tmp_path: Path) -> None:
    message = "Double the number\n\nIt was too small.\n\nCo-authored-by: B <b@c.org>\nChange-Id: I12\n"
    commits: list[Row] = [
        {"files": {"LICENSE": MIT, "p/a.py": "x = 1\n"}},
        {"files": {"p/a.py": "x = 2\n"}, "message": message},
    ]
    path = repository(tmp_path / "area.git", commits)
    head = subprocess.check_output(["git", "-C", str(path), "rev-parse", "main"], text=True).strip()
    _, (row,), _ = mined(path, tmp_path / "out.jsonl")
    assert row == {
        "repo": "area",
        "commit": head,
        "path": "p/a.py",
        "message": "Double the number\n\nIt was too small.",
        "old_contents": "x = 1\n",
        "new_contents": "x = 2\n",
        "license": "MIT",
    }


@pytest.mark.parametrize(
    ("files", "license"),
    [
        ({}, None),
        ({"COPYING": "Anything.", "docs/LICENSE": MIT, "license.py": "1"}, "COPYING"),
        ({"LICENSE-MIT.txt": MIT, "LICENSE-APACHE": "Apache License\nVersion 2.0, January"}, "Apache-2.0 AND MIT"),
        ({"LICENCE": {"text": "LICENSE", "mode": "120000"}, "LICENSE": MIT}, "LICENCE AND MIT"),
        ({"LICENSE": {"hex": "ff00", "times": 600_000}}, "LICENSE"),
    ],
)
def test_the_license_is_that_of_the_license_files(files: Row, license: str | None, tmp_path: Path) -> None:
    commits = [{"files": {**files, "a.py": "x = 1\n"}}, {"files": {"a.py": "x = 2\n"}}]
    _, (row,), _ = mined(repository(tmp_path / "r", commits), tmp_path / "out.jsonl")
    assert row["license"] == license


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/owner/area.git", "owner/area"),
        ("https://user:word@example.org/group/owner/area/", "owner/area"),
        ("https://user:word@example.org/area", "area"),
        ("git@example.org:owner/area.git", "owner/area"),
        ("ssh://git@example.org:22/owner/area", "owner/area"),
        ("/home/someone/area", "it"),
        ("../someone/area.git", "it"),
        ("file:///home/someone/area", "it"),
    ],
)
def test_a_repository_is_named_after_where_it_was_cloned_from_or_its_folder(
    url: str, name: str, tmp_path: Path
) -> None:
    commits = [{"files": {"a.py": "x = 1\n"}}, {"files": {"a.py": "x = 2\n"}}]
    path = repository(tmp_path / "it", commits, bare=False)
    git(path, "remote", "add", "origin", url)
    _, (row,), _ = mined(path, tmp_path / "out.jsonl")
    assert row["repo"] == name


def test_repositories_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    commits = [{"files": {"a.py": "x = 1\n"}}, {"files": {"a.py": "x = 2\n"}}]
    paths = [repository(tmp_path / owner / "area.git", commits) for owner in ("me", "you")]
    _, rows, _ = mined(paths, tmp_path / "out.jsonl")
    assert [row["repo"] for row in rows] == ["me/area", "you/area"]
    _, rows, rejected = mined(paths, tmp_path / "out.jsonl", distinct=True)
    assert (len(rows), [line["reason"] for line in rejected]) == (1, ["root", "root", "duplicate"])


@pytest.mark.parametrize("line", SECRETS["secrets"].strip().splitlines())
def test_what_looks_like_a_secret_is_found(line: str) -> None:
    with pytest.raises(ProgramError, match="secret: ") as caught:
        check_secrets(f"x = 1\n{line.replace('~', '')}\n")
    assert line.replace("~", "") not in str(caught.value)


@pytest.mark.parametrize("line", SECRETS["harmless"].strip().splitlines())
def test_what_only_talks_of_secrets_is_not(line: str) -> None:
    check_secrets(f"x = 1\n{line}\n")


# Any history


TEXTS = st.sampled_from(["x = 1\n", "x = 2\n", "x = 1\ny = 2\n", "def f(:\n", "", "x = 1", "x = 1\r\n"])
FILES = st.dictionaries(st.sampled_from(["a.py", "b.py", "tests/test_c.py", "d.md"]), TEXTS, max_size=3)
COMMITS = st.lists(FILES, min_size=1, max_size=7)


@settings(max_examples=6, deadline=None)
@given(commits=COMMITS, max_files=st.integers(1, 3), no_tests=st.booleans(), distinct=st.booleans())
def test_every_row_is_in_the_history_and_everything_else_has_a_reason(
    commits: list[dict[str, str]],
    max_files: int,
    no_tests: bool,
    distinct: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("history")
    path = repository(folder / "r", [{"files": files} for files in commits])
    options = {"max_files": max_files, "no_tests": no_tests, "distinct": distinct}
    report, rows, rejected = mined(path, folder / "out.jsonl", **options)
    state: dict[str, str] = {}
    changes = []
    for files in commits:
        changes += [(name, state[name], text) for name, text in sorted(files.items()) if state.get(name, text) != text]
        state |= files
    found = [(row["path"], row["old_contents"], row["new_contents"]) for row in rows]
    rest = iter(changes)
    assert all(row in rest for row in found)  # in the order of the history
    assert len(rows) + len(rejected) == report.files == len(rows) + sum(report.rejections.values())
    assert not [name for name, _, _ in found if no_tests and name.startswith("tests")]
    if distinct:
        assert len({row[1:] for row in found}) == len(found)
    whole = {(row["record"]["commit"], row["record"].get("path")) for row in rejected}
    assert len(whole | {(row["commit"], row["path"]) for row in rows}) == report.files


# Runs


def many(path: Path) -> Path:
    return repository(path, [{"files": {f"m{n % 3}.py": f"x = {n // 2}\n"}} for n in range(60)])


@pytest.mark.parametrize(
    "target", [Target("out.jsonl"), pytest.param(Target("out", shards=3, shard_kind="jsonl"), marks=pytest.mark.slow)]
)
def test_workers_and_kills_do_not_change_the_bytes(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = many(tmp_path / "r")
    options = options_of(distinct=True)
    assert check_bytes(partial(mine, [path], target, options), tmp_path, monkeypatch, kills=(3, 30, 50))


def test_a_history_that_has_grown_is_not_resumed(tmp_path: Path) -> None:
    path = many(tmp_path / "r")
    mine([path], tmp_path / "out.jsonl", options_of(), workers=1)
    git(path, "update-ref", "refs/heads/main", "main~1")
    with pytest.raises(ConfigError, match="was made with other"):
        mine([path], tmp_path / "out.jsonl", options_of(), workers=1, resume=True)


def test_neither_settings_nor_variables_change_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = many(tmp_path / "r")
    _, rows, _ = mined(path, tmp_path / "out.jsonl")
    (tmp_path / "order").write_text("*.md\n")
    settings = {"log.showSignature": "true", "diff.renames": "copies", "diff.orderFile": str(tmp_path / "order")}
    for name, value in {**settings, "log.diffMerges": "first-parent", "color.ui": "always"}.items():
        git(path, "config", name, value)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert mined(path, tmp_path / "out.jsonl")[1] == rows


def test_a_damaged_history_is_mined_up_to_the_damage(tmp_path: Path) -> None:
    path = repository(tmp_path / "r", [{"files": {"a.py": f"x = {n}\n"}} for n in range(4)])
    for kind in ("HEAD~1^{tree}", "HEAD~2:a.py"):
        name = subprocess.check_output(["git", "-C", str(path), "rev-parse", kind], text=True).strip()
        (path / "objects" / name[:2] / name[2:]).unlink()
    report, rows, rejected = mined(path, tmp_path / "out.jsonl")
    assert (rows, [line["reason"] for line in rejected]) == ([], ["root", "unreadable"])
    assert "git log ends early" in report.broken_inputs[0]


# What cannot be mined


def test_what_is_no_repository_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = [{"files": {"p/a.py": f"x = {n}\n"}} for n in range(3)]
    path = repository(tmp_path / "r", commits, bare=False)
    git(path, "checkout", "--quiet", "main")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{path}", "shallow")
    git(tmp_path, "init", "--quiet", "empty")
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    for name, message in {
        "none": "none is not a folder; --commits takes local git repositories",
        "r/p/a.py": "is not a folder",
        "r/p": "p is not a git repository; name the folder of a clone",
        "shallow": r"shallow is a shallow clone; .*: git -C \S*shallow fetch --unshallow",
        "empty": r"empty has no commits on its current branch; .*symbolic-ref",
        "empty.git": "empty.git has no commits",
    }.items():
        with pytest.raises(ConfigError, match=message):
            mine([tmp_path / name], tmp_path / "out.jsonl", options_of())
    with pytest.raises(ConfigError, match="several repositories are named"):
        mine([path, path], tmp_path / "out.jsonl", options_of())
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(ConfigError, match="--commits needs the program git; install it"):
        mine([path], tmp_path / "out.jsonl", options_of())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (MiningOptions(commits=True, tasks=True), "choose what to mine"),
        (
            MiningOptions(commits=True, keep=("x",)),
            "--code-field, --id-field and --keep have no effect with --commits",
        ),
        (
            MiningOptions(tasks=True, history=HistoryOptions(no_tests=True)),
            "--no-tests has no effect without --commits",
        ),
        (options_of(max_changed_lines=0), "--max-changed-lines"),
        (options_of(min_words=0), "--min-words"),
    ],
)
def test_options_that_cannot_work_are_refused(options: MiningOptions, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        mine([many(tmp_path / "r")], tmp_path / "out.jsonl", options)
