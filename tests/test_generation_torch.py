"""Models in the process: continuous batching, seeds and edit by edit, compared with transformers' own generation."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra train is not installed")
pytest.importorskip("transformers", reason="the extra train is not installed")

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, LlamaConfig, Olmo2Config, PreTrainedTokenizerFast
from transformers.generation.logits_process import MinPLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from lintseq.cli import main
from lintseq.codecs import DIFF
from lintseq.errors import ConfigError
from lintseq.lm.backends.backend import GenerationRequest as Request, SamplingParameters as Sampling
from lintseq.lm.backends.transformers import LocalModel, draw
from lintseq.lm.linted import DecodingOptions, edit_filters

pytestmark = pytest.mark.xdist_group("torch")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", "<|pad|>", "<|diff|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([(ROOT / "examples" / "growing.py").read_text()] * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|endoftext|>", pad_token="<|pad|>")


def toy(tokenizer: Any, kind: Any, *, layers: int = 2) -> Any:
    torch.manual_seed(0)
    config = kind(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.mul_(6)  # for a distribution that is not flat
    return model.eval()


PROMPTS = [
    "def area(r):\n",
    "do it\n<|diff|>",
    "x",
    "import os\nimport sys\n" * 4,
    "class A:\n    pass\n",
    "y = 1\n",
    "x",
]


def requests_for(*prompts: str) -> list[Request]:
    return [Request(str(number), 0, prompt, number) for number, prompt in enumerate(prompts)]


# Compared with transformers


@pytest.mark.parametrize("kind", [LlamaConfig, Olmo2Config])
@pytest.mark.parametrize("batch", [1, 3])
def test_greedy_completions_are_those_of_transformers(tokenizer, kind, batch):
    model = toy(tokenizer, kind)
    # Let completions end at different lengths: the end token is one that the model generates often.
    ids = torch.tensor([tokenizer(PROMPTS[0]).input_ids])
    generated = model.generate(ids, do_sample=False, max_new_tokens=60, pad_token_id=1)[0, ids.shape[1] :].tolist()
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, generated[20]]
    ours = LocalModel(model, tokenizer, batch=batch)
    lengths = set()
    done = {
        completion.request.task_id: completion
        for completion in ours.generate(requests_for(*PROMPTS), Sampling(0, max_tokens=60, min_tokens=4))
    }
    for number, prompt in enumerate(PROMPTS):
        ids = torch.tensor([tokenizer(prompt).input_ids])
        out = model.generate(ids, do_sample=False, max_new_tokens=60, min_new_tokens=4, pad_token_id=1)
        expected = out[0, ids.shape[1] :].tolist()
        ended = expected[-1] in ours.end_tokens
        found = done[str(number)]
        assert found.text == ours.decode(expected[:-1] if ended else expected), prompt
        assert (found.completion_tokens, found.finish) == (len(expected), "end" if ended else "length")
        lengths.add(len(expected))
    assert len(lengths) > 1, "all rows ended together, so none was replaced"


@pytest.mark.parametrize(
    ("settings", "warpers"),
    [
        ({"top_p": 0.7}, [TopPLogitsWarper(0.7)]),
        ({"min_p": 0.2}, [MinPLogitsWarper(0.2)]),
        ({"top_k": 5}, [TopKLogitsWarper(5)]),
        (
            {"top_k": 9, "top_p": 0.8, "min_p": 0.05},
            [TopKLogitsWarper(9), TopPLogitsWarper(0.8), MinPLogitsWarper(0.05)],
        ),
        ({"top_p": 0.9999}, [TopPLogitsWarper(0.9999)]),
    ],
)
@pytest.mark.parametrize("spread", [0.3, 3.0])
def test_tokens_are_drawn_with_the_probabilities_of_transformers(settings, warpers, spread):
    logits = torch.randn(1, 600, generator=torch.Generator().manual_seed(1)) * spread
    scores = logits / 0.7
    for warper in warpers:
        scores = warper(None, scores)
    probabilities = torch.softmax(scores, -1)[0]
    count = 4000
    uniforms = [(number + 0.5) / count for number in range(count)]  # evenly spaced from 0 to 1
    counts = Counter(draw(logits.expand(count, -1), Sampling(0.7, **settings), uniforms))
    assert set(counts) <= set(torch.nonzero(probabilities)[:, 0].tolist())
    for token, chance in enumerate(probabilities.tolist()):
        assert abs(counts[token] / count - chance) < 1.5 / count + 1e-5


def test_operations_equal_those_that_torch_counts(tokenizer):
    for kind in (LlamaConfig, Olmo2Config):
        model = toy(tokenizer, kind)
        model.set_attn_implementation("eager")  # whose products the counter sees
        ours = LocalModel(model, tokenizer, batch=1)
        prompt = "def area(r):\n    return"
        with FlopCounterMode(display=False) as counter:
            (done,) = ours.generate([Request("t", 0, prompt, 0)], Sampling(0, max_tokens=30, min_tokens=30))
        assert (done.prompt_tokens, done.completion_tokens) == (len(tokenizer(prompt).input_ids), 30)
        # We count the head for every token of the prompt, though only the last needs it; torch also counts masked
        # attention: the half of the prompt after each token, and unused columns of the cache.
        fed = done.prompt_tokens + 29
        head = 2 * 32 * len(tokenizer)
        attention = 4 * 2 * 32
        weights = done.flops - attention * sum(range(1, fed + 1))
        expected = weights - head * (done.prompt_tokens - 1) + attention * (done.prompt_tokens**2 + 29 * 64)
        angles = 2 * 4 * fed  # rotary embeddings: a matrix product in earlier releases of transformers
        assert counter.get_total_flops() - expected in (0, angles)


# Seeds and batches


def test_completions_depend_on_their_seeds_and_not_on_the_batch(tokenizer):
    model = toy(tokenizer, LlamaConfig)
    requests = [
        Request(str(number), index, PROMPTS[number], 10 * number + index) for number in range(6) for index in range(3)
    ]
    sampling = Sampling(0.9, 0.95, max_tokens=40)
    texts = []
    for batch, order in ((2, requests), (7, requests[::-1]), (7, requests)):
        done = LocalModel(model, tokenizer, batch=batch).generate(order, sampling)
        texts.append({(completion.request.task_id, completion.request.index): completion.text for completion in done})
    assert texts[1] == texts[2]
    assert len(set(texts[0].values())) == 18
    same = sum(texts[0][key] == texts[1][key] for key in texts[0])
    assert same >= 16  # rounding depends on the batch and may decide between two almost equal tokens
    again = LocalModel(model, tokenizer, batch=5).generate([Request("0", 0, PROMPTS[0], 99)], sampling)
    assert next(again).text not in texts[0].values()


def test_prompts_that_fill_the_context_and_texts_that_reach_a_limit(tokenizer):
    ours = LocalModel(toy(tokenizer, LlamaConfig), tokenizer)
    long = "x = 1\n" * 80
    assert len(tokenizer(long).input_ids) >= 256
    done = {
        completion.request.task_id: completion
        for completion in ours.generate(requests_for(long, long[:330], "y"), Sampling(1.0, max_tokens=400))
    }
    assert (done["0"].finish, done["0"].text, done["0"].flops) == ("prompt-too-long", "", 0)
    assert done["1"].finish in ("length", "end")
    assert done["1"].prompt_tokens + done["1"].completion_tokens <= 256
    (whole,) = ours.generate(requests_for("y"), Sampling(0, max_tokens=40, min_tokens=40))
    stop = whole.text[len(whole.text) // 2 :][:3]
    (cut,) = ours.generate(requests_for("y"), Sampling(0, max_tokens=40, min_tokens=40, stop=("none such", stop)))
    assert (cut.finish, cut.text) == ("stop", whole.text[: whole.text.index(stop)])
    assert cut.completion_tokens < 40


def test_a_listener_gets_the_text_after_every_token(tokenizer):
    ours = LocalModel(toy(tokenizer, LlamaConfig), tokenizer)
    texts: list[str] = []
    (done,) = ours.generate(
        requests_for("x"), Sampling(0, max_tokens=9), on_text=lambda request, text: texts.append(text)
    )
    assert texts[-1] == done.text
    assert len(texts) == 9


# Edit by edit, with a model whose distribution is known


class Parrot(torch.nn.Module):
    """Generates one of several texts, in proportion to their weights.

    Its only memory is the cache: the key of a token is the token.
    """

    def __init__(self, tokenizer: Any, texts: dict[str, float]) -> None:
        super().__init__()
        self.config = LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
            intermediate_size=8, max_position_embeddings=512,
        )  # fmt: skip
        self.generation_config = None
        self.device, self.dtype = torch.device("cpu"), torch.float32
        self.end = tokenizer.eos_token_id
        self.separator = tokenizer("<|diff|>").input_ids[0]
        self.texts = [([*tokenizer(text).input_ids, self.end], weight) for text, weight in texts.items()]

    def forward(self, input_ids, past_key_values=None, attention_mask=None, position_ids=None, use_cache=None):
        keys = input_ids[:, None, :, None].float()
        keys, _ = past_key_values.update(keys, keys, 0)
        before = position_ids[:, 0] if position_ids is not None else torch.zeros(len(keys), dtype=torch.long)
        logits = torch.full((*input_ids.shape, self.config.vocab_size), -torch.inf)
        for row, length in enumerate(before.tolist()):
            tokens = keys[row, 0, :, 0].long().tolist()
            for position in range(input_ids.shape[1]):
                for token, weight in self.following(tokens[: length + position + 1]).items():
                    logits[row, position, token] = torch.tensor(weight).log()
        return type("Output", (), {"logits": logits})

    def following(self, tokens: list[int]) -> Counter[int]:
        found: Counter[int] = Counter()
        written = tokens[tokens.index(self.separator) + 1 :] if self.separator in tokens else []
        for text, weight in self.texts:
            if text[: len(written)] == written and len(text) > len(written):
                found[text[len(written)]] += weight
        return found or Counter({self.end: 1})


FIRST = {
    "@@ -0,0 +1,2 @@\n+def area(r):\n+    return r\n": 0.3,
    "@@ -0,0 +1,2 @@\n+def size(r):\n+    return r\n": 0.2,
    "@@ -3,0 +4,2 @@\n+def area(r):\n+    return r\n": 0.25,  # malformed
    "@@ -0,0 +1,2 @@\n+def area(r):\n+    return pi\n": 0.25,  # unclean
}
SECOND = {
    "@@ -1,0 +2 @@\n+    r = r + 1\n": 0.5,
    "@@ -1,0 +2 @@\n+    r = q + 1\n": 0.5,  # unclean
}
ALL = {f"{first}<|diff|>{second}": a * b for first, a in FIRST.items() for second, b in SECOND.items()}
GOOD = {"def area(r):\n    r = r + 1\n    return r\n": 0.6, "def size(r):\n    r = r + 1\n    return r\n": 0.4}


def filters_of(options: DecodingOptions) -> Any:
    return edit_filters(options, Sampling(), "diff")


def parrot(tokenizer: Any, *, batch: int = 13) -> LocalModel:
    return LocalModel(Parrot(tokenizer, ALL), tokenizer, batch=batch)


def requests(count: int) -> list[Request]:
    return [
        Request("t", index, ("do it\n<|diff|>", "please do it\n<|diff|>")[index % 2], index) for index in range(count)
    ]


def test_plain_sampling_follows_the_distribution(tokenizer):
    done = list(parrot(tokenizer).generate(requests(400), Sampling()))
    found = Counter(completion.text for completion in done)
    assert set(found) == set(ALL)
    for text, chance in ALL.items():
        assert abs(found[text] / 400 - chance) < 0.08


def test_linted_decoding_keeps_the_proportions_of_good_edits_and_counts_the_rest(tokenizer):
    ours = parrot(tokenizer)
    options = DecodingOptions(linted=True, tries=60)
    done = list(ours.generate(requests(400), Sampling(), edit_filters=filters_of(options)))
    programs = Counter(DIFF.read(completion.text).program.text for completion in done)
    assert set(programs) == set(GOOD)
    for text, chance in GOOD.items():
        assert abs(programs[text] / 400 - chance) < 0.08
    rejected = sum((Counter(completion.more["rejected"]) for completion in done), Counter())
    # Half of the first edits, by weight, are good, so one is discarded for each that is kept; likewise for the second.
    assert abs(sum(rejected.values()) / 400 - 2) < 0.3
    assert abs(rejected["malformed"] / 400 - 0.5) < 0.15
    for completion in done:
        kept = len(ours.tokenizer(completion.text).input_ids) + 1
        assert completion.completion_tokens == kept + completion.more["thrown_tokens"]
        assert (completion.more["thrown_tokens"] == 0) == (not completion.more["rejected"])
        assert completion.finish == "end"
    plain = next(ours.generate([done[0].request], Sampling()))
    clean = next(completion for completion in done if not completion.more["rejected"])
    dirty = next(completion for completion in done if completion.more["rejected"])
    shape = ours.shape
    assert clean.flops == shape.forward(clean.prompt_tokens) + shape.completion(
        clean.completion_tokens, prompt=clean.prompt_tokens
    )
    assert dirty.flops > clean.flops
    assert plain.flops is not None


@pytest.mark.parametrize("batch", [1, 4])
def test_linted_completions_do_not_depend_on_the_batch(tokenizer, batch):
    options = DecodingOptions(linted=True, tries=3)
    outputs = []
    for size in (batch, 9):
        done = parrot(tokenizer, batch=size).generate(requests(30), Sampling(), edit_filters=filters_of(options))
        outputs.append(
            {
                completion.request.index: (
                    completion.text,
                    completion.completion_tokens,
                    completion.flops,
                    dict(completion.more),
                )
                for completion in done
            }
        )
    assert outputs[0] == outputs[1]


def test_giving_up_ends_the_text_before_the_bad_edit(tokenizer):
    options = DecodingOptions(linted=True, tries=0, give_up="end")
    done = list(parrot(tokenizer).generate(requests(100), Sampling(), edit_filters=filters_of(options)))
    ends = Counter(completion.finish for completion in done)
    assert 60 < ends["gave-up"] < 90  # three of four have a bad edit
    for completion in done:
        text = completion.text
        assert text == "" or (text.endswith("\n") and not DIFF.resolve(text).notes)
    assert {
        len(DIFF.read(completion.text)) if completion.text else 0
        for completion in done
        if completion.finish == "gave-up"
    } == {0, 1}


def test_generation_stops_after_a_number_of_edits(tokenizer):
    options = DecodingOptions(stop_after_edits=1)
    done = list(parrot(tokenizer).generate(requests(50), Sampling(), edit_filters=filters_of(options)))
    assert {completion.finish for completion in done} == {"edits"}
    assert {completion.text for completion in done} <= set(FIRST)


def test_an_edit_that_reaches_max_tokens_is_dropped(tokenizer):
    ours = parrot(tokenizer)
    limit = len(tokenizer(next(iter(FIRST))).input_ids) + 5
    options = DecodingOptions(linted=True, tries=60)
    sampling = Sampling(max_tokens=limit)
    done = list(ours.generate(requests(40), sampling, edit_filters=filters_of(options)))
    assert {completion.finish for completion in done} == {"length"}
    for completion in done:
        assert completion.text in FIRST
        assert not DIFF.resolve(completion.text).notes


def test_edit_by_edit_needs_the_separator_token(tokenizer):
    model = Parrot(tokenizer, ALL)
    ours = LocalModel(model, tokenizer)
    ours.separator = None
    with pytest.raises(ConfigError, match="tokenizer extend"):
        list(ours.generate(requests(1), Sampling(), edit_filters=filters_of(DecodingOptions(stop_after_edits=1))))


# The commands


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("model")
    toy(tokenizer, Olmo2Config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    (path / "recipe.toml").write_text('[data]\narm = "edits"\n')
    return str(path)


def test_completions_from_the_command_line_are_evaluated(folder, tmp_path, capsys):
    problems = str(ROOT / "examples" / "problems.jsonl")
    out = str(tmp_path / "c.jsonl")
    command = ["complete", "--model", folder, "--benchmark", problems, "--n", "2", "--max-tokens", "12", "-o", out]
    assert main([*command, "--device", "cpu", "--json"]) == 0
    tally = json.loads(capsys.readouterr().out)[out]
    assert (tally["done"], tally["tokens"] > 100, tally["flops"] > 0) == (24, True, True)
    settings = json.loads(Path(out.removesuffix(".jsonl") + ".manifest.json").read_text())["settings"]
    assert (settings["prompts"], settings["format"], len(settings["weights"])) == ("edits", "diff", 16)
    assert main(["evaluate", out, "--benchmark", problems, "--linter", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cost"]["flops_at_k"]["1"] > 0
    assert main([*command, "--resume", "--seed", "1"]) == 2
    assert "seed was 0, and is 1" in capsys.readouterr().err


def test_solve_prints_and_saves_the_program(folder, tmp_path, capsys):
    file = tmp_path / "program.py"
    command = ["solve", "Add two numbers.", "--model", folder, "--max-tokens", "20", "--device", "cpu", "--linted"]
    assert main([*command, "--tries", "1", "--output", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "tokens" in printed
    assert main([*command, "--tries", "1", "--json"]) == 0
    solution = json.loads(capsys.readouterr().out)
    assert solution["program"] == file.read_text()
    assert solution["completion_tokens"] >= 20


def test_a_missing_model_is_reported(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # the variable is read at import
    problems = str(ROOT / "examples" / "problems.jsonl")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    hub = "there is no such folder, and loading it from the Hugging Face Hub failed: "
    for name, message in {
        str(tmp_path / "none"): "there is no such folder",
        "runs/none": "there is no such folder",
        "a/b": hub,
    }.items():
        command = ["complete", "--model", name, "--benchmark", problems, "--prompts", "edits"]
        assert main([*command, "--output", str(tmp_path / "c.jsonl")]) == 2
        assert f"cannot load the model {name}: {message}" in capsys.readouterr().err


def test_a_missing_device_is_reported(tokenizer, tmp_path, capsys):
    toy(tokenizer, LlamaConfig).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    for device in ("gpu", *(["cuda"] if not torch.cuda.is_available() else [])):
        assert main(["solve", "Add.", "--model", str(tmp_path), "--device", device]) == 2
        assert f"--device {device}: cannot move the model" in capsys.readouterr().err


def test_a_run_that_cannot_begin_leaves_no_files(folder, tmp_path, capsys):
    prompts, output = tmp_path / "prompts.jsonl", tmp_path / "out.jsonl"
    command = ["complete", "--model", folder, "--prompts-file", str(prompts), "--output", str(output)]
    prompts.write_text('{"messages": [{"role": "user", "content": "Add."}]}\n')
    assert main([*command, "--max-tokens", "9"]) == 2
    assert "no chat template, so it takes no messages" in capsys.readouterr().err
    assert not list(tmp_path.glob("out.*"))
    prompts.write_text('{"prompt": "Add.\\n"}\n')
    assert main([*command, "--max-tokens", "9"]) == 0
    assert len(output.read_text().splitlines()) == 1
