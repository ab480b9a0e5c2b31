"""Functions of a module are the same programs wherever the module comes from, and whoever works on it."""

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lintseq.dataset import pipeline
from lintseq.dataset.batches import Batch, RowWorker
from lintseq.dataset.build import build
from lintseq.dataset.outputs import Target
from lintseq.dataset.report import BuildProgress
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.screening import ScreeningOptions
from lintseq.errors import ConfigError
from lintseq.mining.modules import Modules
from lintseq.rows import START, FieldNames, ReadingOptions, content_id, encode_row, open_sources, parse_row

Row = dict[str, Any]

AREA = '''"""Areas."""

import math

HALF = 0.5


def circle(radius):
    """Return the area of a circle.

    :param radius: half of how wide it is
    """
    return math.pi * radius**2


def triangle(base, height):
    """Return the area of a triangle."""
    return HALF * base * height


def silent(x):
    return x
'''
HASH = content_id("", AREA)
STACK = '''class Stack:
    """A pile of values that has room for a hundred."""

    def __init__(self):
        self.values = []

    def push(self, value):
        """Put a value on top."""
        self.values.append(value)


def stack(*values):
    """See above."""
    made = Stack()
    for value in values:
        made.push(value)
    return made


def stack(*values):
    """Return a stack of all of these values."""
    return Stack()
'''
FILES = {
    "shapes/area.py": AREA,
    "shapes/dos.py": AREA.replace("\n", "\r\n"),
    "stack.py": STACK,
    "nothing.py": "",
    "no_functions.py": "x = 1\n",
    "old.py": 'def f():\n    """Print one."""\n    print 1\n',
    "null.py": 'def f():\n    """Print one."""\n    "\0"\n',
    "return.py": '"""It returns."""\nreturn\n',
    "deep.py": f'def f(x):\n    """Return something."""\n    return {"(" * 300}x{")" * 300}\n',
    "tests/test_it.py": 'def f():\n    """Test that all is well."""\n    assert True\n',
    "fenced.py": 'def f():\n    """Return this:\n\n    ```\n    x\n    ```\n    """\n    return "x"\n',
}


def folder_of(path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, newline="")
    return path


def rows_of(files: dict[str, str]) -> list[Row]:
    return [{"content": files[name], "path": name} for name in sorted(files)]


def as_lines(path: Path, rows: list[Row]) -> str:
    path.write_bytes(b"".join(encode_row(row) + b"\n" for row in rows))
    return str(path)


def as_array(path: Path, rows: list[Row]) -> str:
    path.write_text(json.dumps(rows))
    return str(path)


def as_csv(path: Path, rows: list[Row]) -> str:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def as_parquet(path: Path, rows: list[Row]) -> str:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3)
    return str(path)


def as_data_set(path: Path, rows: list[Row]) -> str:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    datasets.Dataset.from_list(rows).save_to_disk(path)
    return str(path)


WRITERS: dict[str, Callable[[Path, list[Row]], str]] = {
    "rows.jsonl": as_lines,
    "rows.json": as_array,
    "rows.csv": as_csv,
    "rows.parquet": as_parquet,
    "saved": as_data_set,
}
READINGS = {"functions": ReadingOptions(functions=True), "tasks": ReadingOptions(tasks=True)}


def built(input: str, folder: Path, reading: ReadingOptions, **options: Any) -> tuple[bytes, list[Row]]:
    """Return what a build wrote: its records, and what was rejected."""
    folder.mkdir(exist_ok=True)
    build([input], folder / "out.jsonl", reading=reading, options=BuildOptions(**options), workers=1)
    return (folder / "out.jsonl").read_bytes(), lines_of(folder / "out.rejected.jsonl")


def lines_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def told(rejections: list[Row]) -> list[tuple[Any, ...]]:
    return [(one["id"], one["reason"], one["detail"]) for one in rejections]


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("kind", WRITERS)
def test_rows_of_files_give_what_the_files_give(kind: str, reading: str, tmp_path: Path) -> None:
    from_files = built(str(folder_of(tmp_path / "files", FILES)), tmp_path / "a", READINGS[reading])
    from_rows = built(WRITERS[kind](tmp_path / kind, rows_of(FILES)), tmp_path / "b", READINGS[reading])
    assert from_rows[0] == from_files[0]
    assert told(from_rows[1]) == told(from_files[1])
    assert {"old.py", "null.py", "deep.py"} <= {one["id"] for one in from_rows[1]}


PARTS = st.sampled_from([
    'def a(x):\n    """Return what is given."""\n    return b(x)\n',
    'def b(x):\n    """Return it, too."""\n    return X + x\n',
    "X = 1\n",
    "import os\n",
    'class C:\n    """Has a member."""\n    x = os.sep\n',
    "def f(:\n",
    "# é \u2028\n",
    "\r\n",
    "```\n",
])  # fmt: skip
MODULES = st.lists(PARTS, max_size=6).map("\n".join)


@settings(max_examples=15, deadline=None)
@given(modules=st.lists(MODULES, min_size=1, max_size=5), reading=st.sampled_from(sorted(READINGS)))
def test_any_modules_give_the_same_functions_from_files_and_from_rows(
    modules: list[str], reading: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("modules")
    files = {f"m{n}.py": text for n, text in enumerate(modules)}
    options = READINGS[reading]
    found = [
        [parse_row(one.data) for source in sources for row in source.read(START) for one, _ in source.programs(row)]
        for sources in (
            open_sources([str(folder_of(folder / "files", files))], FieldNames(), options),
            open_sources([as_lines(folder / "rows.jsonl", rows_of(files))], FieldNames(), options),
        )
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("more", "ids"),
    [
        ({"id": 7, "path": "a.py"}, ["7::circle", "7::triangle"]),
        ({"uuid": "u", "path": "a.py"}, ["u::circle", "u::triangle"]),
        ({"id": "", "path": "a.py"}, ["a.py::circle", "a.py::triangle"]),
        ({"path": "a.py", "repo_name": "me/it"}, ["me/it/a.py::circle", "me/it/a.py::triangle"]),
        (
            {"max_stars_repo_path": "a.py", "max_stars_repo_name": "me/it"},
            ["me/it/a.py::circle", "me/it/a.py::triangle"],
        ),
        ({"Path": "a.py"}, ["a.py::circle", "a.py::triangle"]),
        ({"path": None, "lang": "Python"}, [f"{HASH}::circle", f"{HASH}::triangle"]),
    ],
)
def test_the_id_of_a_function_is_that_of_its_row_or_the_path_or_a_hash(
    more: Row, ids: list[str], tmp_path: Path
) -> None:
    records, _ = built(as_lines(tmp_path / "in.jsonl", [{"content": AREA, **more}]), tmp_path, READINGS["functions"])
    assert [json.loads(line)["id"] for line in records.splitlines()] == ids


REFUSED: list[tuple[bytes, Any, str]] = [
    (b'{"path": "p.py", "content": "print 1"}', "p.py", "syntax"),
    (b'{"path": "p.py", "content": "x = \\"\\ud800\\""}', "p.py", "encoding"),
    (b'{"path": "p.py", "content": "```c\\nint x;\\n```\\n"}', "p.py", "no-code"),
    (b'{"path": "p.py", "content": 1}', "p.py", "not-string"),
    (b'{"id": 3, "content": null}', 3, "not-string"),
    (b'{"path": "p.py"}', "p.py", "no-field"),
    (b'{"content": "def f(:"}', None, "syntax"),
    (b'{"content":', None, "not-json"),
    (b"[1]", None, "not-object"),
    (b'{"path": "p.py", "content": "x = ' + b"(" * 5000 + b'"}', "p.py", "syntax"),
    (b'{"path": "p.py", "content": "x = ' + b"-" * 50_000 + b'1"}', "p.py", "nesting"),
]


def test_what_holds_no_module_is_one_rejection_with_the_row_as_it_was(tmp_path: Path) -> None:
    good = as_lines(tmp_path / "in.jsonl", [{"id": None, **row} for row in rows_of({"area.py": AREA})])
    with open(good, "ab") as file:
        file.writelines(line + b"\n" for line, _, _ in REFUSED)
    records, rejections = built(good, tmp_path, READINGS["functions"])
    assert len(records.splitlines()) == 2
    assert [(one["id"], one["reason"]) for one in rejections] == [(id, reason) for _, id, reason in REFUSED]
    assert [one["line"] for one in rejections] == list(range(2, 2 + len(REFUSED)))
    for one, (line, _, reason) in zip(rejections, REFUSED, strict=True):
        assert one["record"] == (line.decode() if reason == "not-json" else json.loads(line))


def test_a_module_that_takes_too_long_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(self: Any, row: Any, columns: Row) -> Any:
        while "slow" in columns["path"]:
            pass
        return whole(self, row, columns)

    whole = Modules.definitions
    monkeypatch.setattr(Modules, "definitions", slow)
    input = as_lines(tmp_path / "in.jsonl", rows_of({"a.py": AREA, "slow.py": AREA, "stack.py": STACK}))
    (source,) = open_sources([input], FieldNames(), READINGS["functions"])
    worker = RowWorker(BuildOptions(row_timeout=0.5))
    with worker.limits.installed():
        rows = list(source.read(START))
        result = worker(Batch("in.jsonl", source.fields, rows, modules=source.modules))
    assert len(result.records.splitlines()) == 5
    (rejection,) = map(json.loads, result.rejections.splitlines())
    assert (rejection["id"], rejection["reason"]) == ("slow.py", "timeout")


@pytest.mark.parametrize("column", ["license", "max_stars_repo_licenses", "terms"])
def test_a_function_has_the_license_of_its_row(column: str, tmp_path: Path) -> None:
    rows = [
        {**row, column: [["MIT"], ["GPL-3.0"]][n % 2]} for n, row in enumerate(rows_of(dict.fromkeys("abcd", AREA)))
    ]
    screening = ScreeningOptions(licenses=("MIT",), license_field="terms" if column == "terms" else None)
    input = as_lines(tmp_path / "in.jsonl", rows)
    records, rejections = built(input, tmp_path, READINGS["functions"], screening=screening)
    found = [(one["id"], one["license"]) for one in map(json.loads, records.splitlines())]
    assert found == [(f"{name}::{function}", "MIT") for name in "ac" for function in ("circle", "triangle")]
    assert {(one["id"], one["reason"]) for one in rejections} == {
        (f"{name}::{function}", "license") for name in "bd" for function in ("circle", "triangle")
    }


# The same bytes, whoever does the work


def many(path: Path) -> str:
    """Write modules of which some functions are the same as earlier ones; some do not parse."""
    rows = []
    for n in range(40):
        text = AREA.replace("HALF", f"HALF{n // 2}") if n % 3 else STACK.replace("Stack", f"Stack{n % 4}")
        rows.append(
            {"content": "print 1\n" if n % 11 == 5 else text, "path": f"p/m{n}.py", "id": n if n % 5 else None}
        )
    return as_parquet(path, rows) if path.suffix == ".parquet" else as_lines(path, rows)


TARGETS = {
    "lines": Target("out.jsonl"),
    "shards": Target("out", shards=3, shard_kind="jsonl"),
    "shards of 7": Target("out", shard_rows=7, shard_kind="jsonl"),
}
SCREENING = {
    "all": ScreeningOptions(),
    "no duplicates": ScreeningOptions(duplicates="exact"),
    "no near duplicates": ScreeningOptions(duplicates="near", similarity=0.8),
}


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    ("input", "target", "screening"),
    [
        ("in.jsonl", "lines", "no near duplicates"),
        ("in.jsonl", "shards", "all"),
        ("in.parquet", "shards", "no duplicates"),
        ("in.parquet", "shards of 7", "all"),
    ],
)
def test_workers_and_kills_leave_the_bytes_as_they_are(
    input: str, target: str, screening: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(pipeline, "BATCH_ROWS", 4)  # so that no kill comes with the last row, however quick they are
    source = many(tmp_path / input)
    chance = random.Random(f"{input} {target} {screening}")

    def run(name: str, **more: Any) -> None:
        (tmp_path / name).mkdir(exist_ok=True)
        one = TARGETS[target]
        placed = Target(str(tmp_path / name / one.output), None, one.shards, one.shard_rows, one.shard_kind)
        options = BuildOptions(samples=2, screening=SCREENING[screening])
        build([source], placed, options=options, reading=READINGS["functions"], **{"workers": 1, **more})

    def kill_at(rows: int) -> Callable[[BuildProgress], None]:
        def look(progress: BuildProgress) -> None:
            if progress.rows >= rows:
                raise Killed

        return look

    run("alone")
    run("workers", workers=2)
    for rows in sorted(chance.sample(range(1, 60), 3)):
        with pytest.raises(Killed):
            run("killed", on_progress=kill_at(rows), resume=True)
    run("killed", resume=True)
    contents = [
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / name for name in ("alone", "workers", "killed"))
    ]
    assert contents[0] == contents[1] == contents[2]
    rejected = next(data for name, data in contents[0].items() if name.endswith("rejected.jsonl"))
    assert (b"duplicate" in rejected) == (screening != "all")


@pytest.mark.parametrize("other", [ReadingOptions(), READINGS["tasks"]])
def test_a_build_of_functions_is_not_gone_on_with_as_another(other: ReadingOptions, tmp_path: Path) -> None:
    rows = [{**row, "instruction": "Do it."} for row in rows_of(FILES)]
    input = as_lines(tmp_path / "in.jsonl", rows)
    build([input], tmp_path / "out.jsonl", reading=READINGS["functions"], workers=1)
    with pytest.raises(ConfigError, match=r"was made with other settings: .*modules"):
        build([input], tmp_path / "out.jsonl", reading=other, workers=1, resume=True)


def test_instructions_of_functions_are_their_docstrings_and_no_column(tmp_path: Path) -> None:
    input = as_lines(tmp_path / "in.jsonl", rows_of(FILES))
    options = BuildOptions(names=FieldNames(instruction="path"))
    with pytest.raises(ConfigError, match="leave out --instruction-field"):
        build([input], tmp_path / "out.jsonl", reading=READINGS["functions"], options=options)


def test_in_pylintseqs_shape_each_function_has_an_index_of_its_own(tmp_path: Path) -> None:
    input = as_lines(tmp_path / "in.jsonl", rows_of(FILES))
    records, _ = built(input, tmp_path, READINGS["functions"], shape="pylintseq")
    indices = [json.loads(line)["index"] for line in records.splitlines()]
    assert len(indices) == len(set(indices)) == 9
    assert indices == sorted(indices)
