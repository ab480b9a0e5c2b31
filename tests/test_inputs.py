"""Every kind of input gives the same rows, from its beginning and from any mark; what is broken says where."""

import csv
import gzip
import io
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings, strategies as st
from killing import Killed, kill_at

from lintseq.dataset.build import build
from lintseq.dataset.outputs import Target
from lintseq.dataset.sampler import BuildOptions, EditSampler
from lintseq.dataset.screening import ScreeningOptions
from lintseq.errors import BrokenInputError, ConfigError
from lintseq.rows import MAX_ROW_BYTES, START, FieldNames, Input, find_inputs, open_inputs, parse_row, read_rows
from lintseq.rows.streams import without_secrets

os.environ["HF_HUB_OFFLINE"] = "1"

Row = dict[str, Any]
ROWS: list[Row] = [
    {
        "id": f"r{n}",
        "instruction": f'Print {n}, "twice";\nthen stop.\té \u2028 \U0001f600',
        "program": f"# {'x' * (n % 7 * 3000)}\nprint('{n},')\nprint(\"{n}\")\n",
    }
    for n in range(40)
]
BOM = b"\xef\xbb\xbf"
zstd = zstandard.ZstdCompressor().compress


def as_lines(rows: list[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_array(rows: list[Row]) -> bytes:
    return json.dumps(rows, ensure_ascii=False).encode()


def as_table(rows: list[Row], delimiter: str = ",", ending: str = "\r\n") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: list[Row], *, kind: str = "string", **options: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"large_string": pa.large_string(), "dictionary": pa.dictionary(pa.int32(), pa.string())}
    table = pa.Table.from_pylist(rows)
    if kind in types:
        table = table.cast(pa.schema([(name, types[kind]) for name in table.column_names]))
    sink = io.BytesIO()
    pq.write_table(table, sink, **{"row_group_size": 7, **options})
    return sink.getvalue()


FILES: dict[str, Callable[[list[Row]], bytes]] = {
    "lines.jsonl": as_lines,
    "lines.ndjson": lambda rows: BOM + as_lines(rows).replace(b"\n", b"\r\n\r\n"),
    "lines.jsonl.gz": lambda rows: gzip.compress(as_lines(rows)),
    "lines.jsonl.zst": lambda rows: zstd(as_lines(rows)),
    "no suffix": as_lines,
    "array.json": as_array,
    "array.json.zst": lambda rows: zstd(as_array(rows)),
    "pretty.json": lambda rows: BOM + b" \n" + json.dumps(rows, indent=4).encode() + b"\n\n",
    "array.jsonl": as_array,
    "table.csv": as_table,
    "table.csv.gz": lambda rows: gzip.compress(BOM + as_table(rows, ending="\n")),
    "table.tsv": lambda rows: as_table(rows, "\t"),
    "table.parquet": as_parquet,
    "table.pq": lambda rows: as_parquet(rows, row_group_size=1000, compression="gzip"),
    "large.parquet": lambda rows: as_parquet(rows, kind="large_string", compression="zstd"),
    "dictionary.parquet": lambda rows: as_parquet(rows, kind="dictionary", row_group_size=19),
    "parquet in another name.jsonl": as_parquet,
    "odd [name] é.jsonl": as_lines,
    "a.tsv.d/table.csv": as_table,
}


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def put_remote(url: str, data: bytes) -> str:
    import fsspec

    with fsspec.open(url, "wb") as file:
        file.write(data)
    return url


def parts(folder: Path, rows: list[Row]) -> None:
    put(folder / "a.jsonl.gz", gzip.compress(as_lines(rows[:11])))
    put(folder / "b/c.csv", as_table(rows[11:12]))
    put(folder / "b/d [1].parquet", as_parquet(rows[12:30]))
    put(folder / "e.json", as_array(rows[30:]))
    for name in ("README.md", ".hidden.jsonl", ".cache/x.jsonl", "manifest.json", "a.rejected.jsonl", "f.txt"):
        put(folder / name, as_lines(rows))
    put(folder / "out.jsonl.partial/records-0.jsonl", as_lines(rows))


def saved(folder: Path, rows: list[Row], split: str | None = None) -> Path:
    import datasets

    datasets.disable_progress_bars()
    data = datasets.Dataset.from_list(rows)
    whole = data if split is None else datasets.DatasetDict({"other": data.select([0]), split: data})
    whole.save_to_disk(folder, **({"num_shards": 2} if split is None else {}))
    return folder


def loaded_by_name(folder: Path, rows: list[Row]) -> Path:
    put(folder / "train-0.jsonl", as_lines(rows[:25]))
    put(folder / "train-1.jsonl", as_lines(rows[25:]))
    return folder


def in_memory(folder: Path, rows: list[Row]) -> str:
    base = f"memory://{folder.name}"
    put_remote(f"{base}/x/a.jsonl", as_lines(rows[:9]))
    put_remote(f"{base}/x/b [é].parquet", as_parquet(rows[9:30]))
    put_remote(f"{base}/x/c.csv.gz", gzip.compress(as_table(rows[30:])))
    put_remote(f"{base}/x/.hidden/d.jsonl", as_lines(rows))
    put_remote(f"{base}/x/notes.txt", b"no")
    return base


def folder_of_parts(folder: Path) -> str:
    parts(folder, ROWS)
    return str(folder)


def pattern_of_parts(folder: Path) -> str:
    for start in range(0, 40, 10):
        put(folder / f"{start} [x]/part.jsonl", as_lines(ROWS[start : start + 10]))
    return str(folder / "*/part.json*")


OTHERS: dict[str, Callable[[Path], str]] = {
    "folder": folder_of_parts,
    "pattern": pattern_of_parts,
    "saved": lambda folder: str(saved(folder / "set", ROWS)),
    "saved, a split": lambda folder: f"hf:{saved(folder / 'set', ROWS, 'test')}:test",
    "streamed": lambda folder: f"hf:{loaded_by_name(folder / 'set', ROWS)}",
    "streamed, a split": lambda folder: f"hf:{loaded_by_name(folder / 'set', ROWS)}:train",
    "remote lines": lambda folder: put_remote(f"memory://{folder.name}/a.jsonl", as_lines(ROWS)),
    "remote gz": lambda folder: put_remote(f"memory://{folder.name}/a.jsonl.gz", gzip.compress(as_lines(ROWS))),
    "remote array": lambda folder: put_remote(f"memory://{folder.name}/a.json", as_array(ROWS)),
    "remote Parquet": lambda folder: put_remote(f"memory://{folder.name}/a.parquet", as_parquet(ROWS)),
    "remote folder": lambda folder: f"{in_memory(folder, ROWS)}/x",
    "remote pattern": lambda folder: f"{in_memory(folder, ROWS)}/x/[abc]*",
    "local URL": lambda folder: f"file://{put(folder / 'a b.jsonl', as_lines(ROWS))}",
    "local URL of a pattern": lambda folder: f"file://{put(folder / 'a.parquet', as_parquet(ROWS)).parent}/*.parquet",
}
KINDS: dict[str, Callable[[Path], str]] = {
    **{name: lambda folder, name=name: str(put(folder / name, FILES[name](ROWS))) for name in FILES},  # type: ignore[misc]
    **OTHERS,
}


def sources(*specs: str, **reading: Any) -> list[Input]:
    return open_inputs(specs, FieldNames(), **reading)


def rows_of(*opened: Input) -> list[Row]:
    return [parse_row(row.data) for source in opened for row in source.read(START)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_input_format_yields_the_same_rows_from_the_start_and_from_any_mark(kind: str, tmp_path: Path) -> None:
    opened = sources(KINDS[kind](tmp_path))
    assert rows_of(*opened) == ROWS
    assert all(source.fields is not None and source.fields.code == "program" for source in opened)
    for source in opened:
        rows = list(source.read(START))
        assert [row.index for row in rows] == list(range(len(rows)))
        assert all(before.number < after.number and before.end <= after.end for before, after in pairwise(rows))
        assert source.size is None or rows[-1].end <= source.size
        indices = [0, 6, 7, 24, 25, 38, 39] if "hf:" in source.path or "saved" in kind else range(len(rows))
        for index in indices:
            assert list(source.read(rows[index].mark)) == rows[index + 1 :]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SMALL_ROWS = st.lists(st.fixed_dictionaries({"id": TEXTS, "program": TEXTS, "instruction": TEXTS}), min_size=1)


@pytest.mark.parametrize("name", [name for name in FILES if "dictionary" not in name])
@settings(max_examples=25, deadline=None)
@given(rows=SMALL_ROWS, data=st.data())
def test_rows_are_read_unchanged(
    name: str, rows: list[Row], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = put(tmp_path_factory.mktemp("rows") / name, FILES[name](rows))
    (source,) = find_inputs(str(path))
    read = list(source.read(START))
    assert [parse_row(row.data) for row in read] == rows
    index = data.draw(st.integers(0, len(rows) - 1))
    assert list(source.read(read[index].mark)) == read[index + 1 :]


def test_rows_longer_than_a_chunk_are_complete(tmp_path: Path) -> None:
    rows = [{"id": str(n), "instruction": "é" * n, "program": "x" * (n * 90_000)} for n in range(6)]
    for name, write in FILES.items():
        assert rows_of(*find_inputs(str(put(tmp_path / name, write(rows))))) == rows, name


def test_each_input_has_its_own_columns(tmp_path: Path) -> None:
    first = put(tmp_path / "a.csv", b'question,answer\nOne.,"x = 1\ny = x\n"\n')
    second = put(tmp_path / "b.parquet", as_parquet([{"prompt": "Two.", "completion": "x = 2\n", "task_id": 2}]))
    third = put(tmp_path / "code/c.py", b'"""Three."""\nx = 3\n')
    build([first, second, third.parent], tmp_path / "out.jsonl", workers=1)
    records = [parse_row(row.data) for row in read_rows(str(tmp_path / "out.jsonl"))]
    found = [(record["instruction"], record["program"]) for record in records]
    assert found == [("One.", "x = 1\ny = x\n"), ("Two.", "x = 2\n"), ("Three.", '"""Three."""\nx = 3\n')]
    assert [record["id"] for record in records[1:]] == [2, "c.py"]


def test_a_build_resumes_in_the_middle_of_any_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lintseq.storage.SaveTimer.run", lambda self, save: save())
    specs = [
        KINDS[kind](tmp_path / kind) for kind in ("table.csv", "pretty.json", "table.parquet", "saved", "streamed")
    ]
    build(specs, tmp_path / "alone.jsonl", workers=1)

    for rows in (60, 145):
        with pytest.raises(Killed):
            build(specs, tmp_path / "out.jsonl", workers=1, resume=True, on_progress=kill_at(rows))
    report = build(specs, tmp_path / "out.jsonl", workers=1, resume=True)
    assert 145 <= report.rows_before < 200
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()


CHANGES: dict[str, tuple[Callable[[Path], str], Callable[[Path], object]]] = {
    "table.csv": (KINDS["table.csv"], lambda f: put(f / "table.csv", as_table(ROWS[1:]))),
    "table.parquet": (KINDS["table.parquet"], lambda f: put(f / "table.parquet", as_parquet(ROWS, kind="dictionary"))),
    "folder": (KINDS["folder"], lambda f: put(f / "e.json", as_array(ROWS[31:]))),
    "saved": (KINDS["saved"], lambda f: saved(f / "set", ROWS[1:])),
    "streamed": (KINDS["streamed"], lambda f: put(f / "set/train-1.jsonl", as_lines(ROWS[26:]))),
    "remote lines": (KINDS["remote lines"], lambda f: put_remote(f"memory://{f.name}/a.jsonl", as_lines(ROWS[1:]))),
    "source files": (
        lambda f: str(put(f / "code/a.py", b"x = 1\n").parent),
        lambda f: put(f / "code/a.py", b"x = 2\nx = 3\n"),
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_the_fingerprint_of_a_changed_input_differs(kind: str, tmp_path: Path) -> None:
    make, change = CHANGES[kind]
    spec = make(tmp_path)
    before = [source.fingerprint for source in sources(spec)]
    assert before == [source.fingerprint for source in sources(spec)]
    assert before == json.loads(json.dumps(before))
    change(tmp_path)
    after = [source.fingerprint for source in sources(spec)]
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


# What is broken


def corrupt(data: bytes) -> bytes:
    """Return Parquet whose last row group is damaged."""
    import pyarrow.parquet as pq

    metadata = pq.ParquetFile(io.BytesIO(data)).metadata
    start = metadata.row_group(metadata.num_row_groups - 1).column(0).data_page_offset
    return data[: start + 20] + bytes(200) + data[start + 220 :]


LINES, ARRAY, TABLE = as_lines(ROWS), as_array(ROWS), as_table(ROWS)
NOISE = [{**row, "program": random.Random(n).randbytes(3000).hex()} for n, row in enumerate(ROWS)]
BROKEN: dict[str, tuple[bytes | Callable[[], bytes], str, int | None]] = {
    "a.jsonl.gz": (gzip.compress(as_lines(NOISE))[:-9000], r"cut off in line 3\d", None),
    "a.jsonl.zst": (zstd(as_lines(NOISE))[:-9], r"cut off in line \d+", None),
    "a.json": (ARRAY[:-1], "cut off in element 41", 40),
    "b.json": (ARRAY[:-30], "cut off in element 40", 39),
    "c.json": (gzip.compress(as_array(NOISE))[:-9000], r"cut off in element 3\d", None),
    "d.json": (ARRAY[:-1] + b",]", "cannot be read beyond element 40: the array ends in a comma", 40),
    "e.json": (ARRAY + b"\n[{}]", r"cannot be read beyond element 40: expected the end .* found '\[\{\}\]'", 40),
    "f.json": (ARRAY[:-1] + b' {"a": 1}]', "beyond element 40: expected a comma, found ", 40),
    "g.json": (ARRAY[:-1] + b', {"a": oops}, ' + ARRAY[1:], "beyond element 40: Expecting value: 'oops", 40),
    "h.json": (b'[{"a": 1}, {"a": ' + b"[" * 100_000, "beyond element 1: nested too deeply", 1),
    "i.json": (b'[{"a": "' + b"x" * (MAX_ROW_BYTES * 2 + 10), "cannot be read beyond element 0: an element is lo", 0),
    "a.csv": (TABLE[:-9], r"cut off in the row that begins in line \d+: a quote is not closed", 39),
    "b.csv": (gzip.compress(as_table(NOISE))[:-9000], r"cut off after row 3\d", None),
    "c.csv": (TABLE + b'x,y,"' + b"z" * (MAX_ROW_BYTES + 1), "cannot be read beyond row 40: field larger than", 40),
    "a.parquet": (lambda: corrupt(as_parquet(NOISE)), "cannot be read beyond row 35", 35),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_yields_the_rows_before_and_names_where_it_breaks(name: str, tmp_path: Path) -> None:
    data, message, count = BROKEN[name]
    (source,) = find_inputs(str(put(tmp_path / name, data if isinstance(data, bytes) else data())))
    read = []
    with pytest.raises(BrokenInputError, match=rf"{name}: .*{message}"):
        for row in source.read(START):
            read.append(parse_row(row.data))
    whole = {"programs": [row["program"] for row in (NOISE if count is None or "parquet" in name else ROWS)]}
    assert len(read) == count or (count is None and (len(read) > 25 or name.endswith("zst")))
    if read and "program" in read[0]:
        assert [row["program"] for row in read] == whole["programs"][: len(read)]


def test_the_rows_of_a_broken_streamed_data_set_are_kept(tmp_path: Path) -> None:
    loaded_by_name(tmp_path / "set", ROWS)
    put(tmp_path / "set/train-1.jsonl", b'{"id": "a", "instruction": "b", "program": 1}\n{"id": broken\n')
    (source,) = find_inputs(f"hf:{tmp_path / 'set'}")
    read = []
    with pytest.raises(BrokenInputError, match=r"hf:.*: cannot be read beyond row 25: "):
        for row in source.read(START):
            read.append(parse_row(row.data))
    assert read == ROWS[:25]


def test_an_extra_cell_costs_only_its_row(tmp_path: Path) -> None:
    path = put(tmp_path / "in.csv", b"program,instruction\nx = 1,a\nx = 2,b,c\n\nx = 3\nx = 4,d\n")
    report = build([path], tmp_path / "out.jsonl", workers=1)
    rejected = [json.loads(row.data) for row in read_rows(report.rejected)]
    assert [(row["line"], row["reason"], row["record"]) for row in rejected] == [
        (3, "not-object", ["x = 2", "b", "c"]),
        (5, "not-object", ["x = 3"]),
    ]
    assert report.tally.sequences == 2


def test_bytes_that_are_not_utf_8_cost_only_their_row(tmp_path: Path) -> None:
    table = put(tmp_path / "in.csv", b"program,instruction\nx = 1,a\nx = '\xff',b\nx = 2,c\n")
    array = put(
        tmp_path / "in.json",
        b'[{"program": "x = \'\xff\'", "instruction": "a"}, {"program": "x = 1", "id": 1, "instruction": 2}]',
    )
    report = build([table, array], tmp_path / "out.jsonl", workers=1)
    rejected = [json.loads(row.data) for row in read_rows(report.rejected)]
    assert [row["reason"] for row in rejected] == ["encoding", "encoding", "not-string"]
    assert report.tally.sequences == 2


def test_the_line_of_a_row_in_a_table_is_where_it_begins(tmp_path: Path) -> None:
    path = put(tmp_path / "in.csv", b'a,b\n1,"x\ny\nz"\n\n2,u\n3,"v\nw"\n')
    assert [row.number for row in read_rows(str(path))] == [2, 6, 7]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.jsonl.gz", "a"])
def test_an_empty_file_has_no_rows(name: str, tmp_path: Path) -> None:
    assert rows_of(*sources(str(put(tmp_path / name, b"")))) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", lambda: b"[]"),
        ("spaces.json", lambda: BOM + b" [ \n ] \n"),
        ("a.csv", lambda: b"program,instruction\n"),
        ("a.jsonl", lambda: b"\n \n"),
        ("a.jsonl.gz", lambda: gzip.compress(b"")),
        ("a.jsonl.zst", lambda: zstd(b"")),
        ("a.parquet", lambda: as_parquet([{"program": "x"}])),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_inputs_without_rows_yield_none(name: str, data: Callable[[], bytes], tmp_path: Path) -> None:
    path = put(tmp_path / name, data())
    if name.endswith("parquet"):
        import pyarrow.parquet as pq

        pq.write_table(pq.read_table(path).slice(0, 0), path)
    assert rows_of(*sources(str(path))) == []


def test_lines_that_are_lists_are_rows_not_an_array(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", b"[1, 2]\n[]\n")
    assert [row.data for row in read_rows(str(path))] == [b"[1, 2]\n", b"[]\n"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nowhere.csv", "cannot read nowhere.csv: No such file"),
        ("loop.jsonl", "cannot read loop.jsonl: Too many levels of symbolic links"),
        ("file/x.jsonl", "cannot read file/x.jsonl: Not a directory"),
        ("text.parquet", "cannot read text.parquet: it is no Parquet file"),
        ("cut.parquet", "cannot read cut.parquet: "),
        ("packed.parquet.gz", "packed.parquet.gz is a compressed Parquet file"),
        ("*.nothing", r"no file matches \*.nothing"),
        ("nothing", "nothing holds neither data"),
        ("both", r"both holds both source files and data, such as both/b.json; .*'both/\*\*/\*.py' or .*json'"),
        ("both/*", "matches source files and others, such as both/b.json"),
        ("memory://nowhere/a.jsonl", "cannot read memory://nowhere/a.jsonl: there is no such file"),
        ("memory://nowhere/*.jsonl", "no file matches memory://nowhere"),
        ("nosuch://a/b.jsonl", "cannot read nosuch://a/b.jsonl: no URL begins like that"),
        ("hf:./nowhere", "cannot read hf:./nowhere: "),
        ("hf:streamed:test", r"cannot read hf:streamed:test: .*Bad split: test. Available splits: \['train'\]"),
        ("hf:", "cannot read hf:: expected hf:NAME"),
        ("splits", r"splits has the splits other, test; name one, as in hf:splits:other"),
    ],
)
def test_unreadable_inputs_are_rejected_with_one_line(
    spec: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop.jsonl").symlink_to("loop.jsonl")
    put(Path("file"), b"")
    put(Path("text.parquet"), LINES)
    put(Path("cut.parquet"), as_parquet(ROWS)[:-100])
    put(Path("packed.parquet.gz"), gzip.compress(as_parquet(ROWS)))
    put(Path("nothing/readme.txt"), b"")
    put(Path("both/a.py"), b"x = 1\n")
    put(Path("both/b.json"), b"{}")
    if "streamed" in spec:
        loaded_by_name(Path("streamed"), ROWS)
    if spec == "splits":
        saved(Path("splits"), ROWS, "test")
    with pytest.raises(ConfigError, match=message):
        sources(spec)


@pytest.mark.parametrize(
    ("spec", "module", "extra"),
    [
        ("a.parquet", "pyarrow", "parquet"),
        ("memory://a.jsonl", "fsspec.core", "remote"),
        ("hf:somewhere", "datasets", "hub"),
        ("saved", "datasets", "hub"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    spec: str, module: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(Path("a.parquet"), as_parquet(ROWS[:1]))
    put(Path("saved/state.json"), b"{}")
    put(Path("saved/dataset_info.json"), b"{}")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"^reading {spec} needs \w+: pip install 'lintseq\[{extra}\]'$"):
        sources(spec)


def test_a_folder_with_a_state_file_is_not_a_saved_data_set(tmp_path: Path) -> None:
    put(tmp_path / "state.json", b"{}")
    put(tmp_path / "a.jsonl", LINES)
    assert rows_of(*sources(str(tmp_path))) == ROWS


def test_a_file_takes_precedence_over_the_pattern_of_its_name(tmp_path: Path) -> None:
    put(tmp_path / "a[1].jsonl", as_lines(ROWS[:1]))
    put(tmp_path / "a1.jsonl", as_lines(ROWS[1:]))
    assert rows_of(*sources(str(tmp_path / "a[1].jsonl"))) == ROWS[:1]
    (tmp_path / "a[1].jsonl").unlink()
    assert rows_of(*sources(str(tmp_path / "a[1].jsonl"))) == ROWS[1:]


class Failing(io.BytesIO):
    """A remote file whose server has enough after a while."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 300_000:
            raise RuntimeError("429: too many requests")
        return super().read(size)


def test_rows_before_a_server_error_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    rows = ROWS * 2
    url = put_remote(f"memory://{tmp_path.name}/failing.jsonl", as_lines(rows))
    monkeypatch.setattr(MemoryFileSystem, "open", lambda *_, **__: Failing(as_lines(rows)))
    (source,) = find_inputs(url)
    read = []
    with pytest.raises(BrokenInputError, match=r"failing.jsonl: cannot be read beyond line \d+: .*429: too many"):
        for row in source.read(START):
            read.append(parse_row(row.data))
    assert len(read) > 20
    assert read == rows[: len(read)]


# What columns hold


def test_nested_columns_nulls_and_values_that_json_lacks_become_json(tmp_path: Path) -> None:
    from datetime import date, datetime
    from decimal import Decimal

    row = {
        "program": "x = 1",
        "nothing": None,
        "list": [1, None, 3],
        "object": {"a": {"b": ["c"]}, "d": None},
        "real": 0.5,
        "day": date(2025, 1, 2),
        "moment": datetime(2025, 1, 2, 3, 4, 5),
        "money": Decimal("1.50"),
        "bytes": b"caf\xc3\xa9",
        "odd": b"\xff",
    }
    (read,) = rows_of(*find_inputs(str(put(tmp_path / "a.parquet", as_parquet([row])))))
    plain = {"day": "2025-01-02", "moment": "2025-01-02T03:04:05", "money": "1.50", "bytes": "café", "odd": "\udcff"}
    assert {**read, "moment": read["moment"].replace(" ", "T")} == {**row, **plain}


def test_a_saved_data_set_has_plain_values_in_any_format(tmp_path: Path) -> None:
    import datasets

    datasets.Dataset.from_list(ROWS).with_format("numpy").save_to_disk(tmp_path / "set")
    assert rows_of(*sources(str(tmp_path / "set"))) == ROWS


# Source files


def code(folder: Path) -> Path:
    files = {
        "b/main.py": '"""Say hello.\n\nLoudly.\n"""\nprint("HELLO")\n',
        "a.py": "x = 1\n",
        "odd [é] name.py": "y = 2\r\n",
        "latin.py": b"# coding: latin-1\n# caf\xe9\nx = 1\n",
        "marked.py": BOM + b"x = 3\n",
        "broken.py": "def f(:\n",
        "bytes.py": b"x = '\xff'\n",
        "empty.py": "",
        ".hidden/c.py": "z = 1\n",
        ".d.py": "z = 1\n",
        "venv/pyvenv.cfg": "",
        "venv/lib/e.py": "z = 1\n",
        "b/__pycache__/f.py": "z = 1\n",
        "node_modules/g.py": "z = 1\n",
        "notes.txt": "z = 1\n",
    }
    for name, text in files.items():
        put(folder / name, text if isinstance(text, bytes) else text.encode())
    (folder / "gone.py").symlink_to("nowhere.py")
    return folder


PROGRAMS = {
    "a.py": ("", "x = 1\n"),
    "b/main.py": ("Say hello.\n\nLoudly.", '"""Say hello.\n\nLoudly.\n"""\nprint("HELLO")\n'),
    "latin.py": ("", "# coding: latin-1\n# café\nx = 1\n"),
    "marked.py": ("", "x = 3\n"),
    "odd [é] name.py": ("", "y = 2\r\n"),
}


@pytest.mark.parametrize("spec", ["code", "code/", "./code", "code/**/*.py", "file://{}/code", "memory://{}/code"])
def test_a_folder_of_source_files_yields_a_row_per_file(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = code(tmp_path / "code")
    if spec.startswith("memory"):
        for path in folder.rglob("*"):
            if path.is_file():
                put_remote(f"memory:/{tmp_path}/code/{path.relative_to(folder).as_posix()}", path.read_bytes())
    found = {}
    for source in sources(spec.format(tmp_path)):
        sampler = EditSampler(fields=source.fields)
        for row in source.read(START):
            outcome = sampler(row.data)
            record = outcome.records[0] if outcome.records else {}
            found[outcome.id] = outcome.reason or (record["instruction"], record["program"])
    missing = {} if "*" in spec or "memory" in spec else {"gone.py": "unreadable"}
    assert found == {**PROGRAMS, "broken.py": "syntax", "bytes.py": "encoding", "empty.py": "empty", **missing}


@pytest.mark.parametrize(
    ("spec", "ids"),
    [
        ("code/b/main.py", ["code/b/main.py"]),
        ("./code/b/../a.py", ["code/a.py"]),
        ("{}/code/b/main.py", ["main.py"]),
        ("code/*/main.py", ["b/main.py"]),
        ("{}/code/[ab]*.py", ["a.py", "broken.py", "bytes.py"]),
        ("code/venv/lib/*.py", ["e.py"]),
    ],
)
def test_the_id_of_a_file_is_its_path(
    spec: str, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code(tmp_path / "code")
    assert [row["id"] for row in rows_of(*sources(spec.format(tmp_path)))] == ids


@pytest.mark.parametrize(
    ("specs", "ids"),
    [
        (["one", "two"], ["one/main.py", "two/deep/main.py", "two/main.py"]),
        (["{}/two", "one/*.py"], ["two/deep/main.py", "two/main.py", "one/main.py"]),
        (["{}/one/main.py", "{}/two/main.py"], ["one/main.py", "two/main.py"]),
        (["one/main.py", "two/main.py"], ["one/main.py", "two/main.py"]),
        (["two", "two/deep"], ["deep/main.py", "main.py", "deep/main.py"]),
        (["one", "one", "one/*.py"], ["main.py", "main.py", "main.py"]),
        (["one", "rows.jsonl"], ["main.py", "a row"]),
        (["one", "memory://two"], ["one/main.py", "two/main.py"]),
    ],
)
def test_ids_of_files_in_several_folders_are_relative_to_their_common_folder(
    specs: list[str], ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one/main.py", "two/main.py", "two/deep/main.py"):
        put(Path(name), b"x = 1\n")
    put(Path("rows.jsonl"), as_lines([{"id": "a row", "program": "x = 1\n", "instruction": "Go."}]))
    put_remote("memory://two/main.py", b"x = 1\n")
    opened = sources(*(spec.format(tmp_path) for spec in specs))
    assert [row["id"] for row in rows_of(*opened)] == ids


@pytest.mark.parametrize("code_base", [False, True])
def test_reading_source_files_resumes_after_any_row(code_base: bool, tmp_path: Path) -> None:
    folder = code(tmp_path / "code")
    put(folder / "many.py", b"".join(b'def f%d():\n    """Return one."""\n    return 1\n\n\n' % n for n in range(9)))
    (source,) = sources(str(folder), code_base=code_base)
    rows = list(source.read(START))
    assert len(rows) == 10
    for index, row in enumerate(rows):
        assert list(source.read(row.mark)) == rows[index + 1 :]


def test_in_a_code_base_source_files_count_and_have_no_instructions(tmp_path: Path) -> None:
    put(tmp_path / "package.json", b"{}")
    put(tmp_path / "a.py", b'"""Numbers."""\n')
    (row,) = rows_of(*sources(str(tmp_path), code_base=True))
    assert (row["id"], row["instruction"], row["path"]) == ("a.py", "", "a.py")


@pytest.mark.parametrize("target", [Target("data/out.jsonl"), Target("data/out", shards=2, shard_kind="jsonl")])
def test_an_output_in_an_input_folder_is_not_an_input(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(Path("data/in.jsonl"), as_lines(ROWS))
    build(["data"], target, workers=1)
    assert build(["data"], target, workers=1, overwrite=True).tally.rows == len(ROWS)
    assert build(["data"], target, workers=1, resume=True).nothing_to_do
    with pytest.raises(ConfigError, match="contains nothing but the output itself"):
        build(
            [f"{target.output}*" if target.shards is None else f"{target.output}/data"],
            target,
            workers=1,
            overwrite=True,
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:pw@host/a.jsonl", "https://***@host/a.jsonl"),
        ("https://key@host:80/a@b.jsonl", "https://***@host:80/a@b.jsonl"),
        ("https://me:p@ss@host/a", "https://***@host/a"),
        ("https://host/a.parquet?X-Sig=k&b=c", "https://host/a.parquet?***"),
        ("simplecache::https://me:pw@host/a?k=1#z", "simplecache::https://***@host/a?***#z"),
        ("no 'https://me:pw@host/a?k=v' and https://host/b", "no 'https://***@host/a?***' and https://host/b"),
        ("hf://datasets/me/it@main/a.jsonl", "hf://datasets/me/it@main/a.jsonl"),
        ("github://me:it@main/a.jsonl", "github://me:it@main/a.jsonl"),
        ("s3://bucket/a.jsonl", "s3://bucket/a.jsonl"),
        ("hf:me/it@main", "hf:me/it@main"),
        ("what? me@home", "what? me@home"),
    ],
)
def test_urls_appear_without_accounts_and_queries(text: str, expected: str) -> None:
    assert without_secrets(text) == expected


def test_a_build_writes_no_passwords_and_keys(tmp_path: Path) -> None:
    rows = [*ROWS, {"id": "bad", "instruction": "", "program": "print 1"}]
    cut_off = gzip.compress(as_lines(rows * 3))[:-90]
    target = Target(str(tmp_path / "out"), shard_rows=100, shard_kind="jsonl")
    options = BuildOptions(shape="pylintseq", screening=ScreeningOptions(duplicates="exact"))

    def run(key: str, **more: Any) -> list[str]:
        url = put_remote(f"memory://me:PASSWORD@host/a.jsonl.gz?token={key}", cut_off)
        return build([url], target, options=options, workers=1, **more).broken_inputs

    (broken,) = run("KEY1")
    assert broken.startswith("memory://***@host/a.jsonl.gz?***: ")
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or not any(word in path.read_bytes() for word in (b"PASSWORD", b"KEY1"))
    assert "memory://host/a.jsonl.gz" in (tmp_path / "out/manifest.json").read_text()
    with pytest.raises(ConfigError, match="inputs 1 fingerprint address was"):
        run("KEY2", resume=True)


def test_messages_name_only_the_first_of_many_columns(tmp_path: Path) -> None:
    path = put(tmp_path / "by_id.json", as_lines([{f"task/{n}": {"program": "x"} for n in range(1200)}]))
    with pytest.raises(ConfigError, match=r"task/28, task/29 and 1,170 more\); name it with --code-field$"):
        sources(str(path))


@pytest.fixture(autouse=True)
def nothing_in_memory() -> Iterator[None]:
    yield
    if (memory := sys.modules.get("fsspec.implementations.memory")) is not None:
        memory.MemoryFileSystem.store.clear()
        memory.MemoryFileSystem.pseudo_dirs[:] = [""]
