"""The parts for training and testing share no group, and together are what is built without parts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from killing import check_bytes, lines_of

from lintseq.dataset.build import build
from lintseq.dataset.outputs import Target
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.screening import ScreeningOptions
from lintseq.dataset.split import choose_groups, find_test_groups
from lintseq.errors import ConfigError
from lintseq.rows import open_inputs

GROUPS = st.dictionaries(st.text(max_size=3), st.integers(1, 50), min_size=2, max_size=12)


@given(rows=GROUPS, share=st.floats(0.01, 0.99), random=st.randoms())
def test_the_groups_for_testing_fit_and_do_not_depend_on_the_order_of_rows(
    rows: dict[str, int], share: float, random: Any
) -> None:
    chosen = choose_groups(rows, share)
    assert set() < chosen < set(rows)
    assert len(chosen) == 1 or sum(rows[group] for group in chosen) <= share * sum(rows.values())
    shuffled = list(rows.items())
    random.shuffle(shuffled)
    assert choose_groups(dict(shuffled), share) == chosen


def test_many_groups_give_nearly_the_share_that_is_asked_for() -> None:
    rows = {f"r{n}": 1 + n % 7 for n in range(200)}
    for share in (0.05, 0.1, 0.5, 0.9):
        tested = sum(rows[group] for group in choose_groups(rows, share))
        assert share - 0.01 < tested / sum(rows.values()) <= share


def written(path: Path, groups: list[Any]) -> Path:
    rows = [{"id": n, "repo": group, "instruction": "", "code": f"x = {n}\ny = x\n"} for n, group in enumerate(groups)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@settings(max_examples=8, deadline=None)
@given(groups=st.lists(st.sampled_from(["a", "b", 1, 2, ["a"], None]), min_size=2, max_size=12))
def test_the_parts_are_the_whole_and_share_no_group(
    groups: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("split")
    source = written(folder / "in.jsonl", groups)
    target = Target(str(folder / "out.jsonl"), split=0.4, split_by="repo")
    if len({str(group) for group in groups if group is not None}) < 2:
        with pytest.raises(ConfigError, match=r"no row has a value in column 'repo'|all rows have the same 'repo'"):
            build([source], target, workers=1)
        return
    report = build([source], target, workers=1)
    build([source], folder / "whole.jsonl", workers=1)
    train, test, whole = (lines_of(folder / name) for name in ("out.jsonl", "out.test.jsonl", "whole.jsonl"))
    assert sorted([*train, *test], key=lambda row: row["id"]) == [
        row for row in whole if groups[row["id"]] is not None
    ]
    assert train and test and report.tally.test == len(test)
    assert not {str(groups[row["id"]]) for row in train} & {str(groups[row["id"]]) for row in test}
    rejected = [row["id"] for row in lines_of(folder / "out.rejected.jsonl") if row["reason"] == "no-group"]
    assert rejected == [n for n, group in enumerate(groups) if group is None]


@pytest.mark.parametrize(
    "target",
    [
        Target("out.jsonl.gz"),
        Target("out", shards=3, shard_kind="jsonl"),
        pytest.param(Target("out", shard_rows=7), marks=pytest.mark.slow),
    ],
)
def test_workers_and_kills_do_not_change_the_bytes(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(tmp_path / "in.jsonl", [f"r{n % 7}" for n in range(60)])
    options = BuildOptions(screening=ScreeningOptions(duplicates="exact"))

    def run(**more: Any) -> None:
        assert not list(Path().glob("out*.gz"))
        build([source], replace(target, split=0.3, split_by="repo"), options, **more)

    files = check_bytes(run, tmp_path, monkeypatch, kills=(3, 30, 50))
    assert any("test" in name for name in files)


def test_a_run_is_not_resumed_with_another_split(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", ["a", "b", "c"])
    target = Target(str(tmp_path / "out.jsonl"), split=0.3, split_by="repo")
    build([source], target, workers=1)
    assert build([source], target, workers=1, resume=True).tally.test == 1
    for other in (replace(target, split=0.5), replace(target, split=None, split_by=None)):
        with pytest.raises(ConfigError, match=r"made with other settings: .*split"):
            build([source], other, workers=1, resume=True)
    for name in ("out.jsonl", "out.rejected.jsonl"):
        (tmp_path / name).unlink()
    with pytest.raises(ConfigError, match=r"out\.test\.jsonl exists; choose another name, or replace it"):
        build([source], target, workers=1)


def test_what_can_be_read_only_once_is_not_split(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", ["a", "b"])
    inputs = [replace(found, fingerprint=None) for found in open_inputs([str(source)], None)]
    with pytest.raises(
        ConfigError, match=r"--split reads its input twice, and .* can be read once; write it to a file"
    ):
        find_test_groups(inputs, "repo", 0.1)


def test_a_folder_has_both_parts_and_is_read_as_the_part_for_training(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    source = written(tmp_path / "in.jsonl", ["a", "b", "c"])
    target = Target(str(tmp_path / "out"), shards=2, shard_kind="jsonl", split=0.4, split_by="repo")
    build([source], target, workers=1)
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {part: rows.num_rows for part, rows in loaded.items()} == {"train": 2, "test": 1}
    inputs = open_inputs([str(tmp_path / "out")], None)
    assert [Path(found.path).name for found in inputs] == ["train-00000.jsonl", "train-00001.jsonl"]
