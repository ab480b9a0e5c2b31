"""Training equals a separately written loop, which shares nothing with it but the model and the order of the rows."""

import json
import math
from pathlib import Path

import pytest
from test_training_examples import records, write
from toys import libraries, toy_model, toy_tokenizer

from lintseq.lm import finetuning
from lintseq.lm.recipes import FinetuneRecipe, MatchOptions, OptimizerOptions, PairOptions, RunOptions

pytestmark = pytest.mark.xdist_group("torch")
libraries()


def reference_loop(folder: str, path: str, order: list[int], recipe: FinetuneRecipe):
    """Yield loss, gradient norm and learning rate of each step, then the weights: AdamW, one example at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    examples = []
    for row in map(json.loads, Path(path).read_text().splitlines()):
        prompt = tokenizer.encode(row["instruction"] + "\n<|diff|>")
        end = "\n" if row["program"].endswith("\n") else ""
        completion = [*tokenizer.encode("\n<|diff|>".join(row["edits"]) + end), tokenizer.eos_token_id]
        examples.append((torch.tensor(prompt + completion), len(prompt)))
    weights = dict(model.named_parameters())
    first, second = ({name: torch.zeros_like(weight) for name, weight in weights.items()} for _ in range(2))
    optim, batch = recipe.optim, recipe.run.batch
    steps, (beta1, beta2) = len(order) // batch, optim.betas
    warmup = round(optim.warmup * steps) if optim.warmup < 1 else int(optim.warmup)
    for step in range(steps):
        chosen = [examples[index] for index in order[step * batch : (step + 1) * batch]]
        nats = torch.zeros(())
        for ids, start in chosen:
            logits = model(ids[None]).logits[0]
            nats = nats - torch.log_softmax(logits, -1)[range(start - 1, len(ids) - 1), ids[start:]].sum()
        tokens = sum(len(ids) - start for ids, start in chosen)
        model.zero_grad()
        (nats / tokens if recipe.loss == "mean" else nats).backward()
        norm = math.sqrt(sum(float(weight.grad.double().square().sum()) for weight in weights.values()))
        scale = min(1.0, optim.clip / (norm + 1e-6)) if optim.clip else 1.0
        lr = optim.lr * (step / warmup if step < warmup else (steps - step) / (steps - warmup))
        with torch.no_grad():
            for name, weight in weights.items():
                gradient = weight.grad * scale
                first[name] = beta1 * first[name] + (1 - beta1) * gradient
                second[name] = beta2 * second[name] + (1 - beta2) * gradient**2
                if weight.ndim > 1:  # all but norms
                    weight.mul_(1 - lr * optim.weight_decay)
                mean, square = first[name] / (1 - beta1 ** (step + 1)), second[name] / (1 - beta2 ** (step + 1))
                weight.sub_(lr * mean / (square.sqrt() + optim.eps))
        yield float(nats.detach()) / tokens, norm, lr
    yield model.state_dict()


@pytest.mark.parametrize(("loss", "clip"), [("mean", 1.2), ("sum", 0.0)])
def test_losses_rates_and_weights_are_those_of_the_reference_loop(loss, clip, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = toy_tokenizer()
    toy_model(len(tokenizer)).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    recipe = FinetuneRecipe(
        model=str(tmp_path / "base"),
        data=PairOptions(train=write(tmp_path / "edits.jsonl", records()), max_tokens=512),
        match=MatchOptions(by="none", epochs=8),
        optim=OptimizerOptions(lr=3e-3, schedule="linear", warmup=0.1, weight_decay=0.1, clip=clip, eps=1e-6),
        run=RunOptions(batch=4, micro_batch=2, device="cpu", precision="fp32"),
        loss=loss,
    )
    order = finetuning.prepare(recipe, finetuning.open_base(recipe), str(tmp_path)).order
    *steps, weights = reference_loop(recipe.model, recipe.data.train, order, recipe)
    report = finetuning.finetune(recipe, str(tmp_path / "out"))
    rows = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert len(rows) == len(steps) > 20
    for row, (nats, norm, lr) in zip(rows, steps, strict=True):
        assert row["loss"] == pytest.approx(nats, abs=1e-6)
        assert row["grad_norm"] == pytest.approx(norm, rel=1e-4)
        assert row["lr"] == pytest.approx(lr, rel=1e-9), "the rate of the step beside which it stands"
    clipped = sum(norm > clip for _, norm, _ in steps) if clip else 0
    assert (report.progress.clipped, bool(report.warnings)) == (clipped, 2 * clipped > len(steps))
    trained = AutoModelForCausalLM.from_pretrained(tmp_path / "out").state_dict()
    for name, weight in weights.items():
        torch.testing.assert_close(trained[name], weight, rtol=0, atol=1e-5)
