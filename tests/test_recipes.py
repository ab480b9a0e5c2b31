"""Recipes: what is written reads back, and mistakes are reported before anything loads."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lintseq.cli import main
from lintseq.errors import ConfigError
from lintseq.lm.recipes import (
    Architecture,
    CorpusOptions,
    CorpusSource,
    FinetuneRecipe,
    LoraOptions,
    MatchOptions,
    OptimizerOptions,
    PairOptions,
    PretrainRecipe,
    RunOptions,
    as_table,
    as_toml,
    read_recipe,
)
from lintseq.lm.settings import from_table

pytest.importorskip("tomli_w", reason="needs the extra train")

OPTIM = OptimizerOptions(lr=3e-4)
RUN = RunOptions(batch=8, micro_batch=4)
MODEL = Architecture(layers=2, width=64, heads=4, ffn_width=128)
PRETRAIN = PretrainRecipe(
    tokenizer="tok",
    steps=3,
    model=MODEL,
    data=CorpusOptions(train=(CorpusSource(path="a b.jsonl"),)),
    optim=OPTIM,
    run=RUN,
)
FINETUNE = FinetuneRecipe(model="base", data=PairOptions(train="e.jsonl"), optim=OPTIM, run=RUN)

floats = st.floats(min_value=1e-9, max_value=1e9, allow_nan=False)
optims = st.builds(
    OptimizerOptions,
    lr=floats,
    schedule=st.sampled_from(["constant", "linear", "cosine", "wsd"]),
    warmup=floats,
    final_lr=st.floats(0, 1),
    betas=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
)
runs = st.builds(
    lambda size, times: RunOptions(batch=size * times, micro_batch=size), st.integers(1, 9), st.integers(1, 9)
)
sources = st.builds(CorpusSource, path=st.text(), field=st.text(), weight=floats)
recipes = st.one_of(
    st.builds(
        PretrainRecipe,
        tokenizer=st.text(),
        steps=st.integers(1),
        model=st.just(MODEL),
        data=st.builds(
            CorpusOptions, train=st.lists(sources, min_size=1, max_size=3).map(tuple), separate_documents=st.booleans()
        ),
        optim=optims,
        run=runs,
    ),
    st.builds(
        FinetuneRecipe,
        model=st.text(),
        data=st.builds(PairOptions, train=st.text(), arm=st.sampled_from(["edits", "plain"])),
        optim=optims,
        run=runs,
        match=st.builds(MatchOptions, by=st.sampled_from(["steps", "tokens", "rows"]), epochs=floats),
        lora=st.builds(LoraOptions, rank=st.integers(0, 64)),
    ),
)


@given(recipes)
def test_a_recipe_reads_back_as_it_was_written(recipe: Any) -> None:
    assert from_table(tomllib.loads(as_toml(recipe)), type(recipe), "here") == recipe
    assert from_table(as_table(recipe), type(recipe), "here") == recipe


@pytest.fixture
def written(tmp_path: Path) -> str:
    path = tmp_path / "recipe.toml"
    path.write_text(as_toml(PRETRAIN))
    return str(path)


def test_settings_override_the_file(written: str) -> None:
    settings = [
        "optim.lr=1e-3",
        "steps=7",
        "tokenizer=gpt2",
        "optim.betas=[0.8, 0.9]",
        "optim.schedule=cosine",
        "optim.clip=2",
        "data.train.0.path=c",
    ]
    recipe = read_recipe(written, PretrainRecipe, settings=settings)
    optim = dataclasses.replace(OPTIM, lr=1e-3, betas=(0.8, 0.9), schedule="cosine", clip=2.0)
    data = CorpusOptions(train=(CorpusSource(path="c"),))
    assert recipe == dataclasses.replace(PRETRAIN, steps=7, tokenizer="gpt2", optim=optim, data=data)


def test_settings_are_values_or_toml():
    as_values = {"steps": 9, "optim.lr": 0.5, "data.train": [{"path": "a.jsonl", "read": "edits"}]}
    as_text = ["steps=9", "optim.lr=0.5", "data.train=[{path = 'a.jsonl', read = 'edits'}]"]
    recipe = read_recipe("nano", PretrainRecipe, settings=as_values)
    assert recipe == read_recipe("nano", PretrainRecipe, settings=as_text)
    assert (recipe.steps, recipe.optim.lr, recipe.data.train[0].read) == (9, 0.5, "edits")
    with pytest.raises(ConfigError, match="steps"):
        read_recipe("nano", PretrainRecipe, settings={"steps": "many"})


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optim.lrr=1", "unknown key optim.lrr; did you mean optim.lr?"),
        ("stepz=1", "unknown key stepz; did you mean steps?"),
        ("qqqq=1", "unknown key qqqq; use one of tokenizer, steps"),
        ("steps=1.5", "steps is 1.5; expected an integer"),
        ("steps=true", "steps is True; expected an integer"),
        ("steps=0", "steps is 0; expected 1 or more"),
        ("optim.lr=nan", "optim.lr is nan"),
        ("optim.lr=-1.0", "optim.lr is -1.0; expected a number above 0"),
        ("optim.schedule=fast", "optim.schedule is 'fast'; use one of constant, linear, cosine, wsd"),
        ("optim.betas=[1.0]", "optim.betas has 1 values; expected 2"),
        ("optim=3", "optim is 3; expected a section"),
        ("run.batch=7", "run.batch is 7; expected a multiple of run.micro_batch (4)"),
        ("data.train=[]", "data.train is empty"),
        ("data.train=[{field='x'}]", "data.train.0.path is missing"),
        ("tokenizer.name=x", "tokenizer has no keys"),
        ("data.train.1.path=c", "'1' is not an index into a list of 1 (from 0)"),
        ("data.train.path=c", "'path' is not an index into a list of 1"),
        ("data.train.0=c", "data.train.0 is 'c'; expected a section"),
        ("data.train.0.path.more=c", "data.train.0.path has no keys"),
        ("steps", "write it like optim.lr=3e-4"),
    ],
)
def test_an_invalid_setting_is_reported_with_a_hint(written: str, setting: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_recipe(written, PretrainRecipe, settings=[setting])
    assert message in str(caught.value)


def test_a_recipe_of_the_wrong_kind_is_rejected(written: str) -> None:
    with pytest.raises(ConfigError, match=r"recipe\.toml is a recipe for `lintseq pretrain`"):
        read_recipe(written, FinetuneRecipe)
    Path(written).write_text(as_toml(FINETUNE))
    with pytest.raises(ConfigError, match=r"recipe\.toml is a recipe for `lintseq finetune`"):
        read_recipe(written, PretrainRecipe)
    Path(written).write_text("stepz = 1")
    with pytest.raises(ConfigError, match="unknown key stepz; did you mean steps"):
        read_recipe(written, PretrainRecipe)


@pytest.mark.parametrize("text", ["x = ", "\x00", "= 3"])
def test_a_file_that_is_not_toml_is_reported(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="is not valid TOML"):
        read_recipe(str(path), PretrainRecipe)
    with pytest.raises(ConfigError, match="cannot read the recipe for pretrain"):
        read_recipe(str(tmp_path / "none.toml"), PretrainRecipe)


MISTAKES = tomllib.loads((Path(__file__).parent / "cases" / "mistakes.toml").read_text())["case"]


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case["claim"])
def test_all_mistakes_are_reported_at_once(
    case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.toml").write_text(case["text"])
    sets = [part for setting in case.get("settings", []) for part in ("--set", setting)]
    assert main([case["kind"], "r.toml", "--output", "out", *sets]) == 2
    title, *lines = capsys.readouterr().err.splitlines()
    assert title == f"lintseq: r.toml has {len(case['mistakes'])} mistakes:"
    assert not [pair for pair in zip(lines, case["mistakes"], strict=True) if not pair[0].startswith(f"  {pair[1]}")]
    assert not Path("out").exists()


def test_a_constructor_reports_all_mistakes() -> None:
    with pytest.raises(ConfigError) as caught:
        OptimizerOptions(lr=-1.0, clip=-1.0, schedule="fast")  # type: ignore[arg-type]
    assert str(caught.value).splitlines()[0] == "3 mistakes:"
