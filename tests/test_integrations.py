"""Pipelines of other tools give the records of a local build, and a hostile row costs nothing but itself."""

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
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


INPUTS: dict[str, Callable[[Path], str]] = {
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


def run_pipeline(source: str, output: Path, options: BuildOptions, *, tasks: int, between: Any = None) -> None:
    from lintseq.integrations.datatrove import EditSampling, ProgramReader, RecordWriter

    for rank in range(tasks):
        data: Any = None
        steps = [
            ProgramReader([source]),
            *([between] if between else []),
            EditSampling(options, exclusion_writer=RecordWriter(str(output / "rejected"))),
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


@needs_datatrove
@pytest.mark.parametrize("shape", ["lintseq", "pylintseq", "messages-by-edit"])
def test_a_document_holds_the_record_and_its_text_the_edits(shape: str, tmp_path: Path) -> None:
    from datatrove.data import Document

    from lintseq.integrations.datatrove import EditSampling

    given = [Document(text="x = 1\nprint(x)\n", id="a/1", metadata={"ask": "Write it.", "license": "MIT"})]
    step = EditSampling(BuildOptions(samples=2, shape=shape), instruction="ask")
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
    (document,) = EditSampling(instruction="ask", old="before")(iter(given))
    assert (document.metadata["state"], document.metadata["program"]) == ("x = 1\nprint(x)\n", "x = 2\nprint(x)\n")


def test_changes_in_a_ray_data_set_give_the_records_of_a_local_build(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from lintseq.integrations.ray import sample_dataset

    found = [{"message": f"Make it {n}", "old_code": "x = 1\nprint(x)\n", "new_code": f"x = {n}\n"} for n in range(9)]
    build([write_jsonl(tmp_path / "in.jsonl", found)], tmp_path / "out.parquet", BuildOptions(), workers=1)
    sampled = sample_dataset(TableDataset(pa.Table.from_pylist(found)), BuildOptions())
    assert sampled.to_pylist() == [json.loads(row.data) for row in read_rows(str(tmp_path / "out.parquet"))]


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
    from lintseq.integrations.datatrove import EditSampling, ProgramReader

    with pytest.raises(ConfigError, match="cannot read nowhere"):
        ProgramReader(["nowhere.jsonl"])
    with pytest.raises(ConfigError, match="unknown order"):
        EditSampling(BuildOptions(sampling=SamplingOptions(order="heavy")))
    with pytest.raises(ConfigError, match="duplicates cannot be dropped here"):
        EditSampling(BuildOptions(screening=ScreeningOptions(duplicates="exact")))


PIPELINE = """
import os, sys
from datatrove.executor import LocalPipelineExecutor, RayPipelineExecutor
from lintseq.dataset.sampler import BuildOptions
from lintseq.integrations.datatrove import EditSampling, ProgramReader, RecordWriter
from lintseq.walks import SamplingOptions

if __name__ == "__main__":
    source, output, executor = sys.argv[1:]
    options = BuildOptions(samples=2, sampling=SamplingOptions(linter="traps:TRAPS"), row_timeout=1.5)
    steps = [
        ProgramReader([source]),
        EditSampling(options, exclusion_writer=RecordWriter(f"{output}/rejected")),
        RecordWriter(f"{output}/records"),
    ]
    if executor == "ray":
        import ray
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        RayPipelineExecutor(steps, tasks=3, workers=2, mem_per_cpu_gb=0.1, logging_dir=f"{output}/logs").run()
        from lintseq.integrations.ray import sample_dataset
        rows = ray.data.read_json(source, lines=True, override_num_blocks=3)
        sample_dataset(rows, options, rejected=f"{output}/ray-rejected").write_parquet(f"{output}/ray")
        import runpy
        sys.argv = ["with_ray.py", EXAMPLE.replace("with_ray.py", "pairs.jsonl"), f"{output}/example"]
        runpy.run_path(EXAMPLE, run_name="__main__")
    else:
        LocalPipelineExecutor(steps, tasks=3, workers=2, logging_dir=f"{output}/logs").run()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "executor", [pytest.param("local", marks=needs_datatrove), pytest.param("ray", marks=[needs_datatrove, needs_ray])]
)
def test_a_pipeline_gives_the_records_of_a_local_build(executor: str, tmp_path: Path, traps: Path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows(60, "die = 1", "spin = 1"))
    build([source], tmp_path / "local.jsonl", HOSTILE, workers=2)
    (tmp_path / "run.py").write_text(PIPELINE.replace("EXAMPLE", repr(str(EXAMPLES / "with_ray.py"))))
    run([sys.executable, tmp_path / "run.py", source, tmp_path / "out", executor], PYTHONPATH=str(traps))
    assert joined(tmp_path / "out/records") == (tmp_path / "local.jsonl").read_bytes()
    assert joined(tmp_path / "out/rejected") == (tmp_path / "local.rejected.jsonl").read_bytes()
    if executor == "ray":  # Ray Data and its example share the start of Ray, which takes long
        build([source], tmp_path / "table.parquet", HOSTILE, workers=2)
        assert by_id(tmp_path / "out/ray") == by_id(tmp_path / "table.parquet")
        reasons = [
            [json.loads(line)["reason"] for line in joined(tmp_path / "out" / name).splitlines()]
            for name in ("ray-rejected", "rejected")
        ]
        # In a table every row has every column, of which some are null.
        assert sorted(reasons[0]) == sorted(reason.replace("no-field", "not-string") for reason in reasons[1])
        options = BuildOptions(samples=2, shape="prompt-completion")
        build([str(EXAMPLES / "pairs.jsonl")], tmp_path / "pairs.parquet", options, workers=2)
        assert by_id(tmp_path / "out/example") == by_id(tmp_path / "pairs.parquet")


def by_id(path: Path) -> list[dict[str, Any]]:
    """Return the records of a Parquet file, or of all in a folder, in the order of their ids and draws."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    found = [json.loads(row.data) for file in files for row in read_rows(str(file))]
    return sorted(found, key=lambda record: (record["id"], record["draw"]))


class TableDataset:
    """Stands for a Ray data set of one block."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def take(self, count: int) -> Any:
        return self.table.slice(0, count).to_pylist()

    def map_batches(self, function: Any, **_: Any) -> Any:
        return function(self.table)


def test_a_block_of_a_ray_data_set_gives_the_records_of_a_local_build(tmp_path: Path, traps: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from lintseq.integrations.ray import sample_dataset

    source_rows = [row for row in rows(40, "die = 1") if "program" in row]
    source = write_jsonl(tmp_path / "in.jsonl", source_rows)
    build([source], tmp_path / "local.parquet", HOSTILE, workers=1)
    found = sample_dataset(TableDataset(pa.Table.from_pylist(source_rows)), HOSTILE, rejected=tmp_path / "rejected")
    assert found.to_pylist() == [json.loads(row.data) for row in read_rows(str(tmp_path / "local.parquet"))]
    rejections = [json.loads(line) for line in joined(tmp_path / "rejected").splitlines()]
    wanted = [json.loads(row.data) for row in read_rows(str(tmp_path / "local.rejected.jsonl"))]
    assert [(row["id"], row["reason"]) for row in rejections] == [(row["id"], row["reason"]) for row in wanted]
    duplicates = BuildOptions(screening=ScreeningOptions(duplicates="exact"))
    with pytest.raises(ConfigError, match="duplicates cannot be dropped here"):
        sample_dataset(TableDataset(None), duplicates)


@needs_datatrove
def test_near_duplicates_are_dropped_across_the_shards_of_a_pipeline(tmp_path: Path) -> None:
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )

    from lintseq.integrations.datatrove import CodeTokenizer, ProgramReader, minhash_config

    program = "".join(f"value_{{}}_{n} = {n}\nprint(value_{{}}_{n}, {n} + {n})\n" for n in range(40))
    programs = [program.replace("{}", name) for name in ("a", "b", "c")]
    programs += [f"{programs[0]}  # the same, but for blanks and a comment", programs[1].replace("= 7\n", "= 8\n")]
    source_rows = [{"id": n, "instruction": "a", "program": text} for n, text in enumerate(programs)]
    source = write_jsonl(tmp_path / "in.jsonl", source_rows)
    config, folder = minhash_config(num_buckets=5), str(tmp_path)
    for rank in range(2):
        signature = MinhashDedupSignature(f"{folder}/signatures", config, CodeTokenizer())
        signature.run(ProgramReader([source]).run(rank=rank, world_size=2), rank, 2)
    for rank in range(5):
        MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config).run(None, rank, 5)
    MinhashDedupCluster(f"{folder}/buckets", f"{folder}/remove", config=config).run(None, 0, 1)
    kept = [
        document.id
        for rank in range(2)
        for document in MinhashDedupFilter(f"{folder}/remove").run(
            ProgramReader([source]).run(rank=rank, world_size=2), rank, 2
        )
    ]
    assert kept == ["0", "1", "2"]


@needs_datatrove
@pytest.mark.slow
def test_the_example_with_minhash_gives_the_records_of_a_local_build(tmp_path: Path) -> None:
    source = EXAMPLES / "pairs.jsonl"
    run([sys.executable, EXAMPLES / "with_minhash.py", source, tmp_path / "out"])
    build([str(source)], tmp_path / "local.jsonl", BuildOptions(samples=2), workers=2)
    assert joined(tmp_path / "out/records") == (tmp_path / "local.jsonl").read_bytes()


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
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("scontrol", SCONTROL)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    (tmp_path / "corpus").mkdir()
    for part in range(3):
        part_rows = [{"content": f"x = {n}\nprint(x)\n", "hexsha": f"{part}{n:039}"} for n in range(20)]
        pq.write_table(pa.Table.from_pylist(part_rows), tmp_path / f"corpus/{part}.parquet")
    environment = Path(sys.executable).parents[1]
    path = os.pathsep.join([str(commands), str(environment / "bin"), os.environ["PATH"]])
    command = [sys.executable, EXAMPLES / "with_datatrove.py", tmp_path / "corpus", tmp_path / "edits"]
    run(command, PATH=path, TASKS="3")
    records = [
        json.loads(row.data) for part in sorted((tmp_path / "edits/records").iterdir()) for row in read_rows(str(part))
    ]
    sample = EditSampler(BuildOptions(samples=5, min_edits=2))
    wanted = [
        record
        for part in range(3)
        for n in range(20)
        for record in sample({"id": f"{part}{n:039}", "instruction": "", "program": f"x = {n}\nprint(x)\n"}).records
    ]
    assert records == wanted
    assert len(list((tmp_path / "edits/logs/completions").iterdir())) == 3


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
