"""Other trainers read lintseq's records with the configurations that the documentation shows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lintseq.dataset.build import build
from lintseq.dataset.convert import ConvertOptions, convert

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")


def configuration(name: str) -> dict:
    text = re.search(rf"`{name}`:\n\n```\w+\n(.*?)```", PAGE, re.S)[1]
    return yaml.safe_load(text)


def test_the_configurations_name_columns_that_the_records_have(tmp_path):
    build([ROOT / "examples" / "pairs.jsonl"], tmp_path / "edits.jsonl", workers=1)
    convert([tmp_path / "edits.jsonl"], tmp_path / "records.jsonl", ConvertOptions(shape="messages"), workers=1)
    record = json.loads((tmp_path / "records.jsonl").read_text(encoding="utf-8").splitlines()[0])
    (axolotl,) = configuration("axolotl.yaml")["datasets"]
    factory = configuration("dataset_info.json")[configuration("llama-factory.yaml")["dataset"]]
    assert axolotl["path"] == factory["file_name"] == "records.jsonl"
    for column in (axolotl["field_messages"], factory["columns"]["messages"]):
        user, assistant = record[column]
        assert set(user) == {factory["tags"]["role_tag"], factory["tags"]["content_tag"]}
        assert user["role"] == factory["tags"]["user_tag"]
        assert [assistant["role"]] == [factory["tags"]["assistant_tag"]] == axolotl["roles_to_train"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["axolotl", "llama-factory"])
def test_what_counts_in_the_loss_is_the_completion_and_the_end_of_the_text(name, tmp_path):
    environment = ROOT / f".venv-{name}"
    if not environment.exists():
        pytest.skip(f"needs {name} in {environment}")
    command = [sys.executable, "benchmarks/trainers.py", f"--{name}", environment, "--results", tmp_path]
    subprocess.run(command, check=True, cwd=ROOT)
    goals = json.loads((tmp_path / "trainers.json").read_text())["goals"]
    assert len(goals) == 2
    assert all(goal["met"] for goal in goals.values())
