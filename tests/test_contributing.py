"""The recipes in CONTRIBUTING.md work: each is followed with a toy."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import lintseq
from lintseq.benchmarks import registry
from lintseq.benchmarks.loading import Benchmark
from lintseq.benchmarks.problem import CheckTest, Problem
from lintseq.cli import main
from lintseq.codecs import CODECS, Codec
from lintseq.dataset.shapes import COLUMNS, SHAPES, Meta, ProgramRow, Record, Shape
from lintseq.edits import Edit, EditSequence, Hunk
from lintseq.errors import EditFault
from lintseq.languages import python
from lintseq.languages.language import LANGUAGES
from lintseq.linting import Diagnostic
from lintseq.needs import Analysis, NeedsBuilder
from lintseq.program import Program
from lintseq.rows.input import Input, Mark, RawRow
from lintseq.rows.inputs import READERS
from lintseq.walks.native import NativeWalk
from lintseq.walks.orders import ORDERS
from lintseq.walks.walk import Grouping, RandomStream

ROOT = Path(__file__).parents[1]
PROGRAM = "from math import pi\n\n\ndef area(radius):\n    return pi * radius**2\n\n\nprint(area(2))\n"


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"id": "area", "instruction": "Print an area.", "program": PROGRAM}) + "\n")
    return path


def built(source: Path, output: Path, *options: str) -> list[dict[str, Any]]:
    assert main(["build", str(source), "--output", str(output), "-q", *options]) == 0
    return [json.loads(line) for line in output.read_text().splitlines()]


def test_every_recipe_is_short() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipes = text.partition("## Extending lintseq\n")[2].partition("\n## ")[0].split("\n\n**")[1:]
    names = [recipe.partition(".**")[0] for recipe in recipes]
    assert names == ["A linter", "A codec", "A benchmark", "An input format", "A record shape", "A language"]
    assert all(recipe.count("\n") < 12 for recipe in recipes)


class NoPrintLinter:
    """Reports a function that is defined but not called anywhere."""

    version = "toy 1"

    def check(self, source: str) -> list[Diagnostic]:
        diagnostics = python.check_syntax(source)
        if not diagnostics and "def area" in source and "print(area" not in source:
            line = source[: source.index("def area")].count("\n") + 1
            diagnostics = [Diagnostic("unused", "function area is not used", line)]
        return diagnostics


def test_a_linter(pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(python.LINTERS, "toy", NoPrintLinter)  # type: ignore[misc]
    (record,) = built(pairs, tmp_path / "edits.jsonl", "--linter", "toy")
    assert record["meta"]["linter"] == "toy"
    states = list(lintseq.sample_edits(PROGRAM, linter="toy", seed=1).states())
    assert not any(NoPrintLinter().check(state) for state in states)
    assert main(["verify", str(tmp_path / "edits.jsonl"), "--linter", "toy"]) == 0


def _write_numbered(edit: Edit, state: Sequence[str]) -> list[str]:
    return [f"{hunk.position} {line}" for hunk in edit.hunks for line in hunk.lines]


def _read_numbered(rows: Sequence[str], state: Sequence[str]) -> Iterator[Hunk]:
    hunks: dict[int, list[str]] = {}
    for number, row in enumerate(rows, 1):
        position, space, line = row.partition(" ")
        if not (position.isdecimal() and space):
            raise EditFault(number, "row", "a row starts with a position")
        hunks.setdefault(int(position), []).append(line)
    return (Hunk(position, tuple(lines)) for position, lines in hunks.items())


def test_a_codec(pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codec = Codec.by_edit("numbered", _write_numbered, _read_numbered)
    monkeypatch.setitem(CODECS, codec.name, codec)
    sequence = lintseq.sample_edits(PROGRAM, seed=3)
    assert lintseq.get_codec("numbered").read(codec.write(sequence)) == sequence
    assert lintseq.resolve(codec.write(sequence), "numbered").text == PROGRAM
    (record,) = built(pairs, tmp_path / "edits.jsonl", "--format", "numbered")
    assert record["edits"][0].startswith("0 ")
    assert main(["verify", str(tmp_path / "edits.jsonl")]) == 0


def _toy_problems(rows: Sequence[Mapping[str, Any]]) -> list[Problem]:
    return [
        Problem(
            task_id=row["name"],
            prompt=row["prompt"],
            instruction=row["prompt"],
            entry_point="double",
            reference=row["solution"],
            tests=(CheckTest("def check(candidate):\n    assert candidate(2) == 4\n\ncheck(double)\n"),),
        )
        for row in rows
    ]


def test_a_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = Benchmark(
        name="toy",
        title="Toy",
        files=("toy.jsonl",),
        size=1,
        home="https://example.org/toy.jsonl",
        license="MIT",
        columns=("name", "prompt", "solution"),
        load=_toy_problems,
    )
    monkeypatch.setitem(registry.BENCHMARKS, "toy", benchmark)
    solution = "def double(x):\n    return 2 * x\n"
    row = {"name": "toy/1", "prompt": "Define double(x).", "solution": solution}
    (tmp_path / "toy.jsonl").write_text(json.dumps(row) + "\n")
    completions = tmp_path / "completions.jsonl"
    completions.write_text(json.dumps({"task_id": "toy/1", "completion": solution}) + "\n")
    options = lintseq.EvaluationOptions(data=str(tmp_path), format="program", k=(1,))
    evaluation = lintseq.evaluate(str(completions), "toy", options)
    assert [row.verdict for row in evaluation.rows] == ["passed"]


def _read_blocks(path: str, after: Mark) -> Iterator[RawRow]:
    blocks = Path(path).read_text().split("\n---\n")
    for index, block in enumerate(blocks[after.rows :], after.rows):
        instruction, _, program = block.partition("\n")
        data = json.dumps({"instruction": instruction, "program": program}).encode()
        yield RawRow(index, index + 1, data, index + 1)


def _blocks_input(path: str) -> Input:
    return Input(path, None, {"size": Path(path).stat().st_size}, partial(_read_blocks, path))


def test_an_input_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, ".blocks", _blocks_input)
    source = tmp_path / "pairs.blocks"
    source.write_text("Print one.\nprint(1)\n---\nPrint two.\nprint(2)\n")
    records = built(source, tmp_path / "edits.jsonl")
    assert [record["instruction"] for record in records] == ["Print one.", "Print two."]


def _write_compact(row: ProgramRow, sequence: EditSequence, draw: int, meta: Meta, codec: Codec) -> dict[str, Any]:
    return {"id": row.id, "draw": draw, "prompt": row.instruction, "program": row.program, "edits": len(sequence)}


def _read_compact(row: Mapping[str, Any]) -> Record | None:
    return None


def test_a_record_shape(pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {name: COLUMNS[name] for name in ("id", "draw", "prompt", "program")}
    columns["edits"] = replace(COLUMNS["draw"], description="the number of edits")
    shape = Shape("compact", columns, _write_compact, _read_compact)  # type: ignore[arg-type]
    monkeypatch.setitem(SHAPES, "compact", shape)  # type: ignore[misc]
    report = lintseq.build([pairs], tmp_path / "records.jsonl", lintseq.BuildOptions(shape="compact"))  # type: ignore[arg-type]
    assert report.tally.sequences == 1
    record = json.loads((tmp_path / "records.jsonl").read_text())
    assert list(record) == list(columns)


@dataclass(frozen=True, slots=True)
class Outline:
    """A toy language: a line needs the closest line above that is indented less."""

    name: str = "outline"
    suffixes: tuple[str, ...] = (".outline",)
    fences: tuple[str, ...] = ("outline",)

    def analyze(self, program: Program) -> Analysis:
        units = tuple(number if line.strip() else None for number, line in enumerate(program.lines))
        needs = NeedsBuilder(len(program.lines))
        depths = [len(line) - len(line.lstrip()) for line in program.lines]
        for number, depth in enumerate(depths):
            above = [other for other in range(number) if depths[other] < depth and program.lines[other].strip()]
            if above and units[number] is not None:
                needs.need(number, above[-1])
        return Analysis(units, units, needs.finish())


def test_a_language(monkeypatch: pytest.MonkeyPatch) -> None:
    language = Outline()
    monkeypatch.setitem(LANGUAGES, language.name, language)  # type: ignore[misc]
    assert lintseq.get_language(".outline") is language  # type: ignore[comparison-overlap]
    program = Program.from_text("plan\n  first\n    detail\n  second\nnotes\n")
    analysis = language.analyze(program)
    walk = NativeWalk(program, analysis, Grouping.of(analysis, "attach"), ORDERS["uniform"](program))
    for draw in range(20):
        *_, last = states = list(walk.sequence(RandomStream(0, "", draw)).states())
        assert last == program.text
        for state in states:
            depths = [len(line) - len(line.lstrip()) for line in state.splitlines()]
            assert all(depth == 0 or depth - 2 in depths[:number] for number, depth in enumerate(depths))
