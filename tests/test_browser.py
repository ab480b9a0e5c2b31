"""The pages in a real browser: they show what is so, by mouse, keys and touch, wide and narrow."""

import contextlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from lintseq.cli import main
from lintseq.codecs import CODECS, DIFF
from lintseq.dataset.browsing import StoredSequence, survey
from lintseq.dataset.shapes import SHAPES, ProgramRow
from lintseq.edits import EditSequence
from lintseq.languages import get_language
from lintseq.program import Program
from lintseq.program.markdown import code_from_markdown
from lintseq.reporting.numbers import plural
from lintseq.walks import sample_edits

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

EXAMPLES = Path(__file__).parents[1] / "examples"
GROWING = (EXAMPLES / "growing.py").read_text()
EVIL = (
    "x = '</script><script>alert(1)</script><img src=x onerror=alert(2)>'\r\n"
    "y = '\u202e \u2028 \x0c \x1b[31m \u200b é 漢 😀'\r\n"
    "\tz = '''\n\n\n\ud800\n'''\n\x0c\n# {{body}} &lt; <!--\n"
)
WIDTHS = [1280, 400]


def rows() -> Iterator[dict[str, Any]]:
    """Yield rows of many kinds: what can be drawn, what is odd, what starts in the middle, other formats."""
    for number, line in enumerate((EXAMPLES / "pairs.jsonl").read_text().splitlines()[:12]):
        pair = json.loads(line)
        program = code_from_markdown(pair["response"], get_language())
        item = ProgramRow(pair["id"], pair["instruction"], program)
        linter = "pylint" if number % 3 == 0 else "native"
        yield SHAPES["lintseq"].write(
            item, sample_edits(program, seed=number), 0, {"linter": linter, "seed": number}, DIFF
        )
    growing = ProgramRow("growing", "Let it <b>grow</b>.", GROWING)
    yield SHAPES["lintseq"].write(growing, sample_edits(GROWING, seed=2), 0, {"linter": "native", "seed": 2}, DIFF)
    middle = sample_edits(GROWING, seed=2).after(2)
    yield SHAPES["lintseq"].write(growing, middle, 0, {"linter": "native"}, CODECS["search-replace"])
    yield SHAPES["prompt-completion"].write(growing, sample_edits(GROWING, seed=3), 1, {}, DIFF)
    lines = Program.from_text(EVIL)
    evil = EditSequence(lines, tuple(number % 3 for number in range(len(lines.lines))))
    yield SHAPES["lintseq"].write(ProgramRow("</script>", EVIL, EVIL), evil, 0, {"linter": "none"}, DIFF)
    long = "\n".join(f"value_{n} = {n}  # " + "long " * 30 for n in range(120))
    yield SHAPES["lintseq"].write(
        ProgramRow("long", "Many lines.", long), sample_edits(long, seed=1), 0, {"linter": "native"}, DIFF
    )
    old = GROWING.replace("radius", "r").replace("    # ", '    """Since\n    2020."""\n    # ')
    changed = sample_edits(GROWING, start=old, seed=1)
    yield SHAPES["lintseq"].write(ProgramRow("changed", "Rename.", GROWING), changed, 0, {"linter": "native"}, DIFF)
    yield {"nothing": "to see"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "edits.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    assert main(["view", str(path)]) == 0
    assert main(["stats", str(path), "--html", str(path.with_name("stats.html"))]) == 0
    return path


@pytest.fixture(scope="module")
def kept(data: Path) -> list[StoredSequence]:
    return survey(str(data)).sample


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any, data: Path) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a page; at the end, check that it logged no errors and made no requests."""
    faults: list[str] = []
    with contextlib.ExitStack() as contexts:

        def open(name: str = "edits.html", fragment: str = "", *, width: int = 1280, dark: bool = False) -> Any:
            context = contexts.enter_context(
                browser.new_context(
                    viewport={"width": width, "height": 800},
                    color_scheme="dark" if dark else "light",
                    has_touch=width < 500,
                    reduced_motion="reduce",
                )
            )
            page = context.new_page()
            page.set_default_timeout(10_000)
            page.on("console", lambda message: faults.append(f"console: {message.text}"))
            page.on("pageerror", lambda error: faults.append(f"error: {error}"))
            page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
            page.on("request", lambda request: faults.append(request.url) if request.url != page.url else None)
            page.goto(data.with_name(name).as_uri() + fragment)
            faults[:] = [fault for fault in faults if not fault.startswith(data.with_name(name).as_uri())]
            return page

        yield open
    assert faults == []


def seen(line: str) -> str:
    """Return a line as the page shows it: what cannot be seen, as a sign."""
    paired = line.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    odd = re.compile(
        "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
    )
    return odd.sub(sign, paired)


def sign(match: re.Match[str]) -> str:
    """Return Python's escape of a character."""
    code = ord(match[0])
    named = {"\r": "\\r", "\f": "\\f", "\v": "\\v"}.get(match[0])
    return named or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def rendered_lines(page: Any) -> list[tuple[str, str, bool]]:
    """Return number, text and whether it is marked as new, of each line on the page."""
    script = """rows => rows.map(row => [row.querySelector('.no').textContent,
        row.querySelector('code').textContent, row.classList.contains('new')])"""
    return [(number, text, new) for number, text, new in page.eval_on_selector_all("#rows li", script)]


def expected(sequence: EditSequence, step: int) -> list[tuple[str, str, bool]]:
    """Return the lines expected after `step` edits, with those that the last one removes."""
    if step:
        state = next(islice(sequence.states(), step - 1, None))
        lines = Program.from_text(state).lines
    else:
        lines = sequence.start.lines
    departures = sequence.departures or [sys.maxsize] * len(sequence.arrivals)
    rows, number, before = [], 0, 0
    for line, arrival, departure in zip(sequence.merged.lines, sequence.arrivals, departures, strict=True):
        before += arrival < step - 1 <= departure
        if arrival < step <= departure:
            number += 1
            assert line == lines[number - 1]
            rows.append((str(number), seen(line), step > 0 and arrival == step - 1))
        elif departure == step - 1:
            rows.append((str(before), seen(line), False))
    assert number == len(lines)
    return rows


def position_of(page: Any) -> str:
    """Return the current row and edit."""
    return page.get_attribute("main", "data-position")


# The rendered lines


@pytest.mark.slow
def test_keys_step_through_exactly_the_states_of_every_sequence(opened: Any, kept: list[StoredSequence]) -> None:
    page = opened()
    for index, row in enumerate(kept):
        assert position_of(page).startswith(f"{row.number}.")
        page.keyboard.press("Home")
        inserted, removed = row.sequence.inserted(), row.sequence.removed()
        for step in range(len(row.sequence) + 1):
            assert position_of(page) == f"{row.number}.{step}"
            assert rendered_lines(page) == expected(row.sequence, step), f"row {row.number}, step {step}"
            if step:
                text = page.text_content("#edit")
                assert text == seen_text(row.record.edits[step - 1])
                counts = [("+", len(inserted[step - 1])), ("−", len(removed[step - 1]))]
                texts = [f"{sign}{plural(count, 'line')}" for sign, count in counts if count]
                assert page.text_content("#status") == f"Edit {step} of {len(row.sequence)} {', '.join(texts)}"
            page.keyboard.press("ArrowRight")
        assert position_of(page) == f"{row.number}.{len(row.sequence)}", "there is nothing after the last edit"
        page.keyboard.press("j" if index % 2 else "PageDown")


def seen_text(text: str) -> str:
    return "\n".join(map(seen, text.split("\n")))


@pytest.mark.slow
def test_buttons_and_the_slider_step_as_keys_do(opened: Any, kept: list[StoredSequence]) -> None:
    page = opened(fragment="#13.0")
    growing = kept[12].sequence
    steps = [("#on", 1), ("#on", 2), ("#back", 1), ("#last", 4), ("#back", 3), ("#first", 0), ("#on", 1)]
    for button, step in steps:
        page.click(button)
        assert position_of(page) == f"13.{step}"
        assert rendered_lines(page) == expected(growing, step)
    assert page.is_enabled("#back")
    page.click("#first")
    assert page.is_disabled("#back")
    assert page.is_disabled("#first")
    box = page.locator("#slider").bounding_box()
    for step in (4, 0, 2, 3):
        page.mouse.click(box["x"] + box["width"] * (step + 0.5) / 5, box["y"] + box["height"] / 2)
        assert position_of(page) == f"13.{step}"
        assert page.locator("#bars > .now").evaluate("bar => [...bar.parentElement.children].indexOf(bar)") == step
    page.keyboard.press("ArrowLeft")
    assert position_of(page) == "13.2", "the slider has the focus, and a key makes one step"
    page.keyboard.press("End")
    assert page.is_disabled("#on")


@pytest.mark.slow
def test_playing_goes_on_to_the_last_edit_and_stops(opened: Any) -> None:
    page = opened(fragment="#13.1")
    page.clock.install()
    page.keyboard.press(" ")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.clock.run_for(1200)
    assert position_of(page) == "13.2"
    page.keyboard.press(" ")
    page.clock.run_for(5000)
    assert position_of(page) == "13.2"
    page.click("#play")
    page.clock.run_for(10_000)
    assert position_of(page) == "13.4"
    assert page.get_attribute("#play", "aria-label") == "Play"
    page.click("#play")
    assert position_of(page) == "13.0", "playing restarts from the end"


def test_an_address_leads_to_a_row_and_an_edit(opened: Any, kept: list[StoredSequence]) -> None:
    page = opened(fragment="#14.1")
    assert rendered_lines(page) == expected(kept[13].sequence, 1)
    page.evaluate("location.hash = '#13.3'")
    sync_api.expect(page.locator("#rows li")).to_have_count(8)
    assert rendered_lines(page) == expected(kept[12].sequence, 3)
    page.keyboard.press("End")
    page.wait_for_url("**/edits.html#13.4")
    page.evaluate("location.hash = '#99999.3'")
    assert rendered_lines(opened(fragment="#nonsense")) == expected(kept[0].sequence, 1)


@pytest.mark.slow
def test_a_sequence_that_starts_in_the_middle_shows_what_is_there(opened: Any, kept: list[StoredSequence]) -> None:
    page = opened(fragment="#14.0")
    assert len(rendered_lines(page)) == kept[13].sequence.arrivals.count(-1) > 0
    assert page.text_content("#why") == "These lines are there from the start."
    assert "format search-replace" in page.text_content("#facts")


@pytest.mark.slow
def test_the_instruction_and_the_id_are_shown_as_text(opened: Any) -> None:
    page = opened(fragment="#13.1")
    assert page.text_content("#instruction") == "Let it <b>grow</b>."
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.text_content("#name") == "</script>"
    assert "onerror" in page.text_content("#instruction")
    assert page.locator("main img").count() == 0


# Why


@pytest.mark.slow
def test_the_needs_of_an_edit_are_told_and_marked(opened: Any) -> None:
    page = opened(fragment="#13.4")
    assert page.text_content("#why") == "All of this needs line 11, directly or through other lines."
    assert page.locator("#needs li").all_text_contents() == [
        "line 11 needs a body in line 12 or 13",
        "line 12 needs its header and `radius` in line 11",
        "line 13 needs its header and `name` in line 11 and `size` in line 12",
    ]
    page.hover("#rows li:nth-child(13)")
    assert page.text_content("#detail") == "Line 13 needs its header and `name` in line 11 and `size` in line 12."
    assert marked(page, "looked") == [13]
    assert marked(page, "needed") == [9, 10, 11, 12], "blank lines go with the line below"
    page.hover("#rows li:nth-child(9)")
    assert page.text_content("#detail") == "Line 9 goes with line 11. Line 11 needs a body in line 12 or 13."
    page.hover("#name")
    assert page.text_content("#detail") == ""
    assert marked(page, "looked") == []
    page.focus("#needs li:nth-child(2) button")
    assert marked(page, "needed") == [9, 10, 11]


@pytest.mark.slow
def test_the_needs_of_needs_are_told_apart(opened: Any) -> None:
    page = opened(fragment="#13.3")
    page.focus("#rows .new[tabindex='0']")
    assert page.text_content("#detail") == "Line 5 goes with line 6. Line 6 needs a body in line 7."
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.text_content("#detail") == "Line 7 needs its header in line 6."
    page.keyboard.press("ArrowRight")
    assert position_of(page) == "13.4"


@pytest.mark.slow
def test_no_line_is_marked_that_a_line_could_live_without(opened: Any, kept: list[StoredSequence]) -> None:
    page = opened()
    for row in kept[:13]:
        analysis, arrivals = get_language().analyze(row.sequence.program), row.sequence.arrivals
        for edit, lines in enumerate(row.sequence.inserted()):
            page.evaluate("([row, edit]) => { location.hash = `#${row}.${edit}`; }", [row.number, edit + 1])
            sync_api.expect(page.locator("main")).to_have_attribute("data-position", f"{row.number}.{edit + 1}")
            present = [line for line, arrival in enumerate(arrivals) if arrival <= edit]
            for line in lines:
                unit = analysis.anchor_of[line]
                page.evaluate("line => look(line)", line)
                alone = set(marked(page, "needed") if " or " not in page.text_content("#detail") else [])
                for number in alone | set(marked(page, "through")):
                    removals = analysis.needs.start()
                    for later, arrival in enumerate(arrivals):
                        late = analysis.unit_of[later]
                        if arrival > edit and late is not None and not removals.removed[late]:
                            removals.remove(late)
                    closure = removals.remove(analysis.anchor_of[present[number - 1]])
                    assert unit in closure, f"row {row.number}, edit {edit + 1}: line {line + 1} without line {number}"


def marked(page: Any, kind: str) -> list[int]:
    return [int(number) for number in page.locator(f"#rows .{kind} .no").all_text_contents()]


@pytest.mark.slow
def test_a_tap_holds_a_line_and_another_lets_go(opened: Any) -> None:
    page = opened(fragment="#13.4", width=400)
    page.locator("#rows li:nth-child(13)").tap()
    assert marked(page, "looked") == [13]
    detail = page.locator("#detail")
    assert detail.text_content() == "Line 13 needs its header and `name` in line 11 and `size` in line 12."
    box = detail.bounding_box()
    assert 0 <= box["y"] < box["y"] + box["height"] <= 800, "readable without scrolling"
    page.locator("#rows li:nth-child(13)").tap()
    assert detail.text_content() == ""


@pytest.mark.slow
def test_what_cannot_be_analyzed_is_said_to_be_so(opened: Any) -> None:
    page = opened(fragment="#16.1")
    assert page.text_content("#why").startswith("The program cannot be analyzed: ")
    page.hover("#rows .new >> nth=0")
    assert page.text_content("#detail") == ""


# Finding


def listed(page: Any) -> list[int]:
    return [int(row) for row in re.findall(r"row (\d+) ", " ".join(page.locator("#list .much").all_text_contents()))]


@pytest.mark.slow
def test_filters_let_through_what_they_say(opened: Any, kept: list[StoredSequence]) -> None:
    page = opened()
    assert listed(page) == [row.number for row in kept]

    def by(wanted: Callable[[StoredSequence], bool], **fields: str) -> None:
        for name, value in fields.items():
            page.fill(f"#{name.replace('_', '-')}", value)
        rows = [row.number for row in kept if wanted(row)]
        assert 0 < len(rows) < len(kept)
        assert listed(page) == rows
        assert page.text_content("#found") == f"{len(rows)} of {len(kept)} sequences"
        assert int(position_of(page).partition(".")[0]) in rows
        page.click("#clear")
        sync_api.expect(page.locator("#list li")).to_have_count(len(kept))

    by(lambda row: 3 <= len(row.sequence) <= 5, edits_min="3", edits_max="5")
    by(lambda row: len(row.sequence.program.lines) >= 20, lines_min="20")
    by(lambda row: len(row.sequence.program.lines) <= 13, lines_max="13")
    by(lambda row: "GROW" in f"{row.record.id} {row.record.instruction}".upper(), word="gRoW")
    by(lambda row: "square centimeters" in row.sequence.program.text, word="square centimeters")
    page.select_option("#linter", "pylint")
    by(lambda row: row.record.meta.get("linter") == "pylint")


@pytest.mark.slow
def test_going_on_stays_within_what_was_found(opened: Any, kept: list[StoredSequence]) -> None:
    page = opened()
    page.keyboard.press("/")
    page.keyboard.type("growing")
    assert listed(page) == [13, 14, 15]
    assert page.locator("#bars .now").count() == 1
    assert position_of(page).startswith("13."), "keys typed into a field do not step"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert position_of(page).startswith("15.")
    assert page.is_disabled("#sequence-on")
    page.click("#sequence-back")
    assert position_of(page).startswith("14.")
    page.fill("#word", "nothing is like this")
    assert page.text_content("#found") == "No sequence is like that"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert position_of(page).startswith("14.")
    page.click("#clear")
    page.click("#list li:nth-child(2) button")
    assert position_of(page).startswith("2.")
    assert page.locator("#list [aria-current]").count() == 1


@pytest.mark.slow
def test_the_keys_are_listed_and_rest_while_they_are(opened: Any) -> None:
    page = opened(fragment="#13.1")
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("ArrowRight")
    assert position_of(page) == "13.1"
    page.keyboard.press("Escape")
    assert page.is_hidden("#help")
    page.keyboard.press("ArrowRight")
    assert position_of(page) == "13.2"
    page.keyboard.press("Control+j")
    assert position_of(page) == "13.2"


# Plots


@pytest.mark.slow
def test_the_plots_count_the_data_set_and_mark_what_is_shown(opened: Any, data: Path) -> None:
    found = survey(str(data))
    page = opened(fragment="#13.4")
    for name, counts in (("edits", found.edits), ("lines", found.lines)):
        script = "rows => rows.map(row => [row.dataset.low, row.dataset.high, row.children[2].textContent])"
        bins = page.eval_on_selector_all(f"[data-chart={name}] tbody tr", script)
        assert sum(int(number.replace(",", "")) for *_, number in bins) == counts.total()
        for low, high, number in bins:
            assert int(number.replace(",", "")) == sum(n for v, n in counts.items() if int(low) <= v <= int(high))
    assert page.locator("[data-chart=edits] .here th").all_text_contents() == ["4"]
    assert page.locator("[data-chart=lines] .here th").all_text_contents() == ["5"]
    assert page.locator("[data-chart=edits] rect").first.bounding_box()["width"] > 1
    assert "1 row could not be read: no-field 1." in page.text_content(".notes")


# Wide and narrow, light and dark

CONTROLS = ["#first", "#back", "#play", "#on", "#last", "#sequence-back", "#sequence-on"]


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("fragment", ["#13.4", "#16.2", "#17.30"])
def test_it_fits_and_its_controls_are_at_hand(opened: Any, fragment: str, width: int, dark: bool) -> None:
    page = opened(fragment=fragment, width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for control in CONTROLS:
        box = page.locator(control).bounding_box()
        assert min(box["width"], box["height"]) >= 40
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        assert 0 <= box["y"] <= box["y"] + box["height"] <= 800, "seen without scrolling"
        middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        script = "([x, y, id]) => document.elementFromPoint(x, y).closest(id) !== null"
        assert page.evaluate(script, [*middle, control]), f"something covers {control}"
    row = page.locator("#rows .new").first.bounding_box()
    assert row["y"] < 800, "what is new can be seen"
    dark_paper = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 20, 23)"
    assert dark_paper is dark


@pytest.mark.slow
def test_it_is_used_by_touch_on_a_phone(opened: Any) -> None:
    page = opened(fragment="#13.1", width=400)
    page.locator("#on").tap()
    assert position_of(page) == "13.2"
    assert page.is_hidden("#filters")
    page.locator("#browse-toggle").tap()
    assert page.get_attribute("#browse-toggle", "aria-expanded") == "true"
    page.fill("#word", "growing")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.locator("#list li:nth-child(2) button").tap()
    assert position_of(page).startswith("14.")
    assert page.is_hidden("#filters")
    page.locator("#sequence-on").tap()
    assert position_of(page).startswith("15.")


@pytest.mark.slow
def test_a_long_program_scrolls_within_its_own_pane(opened: Any, kept: list[StoredSequence]) -> None:
    for width in WIDTHS:
        page = opened(fragment="#17.100", width=width)
        pane, row = page.locator("#program").bounding_box(), page.locator("#rows .new").first.bounding_box()
        assert pane["y"] <= row["y"] <= pane["y"] + pane["height"]
        assert page.evaluate("scrollY") == 0
        assert page.evaluate("(pane => pane.scrollWidth > pane.clientWidth)(document.querySelector('#program'))")
        page.keyboard.press("Shift+ArrowRight")
        assert page.evaluate("document.querySelector('#program').scrollLeft") == 120
        assert page.locator("#rows .new .no").first.bounding_box()["x"] >= pane["x"], "line numbers stay"
        assert position_of(page) == "17.100"


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_numbers_fits(opened: Any, width: int, dark: bool) -> None:
    page = opened("stats.html", width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("(box => box.scrollWidth <= box.clientWidth)(document.querySelector('.numbers'))")
    assert page.locator(".chart").count() == 3
    assert page.locator(".chart rect").first.bounding_box()["width"] > 1
    assert page.locator(".tiles dd").first.text_content() == "18"


# Reports


def example(index: int, verdict: str, **columns: Any) -> dict[str, Any]:
    """Return a row as `lintseq evaluate` writes it, of one of three problems."""
    detail = "" if verdict == "passed" else "ValueError: <b>no</b> (program.py, line 1)"
    faults = {"edits": 2, "malformed_edits": int(verdict != "passed"), "ignored_edits": 0, "notes": 0}
    texts = {"format": "diff", "completion": f"<|diff|>@@ -0,0 +1 @@\n+{index}\n", "text": GROWING}
    result = {
        "task_id": f"t/{index % 3}",
        "index": index // 3,
        "verdict": verdict,
        "detail": detail,
        "cpu_seconds": 0.1,
    }
    return result | faults | texts | columns


@pytest.fixture(scope="module")
def reported(data: Path) -> None:
    """Write a report of two runs next to the other pages, one hostile."""
    verdicts = ["passed", "error", "failed", "passed", "error", "error"] * 20
    for name, evil in (("plain", {}), ("evil", {"completion": EVIL, "text": EVIL, "suspect": [EVIL]})):
        rows = [example(number, verdict, **evil) for number, verdict in enumerate(verdicts)]
        path = data.with_name(f"{name}.jsonl")
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        bench = {"name": "humaneval", "problems": 3, "sha256": "", "version": "own"}
        cost = {"flops_at_k": {"1": 1e15, "5": 5e15, "10": 1e16}}
        manifest = {"settings": {"benchmark": bench, "completions": {"sha256": "0"}}}
        manifest["summary"] = {"benchmark": bench, "problems_scored": 3, "problems_not_run": {}, "cost": cost}
        manifest["summary"] |= {"verdicts": {}, "suspect": 0, "missing_problems": 0}
        manifest["summary"]["pass_at_k"] = {"1": 0, "5": 0, "10": 0}
        manifest["instructions"] = {"t/0": "Let it <b>grow</b>.\nLine by line." if name == "plain" else EVIL}
        data.with_name(f"{name}.manifest.json").write_text(json.dumps(manifest))
    runs = [str(data.with_name("plain.jsonl")), f"</script><b>a-run-with-a-long-name={data.with_name('evil.jsonl')}"]
    folder = data.with_name("report")
    assert main(["report", *runs, "--output", str(folder), "--published", "--examples", "40"]) == 0
    shutil.copy(folder / "index.html", data.with_name("report.html"))


@pytest.mark.slow
@pytest.mark.usefixtures("reported")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_report_fits_and_its_plots_are_drawn(opened: Any, width: int, dark: bool) -> None:
    page = opened("report.html", width=width, dark=dark)
    page.locator("#list summary").first.click()
    page.locator("section > details > summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    bars = page.locator("[data-table=verdict] .share")
    assert len({round(bar.bounding_box()["width"]) for bar in bars.all()}) == 1, "bars of all runs have one scale"
    scrolls = "(box => box.scrollWidth > box.clientWidth)(document.querySelector('[data-table=verdict] .scroll'))"
    assert not page.evaluate(scrolls)
    assert page.locator(".plot").count() == 2
    for plot in page.locator(".canvas svg").all():
        box = plot.bounding_box()
        assert box["width"] > 250
        for mark in plot.locator(".dot").all():
            mark_box = mark.bounding_box()
            assert box["x"] <= mark_box["x"] <= box["x"] + box["width"]
            assert box["y"] <= mark_box["y"] <= box["y"] + box["height"]


@pytest.mark.slow
@pytest.mark.usefixtures("reported")
def test_a_number_leads_to_the_examples_behind_it(opened: Any) -> None:
    page = opened("report.html")
    assert page.text_content("#found") == "240 examples"
    page.locator("[data-table=verdict] .pick[data-verdict=error][data-run=plain]").click()
    assert page.text_content("#found") == "60 of 240 examples"
    assert page.input_value("#verdict") == "error"
    assert page.locator("#list > li").count() == 40
    page.click("#more")
    assert page.locator("#list > li").count() == 60
    assert page.locator("#list .verdict").evaluate_all("all => all.every(one => one.textContent === 'error')")
    page.click("#clear")
    page.select_option("#run", "plain")
    page.select_option("#edits", "malformed")
    assert page.text_content("#found") == "80 of 240 examples"
    page.fill("#word", "no such word")
    assert page.text_content("#found") == "No examples match"
    page.click("#clear")
    assert page.text_content("#found") == "240 examples"


@pytest.mark.slow
@pytest.mark.usefixtures("reported")
def test_an_example_shows_its_program_its_edits_and_its_verdict(opened: Any) -> None:
    page = opened("report.html")
    page.select_option("#verdict", "error")
    page.locator("#list summary").first.click()
    assert page.locator(".verdict-detail").text_content() == "ValueError: <b>no</b> (program.py, line 1)"
    assert page.locator(".instruction").count() == 0, "the instruction of t/1 is unknown"
    assert page.locator(".numbered .row").all_text_contents() == GROWING.rstrip("\n").split("\n")
    assert "".join(page.locator(".block").nth(1).locator(".plus").all_text_contents()) == "+1"


@pytest.mark.slow
@pytest.mark.usefixtures("reported")
def test_an_example_shows_what_was_asked(opened: Any) -> None:
    page = opened("report.html")
    page.fill("#word", "line by line")
    assert page.text_content("#found") == "40 of 240 examples"
    page.locator("#list summary").first.click()
    assert page.locator(".instruction").text_content() == "Let it <b>grow</b>.\nLine by line."


@pytest.mark.slow
@pytest.mark.usefixtures("reported")
def test_what_a_model_wrote_does_nothing_on_a_report(opened: Any) -> None:
    page = opened("report.html")
    page.select_option("#run", "</script><b>a-run-with-a-long-name")
    page.locator("#list summary").first.click()
    lines = EVIL.removesuffix("\n").split("\n")
    assert page.locator(".numbered .row").all_text_contents() == [seen(line) for line in lines]
    assert page.locator("img").count() == 0
