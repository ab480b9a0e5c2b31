"""Reports of evaluations: their numbers are those of the scoring, and nothing that a model wrote acts in them."""

import builtins
import json
import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from itertools import pairwise
from math import log10, sqrt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_reporting import TEXT, Page, as_browsers_read, contrast, strip_code

from lintseq.cli import main
from lintseq.errors import ConfigError
from lintseq.evaluation.published import PUBLISHED
from lintseq.evaluation.report import (
    Report,
    Run,
    Section,
    Table,
    examples_of,
    fit,
    flops_of,
    kind_of,
    meaning,
    report,
)
from lintseq.evaluation.report_markdown import markdown, plain
from lintseq.evaluation.report_page import evaluation_page
from lintseq.evaluation.results import Asked, Results, read_results
from lintseq.evaluation.scoring import Interval, counts_of, difference, scores
from lintseq.reporting.pages import escaped, template
from lintseq.reporting.plots import log_ticks, mark, power, spread

KS = (1, 2, 4)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> | `x` {{body}} \u202e\ud800"


def row(task_id: str, index: int, verdict: str = "passed", detail: str = "", **columns: Any) -> dict[str, Any]:
    told = {"task_id": task_id, "index": index, "verdict": verdict, "detail": detail, "cpu_seconds": 0.01}
    told |= {"edits": 2, "malformed_edits": 0, "ignored_edits": 0, "notes": 0, "clean": True, "format": "diff"}
    return told | {"completion": f"<|diff|>@@ -0,0 +1 @@\n+x = {index}\n", "text": f"x = {index}\n"} | columns


def rows(right: Iterable[int], *, n: int = 4) -> list[dict[str, Any]]:
    """Return rows of problems of which so many completions are right."""
    return [
        row(f"t/{number}", index)
        if index < c
        else row(f"t/{number}", index, "error", "ValueError: no (program.py, line 1)", malformed_edits=1, notes=1)
        for number, c in enumerate(right)
        for index in range(n)
    ]


def told(rows: list[dict[str, Any]], *, benchmark: str = "own", flops: bool = True, **settings: Any) -> dict[str, Any]:
    """Return a manifest as `evaluate` writes it."""
    bench = {"name": benchmark, "problems": len({row["task_id"] for row in rows}), "sha256": "0" * 64}
    found = scores(counts_of(rows), KS)
    summary: dict[str, Any] = {
        "benchmark": bench,
        "format": "diff",
        "problems_scored": bench["problems"],
        "problems_not_run": {},
        "pass_at_k": {str(k): None if one is None else one.value for k, one in found.items()},
        "isolation": {"level": "isolated"},
    }
    if flops:
        summary["cost"] = {"completion_tokens": 10.0, "flops_at_k": {str(k): 1e12 + 3e12 * k for k in KS}}
    settings = {"benchmark": bench, "skip_first": 0, "completions": {"sha256": "1" * 64}, "linter": "none"} | settings
    return {"settings": settings, "summary": summary}


def run(name: str, rows: list[dict[str, Any]], **columns: Any) -> Run:
    manifest = told(rows, **columns)
    return Run(name, Results(tuple(rows), manifest["settings"], manifest["summary"]))


def results(path: Path, rows: list[dict[str, Any]], **columns: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    path.with_name(f"{path.stem}.manifest.json").write_text(json.dumps(told(rows, **columns)))
    return str(path)


FIRST = run("first", rows([0, 1, 2, 4, 0, 1, 3, 0, 2, 1]))
BETTER = run("better", rows([4, 4, 3, 4, 4, 4, 4, 3, 4, 4]))
ALIKE = run("alike", rows([1, 0, 2, 4, 1, 1, 2, 0, 2, 2]))


def table(report: Report, name: str) -> Table:
    (section,) = report.sections
    found = section.table(name)
    assert found is not None
    return found


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


# The numbers


def test_pass_at_k_and_its_intervals_are_those_of_the_scoring() -> None:
    found = table(report([FIRST, BETTER]), "pass-at-k")
    assert found.heads == ("", "first", "better")
    expected = {one.name: scores(counts_of(one.rows), KS) for one in (FIRST, BETTER)}
    for k, (head, *cells) in zip(KS, found.rows, strict=True):
        assert head.text == f"pass@{k}"
        for one, cell in zip((FIRST, BETTER), cells, strict=True):
            interval = expected[one.name][k]
            assert interval is not None
            assert cell.text == f"{100 * interval.value:.1f} %"
            assert cell.note == f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def test_a_difference_is_that_of_the_paired_bootstrap_and_is_put_in_words() -> None:
    found = table(report([FIRST, BETTER, ALIKE]), "comparisons")
    assert [row[0].text for row in found.rows] == [
        "better against first",
        "alike against first",
        "alike against better",
    ]
    expected = difference(counts_of(BETTER.rows), counts_of(FIRST.rows), 1)
    assert expected is not None
    cell = found.rows[0][1]
    assert cell.text == f"{100 * expected.value:+.1f}"
    assert cell.note == f"{100 * expected.low:+.1f} to {100 * expected.high:+.1f}: better is better"
    assert found.rows[1][1].note.endswith("no difference seen")
    assert found.rows[2][1].note.endswith("better is better")
    assert found.rows[2][1].text.startswith("−")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.1, 0.1, "no difference seen"),
        (0.0, 0.2, "no difference seen"),
        (-0.3, 0.0, "no difference seen"),
        (0.01, 0.2, "b is better"),
        (-0.3, -0.01, "a is better"),
    ],
)
def test_an_interval_that_holds_0_shows_no_difference(low: float, high: float, words: str) -> None:
    assert meaning(Interval((low + high) / 2, low, high), "a", "b") == words


def test_one_run_is_compared_with_nothing() -> None:
    (section,) = report([FIRST]).sections
    assert section.table("comparisons") is None


def test_what_is_not_defined_is_named_and_not_shown() -> None:
    (section,) = report([FIRST], ks=[1, 100]).sections
    assert "pass@100 is not defined: some problem has fewer completions." in section.remarks
    assert texts(section.tables[0]) == [["pass@1", "35.0 %"]]
    fewer = run("fewer", rows([1, 1], n=2))
    (section,) = report([FIRST, fewer]).sections
    assert [row[2] for row in texts(section.tables[0])] == ["50.0 %", "100.0 %", "undefined"]


def test_verdicts_errors_and_edits_are_counted() -> None:
    found = report([FIRST])
    wrong = 40 - 14
    assert [row[:2] for row in texts(table(found, "verdict"))] == [["passed", "14"], ["error", str(wrong)]]
    assert texts(table(found, "kind")) == [["ValueError", str(wrong)]]
    malformed, ignored, repaired = table(found, "edits").rows
    assert (malformed[1].text, malformed[1].note) == (f"{100 * wrong / 80:.1f} %", f"{wrong} of 80")
    assert ignored[1].text == "0.0 %"
    assert repaired[1].note == f"{wrong} of 40"
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
    assert kind_of({"verdict": "error", "detail": detail}) == kind
    assert kind_of({"verdict": "failed", "detail": detail}) == ""


@given(TEXT)
def test_whatever_a_detail_says_it_has_a_type(detail: str) -> None:
    assert kind_of({"verdict": "error", "detail": detail})


def test_base_tests_have_a_table_of_their_own() -> None:
    stages = [one | {"stages": {"base": "passed", "plus": one["verdict"]}} for one in rows([0, 2, 4])]
    assert texts(table(report([run("plus", stages)]), "base-pass-at-k"))[0] == ["pass@1", "100.0 %"]


# What it cost


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 1)), min_size=3, max_size=8, unique_by=lambda p: round(p[0])))
def test_the_line_is_that_of_least_squares_and_its_error_the_textbook_one(points: list[tuple[float, float]]) -> None:
    numpy = pytest.importorskip("numpy")
    found = fit(points)
    assert found is not None
    xs, ys = (numpy.array(values) for values in zip(*points, strict=True))
    design = numpy.stack([numpy.ones_like(xs), xs], axis=1)
    solution, *_ = numpy.linalg.lstsq(design, ys, rcond=None)
    residuals = ys - design @ solution
    covariance = numpy.linalg.inv(design.T @ design) * (residuals @ residuals) / (len(points) - 2)
    for x in (0.0, float(xs.mean()), 25.0):
        value, error = found.at(x)
        at = numpy.array([1.0, x])
        assert value == pytest.approx(float(at @ solution), abs=1e-6)
        assert error == pytest.approx(sqrt(max(float(at @ covariance @ at), 0.0)), abs=1e-5)


def test_two_points_make_a_line_without_a_band_and_one_makes_none() -> None:
    two = fit([(1.0, 0.2), (3.0, 0.4)])
    assert two is not None
    assert two.at(2.0) == (pytest.approx(0.3), None)
    assert fit([(1.0, 0.2)]) is fit([]) is fit([(1.0, 0.2), (1.0, 0.3)]) is None


def test_pass_at_k_is_drawn_over_operations_with_line_and_band() -> None:
    (section,) = report([FIRST]).sections
    plot = next(one for one in section.plots if one.name == "pass-at-k-by-operations")
    (series,) = plot.series
    assert [point.x for point in series.points] == [1e12 + 3e12 * k for k in KS]
    line = fit([(log10(point.x), point.y) for point in series.points])
    assert line is not None
    value, error = line.at(log10(series.points[0].x))
    assert error is not None
    assert series.band[0] == pytest.approx((series.points[0].x, value - error, value + error))
    assert not section.missing_plots


def test_operations_for_another_k_are_told_from_two() -> None:
    assert flops_of(FIRST.summary, 3) == pytest.approx(1e13)
    assert flops_of(run("free", rows([1]), flops=False).summary, 3) is None


def test_where_the_cost_is_not_known_the_plot_is_left_out_and_it_is_said_why() -> None:
    (section,) = report([run("free", rows([1, 2]), flops=False)]).sections
    assert [plot.name for plot in section.plots] == ["pass-at-k"]
    (why,) = section.missing_plots
    assert "--model-config" in why
    page = evaluation_page(report([run("free", rows([1, 2]), flops=False)]))
    assert "its cost is not known" in page


# Runs beside each other


def test_runs_stand_in_the_order_in_which_they_were_given() -> None:
    one, other = report([FIRST, BETTER]), report([BETTER, FIRST])
    assert table(other, "pass-at-k").heads == ("", "better", "first")
    assert [[a, c, b] for a, b, c in texts(table(one, "pass-at-k"))] == texts(table(other, "pass-at-k"))
    forward, back = table(one, "comparisons").rows[0][1], table(other, "comparisons").rows[0][1]
    assert forward.text.replace("+", "−") == back.text


def test_runs_of_different_benchmarks_have_sections_of_their_own() -> None:
    elsewhere = run("elsewhere", rows([1, 2]), benchmark="another")
    fewer = run("fewer", rows([1, 2]), skip_first=100)
    easy = run("easy", rows([1, 2]), chosen={"problems": 2, "sha256": "a"})
    others = run("others", rows([1, 2]), chosen={"problems": 2, "sha256": "b"})
    found = report([FIRST, elsewhere, BETTER, fewer, easy, others])
    assert [(one.title, [run.name for run in one.runs]) for one in found.sections] == [
        ("own", ["first", "better"]),
        ("another", ["elsewhere"]),
        ("own, without the first 100", ["fewer"]),
        ("own, 2 chosen problems", ["easy"]),
        ("own, 2 chosen problems", ["others"]),
    ]
    assert "(t/0, t/1)" in found.sections[4].remarks[0]
    assert found.sections[1].table("comparisons") is None
    evaluation_page(found)


def test_two_runs_with_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="NAME=RESULTS"):
        report([FIRST, FIRST])


def test_published_figures_are_marked_as_digitized_and_drawn_behind() -> None:
    def section(name: str) -> Section:
        return report([run("mine", rows([1, 2]), benchmark=name)], published=True).sections[0]

    some = run("mine", rows([1, 2]), benchmark="humaneval", chosen={"problems": 2, "sha256": "a"})
    (left_out,) = report([some], published=True).sections
    assert left_out.table("published") is None
    assert any("left out here" in remark for remark in left_out.remarks)
    found = section("humaneval")
    published = found.table("published")
    assert published is not None
    assert "digitized" in published.title
    assert ["Gemma 2 2.6B LintSeq", "22.0 %", "34.8 %", "41.3 %", "48.1 %", "55.4 %"] in texts(published)
    for plot in found.plots:
        assert sum(series.published for series in plot.series) == (12 if plot.name == "pass-at-k" else 8)
    assert any("no published figures for own" in remark for remark in section("own").remarks)
    assert not any(series.published for plot in report([FIRST]).sections[0].plots for series in plot.series)
    for curves in PUBLISHED.values():
        for curve in curves:
            assert list(curve.passed.values()) == sorted(curve.passed.values())


# Examples


def test_examples_are_some_of_every_verdict_of_every_problem() -> None:
    kept = examples_of(FIRST, 2)
    assert {(one["problem"], one["verdict"]) for one in kept} == {(r["task_id"], r["verdict"]) for r in FIRST.rows}
    assert len(kept) == 20
    assert examples_of(FIRST, 0) == []
    assert [one["index"] for one in examples_of(FIRST, 99)] == [0, 1, 2, 3] * 10


def test_a_long_text_is_cut_and_that_is_said() -> None:
    (one,) = examples_of(run("long", [row("t", 0, text="x" * 50_000)]), 1)
    assert len(one["text"]) == 20_000
    assert one["cut"] is True


def test_results_without_completions_are_said_to_be_so() -> None:
    bare = [{name: value for name, value in one.items() if name not in ("completion", "text")} for one in rows([1])]
    found = report([run("bare", bare)])
    assert found.examples == ()
    assert any("do not hold the completions" in remark for remark in found.sections[0].remarks)


# The page and the Markdown


@settings(deadline=None, max_examples=40)
@given(TEXT, TEXT, TEXT)
def test_no_text_of_a_model_changes_the_page_around_it(completion: str, detail: str, task_id: str) -> None:
    one = row(task_id, 0, "error", detail, completion=completion, text=completion, suspect=[detail])
    parsed = Page(evaluation_page(report([run(completion, [one])])))
    empty = Page(evaluation_page(report([run("x", [row("t", 0, "error", "E: x")])])))
    assert parsed.count("script") == empty.count("script") == 2
    assert parsed.raw["script"] == empty.raw["script"]
    assert {tag for tag, _ in parsed.elements} == {tag for tag, _ in empty.elements}
    (example,) = json.loads(parsed.raw["data"])["examples"]
    assert example["completion"] == as_browsers_read(completion)


def test_the_page_loads_nothing_and_runs_nothing_but_our_script() -> None:
    hostile = run(HOSTILE, [row(HOSTILE, 0, "error", HOSTILE, completion=HOSTILE)], benchmark=HOSTILE)
    text = evaluation_page(report([FIRST, BETTER, hostile], published=True))
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


def test_every_number_on_the_page_is_in_the_markdown() -> None:
    found = report([FIRST, BETTER])
    page, text = evaluation_page(found), markdown(found, {})
    for one in found.tables:
        for cells in one.rows:
            for cell in cells:
                assert plain(cell.text) in text
                assert f">{escaped(cell.text)}" in page


def test_numbers_lead_to_their_examples() -> None:
    parsed = Page(evaluation_page(report([FIRST, BETTER])))
    picks = [attributes for tag, attributes in parsed.elements if attributes.get("class") == "pick"]
    filters = set(re.findall(r'<(?:select|input) id="(\w+)"', template("report.html")))
    assert {name.removeprefix("data-") for one in picks for name in one if name.startswith("data-")} <= filters
    assert {"run", "verdict", "kind", "edits", "problem"} <= filters
    assert {one["data-run"] for one in picks} == {"first", "better"}


def test_text_in_markdown_is_not_escaped_twice() -> None:
    assert plain("the paper's a | b") == r"the paper's a \| b"
    assert plain("# 1 + 2 (x)") == r"\# 1 + 2 (x)"


@given(TEXT)
def test_text_in_markdown_is_one_line_of_text(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`*_\[\]]", shown)


def test_sixteen_runs_look_different_from_each_other() -> None:
    assert len({mark(number) for number in range(16)}) == 16


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_runs_stand_out_from_the_page(scheme: str) -> None:
    def colors(css: str, pattern: str) -> dict[str, str]:
        light, _, dark = css.partition("prefers-color-scheme: dark")
        return dict(re.findall(pattern, light if scheme == "light" else dark))

    card = colors(template("base.css"), r"--(card): (#[0-9a-f]{6});")["card"]
    runs = colors(template("report.css"), r"--(s-[a-h]): (#[0-9a-f]{6});")
    assert len(runs) == 8
    assert min(contrast(color, card) for color in runs.values()) >= 4.5


# Axes


@given(st.floats(1e3, 1e20), st.floats(1.01, 1e6))
def test_an_axis_has_marks_within_it(low: float, factor: float) -> None:
    ticks = log_ticks(low, low * factor)
    assert 1 <= len(ticks) <= 12
    assert all(low * 0.5 <= value <= low * factor * 2 for value, _ in ticks)
    assert len({label for _, label in ticks}) == len(ticks)


def test_a_power_is_written_as_people_write_it() -> None:
    assert [power(x) for x in (2.2e15, 1e12, 9.999e11, 3)] == ["2.2·10¹⁵", "10¹²", "10¹²", "3·10⁰"]


@given(st.lists(st.floats(0, 300), max_size=20).map(sorted))
def test_names_of_curves_are_moved_apart(places: list[float]) -> None:
    found = spread(places, 11.0, 0.0, 300.0)
    assert all(b - a >= 11.0 - 1e-6 for a, b in pairwise(found))


# Files and the command


def test_results_are_read_back_from_what_evaluate_wrote(tmp_path: Path) -> None:
    made = results(tmp_path / "r.jsonl", rows([1, 2]))
    found = read_results(made)
    assert list(found.rows) == rows([1, 2])
    assert found.benchmark == Asked("own", "0" * 64, 0, None, "")
    assert found.ks == KS


@pytest.mark.parametrize("what", ["no file", "no manifest", "other manifest", "other rows", "cut off"])
def test_a_file_that_is_no_result_is_refused(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_the_command_writes_page_markdown_and_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    one = results(tmp_path / "one.jsonl", rows([0, 1, 4]))
    (tmp_path / "b").mkdir()
    other = results(tmp_path / "b" / "two.jsonl", rows([2, 1, 4]))
    out = tmp_path / "deep" / "report"
    assert main(["report", one, f"A|$x$={other}", "-o", str(out), "--k", "1,4", "--examples", "1"]) == 0
    assert "3 plots" in capsys.readouterr().out
    text = (out / "report.md").read_text()
    assert r"| A\|\$x\$ |" in text
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert len(pictures) == 3
    for picture in pictures:
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
    assert json.loads(Page((out / "index.html").read_text()).raw["data"])["runs"] == ["one", "A|$x$"]
    assert main(["report", one, "-o", str(out)]) == 0, "a report replaces a report"


def test_the_numbers_are_there_for_programs_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = results(tmp_path / "one.jsonl", rows([0, 1, 4])), results(tmp_path / "two.jsonl", rows([2, 1, 4]))
    assert main(["report", one, other, "-o", str(tmp_path / "out"), "--k", "1,9", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert Path(found["page"]).exists() and Path(found["markdown"]).exists()
    (section,) = found["sections"]
    assert section["runs"]["one"]["pass_at_k"] == {
        "1": scores(counts_of(rows([0, 1, 4])), [1])[1].as_dict(),
        "9": None,
    }
    assert section["runs"]["two"]["verdicts"] == {"passed": 7, "error": 5}
    (difference,) = section["differences"]
    assert (difference["of"], difference["from"], difference["k"], difference["problems"]) == ("two", "one", 1, 3)
    assert difference["difference"]["value"] == pytest.approx(2 / 12)


def test_an_example_says_what_was_asked_and_the_page_holds_it_once(tmp_path: Path) -> None:
    path = results(tmp_path / "one.jsonl", rows([0, 1]))
    manifest = tmp_path / "one.manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"instructions": {"t/0": HOSTILE}}))
    found = report([Run("one", read_results(path))])
    assert [one.get("instruction") for one in found.examples] == [HOSTILE] * 4 + [None] * 4
    data = json.loads(Page(evaluation_page(found)).raw["data"])
    assert data["instructions"] == [HOSTILE]
    assert [one.get("instruction") for one in data["examples"]] == [0] * 4 + [None] * 4


def test_pictures_are_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    one = results(tmp_path / "one.jsonl", rows([0, 1, 4]), benchmark="humaneval")
    for name in "ab":
        assert main(["report", one, "-o", str(tmp_path / name), "--published"]) == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_without_matplotlib_there_are_no_pictures_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    one = results(tmp_path / "one.jsonl", rows([0, 1, 4]))
    assert main(["report", one, "-o", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "lintseq[plots]" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index.html", "report.md"]
    assert "![" not in (tmp_path / "out" / "report.md").read_text()
    assert "<svg viewBox" in (tmp_path / "out" / "index.html").read_text()


def test_runs_are_named_by_their_files_and_by_folders_where_these_are_alike(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        results(tmp_path / folder / "r.jsonl", rows([1, 2]))
    out = tmp_path / "out"
    assert main(["report", str(tmp_path / "a/r.jsonl"), str(tmp_path / "b/r.jsonl"), "-o", str(out)]) == 0
    assert json.loads(Page((out / "index.html").read_text()).raw["data"])["runs"] == ["a/r", "b/r"]


@pytest.mark.parametrize("name", ["index.html", "report.md"])
def test_what_is_no_report_is_not_replaced(name: str, tmp_path: Path) -> None:
    one = results(tmp_path / "one.jsonl", rows([1]))
    (tmp_path / name).write_text("mine")
    assert main(["report", one, "-o", str(tmp_path)]) == 2
    assert (tmp_path / name).read_text() == "mine"
    assert not (tmp_path / "pass-at-k.png").exists()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    one = results(tmp_path / "one.jsonl", rows([1]))
    assert main(["report", one, "-o", one]) == 2
