"""Corpora: tokenized once, resumable after any interruption, cut into rows that keep documents apart."""

import errno
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from toys import TEXTS, libraries, toy_model, toy_tokenizer

from lintseq.codecs import SEPARATOR
from lintseq.dataset.build import build
from lintseq.dataset.outputs import Target
from lintseq.errors import ConfigError, ToolError
from lintseq.lm.batches import IGNORED
from lintseq.lm.corpus import Corpus, build_corpus, dtype_of
from lintseq.lm.mixture import RowOrder, TrainingRows, ValidationRows, permuted
from lintseq.lm.recipes import CorpusOptions, CorpusSource
from lintseq.storage import AppendFile

pytestmark = pytest.mark.xdist_group("torch")
libraries()


def documents(count, seed=0):
    chance = random.Random(seed)
    return [" ".join(chance.choices("".join(TEXTS).split(), k=chance.randrange(1, 60))) for _ in range(count)]


def write(path, texts, field="text"):
    data = "".join(json.dumps({"id": number, field: text}) + "\n" for number, text in enumerate(texts))
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(data.encode()))
    elif path.suffix == ".parquet":
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        pq.write_table(pa.table({field: texts}), path)
    else:
        path.write_text(data)
    return str(path)


def read_back(corpus, source=0, part="train"):
    """Return the documents of a part, decoded."""
    stream = corpus.stream(source, part)
    tokens, starts = stream.window(0, len(stream))
    bounds = [0, *map(int, starts), len(stream)]
    return [
        toy_tokenizer().decode([int(token) for token in tokens[start : end - 1]]) for start, end in pairwise(bounds)
    ]


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def make(sources, folder, held_out=0.0, *, tokenizer=None, **options):
    """Make a corpus of paths or sources."""
    sources = [source if isinstance(source, CorpusSource) else CorpusSource(path=str(source)) for source in sources]
    data = CorpusOptions(train=tuple(sources), held_out=held_out)
    return build_corpus(data, tokenizer or toy_tokenizer(), str(folder), **options)


def data_of(*weights, **options):
    return CorpusOptions(train=tuple(CorpusSource(path="x", weight=weight) for weight in weights), **options)


@pytest.fixture
def small(tmp_path):
    texts = documents(40)
    path = write(tmp_path / "texts.jsonl", texts)
    return make([path], tmp_path / "corpus", held_out=0.2), texts


# Tokenizing


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_every_document_is_in_the_corpus_once_in_order(name, tmp_path):
    texts = documents(700)
    path = write(tmp_path / name, texts, "content")
    corpus = make([path], tmp_path / "corpus")
    assert read_back(corpus) == texts
    assert corpus.sources[0]["documents"]["train"] == 700
    assert corpus.sources[0]["bytes"]["train"] == sum(len(text.encode()) for text in texts)
    assert corpus.manifest["end"] == toy_tokenizer().eos_token_id


def test_files_of_any_kind_are_documents(tmp_path):
    (tmp_path / "code" / "deep").mkdir(parents=True)
    (tmp_path / "code" / "a.js").write_text("let a = 1\n")
    (tmp_path / "code" / "deep" / "b.py").write_text("b = 2\n")
    (tmp_path / "notes.md").write_text("# Notes\n")
    sources = [
        CorpusSource(path=str(tmp_path / "code"), read="files"),
        CorpusSource(path=str(tmp_path / "code" / "**" / "*.py"), read="files"),
        CorpusSource(path=str(tmp_path / "notes.md")),
        CorpusSource(path=str(tmp_path / "code" / "deep")),
    ]
    corpus = make(sources, tmp_path / "corpus")
    assert [read_back(corpus, number) for number in range(4)] == [
        ["let a = 1\n", "b = 2\n"],
        ["b = 2\n"],
        ["# Notes\n"],
        ["b = 2\n"],
    ]


def test_a_data_set_of_the_hub_can_be_a_source(tmp_path):
    pytest.importorskip("datasets")
    folder = tmp_path / "set"
    folder.mkdir()
    texts = documents(30)
    write(folder / "train.jsonl", texts)
    corpus = make([f"hf:{folder}"], tmp_path / "corpus")
    assert read_back(corpus) == texts


def test_records_of_edit_sequences_are_documents(tmp_path):
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps({"instruction": "Add them.", "program": "a = 1\nb = 2\nprint(a + b)\n"}) + "\n")
    build([str(pairs)], Target(str(tmp_path / "edits.jsonl")))
    source = CorpusSource(path=str(tmp_path / "edits.jsonl"), read="edits")
    corpus = make([source], tmp_path / "corpus")
    (text,) = read_back(corpus)
    record = json.loads((tmp_path / "edits.jsonl").read_text())
    assert text == "Add them.\n" + "\n".join(SEPARATOR + edit for edit in record["edits"]) + "\n"
    tokens, _ = corpus.stream(0, "train").window(0, len(corpus.stream(0, "train")))
    assert Counter(map(int, tokens))[toy_tokenizer().convert_tokens_to_ids(SEPARATOR)] == len(record["edits"])


def test_rows_without_a_text_are_counted_by_reason(tmp_path):
    lines = ['{"text": "good"}', '{"text": 3}', '{"text": ""}', "{", '{"other": "x"}', '{"text": "a\\ud800"}', "[1]"]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    corpus = make([str(tmp_path / "in.jsonl")], tmp_path / "corpus")
    assert read_back(corpus) == ["good"]
    assert corpus.sources[0]["skipped"] == {
        "not-string": 1,
        "empty": 1,
        "not-json": 1,
        "no-field": 1,
        "encoding": 1,
        "not-object": 1,
    }


def test_a_text_that_spells_the_end_token_does_not_end_the_document(tmp_path):
    texts = ["one <|endoftext|> still one", "two <|pad|>"]
    corpus = make([write(tmp_path / "in.jsonl", texts)], tmp_path / "corpus")
    assert read_back(corpus) == texts
    tokens, _ = corpus.stream(0, "train").window(0, len(corpus.stream(0, "train")))
    assert list(map(int, tokens)).count(toy_tokenizer().eos_token_id) == 2


def test_what_is_held_out_depends_on_the_text_only(small, tmp_path):
    corpus, texts = small
    train, held = read_back(corpus), read_back(corpus, part="validation")
    assert sorted(train + held) == sorted(texts)
    assert 2 <= len(held) <= 16
    path = write(tmp_path / "again.jsonl", texts[::-1] + texts)
    again = make([path], tmp_path / "again", held_out=0.2)
    assert set(read_back(again, part="validation")) == set(held)


def test_any_number_of_workers_gives_the_same_bytes(tmp_path):
    sources = [write(tmp_path / "in.jsonl", documents(300))]
    for workers in (1, 2):
        make(sources, tmp_path / str(workers), held_out=0.1, workers=workers, batch_rows=20)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_large_vocabulary_takes_four_bytes(tmp_path):
    assert (dtype_of(1 << 16), dtype_of((1 << 16) + 1)) == ("<u2", "<u4")


# Ended and gone on with


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_build_interrupted_anywhere_and_continued_gives_the_same_bytes(name, tmp_path):
    sizes = {"batch_rows": 9, "save_seconds": 0.0}
    sources = [write(tmp_path / name, documents(200)), write(tmp_path / "b.jsonl", documents(50, 1))]
    make(sources, tmp_path / "alone", held_out=0.1)
    ends = 0
    for left in range(100):
        calls = iter(range(1 + left % 5))

        def stop(_, calls=calls):
            next(calls)

        try:
            make(sources, tmp_path / "ended", held_out=0.1, on_progress=stop, **sizes)
        except (StopIteration, RuntimeError):
            ends += 1
            for path in (tmp_path / "ended.partial" / "files").glob("*.tokens"):  # the last writes may be garbage
                with path.open("ab") as file:
                    file.write(b"garbage")
        else:
            break
    assert ends > 5
    assert contents(tmp_path / "ended") == contents(tmp_path / "alone")


@pytest.mark.slow
def test_a_killed_build_leaves_no_process_and_can_be_continued(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "in.jsonl", documents(1000) * 4)
    toy_tokenizer().save_pretrained(tmp_path / "tokenizer")
    code = (
        "import sys\nfrom lintseq.lm.corpus import build_corpus\nfrom lintseq.lm.loading import load_tokenizer\n"
        "from lintseq.lm.recipes import CorpusOptions, CorpusSource\n"
        "if __name__ == '__main__':\n"
        "    data = CorpusOptions(train=(CorpusSource(path='in.jsonl'),))\n"
        "    tokenizer = load_tokenizer('tokenizer')\n"
        "    build_corpus(data, tokenizer, sys.argv[1], workers=2, batch_rows=50, save_seconds=0.0)\n"
    )
    (tmp_path / "make.py").write_text(code)
    command = [sys.executable, "make.py", "corpus"]
    process = subprocess.Popen(command, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not (tmp_path / "corpus.partial" / "state.json").exists() and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.02)
    children = children_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(children) >= 2
    while any(Path(f"/proc/{child}/exe").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{child}/exe").exists() for child in children)
    state = json.loads((tmp_path / "corpus.partial" / "state.json").read_text())
    assert 0 < state["progress"]["counts"][0]["documents"]["train"] < 4_000
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    build_corpus(CorpusOptions(train=(CorpusSource(path="in.jsonl"),)), toy_tokenizer(), "alone")
    assert contents(tmp_path / "corpus") == contents(tmp_path / "alone")


def children_of(pid):
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines()[1:] if line.split()[1] == str(pid)]


def test_a_complete_corpus_is_used_without_its_sources(small, tmp_path):
    (tmp_path / "texts.jsonl").unlink()
    source = CorpusSource(path=str(tmp_path / "texts.jsonl"), weight=2.0)
    again = make([source], tmp_path / "corpus", held_out=0.2)
    assert again.manifest == small[0].manifest


def test_a_corpus_with_other_settings_is_rejected(small, tmp_path):
    source = CorpusSource(path=str(tmp_path / "texts.jsonl"))
    folder = str(tmp_path / "corpus")
    with pytest.raises(ConfigError, match=r"sources 1 held_out was 0\.2, and is 0\.1"):
        make([source], folder, held_out=0.1)
    with pytest.raises(ConfigError, match="tokenizer was"):
        make([source], folder, tokenizer=toy_tokenizer(310), held_out=0.2)
    with pytest.raises(ConfigError, match="sources was"):
        make([source, source], folder, held_out=0.2)


def test_a_corpus_is_used_on_a_machine_that_lacks_the_folder_of_its_sources(tmp_path, monkeypatch):
    for name in ("here/data", "there"):
        (tmp_path / name).mkdir(parents=True)
    write(tmp_path / "here/data/in.jsonl", documents(50))
    monkeypatch.chdir(tmp_path / "here")
    corpus = make(["data/in.jsonl"], tmp_path / "corpus")
    monkeypatch.chdir(tmp_path / "there")
    assert make(["data/in.jsonl"], tmp_path / "corpus").sources == corpus.sources


def test_changed_sources_are_noticed(tmp_path):
    path = write(tmp_path / "in.jsonl", documents(20))
    with pytest.raises(ZeroDivisionError):
        make([path], tmp_path / "c", on_progress=lambda _: 1 // 0, save_seconds=0.0)
    write(tmp_path / "in.jsonl", documents(21))
    with pytest.raises(ConfigError, match="have changed since"):
        make([path], tmp_path / "c")


def test_a_truncated_input_stops_the_build_and_keeps_the_work_so_far(tmp_path):
    path = write(tmp_path / "in.jsonl.gz", documents(50))
    Path(path).write_bytes(Path(path).read_bytes()[:-200])
    with pytest.raises(ToolError, match="is kept"):
        make([path], tmp_path / "c")


def test_two_processes_cannot_build_the_same_corpus_at_once(tmp_path):
    path = write(tmp_path / "in.jsonl", documents(5))

    def again(_):
        with pytest.raises(ConfigError, match=f"is being written by process {os.getpid()} "):
            make([path], tmp_path / "c")

    make([path], tmp_path / "c", on_progress=again)
    assert not (tmp_path / "c.partial").exists()


def test_a_file_that_lost_saved_tokens_is_noticed(tmp_path):
    path = write(tmp_path / "in.jsonl", documents(5))
    with pytest.raises(ZeroDivisionError):
        make([path], tmp_path / "c", on_progress=lambda _: 1 // 0, save_seconds=0.0)
    (tmp_path / "c.partial" / "files" / "00-train.tokens").write_bytes(b"")
    with pytest.raises(ConfigError, match="has lost some"):
        make([path], tmp_path / "c")


def test_a_full_disk_is_reported_and_the_work_so_far_is_kept(tmp_path, monkeypatch):
    path = write(tmp_path / "in.jsonl", documents(60))
    original, calls = AppendFile.write, []

    def write_until_full(self, data):
        calls.append(1)
        if len(calls) == 7:  # tokens and ends of three batches fit
            raise OSError(errno.ENOSPC, "No space left on device")
        original(self, data)

    sizes = {"batch_rows": 10, "save_seconds": 0.0}
    monkeypatch.setattr(AppendFile, "write", write_until_full)
    with pytest.raises(ToolError, match=r"No space left on device; what is done is kept: free disk space"):
        make([path], tmp_path / "c", **sizes)
    assert json.loads((tmp_path / "c.partial" / "state.json").read_text())["progress"]["mark"][0] in (10, 20, 30)
    assert len(read_back(make([path], tmp_path / "c", **sizes))) == 60


def test_an_incompletely_copied_corpus_is_noticed(small, tmp_path):
    path = tmp_path / "corpus" / "00-train.tokens"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ConfigError, match="copy the corpus again"):
        Corpus(str(tmp_path / "corpus")).stream(0, "train")
    path.unlink()
    with pytest.raises(ConfigError, match="copy the corpus again"):
        Corpus(str(tmp_path / "corpus")).stream(0, "train")
    (tmp_path / "corpus" / "manifest.json").unlink()
    with pytest.raises(ConfigError, match="is not a complete corpus"):
        Corpus(str(tmp_path / "corpus"))


# Rows


def test_an_epoch_has_every_token_once(small):
    corpus, _ = small
    rows = TrainingRows(corpus, data_of(0), length=16, rows=1000, seed=0)
    count = rows.order.epoch
    tokens, _ = corpus.stream(0, "train").window(0, count * 16)
    for epoch in range(2):
        seen = [rows[epoch * count + number]["input_ids"].tolist() for number in range(count)]
        assert sorted(seen) == sorted(tokens.reshape(-1, 16).tolist())
    assert seen != [rows[number]["input_ids"].tolist() for number in range(count)]


def test_positions_restart_in_each_document_and_its_first_token_is_not_predicted(small):
    corpus, _ = small
    rows = TrainingRows(corpus, data_of(0), length=32, rows=20, seed=3)
    boundaries = 0
    for number in range(20):
        row = rows[number]
        expected = []
        for token in row["input_ids"].tolist():
            expected.append(
                (expected[-1][0] + 1 if expected and expected[-1][1] != toy_tokenizer().eos_token_id else 0, token)
            )
        assert row["position_ids"].tolist() == [position for position, _ in expected]
        for at, (position, token) in enumerate(expected):
            first = position == 0 and at > 0
            boundaries += first
            assert row["labels"][at] == (IGNORED if first else token)
    assert boundaries > 5
    attending = TrainingRows(corpus, data_of(0, separate_documents=False), length=32, rows=20, seed=3)[0]
    assert set(attending) == {"input_ids", "labels"}
    assert attending["input_ids"].tolist() == attending["labels"].tolist() == rows[0]["input_ids"].tolist()


def test_a_model_does_not_attend_to_other_documents_in_the_row(small):
    import torch

    corpus, _ = small
    rows = TrainingRows(corpus, data_of(0), length=160, rows=4, seed=0)
    batch = {name: torch.stack([torch.as_tensor(rows[n][name]) for n in range(4)]) for name in rows[0]}
    for implementation in ("sdpa", "eager"):
        model = toy_model()
        model.set_attn_implementation(implementation)
        with torch.no_grad():
            packed = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits
            joined = model(input_ids=batch["input_ids"], use_cache=False).logits
            checked = 0
            for row in range(4):
                starts = [n for n in range(160) if batch["position_ids"][row, n] == 0]
                for start, end in zip(starts, [*starts[1:], 160], strict=True):
                    alone = model(input_ids=batch["input_ids"][row : row + 1, start:end], use_cache=False).logits[0]
                    assert torch.allclose(packed[row, start:end], alone, atol=1e-5), (implementation, row, start)
                    if start and end - start > 2:
                        checked += 1
                        assert not torch.allclose(joined[row, start:end], alone, atol=1e-3)
        assert checked > 3


def test_validation_sources_are_held_out_completely(tmp_path):
    train, held = documents(30), documents(20, 1)
    data = CorpusOptions(
        train=(CorpusSource(path=write(tmp_path / "a.jsonl", train)),),
        validation=(CorpusSource(path=write(tmp_path / "b.jsonl", held)),),
    )
    corpus = build_corpus(data, toy_tokenizer(), str(tmp_path / "c"))
    assert read_back(corpus, 0) == train
    assert read_back(corpus, 1, "validation") == held
    assert (len(corpus.stream(0, "validation")), len(corpus.stream(1, "train"))) == (0, 0)
    tokens, _ = corpus.stream(1, "validation").window(0, 16)
    assert ValidationRows(corpus, data, length=16)[0]["input_ids"].tolist() == tokens.tolist()


def test_validation_rows_come_source_after_source_in_order(tmp_path):
    sources = [CorpusSource(path=write(tmp_path / f"{n}.jsonl", documents(60, n))) for n in range(2)]
    corpus = make(sources, tmp_path / "c", held_out=0.3)
    rows = ValidationRows(corpus, data_of(0, validation_rows=5), length=16)
    assert len(rows) == 10
    for number in range(10):
        tokens, _ = corpus.stream(number // 5, "validation").window(number % 5 * 16, 16)
        assert rows[number]["input_ids"].tolist() == tokens.tolist()


def test_a_corpus_smaller_than_a_row_is_rejected(small):
    with pytest.raises(ConfigError, match="fewer than one row of 100,000"):
        TrainingRows(small[0], data_of(0), length=100_000, rows=1, seed=0)


@settings(deadline=None)
@given(st.integers(1, 3000), st.text(max_size=5))
def test_the_shuffle_is_a_permutation(size, key):
    assert sorted(permuted(index, size, key) for index in range(size)) == list(range(size))


def test_the_shuffle_depends_on_its_key_and_keeps_no_order():
    first, second = ([permuted(index, 1000, key) for index in range(1000)] for key in ("a", "b"))
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 10
    assert sum(after == before + 1 for before, after in pairwise(first)) < 10


@given(st.lists(st.integers(1, 50), min_size=1, max_size=4), st.integers(0, 5))
def test_without_weights_every_row_comes_once_before_any_comes_again(sizes, seed):
    order = RowOrder.of(sizes, [0.0] * len(sizes), seed)
    every = {(source, row) for source, size in enumerate(sizes) for row in range(size)}
    for epoch in range(2):
        assert {order.locate(epoch * sum(sizes) + index) for index in range(sum(sizes))} == every


def test_a_mixture_keeps_its_shares_and_repeats_each_source_evenly():
    order = RowOrder.of([70, 1000, 10], [6.0, 3.0, 1.0], seed=1)
    locations = [order.locate(index) for index in range(5000)]
    shares = Counter(source for source, _ in locations)
    assert [round(shares[source] / 5000, 1) for source in range(3)] == [0.6, 0.3, 0.1]
    assert sum(order.quotas) == 1 << 16
    for source, size in enumerate((70, 1000, 10)):
        times = [Counter(locations)[source, row] for row in range(size)]
        assert max(times) - min(times) <= 1
    later = Counter(order.locate(index) for index in range((1 << 16) - 700, (1 << 16) + 1300))
    times = [later[0, row] for row in range(70)]
    assert max(times) - min(times) <= 2
    assert order.epochs(1 << 16) == pytest.approx([0.6 * 65536 / 70, 0.3 * 65536 / 1000, 0.1 * 65536 / 10], rel=1e-3)


def test_the_order_can_start_anywhere_and_depends_on_the_seed():
    order = RowOrder.of([70, 100], [1.0, 1.0], seed=1)
    forward = [order.locate(index) for index in range(300)]
    assert [order.locate(index) for index in reversed(range(300))] == forward[::-1]
    other = RowOrder.of([70, 100], [1.0, 1.0], seed=2)
    assert forward != [other.locate(index) for index in range(300)]


def test_a_source_with_less_than_a_row_is_rejected():
    with pytest.raises(ConfigError, match=r"data.train.1 has too few tokens"):
        RowOrder.of([5, 0], [1.0, 1.0], 0)
    assert RowOrder.of([5, 0], [0.0, 0.0], 0).locate(4)[0] == 0


def test_weights_for_some_sources_only_are_rejected():
    with pytest.raises(ConfigError, match="for each source, or for none"):
        data_of(1.0, 0.0)
