"""A limit on tokens: no record exceeds it, and what is left of a sequence is its beginning."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import assume, given, settings, strategies as st
from strategies import histories
from toys import libraries, toy_model, toy_tokenizer

from lintseq import EditSequence, resolve
from lintseq.cli import main
from lintseq.codecs import CODECS, get_codec
from lintseq.dataset.build import build
from lintseq.dataset.convert import ConvertOptions, convert
from lintseq.dataset.sampler import BuildOptions, EditSampler
from lintseq.dataset.shapes import SHAPES, ProgramRow, ShapeName, read_record
from lintseq.dataset.tokens import LimitedWriter, TokenCounter, TokenLimit, check_limit, is_conversational
from lintseq.dataset.verify import verify
from lintseq.errors import ConfigError, ProgramError
from lintseq.rows import encode_line, prompt_of
from lintseq.walks import sample_edits

libraries()
EXAMPLES = Path(__file__).parents[1] / "examples" / "pairs.jsonl"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
)
FORMS = [(shape, format) for shape in SHAPES for format in CODECS if shape != "pylintseq"]
LINES = st.sampled_from(["x = 1", "", "    y", "<|diff|>", "@@ -0,0 +1 @@", "é\r", "print('ü')", "-", "+", "```"])


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a tokenizer with a chat template."""
    folder = tmp_path_factory.mktemp("tokenizer")
    toy_tokenizer().save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return str(folder)


@pytest.fixture(scope="module")
def counters(tokenizer: str) -> dict[bool, TokenCounter]:
    return {chat: TokenCounter(tokenizer, conversational=chat) for chat in (False, True)}


def tokens_of(record: dict[str, Any], counters: dict[bool, TokenCounter]) -> int:
    """Return the tokens of a record, from what is read back from it."""
    read = read_record(record)
    if is_conversational(read.shape):
        return counters[True](record.get("messages") or record["prompt"] + record["completion"])
    return counters[False](prompt_of(read.instruction, read.start) + read.text)


# The law


@pytest.mark.parametrize(("shape", "format"), FORMS)
@settings(max_examples=15)
@given(sequence=histories(LINES), most=st.integers(1, 160), left=st.sampled_from([0, 3]))
def test_a_record_is_the_beginning_of_the_sequence_and_within_the_limit(
    shape: ShapeName,
    format: str,
    tokenizer: str,
    counters: dict[bool, TokenCounter],
    sequence: EditSequence,
    most: int,
    left: int,
) -> None:
    sequence = sequence.with_readable_start().with_readable_end()
    assume(len(sequence))
    row = ProgramRow("a", "Write it.", sequence.program.text, sequence.program.text, "in", 0, sequence.start.text)
    writer = LimitedWriter(shape, format, None, TokenLimit(most, tokenizer))
    unlimited = LimitedWriter(shape, format, None, TokenLimit()).write(row, sequence, 0, {"seed": 0}, left=left)
    assert unlimited is not None
    fitting = writer.write(row, sequence, 0, {"seed": 0}, left=left)
    if tokens_of(unlimited[0], counters) <= most:
        assert fitting == unlimited
        return
    if fitting is None:
        if shape != "next-edit" and format != "whole":
            alone = unlimited_record(shape, format, row, sequence, 1)
            assert tokens_of(alone, counters) > most
        return
    record, kept = fitting
    assert tokens_of(record, counters) <= most
    assert 0 < len(kept) < len(sequence)
    assert (kept.start, kept.edits) == (sequence.start, sequence.edits[: len(kept)])
    read = read_record(record)
    states = list(read.sequence().states())
    if read.programs:
        assert states[-1] == read.program == kept.program.text
    if shape == "lintseq":
        assert record["program"] == states[-1]
        assert record["meta"]["truncated"] == read.left == left + len(sequence) - len(kept)
    longer = unlimited_record(shape, format, row, sequence, len(kept) + 1)
    assert tokens_of(longer, counters) > most


def unlimited_record(
    shape: ShapeName, format: str, row: ProgramRow, sequence: EditSequence, edits: int
) -> dict[str, Any]:
    part = sequence.first(edits).with_readable_end()
    source = ProgramRow(row.id, row.instruction, part.program.text, part.program.text, old=row.old)
    return SHAPES[shape].write(source, part, 0, {"seed": 0}, get_codec(format))


# Data sets


def pairs(path: Path) -> Path:
    path.write_text("".join(EXAMPLES.read_text().splitlines(keepends=True)[::6]))
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("shape", get_args(ShapeName))
def test_converting_cuts_as_building_does(
    shape: ShapeName, tokenizer: str, counters: dict[bool, TokenCounter], tmp_path: Path
) -> None:
    most = 360 if is_conversational(shape) else 250
    source, limit = pairs(tmp_path / "pairs.jsonl"), TokenLimit(most, tokenizer)
    built = build([source], tmp_path / "built.jsonl", BuildOptions(shape=shape, token_limit=limit), workers=1)
    build([source], tmp_path / "whole.jsonl", workers=1)
    options = ConvertOptions(shape=shape, token_limit=limit)
    converted = convert([tmp_path / "whole.jsonl"], tmp_path / "converted.jsonl", options, workers=1)
    records = rows_of(tmp_path / "built.jsonl")
    if shape != "pylintseq":
        assert rows_of(tmp_path / "converted.jsonl") == records
    assert set(built.tally.rejections) == set(converted.tally.rejections) == {"no-edit-fits"}
    assert built.tally.rejections.total() + len(records) == built.tally.rows
    assert verify(tmp_path / "built.jsonl", workers=1).ok
    assert max(tokens_of(record, counters) for record in records) <= most
    if shape != "next-edit":
        assert built.tally.truncated == converted.tally.truncated > 0
        assert built.as_dict()["truncated_sequences"] == built.tally.truncated
    if shape == "lintseq":
        cut = [row["meta"]["truncated"] for row in records if "truncated" in row["meta"]]
        whole = {row["id"]: len(row["edits"]) for row in rows_of(tmp_path / "whole.jsonl")}
        assert len(cut) == built.tally.truncated
        assert all(len(row["edits"]) + row["meta"].get("truncated", 0) == whole[row["id"]] for row in records)


def test_edits_that_follow_are_counted_however_often_a_sequence_is_cut(tokenizer: str, tmp_path: Path) -> None:
    build([pairs(tmp_path / "pairs.jsonl")], tmp_path / "whole.jsonl", workers=1)
    whole = {row["id"]: len(row["edits"]) for row in rows_of(tmp_path / "whole.jsonl")}
    for name, number in (("once", 600), ("again", 450)):
        source = tmp_path / ("whole.jsonl" if name == "once" else "once.jsonl")
        convert([source], tmp_path / f"{name}.jsonl", ConvertOptions(token_limit=TokenLimit(number, tokenizer)))
    cut = rows_of(tmp_path / "again.jsonl")
    assert any(row["meta"].get("truncated", 0) > 1 for row in cut)
    assert all(len(row["edits"]) + row["meta"].get("truncated", 0) == whole[row["id"]] for row in cut)
    convert([tmp_path / "again.jsonl"], tmp_path / "next.jsonl", ConvertOptions(shape="next-edit"))
    convert([tmp_path / "next.jsonl"], tmp_path / "back.jsonl")
    for left, back in zip(rows_of(tmp_path / "next.jsonl"), rows_of(tmp_path / "back.jsonl"), strict=True):
        assert back["meta"].get("truncated", 0) == left["left"]
        assert "state" in left or left["left"] + 1 == whole[left["id"]]


def test_a_change_of_a_program_is_cut_too(tokenizer: str, counters: dict[bool, TokenCounter], tmp_path: Path) -> None:
    old = "import os\n\n\ndef area(r):\n    return 3 * r * r\n\n\nprint(area(2))\nprint(os.sep)\n"
    new = "import math\n\n\ndef area(r):\n    return math.pi * r * r\n\n\nprint(area(2))\nprint('done')\nx = 1\n"
    row = {"id": "a", "message": "Pi is not 3.", "old_contents": old, "new_contents": new}
    whole = EditSampler(BuildOptions())(row).records[0]
    limits = range(tokens_of(whole, counters) - 1, 0, -1)
    kept, lines = [], {}
    for most in limits:
        result = EditSampler(BuildOptions(token_limit=TokenLimit(most, tokenizer)))(row)
        for record in result.records:
            assert record["state"] == old
            text = get_codec("diff").write(read_record(record).sequence())
            assert resolve(text, start=read_record(record).start).text == record["program"]
            kept.append(len(record["edits"]))
            lines[kept[-1]] = encode_line(record)
    assert sorted(set(kept)) == list(range(1, len(whole["edits"])))
    assert result.reason == "no-edit-fits"
    (tmp_path / "cut.jsonl").write_bytes(b"".join(lines.values()))
    assert verify(tmp_path / "cut.jsonl").ok


def test_a_draw_with_too_few_edits_left_is_dropped(tokenizer: str, tmp_path: Path) -> None:
    limit, source = TokenLimit(500, tokenizer), pairs(tmp_path / "pairs.jsonl")
    report = build([source], tmp_path / "a.jsonl", BuildOptions(token_limit=limit), workers=1)
    strict = build([source], tmp_path / "b.jsonl", BuildOptions(token_limit=limit, min_edits=2), workers=1)
    assert all(len(row["edits"]) > 1 for row in rows_of(tmp_path / "b.jsonl"))
    assert strict.tally.rejections["no-edit-fits"] > report.tally.rejections["no-edit-fits"]
    several = BuildOptions(samples=9, token_limit=limit, min_edits=2, sub_sequences=1)
    report = build([source], tmp_path / "c.jsonl", several, workers=1)
    assert report.tally.dropped["no-edit-fits"] > 0
    assert "cut to --max-tokens" in summary_of(report)


def summary_of(report: Any) -> str:
    from lintseq.cli.running import build_summary

    return build_summary(report)


# What is counted


def test_a_text_that_a_tokenizer_file_would_cut_is_counted_whole(tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    cutting = Tokenizer.from_str(toy_tokenizer().backend_tokenizer.to_str())
    cutting.enable_truncation(8)
    cutting.enable_padding(length=64)
    cutting.save(str(tmp_path / "tokenizer.json"))
    counter = TokenCounter(str(tmp_path / "tokenizer.json"), conversational=False)
    text = "def area(radius):\n" * 20
    assert counter(text) == len(toy_tokenizer().encode(text)) + 1
    assert counter("\ud800") == len(toy_tokenizer().encode("?")) + 1


@given(text=st.text(), most=st.integers(0, 60))
def test_counting_is_skipped_only_for_texts_that_fit(text: str, most: int, counters: dict[bool, TokenCounter]) -> None:
    assert counters[False].exceeds(text, most) == (counters[False](text) > most)


TRAINED = """
import json, sys
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

folder, *files = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
for file in files:
    arguments = SFTConfig(folder + "/out", use_cpu=True, bf16=False, report_to="none", max_length=None, packing=False,
        shuffle_dataset=False, disable_tqdm=True)
    data = load_dataset("json", data_files=file, split="train", cache_dir=folder + "/cache")
    model = AutoModelForCausalLM.from_pretrained(folder)
    trainer = SFTTrainer(model, arguments, train_dataset=data, processing_class=tokenizer)
    print(json.dumps([len(row["input_ids"]) for row in trainer.train_dataset]))
"""


@pytest.mark.slow
def test_the_count_is_that_of_sft_trainer(tokenizer: str, tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="needs the extra: pip install 'lintseq[trl]'")
    toy_model(len(toy_tokenizer())).save_pretrained(tokenizer)
    source = pairs(tmp_path / "pairs.jsonl")
    shapes = ("prompt-completion", "chat-prompt-completion", "next-edit", "messages", "messages-by-edit")
    files, counted = [], []
    for shape in shapes:
        files.append(tmp_path / f"{shape}.jsonl")
        build([source], files[-1], BuildOptions(shape=shape, token_limit=TokenLimit(700, tokenizer)), workers=1)
        counter = TokenCounter(tokenizer, conversational=is_conversational(shape))
        contents = [row.get("messages") or row["prompt"] + row["completion"] for row in rows_of(files[-1])]
        counted.append([counter(content) for content in contents])
    command = [sys.executable, "-c", TRAINED, tokenizer, *map(str, files)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")] == counted
    assert max(map(max, counted)) <= 700


# What cannot work


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--max-tokens 0 --tokenizer TOKENIZER", "--max-tokens is 0, but must be at least 1"),
        ("--max-tokens 9 --tokenizer no/such/folder", "there is no tokenizer file at no/such/folder"),
        ("--max-tokens 9 --tokenizer pairs.jsonl", "the tokenizer pairs.jsonl does not load"),
        ("--max-tokens 9", "--max-tokens and --tokenizer have no effect without each other"),
        ("--tokenizer TOKENIZER", "--max-tokens and --tokenizer have no effect without each other"),
        ("--max-tokens 9 --tokenizer BARE --shape messages", "BARE has no usable chat template"),
    ],
)
@pytest.mark.parametrize("command", ["build", "convert"])
def test_a_limit_that_cannot_work_stops_before_any_work(
    command: str,
    options: str,
    words: str,
    tokenizer: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    toy_tokenizer().save_pretrained("BARE")
    pairs(tmp_path / "pairs.jsonl")
    arguments = options.replace("TOKENIZER", tokenizer).split()
    assert main([command, "pairs.jsonl", "--output", "out.jsonl", *arguments]) == 2
    message = capsys.readouterr().err.strip()
    assert words in message
    assert "\n" not in message
    assert not list(tmp_path.glob("out*"))


def test_another_tokenizer_under_the_same_name_is_another_build(tokenizer: str, tmp_path: Path) -> None:
    source, limit = pairs(tmp_path / "pairs.jsonl"), TokenLimit(500, str(tmp_path / "T"))
    toy_tokenizer().save_pretrained(tmp_path / "T")
    build([source], tmp_path / "out.jsonl", BuildOptions(token_limit=limit), workers=1)
    assert check_limit(limit, "lintseq") == check_limit(TokenLimit(1, tokenizer), "lintseq")
    toy_tokenizer(400).save_pretrained(tmp_path / "T")
    with pytest.raises(ConfigError, match="other settings"):
        build([source], tmp_path / "out.jsonl", BuildOptions(token_limit=limit), workers=1, resume=True)
    manifest = (tmp_path / "out.manifest.json").read_text()
    assert json.loads(manifest)["settings"]["tokenizer"]


def test_a_sequence_that_was_cut_teaches_neither_to_stop_nor_the_program(tokenizer: str) -> None:
    from lintseq.lm.examples import ExampleEncoder, pair_of

    program = "import math\n\n\ndef area(r):\n    return math.pi * r * r\n\n\nprint(area(2))\n"
    row, sequence = ProgramRow("a", "Print an area.", program, program), sample_edits(program, seed=1)
    encoder = ExampleEncoder(toy_tokenizer(), arm="edits", max_tokens=400)
    for most in (80, 400):
        written = LimitedWriter("lintseq", "diff", None, TokenLimit(most, tokenizer)).write(row, sequence, 0, {})
        assert written is not None
        record = read_record(written[0])
        (example,) = encoder.encode([pair_of(record, "edits")])
        assert (example.completion[-1] == toy_tokenizer().eos_token_id) == (most == 400)
        assert (record.left == 0) == (most == 400)
        if record.left:
            with pytest.raises(ProgramError, match="not the whole program"):
                pair_of(record, "plain")
