"""Supervised fine-tuning with TRL, as the example shows it, with the real library."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toys import bare_tokenizer, libraries, toy_model

import lintseq
from lintseq.codecs import SEPARATOR
from lintseq.lm.tokenizers import embeddings_of

libraries()
EXAMPLES = Path(__file__).parents[1] / "examples"
TEMPLATE = (
    "{% for message in messages %}<|pad|>{{ message['role'] }}\n{{ message['content'] }}<|endoftext|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|pad|>assistant\n{% endif %}"
)


def base_model(folder: Path) -> None:
    """Write a model and its tokenizer, which do not know the separator."""
    tokenizer = bare_tokenizer()
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    toy_model(len(tokenizer)).save_pretrained(folder)


def run_example(folder: Path, records: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "cache")}
    command = [sys.executable, EXAMPLES / "with_trl.py", "model", records, "trained", "2"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["prompt-completion", "chat-prompt-completion"])
def test_the_example_trains_and_resolves(shape: Any, tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="needs the extra: pip install 'lintseq[trl]'")
    from transformers import AutoTokenizer

    base_model(tmp_path / "model")
    lintseq.build([EXAMPLES / "pairs.jsonl"], tmp_path / "records.jsonl", lintseq.BuildOptions(shape=shape))
    done = run_example(tmp_path, "records.jsonl")
    assert done.returncode == 0, done.stderr
    assert "'loss'" in done.stdout
    trained = AutoTokenizer.from_pretrained(tmp_path / "trained")
    text = f"{SEPARATOR}@@ -0,0 +1 @@\n+x = 1\n{SEPARATOR}@@ -1,0 +2 @@\n+y = 2\n"
    assert trained.decode(trained.encode(text), skip_special_tokens=True) == text
    assert lintseq.resolve(text).text == "x = 1\ny = 2\n"


@pytest.mark.slow
def test_the_example_names_a_column_that_is_missing(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="needs the extra: pip install 'lintseq[trl]'")
    base_model(tmp_path / "model")
    (tmp_path / "records.jsonl").write_text('{"prompt": "a", "answer": "b"}\n')
    done = run_example(tmp_path, "records.jsonl")
    assert done.returncode == 1
    assert "completion" in done.stderr.splitlines()[-1]
    assert "answer" in done.stderr.splitlines()[-1]


# The separator


def test_a_model_in_memory_gets_an_embedding_for_the_separator() -> None:
    import torch

    tokenizer = bare_tokenizer()
    model = toy_model(len(tokenizer))
    pieces = tokenizer.encode(SEPARATOR, add_special_tokens=False)
    before = model.get_input_embeddings().weight.detach().clone()
    done = lintseq.add_separator(tokenizer, model)
    weight = model.get_input_embeddings().weight
    assert done.added
    assert tokenizer.encode(SEPARATOR, add_special_tokens=False) == [done.id]
    assert len(weight) == done.rows == 320
    assert torch.allclose(weight[done.id], before[pieces].mean(0))
    again = lintseq.add_separator(tokenizer, model)
    assert not again.added
    assert torch.equal(weight, model.get_input_embeddings().weight)


def test_a_model_that_meets_an_extended_tokenizer_later_gets_an_embedding_too() -> None:
    import torch

    tokenizer = bare_tokenizer()
    model = toy_model(len(tokenizer), tied=False)
    before = [layer.weight.detach().clone() for layer in embeddings_of(model)]
    lintseq.add_separator(tokenizer)
    done = lintseq.add_separator(tokenizer, model)
    assert (done.added, done.initialized) == (False, "mean of all embeddings")
    for layer, old in zip(embeddings_of(model), before, strict=True):
        assert torch.allclose(layer.weight[done.id], old.mean(0))


def test_what_is_no_tokenizer_of_transformers_is_named() -> None:
    with pytest.raises(lintseq.ConfigError, match="a Tokenizer cannot be extended"):
        lintseq.add_separator(bare_tokenizer().backend_tokenizer)


def test_a_tokenizer_without_special_tokens_is_extended() -> None:
    tokenizer = type(bare_tokenizer())(tokenizer_object=bare_tokenizer().backend_tokenizer)
    assert tokenizer.eos_token is None
    done = lintseq.add_separator(tokenizer)
    assert tokenizer.decode([done.id], skip_special_tokens=True) == SEPARATOR
