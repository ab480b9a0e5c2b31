"""Pretraining: the model of the recipe, the rows of the corpus, and no step lost or repeated."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from toys import TEXTS, libraries, toy_tokenizer

from lintseq.cli import main
from lintseq.lm.recipes import PretrainRecipe, read_recipe

pytestmark = pytest.mark.xdist_group("torch")
libraries()
pytest.importorskip("tomli_w", reason="needs the extra: pip install 'lintseq[train]'")

RECIPES = Path(__file__).parents[1] / "recipes"
RECIPE = """
tokenizer = "tokenizer"
steps = 8

[model]
layers = 1
width = 32
heads = 2
ffn_width = 64
context = 48

[data]
held_out = 0.2

[[data.train]]
path = "texts.jsonl"

[optim]
lr = 1e-2
schedule = "cosine"
warmup = 2

[run]
batch = 4
micro_batch = 2
device = "cpu"
save_every = 3
evaluate_every = 4
"""
TIMINGS = ("seconds", "tokens_per_second", "mfu")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the working directory, with a recipe and everything it names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    rows = ({"text": f"# {number}\n{text}"} for number in range(30) for text in TEXTS)
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    toy_tokenizer().save_pretrained(tmp_path / "tokenizer")
    return tmp_path


def pretrain(*arguments):
    return main(["pretrain", "recipe.toml", "--workers", "1", *arguments])


def log_of(output):
    """Return the log of a run without its timings."""
    lines = [json.loads(line) for line in Path(output, "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in TIMINGS} for line in lines]


def weights_of(output):
    return Path(output, "model.safetensors").read_bytes()


# The model


@pytest.mark.parametrize(("name", "parameters"), [("150m", 151_879_680), ("400m", 454_164_480)])
def test_the_models_of_the_paper_have_the_published_number_of_parameters(name, parameters):
    import torch
    from transformers import AutoModelForCausalLM

    from lintseq.lm.pretraining import model_config

    recipe = read_recipe(str(RECIPES / "paper" / f"tinycodelm-{name}.toml"), PretrainRecipe)

    class Olmo(SimpleNamespace):
        def __len__(self):
            return 50_280

    tokenizer = Olmo(bos_token_id=None, eos_token_id=50_279, pad_token_id=1)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(model_config(recipe.model, tokenizer))
    assert sum(weight.numel() for weight in model.parameters()) == parameters
    assert round(parameters / 1e6) == {"150m": 152, "400m": 454}[name]
    assert (model.config.vocab_size, model.config.eos_token_id) == (50_304, 50_279)
    assert recipe.steps * recipe.run.batch * recipe.model.context == pytest.approx(72e9, rel=1e-4)


def test_the_nano_recipe_reads():
    read_recipe(str(RECIPES / "nano" / "pretrain.toml"), PretrainRecipe)


def test_vocabulary_and_special_tokens_are_those_of_the_tokenizer():
    from lintseq.lm.pretraining import new_model
    from lintseq.lm.recipes import Architecture

    shape = Architecture(
        layers=1, width=32, heads=4, kv_heads=2, ffn_width=64, vocab_multiple=128, tied_embeddings=False
    )
    model = new_model(shape, toy_tokenizer(), seed=0)
    config = model.config
    assert (config.vocab_size, config.num_key_value_heads, config.tie_word_embeddings) == (384, 2, False)
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (None, 0, 1)


# A run


def test_a_run_trains_a_model_and_describes_it(folder, capsys):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assert pretrain("--output", "model", "--set", "steps=40", "--set", "run.evaluate_every=10", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    log = log_of("model")
    assert [line["step"] for line in log] == list(range(1, 41))
    assert log[0]["loss"] == pytest.approx(math.log(320), abs=0.3)
    assert log[-1]["loss"] < log[0]["loss"] - 1
    assert log[-1]["tokens"] == made["outcome"]["tokens"] == 40 * 4 * 48
    assert [line["step"] for line in log if "validation_loss" in line] == [10, 20, 30, 40]
    assert "<path" in Path("model/loss.svg").read_text()
    assert not Path("model.partial").exists()
    model = AutoModelForCausalLM.from_pretrained("model")
    tokenizer = AutoTokenizer.from_pretrained("model")
    ids = torch.tensor([tokenizer.encode(TEXTS[0])])
    with torch.no_grad():
        assert float(model(ids, labels=ids).loss) < 5
    assert made["parameters"] == sum(weight.numel() for weight in model.parameters())


def test_validation_loss_and_bits_per_byte_are_those_of_the_final_model(folder, capsys):
    import torch
    from transformers import AutoModelForCausalLM

    from lintseq.lm.corpus import Corpus
    from lintseq.lm.mixture import ValidationRows

    assert main(["pretrain", "recipe.toml", "--output", "data", "--prepare", "--workers", "1"]) == 0
    assert main(["pretrain", "data/recipe.toml", "--prepared", "data", "--output", "model", "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out.splitlines()[-1])["outcome"]
    corpus = Corpus("data/corpus")
    rows = ValidationRows(corpus, read_recipe("recipe.toml", PretrainRecipe).data, length=48)
    model = AutoModelForCausalLM.from_pretrained("model")
    nats, count = 0.0, 0
    with torch.no_grad():
        for number in range(len(rows)):
            row = {name: torch.from_numpy(value)[None] for name, value in rows[number].items()}
            loss = model(**row, use_cache=False).loss
            learned = int((row["labels"][0, 1:] >= 0).sum())
            nats, count = nats + float(loss) * learned, count + learned
    assert outcome["validation_loss"] == pytest.approx(nats / count, rel=1e-5)
    tokens, size = (corpus.sources[0][name]["validation"] for name in ("tokens", "bytes"))
    bits = nats / count / math.log(2) * tokens / size
    assert outcome["bits_per_byte"] == pytest.approx(bits, rel=1e-3)


def test_the_card_shows_code_that_runs_and_takes_scores(folder, capsys):
    from huggingface_hub import ModelCard

    assert pretrain("--output", "model", "--set", f"data.train.0.path={folder}/texts.jsonl") == 0
    card = Path("model/README.md").read_text()
    assert "| `texts.jsonl` | " in card
    assert str(folder) not in card
    code = card.partition("```python\n")[2].partition("```")[0].replace("path/to/this/folder", "model")
    capsys.readouterr()
    exec(code.replace("max_new_tokens=128", "max_new_tokens=8"), {})
    assert capsys.readouterr().out.startswith("def is_leap(year):\n")

    examples = RECIPES.parent / "examples"
    evaluated = ["evaluate", str(examples / "completions.jsonl"), "--benchmark", str(examples / "problems.jsonl")]
    assert main([*evaluated, "--k", "1", "--output", "results.jsonl", "--quiet"]) == 0
    assert main(["card", "model", "results.jsonl"]) == 0
    scored = Path("model/README.md").read_text()
    assert "| problems.jsonl, pass@1 | 46.7 % (" in scored
    (result,) = ModelCard.load("model/README.md").data.eval_results
    assert (result.dataset_name, result.metric_name, result.metric_value) == ("problems.jsonl", "pass@1", 0.4667)
    before, _, after = scored.partition("## Scores\n")
    text = before + "## Recipe" + after.partition("## Recipe")[2]
    assert text.partition("\n# model\n")[2] == card.partition("\n# model\n")[2]
    assert main(["card", "tokenizer"]) == 2
    assert "was not made by `lintseq finetune` or `lintseq pretrain`" in capsys.readouterr().err


def test_the_same_recipe_gives_the_same_weights_and_another_seed_others(folder):
    for output, seed in (("one", 1), ("other", 1), ("third", 2)):
        assert pretrain("--output", output, "--set", f"run.seed={seed}", "--quiet") == 0
    assert weights_of("one") == weights_of("other")
    assert log_of("one") == log_of("other")
    assert weights_of("one") != weights_of("third")


def test_a_prepared_corpus_trains_elsewhere_without_texts_and_network(folder, capsys):
    assert pretrain("--output", "here", "--quiet") == 0
    assert pretrain("--output", "data", "--prepare") == 0
    assert "training tokens" in capsys.readouterr().out
    assert sorted(path.name for path in Path("data").iterdir()) == [
        "corpus",
        "manifest.json",
        "recipe.toml",
        "tokenizer",
    ]
    Path("elsewhere").mkdir()
    Path("data").rename("elsewhere/data")
    Path("texts.jsonl").unlink()
    shutil.rmtree("tokenizer")
    os.chdir("elsewhere")
    assert main(["pretrain", "data/recipe.toml", "--prepared", "data", "--output", "there", "--quiet"]) == 0
    assert weights_of("there") == weights_of("../here")
    assert main(["pretrain", "../recipe.toml", "--prepared", "data", "--output", "again", "--quiet"]) == 0
    assert weights_of("again") == weights_of("../here")
    assert not list(Path().glob("*.corpus"))


@pytest.mark.slow
def test_a_killed_run_continues_to_the_result_of_an_uninterrupted_one(folder):
    settings = ["--set", "steps=14"]
    assert pretrain("--output", "alone", *settings, "--quiet") == 0
    command = [sys.executable, "-m", "lintseq", "pretrain", "recipe.toml", "--workers", "1", "--output", "killed"]
    process = subprocess.Popen([*command, *settings, "--quiet"], env={**os.environ, "OMP_NUM_THREADS": "1"})
    log = Path("killed.partial/run/log.jsonl")
    deadline = time.monotonic() + 120
    while not (log.exists() and len(log.read_text().splitlines()) >= 4):
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not Path("killed").exists()
    assert pretrain("--output", "killed", *settings, "--resume", "--quiet") == 0
    assert weights_of("killed") == weights_of("alone")
    assert log_of("killed") == log_of("alone")


def test_a_finished_run_is_not_repeated_unless_it_is_overwritten(folder, capsys):
    assert pretrain("--output", "model", "--quiet") == 0
    before = Path("model/model.safetensors").stat().st_mtime_ns
    assert pretrain("--output", "model") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert pretrain("--output", "model", "--resume", "--quiet") == 0
    assert Path("model/model.safetensors").stat().st_mtime_ns == before
    assert pretrain("--output", "model", "--resume", "--set", "optim.lr=1e-3") == 2
    assert "optim lr was 0.01, and is 0.001" in capsys.readouterr().err
    assert pretrain("--output", "model", "--overwrite", "--quiet") == 0
    assert Path("model/model.safetensors").stat().st_mtime_ns != before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "model.layer=3"], "did you mean model.layers?"),
        (["--set", "model.context=100000"], "fewer than one row of 100,000"),
        (["--set", "data.row_tokens=49"], "data.row_tokens is 49; expected at most model.context (48)"),
        (["--set", "tokenizer=nowhere"], "cannot load the tokenizer nowhere"),
        (["--set", "tokenizer=tokenizer/tokenizer.json"], "it is a file; name a folder with a tokenizer_config.json"),
        (
            ["--set", "data.train=[{path = 'nothing.jsonl'}]"],
            "data.train.0.path is 'nothing.jsonl'; there is no such file",
        ),
        (["--set", "data.train=[{path = 'texts.jsonl', field = 'code'}]"], "no column 'code' (columns: text)"),
        (["--prepared", "."], "has no corpus"),
    ],
)
def test_invalid_recipes_are_rejected_with_a_hint(folder, capsys, arguments, words):
    assert pretrain("--output", "model", *arguments) == 2
    assert words in capsys.readouterr().err
    assert not Path("model").exists()
    tokenized = "model.context=100000" in arguments
    assert Path("model.partial").exists() == tokenized, "a run that never started is left behind"


def test_rows_may_be_shorter_than_the_context(folder):
    settings = ("--set", "data.row_tokens=16", "--set", "steps=2", "--set", "attention=eager")
    assert pretrain("--output", "model", *settings, "--quiet") == 0
    manifest = json.loads(Path("model/manifest.json").read_text())
    assert manifest["outcome"]["tokens"] == 2 * 4 * 16
    assert json.loads(Path("model/config.json").read_text())["max_position_embeddings"] == 48
    modes = {path.stat().st_mode for path in (Path("model/config.json"), Path("model/model.safetensors"))}
    assert len(modes) == 1, "who may read the one may read the other"


def test_a_prepared_corpus_with_other_settings_is_rejected(folder, capsys):
    assert pretrain("--output", "data", "--prepare", "--quiet") == 0
    assert main(["pretrain", "recipe.toml", "--prepared", "data", "--output", "m", "--set", "data.held_out=0.3"]) == 2
    assert "sources 1 held_out was 0.2, and is 0.3" in capsys.readouterr().err


def test_a_mixture_counts_its_epochs(folder, capsys):
    Path("more.jsonl").write_text(json.dumps({"text": "x = 1\n" * 200}) + "\n")
    sources = "data.train=[{path='texts.jsonl', weight=3}, {path='more.jsonl', weight=1}]"
    assert pretrain("--output", "model", "--set", sources, "--set", "data.held_out=0", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    few, many = sorted(made["rows"]["epochs"])
    assert many > few > 0
    assert made["outcome"]["validation_loss"] is None
