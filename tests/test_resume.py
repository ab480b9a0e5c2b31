"""Nothing is lost or repeated: a build that was interrupted in any way resumes, with the same bytes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from killing import Killed, files_in, kill_at

from lintseq.dataset import pipeline
from lintseq.dataset.build import build
from lintseq.dataset.outputs import Target
from lintseq.dataset.report import BuildProgress
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.screening import ScreeningOptions
from lintseq.errors import BuildInterrupted, ConfigError, LintseqError
from lintseq.rows import read_rows
from lintseq.storage import AppendFile, SaveTimer, append, work

BAD = ({"program": "print 1"}, {"program": ""}, {"code": "x = 1"})


@pytest.fixture(autouse=True)
def often_saved_in_small_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(append, "FRAME_BYTES", 700)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("rows") / "in.jsonl"
    with path.open("w") as file:
        for n in range(120):
            k = n // 2 * 2 if n % 7 in (3, 5) else n  # some programs come twice, some of them with other blank lines
            blank = "\n" * ((n if n % 7 == 5 else k) % 3)
            program = f"x{k} = {k}\n{blank}for i in range(x{k}):\n    print(i, 'é')\n"
            row = BAD[n % 3] if n % 11 == 5 else {"program": program}
            file.write(json.dumps({"id": n, "instruction": "Write it.", **row}) + "\n" * (1 + n % 2))
    return str(path)


TARGETS = {
    "lines": Target("out.jsonl"),
    "gzip": Target("out.jsonl.gz", "why.jsonl.zst"),
    "zstd": Target("out.jsonl.zst"),
    "Parquet": Target("out.parquet"),
    "shards of lines": Target("out", shards=3, shard_kind="jsonl"),
    "shards of Parquet": Target("out", shards=4),
    "shards of 17 records": Target("out", shard_rows=17, shard_kind="jsonl.zst"),
    "Parquet of 30 records": Target("out", shard_rows=30),
    "rejected elsewhere": Target("out", "elsewhere/why.jsonl", shards=2),
    "no near duplicates": Target("out.jsonl"),
    "shards without duplicates": Target("out", shards=3, shard_kind="jsonl"),
}
SCREENING = {
    "no near duplicates": ScreeningOptions(duplicates="near", similarity=0.8),
    "shards without duplicates": ScreeningOptions(duplicates="exact"),
}


def run(folder: Path, rows: str, name: str, *, workers: int = 1, **arguments: Any) -> None:
    target = TARGETS[name]
    os.makedirs(folder / "elsewhere", exist_ok=True)
    placed = Target(
        str(folder / target.output),
        target.rejected and str(folder / target.rejected),
        target.shards,
        target.shard_rows,
        target.shard_kind,
    )
    options = BuildOptions(samples=2, screening=SCREENING.get(name, ScreeningOptions()))
    build([rows], placed, options=options, workers=workers, **arguments)


@pytest.fixture(scope="module")
def undisturbed(rows: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(append, "FRAME_BYTES", 700)
        for name in TARGETS:
            folder = tmp_path_factory.mktemp("undisturbed")
            run(folder, rows, name, workers=2)
            found[name] = files_in(folder)
    return found


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
@pytest.mark.parametrize("name", TARGETS)
def test_a_run_killed_anywhere_and_resumed_gives_the_same_bytes(
    name: str,
    seed: int,
    rows: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: dict[str, dict[str, bytes]],
) -> None:
    chance = random.Random(f"{name} {seed}")
    lag = chance.randint(1, 5)
    batches = iter(range(10**6))
    monkeypatch.setattr(SaveTimer, "run", lambda self, save: save() if next(batches) % lag == 0 else None)
    for limit in sorted(chance.choices(range(1, 121), k=chance.randint(1, 4))):
        with suppress(Killed):  # which comes too late if only the last rows were left
            run(tmp_path, rows, name, resume=True, on_progress=kill_at(limit))
            assert limit > 60
    run(tmp_path, rows, name, resume=True)
    assert files_in(tmp_path) == undisturbed[name]


def test_programs_that_come_twice_are_rejected_the_second_time(undisturbed: dict[str, dict[str, bytes]]) -> None:
    found = {}
    for name in SCREENING:
        rejected = next(data for path, data in undisturbed[name].items() if path.endswith("rejected.jsonl"))
        rejections = list(map(json.loads, rejected.splitlines()))
        found[name] = {row["id"]: row["detail"] for row in rejections if "duplicate" in row["reason"]}
    exact, near = found["shards without duplicates"], found["no near duplicates"]
    assert all(int(detail.partition("(id ")[2].rstrip(")")) == id - 1 for id, detail in exact.items())
    assert set(exact) <= set(near), (exact, near)
    assert len(near) > len(exact) > 0


def test_a_run_that_ctrl_c_stopped_remembers_the_programs_it_saw(
    rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, dict[str, bytes]]
) -> None:
    monkeypatch.setattr(SaveTimer, "run", lambda self, save: None)

    def stop(progress: BuildProgress) -> None:
        if progress.rows >= 40:
            raise KeyboardInterrupt

    with pytest.raises(BuildInterrupted):
        run(tmp_path, rows, "no near duplicates", on_progress=stop)
    run(tmp_path, rows, "no near duplicates", resume=True)
    assert files_in(tmp_path) == undisturbed["no near duplicates"]


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("moves", range(4))
def test_a_run_killed_while_its_files_get_their_names_is_finished(
    name: str,
    moves: int,
    rows: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: dict[str, dict[str, bytes]],
) -> None:
    left = iter(range(moves))

    def rename(source: str, target: str, old: str) -> None:
        if next(left, None) is None:
            raise Killed
        replace(source, target, old)

    replace = work.rename
    monkeypatch.setattr(work, "rename", rename)
    try:
        run(tmp_path, rows, name)
    except Killed:
        monkeypatch.setattr(work, "rename", replace)
        run(tmp_path, rows, name, resume=True)
    assert files_in(tmp_path) == undisturbed[name]


def test_a_finished_run_is_left_as_it_is(rows: str, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    first = build([rows], output, workers=1)
    before = output.stat().st_mtime_ns
    again = build([rows], output, workers=1, resume=True)
    assert (again.nothing_to_do, again.new_rows, again.counts()) == (True, 0, first.counts())
    assert output.stat().st_mtime_ns == before
    assert not (tmp_path / "out.jsonl.partial").exists()


def interrupted(rows: str, output: Path) -> None:
    def kill(progress: BuildProgress) -> None:
        if progress.rows >= 20:
            raise Killed

    with pytest.raises(Killed):
        build([rows], output, workers=1, on_progress=kill)


def test_an_unfinished_run_is_neither_resumed_nor_replaced_unless_requested(rows: str, tmp_path: Path) -> None:
    interrupted(rows, tmp_path / "out.jsonl")
    with pytest.raises(
        ConfigError, match=r"partial holds an unfinished run: continue it with --resume, or .*--overwrite"
    ):
        build([rows], tmp_path / "out.jsonl", workers=1)
    build([rows], tmp_path / "out.jsonl", workers=1, overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["out.jsonl", "out.manifest.json", "out.rejected.jsonl"]


@pytest.mark.parametrize("finished", [False, True])
def test_resuming_with_other_settings_is_refused_with_what_differs(rows: str, tmp_path: Path, finished: bool) -> None:
    output = tmp_path / "out.jsonl"
    if finished:
        build([rows], output, workers=1)
    else:
        interrupted(rows, output)
    before = files_in(tmp_path)
    with pytest.raises(ConfigError, match=r"options samples was 1, and is 3; options seed was 0, and is 7"):
        build([rows], output, options=BuildOptions(samples=3, seed=7), workers=1, resume=True)
    after = files_in(tmp_path)
    assert {name: data for name, data in after.items() if not name.endswith("lock")} == {
        name: data for name, data in before.items() if not name.endswith("lock")
    }


def test_resuming_with_another_input_is_refused(rows: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    shutil.copy(rows, source)
    interrupted(str(source), tmp_path / "out.jsonl")
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join(lines[:1] + lines))
    with pytest.raises(ConfigError, match=r"inputs 1 fingerprint size was \d+, and is \d+"):
        build([str(source)], tmp_path / "out.jsonl", workers=1, resume=True)


def test_what_cannot_be_read_twice_cannot_be_resumed(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with pytest.raises(ConfigError, match="cannot be read twice"):
        build([f"/dev/fd/{reading}"], tmp_path / "out.jsonl", workers=1, resume=True)
    os.close(reading)


def test_of_two_builds_of_one_output_the_second_is_refused(rows: str, tmp_path: Path) -> None:
    def second(progress: BuildProgress) -> None:
        with pytest.raises(ConfigError, match=rf"out.jsonl is being written by process {os.getpid()} on .*; wait"):
            build([rows], tmp_path / "out.jsonl", workers=1, overwrite=True)

    build([rows], tmp_path / "out.jsonl", workers=1, on_progress=second)
    assert len(list(read_rows(str(tmp_path / "out.jsonl")))) > 100


def test_a_folder_that_lintseq_did_not_write_is_never_replaced(rows: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="was not written by lintseq"):
        build([rows], Target(str(tmp_path / "out"), shards=2), workers=1, overwrite=True)
    assert (tmp_path / "out/thesis.tex").exists()


def test_a_folder_that_lintseq_wrote_is_replaced_completely(rows: str, tmp_path: Path) -> None:
    target = Target(str(tmp_path / "out"), shards=5, shard_kind="jsonl")
    build([rows], target, workers=1)
    build([rows], Target(str(tmp_path / "out"), shards=2, shard_kind="jsonl"), workers=1, overwrite=True)
    assert sorted(os.listdir(tmp_path / "out/data")) == ["train-00000.jsonl", "train-00001.jsonl"]
    assert sorted(os.listdir(tmp_path)) == ["out", "out.local.json", "out.rejected.jsonl"]


def test_a_folder_with_the_suffix_old_is_left_alone(rows: str, tmp_path: Path) -> None:
    (tmp_path / "out.old").mkdir()
    (tmp_path / "out.old/thesis.tex").write_text("years of work")
    for _ in range(2):
        build([rows], Target(str(tmp_path / "out"), shards=2, shard_kind="jsonl"), workers=1, overwrite=True)
    assert (tmp_path / "out.old/thesis.tex").exists()


@pytest.mark.parametrize("how", [{}, {"resume": True}, {"overwrite": True}])
@pytest.mark.parametrize("finished", [False, True])
def test_of_two_outputs_that_would_share_a_manifest_the_second_is_refused(
    how: dict[str, bool], finished: bool, rows: str, tmp_path: Path
) -> None:
    if finished:
        build([rows], tmp_path / "out.jsonl", workers=1)
    else:
        interrupted(rows, tmp_path / "out.jsonl")
    before = files_in(tmp_path)
    with pytest.raises(
        ConfigError, match=r"exists; choose another name|manifest .* would be replaced; choose another"
    ):
        build([rows], tmp_path / "out.jsonl.gz", workers=1, **how)
    assert files_in(tmp_path) == before


def test_a_full_disk_ends_the_run_and_free_space_lets_it_resume(
    rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, dict[str, bytes]]
) -> None:
    write = AppendFile.write

    def fill(self: AppendFile, lines: bytes) -> None:
        if self._file.tell() > 3000:
            self._file.write(lines[:10])
            raise OSError(28, "No space left on device")
        write(self, lines)

    with monkeypatch.context() as patch:
        patch.setattr(AppendFile, "write", fill)
        with pytest.raises(LintseqError, match=r"No space left on device; what is done is in .* --resume"):
            run(tmp_path, rows, "lines")
    run(tmp_path, rows, "lines", resume=True)
    assert files_in(tmp_path) == undisturbed["lines"]


def test_data_that_does_not_fit_on_the_disk_is_dropped_on_release() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("the system has no device that is always full")
    file = AppendFile("/dev/full")
    file.write(b"{}\n")
    with pytest.raises(OSError, match="No space left"):
        file.mark()
    file.release()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lines", "Parquet"])
def test_files_that_may_not_grow_end_the_run_with_one_line(name: str, rows: str, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    target = TARGETS[name]
    output = str(tmp_path / target.output)
    command = [sys.executable, "-m", "lintseq", "build", rows, "--samples", "300", "--workers", "1", "--quiet"]
    ended = subprocess.run(
        [*command, "--output", output], check=False, preexec_fn=limited, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"lintseq: cannot continue with {output}: ")
    assert ended.stderr.endswith(f"what is done is in {output}.partial; continue with --resume\n")
    subprocess.run([*command, "--output", output, "--resume"], check=True)
    (tmp_path / "alone").mkdir()
    subprocess.run([*command, "--output", str(tmp_path / "alone" / target.output)], check=True)
    alone = files_in(tmp_path / "alone")
    assert {name: data for name, data in files_in(tmp_path).items() if not name.startswith("alone")} == alone


@pytest.mark.slow
def test_a_process_killed_by_sigkill_resumes_to_the_same_bytes(rows: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lintseq", "build", rows, "--output", str(tmp_path / "out.jsonl"), "--quiet"]
    command += ["--samples", "300", "--workers", "2", "--resume"]
    chance = random.Random(1)
    for _ in range(3):
        process = subprocess.Popen(command)
        time.sleep(chance.uniform(0.4, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True)
    alone = tmp_path / "alone.jsonl"
    build([rows], alone, options=BuildOptions(samples=300), workers=1)
    assert (tmp_path / "out.jsonl").read_bytes() == alone.read_bytes()


def test_shards_share_the_input_evenly_and_in_order(rows: str, tmp_path: Path) -> None:
    build([rows], Target(str(tmp_path / "out"), shards=4, shard_kind="jsonl"), workers=2)
    ids = [
        [int(json.loads(row.data)["id"]) for row in read_rows(str(path))]
        for path in sorted((tmp_path / "out/data").iterdir())
    ]
    assert len(ids) == 4
    assert all(20 <= len(shard) <= 35 for shard in ids)
    flat = [id for shard in ids for id in shard]
    assert flat == sorted(flat)
    assert len(flat) == 120 - 11


def test_full_shards_have_the_requested_number_of_records(rows: str, tmp_path: Path) -> None:
    build([rows], Target(str(tmp_path / "out"), shard_rows=25, shard_kind="jsonl.gz"), workers=2)
    sizes = [len(list(read_rows(str(path)))) for path in sorted((tmp_path / "out/data").iterdir())]
    assert sizes == [25, 25, 25, 25, 9]
