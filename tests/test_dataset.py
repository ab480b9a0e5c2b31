"""Rows in, records out: reading, finding fields, shapes; every row is accounted for, and so on every run."""

import gzip
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import given, settings, strategies as st

from lintseq.codecs import DIFF
from lintseq.dataset.batches import Batch, BatchResult, RowWorker, process_batches
from lintseq.dataset.build import build
from lintseq.dataset.outputs import Target, default_rejected
from lintseq.dataset.pipeline import BatchPace
from lintseq.dataset.rejections import encode_rejection
from lintseq.dataset.report import BuildProgress, BuildReport
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.screening import ScreeningOptions
from lintseq.dataset.shapes import SHAPES, ProgramRow, read_record
from lintseq.errors import BrokenInputError, BuildInterrupted, ConfigError, LintseqError, ProgramError, ToolError
from lintseq.linting import Diagnostic
from lintseq.program import Program
from lintseq.rows import (
    MAX_ROW_BYTES,
    START,
    FieldNames,
    Fields,
    RawRow,
    content_id,
    encode_line,
    find_fields,
    open_inputs,
    parse_row,
    read_rows,
)
from lintseq.storage import AppendFile
from lintseq.walks import SamplingOptions, sample_edits

PAIRS = Path(__file__).parents[2] / "shared/data/instruct/python_pairs.jsonl.gz"
FIELDS = Fields(code="program", instruction="instruction", id="id")
PROGRAM = "import math\n\n\ndef area(r):\n    return math.pi * r * r\n\n\nprint(area(2))\n"


class TrapLinter:
    """A linter that does what the program's first line says: die, hang, break; any other program is clean."""

    def check(self, source: str) -> list[Diagnostic]:
        trap = source.partition("\n")[0]
        if trap == "die = 1":
            os._exit(7)
        if trap == "kill = 1":
            os.kill(os.getpid(), signal.SIGKILL)
        if trap == "spin = 1":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # as a C extension that never looks
            while True:
                pass
        if trap == "sleep = 1":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # as one that waits for what never comes
            time.sleep(1000)
        if trap == "eat = 1":
            bytearray(3_000_000_000)
        if trap == "graze = 1":
            eaten = []
            while True:
                eaten.append(bytearray(1_000_000))
        if trap == "hang = 1":
            while True:
                with suppress(Exception):  # as careless tools do
                    time.sleep(60)
        if trap == "fail = 1":
            raise KeyError("no such thing")
        if trap == "leave = 1":
            sys.exit("enough")
        if trap == "tool = 1":
            raise ToolError("the tool fell over")
        return []


TRAP = TrapLinter()
TRAPPED = SamplingOptions(linter=f"{__name__}:TRAP")


def row(program: str = PROGRAM, **columns: Any) -> bytes:
    return json.dumps({"instruction": "Write it.", "program": program, **columns}).encode()


def write_rows(path: Path, *rows: bytes) -> str:
    path.write_bytes(b"".join(data + b"\n" for data in rows))
    return str(path)


def read(path: Path | str) -> list[dict[str, Any]]:
    return [json.loads(line.data) for line in read_rows(str(path))]


def work_on(*rows: bytes, fields: Fields = FIELDS, **options: Any) -> BatchResult:
    raw = [RawRow(index, index + 1, data, 0) for index, data in enumerate(rows)]
    worker = RowWorker(BuildOptions(**options).row_work())
    with worker.limits.installed():
        return worker(Batch("in.jsonl", fields, raw))


def only_rejection(result: BatchResult) -> dict[str, Any]:
    assert result.records == b""
    rejection: dict[str, Any] = json.loads(result.rejections)
    return rejection


# Reading


STORED = {
    "plain": lambda data: data,
    "gz": gzip.compress,
    "gz of two members": lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]),
    "zst": zstandard.ZstdCompressor().compress,
    "zst of two frames": lambda data: b"".join(map(zstandard.ZstdCompressor().compress, (data[:9], data[9:]))),
}


@pytest.mark.parametrize("stored", STORED)
def test_compression_is_detected_by_content_not_by_name(tmp_path: Path, stored: str) -> None:
    path = tmp_path / "rows"
    path.write_bytes(STORED[stored](b'\xef\xbb\xbf{"a": 1}\r\n\n  \n{"a": "\xe2\x80\xa8"}\n{"a": 3}'))
    lines = list(read_rows(str(path)))
    assert [line.number for line in lines] == [1, 4, 5]
    assert [parse_row(line.data) for line in lines] == [{"a": 1}, {"a": "\u2028"}, {"a": 3}]
    assert 0 < lines[-1].end <= path.stat().st_size


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
@pytest.mark.parametrize("cut", [1, 5, 3000])
def test_a_truncated_file_gives_its_whole_lines_and_then_says_where_it_broke(
    tmp_path: Path, compress: Any, cut: int
) -> None:
    noise = iter(os.urandom(20_000).hex())
    written = [json.dumps({"a": "".join(next(noise) for _ in range(100))}).encode() + b"\n" for _ in range(400)]
    path = tmp_path / "rows"
    path.write_bytes(compress(b"".join(written))[:-cut])
    lines = []
    with pytest.raises(BrokenInputError, match=r"rows: the compressed data is cut off in line \d+"):
        for line in read_rows(str(path)):
            lines.append(line.data)
    assert lines == written[: len(lines)]
    assert len(lines) > 0 or compress is not gzip.compress


def test_a_corrupt_file_says_which_line_was_read_last(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(b'{"a": 1}\n' * 50))
    data[15] ^= 0xFF
    (tmp_path / "rows").write_bytes(data)
    with pytest.raises(BrokenInputError, match="cannot be read beyond line"):
        list(read_rows(str(tmp_path / "rows")))


def test_a_line_without_end_takes_bounded_memory_and_the_next_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b'{"a": "' + b"x" * (MAX_ROW_BYTES + 1000) + b'"}\n{"a": 2}\n')
    first, second = read_rows(str(path))
    assert len(first.data) == MAX_ROW_BYTES + 1
    with pytest.raises(ProgramError, match="too-long"):
        parse_row(first.data)
    assert (second.number, parse_row(second.data)) == (2, {"a": 2})


def test_a_pipe_is_read_once_and_whole(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, row() + b"\n" + row("x = 1") + b"\n")
    os.close(writing)
    (source,) = open_inputs([f"/dev/fd/{reading}"], FieldNames())
    assert (source.size, source.fingerprint) == (None, None)
    assert [raw.number for raw in source.read(START)] == [1, 2]
    os.close(reading)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{not json", "not-json"),
        (b'{"a": 1} {"a": 2}', "not-json"),
        (b'{"a":' * 100_000, "not-json"),
        (b"[1, 2]", "not-object"),
        (b"null", "not-object"),
        (b'"text"', "not-object"),
        (b'{"a": "\xff"}', "encoding"),
        (b"\xff\xfe{\x00", "encoding"),
    ],
)
def test_a_line_that_holds_no_object_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ProgramError) as error:
        parse_row(data)
    assert error.value.reason == reason


def test_json_that_only_python_accepts_is_accepted() -> None:
    assert parse_row(b'{"a": "\\ud800", "b": NaN}')["a"] == "\ud800"


# Fields


@pytest.mark.parametrize(
    ("columns", "code", "instruction", "context", "id"),
    [
        ("id source license instruction program", "program", "instruction", None, "id"),
        ("lang raw_index index seed openai_fingerprint problem solution", "solution", "problem", None, "index"),
        ("instruction input output", "output", "instruction", "input", None),
        ("instruction input response", "response", "instruction", "input", None),
        (
            "task_id prompt completion entry_point test query response input_output meta",
            "response",
            "query",
            None,
            "task_id",
        ),
        ("text code task_id test_setup_code test_list", "code", "text", None, "task_id"),
        (
            "edit_path index source_file source_instruction source_response",
            "source_response",
            "source_instruction",
            None,
            "index",
        ),
        ("prompt completion", "completion", "prompt", None, None),
        ("Question Answer", "Answer", "Question", None, None),
        ("id input output", "output", "input", None, "id"),
        # OpenCodeInstruct, OpenCodeReasoning
        (
            "id input output domain generation_algorithm llm_judgement unit_tests tests_execution_status"
            " average_test_score",
            "output",
            "input",
            None,
            "id",
        ),
        ("id input output source license dataset split difficulty solution", "solution", "input", None, "id"),
        # Evol-Instruct, CodeFeedback, self-oss-instruct-sc2, opc-sft-stage2
        ("instruction response", "response", "instruction", None, None),
        ("query answer resource lang", "answer", "query", None, None),
        ("fingerprint sha1 seed response concepts prompt instruction id", "response", "instruction", None, "id"),
        ("seq_id instruction output code entry_point testcase", "code", "instruction", None, "seq_id"),
        # KodCode, rStar-Coder, SYNTHETIC-1
        ("version style subset question_id question solution test", "solution", "question", None, "question_id"),
        ("question_id question seed_question response code", "code", "question", None, "question_id"),
        ("response_id problem_id source task_type prompt llm_response", "llm_response", "prompt", None, "response_id"),
    ],
)
def test_the_columns_of_well_known_data_are_found(
    columns: str, code: str, instruction: str, context: str | None, id: str | None
) -> None:
    rows = [dict.fromkeys(columns.split(), "text")]
    assert find_fields("in", rows, FieldNames()) == Fields(code, instruction, context, id)


@pytest.mark.parametrize("names", [("role", "content", "user", "assistant"), ("from", "value", "human", "gpt")])
@pytest.mark.parametrize("column", ["messages", "conversations"])
def test_a_conversation_is_an_instruction_and_its_first_answer(column: str, names: tuple[str, ...]) -> None:
    role, content, user, assistant = names
    texts = [("system", "Be brief."), (user, "Write it."), (assistant, f"```python\n{PROGRAM}```")]
    texts += [(user, "Thanks."), (assistant, "Bye.")]
    data = {"id": 7, column: [{role: speaker, content: text} for speaker, text in texts]}
    record = json.loads(work_on(json.dumps(data).encode(), fields=find_fields("in", [data], FieldNames())).records)
    assert (record["id"], record["instruction"], record["program"] + "\n") == (7, "Write it.", PROGRAM)


def test_a_conversation_without_an_answer_says_so() -> None:
    with pytest.raises(ProgramError, match="no-text: no message of the assistant in 'messages'"):
        Fields("messages").read_code({"messages": [{"role": "user", "content": "Write it."}]})


def test_the_messages_of_a_prompt_and_its_completion_are_read_like_texts() -> None:
    data = {"prompt": [{"role": "user", "content": "Ask."}], "completion": [{"role": "assistant", "content": "x = 1"}]}
    fields = find_fields("in", [data], FieldNames())
    assert (fields.read_instruction(data), fields.read_code(data)) == ("Ask.", "x = 1")


@pytest.mark.parametrize("value", [[], [1], [{"role": "user"}], {"role": "user", "content": "Ask."}, None])
def test_other_lists_are_no_conversations(value: Any) -> None:
    with pytest.raises(ConfigError, match="no column has a usual name"):
        find_fields("in", [{"messages": value}], FieldNames())
    with pytest.raises(ProgramError, match="expected a string in 'messages'"):
        Fields("messages").read_code({"messages": value})


def d3_row(completion: str, start: str = "") -> bytes:
    """Return a row with the columns of D3, the data set of edits on The Stack."""
    metadata = {"max_stars_repo_licenses": ["MIT"], "lang": "Python", "size": 10}
    columns = {"prompt": "Add it.", "completion": completion, "program_start": start, "lines_changed": 3}
    return json.dumps({**columns, "source_program_id": 5, "metadata": metadata}).encode()


D3_FIELDS = find_fields("in", [json.loads(d3_row(""))], FieldNames())


@pytest.mark.parametrize(
    ("completion", "program"),
    [
        ("@@ -0,0 +1 @@\n+import math\n<|diff|>@@ -1,0 +2,2 @@\n+\n+print(math.pi)", "import math\n\nprint(math.pi)"),
        ("<|diff|>@@ -0,0 +1 @@\n+a = 1\n<|diff|>@@ -1 +1,2 @@\n-a = 1\n+b = 1\n+c = 2", "b = 1\nc = 2"),
        ("<|diff|>@@ -0,0 +1 @@\n+a = 1\n<|diff|>\n<|diff|>", "a = 1"),
    ],
)
def test_a_program_is_read_from_edits_that_write_all_of_it(completion: str, program: str) -> None:
    record = json.loads(
        work_on(d3_row(completion), fields=D3_FIELDS, screening=ScreeningOptions(license=("MIT",))).records
    )
    assert (record["instruction"], record["program"], record["license"]) == ("Add it.", program, "MIT")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (d3_row("<|diff|>@@ -1,0 +2 @@\n+b = 2", start="a = 1"), "starts-later"),
        (d3_row("a = 1\nb = 2", start="a = 1"), "starts-later"),
        (d3_row("<|diff|>@@ -3,0 +4 @@\n+a = 1"), "malformed-edit"),
        (d3_row("<|diff|>Sorry, I cannot."), "malformed-edit"),
    ],
)
def test_edits_that_write_only_a_part_of_a_program_are_rejected(data: bytes, reason: str) -> None:
    assert json.loads(work_on(data, fields=D3_FIELDS).rejections)["reason"] == reason


def test_the_start_of_the_edits_in_d3_is_read() -> None:
    record = read_record(json.loads(d3_row("<|diff|>@@ -1,0 +2 @@\n+b = 2", start="a = 1")))
    assert (record.start.text, record.program, record.instruction) == ("a = 1", "a = 1\nb = 2", "Add it.")


def test_a_column_counts_by_what_most_rows_hold_in_it() -> None:
    rows: list[dict[str, Any]] = [{"prompt": "p", "program": None, "response": "x = 1"}] * 3
    assert find_fields("in", [*rows, {"prompt": "p", "program": "x = 1"}], FieldNames()).code == "response"


def test_named_columns_go_before_usual_ones() -> None:
    rows = [{"instruction": "a", "ask": "b", "program": "c", "python": "d", "id": 1, "key": 2}]
    names = FieldNames(instruction_field="ask", code_field="python", id_field="key")
    assert find_fields("in", rows, names) == Fields("python", "ask", None, "key")


def test_rows_without_instructions_need_an_empty_instruction_field() -> None:
    rows = [{"content": "x = 1"}]
    with pytest.raises(ConfigError, match=r"columns: content.*--instruction-field ''"):
        find_fields("in", rows, FieldNames())
    fields = find_fields("in", rows, FieldNames(instruction_field=""))
    assert (fields.code, fields.read_instruction(rows[0])) == ("content", "")


@pytest.mark.parametrize(
    ("names", "flag"),
    [
        (FieldNames(), "--code-field"),
        (FieldNames(code_field="nope"), "--code-field"),
        (FieldNames(code_field="python", instruction_field="nope"), "--instruction-field"),
        (FieldNames(code_field="python", instruction_field="ask", id_field="nope"), "--id-field"),
    ],
)
def test_columns_that_are_not_found_are_an_error_that_lists_those_there_are(names: FieldNames, flag: str) -> None:
    with pytest.raises(ConfigError, match=rf"in\.jsonl: .*\(columns: ask, python\).*{flag}"):
        find_fields("in.jsonl", [{"ask": "b", "python": "c"}], names)


@pytest.mark.parametrize(
    ("context", "instruction"), [("6", "Add.\n6"), ("", "Add."), ("<noinput>", "Add."), (None, "Add."), (6, "Add.")]
)
def test_the_input_of_alpaca_rows_belongs_to_the_instruction(context: Any, instruction: str) -> None:
    fields = Fields("output", "instruction", "input")
    assert fields.read_instruction({"instruction": "Add.", "input": context, "output": ""}) == instruction


@pytest.mark.parametrize(("own", "kept"), [("a/1", "a/1"), (7, 7), (0, 0), ("", None), (True, None), ({}, None)])
def test_only_strings_and_integers_are_ids(own: Any, kept: Any) -> None:
    assert FIELDS.read_id({"id": own}) == kept


def test_a_row_without_an_id_gets_one_from_its_content() -> None:
    record, other = map(json.loads, work_on(row(), row("x = 1\n")).records.splitlines())
    assert record["id"] == content_id("Write it.", PROGRAM) != other["id"]


def test_an_input_that_is_no_jsonl_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"no\n" * 200)
    with pytest.raises(ConfigError, match="does not look like JSON lines"):
        open_inputs([str(tmp_path / "in")], FieldNames())


# Records


@pytest.mark.parametrize("shape", ["lintseq", "pylintseq", "prompt-completion", "messages"])
@pytest.mark.parametrize("program", [PROGRAM, PROGRAM.rstrip()])
def test_every_shape_holds_the_same_sequence(shape: str, program: str) -> None:
    data = row(f"Here:\n```python\n{program}\n```\n" if shape == "pylintseq" else program, id=5)
    records = [json.loads(line) for line in work_on(data, shape=shape, samples=3, seed=1).records.splitlines()]
    program = json.loads(work_on(data).records)["program"]
    sequences = [DIFF.write(sample_edits_of(program, draw)) for draw in range(3)]
    texts = [DIFF.write_edits(sample_edits_of(program, draw)) for draw in range(3)]
    expected = {
        "lintseq": [
            {
                "id": 5,
                "draw": draw,
                "instruction": "Write it.",
                "program": program,
                "edits": texts[draw],
                "meta": {"linter": "native", "seed": 1},
            }
            for draw in range(3)
        ],
        "pylintseq": [
            {
                "edit_path": texts[draw],
                "index": 0,
                "source_file": "in.jsonl",
                "source_instruction": "Write it.",
                "source_response": json.loads(data)["program"],
            }
            for draw in range(3)
        ],
        "prompt-completion": [
            {"prompt": "Write it.\n", "completion": sequences[draw], "id": 5, "draw": draw} for draw in range(3)
        ],
        "messages": [
            {
                "messages": [
                    {"role": "user", "content": "Write it."},
                    {"role": "assistant", "content": sequences[draw]},
                ],
                "id": 5,
                "draw": draw,
            }
            for draw in range(3)
        ],
    }
    assert records == expected[shape]


def sample_edits_of(program: str, draw: int) -> Any:
    from lintseq.walks import ProgramSampler

    return ProgramSampler(program).sample(seed=1, id=5, draw=draw)


def test_meta_says_how_to_draw_the_sequences_again() -> None:
    sampling = SamplingOptions(order="indent", comments="first", certify=f"{__name__}:TRAP")
    record = json.loads(work_on(row(), sampling=sampling, seed=3).records)
    meta = {"linter": "native", "seed": 3, "order": "indent", "comments": "first", "certify": f"{__name__}:TRAP"}
    assert record["meta"] == {**meta, "lessons": 0}


def test_a_lone_surrogate_in_an_instruction_survives_as_an_escape() -> None:
    record = json.loads(work_on(row(instruction="say \ud800", id="\ud801")).records)
    assert (record["instruction"], record["id"]) == ("say \ud800", "\ud801")


@pytest.mark.parametrize(
    ("data", "record"),
    [
        (b'{"big": 123456789012345678901234567890, "f": 1.00}', b'{"big": 123456789012345678901234567890, "f": 1.00}'),
        (b' {"a": "\\ud800"} \r\n', b'{"a": "\\ud800"}'),
        (b'{"a": NaN}', b'"{\\"a\\": NaN}"'),
        (b'{"a": "\xff', b'"{\\"a\\": \\"\\\\xff"'),
        ("{é".encode(), '"{é"'.encode()),
    ],
)
def test_a_rejection_keeps_the_row_character_for_character(data: bytes, record: bytes) -> None:
    line = encode_rejection(data, "why", "because", line=3, id=None, source="in")
    assert line.endswith(b'"record":' + record + b"}\n")
    assert json.loads(line)["line"] == 3


def test_of_a_line_that_is_too_long_a_rejection_keeps_the_beginning() -> None:
    rejection = only_rejection(work_on(b'{"a": "' + b"x" * MAX_ROW_BYTES))
    assert rejection["reason"] == "too-long"
    assert rejection["record"] == '{"a": "' + "x" * 993


# The unit of work


BAD_ROWS = {
    "a syntax error": (row("def f(:\n"), "syntax"),
    "Python 2": (row("print 'hello'\n"), "syntax"),
    "prose": (row("Here is how to do it."), "syntax"),
    "prose with code in another language": (row("So:\n```js\nlet x = 1\n```"), "no-code"),
    "no program": (row(""), "empty"),
    "white space": (row(" \n\t\n"), "empty"),
    "an empty fence": (row("```python\n```"), "no-code"),
    "a null byte": (row("x = 1\0\n"), "syntax"),
    "a lone surrogate": (row("x = '\ud800'\n"), "encoding"),
    "brackets 5,000 deep": (row("(" * 5000 + ")" * 5000), "syntax"),
    "signs 50,000 deep": (row("x = " + "-" * 50_000 + "1"), "nesting"),
    "blocks 5,000 deep": (row("".join(f"{' ' * n}if x:\n" for n in range(5000))), "syntax"),
    "no JSON": (b"{not json", "not-json"),
    "no object": (b"[1]", "not-object"),
    "no UTF-8": (b'{"program": "\xff"}', "encoding"),
    "no code": (b'{"instruction": "a"}', "no-field"),
    "no instruction": (b'{"program": "x = 1"}', "no-field"),
    "code that is null": (b'{"instruction": "a", "program": null}', "not-string"),
    "an instruction that is a number": (b'{"instruction": 1, "program": "x = 1"}', "not-string"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_rejected_with_its_reason(case: str) -> None:
    data, reason = BAD_ROWS[case]
    result = work_on(data)
    rejection = only_rejection(result)
    assert list(rejection) == ["id", "input", "line", "reason", "detail", "record"]
    assert (rejection["line"], rejection["reason"]) == (1, reason)
    assert rejection["detail"]
    assert result.tally.rejections == {reason: 1}
    assert (result.tally.rows, result.tally.sequences, result.tally.edits) == (1, 0, {})


def test_a_rejection_names_the_row_by_its_own_id() -> None:
    assert only_rejection(work_on(row("def f(:", id="a/7")))["id"] == "a/7"


@pytest.mark.parametrize("program", ["x = '" + "a" * 1_000_000 + "'\ny = x\n", "x = [" + "1, " * 100_000 + "]\n"])
def test_a_program_with_a_line_of_a_megabyte_is_a_program(program: str) -> None:
    record = json.loads(work_on(row(program)).records)
    assert DIFF.read_edits(record["edits"], final_newline=True).program.text == program


def test_a_program_that_takes_too_long_is_rejected_in_time() -> None:
    started = time.process_time()
    program = "".join(f"x{n} = {n}\n" for n in range(150_000))
    result = work_on(row(program, id=1), row("x = 1\n", id=2), row_timeout=0.5)
    assert json.loads(result.rejections)["reason"] == "timeout"
    assert json.loads(result.records)["id"] == 2
    assert time.process_time() - started < 8


def test_a_time_limit_puts_back_the_alarm_that_was_set_before() -> None:
    handler = signal.getsignal(signal.SIGALRM)
    work_on(row())
    assert signal.getsignal(signal.SIGALRM) is handler


@pytest.mark.parametrize(
    ("trap", "reason"),
    [
        ("hang = 1", "timeout"),
        ("tool = 1", "tool-error"),
        ("fail = 1", "internal-error"),
        ("leave = 1", "internal-error"),
    ],
)
def test_whatever_goes_wrong_with_a_row_the_next_one_is_done(trap: str, reason: str) -> None:
    result = work_on(row(trap + "\nx = 2\n", id=1), row(id=2), sampling=TRAPPED, row_timeout=1)
    rejection = json.loads(result.rejections)
    assert (rejection["id"], rejection["reason"]) == (1, reason)
    if trap == "fail = 1":
        assert "KeyError: 'no such thing' (" in rejection["detail"]
        assert "test_dataset.py" in rejection["detail"]
    assert json.loads(result.records)["id"] == 2


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.binary(),
            st.text().map(row),
            st.sampled_from([data for data, _ in BAD_ROWS.values() if len(data) < 1000]),
            st.recursive(
                st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
                lambda inner: (
                    st.lists(inner) | st.dictionaries(st.sampled_from(["program", "id", "instruction"]), inner)
                ),
                max_leaves=5,
            ).map(lambda value: json.dumps(value).encode()),
            st.sampled_from(["x = 1", PROGRAM, "if x:\n    y\nelse:\n    z\n"]).map(row),
        ).filter(lambda data: b"\n" not in data),
        max_size=5,
    ),
    st.integers(1, 3),
)
def test_every_row_comes_out_as_its_records_or_as_one_rejection(rows: list[bytes], samples: int) -> None:
    result = work_on(*rows, samples=samples)
    rejected = [json.loads(line) for line in result.rejections.split(b"\n")[:-1]]
    records = [json.loads(line) for line in result.records.split(b"\n")[:-1]]
    assert len(rejected) + len(records) / samples == len(rows) == result.tally.rows
    assert result.tally.rejections == Counter(rejection["reason"] for rejection in rejected)
    assert "internal-error" not in result.tally.rejections
    assert result.tally.sequences == len(records) == result.tally.edits.total()
    for record in records:
        final_newline = record["program"].endswith("\n")
        assert DIFF.read_edits(record["edits"], final_newline=final_newline).program.text == record["program"]


# The pipeline


def many_rows(count: int) -> list[bytes]:
    good = ("x = 1\ny = x\n", PROGRAM, "for i in range(3):\n    print(i)\n")
    rows = [row(good[n % 3] + f"z{n} = 1\n", id=n) for n in range(count)]
    bad = cycle(data for data, _ in BAD_ROWS.values() if len(data) < 1000)
    for n in range(5, count, 17):
        rows[n] = next(bad)
    return rows


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_the_output_is_the_same_for_any_number_of_workers(tmp_path: Path, ending: str) -> None:
    source = write_rows(tmp_path / "in.jsonl", *many_rows(250))
    outputs = []
    for workers in (1, 2, 3):
        output = tmp_path / f"out{workers}.jsonl{ending}"
        report = build([source], str(output), options=BuildOptions(samples=2), workers=workers)
        outputs.append((output.read_bytes(), Path(report.rejected).read_bytes(), report.tally))
        assert not list(tmp_path.glob("*.partial"))
    assert outputs[0] == outputs[1] == outputs[2]
    assert [record["draw"] for record in read(tmp_path / f"out1.jsonl{ending}")] == [0, 1] * (250 - 15)


def test_workers_are_spawned_where_forking_is_unsafe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_rows(tmp_path / "in.jsonl", *many_rows(20))
    build([source], tmp_path / "here.jsonl", workers=1)
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    build([source], tmp_path / "spawned.jsonl", workers=2)
    assert (tmp_path / "spawned.jsonl").read_bytes() == (tmp_path / "here.jsonl").read_bytes()


def test_every_row_of_every_input_is_accounted_for_in_input_order(tmp_path: Path) -> None:
    rows = many_rows(100)
    first = write_rows(tmp_path / "a.jsonl", *rows[:40])
    second = tmp_path / "b.jsonl.gz"
    second.write_bytes(gzip.compress(b"\n\n".join(rows[40:])))
    report = build([first, str(second)], str(tmp_path / "out.jsonl"), workers=2)
    records, rejections = read(tmp_path / "out.jsonl"), read(report.rejected)
    assert [record["id"] for record in records] == [n for n in range(100) if n % 17 != 5]
    assert [(rejection["input"], rejection["line"]) for rejection in rejections] == [
        (first, n + 1) if n < 40 else (str(second), 2 * (n - 40) + 1) for n in range(5, 100, 17)
    ]
    assert (report.tally.rows, report.tally.sequences, report.rejections) == (100, 94, 6)


def test_each_input_has_its_own_columns(tmp_path: Path) -> None:
    first = write_rows(tmp_path / "a.jsonl", b'{"instruction": "a", "program": "x = 1"}')
    second = write_rows(tmp_path / "b.jsonl", b'{"question": "b", "answer": "```py\\ny = 1\\n```"}')
    build([first, second], str(tmp_path / "out.jsonl"), workers=1)
    assert [(r["instruction"], r["program"]) for r in read(tmp_path / "out.jsonl")] == [("a", "x = 1"), ("b", "y = 1")]


def test_options_override_a_preset_by_their_names_on_the_command_line() -> None:
    options = BuildOptions.preset("recommended", certify="pylint", ngram=5, seed=3)
    assert options == BuildOptions(
        seed=3,
        format="search-replace",
        sampling=SamplingOptions(order="forward", certify="pylint"),
        screening=ScreeningOptions(ngram=5),
    )
    assert BuildOptions.preset("recommended", order="uniform", samples=3) == BuildOptions(
        samples=3, format="search-replace"
    )
    assert BuildOptions.preset("paper") == BuildOptions(samples=5)
    with pytest.raises(ConfigError, match="unknown preset 'fast'; use one of paper, recommended"):
        BuildOptions.preset("fast")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="sampling"):  # would reset the preset's order
        BuildOptions.preset("recommended", sampling=SamplingOptions(certify="pylint"))


def test_pylintseq_indices_count_rows_not_lines(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", *(line for n in range(150) for line in (row(f"x = {n}"), b"")))
    build([source], str(tmp_path / "out.jsonl"), options=BuildOptions(shape="pylintseq"), workers=1)
    assert [record["index"] for record in read(tmp_path / "out.jsonl")] == list(range(150))


@pytest.mark.parametrize(("trap", "detail"), [("die = 1", "status 7"), ("kill = 1", "SIGKILL")])
def test_a_row_that_kills_its_process_is_the_only_one_rejected(tmp_path: Path, trap: str, detail: str) -> None:
    rows = [row(f"x = {n}\n", id=n) for n in range(60)]
    rows[20] = rows[41] = row(f"{trap}\nx = 1\n", id="deadly")
    source = write_rows(tmp_path / "in.jsonl", *rows)
    report = build([source], str(tmp_path / "out.jsonl"), options=BuildOptions(sampling=TRAPPED), workers=2)
    rejections = read(report.rejected)
    assert [(rejection["line"], rejection["reason"]) for rejection in rejections] == [(21, "crashed"), (42, "crashed")]
    assert detail in rejections[0]["detail"]
    assert [record["id"] for record in read(tmp_path / "out.jsonl")] == [n for n in range(60) if n not in (20, 41)]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("trap", ["spin = 1", "sleep = 1"])
def test_a_row_that_cannot_be_interrupted_costs_its_process_and_nothing_else(
    tmp_path: Path, trap: str, workers: int
) -> None:
    source = write_rows(tmp_path / "in.jsonl", row(id=0), row(f"{trap}\nx = 1\n", id=1), row(id=2))
    options = BuildOptions(sampling=TRAPPED, row_timeout=2)  # enough for a good row on the busiest machine
    report = build([source], str(tmp_path / "out.jsonl"), options=options, workers=workers)
    assert [(rejection["line"], rejection["reason"]) for rejection in read(report.rejected)] == [(2, "timeout")]
    assert [record["id"] for record in read(tmp_path / "out.jsonl")] == [0, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much a process takes and keeps it to that")
@pytest.mark.parametrize("trap", ["eat = 1", "graze = 1"])
def test_a_row_that_takes_too_much_memory_is_rejected_and_its_process_goes_on(tmp_path: Path, trap: str) -> None:
    source = write_rows(tmp_path / "in.jsonl", row(id=0), row(f"{trap}\nx = 1\n", id=1), row(id=2))
    options = BuildOptions(sampling=TRAPPED, row_memory=0.1)
    report = build([source], str(tmp_path / "out.jsonl"), options=options, workers=1)
    assert [(rejection["line"], rejection["reason"], rejection["id"]) for rejection in read(report.rejected)] == [
        (2, "memory", 1)
    ]
    assert [record["id"] for record in read(tmp_path / "out.jsonl")] == [0, 2]


def test_while_a_row_uses_up_its_time_the_other_workers_continue() -> None:
    taken = []

    def batches() -> Iterator[Batch]:
        for number in range(100):
            taken.append(number)
            data = row("x = 2\n" if number else "sleep = 1\n")
            yield Batch("in.jsonl", FIELDS, [RawRow(number, number + 1, data, 0)])

    options = BuildOptions(sampling=TRAPPED, row_timeout=1.0)
    with closing(process_batches(batches(), options.row_work(), workers=2)) as results:
        _, first = next(results)
    assert first.tally.rejections == {"timeout": 1}
    assert len(taken) == 100


def test_the_rows_around_those_that_kill_or_hang_come_out_in_order(tmp_path: Path) -> None:
    traps = {3: "die = 1", 4: "sleep = 1", 30: "kill = 1", 31: "die = 1", 50: "sleep = 1", 99: "die = 1"}
    rows = [row(f"{traps.get(n, 'y = 1')}\nx = {n}\n", id=n) for n in range(100)]
    source = write_rows(tmp_path / "in.jsonl", *rows)
    options = BuildOptions(sampling=TRAPPED, row_timeout=2)
    report = build([source], str(tmp_path / "out.jsonl"), options=options, workers=2)
    reasons = ["timeout" if trap == "sleep = 1" else "crashed" for trap in traps.values()]
    assert [(rejection["line"] - 1, rejection["reason"]) for rejection in read(report.rejected)] == [
        *zip(traps, reasons, strict=True)
    ]
    assert [record["id"] for record in read(tmp_path / "out.jsonl")] == [n for n in range(100) if n not in traps]


def test_a_truncated_input_is_reported_and_the_rest_is_kept(tmp_path: Path) -> None:
    rows = [row(f"x = '{os.urandom(200).hex()}'\n", id=n) for n in range(100)]
    broken = tmp_path / "a.jsonl.gz"
    broken.write_bytes(gzip.compress(b"\n".join(rows))[:-3000])
    after = write_rows(tmp_path / "b.jsonl", row(id="after"))
    report = build([str(broken), after], str(tmp_path / "out.jsonl"), workers=1)
    (problem,) = report.broken_inputs
    ids = [record["id"] for record in read(tmp_path / "out.jsonl")]
    assert problem == f"{broken}: the compressed data is cut off in line {len(ids)}"
    assert ids == [*range(len(ids) - 1), "after"]
    assert len(ids) > 50


def test_an_output_that_exists_is_replaced_only_with_overwrite(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", row())
    for name in ("out.jsonl", "out.rejected.jsonl"):
        old = tmp_path / name
        old.write_text("old")
        with pytest.raises(ConfigError, match=r"exists.*--overwrite"):
            build([source], str(tmp_path / "out.jsonl"), workers=1)
        assert old.read_text() == "old"
        old.unlink()
    (tmp_path / "out.rejected.jsonl").write_text("of an earlier run")
    build([source], str(tmp_path / "out.jsonl"), workers=1, overwrite=True)
    assert (tmp_path / "out.rejected.jsonl").read_text() == ""


def test_inputs_outputs_and_rejected_rows_must_be_different_files(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", row())
    (tmp_path / "link.jsonl").symlink_to(source)
    for output, rejected in (
        (source, "r.jsonl"),
        (str(tmp_path / "link.jsonl"), "r.jsonl"),
        ("o.jsonl", source),
        ("o.jsonl", "o.jsonl"),
    ):
        with pytest.raises(ConfigError, match="named twice"):
            build([source], Target(output, rejected), overwrite=True)
    assert read(source) == [json.loads(row())]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"options": BuildOptions(samples=0)}, "samples is 0"),
        ({"options": BuildOptions(row_timeout=float("nan"))}, "--row-timeout is nan"),
        ({"options": BuildOptions(shape="xml")}, "unknown shape 'xml'; use one of lintseq, "),
        ({"options": BuildOptions(sampling=SamplingOptions(order="heavy"))}, "unknown order"),
        ({"workers": 0}, "workers is 0"),
        ({"inputs": []}, "no inputs"),
        ({"inputs": ["nowhere.jsonl"]}, "cannot read nowhere.jsonl"),
        ({"inputs": ["*.csv"]}, r"no file matches \*.csv"),
    ],
)
def test_impossible_settings_are_rejected_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "in.jsonl", row())
    with pytest.raises(ConfigError, match=message):
        build(**{"inputs": ["in.jsonl"], "output": "out.jsonl", **change})
    assert os.listdir() == ["in.jsonl"]


def test_an_interruption_leaves_whole_records_beside_the_output(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", *many_rows(300))
    output = tmp_path / "out.jsonl.gz"
    output.write_text("old")

    def interrupt(progress: BuildProgress) -> None:
        if progress.rows > 100:
            raise KeyboardInterrupt

    with pytest.raises(BuildInterrupted) as interruption:
        build([source], str(output), workers=2, overwrite=True, on_progress=interrupt)
    report = interruption.value.report
    assert output.read_text() == "old"
    assert report.tally.sequences > 0
    assert report.partial == f"{output}.partial"
    with pytest.raises(ConfigError, match="exists"):
        build([source], str(output), workers=2)
    build([source], str(output), workers=2, overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["in.jsonl", "out.jsonl.gz", "out.manifest.json", "out.rejected.jsonl"]


def test_a_failing_disk_ends_the_run_and_leaves_the_old_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: object, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    source = write_rows(tmp_path / "in.jsonl", *many_rows(10))
    (tmp_path / "out.jsonl").write_text("old")
    monkeypatch.setattr(AppendFile, "write", write)
    with pytest.raises(LintseqError, match=r"cannot continue with .*out\.jsonl: .*No space left"):
        build([source], str(tmp_path / "out.jsonl"), workers=2, overwrite=True)
    assert (tmp_path / "out.jsonl").read_text() == "old"


def test_what_is_no_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", row())
    report = build([source], Target("/dev/null", "/dev/null"), workers=1) if os.name == "posix" else None
    assert report is None or report.finished
    assert os.listdir(tmp_path) == ["in.jsonl"]


def test_progress_counts_to_the_end_of_all_inputs(tmp_path: Path) -> None:
    first = write_rows(tmp_path / "a.jsonl", *many_rows(100))
    second = write_rows(tmp_path / "b.jsonl", *many_rows(50))
    seen: list[BuildProgress] = []
    build([first, second], str(tmp_path / "out.jsonl"), workers=2, on_progress=seen.append)
    total = os.path.getsize(first) + os.path.getsize(second)
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert (seen[-1].rows, seen[-1].done, seen[-1].total) == (150, total, total)


def test_the_report_is_what_counting_the_output_gives(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", *many_rows(60))
    report: BuildReport = build([source], str(tmp_path / "out.jsonl"), options=BuildOptions(samples=3), workers=1)
    records = read(tmp_path / "out.jsonl")
    edits = [len(record["edits"]) for record in records]
    lines = [len(Program.from_text(record["program"]).lines) for record in records]
    numbers = report.as_dict()
    assert (numbers["rows"], numbers["sequences"]) == (60, len(records))
    assert numbers["edits_per_sequence"]["mean"] == sum(edits) / len(edits)
    assert numbers["edits_per_sequence"]["median"] == sorted(edits)[(len(edits) - 1) // 2]
    assert numbers["edits_per_sequence"]["max"] == max(edits)
    assert numbers["lines_per_edit"] == sum(lines) / sum(edits)
    assert numbers["single_edit_share"] == edits.count(1) / len(edits)
    assert numbers["rejections"] == Counter(rejection["reason"] for rejection in read(report.rejected))
    orjson.dumps(numbers)


@pytest.mark.parametrize(
    ("output", "rejected"),
    [("a/out.jsonl", "a/out.rejected.jsonl"), ("o.jsonl.gz", "o.rejected.jsonl"), ("o", "o.rejected.jsonl")],
)
def test_rejected_rows_go_beside_the_output(output: str, rejected: str) -> None:
    assert default_rejected(output) == rejected


def test_a_printed_output_needs_a_file_for_rejected_rows() -> None:
    with pytest.raises(ConfigError, match="--rejected"):
        default_rejected("-")


def test_real_pairs_are_all_accounted_for(tmp_path: Path) -> None:
    if not PAIRS.exists():
        pytest.skip(f"no data at {PAIRS}")
    sample = [line.data for line in read_rows(str(PAIRS))][::10]
    source = write_rows(tmp_path / "in.jsonl", *(data.rstrip(b"\n") for data in sample))
    report = build([source], str(tmp_path / "out.jsonl"), options=BuildOptions(samples=2), workers=2)
    tally = report.tally
    assert tally.rows == len(sample) == tally.sequences / 2 + report.rejections
    assert not {"internal-error", "timeout", "crashed"} & set(tally.rejections)
    for record in read(tmp_path / "out.jsonl"):
        final_newline = record["program"].endswith("\n")
        assert DIFF.read_edits(record["edits"], final_newline=final_newline).program.text == record["program"]


def test_encoding_a_line_ends_it_once() -> None:
    item = ProgramRow("a", "b", "c\n")
    sequence = sample_edits("c\n")
    for shape in SHAPES.values():
        line = encode_line(shape.write(item, sequence, 0, {}, DIFF))
        assert line.count(b"\n") == 1
        assert line.endswith(b"}\n")


def test_batches_are_as_long_as_rows_are_quick_however_long_earlier_ones_were() -> None:
    pace = BatchPace()
    for _ in range(100):
        pace.note(0.001, 1)
    assert 45 <= pace.rows <= 50  # of a twentieth of a second
    for _ in range(100):
        pace.note(1e-9, 64)
    assert pace.rows == 64
    # Many short batches that were cut before, of rows that take long, do not make the next ones long.
    for _ in range(100):
        pace.note(0.02, 1)
    assert pace.rows == 2
    pace.note(60, 1)
    assert pace.rows == 1
    for _ in range(200):
        pace.note(0.0, 1)
    assert pace.rows > 1
