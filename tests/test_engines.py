"""Whatever the engine, the bytes are those of the local runner; a hostile row costs itself alone in each."""

import gzip
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lintseq.dataset import engines, pieces, pipeline
from lintseq.dataset.build import build
from lintseq.dataset.outputs import Target
from lintseq.dataset.outputs.parquet import loadable
from lintseq.dataset.pieces import cut, do_task, load_plan, rows_of_shard, shard_at
from lintseq.dataset.pipeline import Progress
from lintseq.dataset.sampler import BuildOptions, EditSampler
from lintseq.dataset.screening import ScreeningOptions
from lintseq.errors import ConfigError, ToolError
from lintseq.integrations.isolated import IsolatedSampler
from lintseq.rows import START, FieldNames, ReadingOptions, encode_row, open_sources, read_rows
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


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_PIECE_ROWS", 16)
    monkeypatch.setattr(pieces, "_SLOW_PIECE_ROWS", 16)
    monkeypatch.setattr(pieces, "_LEAST_PART", 1000)


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


def write_jsonl(path: Path, some: list[dict[str, Any]]) -> str:
    path.write_bytes(b"".join(encode_row(row) + b"\n" * (1 + n % 2) for n, row in enumerate(some)))
    return str(path)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Pieces, without an engine


def parquet(path: Path) -> str:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    some = [row for row in rows(120) if "program" in row]
    pq.write_table(pa.Table.from_pylist(some), path, row_group_size=37)
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


@pytest.fixture
def shuffled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an engine `shuffled` that does all tasks in this process, in no order."""

    def start(self: engines._Engine) -> None:
        numbers = list(range(len(load_plan(self._folder).tasks)))
        random.Random(1).shuffle(numbers)
        for number in numbers:
            do_task(self._folder, number)

    monkeypatch.setattr(engines._Engine, "_start", start)
    monkeypatch.setattr(pipeline, "check_engine", lambda name: None)


@pytest.mark.parametrize(
    "target",
    [Target("out.jsonl"), Target("out", shards=3, shard_kind="jsonl"), Target("out", shard_rows=21)],
    ids=["one file", "shards", "full shards"],
)
def test_pieces_done_in_any_order_give_the_bytes_of_the_local_runner(
    input: str, target: Target, shuffled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    after = write_jsonl(tmp_path / "after.jsonl", rows(20))
    for engine in ("local", "shuffled"):
        folder = tmp_path / engine
        folder.mkdir()
        placed = Target(str(folder / target.output), None, target.shards, target.shard_rows, target.shard_kind)
        report = build([input, after], placed, workers=2, engine=engine)
        done.append((contents(folder), report.counts()))
    assert done[0] == done[1]
    assert done[0][1]["rows"] > 50
    assert done[0][1]["broken_inputs"] or "off" not in input


@pytest.mark.parametrize("options", [ReadingOptions(functions=True), ReadingOptions()])
def test_source_files_and_their_functions_are_cut_too(shuffled: None, tmp_path: Path, options: ReadingOptions) -> None:
    folder = sources(tmp_path / "sources")
    for engine in ("local", "shuffled"):
        build([folder], tmp_path / f"{engine}.jsonl", reading=options, workers=1, engine=engine)
    assert (tmp_path / "local.jsonl").read_bytes() == (tmp_path / "shuffled.jsonl").read_bytes()


def test_duplicates_are_dropped_in_the_order_of_the_rows(shuffled: None, tmp_path: Path) -> None:
    some = rows(90)
    source = write_jsonl(tmp_path / "in.jsonl", [*some, *some[:40]])
    options = BuildOptions(screening=ScreeningOptions(duplicates="exact"))
    for engine in ("local", "shuffled"):
        build([source], tmp_path / f"{engine}.jsonl", options=options, workers=1, engine=engine)
    rejections = [(tmp_path / f"{engine}.rejected.jsonl").read_bytes() for engine in ("local", "shuffled")]
    assert rejections[0] == rejections[1]
    assert rejections[0].count(b'"duplicate"') > 30


@pytest.mark.parametrize("shards", [1, 3])
def test_every_row_is_in_one_piece_and_no_piece_in_two_shards(input: str, shards: int) -> None:
    found = open_sources([input], FieldNames(), ReadingOptions())
    total = found[0].size or 0

    def shard_of(position: int) -> int:
        return shard_at(position, total, shards)

    whole = list(cut(found, rows_each=16, shard_of=shard_of))
    (read,) = (list(_until_broken(found[0].read(START))),)
    ends = [piece.start.rows + (len(read) if piece.rows is None else piece.rows) for piece in whole]
    assert [piece.start.rows for piece in whole[1:]] == ends[:-1] or "damaged" in input
    assert ends[-1] >= len(read)
    assert [piece.shard for piece in whole] == sorted(piece.shard for piece in whole)
    # From any place on, pieces end where they ended before, so what was done counts.
    for row in read[5:-1:31]:
        later = list(cut(found, rows_each=16, shard_of=shard_of, mark=row.mark))
        assert {piece.name for piece in later[1:]} <= {piece.name for piece in whole}
        assert later[0].start.rows == row.index + 1


def _until_broken(some: Any) -> Any:
    try:
        yield from some
    except Exception:
        return


def test_the_shards_of_all_tasks_hold_every_row_once(input: str, tmp_path: Path) -> None:
    after = write_jsonl(tmp_path / "after.jsonl", rows(30))
    found = open_sources([input, after], FieldNames(), ReadingOptions())
    for shards in (1, 2, 7):
        for source in found:
            wanted = [(row.index, row.number) for row in _until_broken(source.read(START))]
            given = [
                (row.index, row.number)
                for shard in range(shards)
                for row in _until_broken(rows_of_shard(found, source, shard, shards))
            ]
            assert given == wanted


def test_a_line_in_the_middle_of_a_piece_is_a_place_to_go_on_from(
    shuffled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows(100))
    build([source], tmp_path / "alone.jsonl", workers=1)

    monkeypatch.setattr(pipeline._Saver, "due", lambda self: True)
    for engine, limit in (("local", 30), ("shuffled", 55), ("local", 70)):

        def stop(progress: Progress, limit: int = limit) -> None:
            if progress.rows >= limit:
                raise SystemExit

        with pytest.raises(SystemExit):
            build([source], tmp_path / "o.jsonl", workers=1, engine=engine, resume=True, on_progress=stop)
    report = build([source], tmp_path / "o.jsonl", workers=1, engine="shuffled", resume=True)
    assert report.rows_before >= 64
    assert (tmp_path / "o.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()


# What cannot work


def test_what_cannot_be_cut_is_refused(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b'{"instruction": "a", "program": "x = 1"}\n')
    os.close(writing)
    with pytest.raises(ConfigError, match=r"standard input and pipes cannot be shared out by engine datatrove"):
        build([f"/dev/fd/{reading}"], tmp_path / "out.jsonl", engine="datatrove")
    os.close(reading)


def test_an_engine_that_is_not_there_is_refused_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows(3))
    with pytest.raises(ConfigError, match="unknown engine 'dask'; use one of local, datatrove, ray"):
        build([source], tmp_path / "out.jsonl", engine="dask")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"engine ray needs .*: pip install 'lintseq\[ray\]'"):
        build([source], tmp_path / "out.jsonl", engine="ray")
    assert os.listdir(tmp_path) == ["in.jsonl"]


def test_pieces_need_a_place(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows(3))
    with pytest.raises(ConfigError, match="needs a place for unfinished work"):
        build([source], Target("/dev/null", "/dev/null"), engine="datatrove")


# Engines

needs_datatrove = pytest.mark.skipif(not importlib.util.find_spec("datatrove"), reason="datatrove is not installed")
needs_ray = pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="ray is not installed")
ENGINES = [pytest.param("datatrove", marks=needs_datatrove), pytest.param("ray", marks=needs_ray)]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_gives_the_same_bytes_and_a_hostile_row_costs_itself_alone(
    engine: str, tmp_path: Path, traps: Path
) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows(60, "die = 1", "spin = 1"))
    target = Target(str(tmp_path / "local"), shards=2)
    build([source], target, options=HOSTILE, workers=2)
    build([source], Target(str(tmp_path / engine), shards=2), options=HOSTILE, workers=2, engine=engine)
    assert contents(tmp_path / engine) == contents(tmp_path / "local")
    reasons = [json.loads(row.data)["reason"] for row in read_rows(str(tmp_path / engine / "rejected.jsonl"))]
    assert (reasons.count("crashed"), reasons.count("timeout")) == (2, 1)
    assert sorted(os.listdir(tmp_path)) == sorted(["in.jsonl", "local", "modules", engine])


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_whose_own_process_dies_is_an_error_and_no_hang(engine: str, tmp_path: Path, traps: Path) -> None:
    some = rows(60)
    some[33]["program"] = "orphan = 1\nx = 1\n"
    source = write_jsonl(tmp_path / "in.jsonl", some)
    message = rf"(?s)the engine {engine} ended with status .*go on with --resume\. The end of .*engine\.log:\n"
    with pytest.raises(ToolError, match=message):
        build([source], tmp_path / "out.jsonl", options=HOSTILE, workers=2, engine=engine)
    assert (tmp_path / "out.jsonl.partial/pieces/engine.log").exists()
    assert left_over(tmp_path) == []


def left_over(folder: Path) -> list[str]:
    """Return the commands of processes that know of a folder, a second after all should be over."""
    for _ in range(50):
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        found = [line for line in listed.splitlines() if str(folder) in line and "pytest" not in line]
        if not found:
            break
        time.sleep(0.1)
    return found


DRIVER = """
import sys
from lintseq.dataset import pieces
from lintseq.dataset.build import build
from lintseq.dataset.sampler import BuildOptions

pieces._PIECE_ROWS = 16
if __name__ == "__main__":
    source, output, engine = sys.argv[1:]
    build([source], output, options=BuildOptions(samples=40), workers=2, engine=engine, resume=True)
"""


@needs_datatrove
def test_a_build_that_is_killed_takes_its_engine_along_and_is_gone_on_with_by_any(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows(600))
    output = tmp_path / "out.jsonl"
    (tmp_path / "driver.py").write_text(DRIVER)
    command = [sys.executable, str(tmp_path / "driver.py"), source, str(output)]
    kept = []
    for engine in ("datatrove", "local", "datatrove"):
        process = subprocess.Popen([*command, engine])
        before = done(output)
        while process.poll() is None and done(output) < before + 5:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept.append(done(output))
        assert left_over(tmp_path) == []
    assert kept[0] > 0
    subprocess.run([*command, "datatrove"], check=True)
    build([source], tmp_path / "alone.jsonl", options=BuildOptions(samples=40), workers=2)
    assert output.read_bytes() == (tmp_path / "alone.jsonl").read_bytes()
    assert (tmp_path / "out.rejected.jsonl").read_bytes() == (tmp_path / "alone.rejected.jsonl").read_bytes()


def done(output: Path) -> int:
    """Return how much of a build is done: rows that are written or lie in pieces."""
    folder = Path(f"{output}.partial")
    state = folder / "state.json"
    written = json.loads(state.read_text())["progress"]["tally"]["rows"] if state.exists() else 0
    return int(written) + len(list(folder.glob("pieces/00000-*")))


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
    build([input], Target(str(tmp_path / "local"), shards=3, shard_kind="jsonl"), workers=1)
    build([input], tmp_path / "local.jsonl", workers=1)
    run_pipeline(input, tmp_path / "steps", BuildOptions(), tasks=3)
    for rank in range(3):
        written = tmp_path / f"steps/records/{rank:05}.jsonl"
        shard = (tmp_path / f"local/data/train-{rank:05}.jsonl").read_bytes()
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
    assert [(one["id"], one["instruction"], one["program"]) for one in records[:2]] == [
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
        import runpy
        sys.argv = ["with_ray.py", EXAMPLE.replace("with_ray.py", "pairs.jsonl"), f"{output}/of-example"]
        runpy.run_path(EXAMPLE, run_name="__main__")
    else:
        LocalPipelineExecutor(steps, tasks=3, workers=2, logging_dir=f"{output}/logs").run()
"""


@pytest.mark.parametrize(
    "executor", [pytest.param("local", marks=needs_datatrove), pytest.param("ray", marks=[needs_datatrove, needs_ray])]
)
def test_an_executor_of_datatrove_gives_the_bytes_of_the_local_runner(
    executor: str, tmp_path: Path, traps: Path
) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows(60, "die = 1", "spin = 1"))
    build([source], tmp_path / "local.jsonl", options=HOSTILE, workers=2)
    (tmp_path / "run.py").write_text(PIPELINE.replace("EXAMPLE", repr(str(EXAMPLES / "with_ray.py"))))
    run([sys.executable, tmp_path / "run.py", source, tmp_path / "out", executor], PYTHONPATH=str(traps))
    assert joined(tmp_path / "out/records") == (tmp_path / "local.jsonl").read_bytes()
    assert joined(tmp_path / "out/rejected") == (tmp_path / "local.rejected.jsonl").read_bytes()
    if executor == "ray":  # the example of Ray Data shares its start, which takes long
        sample = EditSampler(BuildOptions(samples=2, shape="prompt-completion"))
        given = [json.loads(row.data) for row in read_rows(str(tmp_path / "out/of-example"))]
        pairs = [json.loads(row.data) for row in read_rows(str(EXAMPLES / "pairs.jsonl"))]
        assert {one["id"]: one["records"] for one in given} == {pair["id"]: sample(pair).records for pair in pairs}


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
        some = [{"content": f"x = {n}\nprint(x)\n", "hexsha": f"{part}{n:039}"} for n in range(20)]
        pq.write_table(pa.Table.from_pylist(some), tmp_path / f"corpus/{part}.parquet")
    environment = Path(sys.executable).parents[1]
    path = os.pathsep.join([str(commands), str(environment / "bin"), os.environ["PATH"]])
    command = [sys.executable, EXAMPLES / "with_datatrove_on_slurm.py", tmp_path / "corpus", tmp_path / "edits"]
    run(command, PATH=path, TASKS="3", VIRTUAL_ENV=str(environment))
    records = [
        json.loads(row.data) for part in sorted((tmp_path / "edits/records").iterdir()) for row in read_rows(str(part))
    ]
    sample = EditSampler(BuildOptions(samples=5, min_edits=2, shape="prompt-completion"))
    wanted = [
        record
        for part in range(3)
        for n in range(20)
        for record in sample({"id": f"{part}{n:039}", "instruction": "", "program": f"x = {n}\nprint(x)\n"}).records
    ]
    assert records == wanted
    assert len(list((tmp_path / "edits/logs/completions").iterdir())) == 3


# The unit of work, in a process of its own


def test_an_isolated_sampler_says_what_a_sampler_says(traps: Path) -> None:
    options = BuildOptions(samples=3, max_edits=2)
    isolated, plain = IsolatedSampler(options), EditSampler(options)
    for n, row in enumerate(rows(30)):
        one, other = isolated(row, source="in", index=n), plain(row, source="in", index=n)
        assert one.as_row() == other.as_row()
        assert (sorted(one.edits), one.lines, one.dropped) == (sorted(other.edits), other.lines, other.dropped)


def test_an_isolated_sampler_outlives_every_row(traps: Path) -> None:
    sample = IsolatedSampler(HOSTILE)
    reasons = [sample(row).reason for row in rows(60, "die = 1", "spin = 1")]
    assert [reason for reason in reasons if reason in ("crashed", "timeout")] == ["crashed", "timeout", "crashed"]


# The examples

ON_PAIRS = {
    "with_datasets_map.py": ("datasets", "edits.jsonl"),
    "with_spark.py": ("pyspark", "edits"),
    "with_dask.py": ("distributed", "edits-*.jsonl"),
}


def run(command: list[Any], **environment: str) -> str:
    ended = subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, **environment},
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    return ended.stdout


@pytest.mark.parametrize("hostile", [False, True], ids=["the pairs", "hostile rows"])
@pytest.mark.parametrize("name", ON_PAIRS)
def test_an_example_gives_the_records_of_the_local_runner(
    name: str, hostile: bool, tmp_path: Path, traps: Path
) -> None:
    package, output = ON_PAIRS[name]
    if not importlib.util.find_spec(package):
        pytest.skip(f"{package} is not installed")
    if name == "with_spark.py" and not shutil.which("java"):
        pytest.skip("there is no Java")
    program = (EXAMPLES / name).read_text()
    options = BuildOptions(samples=2)
    source = str(EXAMPLES / "pairs.jsonl")
    if hostile:
        some = [row for row in rows(60, "die = 1", "spin = 1") if row.get("program")]
        source = write_jsonl(tmp_path / "in.jsonl", some)
        options = HOSTILE
        program = program.replace(
            "BuildOptions(samples=2)",
            "BuildOptions(samples=2, sampling=SamplingOptions(linter='traps:TRAPS'), row_timeout=1.5)",
        ).replace(
            "from lintseq.dataset.sampler",
            "from lintseq.walks import SamplingOptions\nfrom lintseq.dataset.sampler",
        )
    (tmp_path / name).write_text(program)
    run([sys.executable, tmp_path / name, source, tmp_path / output], PYTHONPATH=str(traps))
    build([source], tmp_path / "local.jsonl", options=options, workers=2)
    wanted = (tmp_path / "local.jsonl").read_bytes()
    written = sorted(path for path in tmp_path.glob(output) if path.is_file())
    written += sorted(path for path in tmp_path.glob(f"{output}/*") if not path.name.startswith(("_", ".")))
    given = b"".join(path.read_bytes() for path in written)
    assert given == wanted
