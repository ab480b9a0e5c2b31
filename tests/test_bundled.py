"""Recipes, studies and examples come with lintseq: listed, found by name, and copied."""

import json
import os
import tomllib
from pathlib import Path

import pytest

import lintseq
from lintseq.bundled import find_bundled, find_recipe, list_bundled
from lintseq.cli import main
from lintseq.errors import ConfigError
from lintseq.study.files import read_study
from lintseq.study.study import StudyOptions, plan_study

ROOT = Path(__file__).parents[1]
FILES = {(file.kind, file.name): file for file in list_bundled()}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_recipe_and_study_is_listed_with_a_description() -> None:
    paths = {file.path for file in FILES.values()}
    assert len(paths) == len(FILES) == len(list_bundled())
    assert {
        str(path.relative_to(ROOT)) for name in ("recipes", "studies") for path in (ROOT / name).rglob("*.toml")
    } <= paths
    for file in FILES.values():
        assert file.description.endswith((".", "?")), file
        assert len(file.description) <= 110, file


def test_every_example_is_described_in_its_readme() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "examples/nano/*.py" in wheel["exclude"]
    names = {path.name for path in (ROOT / "examples").iterdir()} - {"README.md", "__pycache__"}
    assert {file.name for file in FILES.values() if file.kind == "example"} == names


@pytest.mark.parametrize(
    "file", [file for file in FILES.values() if file.kind != "example"], ids=lambda file: file.path
)
def test_a_name_is_found_for_its_command(file: lintseq.BundledFile) -> None:
    assert find_recipe(file.name, file.kind) == find_recipe(file.path, file.kind)
    kinds = {"pretrain": lintseq.PretrainRecipe, "finetune": lintseq.FinetuneRecipe}
    if file.kind in kinds:
        lintseq.read_recipe(file.name, kinds[file.kind])
    else:
        read_study(file.name)


def test_a_file_comes_before_a_name_and_a_folder_does_not(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    assert find_recipe("toy", "study") == find_bundled("studies/toy.toml") != "studies/toy.toml"
    (tmp_path / "nano").write_text("model = 'mine'")
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "toy.toml").write_text("")
    assert find_recipe("nano", "finetune") == "nano"
    assert find_recipe("studies/toy.toml", "study") == "studies/toy.toml"


@pytest.mark.parametrize(
    ("command", "name", "message"),
    [
        ("finetune", "nanno", "cannot read the recipe for finetune nanno: .*the nearest names are nano$"),
        ("pretrain", "xyz", "the nearest names are demo, nano, tinycodelm-150m, tinycodelm-400m$"),
        ("study", "toys", "cannot read the study toys: .*the nearest names are toy$"),
        ("study", "here/toi.toml", "there is no such file, .* the nearest names are toy$"),
        ("finetune", "toy", "toy is a study; use it with `lintseq study`"),
        ("pretrain", "gemma-2-2b", "gemma-2-2b is a recipe for finetune; use it with `lintseq finetune`"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    command: str, name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, name, "--output", "out"]) == 2
    with pytest.raises(ConfigError, match=message):
        find_recipe(name, command)
    assert name in capsys.readouterr().err


def test_the_inputs_of_a_study_are_found_where_they_come_with_lintseq() -> None:
    plan = plan_study("toy", "out", StudyOptions())
    files = {file for step in plan.steps for file in step.files}
    assert {Path(file).name for file in files} >= {"pairs.jsonl", "corpus.jsonl.gz", "pretrain.toml", "finetune.toml"}
    assert all(os.path.exists(file) for file in files)


def test_the_list_is_printed_by_kind_or_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "lintseq pretrain NAME"
    assert any(line.split()[:1] == ["toy"] for line in lines)
    assert main(["recipes", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(FILES)


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("toy", {"studies/toy.toml", "studies/study.schema.json"}),
        ("recipes/nano/finetune.toml", {"recipes/nano/finetune.toml", "recipes/finetune.schema.json"}),
        ("gemma-2-2b", {"recipes/paper/finetune-gemma-2-2b.toml", "recipes/finetune.schema.json"}),
        ("growing.py", {"examples/growing.py"}),
        (
            "nano",
            {
                "recipes/nano/finetune.toml",
                "recipes/nano/pretrain.toml",
                "studies/nano.toml",
                "examples/nano/pairs.jsonl",
            },
        ),
        ("examples", {"examples/README.md", "examples/pairs.jsonl", "examples/nano/problems.jsonl"}),
        ("recipes/", {"recipes/paper/tinycodelm-150m.toml"}),
    ],
)
def test_a_copy_has_the_paths_that_recipes_refer_to(
    name: str, paths: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipes", "copy", name]) == 0
    copied = set(capsys.readouterr().out.splitlines())
    assert paths <= copied
    assert all((tmp_path / path).read_bytes() == (ROOT / path).read_bytes() for path in copied)
    assert len(paths) == len(copied) or name in ("nano", "examples", "recipes/")


def test_a_copy_replaces_nothing_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = ["recipes", "copy", "toy", "here"]
    assert main(copy) == main(copy) == 0  # the same contents
    path = tmp_path / "here" / "studies" / "toy.toml"
    path.write_text("mine")
    assert main(copy) == 2
    assert "studies/toy.toml exists" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main([*copy, "--overwrite"]) == 0
    assert path.read_text() != "mine"
    assert main(["recipes", "copy", "toys"]) == 2
    assert "did you mean toy?" in capsys.readouterr().err
