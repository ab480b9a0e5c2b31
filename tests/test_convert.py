"""Converting writes the bytes that building would have written, and rejects the rest with a reason."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from lintseq.cli import main
from lintseq.codecs import CODECS
from lintseq.dataset.build import build
from lintseq.dataset.convert import ConvertOptions, convert
from lintseq.dataset.outputs import Target
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.screening import ScreeningOptions
from lintseq.dataset.shapes import SHAPES, read_record
from lintseq.errors import ConfigError
from lintseq.rows import parse_row, read_rows

EXAMPLES = Path(__file__).parents[1] / "examples" / "pairs.jsonl"
OPTIONS: dict[str, Any] = {
    "samples": 2,
    "seed": 5,
    "sub_sequences": 1,
    "screening": ScreeningOptions(license_field="license"),
}
WITHOUT_PLACES = ("search-replace", "original-updated", "states", "whole")
"""These formats show what an edit gives: which of several equal lines is the new one, they do not say."""
FORMS = [form for form in product(SHAPES, [*CODECS, "udiff:1"]) if form[0] != "pylintseq"]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the examples, with and without a newline at the end; some name a license."""
    path = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    rows = [json.loads(line) for line in EXAMPLES.read_text().splitlines()[::7]]
    for number, row in enumerate(rows):
        row["response"] = row["response"].rstrip("\n") + "\n" * (number % 2)
        row["license"] = ["MIT", None, "CC0-1.0"][number % 3]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def built(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    folder = tmp_path_factory.mktemp("built")
    found = {}
    for number, (shape, form) in enumerate(FORMS):
        found[shape, form] = folder / f"{number}.jsonl"
        options = BuildOptions(shape=shape, format=form, **OPTIONS)
        assert not build([pairs], found[shape, form], options=options, workers=1).rejections
    return found


@pytest.mark.parametrize(("shape", "form"), FORMS)
def test_converting_writes_what_building_would(
    shape: str, form: str, built: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    report = convert([built["lintseq", "diff"]], output, options=ConvertOptions(shape=shape, format=form), workers=1)
    assert not report.rejections
    assert output.read_bytes() == built[shape, form].read_bytes()


@pytest.mark.parametrize(("shape", "form"), [form for form in FORMS if form[0] != "lintseq"])
def test_shapes_for_trainers_are_converted_too(
    shape: str, form: str, built: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    """The seed is not in such rows; of next-edit rows there is no way back to whole sequences."""
    wanted = "next-edit" if shape == "next-edit" else "prompt-completion"
    output = tmp_path / "out.jsonl"
    report = convert([built[shape, form]], output, options=ConvertOptions(shape=wanted, seed=5), workers=1)
    assert not report.rejections
    if form not in WITHOUT_PLACES:
        assert output.read_bytes() == built[wanted, "diff"].read_bytes()
    kept = slice(-1, None) if form == "whole" else slice(None)
    assert [*states_in(output)] == [states[kept] for states in states_in(built[wanted, "diff"])]


def states_in(path: Path) -> Iterator[tuple[str, ...]]:
    for row in read_rows(str(path)):
        yield tuple(read_record(parse_row(row.data)).parse().states())


def test_pylintseqs_columns_hold_the_same_edits(
    pairs: Path, built: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    options = {**OPTIONS, "sub_sequences": 0}
    build([pairs], tmp_path / "ours.jsonl", options=BuildOptions(**options), workers=1)
    convert([tmp_path / "ours.jsonl"], tmp_path / "theirs.jsonl", options=ConvertOptions(shape="pylintseq"), workers=1)
    convert([tmp_path / "theirs.jsonl"], tmp_path / "back.jsonl", workers=1)
    ours, back = (
        [json.loads(row.data) for row in read_rows(str(tmp_path / name))] for name in ("ours.jsonl", "back.jsonl")
    )
    assert [row["edits"] for row in back] == [row["edits"] for row in ours]
    report = convert(
        [built["lintseq", "diff"]], tmp_path / "some.jsonl", options=ConvertOptions(shape="pylintseq"), workers=1
    )
    assert set(report.tally.rejections) == {"starts-later"}, "its columns have no room for a state"


@pytest.mark.parametrize(
    "program",
    [
        "x = 1\nprint(x)\n",
        "x = 1\nprint(x)",
        "x = 1\r\nprint(x)\r\n",
        "\n\nx = '\u2028'\n\x0c\nprint(x)\n\n\n  \n",
        "x = 1\n\n",
    ],
)
def test_a_program_survives_the_columns_of_pylintseq(program: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"id": 0, "instruction": "Go.", "program": program}) + "\n")
    build([source], tmp_path / "ours.jsonl", workers=1)
    build([source], tmp_path / "theirs.jsonl", options=BuildOptions(shape="pylintseq"), workers=1)
    report = convert([tmp_path / "theirs.jsonl"], tmp_path / "back.jsonl", workers=1)
    assert not report.rejections
    ours, back = (
        [json.loads(row.data) | {"meta": {}} for row in read_rows(str(tmp_path / name))]
        for name in ("ours.jsonl", "back.jsonl")
    )
    assert back == ours


@pytest.mark.parametrize("kind", ["parquet", "jsonl.zst"])
def test_folders_of_shards_are_read_and_written(kind: str, built: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    shards = Target(str(tmp_path / "shards"), shard_rows=5, shard_kind=kind)
    convert([built["lintseq", "diff"]], shards, options=ConvertOptions(format="udiff"), workers=1)
    convert([tmp_path / "shards"], tmp_path / "back.jsonl", workers=1)
    back, before = (
        [json.loads(row.data) for row in read_rows(str(path))]
        for path in (tmp_path / "back.jsonl", built["lintseq", "diff"])
    )
    assert back == before
    card = (tmp_path / "shards" / "README.md").read_text()
    assert "license:\n- cc0-1.0\n- mit\n- unknown\n" in card


GOOD = {"id": 1, "program": "x = 1\n", "edits": ["@@ -0,0 +1 @@\n+x = 1"]}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({**GOOD, "edits": ["@@ -3,0 +4 @@\n+x = 1"]}, "malformed-edit"),
        ({**GOOD, "edits": []}, "no-edits"),
        ({**GOOD, "program": "y = 1\n"}, "not-exact"),
        ({**GOOD, "meta": {"format": "smoke"}}, "unknown-format"),
        ({"id": 1, "text": "x = 1"}, "no-field"),
        ({"prompt": "a", "completion": "x = 1"}, "no-edits"),
    ],
)
def test_a_row_that_cannot_be_converted_is_rejected_with_the_reason(
    row: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(GOOD) + "\n" + json.dumps(row) + "\n")
    report = convert([source], tmp_path / "out.jsonl", options=ConvertOptions(shape="messages"), workers=1)
    assert report.tally.rejections == {reason: 1}
    (rejection,) = [json.loads(line) for line in Path(report.rejected).read_text().splitlines()]
    assert (rejection["line"], rejection["record"]) == (2, row)
    assert report.tally.sequences == 1


def test_a_conversion_is_not_resumed_with_other_options(
    pairs: Path, built: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    convert([built["lintseq", "diff"]], output, workers=1)
    with pytest.raises(ConfigError, match="options format was 'diff', and is 'udiff'"):
        convert([built["lintseq", "diff"]], output, options=ConvertOptions(format="udiff"), workers=1, resume=True)
    with pytest.raises(ConfigError, match="was made with other settings"):
        build([pairs], output, workers=1, resume=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "smoke"], "unknown format 'smoke'; use one of diff, udiff"),
        (["--shape", "pylintseq", "--format", "udiff"], "no column for format udiff"),
    ],
)
def test_unknown_shapes_and_formats_are_rejected(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(GOOD) + "\n")
    assert main(["convert", str(source), "--output", str(tmp_path / "out.jsonl"), *options]) == 2
    assert words in capsys.readouterr().err


def test_the_command_prints_what_it_did(
    built: dict[tuple[str, str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.parquet"
    pytest.importorskip("pyarrow")
    assert main(["convert", str(built["messages", "diff"]), "-o", str(output), "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert (numbers["finished"], numbers["rows"], numbers["rejections"]) == (True, numbers["sequences"], {})
    assert main(["verify", str(output)]) == 0
