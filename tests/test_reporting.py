"""Pages: they say what is so, hold what they were given, and nothing in them acts that is not ours."""

import gzip
import html
import json
import re
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lintseq.codecs import CODECS, DIFF
from lintseq.dataset.browsing import LONGEST, StoredSequence, Survey, survey
from lintseq.dataset.shapes import SHAPES, ProgramRow, read_record
from lintseq.dataset.stats import DatasetStats, stats
from lintseq.dataset.stats_page import stats_page
from lintseq.dataset.view_page import notes_on, reasons_data, view_data, view_page
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, ProgramError
from lintseq.languages.python.analysis import analyze
from lintseq.needs.reasons import reasons_of
from lintseq.program import Program
from lintseq.reporting.charts import chart
from lintseq.reporting.numbers import histogram
from lintseq.reporting.pages import check_page, embedded, escaped, fill, page, template, write_page
from lintseq.walks import sample_edits

AREA = "import math\n\ndef area(r):\n    return math.pi * r ** 2\n\nprint(area(2))\n"
EVIL = "x = '</script><script>alert(1)</script><!-- <script>'\ny = '\ud800 \u2028 \u202e \x0c'\r\n\tz = 1"


def record(program: str = AREA, *, draw: int = 0, **columns: Any) -> dict[str, Any]:
    item = ProgramRow(id="area", instruction="Write it.", program=program)
    sequence = sample_edits(program, seed=draw)
    return SHAPES["lintseq"].write(item, sequence, draw, {"linter": "native", "seed": draw}, DIFF) | columns


def write(path: Path, *rows: Any) -> str:
    path.write_bytes(b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows))
    return str(path)


def stored(program: str, arrivals: tuple[int, ...], number: int = 1, **columns: Any) -> StoredSequence:
    sequence = EditSequence(Program.from_text(program), arrivals)
    row = SHAPES["lintseq"].write(ProgramRow(id="a", instruction="", program=program), sequence, 0, {}, DIFF) | columns
    record = read_record(row)
    return StoredSequence(number, record, record.parse())


class Page(HTMLParser):
    """What a browser makes of a page: the elements, and the text in each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, str] = {}
        self._open: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = dict(attrs).get("id") or tag if tag in ("script", "style") else None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.raw[self._open] = self.raw.get(self._open, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._open = None

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)

    def attribute(self, tag: str, name: str) -> list[str]:
        return [attributes[name] or "" for found, attributes in self.elements if found == tag and name in attributes]


def as_browsers_read(text: str) -> str:
    """Return a text with surrogates that make a pair as the character they make."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


# Escaping

ODD_TEXT = st.text(
    st.one_of(st.characters(), st.sampled_from("<>&\"'/!-{}\\\0\r\n\t\f\x1b\x85\u2028\u2029\u202e\ud800\udfff"))
)
TAGS = st.sampled_from(["</script", "</SCRIPT >", "<!--", "-->", "<script>", "]]>", "&lt;", "{{body}}", "</style>"])
TEXT = st.lists(ODD_TEXT | TAGS, max_size=6).map("".join)


@given(TEXT)
def test_whatever_a_text_holds_the_json_parses_back_to_it_and_no_tag_begins_in_it(text: str) -> None:
    written = embedded({"program": text})
    assert "<" not in written
    assert written.isascii()
    assert json.loads(written)["program"] == as_browsers_read(text)


@given(TEXT)
def test_escaped_text_is_the_text_and_never_a_tag(text: str) -> None:
    written = escaped(text)
    assert not set("<>\"'") & set(written)
    written.encode()
    plain = html.unescape(written)
    assert len(plain) == len(text)
    assert all(a == b or b in "�␡" or 0x2400 <= ord(b) < 0x2420 for a, b in zip(text, plain, strict=True))


@given(TEXT, TEXT, TEXT)
def test_no_text_in_a_data_set_changes_the_page_around_it(program: str, instruction: str, id: str) -> None:
    lines = Program.from_text(program).lines
    sequence = stored(program, (0,) * len(lines), instruction=instruction, id=id)
    found = Survey(rows=1, edits=Counter({1: 1}), lines=Counter({len(lines): 1}), sample=[sequence])
    text = view_page(found, dataset=id)
    text.encode()
    parsed, plain = Page(text), Page(view_page(Survey(sample=[]), dataset="x"))
    assert parsed.count("script") == plain.count("script") == 2
    assert parsed.raw["script"] == plain.raw["script"]
    page_data = json.loads(parsed.raw["data"])
    assert page_data["programs"] == [as_browsers_read("\n".join(lines))]
    assert page_data["sequences"][0]["instruction"] == as_browsers_read(instruction)


def test_what_is_put_into_a_template_is_not_a_template() -> None:
    assert fill("a {{b}} {{c}}", {"b": "{{c}}", "c": "{{b}}"}) == "a {{c}} {{b}}"
    with pytest.raises(KeyError):
        fill("{{unknown}}", {})


# A page as a whole


def pages(tmp_path: Path) -> dict[str, str]:
    data = write(tmp_path / "data.jsonl", record(), record(draw=1))
    return {"view": view_page(survey(data), dataset="data"), "stats": stats_page(stats(data), dataset="data")}


def test_a_page_loads_nothing_and_runs_nothing_but_our_script(tmp_path: Path) -> None:
    for text in pages(tmp_path).values():
        parsed = Page(text)
        (policy,) = (a["content"] for tag, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy")
        assert policy is not None
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert rules["default-src"] == "'none'"
        for name in ("script", "style"):
            digest = b64encode(sha256(parsed.raw.get(name, "").encode()).digest()).decode()
            assert rules[f"{name}-src"] == f"'sha256-{digest}'"
        assert not re.search(r"""(?:src|href|action|url)\s*[=(]\s*["']?(?!data:)[a-z/]""", strip_code(text))
        assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
        assert not parsed.attribute("div", "style"), "the policy forbids styles in attributes"
        assert "://" not in re.sub(r"http://www\.w3\.org/2000/svg", "", text)


def strip_code(text: str) -> str:
    return re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.S)


def test_every_place_of_a_template_is_filled(tmp_path: Path) -> None:
    for text in pages(tmp_path).values():
        assert "{{" not in strip_code(text)
        assert "</script" not in template("text.js") + template("view.js")


def test_ids_are_distinct_and_labels_lead_to_them(tmp_path: Path) -> None:
    for text in pages(tmp_path).values():
        parsed = Page(text)
        ids = [a["id"] for _, a in parsed.elements if "id" in a]
        assert len(ids) == len(set(ids))
        for name in ("aria-labelledby", "aria-controls", "for"):
            assert {a[name] for _, a in parsed.elements if name in a} <= set(ids)
        for tag, attributes in parsed.elements:
            if tag == "button" and "step" in (attributes.get("class") or ""):
                assert attributes["aria-label"]


def test_the_page_of_numbers_reads_without_a_script(tmp_path: Path) -> None:
    assert Page(pages(tmp_path)["stats"]).raw.get("script", "") == ""


# Colors


def colors(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", css))


def luminance(color: str) -> float:
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_everything_it_is_written_on(scheme: str) -> None:
    light, _, dark = template("colors.css").partition("prefers-color-scheme: dark")
    found = colors(light) | (colors(dark) if scheme == "dark" else {})
    code = product(
        ("ink", "keyword", "string", "number", "comment"), ("card", "new", "new-strong", "need", "need-soft")
    )
    words = [
        *product(("ink", "soft"), ("paper", "card", "sunk")),
        *product(("new-ink",), ("card", "new", "new-strong", "paper")),
        *product(("need-ink",), ("card", "need", "need-soft")),
        *product(("action",), ("paper", "card")),
        ("ink", "action-soft"),
        ("soft", "action-soft"),
        ("card", "ink"),
    ]
    poor = {pair: round(contrast(found[pair[0]], found[pair[1]]), 2) for pair in [*code, *words]}
    assert not {pair: ratio for pair, ratio in poor.items() if ratio < 4.5}
    assert contrast(found["edge"], found["card"]) >= 3, "the frame of a field, a bar"


# Plots


def test_a_plot_counts_what_the_numbers_count() -> None:
    counts = {1: 3, 2: 1, 12: 4}
    text = chart("edits", "Edits & more", counts, values="edits", counted="sequences")
    rows = re.findall(r'<tr data-low="(\d+)" data-high="(\d+)">.*?<rect width="([\d.]+)%".*?<td>([\d,]+)</td>', text)
    assert [(int(low), int(high), int(n)) for low, high, _, n in rows] == [
        (*(int(label.partition("-")[0]), int(label.rpartition("-")[2])), n) for label, n in histogram(counts)
    ]
    assert [width for *_, width, _ in rows if width == "100.00"] == ["100.00"]
    assert "Edits &amp; more" in text
    assert chart("edits", "Edits", {}, values="", counted="") == ""


def test_the_page_of_numbers_has_the_numbers_and_plots_of_all_that_was_counted(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", record(), record(draw=1), record("x = 1\n"), b"{")
    numbers = stats(data)
    text = stats_page(numbers, dataset="d<b>")
    assert re.findall(r'data-chart="(\w+)"', text) == ["edits", "lines", "draws"]
    assert "d&lt;b&gt;" in text
    assert re.search(r"<th scope=\"row\">unreadable</th><td>1</td><td>not-json</td>", text)
    assert f"<dd>{numbers.as_dict()['lines_per_edit']['mean']:.2f}</dd>" in text
    numbers.tokens.update([5, 7])
    numbers.sequence_tokens = 12
    assert 'data-chart="tokens"' in stats_page(numbers, dataset="d")
    assert "Edits in a sequence" not in stats_page(DatasetStats(), dataset="nothing")


# The data of the page of sequences


def test_a_sequence_is_told_as_program_arrivals_and_edit_texts(tmp_path: Path) -> None:
    row = record()
    page_data = view_data(survey(write(tmp_path / "data.jsonl", row)))
    (row_data,) = page_data["sequences"]
    sequence = sample_edits(AREA, seed=0)
    assert page_data["programs"] == [AREA.removesuffix("\n")]
    assert row_data["arrivals"] == list(sequence.arrivals)
    assert row_data["edits"] == row["edits"]
    assert (row_data["row"], row_data["id"], row_data["draw"], row_data["linter"]) == (1, "area", 0, "native")
    assert ["seed", "0"] in row_data["facts"]
    assert "differs" not in row_data


def test_draws_of_one_program_share_its_text(tmp_path: Path) -> None:
    page_data = view_data(survey(write(tmp_path / "data.jsonl", record(), record("x = 1\n"), record(draw=1))))
    assert [data["program"] for data in page_data["sequences"]] == [0, 1, 0]
    assert len(page_data["programs"]) == 2


@pytest.mark.parametrize("program", ["", "\n", "\n\n", "x", "x\n", "x\n\n"])
def test_lines_can_be_told_again_from_the_text_and_the_arrivals(program: str) -> None:
    lines = Program.from_text(program).lines
    page_data = view_data(Survey(sample=[stored(program, (0,) * len(lines))]))
    (data,) = page_data["sequences"]
    assert tuple(page_data["programs"][0].split("\n") if data["arrivals"] else ()) == lines


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("format", [name for name in CODECS if name != "whole"])
def test_every_shape_and_format_is_told_alike(shape: str, format: str, tmp_path: Path) -> None:
    sequence = sample_edits(AREA, seed=0).after(1)
    item = ProgramRow(id="area", instruction="Write it.", program=AREA)
    row = SHAPES[shape].write(item, sequence, 0, {"seed": 0}, CODECS[format])
    if shape == "pylintseq" and format != "diff":
        return  # its columns have no place for the format
    if shape == "pylintseq":
        row["state"] = sequence.start.text
        row["source_response"] = AREA
    (data,) = view_data(survey(write(tmp_path / "data.jsonl", row)))["sequences"]
    if shape == "next-edit":
        assert max(data["arrivals"]) == 0
    else:
        assert data["arrivals"] == list(sequence.arrivals)
    assert min(data["arrivals"]) == -1
    assert data["instruction"] == "Write it."
    assert len(data["edits"]) == max(data["arrivals"]) + 1 == len(data["needs"])


def test_the_needs_on_the_page_are_those_of_the_analysis() -> None:
    sequence = EditSequence(Program.from_text(AREA), (0, 1, 1, 1, 1, 1))
    found = reasons_of(analyze(sequence.program), sequence.arrivals)
    assert reasons_data(sequence) == {
        "heads": [0, 2, 2, 3, 5, 5],
        "needs": [[], [[2, "a body", 3], [3, "its header and `r`", 2], [5, "`area` and `r`", 2]]],
        "causes": [None, 2],
    }
    assert [len(edit) for edit in found.edits] == [0, 3]


@pytest.mark.parametrize(
    ("program", "reason"), [("def f(:\n", "syntax"), ("# only\n", "no-code"), ("x = '\0'", "syntax")]
)
def test_a_program_that_cannot_be_analyzed_is_told_as_such(program: str, reason: str) -> None:
    sequence = EditSequence(Program.from_text(program), (0,))
    assert reasons_data(sequence)["unknown"].startswith(f"{reason}: ")


def test_a_program_that_the_edits_do_not_write_is_told_as_such(tmp_path: Path) -> None:
    row = record(program=AREA) | {"program": "y = 2\n"}
    (data,) = view_data(survey(write(tmp_path / "data.jsonl", row)))["sequences"]
    assert data["differs"]


# What is chosen, and what is counted


def test_all_rows_are_counted_and_the_sample_has_the_size_that_was_set(tmp_path: Path) -> None:
    rows = [record(draw=draw) for draw in range(30)]
    data = write(tmp_path / "data.jsonl", *rows, b"{", {"x": 1}, record() | {"edits": ["@@ -5,0 +6 @@\n+x"]})
    everything, sampled = survey(data), survey(data, size=7)
    assert everything.rows == sampled.rows == 33
    assert sampled.edits == everything.edits == Counter(len(row["edits"]) for row in rows)
    assert sampled.lines == everything.lines
    assert sampled.unreadable == {"not-json": 1, "no-field": 1, "malformed-edit": 1}
    assert len(everything.sample) == 30
    numbers = [row.number for row in sampled.sample]
    assert len(numbers) == 7
    assert numbers == sorted(numbers)
    assert numbers == [row.number for row in survey(data, size=7).sample], "the same ones each time"
    assert numbers != [row.number for row in survey(data, size=7, seed=1).sample]
    assert set(numbers) <= {row.number for row in survey(data, size=8).sample}, "more rows keep those of fewer"


def test_each_row_is_as_likely_to_be_sampled_as_any_other(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", *[record("x = 1\n")] * 20)
    kept = Counter(row.number for seed in range(200) for row in survey(data, size=5, seed=seed).sample)
    assert kept.total() == 1000
    assert min(kept.values()) > 25
    assert max(kept.values()) < 80


def test_a_sequence_too_long_for_a_page_is_counted_and_left_out(tmp_path: Path) -> None:
    long = "x = '" + "a" * LONGEST + "'\n"
    found = survey(write(tmp_path / "data.jsonl", record(), record(long)))
    assert (found.too_long, len(found.sample), found.sequences) == (1, 1, 2)
    assert any("1 sequence of more than 200,000 characters was left out" in note for note in notes_on(found))


def test_the_page_says_what_it_holds_and_what_it_leaves_out(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", *[record(draw=draw) for draw in range(5)], b"{")
    assert notes_on(survey(data)) == [
        "All sequences of the data set are on this page.",
        "1 row could not be read: not-json 1.",
    ]
    assert notes_on(survey(data, size=2))[0] == (
        "This page holds a random sample of 2 of 5 sequences; the plots count all of them."
    )


def test_a_file_without_any_edit_sequence_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="columns: question"):
        survey(write(tmp_path / "data.jsonl", {"question": 1}, b"{"))
    assert survey(write(tmp_path / "empty.jsonl")).sample == []


def test_data_that_breaks_off_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl.gz"
    lines = b"".join(json.dumps(record(f"x = {n}\n")).encode() + b"\n" for n in range(400))
    path.write_bytes(gzip.compress(lines)[:-2000])
    found = survey(str(path))
    assert found.unreadable == {"broken-input": 1}
    assert found.sequences > 10


# Writing


def test_a_page_replaces_a_page_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    check_page(path)
    write_page(path, page("<p>é \u2028</p>", title="t", styles=()))
    check_page(path)
    assert "é \u2028" in path.read_text(encoding="utf-8")
    path.write_text("<p>mine</p>")
    for bad, match in [
        (path, "not a page or report of lintseq"),
        (tmp_path, "is a folder"),
        (tmp_path / "x" / "y", "ends in .html"),
        (path / "y.html", "not a folder"),
    ]:
        with pytest.raises(ConfigError, match=match):
            check_page(bad)
    assert sorted(tmp_path.iterdir()) == [path]
