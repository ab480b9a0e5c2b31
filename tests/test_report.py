"""Reports: their numbers are those of the scoring, and no text that a model wrote is executed or breaks a page."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from math import log10
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings, strategies as st
from test_reporting import TEXT, Page, as_browsers_read, contrast, strip_code

from lintseq.cli import main
from lintseq.errors import ConfigError
from lintseq.evaluation.comparison import in_words
from lintseq.evaluation.intervals import Interval
from lintseq.evaluation.published import PUBLISHED
from lintseq.evaluation.report import EvaluationReport, ReportOptions, compose, report_page
from lintseq.evaluation.report_examples import examples_of
from lintseq.evaluation.report_plots import fitted_series, flops_of
from lintseq.evaluation.report_tables import kind_of
from lintseq.evaluation.results import EvaluatedProblems, Evaluation, JudgedCompletion, counts_of
from lintseq.evaluation.results_file import read_results
from lintseq.evaluation.scoring import difference, scores
from lintseq.evaluation.summary import summarize
from lintseq.reporting.pages import escaped, template
from lintseq.reporting.plots import Point, log_ticks, mark, power, spread
from lintseq.reporting.sections import Section, Table, plain, section_html, sections_markdown

KS = (1, 2, 4)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> | `x` {{body}} \u202e\ud800"


def row(task_id: str, index: int, verdict: str = "passed", detail: str = "", **columns: Any) -> JudgedCompletion:
    values = {"task_id": task_id, "index": index, "verdict": verdict, "detail": detail, "cpu_seconds": 0.01}
    values |= {"edits": 2, "malformed_edits": 0, "ignored_edits": 0, "notes": 0, "clean": True, "format": "diff"}
    values |= {"completion": f"<|diff|>@@ -0,0 +1 @@\n+x = {index}\n", "text": f"x = {index}\n"}
    return JudgedCompletion(**values | columns)


def rows(right: Iterable[int], *, n: int = 4) -> list[JudgedCompletion]:
    """Return rows of problems with `n` completions each; `right` are the numbers of correct ones."""
    return [
        row(f"t/{number}", index)
        if index < c
        else row(f"t/{number}", index, "error", "ValueError: no (program.py, line 1)", malformed_edits=1, notes=1)
        for number, c in enumerate(right)
        for index in range(n)
    ]


def run(rows: list[JudgedCompletion], *, benchmark: str = "own", flops: bool = True, **settings: Any) -> Evaluation:
    """Return an evaluation as `evaluate` returns it."""
    bench = {"name": benchmark, "problems": len({row.task_id for row in rows}), "sha256": "0" * 64, "version": "own"}
    found = scores(counts_of(rows), KS)
    summary: dict[str, Any] = {
        "benchmark": bench,
        "format": "diff",
        "problems_scored": bench["problems"],
        "problems_not_run": {},
        "missing_problems": 0,
        "verdicts": {},
        "suspect": 0,
        "pass_at_k": {str(k): None if score is None else score.value for k, score in found.items()},
        "isolation": {"level": "isolated"},
    }
    if flops:
        summary["cost"] = {"completion_tokens": 10.0, "flops_at_k": {str(k): 1e12 + 3e12 * k for k in KS}}
    settings = {"benchmark": bench, "skip_first": 0, "completions": {"sha256": "1" * 64}, "linter": "none"} | settings
    return Evaluation(tuple(rows), settings, summary)


def results(path: Path, rows: list[JudgedCompletion], **columns: Any) -> str:
    """Write an evaluation to files as `evaluate` does, and return the path."""
    path.write_text("".join(json.dumps(row.as_row()) + "\n" for row in rows))
    made = run(rows, **columns)
    manifest = {"settings": made.settings, "summary": made.summary}
    path.with_name(f"{path.stem}.manifest.json").write_text(json.dumps(manifest))
    return str(path)


FIRST = run(rows([0, 1, 2, 4, 0, 1, 3, 0, 2, 1]))
BETTER = run(rows([4, 4, 3, 4, 4, 4, 4, 3, 4, 4]))
ALIKE = run(rows([1, 0, 2, 4, 1, 1, 2, 0, 2, 2]))
TWO = {"first": FIRST, "better": BETTER}


def composed(runs: dict[str, Evaluation] | Evaluation, **options: Any) -> EvaluationReport:
    return compose({"first": runs} if isinstance(runs, Evaluation) else runs, ReportOptions(**options))


def section(runs: dict[str, Evaluation] | Evaluation, **options: Any) -> Section:
    (found,) = composed(runs, **options).sections
    return found


def names(section: Section) -> list[str]:
    return [table.name for table in section.tables]


def table(runs: dict[str, Evaluation] | Evaluation, name: str) -> Table:
    return next(table for table in section(runs).tables if table.name == name)


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


# The numbers


def test_pass_at_k_and_its_intervals_are_those_of_the_scoring() -> None:
    found = table(TWO, "pass-at-k")
    assert found.heads == ("", "first", "better")
    expected = [scores(counts_of(run.rows), KS) for run in (FIRST, BETTER)]
    for k, (head, *cells) in zip(KS, found.rows, strict=True):
        assert head.text == f"pass@{k}"
        for found_scores, cell in zip(expected, cells, strict=True):
            interval = found_scores[k]
            assert interval is not None
            assert cell.text == f"{100 * interval.value:.1f} %"
            assert cell.note == f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def test_differences_have_their_interval_with_a_verdict_in_words() -> None:
    found = table(TWO | {"alike": ALIKE}, "comparisons")
    assert [row[0].text for row in found.rows] == ["better - first", "alike - first", "alike - better"]
    expected = difference(counts_of(BETTER.rows), counts_of(FIRST.rows), 1)
    assert expected is not None
    cell = found.rows[0][1]
    assert cell.text == f"{100 * expected.value:+.1f}"
    assert cell.note == f"{100 * expected.low:+.1f} to {100 * expected.high:+.1f}: better solves more"
    assert found.rows[1][1].note.endswith("no difference detected")
    assert found.rows[2][1].note.endswith("better solves more")
    assert found.rows[2][1].text.startswith("−")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.1, 0.1, "no difference detected"),
        (0.0, 0.2, "no difference detected"),
        (-0.3, 0.0, "no difference detected"),
        (0.01, 0.2, "b solves more"),
        (-0.3, -0.01, "a solves more"),
    ],
)
def test_an_interval_that_contains_0_shows_no_difference(low: float, high: float, words: str) -> None:
    assert in_words(Interval((low + high) / 2, low, high), "a", "b") == words


def test_a_single_run_has_no_comparisons() -> None:
    assert "comparisons" not in names(section(FIRST))


def test_undefined_scores_are_named_in_a_remark() -> None:
    found = section(FIRST, k=(1, 100))
    assert "pass@100 is not defined: some problem has fewer completions than k." in found.remarks
    assert texts(found.tables[0]) == [["pass@1", "35.0 %"]]
    found = section({"first": FIRST, "fewer": run(rows([1, 1], n=2))})
    assert [row[2] for row in texts(found.tables[0])] == ["50.0 %", "100.0 %", "undefined"]


def test_verdicts_errors_and_edits_are_counted() -> None:
    found = FIRST
    wrong = 40 - 14
    assert [row[:2] for row in texts(table(found, "verdict"))] == [["passed", "14"], ["error", str(wrong)]]
    assert texts(table(found, "kind")) == [["ValueError", str(wrong)]]
    summary = {**found.summary, "edits": summarize(found.rows, problems=10)["edits"]}
    facts = dict(texts(table(replace(found, summary=summary), "facts")))
    assert facts["malformed edits"] == f"{100 * wrong / 80:.1f} %"
    assert facts["ignored edits"] == "0.0 %"
    assert facts["repaired completions"] == f"{100 * wrong / 40:.1f} %"
    assert texts(table(found, "problem"))[3] == ["t/3", "4 of 4"]


@pytest.mark.parametrize(
    ("detail", "kind"),
    [
        ("IndentationError: expected an indented block (program.py, line 15)", "IndentationError"),
        ("KeyError (line 3)", "KeyError"),
        ("left early: SystemExit(0) (line 3)", "SystemExit"),
        ("left with status 3", "other"),
        ("call 1 of 3, f('raised X: no'), raised TypeError: no", "TypeError"),
        ("call 2 of 3, f(1), raised my.Own", "my.Own"),
        ("input 12: ZeroDivisionError: division by zero (line 1)", "ZeroDivisionError"),
        ("only 2 of 3 calls came back", "other"),
        ("", "other"),
    ],
)
def test_the_type_of_an_error_is_found(detail: str, kind: str) -> None:
    assert kind_of(JudgedCompletion("t", 0, "error", detail)) == kind
    assert kind_of(JudgedCompletion("t", 0, "failed", detail)) == ""


@given(TEXT)
def test_every_error_has_a_type(detail: str) -> None:
    assert kind_of(JudgedCompletion("t", 0, "error", detail))


def test_base_tests_have_their_own_table() -> None:
    stages = [replace(row, stages={"base": "passed", "plus": row.verdict}) for row in rows([0, 2, 4])]
    assert texts(table(run(stages), "base-pass-at-k"))[0] == ["pass@1", "100.0 %"]


# What it cost


def test_pass_at_k_is_drawn_over_operations_with_a_least_squares_line() -> None:
    numpy = pytest.importorskip("numpy")
    found = section(FIRST)
    plot = next(plot for plot in found.plots if plot.name == "pass-at-k-by-operations")
    (series,) = plot.series
    assert [point.x for point in series.points] == [1e12 + 3e12 * k for k in KS]
    slope, intercept = numpy.polyfit([log10(point.x) for point in series.points], [p.y for p in series.points], 1)
    for x, y in series.line:
        assert y == pytest.approx(intercept + slope * log10(x))
    assert [x for x, _ in series.line] == [series.points[0].x, series.points[-1].x]
    assert not found.missing_plots


def test_one_point_has_no_line() -> None:
    assert fitted_series("a", [Point(1e9, 0.2)]).line == ()


def test_operations_are_extrapolated_to_other_k() -> None:
    assert flops_of(FIRST.summary, 3) == pytest.approx(1e13)
    assert flops_of(run(rows([1]), flops=False).summary, 3) is None


def test_a_run_of_unknown_cost_is_left_out_of_the_plot_with_a_reason() -> None:
    found = section(run(rows([1, 2]), flops=False))
    assert [plot.name for plot in found.plots] == ["pass-at-k"]
    (reason,) = found.missing_plots
    assert "--model-config" in reason
    assert "its cost is unknown" in section_html(found)


# Runs beside each other


def test_runs_keep_their_order() -> None:
    runs, reversed_runs = TWO, {"better": BETTER, "first": FIRST}
    assert table(reversed_runs, "pass-at-k").heads == ("", "better", "first")
    assert [[a, c, b] for a, b, c in texts(table(runs, "pass-at-k"))] == texts(table(reversed_runs, "pass-at-k"))
    forward, back = table(runs, "comparisons").rows[0][1], table(reversed_runs, "comparisons").rows[0][1]
    assert forward.text.replace("+", "−") == back.text


def test_each_set_of_problems_has_its_own_section() -> None:
    runs = {
        "first": FIRST,
        "elsewhere": run(rows([1, 2]), benchmark="another"),
        "better": BETTER,
        "fewer": run(rows([1, 2]), skip_first=100),
        "easy": run(rows([1, 2]), chosen={"problems": 2, "sha256": "a"}),
        "others": run(rows([1, 2]), chosen={"problems": 2, "sha256": "b"}),
    }
    found = composed(runs)
    assert [
        (section.title, list(comparison.runs))
        for section, comparison in zip(found.sections, found.comparisons, strict=True)
    ] == [
        ("own", ["first", "better"]),
        ("another", ["elsewhere"]),
        ("own, without the first 100", ["fewer"]),
        ("own, 2 selected problems", ["easy"]),
        ("own, 2 selected problems", ["others"]),
    ]
    assert "(t/0, t/1)" in found.sections[4].remarks[0]
    assert "comparisons" not in names(found.sections[1])
    report_page(found)


def test_two_runs_with_the_same_name_are_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results(tmp_path / "r.jsonl", rows([1]))
    assert main(["report", f"a={path}", f"a={path}", "-o", str(tmp_path / "out")]) == 2
    assert "two runs are called a; name them with NAME=FILE" in capsys.readouterr().err


def test_published_results_are_labeled_as_digitized_and_drawn_in_the_background() -> None:
    def published_section(name: str) -> Section:
        return section(run(rows([1, 2]), benchmark=name), published=True)

    subset = run(rows([1, 2]), benchmark="humaneval", chosen={"problems": 2, "sha256": "a"})
    left_out = section(subset, published=True)
    assert "published" not in names(left_out)
    assert any("left out here" in remark for remark in left_out.remarks)
    found = published_section("humaneval")
    published = next(table for table in found.tables if table.name == "published")
    assert "digitized" in published.title
    assert ["Gemma 2 2.6B LintSeq", "22.0 %", "34.8 %", "41.3 %", "48.1 %", "55.4 %"] in texts(published)
    for plot in found.plots:
        assert sum(series.published for series in plot.series) == (12 if plot.name == "pass-at-k" else 8)
    assert any("No results are published for own" in remark for remark in published_section("own").remarks)
    assert not any(series.published for plot in section(FIRST).plots for series in plot.series)
    for curves in PUBLISHED.values():
        for curve in curves:
            assert list(curve.passed.values()) == sorted(curve.passed.values())


# Examples


def test_examples_are_some_of_every_verdict_of_every_problem() -> None:
    kept = examples_of("first", FIRST, 2)
    assert {(example["problem"], example["verdict"]) for example in kept} == {
        (row.task_id, row.verdict) for row in FIRST.rows
    }
    assert len(kept) == 20
    assert examples_of("first", FIRST, 0) == []
    assert [example["index"] for example in examples_of("first", FIRST, 99)] == [0, 1, 2, 3] * 10


def test_long_texts_are_cut_and_marked() -> None:
    (example,) = examples_of("long", run([row("t", 0, text="x" * 50_000)]), 1)
    assert len(example["text"]) == 20_000
    assert example["cut"] is True


def test_results_without_completions_are_named_in_a_remark() -> None:
    found = composed(run([replace(row, completion=None, text=None) for row in rows([1])]))
    assert found.examples == ()
    assert any("do not contain the completions" in remark for remark in found.sections[0].remarks)


# The page and the Markdown


@settings(deadline=None, max_examples=40)
@given(TEXT, TEXT, TEXT)
def test_no_text_of_a_model_changes_the_page_around_it(completion: str, detail: str, task_id: str) -> None:
    attempt = row(task_id, 0, "error", detail, completion=completion, text=completion, suspect=(detail,))
    parsed = Page(report_page(composed({completion: run([attempt])})))
    empty = Page(report_page(composed({"x": run([row("t", 0, "error", "E: x")])})))
    assert parsed.count("script") == empty.count("script") == 2
    assert parsed.raw["script"] == empty.raw["script"]
    assert {tag for tag, _ in parsed.elements} == {tag for tag, _ in empty.elements}
    (example,) = json.loads(parsed.raw["data"])["examples"]
    assert example["completion"] == as_browsers_read(completion)


def test_the_page_loads_nothing_and_runs_nothing_but_our_script() -> None:
    hostile = run([row(HOSTILE, 0, "error", HOSTILE, completion=HOSTILE)], benchmark=HOSTILE)
    text = report_page(composed(TWO | {HOSTILE: hostile}, published=True))
    parsed = Page(text)
    (policy,) = (a["content"] for tag, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for name in ("script", "style"):
        digest = b64encode(sha256(parsed.raw[name].encode()).digest()).decode()
        assert rules[f"{name}-src"] == f"'sha256-{digest}'"
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    assert not [tag for tag, attributes in parsed.elements if "style" in attributes]
    assert parsed.count("img") == 0
    ids = [a["id"] for _, a in parsed.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert "{{" not in strip_code(text).replace("{{body}}", "")


def test_every_number_on_the_page_is_in_the_markdown(tmp_path: Path) -> None:
    found = composed(TWO)
    page, text = report_page(found), "\n".join(sections_markdown(found.sections, tmp_path)[0])
    for table in found.sections[0].tables:
        for cells in table.rows:
            for cell in cells:
                assert plain(cell.text) in text
                assert f">{escaped(cell.text)}" in page


def test_numbers_link_to_their_examples() -> None:
    parsed = Page(report_page(composed(TWO)))
    picks = [attributes for tag, attributes in parsed.elements if attributes.get("class") == "pick"]
    filters = set(re.findall(r'<(?:select|input) id="(\w+)"', template("report.html")))
    assert {name.removeprefix("data-") for pick in picks for name in pick if name.startswith("data-")} <= filters
    assert {"run", "verdict", "kind", "edits", "problem"} <= filters
    assert {pick["data-run"] for pick in picks} == {"first", "better"}


def test_text_in_markdown_is_not_escaped_twice() -> None:
    assert plain("the paper's a | b") == r"the paper's a \| b"
    assert plain("# 1 + 2 (x)") == r"\# 1 + 2 (x)"


@given(TEXT)
def test_text_in_markdown_is_one_line_of_text(text: str) -> None:
    escaped_text = plain(text)
    assert "\n" not in escaped_text
    assert "<" not in escaped_text
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`*_\[\]]", escaped_text)


def test_sixteen_runs_look_different_from_each_other() -> None:
    assert len({mark(number) for number in range(16)}) == 16


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colors_of_runs_contrast_with_the_page(scheme: str) -> None:
    def colors(css: str, pattern: str) -> dict[str, str]:
        light, _, dark = css.partition("prefers-color-scheme: dark")
        return dict(re.findall(pattern, light if scheme == "light" else dark))

    card = colors(template("colors.css"), r"--(card): (#[0-9a-f]{6});")["card"]
    runs = colors(template("colors.css"), r"--(s-[a-h]): (#[0-9a-f]{6});")
    assert len(runs) == 8
    assert min(contrast(color, card) for color in runs.values()) >= 4.5


# Axes


@given(st.floats(1e3, 1e20), st.floats(1.01, 1e6))
def test_ticks_lie_within_the_axis(low: float, factor: float) -> None:
    ticks = log_ticks(low, low * factor)
    assert 1 <= len(ticks) <= 12
    assert all(low * 0.5 <= value <= low * factor * 2 for value, _ in ticks)
    assert len({label for _, label in ticks}) == len(ticks)


def test_powers_of_ten_are_typeset() -> None:
    assert [power(x) for x in (2.2e15, 1e12, 9.999e11, 3)] == ["2.2·10¹⁵", "10¹²", "10¹²", "3·10⁰"]


@given(st.lists(st.floats(0, 300), max_size=20).map(sorted))
def test_names_of_curves_are_moved_apart(positions: list[float]) -> None:
    found = spread(positions, 11.0, 0.0, 300.0)
    assert all(b - a >= 11.0 - 1e-6 for a, b in pairwise(found))


# Files and the command


def test_results_are_read_back_from_what_evaluate_wrote(tmp_path: Path) -> None:
    made = results(tmp_path / "r.jsonl", rows([1, 2]))
    found = read_results(made)
    assert list(found.rows) == rows([1, 2])
    assert found.problems == EvaluatedProblems("own", "0" * 64, 0, None, "")
    assert tuple(found.pass_at_k) == KS


@pytest.mark.parametrize("what", ["no file", "no manifest", "other manifest", "other rows", "cut off"])
def test_files_without_results_are_rejected(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.jsonl"
    if what != "no file":
        results(path, rows([1, 2]))
    if what == "no manifest":
        path.with_name("r.manifest.json").unlink()
    if what == "other manifest":
        path.with_name("r.manifest.json").write_text('{"settings": [], "summary": {}}')
    if what == "other rows":
        path.write_text('{"edits": []}\n')
    if what == "cut off":
        path.write_text('{"task_id": "t", ')
    assert main(["report", str(path), "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("lintseq: ")
    assert not (tmp_path / "out" / "index.html").exists()


def test_the_command_writes_page_markdown_and_plots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = results(tmp_path / "one.jsonl", rows([0, 1, 4]))
    (tmp_path / "b").mkdir()
    second = results(tmp_path / "b" / "two.jsonl", rows([2, 1, 4]))
    out = tmp_path / "deep" / "report"
    assert main(["report", first, f"A|$x$={second}", "-o", str(out), "--k", "1,4", "--examples", "1"]) == 0
    assert "2 plots" in capsys.readouterr().out
    text = (out / "report.md").read_text()
    assert r"| A\|\$x\$ |" in text
    assert re.findall(r"!\[.*?\]\((.*?)\)", text) == ["pass-at-k.svg", "pass-at-k-by-operations.svg"]
    assert json.loads(Page((out / "index.html").read_text()).raw["data"])["runs"] == ["one", "A|$x$"]
    assert main(["report", first, "-o", str(out)]) == 2
    assert "holds a report; replace it with --overwrite" in capsys.readouterr().err
    assert main(["report", first, "-o", str(out), "--overwrite"]) == 0, "a report replaces a report"


def test_plots_are_svg_files_that_need_nothing_else(tmp_path: Path) -> None:
    hostile = run(rows([0, 1, 4]), benchmark="humaneval")
    _, files = sections_markdown(composed({HOSTILE: hostile, "b": hostile}, published=True).sections, tmp_path)
    for file in files:
        root = ElementTree.fromstring(file.read_text())
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert {name.rpartition("}")[2] for name in root.attrib} >= {"viewBox", "width", "height"}
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags <= {"svg", "style", "g", "rect", "line", "path", "circle", "text", "title"}
        words = "".join(root.itertext())
        assert "alert(1)" in words and "digitized" in words
        assert "url(" not in words and "@import" not in words


def test_the_command_prints_the_numbers_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = results(tmp_path / "one.jsonl", rows([0, 1, 4])), results(tmp_path / "two.jsonl", rows([2, 1, 4]))
    assert main(["report", first, second, "-o", str(tmp_path / "out"), "--k", "1,9", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert Path(found["page"]).exists() and Path(found["markdown"]).exists()
    (section,) = found["sections"]
    assert section["runs"]["one"]["pass_at_k"] == {
        "1": Interval.as_dict(scores(counts_of(rows([0, 1, 4])), [1])[1]),
        "9": None,
    }
    assert section["runs"]["two"]["verdicts"] == {"passed": 7, "error": 5}
    (difference,) = section["differences"]
    assert (difference["of"], difference["from"], difference["k"], difference["problems"]) == ("two", "one", 1, 3)
    assert difference["difference"]["value"] == pytest.approx(2 / 12)


def test_examples_have_their_instruction_which_the_page_holds_once(tmp_path: Path) -> None:
    path = results(tmp_path / "one.jsonl", rows([0, 1]))
    manifest = tmp_path / "one.manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"instructions": {"t/0": HOSTILE}}))
    found = composed(read_results(path))
    assert [example["instruction"] for example in found.examples] == [HOSTILE] * 4 + [""] * 4
    data = json.loads(Page(report_page(found)).raw["data"])
    assert data["instructions"] == [HOSTILE, ""]
    assert [example["instruction"] for example in data["examples"]] == [0] * 4 + [1] * 4


def test_files_are_the_same_each_time(tmp_path: Path) -> None:
    path = results(tmp_path / "one.jsonl", rows([0, 1, 4]), benchmark="humaneval")
    for name in "ab":
        assert main(["report", path, "-o", str(tmp_path / name), "--published"]) == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("options", [{"k": (0,)}, {"k": ()}, {"examples": -1}])
def test_impossible_options_are_rejected(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="from 1"):
        composed(FIRST, **options)


def test_runs_are_named_after_their_files_and_folders(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        results(tmp_path / folder / "r.jsonl", rows([1, 2]))
    out = tmp_path / "out"
    assert main(["report", str(tmp_path / "a/r.jsonl"), str(tmp_path / "b/r.jsonl"), "-o", str(out)]) == 0
    assert json.loads(Page((out / "index.html").read_text()).raw["data"])["runs"] == ["a/r", "b/r"]


@pytest.mark.parametrize("name", ["index.html", "report.md"])
def test_other_files_are_not_replaced(name: str, tmp_path: Path) -> None:
    path = results(tmp_path / "one.jsonl", rows([1]))
    (tmp_path / name).write_text("mine")
    assert main(["report", path, "-o", str(tmp_path)]) == 2
    assert (tmp_path / name).read_text() == "mine"
    assert not (tmp_path / "pass-at-k.svg").exists()


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    path = results(tmp_path / "one.jsonl", rows([1]))
    assert main(["report", path, "-o", path]) == 2
