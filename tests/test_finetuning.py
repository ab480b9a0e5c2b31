"""Finetuning: what is learned, resuming, and errors."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_training_examples import records, write
from toys import bare_tokenizer, libraries, toy_model

from lintseq.cli import main
from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError, ToolError
from lintseq.lm import finetuning
from lintseq.lm.batches import Example, packed, padded
from lintseq.lm.recipes import (
    FinetuneRecipe,
    LoraOptions,
    MatchOptions,
    OptimizerOptions,
    PairOptions,
    RunOptions,
    as_toml,
    read_recipe,
)

pytestmark = pytest.mark.xdist_group("torch")
libraries()

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Return a model without `<|diff|>`, in a folder."""
    folder = tmp_path_factory.mktemp("base")
    tokenizer = bare_tokenizer()
    toy_model(len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write(tmp_path_factory.mktemp("pairs") / "edits.jsonl", records())


def recipe(base, pairs, *, arm="edits", by="rows", epochs=2.0, **more):
    usual = {
        "optim": OptimizerOptions(lr=1e-2, schedule="constant"),
        "run": RunOptions(batch=4, micro_batch=2, device="cpu", seed=1),
        "data": PairOptions(train=pairs, arm=arm, max_tokens=256),
    }
    return FinetuneRecipe(model=base, match=MatchOptions(by=by, epochs=epochs), **{**usual, **more})


def opened(folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def log(folder):
    return [json.loads(line) for line in Path(folder, "log.jsonl").read_text().splitlines()]


# What comes of it


@pytest.mark.parametrize("arm", ["edits", "plain"])
def test_a_finetuned_model_has_learned_and_opens_with_transformers(base, pairs, tmp_path, arm):
    manifest = finetuning.finetune(recipe(base, pairs, arm=arm, epochs=20), str(tmp_path / "out")).manifest
    rows = log(tmp_path / "out")
    assert manifest["plan"]["own"]["steps"] == len(rows) == 20
    assert rows[-1]["loss"] < 0.6 * rows[0]["loss"]
    assert rows[-1]["trained_tokens"] == manifest["plan"]["own"]["trained"]
    assert rows[-1]["tokens"] == manifest["plan"]["own"]["tokens"]
    model, tokenizer = opened(tmp_path / "out")
    assert tokenizer.encode(SEPARATOR) == [manifest["diff"]["id"]]
    assert model.get_input_embeddings().weight.shape[0] % 16 == 0
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made >= {"README.md", "recipe.toml", "plan.json", "manifest.json", "log.jsonl", "model.safetensors"}
    assert not made & {"examples", "checkpoints"} and not (tmp_path / "out.partial").exists()
    assert read_recipe(str(tmp_path / "out" / "recipe.toml"), FinetuneRecipe).data.arm == arm


@pytest.mark.parametrize(("format", "expected"), [("", "search-replace"), ("diff", "diff")])
def test_a_recipe_without_a_format_trains_on_that_of_the_records(base, tmp_path, format, expected):
    path = write(tmp_path / "edits.jsonl", records(format="search-replace"))
    data = PairOptions(train=path, format=format, max_tokens=256)
    finetuning.finetune(recipe(base, path, by="none", epochs=0.1, data=data), str(tmp_path / "out"))
    assert read_recipe(str(tmp_path / "out" / "recipe.toml"), FinetuneRecipe).data.format == expected
    assert f"format {expected}" in (tmp_path / "out" / "README.md").read_text()


def test_the_loss_is_computed_on_completions_only(base, pairs, tmp_path):
    import torch

    chosen = recipe(base, pairs, by="none", epochs=0.1)
    prepared = finetuning.prepare(chosen, finetuning.open_base(chosen), str(tmp_path))
    manifest = finetuning.finetune(chosen, str(tmp_path / "out")).manifest
    torch.manual_seed(chosen.run.seed)
    model, _, _ = finetuning.load_base(chosen, finetuning.open_base(chosen))
    nats = learned = 0.0
    with torch.no_grad():
        for index in prepared.order[:4]:
            example = prepared.train[index]
            ids = torch.tensor(example.ids.astype("int64"))
            scores = torch.log_softmax(model(ids[None]).logits[0], -1)
            for at in range(example.prompt, len(ids)):
                nats -= float(scores[at - 1, ids[at]])
                learned += 1
    assert log(tmp_path / "out")[0]["loss"] == pytest.approx(nats / learned, rel=1e-5)
    assert log(tmp_path / "out")[0]["trained_tokens"] == learned
    assert manifest["plan"]["reference"] is None


@pytest.mark.parametrize("loss", ["sum", pytest.param("mean", marks=pytest.mark.slow)])
def test_weights_do_not_depend_on_how_a_batch_is_divided(base, pairs, tmp_path, loss):
    """Micro-batches, packing and recomputation change weights by rounding only."""
    import torch

    usual = RunOptions(batch=4, micro_batch=4, device="cpu", seed=1)
    ways = {
        "whole": {"run": usual},
        "in fours": {"run": replace(usual, micro_batch=1)},
        "packed": {"run": usual, "batching": "packed", "attention": "sdpa"},
        "recomputed": {"run": replace(usual, activation_checkpointing=True)},
    }
    weights = {}
    for name, way in ways.items():
        chosen = recipe(base, pairs, loss=loss, optim=OptimizerOptions(lr=1e-3, eps=1e-4, clip=0.0), **way)
        finetuning.finetune(chosen, str(tmp_path / name))
        weights[name] = opened(tmp_path / name)[0].state_dict()
    for name in ("in fours", "packed", "recomputed"):
        for key, value in weights["whole"].items():
            torch.testing.assert_close(weights[name][key], value, rtol=1e-3, atol=2e-5)


def test_packed_examples_do_not_attend_to_each_other():
    import numpy as np
    import torch

    model = toy_model()
    rows = [Example(np.arange(5, 5 + size, dtype=np.uint32), 2) for size in (7, 4, 9)]
    with torch.no_grad():
        batch = {name: value for name, value in packed(rows).items() if name != "labels"}
        together = model(**batch, use_cache=False).logits[0]
        batch = padded(rows, pad=1)
        labels = batch.pop("labels")
        batched = model(**batch, use_cache=False).logits
        start = 0
        for index, row in enumerate(rows):
            alone = model(torch.tensor(row.ids.astype("int64"))[None]).logits[0]
            torch.testing.assert_close(together[start : start + len(row.ids)], alone, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(batched[index, : len(row.ids)], alone, rtol=1e-4, atol=1e-4)
            start += len(row.ids)
    assert (labels != -100).sum(1).tolist() == [5, 2, 7]
    assert (packed(rows)["labels"] != -100).sum() == 14


@pytest.mark.parametrize("tied", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_adapters_are_merged_into_the_saved_model(base, pairs, tmp_path, tied):
    import torch

    pytest.importorskip("peft")
    _, tokenizer = opened(base)
    toy_model(len(tokenizer), tied=tied).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    run = RunOptions(batch=4, micro_batch=2, device="cpu", seed=1, activation_checkpointing=True)
    chosen = recipe(str(tmp_path / "base"), pairs, epochs=10, lora=LoraOptions(rank=4), run=run)
    manifest = finetuning.finetune(chosen, str(tmp_path / "out")).manifest
    assert manifest["trained_parameters"] < manifest["parameters"] / 2
    rows = log(tmp_path / "out")
    assert rows[-1]["loss"] < 0.98 * rows[0]["loss"]  # of a model that is random, and stays so in most of it
    model, _ = opened(tmp_path / "out")
    start, _, _ = finetuning.load_base(chosen, finetuning.open_base(chosen))
    assert set(model.state_dict()) == set(start.state_dict())
    assert not any("lora" in name for name in model.state_dict())
    diff = manifest["diff"]["id"]
    for table in (
        [each.get_input_embeddings for each in (model, start)],
        [each.get_output_embeddings for each in (model, start)],
    ):
        now, before = (get().weight for get in table)
        changed = (now != before).any(1)
        assert changed[diff]
        assert changed.sum() == 1
    assert any(not torch.equal(value, start.state_dict()[name]) for name, value in model.state_dict().items())


def test_weights_are_saved_in_the_dtype_of_the_base_or_the_requested_one(base, pairs, tmp_path):
    import torch

    model, tokenizer = opened(base)
    model.to(torch.bfloat16).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    for name, kind in (("auto", torch.bfloat16), ("fp32", torch.float32)):
        finetuning.finetune(recipe(str(tmp_path / "base"), pairs, save_dtype=name, epochs=1), str(tmp_path / name))
        assert opened(tmp_path / name)[0].dtype == kind


def test_the_card_shows_code_that_runs(base, pairs, tmp_path):
    for arm in ("edits", "plain"):
        out = tmp_path / arm
        finetuning.finetune(recipe(base, pairs, arm=arm, epochs=1), str(out))
        card = (out / "README.md").read_text()
        assert base not in card and os.path.dirname(pairs) not in card
        code = card.partition("```python\n")[2].partition("```")[0].replace("path/to/this/folder", str(out))
        exec(code.replace("max_new_tokens=512", "max_new_tokens=8"), {})


def test_a_disk_that_is_too_small_is_reported_before_training(base, pairs, tmp_path, monkeypatch):
    from lintseq.lm import training

    monkeypatch.setattr(training.shutil, "disk_usage", lambda path: SimpleNamespace(free=50_000))
    with pytest.raises(ConfigError, match=r"has 0.00 GB free, and the model and its checkpoints take up to"):
        finetuning.finetune(recipe(base, pairs), str(tmp_path / "out"))
    assert not (tmp_path / "out.partial/run/log.jsonl").exists()


def test_a_resumed_run_deletes_incomplete_checkpoints(base, pairs, tmp_path):
    run = RunOptions(batch=4, micro_batch=2, device="cpu", save_every=1)

    def stop(step):
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        finetuning.finetune(recipe(base, pairs, epochs=10, run=run), str(tmp_path / "out"), on_step=stop)
    incomplete = tmp_path / "out.partial/checkpoints/checkpoint-5"
    incomplete.mkdir()

    def check(step):
        assert not incomplete.exists()

    finetuning.finetune(
        recipe(base, pairs, epochs=10, run=replace(run, save_every=0)),
        str(tmp_path / "out"),
        resume=True,
        on_step=check,
    )


# Both arms beside each other


def test_arms_are_planned_from_the_same_rows(base, pairs, tmp_path, capsys):
    path = tmp_path / "recipe.toml"
    path.write_text(as_toml(recipe(base, pairs, epochs=6)))
    plans = {}
    for arm in ("edits", "plain"):
        for by in ("steps", "tokens", "rows"):
            command = ["finetune", str(path), "--plan", "--json", "--quiet"]
            assert main([*command, "--set", f"data.arm={arm}", "--set", f"match.by={by}"]) == 0
            plans[arm, by] = json.loads(capsys.readouterr().out)
    assert all(plan["own"] == plan["reference"] for (arm, _), plan in plans.items() if arm == "plain")
    assert len({json.dumps(plan["reference"]) for plan in plans.values()}) == 1
    edits = {by: plans["edits", by]["own"] for by in ("steps", "tokens", "rows")}
    plain = plans["plain", "steps"]["own"]
    assert edits["steps"]["steps"] == edits["rows"]["steps"] == plain["steps"] > edits["tokens"]["steps"]
    assert edits["rows"]["row_seen"] == [6, 6.0, 6]
    assert abs(edits["tokens"]["trained"] - plain["trained"]) <= edits["tokens"]["trained"] / edits["tokens"]["steps"]
    assert main(["finetune", str(path), "--plan"]) == 0
    output = capsys.readouterr().out
    assert "matched by rows" in output and "plain arm" in output


def test_edits_of_another_walk_are_matched_by_the_rows_of_a_reference(base, pairs, tmp_path):
    other = write(tmp_path / "other.jsonl", [row for row in records(draws=2) if row["id"] != "1"])
    data = PairOptions(train=other, reference=pairs, max_tokens=256)
    prepared = finetuning.prepare(
        recipe(base, pairs, data=data), finetuning.open_base(recipe(base, pairs)), str(tmp_path)
    )
    assert prepared.plan.shared_rows == 3 and len(prepared.train) == 6
    assert prepared.plan.arm.own.rows == prepared.plan.arm.reference.rows == 3
    foreign = write(tmp_path / "foreign.jsonl", records(programs={"Other.": "x = 1\ny = 2\n"}))
    with pytest.raises(ConfigError, match="no row in common"):
        finetuning.finetune(recipe(base, pairs, data=replace(data, train=foreign)), str(tmp_path / "out"))


# Going on


@pytest.mark.parametrize("rank", [0, pytest.param(4, marks=pytest.mark.slow)])
def test_an_interrupted_run_continues_to_the_same_weights(base, pairs, tmp_path, rank):
    import torch

    if rank:
        pytest.importorskip("peft")
    run = RunOptions(batch=4, micro_batch=2, device="cpu", seed=1, save_every=2)
    chosen = recipe(base, pairs, epochs=10, run=run, lora=LoraOptions(rank=rank, dropout=0.1))

    def stop(step):
        if step.step == 5:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        finetuning.finetune(chosen, str(tmp_path / "out"), on_step=stop)
    # Processes have agreed to go on before they log a step, so the signal stops them after the next one.
    assert (tmp_path / "out.partial" / "checkpoints" / "checkpoint-6" / "complete").exists()
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="continue it with --resume"):
        finetuning.finetune(chosen, str(tmp_path / "out"))
    finetuning.finetune(chosen, str(tmp_path / "out"), resume=True)
    finetuning.finetune(chosen, str(tmp_path / "alone"))
    first, second = (opened(tmp_path / name)[0].state_dict() for name in ("out", "alone"))
    assert all(torch.equal(first[name], second[name]) for name in second)
    assert [row["loss"] for row in log(tmp_path / "out")] == [row["loss"] for row in log(tmp_path / "alone")]
    again = finetuning.finetune(chosen, str(tmp_path / "out"), resume=True)
    assert again.progress.step == 10


def test_checkpoints_are_written_by_the_clock_at_steps_that_are_logged(base, pairs, tmp_path):
    usual = RunOptions(batch=4, micro_batch=2, device="cpu", seed=1, log_every=3)
    chosen = recipe(base, pairs, epochs=10, run=replace(usual, save_minutes=1e-9))

    def fail(step):
        if step.step == 6:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        finetuning.finetune(chosen, str(tmp_path / "out"), on_step=fail)
    assert (tmp_path / "out.partial" / "checkpoints" / "checkpoint-3" / "complete").exists()
    finetuning.finetune(chosen, str(tmp_path / "out"), resume=True)
    finetuning.finetune(recipe(base, pairs, epochs=10, run=usual), str(tmp_path / "alone"))
    timings = {"seconds", "tokens_per_second", "mfu"}
    logs = [[{**row, **dict.fromkeys(timings)} for row in log(tmp_path / name)] for name in ("out", "alone")]
    assert logs[0] == logs[1]
    assert [row["step"] for row in logs[0]] == [3, 6, 9, 10]


def test_a_checkpoint_between_lines_of_the_log_loses_no_counts(base, pairs, tmp_path):
    run = RunOptions(batch=4, micro_batch=2, device="cpu", seed=1, log_every=4, save_every=3)
    chosen = recipe(base, pairs, epochs=10, run=run)

    def fail(step):
        if step.step == 4:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        finetuning.finetune(chosen, str(tmp_path / "out"), on_step=fail)
    report = finetuning.finetune(chosen, str(tmp_path / "out"), resume=True)
    assert report.progress.tokens == report.manifest["plan"]["own"]["tokens"]


@pytest.mark.parametrize(("loss", "words"), [("sum", "limited the gradients of 10 of 10 steps"), ("mean", "")])
def test_a_run_whose_steps_are_clipped_says_so(base, pairs, tmp_path, capsys, loss, words):
    path = tmp_path / "recipe.toml"
    path.write_text(as_toml(recipe(base, pairs, epochs=10, loss=loss, optim=OptimizerOptions(lr=1e-2, clip=5.0))))
    assert main(["finetune", str(path), "--output", str(tmp_path / "out"), "--quiet"]) == 0
    assert words in capsys.readouterr().err
    assert log(tmp_path / "out")[-1]["clipped"] == (10 if words else 0)


def test_a_run_with_another_recipe_or_other_data_is_not_resumed(base, tmp_path):
    pairs = write(tmp_path / "edits.jsonl", records())
    chosen = recipe(base, pairs, epochs=4, run=RunOptions(batch=4, micro_batch=2, device="cpu", seed=1, save_every=1))

    def stop(step):
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        finetuning.finetune(chosen, str(tmp_path / "out"), on_step=stop)
    with pytest.raises(ConfigError, match=r"optim lr was 0.01, and is 0.02"):
        finetuning.finetune(
            replace(chosen, optim=OptimizerOptions(lr=0.02, schedule="constant")), str(tmp_path / "out"), resume=True
        )
    kept = Path(pairs).read_bytes()
    write(Path(pairs), records(draws=2))
    with pytest.raises(ConfigError, match="other settings: data train"):
        finetuning.finetune(chosen, str(tmp_path / "out"), resume=True)
    assert (tmp_path / "out.partial" / "checkpoints" / "checkpoint-1" / "complete").exists()
    assert kept


# Trackers


def tracked(folder):
    """Return the values that TensorBoard has, by name and step."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(folder)
    events.Reload()
    return {name: {item.step: item.value for item in events.Scalars(name)} for name in events.Tags()["scalars"]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_has_what_the_log_has_and_nothing_lands_in_the_folder(base, pairs, tmp_path):
    pytest.importorskip("tensorboard")
    run = RunOptions(batch=4, micro_batch=4, device="cpu", seed=1, log_every=2, report_to=("tensorboard",))
    data = PairOptions(train=pairs, validation=pairs, max_tokens=256)
    finetuning.finetune(recipe(base, pairs, epochs=3, run=run, data=data), str(tmp_path / "out"))
    rows, found = log(tmp_path / "out"), tracked(str(tmp_path / "out.tensorboard"))
    names = {"train/loss": "loss", "train/lr": "lr", "train/trained_tokens": "trained_tokens", "train/mfu": "mfu"}
    names |= {"train/grad_norm": "grad_norm", "eval/loss": "validation_loss"}
    assert len(rows) > 1
    for name, key in names.items():
        expected = {row["step"]: row[key] for row in rows if key in row}
        assert found[name] == pytest.approx(expected, rel=1e-6), name
    assert not list((tmp_path / "out").glob("**/*tfevents*"))


def test_a_missing_tracker_is_named_before_anything_is_read(base, pairs, tmp_path, monkeypatch):
    monkeypatch.setattr("lintseq.lm.runs.find_spec", lambda name: None)
    run = RunOptions(batch=4, micro_batch=4, device="cpu", report_to=("wandb", "trackio"))
    with pytest.raises(ConfigError, match=r"run\.report_to needs wandb and trackio: pip install wandb trackio"):
        finetuning.finetune(recipe(base, pairs, run=run), str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())


def test_trackers_print_to_standard_error_and_their_runs_end(monkeypatch, capsys):
    from lintseq.lm.training import open_trackers

    ended = []
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(finish=lambda: ended.append(True)))
    for report_to, stream in (((), "out"), (("trackio",), "err")):
        with open_trackers(RunOptions(batch=1, micro_batch=1, report_to=report_to)):
            print("Run finished")
        assert getattr(capsys.readouterr(), stream) == "Run finished\n"
    assert ended == [True]


# What cannot work


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": PairOptions(train="PAIRS", max_tokens=513)}, "a context of 512 tokens"),
        ({"data": PairOptions(train="PAIRS", max_tokens=4)}, "raise data.max_tokens"),
        ({"data": PairOptions(train="PAIRS", layout="chat")}, "no chat template"),
        ({"data": PairOptions(train="EMPTY")}, "contains no rows"),
        ({"data": PairOptions(train="NONE")}, "NONE"),
        ({"data": PairOptions(train="PAIRS", validation="EMPTY")}, "contains no rows"),
        ({"model": "no/such/model"}, "cannot load"),
    ],
)
def test_invalid_recipes_are_rejected_before_training(base, pairs, tmp_path, settings, message):
    empty = write(tmp_path / "empty.jsonl", [])
    if data := settings.get("data"):
        names = {"PAIRS": pairs, "EMPTY": empty}
        train, held_out = (names.get(name, name) for name in (data.train, data.validation))
        settings = {
            **settings,
            "data": replace(data, train=train, validation=held_out, max_tokens=min(data.max_tokens, 513)),
        }
        if data.max_tokens == 1024:
            settings["data"] = replace(settings["data"], max_tokens=256)
    chosen = replace(recipe(base, pairs), **settings)
    with pytest.raises(ConfigError, match=message):
        finetuning.finetune(chosen, str(tmp_path / "out"))
    assert not list(tmp_path.glob("out*")), "a run that never started is left behind"


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(base, pairs, tmp_path):
    run = RunOptions(batch=4, micro_batch=4, device="cpu", seed=1, save_every=1)
    chosen = recipe(base, pairs, epochs=20, run=run, optim=OptimizerOptions(lr=1e30, schedule="constant", clip=0.0))
    with pytest.raises(ToolError, match=r"the loss of step \d+ is (nan|inf).*lower optim.lr"):
        finetuning.finetune(chosen, str(tmp_path / "out"))
    assert (tmp_path / "out.partial" / "checkpoints" / "checkpoint-1" / "complete").exists()


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from lintseq.lm import training
before, bytes, where = training.{where}, {bytes}, {where!r}
def limited(*given, **named):
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, resource.RLIM_INFINITY))
    return before(*given, **named)
training.{where} = limited
from lintseq.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["train", "save_model"])
def test_a_full_disk_is_reported_and_nothing_is_lost(base, pairs, tmp_path, where):
    """A limit on the size of files simulates a full disk: the first large file does not fit."""
    path = tmp_path / "recipe.toml"
    run = RunOptions(batch=4, micro_batch=4, device="cpu", seed=1, save_every=2)
    path.write_text(as_toml(recipe(base, pairs, epochs=5, run=run)))
    command = ["finetune", str(path), "--output", str(tmp_path / "out"), "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", FULL.format(where=where, bytes=60_000), *command],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 1, done.stderr
    assert "--resume" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert main([*command, "--resume"]) == 0
    assert len(log(tmp_path / "out")) == 5
    opened(tmp_path / "out")


def test_an_output_is_required(base, pairs, tmp_path, capsys):
    path = tmp_path / "recipe.toml"
    path.write_text(as_toml(recipe(base, pairs)))
    assert main(["finetune", str(path)]) == 2
    assert "--output" in capsys.readouterr().err


# Recipes that are shipped


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").rglob("finetune*.toml")), ids=lambda path: str(path.stem))
def test_shipped_recipes_load(path):
    chosen = read_recipe(str(path), FinetuneRecipe)
    repeats_the_paper = "paper" in path.parts
    assert (chosen.match.by, chosen.loss) == (("steps", "sum") if repeats_the_paper else ("tokens", "mean"))
    assert chosen.optim.clip == (0.0 if repeats_the_paper else 1.0)
    finetuning.check_recipe(chosen)
    for setting in ("data.arm=plain", "data.reference=other.jsonl", "match.by=rows"):
        assert read_recipe(str(path), FinetuneRecipe, settings=[setting]) != chosen


def test_the_papers_recipes_are_all_there():
    names = {path.stem.removeprefix("finetune-") for path in (ROOT / "recipes" / "paper").glob("finetune-*.toml")}
    models = {"gemma-2-2b", "phi-3-mini", "llama-3.1-8b", "phi-3-medium"}
    assert names == {"tinycodelm-150m", "tinycodelm-400m"} | models
