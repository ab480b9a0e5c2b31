"""Pipelines of other tools give the records of a local build, and a hostile row costs nothing but itself."""

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lintseq.dataset.batches import rows_of_shard
from lintseq.dataset.build import build
from lintseq.dataset.outputs import Target
from lintseq.dataset.outputs.parquet import loadable
from lintseq.dataset.sampler import BuildOptions, EditSampler
from lintseq.dataset.screening import ScreeningOptions
from lintseq.errors import ConfigError
from lintseq.rows import START, FieldNames, encode_row, open_inputs, read_rows
from lintseq.walks import SamplingOptions

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"

TRAPS = """
import os, signal

class Traps:
    def check(self, source):
        trap = source.partition("\\n")[0]
        if trap == "die = 1":
            os._exit(7)
        if trap == "orphan = 1":
            os.kill(os.getppid(), signal.SIGKILL)
            os._exit(7)
        if trap == "spin = 1":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            while True:
                pass
        return []

TRAPS = Traps()
"""
HOSTILE = BuildOptions(samples=2, sampling=SamplingOptions(linter="traps:TRAPS"), row_timeout=1.5)


@pytest.fixture
def traps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "traps.py").write_text(TRAPS)
    monkeypatch.syspath_prepend(folder)
    return folder


def rows(count: int, *hostile: str) -> list[dict[str, Any]]:
    bad: list[dict[str, Any]] = [{"program": "print 1"}, {"program": ""}, {"program": None}, {"code": "x = 1"}]
    found = []
    for n in range(count):
        program = f"x{n} = {n}\n" + "\n" * (n % 3) + f"for i in range(x{n}):\n    print(i, 'é')\n"
        if n % 23 == 7 and hostile:
            program = hostile[n // 23 % len(hostile)] + "\n" + program
        row = bad[n // 11 % 4] if n % 11 == 5 else {"program": program}
        found.append({"id": n, "instruction": f"Write {n % 40}.", **row})
    return found


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_bytes(b"".join(encode_row(row) + b"\n" * (1 + n % 2) for n, row in enumerate(rows)))
    return str(path)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Inputs of every kind


def parquet(path: Path) -> str:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    table_rows = [row for row in rows(120) if "program" in row]
    pq.write_table(pa.Table.from_pylist(table_rows), path, row_group_size=37)
    return str(path)


def gzipped(path: Path) -> str:
    path.write_bytes(gzip.compress(Path(write_jsonl(path, rows(150))).read_bytes(), compresslevel=1))
    return str(path)


def cut_off(path: Path) -> str:
    path.write_bytes(Path(gzipped(path)).read_bytes()[:-500])
    return str(path)


def damaged(path: Path) -> str:
    """Return a Parquet file that cannot be read beyond its second group."""
    pq = pytest.importorskip("pyarrow.parquet")
    data = bytearray(Path(parquet(path)).read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(2).column(2).data_page_offset
    data[start : start + 200] = os.urandom(200)
    path.write_bytes(data)
    return str(path)


def array(path: Path) -> str:
    path.write_text(json.dumps(rows(50)))
    return str(path)


def table(path: Path) -> str:
    lines = (f"{n},Write it.,x = {n}" for n in range(40))
    path.write_text("\n".join(["id,instruction,program", *lines]))
    return str(path)


MODULE = '''"""Print 17."""


def f():
    """Say 17."""
    print(17)


def g():
    """It."""
    f()
'''


def sources(path: Path) -> str:
    path.mkdir()
    for n in range(60):
        (path / f"m{n}.py").write_text(MODULE.replace("17", str(n)))
    return str(path)


def commits(count: int, *hostile: str) -> list[dict[str, Any]]:
    """Return rows with two versions, some of which are rejected."""
    found = []
    for n, row in enumerate(rows(count, *hostile)):
        new = row.get("program")
        old = f"x{n} = 0\n# old\nfor i in range(x{n}):\n    print(x{n})\n"
        odd: list[dict[str, Any]] = [
            {"old_contents": new},
            {"old_contents": None},
            {"new_contents": ""},
            {"old_contents": "print 1"},
            {"message": " "},
            {"old_contents": f"x{n} = {n}\n"},
        ]
        versions = {"old_contents": old, "new_contents": new, "message": f"Change {n % 40}."}
        path = {"commit": f"{n:040}", "path": "src/a.py", "repo": f"owner/{n % 5}"}
        found.append({**path, **versions, **(odd[n // 5 % 6] if n % 5 == 2 else {})})
    return found


def commits_parquet(path: Path) -> str:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.Table.from_pylist(commits(90)), path, row_group_size=23)
    return str(path)


def bug_fixes(path: Path) -> str:
    lines = (f"Write {n}.,x = {n}, x = {n % 4}" for n in range(40))
    path.write_text("\n".join(["instruction,after,before", *lines]))
    return str(path)


INPUTS: dict[str, Callable[[Path], str]] = {
    "commits.jsonl": lambda path: write_jsonl(path, commits(120)),
    "commits.parquet": commits_parquet,
    "fixes.csv": bug_fixes,
    "lines.jsonl": lambda path: write_jsonl(path, rows(130)),
    "lines.jsonl.gz": gzipped,
    "off.jsonl.gz": cut_off,
    "rows.parquet": parquet,
    "damaged.parquet": damaged,
    "array.json": array,
    "table.csv": table,
    "sources": sources,
}


@pytest.fixture(params=INPUTS)
def input(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    name: str = request.param
    return INPUTS[name](tmp_path / name)


def _until_broken(rows: Any) -> Any:
    try:
        yield from rows
    except Exception:
        return


def test_the_shards_of_all_tasks_hold_every_row_once(input: str, tmp_path: Path) -> None:
    after = write_jsonl(tmp_path / "after.jsonl", rows(30))
    found = open_inputs([input, after], FieldNames())
    for shards in (1, 2, 7):
        for source in found:
            wanted = [(row.index, row.number) for row in _until_broken(source.read(START))]
            given = [
                (row.index, row.number)
                for shard in range(shards)
                for row in _until_broken(rows_of_shard(found, source, shard, shards))
            ]
            assert given == wanted


needs_datatrove = pytest.mark.skipif(not importlib.util.find_spec("datatrove"), reason="datatrove is not installed")
needs_ray = pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="ray is not installed")

# Steps of datatrove's pipelines


def run_pipeline(
    source: str, output: Path, options: BuildOptions, *, tasks: int, between: Any = None, duplicates: Any = None
) -> None:
    from lintseq.integrations.datatrove import EditSampling, ProgramReader, RecordWriter

    for rank in range(tasks):
        data: Any = None
        steps = [
            ProgramReader([source], names=options.names),
            *([between] if between else []),
            EditSampling(options, duplicates=duplicates, exclusion_writer=RecordWriter(str(output / "rejected"))),
            RecordWriter(str(output / "records")),
        ]
        for step in steps:
            data = step(data, rank, tasks)
        list(data)


def joined(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*.jsonl")))


@needs_datatrove
def test_the_files_of_all_tasks_are_the_shards_of_the_local_runner(input: str, tmp_path: Path) -> None:
    build([input], Target(str(tmp_path / "sharded"), shards=3, shard_kind="jsonl"), workers=1)
    build([input], tmp_path / "local.jsonl", workers=1)
    run_pipeline(input, tmp_path / "steps", BuildOptions(), tasks=3)
    for rank in range(3):
        written = tmp_path / f"steps/records/{rank:05}.jsonl"
        shard = (tmp_path / f"sharded/data/train-{rank:05}.jsonl").read_bytes()
        assert loadable(written.read_bytes() if written.exists() else b"") == shard
    assert joined(tmp_path / "steps/records") == (tmp_path / "local.jsonl").read_bytes()
    assert joined(tmp_path / "steps/rejected") == (tmp_path / "local.rejected.jsonl").read_bytes()


OPTIONS = {
    "stubs": BuildOptions(samples=2, sampling=SamplingOptions(stubs=True)),
    "sub-sequences": BuildOptions(sub_sequences=2, samples=2, min_edits=2, shape="messages-by-edit"),
    "format": BuildOptions(format="str-replace", path="src/a.py", max_lines=5, seed=7, distinct=True, samples=3),
    "certified": BuildOptions(sampling=SamplingOptions(certify="compile", order="forward"), shape="prompt-completion"),
    "names": BuildOptions(names=FieldNames(old_field="", code_field="new_contents", instruction_field="repo")),
    "repo": BuildOptions(screening=ScreeningOptions(license=("owner/1", "owner/2"), license_field="repo")),
}


@needs_datatrove
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_all_options_do_the_same_to_two_versions_as_in_the_local_runner(options: BuildOptions, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from lintseq.integrations.ray import sample_dataset

    source = write_jsonl(tmp_path / "in.jsonl", commits(60))
    local = build([source], tmp_path / "local.jsonl", options, workers=1)
    assert local.tally.sequences
    for tasks in (1, 4):
        run_pipeline(source, tmp_path / str(tasks), options, tasks=tasks)
        assert joined(tmp_path / f"{tasks}/records") == (tmp_path / "local.jsonl").read_bytes()
        assert joined(tmp_path / f"{tasks}/rejected") == (tmp_path / "local.rejected.jsonl").read_bytes()
    build([source], tmp_path / "table.parquet", options, workers=1)
    found = sample_dataset(TableDataset(pa.Table.from_pylist(commits(60))), options)
    assert found.table.to_pylist() == [json.loads(row.data) for row in read_rows(str(tmp_path / "table.parquet"))]


@needs_datatrove
@pytest.mark.parametrize("shape", ["lintseq", "pylintseq", "messages-by-edit"])
def test_a_document_holds_the_record_and_its_text_the_edits(shape: str, tmp_path: Path) -> None:
    from datatrove.data import Document

    from lintseq.integrations.datatrove import EditSampling

    given = [Document(text="x = 1\nprint(x)\n", id="a/1", metadata={"ask": "Write it.", "license": "MIT"})]
    step = EditSampling(BuildOptions(samples=2, shape=shape, names=FieldNames(instruction_field="ask")))
    first, second = step(iter(given))
    (record, _) = EditSampler(BuildOptions(samples=2, shape=shape))(
        {"id": "a/1", "instruction": "Write it.", "program": "x = 1\nprint(x)\n"}
    ).records
    if shape == "pylintseq":
        record |= {"source_file": "", "index": 0}
    assert first.metadata == record
    assert first.text.startswith("<|diff|>@@ ")
    if shape != "pylintseq":
        assert (first.id, second.id) == ("a/1/0", "a/1/1")
    assert step.stats["total"].total == 1
    assert step.stats["forwarded"].total == 2


@needs_datatrove
def test_a_document_may_have_an_old_version_in_its_metadata() -> None:
    from datatrove.data import Document

    from lintseq.integrations.datatrove import EditSampling

    metadata = {"ask": "Double it.", "before": "x = 1\nprint(x)\n"}
    given = [Document(text="x = 2\nprint(x)\n", id="a", metadata=metadata)]
    options = BuildOptions(names=FieldNames(instruction_field="ask", old_field="before"))
    (document,) = EditSampling(options)(iter(given))
    assert (document.metadata["state"], document.metadata["program"]) == ("x = 1\nprint(x)\n", "x = 2\nprint(x)\n")


@needs_datatrove
def test_a_step_in_between_may_change_programs_and_their_columns(tmp_path: Path) -> None:
    source = write_jsonl(
        tmp_path / "in.jsonl", [{"id": n, "instruction": "a", "program": "x = 1\n"} for n in range(9)]
    )

    def change(data: Any, rank: int, world_size: int) -> Any:
        for document in data:
            if document.id != "0":
                document.text += "y = 2\n"
                document.metadata["instruction"] = "b"
            yield document

    run_pipeline(source, tmp_path, BuildOptions(), tasks=1, between=change)
    records = [json.loads(line) for line in joined(tmp_path / "records").splitlines()]
    assert [(record["id"], record["instruction"], record["program"]) for record in records[:2]] == [
        (0, "a", "x = 1\n"),
        (1, "b", "x = 1\ny = 2\n"),
    ]


@needs_datatrove
def test_steps_that_cannot_work_are_refused_when_they_are_made(tmp_path: Path) -> None:
    from lintseq.integrations.datatrove import DuplicateSignatures, EditSampling, ProgramReader

    with pytest.raises(ConfigError, match="cannot read nowhere"):
        ProgramReader(["nowhere.jsonl"])
    write_jsonl(tmp_path / "0.jsonl", commits(3))
    (tmp_path / "1.parquet").write_bytes(b"PAR1")
    with pytest.raises(ConfigError, match=r"1\.parquet"):
        ProgramReader([str(tmp_path)])
    with pytest.raises(ConfigError, match="unknown order"):
        EditSampling(BuildOptions(sampling=SamplingOptions(order="heavy")))
    exact = BuildOptions(screening=ScreeningOptions(duplicates="exact"))
    with pytest.raises(ConfigError, match="name their last folder with duplicates="):
        EditSampling(exact)
    with pytest.raises(ConfigError, match="set duplicates in the options"):
        EditSampling(duplicates=str(tmp_path))
    with pytest.raises(ConfigError, match="the options keep duplicates"):
        DuplicateSignatures(str(tmp_path), BuildOptions())
    source = write_jsonl(tmp_path / "in.jsonl", commits(3))
    names = BuildOptions(names=FieldNames(instruction_field="repo"))
    with pytest.raises(ConfigError, match="looked for other columns"):
        list(EditSampling(names)(ProgramReader([source])()))


def test_missing_datatrove_is_one_line_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datatrove.data", None)
    monkeypatch.delitem(sys.modules, "lintseq.integrations.datatrove", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'lintseq\[datatrove\]'$"):
        importlib.import_module("lintseq.integrations.datatrove")


REFUSED = {
    "exact duplicates only": BuildOptions(screening=ScreeningOptions(duplicates="near")),
    "shape pylintseq": BuildOptions(shape="pylintseq"),
    "no column 'terms'": BuildOptions(screening=ScreeningOptions(license_field="terms")),
    "no column 'diff'": BuildOptions(names=FieldNames(old_field="diff")),
    "unknown order": BuildOptions(sampling=SamplingOptions(order="heavy")),
}


@pytest.mark.parametrize(("message", "options"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_work_in_ray_is_refused_before_any_work(message: str, options: BuildOptions) -> None:
    pa = pytest.importorskip("pyarrow")
    from lintseq.integrations.ray import sample_dataset

    with pytest.raises(ConfigError, match=message):
        sample_dataset(TableDataset(pa.Table.from_pylist(commits(3))), options)


# Duplicates across tasks


def find_duplicates(source: str, folder: Path, options: BuildOptions, *, tasks: int) -> None:
    """Run the steps that find duplicates, as executors do."""
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster

    from lintseq.integrations.datatrove import DuplicateSignatures, ProgramReader

    for rank in range(tasks):
        step = DuplicateSignatures(f"{folder}/signatures", options)
        step.run(ProgramReader([source]).run(rank=rank, world_size=tasks), rank, tasks)
    for rank in range(step.config.num_buckets):
        buckets = MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/matches", config=step.config)
        buckets.run(None, rank, step.config.num_buckets)
    MinhashDedupCluster(f"{folder}/matches", f"{folder}/duplicates", config=step.config).run(None, 0, 1)


def repetitive(count: int, *, versions: bool = False) -> list[dict[str, Any]]:
    """Return rows with few programs, at random: some are rejected for what else is in the row."""
    random = Random(count)
    found = []
    for n in range(count):
        number = random.randrange(count // 4)
        program = f"x = {number}\nprint(x)\n" + f"y = {number}\nprint(y)\n" * (number % 2) + " " * random.randrange(2)
        old = random.choice(["x = 'old'\nprint(x)\n", "print(1)\nprint(2)\n", None, ""])
        instruction = random.choice(["Print it.", "Print the number.", PROBLEM["prompt"]])
        found.append({"id": n, "instruction": instruction, "program": program + random.choice(["", "", "(\n"])})
        found[-1] |= {"before": old, "after": found[-1].pop("program")} if versions else {}
    return found


PROBLEM = {
    "task_id": "p/1",
    "prompt": "Return the sum of the numbers in a list that are larger than both neighbors, or zero.",
    "canonical_solution": "def f(n): return sum(b for a, b, c in zip(n, n[1:], n[2:]) if a < b > c)",
}


@needs_datatrove
@pytest.mark.parametrize("versions", [False, True])
def test_exact_duplicates_in_any_tasks_are_those_of_the_local_runner(versions: bool, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from lintseq.integrations.ray import sample_dataset

    screening = ScreeningOptions(decontaminate=(write_jsonl(tmp_path / "p.jsonl", [PROBLEM]),), duplicates="exact")
    options = BuildOptions(samples=3, min_edits=2, screening=screening)
    source_rows = repetitive(80, versions=versions)
    source = write_jsonl(tmp_path / "in.jsonl", source_rows)
    report = build([source], tmp_path / "local.jsonl", options, workers=1)
    assert {"duplicate", "contaminated", "too-few-edits"} <= report.tally.rejections.keys()
    for tasks in (1, 3, 11):
        folder = tmp_path / str(tasks)
        find_duplicates(source, folder, options, tasks=tasks)
        run_pipeline(source, folder, options, tasks=tasks, duplicates=f"{folder}/duplicates")
        assert joined(folder / "records") == (tmp_path / "local.jsonl").read_bytes()
    build([source], tmp_path / "table.parquet", options, workers=1)
    for blocks in (1, 5):
        found = sample_dataset(
            TableDataset(pa.Table.from_pylist(source_rows), blocks), options, rejected=tmp_path / "r"
        )
        records = sorted(found.table.to_pylist(), key=lambda record: (int(record["id"]), record["draw"]))
        assert records == [json.loads(row.data) for row in read_rows(str(tmp_path / "table.parquet"))]
    rejections = joined(tmp_path / "r").splitlines()  # of both data sets
    assert len(rejections) == 2 * (report.tally.rejections.total() - report.tally.rejections["duplicate"])


@needs_datatrove
def test_near_duplicates_are_dropped_across_tasks(tmp_path: Path) -> None:
    program = "".join(f"value_{{}}_{n} = {n}\nprint(value_{{}}_{n}, {n} + {n})\n" for n in range(40))
    programs = [program.replace("{}", name) for name in ("a", "b", "c")]
    programs = ["print 1\n" + programs[0], *programs]  # it is rejected, so the next one stays
    programs += [f"{programs[1]}  # the same, but for blanks and a comment", programs[2].replace("= 7\n", "= 8\n")]
    source_rows = [{"id": n, "instruction": "a", "program": text} for n, text in enumerate(programs)]
    source = write_jsonl(tmp_path / "in.jsonl", source_rows)
    options = BuildOptions(screening=ScreeningOptions(duplicates="near"))
    build([source], tmp_path / "local.jsonl", options, workers=1)
    find_duplicates(source, tmp_path, options, tasks=2)
    run_pipeline(source, tmp_path, options, tasks=2, duplicates=f"{tmp_path}/duplicates")
    assert joined(tmp_path / "records") == (tmp_path / "local.jsonl").read_bytes()
    assert [json.loads(line)["id"] for line in joined(tmp_path / "records").splitlines()] == [1, 2, 3]


# The examples, run by executors


EXAMPLES_WITH_TRAPS = """
import runpy, sys
from functools import partial
import lintseq

if __name__ == "__main__":
    sampling = lintseq.SamplingOptions(linter="traps:TRAPS")
    lintseq.BuildOptions = partial(lintseq.BuildOptions, sampling=sampling, row_timeout=1.5)
    if "ray" in sys.argv[1]:
        import ray
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        ray.data.DataContext.get_current().default_hash_shuffle_parallelism = 4
    for command in sys.argv[2:]:
        sys.argv = command.split()
        runpy.run_path(sys.argv[0], run_name="__main__")
"""


def corpus(folder: Path, found: list[dict[str, Any]]) -> Path:
    """Write rows, again some of them as other rows, and one that is a benchmark's, to three Parquet files."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    texts = {"instruction": "prompt", "program": "canonical_solution", "message": "prompt"}
    texts |= {"old_contents": "canonical_solution"}
    own = "commit" if "commit" in found[0] else "id"
    copies = [{**row, own: f"{1000 + n:040}" if own == "commit" else 1000 + n} for n, row in enumerate(found[::4])]
    stolen = {**found[0], **{name: PROBLEM[text] for name, text in texts.items() if name in found[0]}}
    table = pa.Table.from_pylist([*found, {**stolen, own: copies[0][own][::-1] if own == "commit" else 999}, *copies])
    folder.mkdir()
    for part in range(3):
        pq.write_table(table.slice(part * 20, 20 if part < 2 else None), folder / f"{part}.parquet", row_group_size=7)
    return folder


CORPORA = {"programs": rows(45, "die = 1", "spin = 1"), "commits": commits(45, "die = 1", "spin = 1")}


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine", [pytest.param("local", marks=needs_datatrove), pytest.param("ray", marks=[needs_datatrove, needs_ray])]
)
def test_the_examples_give_the_records_of_a_local_build(engine: str, tmp_path: Path, traps: Path) -> None:
    """A data set in shards, without duplicates and contaminated rows, from one with rows that crash and hang."""
    benchmark = write_jsonl(tmp_path / "problems.jsonl", [PROBLEM])
    screening = ScreeningOptions(decontaminate=(benchmark,), duplicates="exact")
    options = replace(HOSTILE, min_edits=2, screening=screening)
    commands = []
    for name, found in CORPORA.items():
        source = corpus(tmp_path / name, found)
        report = build([source], tmp_path / f"{name}.jsonl", options, workers=2)
        assert {"crashed", "timeout", "duplicate", "contaminated"} <= report.tally.rejections.keys()
        if engine == "local" or name == "commits":
            commands.append(f"{EXAMPLES}/with_datatrove.py {source} {tmp_path}/datatrove-{name} {benchmark} {engine}")
        if engine == "ray":
            build([source], tmp_path / f"{name}-table.parquet", options, workers=2)
            commands.append(f"{EXAMPLES}/with_ray.py {source} {tmp_path}/ray-{name} {benchmark}")
    (tmp_path / "run.py").write_text(EXAMPLES_WITH_TRAPS)
    run([sys.executable, tmp_path / "run.py", engine, *commands], PYTHONPATH=str(traps), TASKS="3")
    for name in CORPORA:
        local = (tmp_path / f"{name}.rejected.jsonl").read_bytes().splitlines()
        rejected = [line for line in local if json.loads(line)["reason"] != "duplicate"]
        if engine == "local" or name == "commits":
            assert unpacked(tmp_path / f"datatrove-{name}/records") == (tmp_path / f"{name}.jsonl").read_bytes()
            assert joined(tmp_path / f"datatrove-{name}/rejected").splitlines() == rejected
        if engine == "ray":
            assert by_id(tmp_path / f"ray-{name}") == by_id(tmp_path / f"{name}-table.parquet")
            reasons = [json.loads(line)["reason"] for line in joined(tmp_path / f"ray-{name}-rejected").splitlines()]
            assert sorted(reasons) == sorted(json.loads(line)["reason"] for line in rejected)


def unpacked(folder: Path) -> bytes:
    """Return the lines of all files in a folder."""
    return b"".join(row.data for path in sorted(folder.iterdir()) for row in read_rows(str(path)))


def by_id(path: Path) -> list[dict[str, Any]]:
    """Return the records of a Parquet file, or of all in a folder, in the order of their ids and draws."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    found = [json.loads(row.data) for file in files for row in read_rows(str(file))]
    return sorted(found, key=lambda record: (record["id"], record["draw"]))


class TableDataset:
    """Stands for a Ray data set of some blocks."""

    def __init__(self, table: Any, blocks: int = 1) -> None:
        self.table, self.blocks = table, blocks

    def take(self, count: int) -> Any:
        return self.table.slice(0, count).to_pylist()

    def map_batches(self, function: Any, **_: Any) -> "TableDataset":
        rows = -(-self.table.num_rows // self.blocks)
        return self._joined([function(self.table.slice(n * rows, rows)) for n in range(self.blocks)])

    def groupby(self, name: str) -> "TableDataset":
        self.group = name
        return self

    def map_groups(self, function: Any, **_: Any) -> "TableDataset":
        import pyarrow.compute as pc

        groups = self.table[self.group]
        return self._joined([function(self.table.filter(pc.equal(groups, value))) for value in groups.unique()])

    def _joined(self, tables: list[Any]) -> "TableDataset":
        import pyarrow as pa

        return TableDataset(pa.concat_tables(tables), self.blocks)


def test_a_block_of_a_ray_data_set_gives_the_records_of_a_local_build(tmp_path: Path, traps: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from lintseq.integrations.ray import sample_dataset

    source_rows = [row for row in rows(40, "die = 1") if "program" in row]
    source = write_jsonl(tmp_path / "in.jsonl", source_rows)
    build([source], tmp_path / "local.parquet", HOSTILE, workers=1)
    found = sample_dataset(TableDataset(pa.Table.from_pylist(source_rows)), HOSTILE, rejected=tmp_path / "rejected")
    assert found.table.to_pylist() == [json.loads(row.data) for row in read_rows(str(tmp_path / "local.parquet"))]
    rejections = [json.loads(line) for line in joined(tmp_path / "rejected").splitlines()]
    wanted = [json.loads(row.data) for row in read_rows(str(tmp_path / "local.rejected.jsonl"))]
    assert [(row["id"], row["reason"]) for row in rejections] == [(row["id"], row["reason"]) for row in wanted]


SBATCH = """\
#!/bin/bash
# Does at once, one after the other, what Slurm would do some day.
for script; do :; done
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
for task in $(seq 0 "${last:-0}"); do
    env SLURM_ARRAY_TASK_ID="$task" SLURM_JOB_ID=1 SLURM_NODELIST=here bash "$script" >&2 || exit 1
done
echo "Submitted batch job 1"
"""
SRUN = '#!/bin/bash\nwhile [[ $1 == -* ]]; do [[ $1 == -n ]] && shift; shift; done\nexec "$@"\n'
SCONTROL = "#!/bin/bash\necho here\n"


@needs_datatrove
@pytest.mark.slow
def test_the_pipeline_for_slurm_does_its_tasks_when_slurm_runs_them(tmp_path: Path) -> None:
    """Slurm is not here; its commands are stood in for by scripts that run what it is given."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("scontrol", SCONTROL)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    benchmark = write_jsonl(tmp_path / "problems.jsonl", [PROBLEM])
    source = corpus(tmp_path / "commits", commits(45))
    environment = Path(sys.executable).parents[1]
    path = os.pathsep.join([str(commands), str(environment / "bin"), os.environ["PATH"]])
    command = [sys.executable, EXAMPLES / "with_datatrove.py", source, tmp_path / "edits", benchmark, "slurm"]
    run(command, PATH=path, TASKS="3")
    screening = ScreeningOptions(decontaminate=(benchmark,), duplicates="exact")
    build([source], tmp_path / "local.jsonl", BuildOptions(samples=2, min_edits=2, screening=screening), workers=1)
    assert unpacked(tmp_path / "edits/records") == (tmp_path / "local.jsonl").read_bytes()
    assert len(list((tmp_path / "edits/logs/3/completions").iterdir())) == 3


def run(command: list[Any], **environment: str) -> str:
    ended = subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, **environment},
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    return ended.stdout
