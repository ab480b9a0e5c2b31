"""A study: its file, its steps, doing them, and what is said of them."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from math import fsum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lintseq.cli import main
from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation.results import Evaluation, JudgedCompletion
from lintseq.lm.recipes import as_table, from_table
from lintseq.study import packing, running
from lintseq.study.files import Arm, Base, Benchmark, Corpus, Finetune, Pairs, Sampling, Study, Tokenizer, read_study
from lintseq.study.findings import (
    Found,
    chosen,
    difference,
    gather,
    mean_of,
    sentences,
    verdicts_of,
)
from lintseq.study.findings import (
    as_table as found_table,
)
from lintseq.study.plan import HERE, Plan, Setting, Step, fingerprints, plan_of
from lintseq.study.report import write_report

STUDY = Study(
    title="A <b>small</b> study",
    pairs=Pairs(inputs=("pairs.jsonl",)),
    base=Base(pretrain="pretrain.toml", tokenizer=Tokenizer(inputs=("pairs.jsonl",), vocab=512)),
    finetune=Finetune(recipe="finetune.toml"),
    arms={"plain": Arm(trains_on="plain"), "edits": Arm(), "random": Arm(linter="none")},
    benchmarks=(Benchmark(name="choose.jsonl", validation=True), Benchmark(name="ask.jsonl")),
    sampling=Sampling(n=4, temperature=(0.2, 1.0)),
    seeds=(0, 1),
    k=(1, 2),
)
FILES = {"choose.jsonl": "choose.jsonl", "ask.jsonl": "ask.jsonl"}


# The file


def test_a_study_reads_back_as_it_was_written() -> None:
    assert from_table(as_table(STUDY), Study, "here") == STUDY


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"arms": {}}, "arms is empty"),
        ({"arms": {"a b": {}}}, "becomes part of file names"),
        ({"arms": {"plain": {"trains_on": "plain"}}}, "there is none"),
        ({"arms": {"plain": {"rows_of": "edit"}}}, "the other arms are none"),
        ({"baseline": "plan"}, "baseline is 'plan'; the arms are plain, edits, random"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [1, 1]}, "each counts once"),
        ({"k": [1, 9]}, "k has 9, and each problem gets 4 completions"),
        ({"base": {}}, "base names both a model and a recipe, or neither"),
        ({"base": {"model": "x", "pretrain": "y"}}, "base names both"),
        ({"benchmarks": [{"name": "x", "validation": True}]}, "all benchmarks are for validation"),
        ({"benchmarks": [{"name": "x"}, {"name": "x"}]}, "named twice"),
        ({"base": {"model": "x", "corpora": {"y": {"inputs": ["z"]}}}}, "nothing is pretrained; give base.pretrain"),
        (
            {"base": {"pretrain": "x", "corpora": {"y/z": {"inputs": ["z"]}}}},
            "corpus 'y/z' becomes part of file names",
        ),
        ({"benchmarks": [{"name": "x", "label": "a/b"}]}, "label 'a/b' becomes part of file names"),
        ({"benchmarks": [{"name": "x", "label": "y"}, {"name": "y"}]}, "named twice"),
        ({"arm": {}}, "unknown key arm; did you mean arms?"),
        ({"ask": {"edits": "rand"}}, "the arms are plain, edits, random"),
    ],
)
def test_what_cannot_be_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_table({**as_table(STUDY), "base": {"model": "m"}, **changes}, Study, "study.toml")
    assert told in str(caught.value)
    assert str(caught.value).startswith("study.toml: ")


# The steps


def planned(study: Study = STUDY) -> Plan:
    return plan_of(study, files=FILES)


def prints_of(study: Study, checksums: dict[str, str] | None = None) -> dict[str, str]:
    steps = planned(study).steps
    return fingerprints(steps, {file: (checksums or {}).get(file, file) for one in steps for file in one.files}, "1")


def test_steps_come_after_what_they_need_and_each_has_a_place_of_its_own() -> None:
    plan = planned()
    seen: set[str] = set()
    for step in plan.steps:
        assert set(step.needs) <= seen
        seen.add(step.name)
    places = [step.place for step in plan.steps]
    assert len(set(places)) == len(places)
    assert not any(one != other and one.startswith(other + "/") for one in places for other in places)
    # two builds, a tokenizer, a base; then for each of three arms and two seeds a model, and for each of those
    # two benchmarks at two temperatures completions and results
    assert len(plan.steps) == 2 + 2 + 6 + 6 * 4 * 2
    assert len(plan.results) == 6 * 4


def test_a_seed_is_asked_whole_before_the_next_one_and_a_model_before_the_next_is_trained() -> None:
    trained = [step for step in planned().steps if step.kind in ("finetune", "complete", "evaluate")]
    arms = list(STUDY.arms)
    kinds = [(step.kind, next(arm for arm in arms if arm in step.name)) for step in trained]
    for_each_arm = [[("finetune", arm), *[("complete", arm), ("evaluate", arm)] * 4] for arm in arms]
    assert kinds == [one for steps in for_each_arm for one in steps] * 2


def test_an_arm_without_models_of_its_own_draws_from_those_of_another() -> None:
    linted = Arm(same_model_as="edits", complete=("--linted",))
    plan = planned(replace(STUDY, arms={"linted": linted, **STUDY.arms}))
    assert "finetune linted 0" not in {step.name for step in plan.steps}
    (step,) = [step for step in plan.steps if step.name == "complete ask/linted-0-t1"]
    assert step.needs == ("finetune edits 0",)
    assert "--linted" in step.command


def test_each_seed_may_have_a_base_of_its_own_which_all_arms_share() -> None:
    plan = planned(replace(STUDY, base=replace(STUDY.base, each_seed=True)))
    steps = {step.name: step for step in plan.steps}
    assert [name for name in steps if name.startswith("pretrain")] == ["pretrain 0", "pretrain 1"]
    assert not any(step.is_waited_for for step in plan.steps)
    assert [step.name for step in planned().steps if step.is_waited_for] == ["pretrain"]
    for seed in STUDY.seeds:
        assert f"run.seed={seed}" in steps[f"pretrain {seed}"].command
        for arm in STUDY.arms:
            tuned = steps[f"finetune {arm} {seed}"]
            assert [need for need in tuned.needs if need.startswith("pretrain")] == [f"pretrain {seed}"]
            assert f"model={{}}/models/base-{seed}" in tuned.command
    names = list(steps)
    assert names.index("pretrain 1") > names.index(plan.results[len(plan.results) // 2 - 1].step)


def after(plan: Plan, name: str) -> set[str]:
    """Return a step and all that rests on it."""
    found = {name}
    for step in plan.steps:
        if found & set(step.needs):
            found.add(step.name)
    return found


@pytest.mark.parametrize(
    ("study", "checksums", "first"),
    [
        (
            replace(STUDY, arms={**STUDY.arms, "edits": Arm(set=("optim.lr=1e-3",))}),
            {},
            ["finetune edits 0", "finetune edits 1"],
        ),
        (replace(STUDY, arms={**STUDY.arms, "random": Arm(linter="pyflakes")}), {}, ["build random"]),
        (STUDY, {"pretrain.toml": "other"}, ["pretrain"]),
        (STUDY, {"finetune.toml": "other"}, [f"finetune {arm} {seed}" for arm in STUDY.arms for seed in (0, 1)]),
    ],
)
def test_what_changes_is_made_anew_with_all_that_rests_on_it(
    study: Study, checksums: dict[str, str], first: list[str]
) -> None:
    before, now = prints_of(STUDY), prints_of(study, checksums)
    changed = {name for name in before if before[name] != now[name]}
    assert changed == set().union(*(after(planned(study), name) for name in first))


SEEN = "data.train=[{path = '{}/corpus/seen/edits.jsonl', read = 'edits'}]"


def test_a_corpus_is_built_before_the_base_and_anew_when_it_changes() -> None:
    base = replace(STUDY.base, set=(SEEN,), corpora={"seen": Corpus(inputs=("more.jsonl",), linter="none")})
    study = replace(STUDY, base=base)
    steps = {step.name: step for step in planned(study).steps}
    build = steps["build corpus seen"]
    assert build.command[:2] == ("build", "more.jsonl")
    assert build.command[build.command.index("--linter") + 1] == "none"
    assert "ask.jsonl" in build.command, "held clear of benchmarks"
    assert build.name in steps["pretrain"].needs
    more = replace(study, base=replace(base, corpora={"seen": Corpus(inputs=("more.jsonl",), samples=2)}))
    before, now = prints_of(study), prints_of(more)
    assert {name for name in before if before[name] != now[name]} == after(planned(study), build.name)


# Doing them

FAKE = """
import os, sys, time
name, output, *rest = sys.argv[1:]
print("this is", name, flush=True)
with open(os.environ["CALLS"], "a") as file:
    file.write(name + " " + str("--resume" in rest) + "\\n")
if name in os.environ.get("FAILING", "").split(","):
    sys.exit("cannot do " + name)
time.sleep(float(os.environ.get("SLOW", 0)))
os.makedirs(os.path.dirname(output), exist_ok=True)
open(output, "w").write("made")
"""
ROOM = running.Room(("", ""), 1, 1, 2)


def chain(*names: str, kind: str = "build", mark: str = "") -> list[Step]:
    """Return steps of which each needs the one before."""
    steps: list[Step] = []
    for name in names:
        output = f"made/{name}/x.jsonl"
        needs = (steps[-1].name,) if steps else ()
        steps.append(Step(name, kind, (name, HERE + output, "--resume", mark), output, needs))
    return steps


@pytest.fixture
def do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    fake, calls = tmp_path / "fake.py", tmp_path / "calls"
    fake.write_text(FAKE)
    monkeypatch.setenv("CALLS", str(calls))

    def run(steps: list[Step], **environment: str) -> tuple[running.Standing, list[str]]:
        calls.write_text("")
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        prints = fingerprints(steps, {}, "1")
        folder = str(tmp_path / "study")
        standing = running.run_steps(steps, prints, folder, room=ROOM, program=(sys.executable, str(fake)))
        for name in environment:
            monkeypatch.delenv(name)
        return standing, [line.split()[0] for line in calls.read_text().splitlines()]

    return run


def test_what_is_done_is_not_done_again(do: Any) -> None:
    steps = chain("a", "b", "c")
    standing, called = do(steps)
    assert called == ["a", "b", "c"]
    assert set(standing.done) == {"a", "b", "c"}
    assert not standing.before
    standing, called = do(steps)
    assert called == []
    assert standing.before == {"a", "b", "c"}


def test_a_changed_step_is_made_anew_with_what_rests_on_it(do: Any, tmp_path: Path) -> None:
    do(chain("a", "b", "c"))
    stale = tmp_path / "study" / "made" / "b" / "left.over"
    stale.write_text("old")
    a, b, c = chain("a", "b", "c")
    _, called = do([a, replace(b, command=(*b.command, "--other")), c])
    assert called == ["b", "c"]
    assert not stale.exists()


def test_an_output_that_is_gone_is_made_again(do: Any, tmp_path: Path) -> None:
    steps = chain("a", "b")
    do(steps)
    (tmp_path / "study" / "made" / "b" / "x.jsonl").unlink()
    assert do(steps)[1] == ["b"]


def test_a_step_that_fails_stops_only_what_needs_it(do: Any, tmp_path: Path) -> None:
    steps = [*chain("a", "b", "c"), *chain("d", "e")]
    standing, called = do(steps, FAILING="b")
    assert sorted(called) == ["a", "b", "d", "e"]
    assert set(standing.done) == {"a", "d", "e"}
    assert standing.passed_over == {"c"}
    assert "cannot do b" in standing.failed["b"]
    with pytest.raises(ToolError, match="step 'b' failed, 1 steps that need it"):
        running.check_finished(standing, "here")
    standing, called = do(steps)
    assert called == ["b", "c"]
    running.check_finished(standing, "here")


def test_a_step_that_was_ended_goes_on_with_what_it_had(
    do: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = chain("a", "b")
    half = tmp_path / "study" / "made" / "b" / "half"

    def stop(self: Any) -> None:
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_text("half")
        if "b" in self.standing.running:
            raise KeyboardInterrupt
        wait(self)

    wait = running._Work.wait
    monkeypatch.setattr(running._Work, "wait", stop)
    with pytest.raises(KeyboardInterrupt):
        do(steps, SLOW="30")
    monkeypatch.undo()
    half_is_kept = half.exists()
    assert half_is_kept


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the steps of a killed study go on")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_study_that_is_killed_leaves_no_step_behind(tmp_path: Path, number: signal.Signals) -> None:
    started = tmp_path / "started"
    step = f"import os, time; open({str(started)!r}, 'x').write(str(os.getpid())); time.sleep(60)"
    code = f"""
import sys
from lintseq.study import running
from lintseq.study.plan import Step
step = Step("a", "build", ("a",), "made/a/x.jsonl", ())
room = running.Room(("",), 1, 1, 1)
running.run_steps([step], {{"a": "1"}}, {str(tmp_path)!r}, room=room, program=(sys.executable, "-c", {step!r}))
"""
    study = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: started.exists() and started.read_text())
    study.send_signal(number)
    study.wait()
    until(lambda: ended(started.read_text()))


def ended(pid: str) -> bool:
    """Return whether a process runs no more, be it that nobody has asked for its status yet."""
    try:
        return not Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return True


def until(true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


SPANS = """
import json, os, sys, time
started = time.monotonic()
while time.monotonic() < started + 1:
    time.sleep(0.01)
    if os.environ.get("RANK") == "1":
        break
told = [sys.argv[1], os.environ.get("RANK"), os.environ["CUDA_VISIBLE_DEVICES"].split(","), started, time.monotonic()]
with open(os.environ["SPANS"], "a") as file:
    file.write(json.dumps(told) + "\\n")
os.makedirs(os.path.dirname(sys.argv[2]), exist_ok=True)
open(sys.argv[2], "w").write("made")
"""


def test_each_training_has_its_devices_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("accelerate")
    (tmp_path / "spans.py").write_text(SPANS)
    monkeypatch.setenv("SPANS", str(tmp_path / "spans"))
    steps = [step for name in "abcd" for step in chain(name, kind="finetune")]
    steps[2] = replace(steps[2], devices=2)
    program = (sys.executable, str(tmp_path / "spans.py"))
    room = running.Room(("3", "5"), 1, 1, 2)
    standing = running.run_steps(
        steps, fingerprints(steps, {}, "1"), str(tmp_path / "study"), room=room, program=program
    )
    assert set(standing.done) == set("abcd"), standing.failed
    spans = [json.loads(line) for line in (tmp_path / "spans").read_text().splitlines()]
    assert sorted((name, rank) for name, rank, *_ in spans if name == "c") == [("c", "0"), ("c", "1")]
    assert all(rank is None for name, rank, *_ in spans if name != "c")
    where = {name: devices for name, _, devices, _, _ in spans}
    assert where["c"] == ["3", "5"]
    assert sorted([where["a"], where["b"]]) == [["3"], ["5"]]
    pairs = list(itertools.combinations(spans, 2))
    together = {one[0] + other[0] for one, other in pairs if one[3] < other[4] and other[3] < one[4]}
    assert "ab" in {"".join(sorted(names)) for names in together}, "beside each other"
    for one, other in pairs:
        if one[0] != other[0] and set(one[2]) & set(other[2]):
            assert one[4] <= other[3] or other[4] <= one[3], "one device, two trainings"


def test_more_devices_than_there_are_stop_a_study_before_its_first_step() -> None:
    study = replace(STUDY, finetune=replace(STUDY.finetune, devices=3))
    with pytest.raises(ConfigError, match="'finetune plain 0' is shared out on 3 devices, and there are 2: lower"):
        running.check_room(planned(study).steps, ROOM)
    running.check_room(planned().steps, ROOM)
    shared = [step for step in planned(study).steps if step.devices > 1]
    assert {step.kind for step in shared} == {"finetune"}
    assert all(step.words[:2] == ["accelerate", "launch"] and "--use_fsdp" in step.words for step in shared)


# What was found


def scores(*seeds: list[float]) -> list[dict[str, float]]:
    return [{f"p{place}": value for place, value in enumerate(seed)} for seed in seeds]


values = st.lists(st.lists(st.floats(0, 1), min_size=5, max_size=5), min_size=1, max_size=3)


@settings(deadline=None, max_examples=25)
@given(values, values)
def test_a_difference_is_that_of_the_means_and_its_interval_holds_it(
    one: list[list[float]], other: list[list[float]]
) -> None:
    found = difference(scores(*one), scores(*other))
    mean = [fsum(map(fsum, arm)) / len(arm) / 5 for arm in (one, other)]
    assert found.value == pytest.approx(mean[0] - mean[1])
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9
    back = difference(scores(*other), scores(*one))
    assert back.value == pytest.approx(-found.value)
    assert mean_of(scores(*one)).value == pytest.approx(mean[0])


def test_seeds_that_differ_widen_the_interval() -> None:
    steady = mean_of(scores([0.5] * 20, [0.5] * 20, [0.5] * 20))
    shaky = mean_of(scores([0.2] * 20, [0.5] * 20, [0.8] * 20))
    assert steady.high - steady.low == pytest.approx(0)
    assert shaky.high - shaky.low > 0.3


def test_what_arms_share_at_each_seed_does_not_widen_their_difference() -> None:
    one, other = ([[base + more] * 20 for base in (0.2, 0.5, 0.8)] for more in (0.1, 0.0))
    paired = difference(scores(*one), scores(*other), paired=True)
    assert [paired.low, paired.value, paired.high] == pytest.approx([0.1] * 3)
    apart = difference(scores(*one), scores(*other))
    assert apart.high - apart.low > 0.3


def test_parts_of_one_benchmark_are_benchmarks_of_their_own(tmp_path: Path) -> None:
    easy = tmp_path / "easy.txt"
    easy.write_text("a\nb\n")
    parts = (
        Benchmark(name="ask.jsonl", problems="c,d*", label="choose", validation=True),
        Benchmark(name="ask.jsonl", problems=str(easy), label="easy"),
    )
    plan = plan_of(replace(STUDY, benchmarks=parts), files={**FILES, str(easy): str(easy)})
    assert not any(str(easy) in step.command for step in plan.steps if step.kind == "build"), "it is no benchmark"
    assert {one.benchmark for one in plan.results} == {"choose", "easy"}
    for step in plan.steps:
        if step.kind in ("complete", "evaluate"):
            wanted = "c,d*" if "choose/" in step.name else str(easy)
            assert step.command[step.command.index("--problems") + 1] == wanted
            assert (str(easy) in step.files) == ("easy/" in step.name)  # a change of it is a change of the step
    assert not any("--problems" in step.command for step in planned().steps)


def results(passed: list[int], n: int = 4, **summary: Any) -> Evaluation:
    rows = tuple(
        JudgedCompletion(f"p{place}", index, "passed" if index < c else "failed", format="code", completion="<script>")
        for place, c in enumerate(passed)
        for index in range(n)
    )
    bench = {"name": "ask", "problems": len(passed), "sha256": "x"}
    told = {
        "benchmark": bench,
        "pass_at_k": {"1": 0, "2": 0},
        "cost": {"flops_at_k": {"1": 1e12, "2": 2e12}},
        **summary,
    }
    return Evaluation(rows, {"benchmark": bench, "completions": {"sha256": "0"}}, told)


@pytest.fixture
def found() -> tuple[Found, Plan]:
    """Return findings in which edits solve more, and random is as plain is."""
    plan = planned()
    told = {}
    for one in plan.results:
        right = {"plain": [1, 0, 2, 0], "edits": [4, 3, 4, 3], "random": [1, 0, 2, 0]}[one.arm] * 5
        worse = one.arm == "edits" and one.setting.temperature == 0.2
        told[one.step] = results([max(c - 1, 0) for c in right] if worse else right)
    manifests = {
        folder: {"plan": {"own": {"steps": 10}}, "outcome": {"tokens": 1000, "trained_tokens": 500, "loss": 0.5}}
        for folder in plan.models.values()
    }
    notes = {step.name: {"seconds": 1.5} for step in plan.steps}
    return gather(STUDY, plan, told, manifests, notes), plan


def test_what_is_better_is_said_and_what_is_the_same_is_not(found: tuple[Found, Plan]) -> None:
    words = {(one.arm, one.k): one.words for one in verdicts_of(found[0])}
    assert words == {
        ("edits", 1): "edits solves more",
        ("edits", 2): "edits solves more",
        ("random", 1): "no difference seen",
        ("random", 2): "no difference seen",
    }
    told = sentences(verdicts_of(found[0]), STUDY)
    assert told[0].startswith("ask, edits beside plain: edits solves more at pass@1 (+68.8 points)")
    assert any("trained twice" in one for one in told)


def test_the_setting_is_chosen_on_the_validation_problems(found: tuple[Found, Plan]) -> None:
    assert chosen(found[0], STUDY.benchmarks[1], "edits") == Setting(1.0, 1.0, 0.0)


def test_a_report_says_it_all_and_nothing_in_it_runs(found: tuple[Found, Plan], tmp_path: Path) -> None:
    files = write_report(*found, tmp_path / "report")
    page, text = files[0].read_text(), files[1].read_text()
    for told in (page, text):
        assert "edits against plain" in told
        assert "68.8" in told
        assert "lintseq finetune finetune.toml" in told
    assert "<b>small</b>" not in page.replace("&lt;b", "")
    assert "<script>" not in page.replace("<script></script>", "")
    assert "# A &lt;b&gt;small&lt;/b&gt; study" in text
    assert "seed 1" in page
    assert all(file.exists() for file in files)
    assert json.dumps(found_table(found[0]))


def test_a_report_says_how_each_arm_was_made(found: tuple[Found, Plan], tmp_path: Path) -> None:
    arms = {
        "plain": Arm(trains_on="plain", set=("match.by=rows",)),
        "edits": Arm(samples=1, options=("--order", "forward")),
        "random": Arm(same_model_as="edits", linter="none", complete=("--linted",)),
    }
    told = replace(found[0], study=replace(STUDY, arms=arms))
    text = write_report(told, found[1], tmp_path / "report")[1].read_text()
    rows = [line for line in text.split("\n") if line.startswith("| ")]
    for row in (
        "| trained on | whole programs | edits | edits |",
        "| linter | – | native | native |",
        "| edit sequences of a program | – | 1 | 1 |",
        "| built with | – | \\--order forward | \\--order forward |",
        "| finetuned with | match.by=rows | – | – |",
        "| drawn with | – | – | \\--linted |",
    ):
        assert row in rows


# Packing

PRETRAIN = """
tokenizer = "tokenizer"
steps = 1
model = {layers = 1, width = 8, heads = 1, ffn_width = 8}
data = {train = [{path = "texts.txt"}]}
optim = {lr = 1}
run = {batch = 1, micro_batch = 1}
"""


@pytest.mark.parametrize(
    ("source", "tokenizer", "missing"),
    [("pairs.jsonl", True, "pairs.jsonl"), ("{}/corpus/seen/edits.jsonl", False, "tokenizer")],
)
def test_a_pack_is_refused_if_the_base_would_miss_something(
    source: str, tokenizer: bool, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pretrain.toml").write_text(PRETRAIN)
    for name in ("pairs.jsonl", "finetune.toml", "choose.jsonl", "ask.jsonl"):
        Path(name).write_text("")
    setting = f"data.train=[{{path = '{source}', read = 'edits'}}]"
    base = replace(STUDY.base, set=(setting,), tokenizer=STUDY.base.tokenizer if tokenizer else None)
    with pytest.raises(ConfigError, match=f"with {missing} .*not be in the pack"):
        packing.relocated(replace(STUDY, base=base), FILES)


def test_a_packed_study_reads_nothing_from_outside(tmp_path: Path) -> None:
    for name in ("pairs.jsonl", "finetune.toml", "choose.jsonl", "ask.jsonl", "easy.txt"):
        (tmp_path / name).write_text(name * 1000)
    (tmp_path / "pretrain.toml").write_text(PRETRAIN)
    here = {name: str(tmp_path / name) for name in ("choose.jsonl", "ask.jsonl")}
    study = replace(
        STUDY,
        pairs=Pairs(inputs=(str(tmp_path / "pairs.jsonl"),)),
        base=Base(
            pretrain=str(tmp_path / "pretrain.toml"),
            set=(SEEN,),
            corpora={"seen": Corpus(inputs=(str(tmp_path / "pairs.jsonl"),))},
            tokenizer=Tokenizer(inputs=("{}/corpus/seen/edits.jsonl",), vocab=512),
        ),
        finetune=Finetune(recipe=str(tmp_path / "finetune.toml")),
        benchmarks=(
            Benchmark(name=here["ask.jsonl"]),
            Benchmark(name="humaneval", problems=str(tmp_path / "easy.txt")),
        ),
    )
    packed = packing.pack(study, {**here, "humaneval": here["choose.jsonl"]}, tmp_path / "pack", most=300_000)
    assert len(packed.pieces) > 1
    assert all((tmp_path / "pack" / piece).stat().st_size <= 300_000 for piece in packed.pieces)
    subprocess.run([tmp_path / "pack" / "unpack.sh", tmp_path / "there"], check=True)
    there = tmp_path / "there"
    told = read_study(str(there / "study.toml"))
    chosen = told.benchmarks[1].problems
    for path in (*told.pairs.inputs, told.base.pretrain, told.finetune.recipe, told.benchmarks[0].name, chosen):
        assert (there / path).read_text() == (tmp_path / path.split("-", 1)[1]).read_text()
    assert (there / "data" / "choose.jsonl").exists()
    assert (
        replace(told, pairs=study.pairs, base=study.base, finetune=study.finetune, benchmarks=study.benchmarks)
        == study
    )
    listed = subprocess.run(
        [sys.executable, "-m", "lintseq", "--version"], cwd=there, env={**os.environ, "PYTHONPATH": "."}, check=False
    )
    assert listed.returncode == 0
    spoilt = tmp_path / "pack" / packed.pieces[0]
    spoilt.write_bytes(b"x" + spoilt.read_bytes()[1:])
    assert subprocess.run(
        [tmp_path / "pack" / "unpack.sh", tmp_path / "no"], capture_output=True, check=False
    ).returncode
    with pytest.raises(ConfigError, match="a pack needs a local copy"):
        packing.relocated(replace(study, pairs=Pairs(inputs=("hf:some/thing",))), {**here, "humaneval": "x"})


# The command


def test_the_steps_can_be_read_before_they_are_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = Path(__file__).parents[1]
    problems = here / "examples" / "problems.jsonl"
    recipe = tmp_path / "finetune.toml"
    recipe.write_text((here / "recipes" / "nano" / "finetune.toml").read_text())
    file = tmp_path / "study.toml"
    file.write_text(
        f"""title = "t"
pairs.inputs = ["{problems.with_name("pairs.jsonl")}"]
base.model = "there"
finetune.recipe = "{recipe}"
arms.plain.trains_on = "plain"
arms.edits.samples = 2
benchmarks = [{{ name = "{problems}" }}]
sampling.n = 10
"""
    )
    assert main(["study", str(file), "--output", str(tmp_path / "out"), "--plan"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("lintseq build ")
    assert len(lines) == 1 + 2 * 3 * 3
    assert not (tmp_path / "out").exists()
    whole = file.read_text()
    for parts, told in (
        ('problems = "example/none"', "has no problem 'example/none'"),
        (f'label = "x", validation = true }}, {{ name = "{problems}"', "both for validation and for the result"),
    ):
        file.write_text(whole.replace(f'{{ name = "{problems}"', f'{{ name = "{problems}", {parts}'))
        assert main(["study", str(file), "--output", str(tmp_path / "out"), "--plan"]) == 2
        assert told in capsys.readouterr().err
    for setting, told in (
        ('arms.edits.complete=["--linte"]', "step 'complete problems/edits-0-t1', lintseq complete: No such option"),
        ('arms.edits.complete=["--help"]', "step 'complete problems/edits-0-t1', lintseq complete: No such option"),
        ('arms.edits.set=["optim.l=3"]', "step 'finetune edits 0': {recipe}: unknown key optim.l; did you mean"),
        (
            'arms.edits.options=["--order", "forward"]',
            "step 'build edits': a program has one sequence in order forward",
        ),
        ('arms.edits.options=["--max-edits", "few"]', "step 'build edits', lintseq build: "),
        ("arms.edits.format=dif", "step 'build edits': "),
        (
            'benchmarks=[{name="{problems}", options=["--k"]}]',
            "step 'evaluate problems/plain-0-t1', lintseq evaluate: ",
        ),
    ):
        given = setting.replace("{problems}", str(problems))
        file.write_text(whole)
        assert main(["study", str(file), "--output", str(tmp_path / "out"), "--set", given]) == 2
        assert told.replace("{recipe}", str(recipe)) in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
    recipe.unlink()
    assert main(["study", str(file), "--output", str(tmp_path / "out")]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_a_report_is_written_when_a_seed_is_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written: list[tuple[Study, Plan]] = []
    command = sys.modules["lintseq.cli.study"]
    monkeypatch.setattr(command, "_report", lambda asked, plan, output: written.append((asked, plan)))
    plan = planned()
    standing = running.Standing(plan.steps)
    look = command._early(STUDY, plan, tmp_path, planned)
    for step in plan.steps:
        look(standing)
        look(standing)
        assert len(written) == all(one.step in standing.done for one in plan.results if one.seed == STUDY.seeds[0])
        standing.done[step.name] = 1.0
    look(standing)  # the last seed is there, and the report of all is written by others
    ((asked, part),) = written
    assert asked.seeds == STUDY.seeds[:1]
    assert asked.notes[-1] == "Early: 1 seed of 2; the study goes on."
    assert {one.seed for one in part.results} == {STUDY.seeds[0]}


def test_two_do_not_work_on_one_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = Path(__file__).parents[1]
    words = ["study", str(here / "studies" / "toy.toml"), "--output", str(tmp_path / "out")]
    with contextlib.closing(running.alone(str(tmp_path / "out"))), contextlib.chdir(here):
        assert main(words) == 2
    assert f"is being written by process {os.getpid()}" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written to: Not a directory; choose another"):
        running.alone(str(tmp_path / "file" / "out"))
