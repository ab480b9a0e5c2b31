"""Files that survive kills, runs that resume to the same bytes, and processes that keep the order."""

import gzip
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lintseq.errors import ConfigError, ToolError
from lintseq.storage import (
    AppendFile,
    PartIsolation,
    SaveTimer,
    WorkDirectory,
    append,
    batched,
    check_settings,
    lock_directory,
    map_in_order,
    public,
    write_atomically,
)

LINES = [f"line {number} {'x' * (number % 7)}\n".encode() for number in range(40)]
posix = pytest.mark.skipif(sys.platform != "linux", reason="needs os.fork")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Append-only files


@pytest.mark.parametrize("name", ["out.txt", "out.gz", "out.zst"])
def test_a_file_cut_back_to_a_mark_and_continued_has_the_same_bytes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(append, "FRAME_BYTES", 50)
    whole = AppendFile(str(tmp_path / f"whole-{name}"))
    for line in LINES:
        whole.write(line)
    whole.close()
    path = str(tmp_path / name)
    file = AppendFile(path)
    for number, line in enumerate(LINES):
        if number in (0, 7, 30):
            mark = json.loads(json.dumps(file.mark()))
            file.write(b"a line that was never saved\n" * 5)
            file.release()
            file = AppendFile(path, mark)
        file.write(line)
    file.close()
    assert Path(path).read_bytes() == Path(whole.path).read_bytes()


def test_an_empty_compressed_file_can_be_read(tmp_path: Path) -> None:
    file = AppendFile(str(tmp_path / "out.gz"))
    file.close()
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()) == b""


def test_a_file_that_lost_saved_bytes_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "out.txt")
    file = AppendFile(path)
    file.write(b"12345678\n")
    mark = file.mark()
    file.close()
    os.truncate(path, 3)
    with pytest.raises(ConfigError, match="has lost some of the 9 bytes"):
        AppendFile(path, mark)
    os.remove(path)
    with pytest.raises(ConfigError, match="has lost some"):
        AppendFile(path, mark)


# Resumable runs


def write_lines(target: Path, *, save_each: int = 16, **arguments: Any) -> dict[str, Any]:
    """A run as in the package docstring: a compressed file, and one beside it."""
    manifest = str(target.parent / "out.manifest.json")
    with WorkDirectory(target, {"lines": len(LINES)}, manifest=manifest, **arguments) as work:
        if work.manifest is not None:
            return work.manifest
        saved = work.progress or {"lines": 0, "marks": [None, None]}
        files = [AppendFile(work.file(name), mark) for name, mark in zip("ab", saved["marks"], strict=True)]
        for number, line in enumerate(LINES[saved["lines"] :], saved["lines"] + 1):
            for file in files:
                file.write(line)
            if number % save_each == 0:
                work.save({"lines": number, "marks": [file.mark() for file in files]})
        for file in files:
            file.close()
        work.finish([(files[1].path, f"{target}.b"), (files[0].path, str(target))], {"count": len(LINES)})
        assert work.manifest is not None
    return work.manifest


def write_directory(target: Path, **arguments: Any) -> dict[str, Any]:
    with WorkDirectory(target, {"a": 1}, **arguments) as work:
        if work.manifest is not None:
            return work.manifest
        folder = work.file("output")
        os.makedirs(folder, exist_ok=True)
        work.save({"step": 0})
        for step in range(work.progress["step"] if work.progress else 0, 2):
            write_atomically(os.path.join(folder, str(step)), b"%d" % step)
            work.save({"step": step})
        work.finish([(folder, str(target))], {"steps": 4})
        assert work.manifest is not None
    return work.manifest


def killed_at(operation: int, run: Callable[[], object]) -> bool:
    """Run in a child process that ends, as by a kill, before the n-th operation on the disk; False if it completes."""
    child = os.fork()
    if child == 0:
        operations = count(1)

        def counted(function: Callable[..., Any]) -> Callable[..., Any]:
            def counting(*arguments: Any, **options: Any) -> Any:
                if next(operations) == operation:
                    os._exit(9)
                return function(*arguments, **options)

            return counting

        for name in ("fsync", "replace", "rename", "remove", "unlink", "rmdir", "makedirs"):
            setattr(os, name, counted(getattr(os, name)))
        try:
            run()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 9


@posix
@pytest.mark.parametrize("write", [write_lines, write_directory])
@pytest.mark.parametrize("there", [False, True], ids=["new", "replacing"])
def test_a_run_killed_at_any_operation_and_resumed_gives_the_same_bytes(
    write: Callable[..., object], there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # slow, and no kill of a process needs it
    (tmp_path / "alone").mkdir()
    write(tmp_path / "alone/out")
    wanted = contents(tmp_path / "alone")
    for operation in count(1):
        folder = tmp_path / str(operation)
        folder.mkdir()
        if there:
            write(folder / "out")
        if not killed_at(operation, lambda folder=folder: write(folder / "out", overwrite=there)):
            break
        again = 0
        while killed_at(5 + operation % 7, lambda folder=folder: write(folder / "out", resume=True)) and again < 1:
            again += 1
        write(folder / "out", resume=True)
        assert contents(folder) == wanted, operation
        shutil.rmtree(folder)
    assert operation > 15


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "out")
    before = contents(tmp_path)
    assert write_lines(tmp_path / "out", resume=True) == first
    assert contents(tmp_path) == before
    with pytest.raises(ConfigError, match=r"out exists; choose another name, or replace it with --overwrite"):
        write_lines(tmp_path / "out")


def unfinished(target: Path, settings: Any = None) -> None:
    with WorkDirectory(target, settings) as work:
        work.save({"step": 1})


def test_an_unfinished_run_is_neither_resumed_nor_replaced_unless_requested(tmp_path: Path) -> None:
    unfinished(tmp_path / "out")
    with pytest.raises(ConfigError, match=r"holds an unfinished run: continue it with --resume, or .* --overwrite"):
        WorkDirectory(tmp_path / "out")
    with WorkDirectory(tmp_path / "out", resume=True) as work:
        assert work.progress == {"step": 1}
    with WorkDirectory(tmp_path / "out", overwrite=True) as work:
        assert work.progress is None
    assert os.listdir(tmp_path) == []


def test_a_run_that_saved_nothing_or_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    with WorkDirectory(tmp_path / "out") as work:
        Path(work.file("draft")).write_text("never saved")
    assert os.listdir(tmp_path) == []
    with WorkDirectory(tmp_path / "out") as work:
        work.save({})
        work.discard()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("finish", [False, True])
def test_a_folder_names_local_files_without_their_folders_but_resumes_only_with_the_same(
    finish: bool, tmp_path: Path
) -> None:
    inputs = ["/home/me/in.jsonl", "hf:me/data", "s3://key@bucket/a.jsonl?k=1"]
    settings = {"inputs": inputs, "run": "command:/opt/x -a"}
    with WorkDirectory(tmp_path / "out", settings) as work:
        os.makedirs(work.file("files"))
        work.save(1)
        if finish:
            work.finish([(work.file("files"), work.target)], {"note": "/home/me/in.jsonl"})
    if finish:
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        names = ["in.jsonl", "hf:me/data", "s3://bucket/a.jsonl"]
        assert manifest == {"settings": {"inputs": names, "run": "command:x -a"}, "note": "in.jsonl"}
        assert json.loads((tmp_path / "out.local.json").read_text()) == {"settings": settings}
    with WorkDirectory(tmp_path / "out", settings, resume=True) as work:
        assert (work.manifest is not None) is finish
    with pytest.raises(ConfigError, match=r"inputs 1 was '/home/me/in\.jsonl', and is '/home/you/in\.jsonl'"):
        others = ["/home/you/in.jsonl", *inputs[1:]]
        WorkDirectory(tmp_path / "out", {**settings, "inputs": others}, resume=True)


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("/home/me/data/in.jsonl", "in.jsonl"),
        ("/home/me/two words/in put.jsonl", "in put.jsonl"),
        ("../me/*.py", "*.py"),
        ("~/in.jsonl", "in.jsonl"),
        ("~me/in.jsonl", "in.jsonl"),
        ("file:///home/me/in.jsonl", "in.jsonl"),
        ("hf:/home/me/set", "set"),
        ("here/in.jsonl", "in.jsonl"),
        ("elsewhere/model", "elsewhere/model"),
        ("https://me:key@host/a/b.jsonl?token=1", "https://host/a/b.jsonl"),
        ("command:/opt/me/lint --config ../me/x.toml {file}", "command:lint --config x.toml {file}"),
        ("the parts and/or n / m of 1/2", "the parts and/or n / m of 1/2"),
        ("/", "/"),
        ("-", "-"),
    ],
)
def test_names_of_files_are_public_and_their_folders_are_not(
    text: str, shared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert public({text: [text, 1, None]}) == {shared: [shared, 1, None]}
    assert public(shared) == shared


@pytest.mark.parametrize("finish", [False, True])
def test_resuming_with_other_settings_is_refused_with_the_differences(finish: bool, tmp_path: Path) -> None:
    settings = {"a": {"b": 1, "c": [1, 2]}, "d": "same"}
    if finish:
        with WorkDirectory(tmp_path / "out", settings) as work:
            os.makedirs(work.file("output"))
            work.finish([(work.file("output"), str(tmp_path / "out"))], {})
    else:
        unfinished(tmp_path / "out", settings)
    with pytest.raises(ConfigError, match=r"made with other settings: a b was 1, and is 2; a c 2 was 2, and is 3\. "):
        WorkDirectory(tmp_path / "out", {"a": {"b": 2, "c": [1, 3]}, "d": "same"}, resume=True)


def test_of_many_differences_the_first_ones_are_named() -> None:
    with pytest.raises(ConfigError, match=r"4 was None, and is 4; and 3 more\. Resume"):
        check_settings({}, {str(n): n for n in range(8)}, "out")


def test_a_directory_that_lintseq_did_not_write_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with WorkDirectory(tmp_path / "out"):  # an empty one may be
        pass
    (tmp_path / "out/thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="was not written by lintseq"):
        WorkDirectory(tmp_path / "out", overwrite=True)
    with pytest.raises(ConfigError, match="is a file, and a folder would replace it"):
        WorkDirectory(tmp_path / "out/thesis.tex", overwrite=True)
    with pytest.raises(ConfigError, match="is a folder, and a file would replace it"):
        WorkDirectory(tmp_path / "out", manifest=str(tmp_path / "out.json"), overwrite=True)
    with pytest.raises(ConfigError, match="exists and has no manifest"):
        WorkDirectory(tmp_path / "out", resume=True)


def test_only_one_process_can_have_a_working_directory(tmp_path: Path) -> None:
    with WorkDirectory(tmp_path / "out"):
        for way in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(ConfigError, match=rf"out is being written by process {os.getpid()} on .*; wait"):
                WorkDirectory(tmp_path / "out", **way)
    WorkDirectory(tmp_path / "out").close()
    lock_directory(str(tmp_path)).close()
    lock_directory(str(tmp_path)).close()


def test_a_file_in_place_of_the_working_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out.partial").write_text("mine")
    with pytest.raises(ConfigError, match="is in the way"):
        WorkDirectory(tmp_path / "out", overwrite=True)


def test_progress_is_saved_less_often_where_saving_takes_long() -> None:
    timer = SaveTimer(0.0)
    saved: list[float] = []

    def save() -> None:
        time.sleep(0.01)
        saved.append(time.monotonic())

    timer.run(save)
    timer.run(save)
    assert len(saved) == 1


# Batches


def test_batches_end_by_number_bytes_and_key() -> None:
    words = ["a", "bb", "c", "dddd", "e", "f", "g"]
    assert list(batched(words, 3)) == [["a", "bb", "c"], ["dddd", "e", "f"], ["g"]]
    assert list(batched(words, 9, max_bytes=3, size=len)) == [["a", "bb"], ["c", "dddd"], ["e", "f", "g"]]
    assert list(batched(words, 9, key=lambda word: word < "d")) == [words[:3], words[3:]]
    sizes = iter([1, 2, 2, 9, 9, 9, 9])
    assert list(batched(words, lambda: next(sizes))) == [["a"], ["bb", "c"], words[3:]]
    assert list(batched([], 3)) == []


def test_what_was_read_before_an_exception_comes_first() -> None:
    def broken() -> Iterator[int]:
        yield from range(5)
        raise EOFError

    found = []
    with pytest.raises(EOFError):
        for batch in batched(broken(), 3):
            found.append(batch)
    assert found == [[0, 1, 2], [3, 4]]


# Processes


def make_square() -> Callable[[int], int]:
    return lambda number: number * number


def make_trap() -> Callable[..., list[str]]:
    """Return work on lists of words, which does what a word says."""

    def work(words: list[str], begin: Callable[[int], None]) -> list[str]:
        for index, word in enumerate(words):
            begin(index)
            if word == "die":
                os._exit(7)
            if word == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if word == "hang":
                signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGINT})
                time.sleep(1000)
            if word == "eat":
                try:
                    bytearray(3_000_000_000)
                except MemoryError:
                    words = [*words[:index], "full", *words[index + 1 :]]
        return words

    return work


def isolation(**limits: Any) -> PartIsolation[list[str], list[str]]:
    return PartIsolation(
        part=lambda words, start, stop: words[start:stop],
        join=lambda results: [word for result in results for word in result],
        reject=lambda words, reason, detail: [f"{reason}: {detail}" for _ in words],
        **limits,
    )


@pytest.mark.parametrize(("workers", "fork"), [(1, True), (2, True), (2, False)])
def test_results_come_in_the_order_of_the_items(workers: int, fork: bool) -> None:
    found = list(map_in_order(make_square, range(50), workers=workers, fork=fork))
    assert found == [(number, number * number) for number in range(50)]


@posix
def test_a_part_that_dies_or_hangs_costs_itself_alone() -> None:
    items = [[str(n), str(n + 1)] for n in range(0, 40, 2)]
    items[3] = ["a", "die", "b", "hang", "kill", "c"]
    items[5] = ["hang"]
    expected = [list(item) for item in items]
    timeout = "timeout: not done after 0.2 seconds, and it could not be interrupted"
    crashed = "crashed: the process that worked on it"
    expected[3] = ["a", f"{crashed} ended with status 7", "b", timeout, f"{crashed} was ended by SIGKILL", "c"]
    expected[5] = [timeout]
    for workers in (1, 2):
        found = list(map_in_order(make_trap, items, workers=workers, isolation=isolation(timeout=0.2)))
        assert found == list(zip(items, expected, strict=True))


@posix
def test_work_is_limited_in_memory() -> None:
    ((_, found),) = map_in_order(make_trap, [["a", "eat", "b"]], workers=1, isolation=isolation(memory=100_000_000))
    assert found == ["a", "full", "b"]


@posix
@pytest.mark.parametrize("bound", [{"ahead": 5}, {"ahead": 1000, "ahead_bytes": 100}, {"ahead": 1000}])
def test_what_waits_for_an_item_that_hangs_is_bounded(bound: dict[str, int]) -> None:
    taken = []

    def items() -> Iterator[list[str]]:
        for number in range(100):
            taken.append(number)
            yield ["x" if number else "hang"]

    found = map_in_order(make_trap, items(), workers=2, isolation=isolation(timeout=0.3), **bound)
    with closing(found) as results:
        _, first = next(results)
    assert first[0].startswith("timeout")
    assert len(taken) == 100 if bound == {"ahead": 1000} else len(taken) <= 10


def make_death() -> Callable[[int], int]:
    return lambda number: os._exit(7) if number == 3 else number


def make_mistake() -> Callable[[int], float]:
    return lambda number: 1 / (3 - number)


def make_nothing() -> Callable[[int], int]:
    os._exit(3)


@pytest.mark.parametrize(
    ("make_work", "message"),
    [
        (make_death, "a worker process ended with status 7"),
        (make_mistake, "ZeroDivisionError: "),
        (make_nothing, r"does not start \(status 3\); .* `if __name__ == '__main__':`"),
    ],
)
def test_processes_that_fail_are_an_error(make_work: Callable[[], Callable[[int], Any]], message: str) -> None:
    with pytest.raises(ToolError, match=message):
        list(map_in_order(make_work, range(10), workers=2))
