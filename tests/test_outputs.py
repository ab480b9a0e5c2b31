"""Outputs of every kind hold the same records, open as they are, and say what they are made of."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lintseq import __version__
from lintseq.dataset.build import build
from lintseq.dataset.outputs import KINDS, Outputs, Target, check_target, parquet
from lintseq.dataset.outputs.parquet import write_parquet
from lintseq.dataset.outputs.shards import Shards
from lintseq.dataset.sampler import BuildOptions, EditSampler
from lintseq.dataset.screening import ScreeningOptions
from lintseq.dataset.shapes import COLUMNS, SHAPES
from lintseq.errors import ConfigError
from lintseq.rows import encode_line, parse_row, read_rows

PROGRAM = "import math\n\n\ndef area(r):\n    return math.pi * r\n\n\nprint(area({}))\n"
ROWS: list[dict[str, Any]] = [
    # Ids of two kinds, licenses that not all have, lone surrogates: what one shard has, another has not.
    {
        "id": n if n < 6 else f"a/{n}",
        "instruction": f"Write it. {chr(0xD800) if n == 8 else 'é'}",
        "program": PROGRAM.format(n),
    }
    | ({"license": "MIT"} if n > 6 else {})
    for n in range(12)
]
SLOW = """
import time

class Slow:
    def check(self, source):
        time.sleep(20)
        return []

SLOW = Slow()
"""
LOAD = """
import json, sys, warnings
warnings.simplefilter("ignore")
import datasets
datasets.disable_progress_bars()
for line in sys.stdin:
    folder, cache, streaming = json.loads(line)
    data = datasets.load_dataset(folder, cache_dir=cache, streaming=streaming)
    (split,) = data
    types = {name: str(feature) for name, feature in data[split].features.items()}
    print(json.dumps([split, types, list(data[split])]), flush=True)
"""


def options(shape: str = "lintseq", **more: Any) -> BuildOptions:
    return BuildOptions(shape=shape, screening=ScreeningOptions(license_field="license"), sub_sequences=1, **more)


def shard(folder: Path, shape: str, kind: str, rows: list[dict[str, Any]] = ROWS) -> list[dict[str, Any]]:
    """Write a folder of five shards, as a build does, without its processes; return what is in it."""
    from lintseq.dataset.card import card_of

    wanted = options(shape) if shape != "pylintseq" else BuildOptions(shape=shape)
    sampler = EditSampler(wanted)
    columns = {**SHAPES[shape].columns, "license": COLUMNS["license"]}
    types = {name: column.type for name, column in columns.items()}
    settings = {"lintseq": __version__, "python": "3", "options": {"shape": shape}, "inputs": []}
    written = []
    with Outputs(Target(str(folder), shards=5, shard_kind=kind), types, settings) as outputs:
        for index, row in enumerate(rows):
            for record in sampler(row, source="in.jsonl", index=index).records:
                outputs.write(encode_line(record), b'{"odd": "rejection"}\n', shard=1 + index // 4)
                written.append(record)
        counts = {"sequences": len(written), "rows": 12, "rejections": {}, "dropped_draws": {}, "licenses": {}}
        edits = {"mean": 1, "median": 1, "max": 1}
        numbers = {**counts, "edits_per_sequence": edits, "lines_per_edit": 1, "single_edit_share": 0}
        outputs.finish({}, numbers, card=card_of(settings, numbers, columns, ""))
    return written


def plain(value: Any) -> Any:
    """Return a record as tables have it: ids are strings, nothing is left out, no lone surrogates."""
    if isinstance(value, dict):
        return {name: str(v) if name == "id" else plain(v) for name, v in value.items() if v is not None}
    if isinstance(value, list):
        return list(map(plain, value))
    return value.replace("\ud800", "?") if isinstance(value, str) else value


FOLDERS = [(shape, "parquet", False, False) for shape in SHAPES]
FOLDERS += [(shape, "jsonl", True, False) for shape in SHAPES]
FOLDERS += [("lintseq", kind, False, False) for kind in KINDS if kind != "parquet"]
FOLDERS += [("lintseq", kind, True, True) for kind in KINDS]
"""Shape, kind, whether it is streamed, and whether there is not a single record: then nothing else works."""


@pytest.mark.slow
def test_a_folder_of_shards_of_any_shape_and_kind_is_a_data_set_as_it_is(tmp_path: Path) -> None:
    written = {}
    questions = []
    for number, (shape, kind, streaming, empty) in enumerate(FOLDERS):
        folder = tmp_path / f"{number} {shape}"
        written[number] = shard(folder, shape, kind, [] if empty else ROWS)
        assert sorted(os.listdir(folder)) == ["README.md", "data", "manifest.json"]
        assert sorted(os.listdir(folder / "data")) == [f"train-0000{n}.{kind}" for n in range(5)]
        questions.append(json.dumps([str(folder), str(tmp_path / "cache"), streaming]))
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        input="\n".join(questions),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for number, line in enumerate(done.stdout.splitlines()):
        split, types, rows = json.loads(line)
        shape = FOLDERS[number][0]
        assert split == "train"
        assert sorted(types) == sorted([*SHAPES[shape].columns, "license"])
        assert types.get("id", "Value('string')") == "Value('string')"
        assert plain(rows) == plain(written[number]), FOLDERS[number]
    assert len(done.stdout.splitlines()) == len(FOLDERS)


@pytest.mark.parametrize("shape", SHAPES)
def test_parquet_holds_what_lines_hold(shape: str, tmp_path: Path) -> None:
    written = shard(tmp_path / "out", shape, "parquet")
    read = [parse_row(row.data) for path in sorted((tmp_path / "out/data").iterdir()) for row in read_rows(str(path))]
    assert plain(read) == plain(written)


def test_parquet_is_compressed_and_its_row_groups_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 10)
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 3000)
    rows = [{"id": n, "program": "x" * (800 if n >= 25 else 8)} for n in range(40)]
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(b"".join(map(encode_line, rows)))
    write_parquet(str(lines), str(tmp_path / "out.parquet"), {"id": "string", "program": "string"})
    metadata = pq.ParquetFile(tmp_path / "out.parquet").metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [10, 10, 9, 4, 4, 3]
    assert {group.column(1).compression for group in groups} == {"ZSTD"}
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [{**row, "id": str(row["id"])} for row in rows]


def test_a_shard_that_is_loaded_holds_what_can_be_loaded_and_a_file_what_there_was(tmp_path: Path) -> None:
    line = encode_line({"a": ["\ud800 \U0001f600", {"b": "\udfff"}], "c": "\\ud800 é"})
    for loads in (False, True):
        shards = Shards(lambda _: str(tmp_path / f"{loads}.jsonl"), "jsonl", {}, for_datasets=loads)  # noqa: B023
        shards.write(line)
        shards.close()
    assert (tmp_path / "False.jsonl").read_bytes() == line
    assert json.loads((tmp_path / "True.jsonl").read_bytes()) == {"a": ["? \U0001f600", {"b": "?"}], "c": "\\ud800 é"}


def rows_file(tmp_path: Path, rows: list[dict[str, Any]] = ROWS) -> str:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("out.jsonl", None),
        ("out.jsonl.gz", "gzip"),
        ("out.JSONL.GZ", "gzip"),
        ("out.jsonl.zst", "zstd"),
        ("out.parquet", "Parquet"),
        ("out.PARQUET", "Parquet"),
        ("a.parquet.d/deeper/out.jsonl", None),
    ],
)
def test_the_kind_of_an_output_follows_from_its_suffix(output: str, kind: str | None, tmp_path: Path) -> None:
    path = tmp_path / output
    with Outputs(Target(str(path)), {"a": "int"}, {}) as outputs:
        outputs.write(b'{"a":1}\n', b"")
        outputs.finish({}, {})
    magic = {None: b'{"a"', "gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "Parquet": b"PAR1"}[kind]
    assert path.read_bytes().startswith(magic)
    stem = path.name.split(".")[0]
    assert sorted(os.listdir(path.parent)) == sorted([path.name, f"{stem}.manifest.json", f"{stem}.rejected.jsonl"])
    assert [parse_row(row.data) for row in read_rows(str(path))] == [{"a": 1}]


def test_a_manifest_says_of_what_and_with_what_an_output_was_made(tmp_path: Path) -> None:
    source = rows_file(tmp_path, [*ROWS, {"instruction": "No.", "program": "print 1"}])
    target = Target(str(tmp_path / "out"), shards=2)
    build([source], target, options=BuildOptions(samples=2, seed=7), workers=1)
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    made = manifest["settings"]
    assert made["lintseq"] == __version__
    assert made["python"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert (made["options"]["samples"], made["options"]["seed"]) == (2, 7)
    assert made["output"] == {"kind": "parquet", "shards": 2, "shard_rows": None}
    (source_settings,) = made["inputs"]
    assert source_settings["path"] == "in.jsonl"
    local = json.loads((tmp_path / "out.local.json").read_text())
    assert local["settings"]["inputs"][0]["path"] == source
    assert source_settings["fields"]["code"] == "program"
    assert source_settings["fingerprint"]["size"] == os.path.getsize(source)
    assert (manifest["rows"], manifest["sequences"], manifest["rejections"]) == (13, 24, {"syntax": 1})


def test_a_folder_of_shards_has_a_card_with_its_numbers(tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    source = rows_file(tmp_path, [*ROWS, {"instruction": "No.", "program": "print 1"}])
    target = Target(str(tmp_path / "out"), shard_rows=9, shard_kind="jsonl.gz")
    build([source], target, options=options(samples=2), workers=1)
    card = DatasetCard.load(str(tmp_path / "out/README.md"))
    count = sum(len(gzip.decompress(path.read_bytes()).splitlines()) for path in (tmp_path / "out/data").iterdir())
    assert f"| edit sequences | {count} |\n| rows read | 13 |\n| rows rejected | 1 |" in card.text
    assert "| rejected: syntax | 1 |" in card.text
    assert "| license | the license of the program |" in card.text
    assert card.data.license == ["mit", "unknown"]
    names = [feature["name"] for feature in card.data.dataset_info["features"]]
    assert names == [*SHAPES["lintseq"].columns, "license"]


# Locks


@pytest.mark.parametrize("target", [Target("out.parquet"), Target("out", shards=2), Target("out", shard_rows=3)])
def test_of_two_runs_for_one_output_the_second_is_refused(target: Target, tmp_path: Path) -> None:
    placed = Target(str(tmp_path / target.output), None, target.shards, target.shard_rows)
    with Outputs(placed, {"a": "int"}, {}):
        for way in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(
                ConfigError, match=rf"out\S* is being written by process {os.getpid()} on .*; wait for it"
            ):
                Outputs(placed, {"a": "int"}, {}, **way)
    Outputs(placed, {"a": "int"}, {}).close()


def test_the_lock_of_a_run_that_was_killed_is_free_even_while_a_worker_is_at_a_long_row(tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text(SLOW)
    source = rows_file(tmp_path)
    command = [sys.executable, "-m", "lintseq", "build", source, "--output", "out.jsonl", "--linter", "slow:SLOW"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = subprocess.Popen([*command, "--workers", "1", "--row-timeout", "60"], cwd=tmp_path, env=environment)
    deadline = time.monotonic() + 20
    while not (tmp_path / "out.jsonl.partial/rejected.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    Outputs(Target(str(tmp_path / "out.jsonl")), {}, {}, overwrite=True).close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.csv", "its name has to end in one of .parquet, .jsonl, .jsonl.gz, .jsonl.zst"),
        ("out", "its name has to end in one of"),
        ("out.txt", "its name has to end in one of"),
        ("out.json", "its name has to end in one of"),
        ("out.zst", "its name has to end in one of"),
        ("out.parquet.gz", "its name has to end in one of"),
        ("s3://bucket/out.jsonl", "only local files can be written"),
    ],
)
def test_a_name_that_promises_what_is_not_written_is_refused(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        check_target(Target(name if "://" in name else str(tmp_path / name)), [], overwrite=False, resume=False)
