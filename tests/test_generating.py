"""Completions: prompts, settings, the file that survives a kill, servers that misbehave. Nothing here needs torch."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lintseq import __version__
from lintseq.benchmarks import load_problems, prompt_for
from lintseq.cli import main
from lintseq.codecs import DIFF, Resolution
from lintseq.errors import ConfigError
from lintseq.evaluation.completions import read_completions
from lintseq.lm.backends.backend import EditFilter, GeneratedCompletion, GenerationRequest, SamplingParameters
from lintseq.lm.generation import (
    CompletionOptions,
    TaskPrompt,
    complete,
    output_names,
    prompts_of,
    read_prompts,
    requests_of,
    seed_of,
    style_of,
)
from lintseq.lm.linted import DecodingOptions, edit_filters
from lintseq.lm.solving import Solution, SolveOptions, growing_text, solve, solve_request
from lintseq.program import Program

EXAMPLES = str(Path(__file__).parents[1] / "examples" / "problems.jsonl")
PROBLEMS = list(load_problems(EXAMPLES).problems)
GOOD = "@@ -0,0 +1,2 @@\n+def area(r):\n+    return r * r\n"


class Canned:
    """A backend with one answer to everything, which is killed after some answers."""

    def __init__(self, *, die_after: int | None = None, name: str = "canned", text: str = GOOD) -> None:
        self.die_after = die_after
        self.name = name
        self.text = text
        self.requests: list[GenerationRequest] = []

    def describe(self) -> dict[str, Any]:
        return {"model": self.name}

    def made_with(self) -> dict[str, Any]:
        return {}

    def warnings(self) -> tuple[str, ...]:
        return ()

    def generate(
        self, requests: list[GenerationRequest], sampling: SamplingParameters, *, on_text: Any = None, **_: Any
    ) -> Iterator[GeneratedCompletion]:
        for number, request in enumerate(reversed(requests)):  # not in the order of the requests
            if number == self.die_after:
                raise KeyboardInterrupt
            self.requests.append(request)
            for end in range(1, len(self.text) + 1) if on_text else ():
                on_text(request, self.text[:end])
            yield GeneratedCompletion(request, self.text, "end", 10, 20, 1000, {})


# Prompts and settings


def test_each_completion_has_its_own_seed_that_depends_on_nothing_else():
    prompts = [TaskPrompt("a", "x"), TaskPrompt("b", "y")]
    seeds = {(request.task_id, request.index): request.seed for request in requests_of(prompts, n=50, seed=0)}
    assert len(set(seeds.values())) == 100
    assert all(0 <= seed < 2**53 for seed in seeds.values())
    alone = requests_of([TaskPrompt("b", "other")], n=3, seed=0)
    assert [request.seed for request in alone] == [seeds["b", index] for index in range(3)]
    assert seed_of(1, "a", 0) != seed_of(0, "a", 0)


def test_a_sweep_is_a_grid_with_a_file_for_each_setting():
    grid = CompletionOptions(temperature=(0.2, 1.0), top_p=(0.9, 1.0)).grid()
    names = output_names("out/c.jsonl.gz", grid)
    assert names == [f"out/c.{name}.jsonl.gz" for name in ("t0.2_p0.9", "t0.2", "t1_p0.9", "t1")]
    assert output_names("c.jsonl", grid[:1]) == ["c.jsonl"]
    assert len(CompletionOptions(temperature=(1.0, 1.0)).grid()) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -1},
        {"top_p": 0},
        {"min_p": 2},
        {"top_k": -1},
        {"max_tokens": 0},
        {"max_tokens": 4, "min_tokens": 5},
    ],
)
def test_impossible_sampling_parameters_are_refused(settings):
    with pytest.raises(ConfigError, match=r"choose|at least"):
        SamplingParameters(**settings)


def test_the_recipe_in_a_models_folder_gives_its_prompts_and_format(tmp_path):
    assert style_of(str(tmp_path)).prompts is None
    for data, prompts, form in (
        ('arm = "edits"', "edits", "diff"),
        ('arm = "edits"\nformat = "udiff:2"\nlayout = "chat"', "messages", "udiff:2"),
        ('arm = "plain"', "plain", "code"),
    ):
        (tmp_path / "recipe.toml").write_text(f"[data]\n{data}\n")
        assert (style_of(str(tmp_path)).prompts, style_of(str(tmp_path)).format) == (prompts, form)


def test_solve_uses_the_prompts_of_the_benchmarks():
    problem = PROBLEMS[0]
    for style in ("edits", "messages"):
        request = solve_request(problem.instruction, style, Program(()), seed=0)
        assert request.prompt == prompt_for(problem, style)


def test_a_file_of_prompts_is_read_and_unusable_rows_are_refused(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "a"}\n{"task_id": "t", "messages": [{"role": "user", "content": "b"}]}\n')
    assert [prompt.task_id for prompt in read_prompts(str(path))] == ["1", "t"]
    for bad in (
        '{"prompt": 3}',
        '{"messages": []}',
        '{"task_id": "1", "prompt": "a"}\n{"task_id": "1", "prompt": "a"}',
        "",
    ):
        path.write_text(bad + "\n")
        with pytest.raises(ConfigError, match=r"p\.jsonl"):
            read_prompts(str(path))


# The file

OPTIONS = CompletionOptions(prompts="edits", n=2)


def test_evaluate_reads_what_complete_writes(tmp_path):
    output = tmp_path / "c.jsonl"
    report = complete(Canned(), EXAMPLES, output, OPTIONS)
    (tally,) = report.tallies.values()
    assert (tally.done, tally.tokens, tally.flops) == (24, 480, 24_000)
    requests = requests_of(prompts_of(PROBLEMS, "edits"), n=2, seed=0)
    completions = read_completions(str(output), PROBLEMS)
    assert (completions.format, completions.missing) == ("diff", ())
    assert [(item.task_id, item.index) for item in completions.items] == [
        (request.task_id, request.index) for request in requests
    ]
    costs = {(item.prompt_tokens, item.completion_tokens, item.flops) for item in completions.items}
    assert costs == {(10, 20, 1000.0)}
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert rows[3]["seed"] == requests[3].seed
    assert (rows[3]["finish_reason"], rows[3]["sampling"]) == ("end", "t1")
    manifest = json.loads((tmp_path / "c.manifest.json").read_text())
    assert manifest["made_with"]["lintseq"] == __version__


def test_an_interrupted_run_continues_and_gives_the_same_file(tmp_path):
    complete(Canned(), EXAMPLES, tmp_path / "whole.jsonl", OPTIONS)
    output = tmp_path / "c.jsonl"
    requested = 0
    for stop in (5, 0, 7, None):
        backend = Canned(die_after=stop)
        with contextlib.suppress(KeyboardInterrupt):
            complete(backend, EXAMPLES, output, OPTIONS, resume=True)
        requested += len(backend.requests)
        assert output.exists() == (stop is None)
        if stop is not None:
            with (tmp_path / "c.jsonl.partial" / "rows.jsonl").open("a") as torn:
                torn.write('{"task_id": "exa')  # as a kill leaves a line
    assert requested == 24
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not (tmp_path / "c.jsonl.partial").exists()


def test_resuming_with_other_settings_is_refused_with_the_difference(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        complete(Canned(die_after=2), EXAMPLES, tmp_path / "c.jsonl", OPTIONS)
    for backend, options, message in (
        (Canned(), CompletionOptions(prompts="edits", n=3), "n was 2, and is 3"),
        (Canned(name="other"), OPTIONS, "model was 'canned', and is 'other'"),
    ):
        with pytest.raises(ConfigError, match=message):
            complete(backend, EXAMPLES, tmp_path / "c.jsonl", options, resume=True)


# Edit by edit

LINTED = DecodingOptions(linted=True, tries=2)
REQUEST = GenerationRequest("t", 0, "x", 0)


def filter_of(options: DecodingOptions, request: GenerationRequest = REQUEST) -> EditFilter:
    filters = edit_filters(options, SamplingParameters(), "diff")
    assert filters is not None
    return filters(request)


def test_an_edit_is_rejected_if_it_is_malformed_or_leaves_a_worse_state():
    judge = filter_of(LINTED).judge
    assert judge("@@ -0,0 +1,2 @@\n+def area(r):\n+    return pi * r\n", last=False) == "redraw"  # pi is unknown
    assert judge("@@ -7,0 +1,2 @@\n+def area(r):\n+    return r\n", last=False) == "redraw"  # no line 7
    assert judge("@@ -0,0 +1,2 @@\n+def area(r):\n+    return r\n", last=False) == "keep"
    assert judge("@@ -1,0 +2 @@\n+    r = r + 1", last=False) == "redraw"  # the separator is inside the line
    assert judge("", last=True) == "redraw"
    assert judge("@@ -1,0 +2 @@\n+    r = r + 1\n", last=True) == "keep"


def test_rejected_edits_are_counted_by_reason():
    edit_filter = filter_of(LINTED)
    edit_filter.judge("@@ -0,0 +1,2 @@\n+def area(r):\n+    return pi * r\n", last=False)
    edit_filter.judge("", last=True)
    edit_filter.judge("@@ -0,0 +1,2 @@\n+def area(r):\n+    return r\n", last=True)
    assert edit_filter.report() == {"edits": 1, "rejected": {"unclean": 1, "malformed": 1}, "gave_up": 0}


def test_after_the_last_try_an_edit_is_kept_or_ends_the_completion():
    bad = "@@ -0,0 +1 @@\n+print(x)\n"
    for give_up, end in (("keep", "keep"), ("end", "drop")):
        edit_filter = filter_of(DecodingOptions(linted=True, tries=1, give_up=give_up))
        assert [edit_filter.judge(bad, last=False) for _ in range(2)] == ["redraw", end]
        assert edit_filter.report()["gave_up"] == 1
    keeping = filter_of(DecodingOptions(linted=True, tries=0))
    assert keeping.judge(bad, last=False) == "keep"
    assert keeping.judge("@@ -1,0 +2 @@\n+y = 1\n", last=False) == "keep"  # x was unknown before


def test_a_truncated_edit_is_dropped_unless_it_is_whole():
    judge = filter_of(LINTED).judge
    assert judge("@@ -0,0 +1,2 @@\n+def area(r", last=True, truncated=True) == "drop"
    assert judge("@@ -0,0 +1 @@\n+x = 1", last=True, truncated=True) == "keep"


def test_generation_stops_after_a_number_of_edits():
    judge = filter_of(DecodingOptions(stop_after_edits=2)).judge
    assert [judge("nonsense", last=False) for _ in range(2)] == ["keep", "stop"]


def test_findings_of_the_start_are_no_reason_to_reject():
    judge = filter_of(LINTED, GenerationRequest("t", 0, "x", 0, start="print(x)\n")).judge
    assert judge("@@ -1,0 +2 @@\n+y = 1\n", last=True) == "keep"


def test_linted_decoding_at_temperature_0_is_refused():
    with pytest.raises(ConfigError, match="temperature"):
        edit_filters(LINTED, SamplingParameters(temperature=0), "diff")


@pytest.mark.parametrize("options", [{"tries": -1}, {"give_up": "later"}, {"stop_after_edits": 0}])
def test_impossible_decoding_options_are_refused(options):
    with pytest.raises(ConfigError, match=r"must be|unknown"):
        DecodingOptions(**options)


# The command


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--n", "2", "--temperature", "0"], "same completion"),
        (["--temperature", "hot"], "numbers separated by commas"),
        (["--prompts", "nice"], "--prompts nice: use one of"),
        (["--backend", "openai"], "--url"),
        (["--backend", "other"], "--backend other: use one of"),
        (["--prompts", "plain", "--linted"], "need edits"),
        (["--linted", "--temperature", "0"], "temperature"),
        (["--prompts-file", "x"], "--benchmark, or"),
        (["--problems", "x"], "has no problem 'x'"),
        (["--skip-first", "99"], "leaves none"),
    ],
)
def test_the_command_refuses_impossible_settings_before_it_loads_a_model(tmp_path, capsys, options, message):
    base = ["complete", "--model", str(tmp_path), "--benchmark", EXAMPLES, "--output", str(tmp_path / "c.jsonl")]
    base += [] if "--prompts" in options else ["--prompts", "edits"]
    assert main([*base, *options]) == 2
    assert message in capsys.readouterr().err


TWO_EDITS = GOOD + "<|diff|>@@ -1,0 +2 @@\n+    r = r + 1\n"


def test_solve_returns_the_program_and_reports_every_change_of_it():
    seen: list[Resolution] = []
    model = Canned(text=TWO_EDITS)
    solution = solve("Compute an area.", model, SolveOptions(seed=3), on_progress=seen.append)
    assert solution.program.text == "def area(r):\n    r = r + 1\n    return r * r\n"
    assert [request.prompt for request in model.requests] == ["Compute an area.\n<|diff|>"]
    assert len(seen) == len(TWO_EDITS)
    assert seen[-1].program == solution.program
    assert seen[len(GOOD) - 1].text == "def area(r):\n    return r * r\n"
    assert growing_text(GOOD + "<|diff|>") == GOOD.removesuffix("\n")


def test_solve_starts_from_a_program():
    solution = solve("More.", Canned(text="@@ -1,0 +2 @@\n+y = 1\n"), start="x = 0\n")
    assert solution.program.text == "x = 0\ny = 1\n"


BROKEN = "@@ -0,0 +1,2 @@\n+def area(r):\n+    return r * (r\n"


@pytest.mark.parametrize(
    ("text", "check", "facts"),
    [
        (GOOD, None, (True, None)),
        (GOOD, "assert area(3) == 9", (True, "passed")),
        (GOOD, "assert area(3) == 3", (True, "failed")),
        (GOOD, "area()", (True, "error")),
        (BROKEN, None, (False, None)),
        (BROKEN, "assert area(3) == 9", (False, "error")),
    ],
)
def test_solve_says_whether_the_program_compiles_and_passes_its_check(text, check, facts, monkeypatch, capsys):
    monkeypatch.setattr("lintseq.lm.solving.open_backend", lambda *_, **__: Canned(text=text))
    command = ["solve", "Compute an area.", "--model", "canned", *(["--check", check] if check else [])]
    assert main([*command, "--json"]) == (facts[1] not in (None, "passed"))
    printed = json.loads(capsys.readouterr().out)
    assert (printed["compiles"], (printed["check"] or {}).get("verdict")) == facts
    main(command)
    shown = capsys.readouterr().out
    assert ("does not compile: line 2" in shown, "compiles" in shown) == (not facts[0], facts[0])
    assert ("check: " in shown, f"check: {facts[1]}" in shown) == (bool(check), bool(check))


def test_a_check_may_be_a_file_and_must_be_code(tmp_path):
    path = tmp_path / "check.py"
    path.write_text("assert area(2) == 4\n")
    solution = solve("Compute an area.", Canned(), SolveOptions(check=str(path)))
    assert solution.checked is not None and solution.checked.verdict == "passed"
    model = Canned()
    for check in ("no file.py", str(tmp_path)):
        with pytest.raises(ConfigError, match="neither a file nor Python code: line 1"):
            solve("Compute an area.", model, SolveOptions(check=check))
    assert not model.requests


def test_a_terminal_shows_the_program_growing_in_one_area_of_the_screen():
    import io

    from rich.console import Console

    from lintseq.cli.solve import print_solution, program_view

    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=60, height=20, highlight=False, markup=False)
    with program_view(terminal) as (on_progress, on_notice):
        assert on_progress is not None
        on_notice("loading the model")
        for end in range(len(TWO_EDITS) + 1):
            on_progress(DIFF.resolve(growing_text(TWO_EDITS[:end])))
    grown = out.getvalue()
    assert "loading the model ..." in grown
    assert "+     r = r + 1" in grown
    assert grown.count("edit 2:") <= len(TWO_EDITS) - len(GOOD), "each frame is drawn once, and none above another"

    def print_text(text: str, **more: Any) -> str:
        completion = GeneratedCompletion(REQUEST, text, "end", 5, 30, None, more)
        print_solution(Solution(completion, DIFF.resolve(text)), terminal)
        return out.getvalue()

    printed = print_text(TWO_EDITS, rejected={"unclean": 2})
    assert "2 unclean edits redrawn" in printed
    assert "the text has no edits" not in printed
    assert "the text has no edits" in print_text("def area(r):\n    return r * r\n")
