"""Training examples: they match the prompts of generation, and are cut only where they may be."""

import json
import os
from functools import cache

import pytest
from hypothesis import given, settings, strategies as st
from toys import libraries, toy_model, toy_tokenizer

from lintseq.benchmarks.problem import Problem
from lintseq.codecs import DIFF, SEPARATOR, get_codec
from lintseq.dataset.shapes import SHAPES, ProgramRow, read_record
from lintseq.errors import ConfigError, ProgramError
from lintseq.lm.examples import ARMS, ExampleEncoder, pair_of
from lintseq.lm.generation import prompts_of
from lintseq.lm.solving import solve_request
from lintseq.lm.token_files import common_rows, open_tokens, tokenize
from lintseq.program import Program
from lintseq.walks import ProgramSampler

pytestmark = pytest.mark.xdist_group("torch")
libraries()
from lintseq.lm.backends.transformers import LocalModel  # noqa: E402  meets torch

PROGRAMS = {
    "Give the area of a circle.": "def area(radius):\n    return 3.14 * radius**2\n\n\nprint(area(1))\nprint(2)\n",
    "Count <|diff|>, écrit à la main.": 'def count(text):\n    mark = "<|diff|>"\n    return text.count(mark)\n',
    "Say it\nin two lines": "import math\n\n\nclass Circle:\n    pass\n\n\nprint(math.pi)",
    "Begin with nothing.": "\n\nx = 1\nprint(x)\n",
}
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|endoftext|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


WITH_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou write programs.<|endoftext|>\n{% endif %}"
    + CHATML
)


@cache
def tokenizer(template: str | None = CHATML, *, begins: bool = False):
    """Return a tokenizer with a chat template; one that `begins` puts a token in front of texts, as Llama's does."""
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    inner = Tokenizer.from_str(toy_tokenizer().backend_tokenizer.to_str())
    if begins:
        inner.post_processor = TemplateProcessing(single="<|pad|> $A", special_tokens=[("<|pad|>", 1)])
    made = type(toy_tokenizer())(tokenizer_object=inner, eos_token="<|endoftext|>")
    made.chat_template = template
    return made


TOKENIZERS = {"chatml": (CHATML, False), "system": (WITH_SYSTEM, False), "begins": (CHATML, True)}


def records(shape="lintseq", format="diff", draws=3, programs=PROGRAMS):
    for number, (instruction, program) in enumerate(programs.items()):
        sampler = ProgramSampler(program)
        for draw in range(draws):
            sequence = sampler.sample(seed=1, id=str(number), draw=draw)
            item = ProgramRow(str(number), instruction, program, response=program)
            yield SHAPES[shape].write(item, sequence, draw, {"linter": "native", "seed": 1}, get_codec(format))


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def encoder(arm="edits", layout="text", max_tokens=2000, truncate="edit", of=None):
    return ExampleEncoder(of or tokenizer(), arm=arm, layout=layout, max_tokens=max_tokens, truncate=truncate)


def encoded(record, **how):
    (example,) = encoder(**how).encode([pair_of(record, how.get("arm", "edits"))])
    return example


@cache
def drawing(of):
    """Return the backend of generation, with a tokenizer."""
    return LocalModel(toy_model(len(of)), of)


def generation_prompts(record, arm, layout, of=None):
    """Return the tokens that a model is fed: by `lintseq complete` for a problem, and in `lintseq solve`."""
    start = record.start.text if arm == "edits" else ""
    problem = Problem("1", "", record.instruction, "", reference="", tests=(), start=start)
    style = "messages" if layout == "chat" else arm
    (entry,) = prompts_of([problem], style)
    yield drawing(of or tokenizer()).prompt_ids(entry.prompt)
    if arm == "edits":
        request = solve_request(record.instruction, style, record.start, seed=0)
        yield drawing(of or tokenizer()).prompt_ids(request.prompt)


# The same boundaries


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("layout", ["text", "chat"])
@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "next-edit"])
def test_training_prompts_are_the_prompts_of_generation(shape, arm, layout, kind):
    template, begins = TOKENIZERS[kind]
    of = tokenizer(template, begins=begins)
    for row in records(shape):
        record = read_record(row)
        example = encoded(record, arm=arm, layout=layout, of=of)
        for fed in generation_prompts(record, arm, layout, of):
            assert example.prompt == fed
        assert (example.prompt[0] == 1) == (begins and layout == "text")
        assert example.completion[-1] == of.eos_token_id
        assert example.completion.count(of.eos_token_id) == 1
        text = of.decode(example.completion[:-1])
        whole = record.text if arm == "edits" else record.program
        assert text == (whole.removeprefix(SEPARATOR) if arm == "edits" and layout == "text" else whole)


def test_a_next_edit_follows_the_current_program():
    rows = list(records("next-edit", draws=12))
    assert any("state" in row for row in rows)
    for row in rows:
        record = read_record(row)
        example = encoded(record)
        for fed in generation_prompts(record, "edits", "text"):
            assert example.prompt == fed
        if record.left:
            with pytest.raises(ProgramError, match="no-program"):
                pair_of(record, "plain")


@pytest.mark.parametrize("format", ["udiff", "search-replace", "states"])
def test_edits_are_converted_to_the_requested_format(format):
    for row in records():
        record = read_record(row).in_format(get_codec(format))
        text = tokenizer().decode(encoded(record).completion[:-1])
        assert get_codec(format).resolve(text).text == row["program"]
        assert pair_of(record, "plain").completion == row["program"]


def test_a_template_that_changes_answers_is_rejected():
    trims = CHATML.replace("message['content']", "message['content'] | upper")
    with pytest.raises(ConfigError, match=r"data.layout to text"):
        encoder(layout="chat", of=tokenizer(trims))
    with pytest.raises(ConfigError, match="no chat template"):
        encoder(layout="chat", of=tokenizer(None))


def test_a_completion_cannot_contain_the_end_of_text():
    row = next(records(programs={"End.": 'print("<|endoftext|>")\n'}))
    assert encoded(read_record(row)).reason == "end-inside"


# Cutting


texts = st.sampled_from(list(records()))


@settings(deadline=None)
@given(texts, st.integers(2, 300), st.sampled_from(["text", "chat"]))
def test_cut_edits_are_whole_edits(row, max_tokens, layout):
    record = read_record(row)
    example = encoded(record, max_tokens=max_tokens, layout=layout)
    full = encoded(record, layout=layout)
    if isinstance(example, ProgramError):
        assert example.reason in ("prompt-too-long", "no-edit-fits")
        assert (example.reason == "prompt-too-long") == (len(full.prompt) >= max_tokens)
        return
    assert len(example.prompt) + len(example.completion) <= max_tokens
    assert full.completion[: len(example.completion)] == example.completion
    assert example.lost == len(full.completion) - len(example.completion)
    if example.lost:
        text = tokenizer().decode(example.completion).removeprefix(SEPARATOR)
        kept = text.rstrip("\n").split("\n" + SEPARATOR)
        assert kept == [edit.rstrip("\n") for edit in record.edits[: len(kept)]]
        # One more edit would not have fitted.
        if len(kept) < len(record.edits):
            more = encoded(record, layout=layout).completion
            ends = [end for end, token in enumerate(more) if token == diff_token()]
            assert all(
                not len(example.completion) < end <= max_tokens - len(example.prompt) for end in real_ends(more, ends)
            )
    else:
        assert example == full


def diff_token():
    return tokenizer().encode(SEPARATOR)[0]


def real_ends(ids, ends):
    return [end for end in ends if end and tokenizer().decode(ids[:end]).endswith("\n")]


@settings(deadline=None)
@given(texts, st.integers(2, 200))
def test_a_plain_program_is_cut_after_a_line(row, max_tokens):
    record = read_record(row)
    example = encoded(record, arm="plain", max_tokens=max_tokens)
    if isinstance(example, ProgramError):
        assert example.reason in ("prompt-too-long", "no-line-fits")
    elif example.lost:
        text = tokenizer().decode(example.completion)
        assert record.program.startswith(text)
        assert not text.rpartition("\n")[2].strip() or text == record.program


@given(texts, st.integers(2, 300))
def test_the_other_ways_to_cut(row, max_tokens):
    record = read_record(row)
    full = encoded(record)
    size = len(full.prompt) + len(full.completion)
    drop, anywhere = (encoded(record, max_tokens=max_tokens, truncate=how) for how in ("drop", "anywhere"))
    if size <= max_tokens:
        assert drop == anywhere == full
    elif len(full.prompt) < max_tokens:
        assert drop.reason == "too-long"
        assert len(anywhere.prompt) + len(anywhere.completion) == max_tokens
    else:
        assert drop.reason == anywhere.reason == "prompt-too-long"


# Files


def both(path, folder, max_tokens=2000, format="diff", arms=ARMS, fingerprint="one", **how):
    encoders = {os.path.join(folder, arm): encoder(arm, max_tokens=max_tokens, **how) for arm in arms}
    return tokenize(path, encoders, format=format, fingerprint=fingerprint)


def test_both_arms_come_from_one_file(tmp_path):
    files = both(write(tmp_path / "a.jsonl", records()), tmp_path)
    assert (len(files["edits"]), len(files["plain"])) == (12, 4)
    assert files["edits"].rows == files["plain"].rows
    for file, arm in zip(files.values(), files, strict=True):
        for index, example in enumerate(file):
            record = list(map(read_record, records()))[index if arm == "edits" else index * 3]
            expected = encoded(record, arm=arm)
            assert example.ids.tolist() == expected.prompt + expected.completion
            assert example.prompt == len(expected.prompt)
        _, sizes = file.select()
        assert file.tally["tokens"] == sum(sizes.tokens) and file.tally["trained"] == sum(sizes.trained)
        assert file.tally["tokens"] - file.tally["trained"] == sum(example.prompt for example in file)


def test_tokens_are_made_once_and_again_with_another_fingerprint(tmp_path):
    path = write(tmp_path / "a.jsonl", records())
    first = both(path, tmp_path)["edits"]
    made = os.stat(tmp_path / "edits" / "tokens.u32").st_mtime_ns
    assert both(path, tmp_path, max_tokens=100)["edits"].ids.tolist() == first.ids.tolist()
    assert os.stat(tmp_path / "edits" / "tokens.u32").st_mtime_ns == made
    other = both(path, tmp_path, max_tokens=100, fingerprint="other")["edits"]
    assert other.tally["longest"] <= 100 < first.tally["longest"]
    assert open_tokens(str(tmp_path / "edits"), "one") is None


def test_incomplete_tokens_are_made_again(tmp_path):
    path = write(tmp_path / "a.jsonl", records())
    tokens = both(path, tmp_path)["edits"].ids.tolist()
    (tmp_path / "edits" / "about.json").unlink()
    assert open_tokens(str(tmp_path / "edits"), "one") is None
    assert both(path, tmp_path)["edits"].ids.tolist() == tokens


def test_only_rows_that_both_arms_have_are_compared(tmp_path):
    path = write(tmp_path / "a.jsonl", records())
    files = both(path, tmp_path, max_tokens=48)
    rows = common_rows(files["plain"], files["edits"])
    assert 0 < len(rows) < max(len(files["plain"].rows), len(files["edits"].rows))
    for file in files.values():
        indices, sizes = file.select(rows)
        assert set(sizes.rows) == set(rows.values())
        assert [file.rows[file.spans[index, 0]] for index in indices] == [list(rows)[row] for row in sizes.rows]


def test_bad_rows_are_counted_and_a_file_without_rows_is_rejected(tmp_path):
    good = list(records())
    bad = [{"id": 1}, {"edits": "no", "program": "x"}, {**good[0], "instruction": "\ud800"}]
    files = both(write(tmp_path / "a.jsonl", [*bad, *good]), tmp_path)
    assert files["edits"].tally["dropped"] == {"no-field": 1, "not-edits": 1, "encoding": 1}
    assert len(files["edits"]) == len(good)
    with pytest.raises(ConfigError, match="contains no rows"):
        both(write(tmp_path / "empty.jsonl", []), tmp_path, fingerprint="empty")
    with pytest.raises(ConfigError, match=r"no row of .* \(2 no-field\): use records written by lintseq build"):
        both(write(tmp_path / "b.jsonl", [{"a": 1}, {"a": 2}]), tmp_path, fingerprint="b")
    with pytest.raises(ConfigError, match=r"12 prompt-too-long\): raise data.max_tokens"):
        both(write(tmp_path / "c.jsonl", good), tmp_path, max_tokens=3, fingerprint="c")


def test_malformed_edits_are_reported_when_they_have_to_be_parsed(tmp_path):
    row = {**next(records()), "edits": ["@@ -9,0 +10 @@\n+x = 1"]}
    with pytest.raises(ConfigError, match="1 malformed-edit"):
        both(write(tmp_path / "a.jsonl", [row]), tmp_path, format="udiff", arms=["edits"])


def test_draws_of_a_row_share_it_and_other_rows_do_not():
    rows = [pair_of(read_record(row), "edits").row for row in records()]
    assert [rows.index(row) // 3 for row in rows] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert DIFF.resolve(read_record(next(records())).text).program == Program.from_text(next(iter(PROGRAMS.values())))
