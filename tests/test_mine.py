"""Mining gives the same pairs wherever the files come from, whoever does the work, and however often it is killed."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from killing import check_bytes, lines_of

from lintseq.dataset.build import build
from lintseq.dataset.outputs import Target
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.screening import ScreeningOptions
from lintseq.dataset.transform import RowLimits
from lintseq.errors import ConfigError
from lintseq.mining import MiningOptions, mine
from lintseq.mining.mine import Miner
from lintseq.rows import START, FieldNames, content_id, encode_row, open_inputs

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
OPTIONS = {"functions": MiningOptions(functions=True), "tasks": MiningOptions(tasks=True)}


def mined(source: str, folder: Path, options: MiningOptions, **more: Any) -> tuple[list[Row], list[Row]]:
    """Return the pairs mined from a source, and what was rejected."""
    folder.mkdir(exist_ok=True)
    mine([source], folder / "pairs.jsonl", options, workers=1, **more)
    return lines_of(folder / "pairs.jsonl"), lines_of(folder / "pairs.rejected.jsonl")


def reasons(rejections: list[Row]) -> list[tuple[Any, ...]]:
    return [(rejection["id"], rejection["reason"], rejection["detail"]) for rejection in rejections]


@pytest.mark.parametrize("unit", OPTIONS)
@pytest.mark.parametrize("kind", WRITERS)
def test_rows_of_files_yield_what_the_files_yield(kind: str, unit: str, tmp_path: Path) -> None:
    from_files = mined(str(folder_of(tmp_path / "files", FILES)), tmp_path / "a", OPTIONS[unit])
    from_rows = mined(WRITERS[kind](tmp_path / kind, rows_of(FILES)), tmp_path / "b", OPTIONS[unit])
    assert from_rows[0] == from_files[0]
    assert reasons(from_rows[1]) == reasons(from_files[1])
    assert {"old.py", "null.py", "deep.py"} <= {rejection["id"] for rejection in from_rows[1]}


def test_a_rejected_definition_has_its_line_in_a_source_file_and_that_of_its_row_elsewhere(tmp_path: Path) -> None:
    files = {"a.py": STACK}
    _, from_files = mined(str(folder_of(tmp_path / "files", files)), tmp_path / "a", OPTIONS["tasks"])
    _, from_rows = mined(as_lines(tmp_path / "rows.jsonl", rows_of(files)), tmp_path / "b", OPTIONS["tasks"])
    assert [(rejection["id"], rejection["line"]) for rejection in from_files] == [
        ("a.py::stack", 12),
        ("a.py::stack-2", 20),
    ]
    assert [rejection["line"] for rejection in from_rows] == [1, 1]
    assert from_files[0]["record"]["instruction"] == "See above."


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
@given(modules=st.lists(MODULES, min_size=1, max_size=5), unit=st.sampled_from(sorted(OPTIONS)))
def test_any_files_give_the_same_pairs_from_a_folder_and_from_rows(
    modules: list[str], unit: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("modules")
    files = {f"m{n}.py": text for n, text in enumerate(modules)}
    sources = [str(folder_of(folder / "files", files)), as_lines(folder / "rows.jsonl", rows_of(files))]
    limits = RowLimits(Miner(OPTIONS[unit], {}), 0)
    found = [
        [
            (result.id, result.records, result.reason, [part.reason for part in result.rejections])
            for source in open_inputs([spec], FieldNames(), code_base=True)
            for row in source.read(START)
            for result in [limits.apply(row.data, source.fields)]
        ]
        for spec in sources
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
    pairs, _ = mined(as_lines(tmp_path / "in.jsonl", [{"content": AREA, **more}]), tmp_path, OPTIONS["functions"])
    assert [pair["id"] for pair in pairs] == ids


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


def test_a_row_without_a_module_is_rejected_as_it_was(tmp_path: Path) -> None:
    good = as_lines(tmp_path / "in.jsonl", [{"id": None, **row} for row in rows_of({"area.py": AREA})])
    with open(good, "ab") as file:
        file.writelines(line + b"\n" for line, _, _ in REFUSED)
    pairs, rejections = mined(good, tmp_path, OPTIONS["functions"])
    assert len(pairs) == 2
    assert [(rejection["id"], rejection["reason"]) for rejection in rejections] == [
        (id, reason) for _, id, reason in REFUSED
    ]
    assert [rejection["line"] for rejection in rejections] == list(range(2, 2 + len(REFUSED)))
    for rejection, (line, _, reason) in zip(rejections, REFUSED, strict=True):
        assert rejection["record"] == (line.decode() if reason == "not-json" else json.loads(line))


def test_a_file_that_takes_too_long_costs_only_itself(tmp_path: Path) -> None:
    text = "".join(f'def f{n}():\n    """Return what it is."""\n    return f{n - 1}()\n' for n in range(2000))
    source = as_lines(tmp_path / "in.jsonl", rows_of({"a.py": AREA, "slow.py": text, "stack.py": STACK}))
    pairs, (rejection,) = mined(source, tmp_path, MiningOptions(functions=True, row_timeout=0.3))
    assert len(pairs) == 5
    assert (rejection["id"], rejection["reason"]) == ("slow.py", "timeout")


@pytest.mark.parametrize("column", ["license", "max_stars_repo_licenses", "terms"])
def test_a_pair_has_the_license_of_its_file(column: str, tmp_path: Path) -> None:
    rows = [
        {**row, column: [["MIT"], ["GPL-3.0"]][n % 2]} for n, row in enumerate(rows_of(dict.fromkeys("abcd", AREA)))
    ]
    keep = ("terms",) if column == "terms" else ()
    pairs, _ = mined(as_lines(tmp_path / "in.jsonl", rows), tmp_path, MiningOptions(functions=True, keep=keep))
    assert [pair[column] for pair in pairs] == [["MIT"], ["MIT"], ["GPL-3.0"], ["GPL-3.0"]] * 2
    screening = ScreeningOptions(license=("MIT",), license_field="terms" if column == "terms" else None)
    build([tmp_path / "pairs.jsonl"], tmp_path / "edits.jsonl", options=BuildOptions(screening=screening), workers=1)
    found = [(record["id"], record["license"]) for record in lines_of(tmp_path / "edits.jsonl")]
    assert found == [(f"{name}::{function}", "MIT") for name in "ac" for function in ("circle", "triangle")]


def test_columns_to_keep_have_to_exist(tmp_path: Path) -> None:
    source = as_lines(tmp_path / "in.jsonl", rows_of({"a.py": AREA}))
    with pytest.raises(ConfigError, match=r"no column 'stars' in the first rows \(columns: content, path\)"):
        mine([source], tmp_path / "pairs.jsonl", MiningOptions(functions=True, keep=("stars",)))


@pytest.mark.parametrize("options", [MiningOptions(), MiningOptions(functions=True, tasks=True)])
def test_one_unit_has_to_be_chosen(options: MiningOptions, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="choose what to mine: --functions, --tasks or --commits"):
        mine([str(tmp_path)], tmp_path / "pairs.jsonl", options)


# From the shell to edit sequences


@pytest.mark.parametrize("unit", ["tasks", pytest.param("functions", marks=pytest.mark.slow)])
def test_mined_pairs_can_be_piped_into_build(unit: str, tmp_path: Path) -> None:
    folder_of(tmp_path / "files", FILES)
    lintseq = f"{sys.executable} -m lintseq"
    pipe = f"{lintseq} mine files --{unit} --output - --quiet | {lintseq} build - --output edits.jsonl --quiet"
    subprocess.run(["bash", "-c", pipe], cwd=tmp_path, check=True)
    pairs, _ = mined(str(tmp_path / "files"), tmp_path / "pairs", OPTIONS[unit])
    records = lines_of(tmp_path / "edits.jsonl")
    assert [record["id"] for record in records] == [pair["id"] for pair in pairs]
    columns = ("instruction", "program")
    assert [[row[name] for name in columns] for row in records] == [[row[name] for name in columns] for row in pairs]
    assert "shapes/area.py::circle" in [record["id"] for record in records]


# The same bytes, whoever does the work


def many(path: Path) -> str:
    """Write modules of which some do not parse."""
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
    "parquet shards of 7": Target("out", shard_rows=7),
}


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("in.jsonl", "lines"),
        pytest.param("in.parquet", "shards", marks=pytest.mark.slow),
        pytest.param("in.parquet", "parquet shards of 7", marks=pytest.mark.slow),
    ],
)
def test_workers_and_kills_do_not_change_the_bytes(
    source: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = many(tmp_path / source)
    run = partial(mine, [spec], TARGETS[target], OPTIONS["tasks"])
    assert check_bytes(run, tmp_path, monkeypatch, kills=(3, 20, 33))


def test_mining_is_not_resumed_with_other_options(tmp_path: Path) -> None:
    source = as_lines(tmp_path / "in.jsonl", rows_of(FILES))
    mine([source], tmp_path / "out.jsonl", OPTIONS["functions"], workers=1)
    report = mine([source], tmp_path / "out.jsonl", OPTIONS["functions"], workers=1, resume=True)
    assert report.nothing_to_do
    assert (report.files, report.pairs) == (len(FILES), 9)
    with pytest.raises(ConfigError, match=r"was made with other settings: .*tasks"):
        mine([source], tmp_path / "out.jsonl", OPTIONS["tasks"], workers=1, resume=True)


def test_a_folder_of_shards_has_a_card(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    rows = [{**row, "license": "MIT"} for row in rows_of(FILES)]
    source = as_lines(tmp_path / "in.jsonl", rows)
    mine([source], Target(str(tmp_path / "out"), shards=1), OPTIONS["functions"], workers=1)
    card = (tmp_path / "out/README.md").read_text()
    assert "# Instructions and programs\n" in card
    assert "\nlicense: mit\n" in card
    assert "| pairs | 9 |\n| files read | 11 |\n" in card
    assert "| path | the path of the file |" in card
    assert "edit" not in card
