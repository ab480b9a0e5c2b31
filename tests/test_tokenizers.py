"""Tokenizers: trained ones, and existing ones extended by `<|diff|>`."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from toys import TEXTS, libraries, toy_model, toy_tokenizer

from lintseq.cli import main
from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError, ToolError
from lintseq.lm import tokenizers
from lintseq.lm.loading import as_pretrained, load_tokenizer
from lintseq.lm.tokenizers import byte_level_bpe, decode, diff_id

pytestmark = pytest.mark.xdist_group("torch")
libraries()

REAL = Path(__file__).parents[2] / "shared" / "data" / "tokenizers"
real = pytest.mark.skipif(not REAL.is_dir(), reason="needs tokenizers in ../shared/data")


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS * 5))
    return path


# Training


def test_a_trained_tokenizer_opens_with_transformers(texts, tmp_path, capsys):
    from transformers import AutoTokenizer

    folder = str(tmp_path / "tokenizer")
    assert main(["tokenizer", "train", str(texts), "--vocab", "300", "--output", folder, "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert trained["tokens"] == len(tokenizer) == 300
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|endoftext|>", "<|pad|>")
    assert diff_id(tokenizer) == trained["diff"] == 299
    assert trained["bytes_per_token"] > 1.2
    assert json.loads(Path(folder, "manifest.json").read_text())["documents"] == 25


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([SEPARATOR, "\n", " ", "\t", "é", "def f():", "@@ -0,0 +1 @@", "\r\n", "x", "😀", "\x00"])
    )
)
def test_any_text_survives_encoding_and_decoding_even_without_special_tokens(parts):
    text = "".join(parts)
    ids = toy_tokenizer().encode(text)
    assert decode(toy_tokenizer(), ids) == text
    assert toy_tokenizer().decode(ids, skip_special_tokens=True) == text
    assert ids.count(diff_id(toy_tokenizer())) == text.count(SEPARATOR)


def test_the_same_texts_give_the_same_tokenizer():
    first, second = (byte_level_bpe(TEXTS * 3, 300).to_str() for _ in range(2))
    assert first == second


def test_other_texts_give_another_tokenizer():
    first, second = (byte_level_bpe(texts, 290).to_str() for texts in (TEXTS[:2], TEXTS[3:]))
    assert first != second


def test_nothing_is_learned_from_the_letters_of_the_separator():
    tokenizer = byte_level_bpe([f"a{SEPARATOR}b"] * 100, 300)
    assert not any("diff" in token for token in tokenizer.get_vocab() if token != SEPARATOR)


def test_megabytes_limits_how_much_of_each_input_is_read(texts, tmp_path, capsys):
    command = ["tokenizer", "train", str(texts), str(texts), "--vocab", "300", "--output", str(tmp_path / "t")]
    assert main([*command, "--megabytes", "0.001", "--json"]) == 0
    assert 1000 < json.loads(capsys.readouterr().out)["bytes"] <= 2000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--vocab", "200"], "too small"),
        (["--vocab", "300", "--field", "words"], "no column 'words'"),
        (["--vocab", "300", "--read", "edit"], "use one of text, edits, plain, files"),
    ],
)
def test_invalid_options_are_rejected_before_work_starts(texts, tmp_path, capsys, arguments, words):
    assert main(["tokenizer", "train", str(texts), "--output", str(tmp_path / "t"), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.glob("t*/"))


def test_an_existing_folder_is_replaced_only_with_overwrite(texts, tmp_path, capsys):
    command = ["tokenizer", "train", str(texts), "--vocab", "300", "--output", str(tmp_path / "t")]
    assert main(command) == 0
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    assert not list(tmp_path.glob("*.partial"))


def test_inputs_without_a_text_are_an_error(tmp_path, capsys):
    (tmp_path / "none.jsonl").write_text('{"text": 3}\n{"text": ""}\n')
    command = ["tokenizer", "train", str(tmp_path / "none.jsonl"), "--vocab", "300", "--output", str(tmp_path / "t")]
    assert main(command) == 2
    assert "no texts to train on (2 rows without a text)" in capsys.readouterr().err


# Extending


def sentencepiece(*, prepend, strip):
    """Return a tokenizer like those of SentencePiece."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    byte = {f"<0x{number:02X}>": number + 2 for number in range(256)}
    vocabulary = {"</s>": 0, "<pad>": 1, **byte, "▁": 258}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], byte_fallback=True, fuse_unk=True))
    first = [normalizers.Prepend("▁")] if prepend else []
    tokenizer.normalizer = normalizers.Sequence([*first, normalizers.Replace(" ", "▁")])
    last = [decoders.Strip(" ", 1, 0)] if strip else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *last]
    )
    return as_pretrained(tokenizer, end="</s>", pad="<pad>")


@pytest.mark.parametrize("strip", [True, False])
def test_a_decoder_that_puts_a_space_after_the_separator_is_corrected(strip, tmp_path):
    tokenizer = sentencepiece(prepend=True, strip=strip)
    if not strip:  # the space before the whole text stays, so nothing comes back
        with pytest.raises(ToolError, match="do not survive"):
            tokenizers.add_separator(tokenizer)
        return
    tokenizer.save_pretrained(tmp_path / "old")
    done = tokenizers.extend_tokenizer(str(tmp_path / "old"), str(tmp_path / "new"))
    assert "put a space after" in done.notes[0]
    again = load_tokenizer(str(tmp_path / "new"))
    for text in (f"a{SEPARATOR} b{SEPARATOR}  c\n{SEPARATOR}@@ -0,0 +1 @@\n+x", SEPARATOR, f"{SEPARATOR} "):
        assert decode(again, again.encode(text)) == text


def test_a_tokenizer_that_loses_characters_of_edits_is_rejected():
    from tokenizers import normalizers

    tokenizer = sentencepiece(prepend=False, strip=False)
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("\n", "")
    with pytest.raises(ToolError, match="do not survive"):
        tokenizers.add_separator(tokenizer)


def test_a_separator_that_decoding_drops_is_rejected():
    from tokenizers import AddedToken

    tokenizer = as_pretrained(byte_level_bpe(TEXTS, 300))
    tokenizer.add_special_tokens({"extra_special_tokens": [AddedToken(SEPARATOR, special=True)]})
    with pytest.raises(ConfigError, match="set its `special` to false"):
        tokenizers.add_separator(tokenizer)


@real
@pytest.mark.parametrize("name", ["gpt2", "olmo_gpt-neox-dolma-v1_5", "smollm2"])
def test_real_tokenizers_can_be_extended_and_restore_every_text(name, tmp_path):
    done = tokenizers.extend_tokenizer(str(REAL / name), str(tmp_path / name))
    assert done.added
    assert done.notes == ()
    assert len(done.pieces) > 1
    tokenizer = load_tokenizer(str(tmp_path / name))
    text = f"Write it.\n{SEPARATOR}@@ -0,0 +1 @@\n+x = ' é\t'\n{SEPARATOR}@@ -1,0 +2 @@\n+\n"
    assert decode(tokenizer, tokenizer.encode(text)) == text
    assert tokenizer.encode(text).count(done.id) == 2
    again = tokenizers.extend_tokenizer(str(tmp_path / name), str(tmp_path / "again"))
    assert not again.added
    assert again.id == done.id


@pytest.mark.parametrize("tied", [True, False])
def test_the_new_embedding_barely_changes_the_predictions_of_a_model(tied, tmp_path, capsys):
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = as_pretrained(bare_tokenizer())
    old = toy_model(len(tokenizer), tied=tied)
    old.save_pretrained(tmp_path / "old")
    tokenizer.save_pretrained(tmp_path / "old")
    capsys.readouterr()
    assert main(["tokenizer", "extend", str(tmp_path / "old"), "--output", str(tmp_path / "new"), "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert (trained["rows_before"], trained["rows"]) == (301, 304)
    new = AutoModelForCausalLM.from_pretrained(tmp_path / "new")
    assert new.config.vocab_size == 304
    pieces = tokenizer.encode(SEPARATOR)
    for side in ("get_input_embeddings", "get_output_embeddings"):
        before, after = getattr(old, side)().weight, getattr(new, side)().weight
        assert torch.equal(before, after[:301])
        assert torch.allclose(after[trained["id"]], before[pieces].mean(0))
        assert torch.allclose(after[302], before.mean(0))
    ids = torch.tensor([tokenizer.encode(TEXTS[0])])
    with torch.no_grad():
        was, now = old(ids).logits.softmax(-1), new(ids).logits.softmax(-1)
    assert torch.all(now[..., trained["id"]] <= was[..., pieces].mean(-1) * 1.001)
    assert torch.all(now[..., :301].sum(-1) > 0.97)


def test_a_model_with_a_spare_embedding_keeps_its_size(tmp_path):
    tokenizer = as_pretrained(bare_tokenizer())
    toy_model(312).save_pretrained(tmp_path / "old")
    tokenizer.save_pretrained(tmp_path / "old")
    done = tokenizers.extend_tokenizer(str(tmp_path / "old"), str(tmp_path / "new"))
    assert (done.id, done.rows_before, done.rows) == (301, 312, 312)


def bare_tokenizer():
    """Return a tokenizer of 301 tokens that knows nothing of the separator."""
    tokenizer = byte_level_bpe(TEXTS * 5, 302)
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] != SEPARATOR]
    return type(tokenizer).from_str(json.dumps(state))


def test_a_file_that_is_not_a_tokenizer_is_reported(tmp_path, capsys):
    (tmp_path / "tokenizer.json").write_text("{}")
    assert main(["tokenizer", "extend", str(tmp_path), "--output", str(tmp_path / "t")]) == 2
    assert "cannot load the tokenizer" in capsys.readouterr().err
    assert main(["tokenizer", "extend", str(tmp_path / "nowhere"), "--output", str(tmp_path / "t")]) == 2
    assert "cannot load the tokenizer" in capsys.readouterr().err
