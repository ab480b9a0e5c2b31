"""Studies: files, steps, execution, findings, reports, archives."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lintseq.cli import load_command, main
from lintseq.dataset.sampler import BuildOptions
from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation.evaluate import EvaluationOptions
from lintseq.evaluation.results import Evaluation, JudgedCompletion
from lintseq.lm.backends.backend import SamplingParameters
from lintseq.lm.generation import CompletionOptions
from lintseq.lm.recipes import as_table
from lintseq.lm.settings import from_table
from lintseq.lm.tokenizers import TokenizerOptions
from lintseq.study import archive, running
from lintseq.study.commands import arguments_of, options_of
from lintseq.study.files import (
    Study,
    StudyArm,
    StudyBase,
    StudyBenchmark,
    StudyCorpus,
    StudyFinetune,
    StudyPairs,
    StudySampling,
    StudyTokenizer,
    read_study,
)
from lintseq.study.findings import (
    SeedResult,
    StudyFindings,
    as_table as findings_table,
    chosen,
    comparisons_of,
    gather,
    sentences,
    views_of,
)
from lintseq.study.measurements import measurements_text, read_measurements
from lintseq.study.plan import HERE, StudyPlan, StudyResult, StudyStep, fingerprints, plan_of
from lintseq.study.power import smallest_difference
from lintseq.study.report import write_report
from lintseq.study.study import EarlyReports, StudyOptions, pack_study, plan_study, run_study

ROOT = Path(__file__).parents[1]
STUDY = Study(
    title="A <b>small</b> study",
    pairs=StudyPairs(inputs=("pairs.jsonl",)),
    base=StudyBase(pretrain="pretrain.toml", tokenizer=StudyTokenizer(inputs=("pairs.jsonl",), vocab=512)),
    finetune=StudyFinetune(recipe="finetune.toml"),
    arms={"plain": StudyArm(trains_on="plain"), "edits": StudyArm(), "random": StudyArm(linter="none")},
    benchmarks=(StudyBenchmark(name="choose.jsonl", validation=True), StudyBenchmark(name="ask.jsonl")),
    sampling=StudySampling(n=4, temperature=(0.2, 1.0)),
    seeds=(0, 1),
    k=(1, 2),
)
FILES = {"choose.jsonl": "choose.jsonl", "ask.jsonl": "ask.jsonl"}


# The file


def test_a_study_reads_back_as_it_was_written() -> None:
    assert from_table(as_table(STUDY), Study, "here") == STUDY


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": {}}, "arms is empty"),
        ({"arms": {"a b": {}}}, "becomes part of file names"),
        ({"arms": {"plain": {"trains_on": "plain"}}}, "there is none"),
        ({"arms": {"plain": {"rows_of": "edit"}}}, "the other arms are none"),
        ({"baseline": "plan"}, "baseline is 'plan'; the arms are plain, edits, random"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [1, 1]}, "name each once"),
        ({"claims_at": [3]}, "claims_at includes 3, but k is [1, 2]; add it to k"),
        ({"k": [1, 9]}, "k includes 9, but sampling.n is 4"),
        ({"base": {}}, "base needs either a model or a recipe"),
        ({"base": {"model": "x", "pretrain": "y"}}, "not both"),
        ({"benchmarks": [{"name": "x", "validation": True}]}, "all benchmarks are for validation"),
        ({"benchmarks": [{"name": "x"}, {"name": "x"}]}, "have the same name"),
        ({"base": {"model": "x", "corpora": {"y": {"inputs": ["z"]}}}}, "corpora are for pretraining"),
        (
            {"base": {"pretrain": "x", "corpora": {"y/z": {"inputs": ["z"]}}}},
            "base.corpora has the name 'y/z', which becomes part of file names",
        ),
        ({"benchmarks": [{"name": "x", "label": "a/b"}]}, "0.label has the name 'a/b', which becomes part"),
        ({"benchmarks": [{"name": "x", "label": "y"}, {"name": "y"}]}, "have the same name"),
        ({"arm": {}}, "unknown key arm; did you mean arms?"),
        ({"ask": {"edits": "rand"}}, "the arms are plain, edits, random"),
    ],
)
def test_an_impossible_study_is_refused_with_the_reason(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_table({**as_table(STUDY), "base": {"model": "m"}, **changes}, Study, "study.toml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("study.toml")


# Steps


def planned(study: Study = STUDY) -> StudyPlan:
    return plan_of(study, files=FILES)


def prints_of(study: Study, checksums: dict[str, str] | None = None) -> dict[str, str]:
    steps = planned(study).steps
    return fingerprints(steps, {file: (checksums or {}).get(file, file) for step in steps for file in step.files}, "1")


def test_steps_follow_those_they_need_and_each_has_its_own_folder() -> None:
    plan = planned()
    seen: set[str] = set()
    for step in plan.steps:
        assert set(step.needs) <= seen
        seen.add(step.name)
    folders = [step.folder for step in plan.steps]
    assert len(set(folders)) == len(folders)
    assert not any(folder.startswith(other + "/") for folder in folders for other in folders)
    # two builds, a tokenizer, two bases; then for each of three arms and two seeds a model, and for each of those
    # two benchmarks at two temperatures completions and results
    assert len(plan.steps) == 2 + 3 + 6 + 6 * 4 * 2
    assert len(plan.results) == 6 * 4


def test_each_model_is_evaluated_before_the_next_is_trained_and_each_seed_is_completed_before_the_next() -> None:
    trained = [step for step in planned().steps if step.kind in ("finetune", "complete", "evaluate")]
    arms = list(STUDY.arms)
    kinds = [(step.kind, next(arm for arm in arms if arm in step.name)) for step in trained]
    for_each_arm = [[("finetune", arm), *[("complete", arm), ("evaluate", arm)] * 4] for arm in arms]
    assert kinds == [kind for steps in for_each_arm for kind in steps] * 2


def test_an_arm_can_use_the_models_of_another_arm() -> None:
    linted = StudyArm(same_model_as="edits", complete={"linted": True})
    plan = planned(replace(STUDY, arms={"linted": linted, **STUDY.arms}))
    assert "finetune linted 0" not in {step.name for step in plan.steps}
    (step,) = [step for step in plan.steps if step.name == "complete ask/linted-0-t1"]
    assert step.needs == ("finetune edits 0",)
    assert "--linted" in step.command


def test_each_seed_has_its_own_base_which_all_arms_share_unless_told_otherwise() -> None:
    plan = planned()
    shared = planned(replace(STUDY, base=replace(STUDY.base, each_seed=False)))
    steps = {step.name: step for step in plan.steps}
    assert [name for name in steps if name.startswith("pretrain")] == ["pretrain 0", "pretrain 1"]
    assert not any(step.blocks_training for step in plan.steps)
    assert [step.name for step in shared.steps if step.blocks_training] == ["pretrain"]
    for seed in STUDY.seeds:
        assert f"run.seed={seed}" in steps[f"pretrain {seed}"].command
        for arm in STUDY.arms:
            tuned = steps[f"finetune {arm} {seed}"]
            assert [need for need in tuned.needs if need.startswith("pretrain")] == [f"pretrain {seed}"]
            assert f"model={{}}/models/base-{seed}" in tuned.command
    names = list(steps)
    assert names.index("pretrain 1") > names.index(plan.results[len(plan.results) // 2 - 1].step)


def after(plan: StudyPlan, name: str) -> set[str]:
    """Return a step and all that depend on it."""
    found = {name}
    for step in plan.steps:
        if found & set(step.needs):
            found.add(step.name)
    return found


@pytest.mark.parametrize(
    ("study", "checksums", "first"),
    [
        (
            replace(STUDY, arms={**STUDY.arms, "edits": StudyArm(set=("optim.lr=1e-3",))}),
            {},
            ["finetune edits 0", "finetune edits 1"],
        ),
        (replace(STUDY, arms={**STUDY.arms, "random": StudyArm(linter="pyflakes")}), {}, ["build random"]),
        (STUDY, {"pretrain.toml": "other"}, ["pretrain 0", "pretrain 1"]),
        (STUDY, {"finetune.toml": "other"}, [f"finetune {arm} {seed}" for arm in STUDY.arms for seed in (0, 1)]),
    ],
)
def test_a_changed_step_changes_the_fingerprints_of_all_that_depend_on_it(
    study: Study, checksums: dict[str, str], first: list[str]
) -> None:
    before, now = prints_of(STUDY), prints_of(study, checksums)
    changed = {name for name in before if before[name] != now[name]}
    assert changed == set().union(*(after(planned(study), name) for name in first))


SEEN = "data.train=[{path = '{}/corpus/seen/edits.jsonl', read = 'edits'}]"


def test_a_corpus_is_built_before_the_base_and_rebuilt_when_it_changes() -> None:
    base = replace(STUDY.base, set=(SEEN,), corpora={"seen": StudyCorpus(inputs=("more.jsonl",), linter="none")})
    study = replace(STUDY, base=base)
    steps = {step.name: step for step in planned(study).steps}
    build = steps["build corpus seen"]
    assert build.command[:2] == ("build", "more.jsonl")
    assert build.command[build.command.index("--linter") + 1] == "none"
    assert "ask.jsonl" in build.command, "decontaminated against the benchmarks"
    assert build.name in steps["pretrain 0"].needs
    more = replace(study, base=replace(base, corpora={"seen": StudyCorpus(inputs=("more.jsonl",), samples=2)}))
    before, now = prints_of(study), prints_of(more)
    assert {name for name in before if before[name] != now[name]} == after(planned(study), build.name)


# Execution

FAKE = """
import os, sys, time
name, output, *rest = sys.argv[1:]
print("this is", name, flush=True)
with open(os.environ["CALLS"], "a") as file:
    file.write(name + " " + str("--resume" in rest) + "\\n")
if name in os.environ.get("FAILING", "").split(","):
    sys.exit("cannot do " + name)
time.sleep(30 if name == os.environ.get("SLOW_STEP") else 0)
os.makedirs(os.path.dirname(output), exist_ok=True)
open(output, "w").write("made")
"""
BUDGET = running.DeviceBudget(("", ""), 1, 1, 2)


def chain(*names: str, kind: str = "build", mark: str = "") -> list[StudyStep]:
    """Return steps, each of which needs the previous one."""
    steps: list[StudyStep] = []
    for name in names:
        output = f"made/{name}/x.jsonl"
        needs = (steps[-1].name,) if steps else ()
        steps.append(StudyStep(name, kind, (name, HERE + output, "--resume", mark), output, needs))
    return steps


@pytest.fixture
def do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    fake, calls = tmp_path / "fake.py", tmp_path / "calls"
    fake.write_text(FAKE)
    monkeypatch.setenv("CALLS", str(calls))

    def run(
        steps: list[StudyStep], on_progress: Any = lambda progress: None, **environment: str
    ) -> tuple[running.StudyProgress, list[str]]:
        calls.write_text("")
        for name in ("FAILING", "SLOW_STEP"):
            monkeypatch.setenv(name, environment.get(name, ""))
        prints = fingerprints(steps, {}, "1")
        folder = str(tmp_path / "study")
        program = (sys.executable, "-S", str(fake))
        progress = running.run_steps(
            steps, prints, folder, budget=BUDGET, program=program, on_progress=on_progress, poll_seconds=0.01
        )
        return progress, [line.split()[0] for line in calls.read_text().splitlines()]

    return run


def test_finished_steps_are_not_repeated(do: Any) -> None:
    steps = chain("a", "b", "c")
    progress, called = do(steps)
    assert called == ["a", "b", "c"]
    assert set(progress.done) == {"a", "b", "c"}
    assert not progress.done_before
    progress, called = do(steps)
    assert called == []
    assert progress.done_before == {"a", "b", "c"}


def test_a_changed_step_is_repeated_with_all_that_depend_on_it(do: Any, tmp_path: Path) -> None:
    do(chain("a", "b", "c"))
    stale = tmp_path / "study" / "made" / "b" / "left.over"
    stale.write_text("old")
    a, b, c = chain("a", "b", "c")
    _, called = do([a, replace(b, command=(*b.command, "--other")), c])
    assert called == ["b", "c"]
    assert not stale.exists()


def test_a_deleted_output_is_made_again(do: Any, tmp_path: Path) -> None:
    steps = chain("a", "b")
    do(steps)
    (tmp_path / "study" / "made" / "b" / "x.jsonl").unlink()
    assert do(steps)[1] == ["b"]


def test_a_step_that_fails_stops_only_what_needs_it(do: Any, tmp_path: Path) -> None:
    steps = [*chain("a", "b", "c"), *chain("d", "e")]
    progress, called = do(steps, FAILING="b")
    assert sorted(called) == ["a", "b", "d", "e"]
    assert set(progress.done) == {"a", "d", "e"}
    assert progress.skipped == {"c"}
    assert "cannot do b" in progress.failed["b"]
    with pytest.raises(ToolError, match="step 'b' failed, 1 steps that need it"):
        progress.check_finished("here")
    progress, called = do(steps)
    assert called == ["b", "c"]
    progress.check_finished("here")


def test_a_study_says_that_its_steps_wait_for_processors(do: Any) -> None:
    from lintseq.cli.study import status

    progress, _ = do(chain("a"))
    assert not progress.busy
    progress, _ = do(chain("the processors are busy", "b"))  # the name is printed to the log
    assert progress.busy
    assert "fewer --jobs or --threads" in status(progress)


def test_an_interrupted_step_keeps_its_unfinished_output(do: Any, tmp_path: Path) -> None:
    half = tmp_path / "study" / "made" / "b" / "half"

    def interrupt(progress: running.StudyProgress) -> None:
        if "b" in progress.running:
            half.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do(chain("a", "b"), on_progress=interrupt, SLOW_STEP="b")
    _, called = do(chain("a", "b"))
    assert called == ["b"]
    assert half.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the steps of a killed study keep running")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_steps_of_a_killed_study_end(tmp_path: Path, number: signal.Signals) -> None:
    started = tmp_path / "started"
    step = f"import os, time; open({str(started)!r}, 'x').write(str(os.getpid())); time.sleep(60)"
    code = f"""
import sys
from lintseq.study import running
from lintseq.study.plan import StudyStep
step = StudyStep("a", "build", ("a",), "made/a/x.jsonl", ())
room = running.DeviceBudget(("",), 1, 1, 1)
running.run_steps([step], {{"a": "1"}}, {str(tmp_path)!r}, budget=room, program=(sys.executable, "-c", {step!r}))
"""
    study = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: started.exists() and started.read_text())
    study.send_signal(number)
    study.wait()
    until(lambda: ended(started.read_text()))


def ended(pid: str) -> bool:
    """Return whether a process has ended, even if it has not been waited for."""
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
name, output = sys.argv[1:3]
started = time.monotonic()
spans = os.environ["SPANS"]
open(spans + name, "w").close()
while name in "ab" and not (os.path.exists(spans + "a") and os.path.exists(spans + "b")):  # run in parallel
    time.sleep(0.01)
    assert time.monotonic() < started + 60
devices = os.environ["CUDA_VISIBLE_DEVICES"].split(",")
with open(spans, "a") as file:
    file.write(json.dumps([name, os.environ.get("RANK"), devices, started, time.monotonic()]) + "\\n")
os.makedirs(os.path.dirname(output), exist_ok=True)
open(output, "w").write("made")
"""
Span = tuple[str, str | None, list[str], float, float]


@pytest.fixture
def spans_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Span]]:
    (tmp_path / "spans.py").write_text(SPANS)
    monkeypatch.setenv("SPANS", str(tmp_path / "spans"))

    def run(steps: list[StudyStep]) -> list[Span]:
        """Return for each process its step, rank, devices, start and end."""
        budget = running.DeviceBudget(("3", "5"), 1, 1, 2)
        progress = running.run_steps(
            steps,
            fingerprints(steps, {}, "1"),
            str(tmp_path / "study"),
            budget=budget,
            program=(sys.executable, str(tmp_path / "spans.py")),
            poll_seconds=0.02,
        )
        assert set(progress.done) == {step.name for step in steps}, progress.failed
        return [tuple(json.loads(line)) for line in (tmp_path / "spans").read_text().splitlines()]

    return run


def check_devices(spans: list[Span]) -> set[str]:
    """Check that no device was used by two trainings at once; return the pairs of trainings that ran in parallel."""
    parallel = set()
    for span, other in itertools.combinations(spans, 2):
        apart = span[4] <= other[3] or other[4] <= span[3]
        assert apart or span[0] == other[0] or not set(span[2]) & set(other[2]), "one device, two trainings"
        if not apart:
            parallel.add("".join(sorted((span[0], other[0]))))
    return parallel


TRAININGS = [step for name in "abcd" for step in chain(name, kind="finetune")]


def test_no_device_is_used_by_two_trainings_at_once(spans_of: Callable[..., list[Span]]) -> None:
    spans = spans_of(TRAININGS)
    assert "ab" in check_devices(spans), "trainings run in parallel"
    assert sorted(devices for name, _, devices, _, _ in spans if name in "ab") == [["3"], ["5"]]


@pytest.mark.slow
def test_a_shared_training_gets_several_devices_and_a_process_for_each(spans_of: Callable[..., list[Span]]) -> None:
    pytest.importorskip("accelerate")
    steps = list(TRAININGS)
    steps[2] = replace(steps[2], devices=2)
    spans = spans_of(steps)
    assert "ab" in check_devices(spans)
    assert sorted((name, rank) for name, rank, *_ in spans if name == "c") == [("c", "0"), ("c", "1")]
    assert all(rank is None for name, rank, *_ in spans if name != "c")
    assert all(devices == ["3", "5"] for name, _, devices, _, _ in spans if name == "c")


def test_a_study_that_needs_too_many_devices_is_refused_before_its_first_step() -> None:
    study = replace(STUDY, finetune=replace(STUDY.finetune, devices=3))
    with pytest.raises(ConfigError, match="'finetune plain 0' needs 3 devices, and there are 2: lower"):
        BUDGET.check(planned(study))
    BUDGET.check(planned())
    shared = [step for step in planned(study).steps if step.devices > 1]
    assert {step.kind for step in shared} == {"finetune"}
    assert all(step.words[:2] == ["accelerate", "launch"] and "--use_fsdp" in step.words for step in shared)


# Findings


def test_parts_of_a_benchmark_are_separate_benchmarks(tmp_path: Path) -> None:
    easy = tmp_path / "easy.txt"
    easy.write_text("a\nb\n")
    parts = (
        StudyBenchmark(name="ask.jsonl", problems="c,d*", label="choose", validation=True),
        StudyBenchmark(name="ask.jsonl", problems=str(easy), label="easy"),
    )
    plan = plan_of(replace(STUDY, benchmarks=parts), files={**FILES, str(easy): str(easy)})
    assert not any(str(easy) in step.command for step in plan.steps if step.kind == "build"), (
        "a selection is not a benchmark"
    )
    assert {result.benchmark for result in plan.results} == {"choose", "easy"}
    for step in plan.steps:
        if step.kind in ("complete", "evaluate"):
            wanted = "c,d*" if "choose/" in step.name else str(easy)
            assert step.command[step.command.index("--problems") + 1] == wanted
            assert (str(easy) in step.files) == ("easy/" in step.name)  # a change of it is a change of the step
    assert not any("--problems" in step.command for step in planned().steps)


def results(passed: list[int], n: int = 4, **summary: Any) -> Evaluation:
    rows = tuple(
        JudgedCompletion(
            f"p{problem}", index, "passed" if index < c else "failed", format="code", completion="<script>"
        )
        for problem, c in enumerate(passed)
        for index in range(n)
    )
    bench = {"name": "ask", "problems": len(passed), "sha256": "x", "version": "own"}
    numbers = {
        "benchmark": bench,
        "problems_not_run": {},
        "missing_problems": 0,
        "verdicts": {},
        "suspect": 0,
        "pass_at_k": {"1": 0, "2": 0},
        "cost": {"flops_at_k": {"1": 1e12, "2": 2e12}},
        **summary,
    }
    return Evaluation(rows, {"benchmark": bench, "completions": {"sha256": "0"}}, numbers)


SPREAD = [0, 1, -1, 0, 0]
"""By how much the completions of a problem that pass differ between seeds, for some problems."""


def gathered(plan: StudyPlan, passing: Callable[[StudyResult], list[int]]) -> StudyFindings:
    """Return the findings of a study with 20 problems, of which so many of 4 completions pass."""
    found = {result.step: results([min(max(c, 0), 4) for c in passing(result)]) for result in plan.results}
    manifests = {
        folder: {"plan": {"own": {"steps": 10}}, "outcome": {"tokens": 1000, "trained_tokens": 500, "loss": 0.5}}
        for folder in plan.models.values()
    }
    return gather(plan, found, manifests, dict.fromkeys((step.name for step in plan.steps), 1.5))


def edits_are_better(result: StudyResult) -> list[int]:
    """Edits solve more, above all at temperature 1; random is as plain is."""
    passing = {"plain": [1, 0, 2, 0], "edits": [4, 3, 4, 3], "random": [1, 0, 2, 0]}.get(result.arm, [1, 2, 3, 0]) * 5
    if result.arm == "edits" and result.setting.temperature == 0.2:
        passing = [c - 1 for c in passing]
    return [c + SPREAD[(index + result.seed) % 5] for index, c in enumerate(passing)]


def found_in(study: Study = STUDY) -> StudyFindings:
    return gathered(planned(study), edits_are_better)


THREE = replace(STUDY, seeds=(0, 1, 2))


def words_of(findings: StudyFindings) -> dict[tuple[str, str, int], str]:
    return {(row["benchmark"], row["arm"], row["k"]): row["words"] for row in findings_table(findings)["differences"]}


def test_findings_name_the_better_arm_only_where_a_difference_is_detected() -> None:
    findings = found_in(replace(THREE, claims_at=(1, 2)))
    assert words_of(findings) == {
        ("ask", "edits", 1): "edits solves more",
        ("ask", "edits", 2): "edits solves more",
        ("ask", "random", 1): "no difference detected",
        ("ask", "random", 2): "no difference detected",
    }
    line = sentences(findings)[0]
    assert line.startswith("On ask: edits solves more than plain (pass@1 +")
    assert "no difference detected between random and plain (pass@1 " in line


def test_only_planned_comparisons_are_tested() -> None:
    assert {key[2]: words for key, words in words_of(found_in(THREE)).items() if key[1] == "edits"} == {
        1: "edits solves more",
        2: "not tested",
    }
    assert "pass@2" not in " ".join(sentences(found_in(THREE)))


def test_p_values_are_corrected_for_all_planned_comparisons() -> None:
    one = replace(THREE, arms={name: THREE.arms[name] for name in ("plain", "edits")})
    alone, both = (comparisons_of(found_in(study))[0] for study in (one, THREE))
    assert both.found == alone.found
    assert alone.p_value == alone.found.p_value
    assert both.p_value == pytest.approx(2 * alone.p_value)


def test_with_one_seed_nothing_is_claimed_about_ways_to_train() -> None:
    findings = found_in(replace(STUDY, seeds=(0,)))
    assert words_of(findings)["ask", "edits", 1] == "this model of edits solves more"
    assert any("nothing follows about ways to train" in line for line in sentences(findings))
    assert not any("nothing follows" in line for line in sentences(found_in(THREE)))


def test_arms_with_the_same_models_are_compared_seed_by_seed() -> None:
    """Trainings vary by far more than the arms differ, which does not matter if they are the same trainings."""
    linted = StudyArm(same_model_as="plain", complete={"linted": True})

    def passing(result: StudyResult) -> list[int]:
        return [result.seed + (result.arm == "linted" and index % 3 > 0) for index in range(20)]

    for arm, each_seed, words in (
        (linted, False, "linted solves more"),
        (StudyArm(), False, "no difference detected"),
        (StudyArm(), True, "linted solves more"),
    ):
        arms = {"plain": STUDY.arms["plain"], "edits": StudyArm(), "linted": arm}
        study = replace(THREE, arms=arms, base=replace(STUDY.base, each_seed=each_seed))
        found = words_of(gathered(planned(study), passing))
        assert found["ask", "linted", 1] == words


def test_the_setting_is_chosen_on_the_validation_problems() -> None:
    assert chosen(found_in(), "edits") == SamplingParameters(1.0)
    assert [view.title for view in views_of(found_in())] == ["choose", "ask"]


@pytest.mark.parametrize(("tested", "best"), [((), 0.2), ((1,), 0.2), ((2,), 1.0)])
def test_the_setting_is_the_best_at_what_is_tested(tested: tuple[int, ...], best: float) -> None:
    """At 0.2 half of the problems are always solved; at 1.0 all of them, but in fewer completions."""

    def passing(result: StudyResult) -> list[int]:
        return [4, 0] * 10 if result.setting.temperature == 0.2 else [2, 1] * 10

    findings = gathered(planned(replace(STUDY, claims_at=tested)), passing)
    assert chosen(findings, "edits") == SamplingParameters(best)


def test_without_validation_problems_every_setting_is_reported(tmp_path: Path) -> None:
    findings = found_in(replace(THREE, benchmarks=THREE.benchmarks[1:]))
    assert [view.title for view in views_of(findings)] == ["ask, temperature 0.2", "ask, temperature 1"]
    comparisons = comparisons_of(findings)
    assert {item.view.title for item in comparisons} == {"ask, temperature 0.2", "ask, temperature 1"}
    assert sum(item.p_value is not None for item in comparisons) == 4
    text = write_report(findings, tmp_path, {})[1].read_text()
    assert "the best on these problems would be an overestimate" in text
    assert "## ask, temperature 0.2" in text


def without(findings: StudyFindings, drop: Callable[[str, SeedResult], bool]) -> StudyFindings:
    kept = {key: [item for item in found if not drop(key[1], item)] for key, found in findings.results.items()}
    return replace(findings, results=kept)


def emptied(findings: StudyFindings, arm: str) -> StudyFindings:
    """Return the findings without any judged completion of an arm."""
    found = {
        key: [replace(item, counts={}) if key[1] == arm else item for item in items]
        for key, items in findings.results.items()
    }
    return replace(findings, results=found)


def all_passing(result: StudyResult) -> list[int]:
    return [4] * 20


def one_problem(findings: StudyFindings) -> StudyFindings:
    found = {
        key: [replace(item, counts={"p0": item.counts["p0"]}) for item in items]
        for key, items in findings.results.items()
    }
    return replace(findings, results=found)


@pytest.mark.parametrize(
    ("findings", "message", "claimed"),
    [
        (found_in(replace(STUDY, seeds=(0,))), "nothing follows about ways to train", True),
        (found_in(), "With two seeds, up to 9 % of studies make a false claim", True),
        (one_problem(found_in(THREE)), "ask has one problem: nothing follows about others", False),
        (emptied(found_in(THREE), "edits"), "edits has problems without enough judged completions: no score", False),
        (
            without(found_in(THREE), lambda arm, item: arm == "edits"),
            "edits has no results for 3 seeds: 0, 1, 2",
            False,
        ),
        (
            without(found_in(THREE), lambda arm, item: arm == "edits" and item.seed == 1),
            "no results for 1 seed: 1",
            True,
        ),
        (
            without(found_in(THREE), lambda arm, item: arm == "edits" and item.seed > 0),
            "nothing follows about ways to train",
            True,
        ),
        (without(found_in(THREE), lambda arm, item: arm != "random"), "edits has no results for 3 seeds", False),
        (gathered(planned(THREE), all_passing), "all completions pass, whatever the arm", False),
    ],
    ids=[
        "one seed",
        "two seeds",
        "one problem",
        "no completions",
        "no results",
        "only one arm",
        "a seed missing",
        "one seed left",
        "all pass",
    ],
)
def test_what_a_study_cannot_know_is_said(
    findings: StudyFindings, message: str, claimed: bool, tmp_path: Path
) -> None:
    assert message in " ".join(sentences(findings))
    assert message in write_report(findings, tmp_path, {})[1].read_text()
    words = words_of(findings).get(("ask", "edits", 1), "")
    assert words.endswith("edits solves more") == claimed
    assert json.dumps(findings_table(findings))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda data: data | {"kind": "other"}, "does not contain the measurements"),
        (lambda data: data | {"results": [{}]}, "is damaged: KeyError"),
        (lambda data: data | {"results": []}, "has no results"),
        (
            lambda data: data | {"results": data["results"] * 2},
            "several results of plain on choose with the same seed",
        ),
        (lambda data: data | {"study": data["study"] | {"k": 1}}, "k is 1; expected a list"),
        (lambda data: data | {"results": [data["results"][0] | {"arm": "other"}]}, "results of other on choose"),
        (lambda data: data | {"results": [data["results"][0] | {"problems": {"p": [1, 2]}}]}, "more passing"),
    ],
)
def test_measurements_that_cannot_be_used_are_refused(edit: Any, message: str, tmp_path: Path) -> None:
    file = tmp_path / "measurements.json"
    file.write_text(json.dumps(edit(json.loads(measurements_text(found_in())))))
    with pytest.raises(ConfigError, match=message):
        run_study(file, tmp_path / "out")


def test_a_report_is_the_same_when_written_again_from_its_measurements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = found_in(THREE)
    files = write_report(findings, tmp_path / "report", {})
    measured = tmp_path / "report" / "measurements.json"
    assert read_measurements(str(measured)) == findings
    assert main(["study", str(measured), "--output", str(tmp_path / "again")]) == 0
    assert "edits solves more than plain" in capsys.readouterr().out
    for file in [*files, measured, measured.with_name("findings.json")]:
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_a_report_leads_with_the_answer_and_a_figure(tmp_path: Path) -> None:
    text = write_report(found_in(THREE), tmp_path, {})[1].read_text()
    _, title, summary, head, answer, figure, *_ = text.split("\n\n")
    assert (title[0], summary, head) == ("#", "3 arms, 3 seeds, 4 completions per problem", "## Findings")
    assert answer.startswith("On ask: edits solves more than plain (pass@1 ")
    assert "Training: equal optimizer steps (10), tokens processed (1,000)." in answer
    assert figure.startswith("![pass@k](pass-at-k-")


def test_a_report_has_the_findings_and_escapes_every_text(tmp_path: Path) -> None:
    findings, plan = found_in(), planned()
    programs = {(item.benchmark, item.arm, item.setting, item.seed): results([1] * 20) for item in plan.results}
    files = write_report(findings, tmp_path / "report", programs)
    page, text = files[0].read_text(), files[1].read_text()
    difference = comparisons_of(findings)[0].interval.value
    for report in (page, text):
        assert "edits - plain" in report
        assert f"{100 * difference:.1f}" in report
        assert "lintseq finetune finetune.toml" in report
    assert "<b>small</b>" not in page.replace("&lt;b", "")
    assert "<script>" not in page.replace("<script></script>", "")
    assert "# A &lt;b&gt;small&lt;/b&gt; study" in text
    assert "seed 1" in page
    assert "[ask, seed 1](ask-1.html)" in text
    assert all(file.exists() for file in files)
    assert json.dumps(findings_table(findings))


def test_a_report_describes_how_each_arm_was_made(tmp_path: Path) -> None:
    arms = {
        "plain": StudyArm(trains_on="plain", set=("match.by=rows",)),
        "edits": StudyArm(samples=1, build={"order": "forward"}),
        "random": StudyArm(same_model_as="edits", linter="none", complete={"linted": True}),
    }
    findings = replace(found_in(), study=replace(STUDY, arms=arms))
    text = write_report(findings, tmp_path / "report", {})[1].read_text()
    rows = [line for line in text.split("\n") if line.startswith("| ")]
    for row in (
        "| trained on | whole programs | edits | edits |",
        "| linter | – | native | native |",
        "| edit sequences per program | – | 1 | 1 |",
        "| options of build | – | order=forward | order=forward |",
        "| changes to the recipe | match.by=rows | – | – |",
        "| options of complete | – | – | linted=true |",
    ):
        assert row in rows


# Archives

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
def test_an_archive_is_refused_if_pretraining_would_miss_an_input(
    source: str, tokenizer: bool, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pretrain.toml").write_text(PRETRAIN)
    for name in ("pairs.jsonl", "finetune.toml", "choose.jsonl", "ask.jsonl"):
        Path(name).write_text("")
    setting = f"data.train=[{{path = '{source}', read = 'edits'}}]"
    base = replace(STUDY.base, set=(setting,), tokenizer=STUDY.base.tokenizer if tokenizer else None)
    with pytest.raises(ConfigError, match=f"with {missing} .*an archive would not contain"):
        archive.collect_inputs(replace(STUDY, base=base), FILES)


def test_an_archive_contains_everything_that_the_study_reads(tmp_path: Path) -> None:
    names = ("pairs.jsonl", "finetune.toml", "choose.jsonl", "ask.jsonl", "easy.txt")
    here = {name: str(tmp_path / name) for name in names}
    for name in names:
        (tmp_path / name).write_text(name * 1000)
    (tmp_path / "pretrain.toml").write_text(PRETRAIN)
    study = replace(
        STUDY,
        pairs=StudyPairs(inputs=(here["pairs.jsonl"],)),
        base=StudyBase(
            pretrain=str(tmp_path / "pretrain.toml"),
            set=(SEEN,),
            corpora={"seen": StudyCorpus(inputs=(here["pairs.jsonl"],))},
            tokenizer=StudyTokenizer(inputs=("{}/corpus/seen/edits.jsonl",), vocab=512),
        ),
        finetune=StudyFinetune(recipe=here["finetune.toml"]),
        benchmarks=(
            StudyBenchmark(name=here["ask.jsonl"]),
            StudyBenchmark(name="humaneval", problems=here["easy.txt"]),
        ),
    )
    files = {here["ask.jsonl"]: here["ask.jsonl"], "humaneval": here["choose.jsonl"]}
    packed = archive.pack(study, files, tmp_path / "study.tar.gz")
    assert archive.is_archive(packed.path)
    assert packed.files == 7
    folder = tmp_path / "elsewhere"
    found = archive.unpack(packed.path, str(folder))
    problems = found.benchmarks[1].problems
    for path in (*found.pairs.inputs, found.base.pretrain, found.finetune.recipe, found.benchmarks[0].name, problems):
        assert path.startswith(str(folder))
        assert Path(path).read_text() == (tmp_path / Path(path).name.split("-", 1)[1]).read_text()
    assert found.base.corpora["seen"].inputs == found.pairs.inputs
    assert (folder / "inputs" / "data" / "choose.jsonl").exists()
    assert [benchmark.title for benchmark in found.benchmarks] == ["ask", "humaneval"]
    same = {name: getattr(study, name) for name in ("pairs", "base", "finetune", "benchmarks")}
    assert replace(found, **same) == study


def test_an_archive_of_something_else_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.tar.gz"
    with tarfile.open(path, "w:gz") as other:
        other.add(ROOT / "Makefile", "Makefile")
    with pytest.raises(ConfigError, match="not an archive of a study"):
        archive.unpack(str(path), str(tmp_path / "out"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ConfigError, match=r"cannot extract|not an archive"):
        archive.unpack(str(path), str(tmp_path / "out"))
    with pytest.raises(ConfigError, match="an archive needs a copy"):
        archive.collect_inputs(
            replace(STUDY, base=StudyBase(model="hf:x"), pairs=StudyPairs(inputs=("hf:some/thing",))), FILES
        )


# Options of commands


COMPLETE = ["complete", "--model", "m", "--output", "o"]
BUILD = ["build", "i", "--output", "o"]


@pytest.mark.parametrize(
    ("kind", "command", "values"),
    [
        (CompletionOptions, COMPLETE, {"n": 3, "top_p": (0.95, 1.0), "linted": True}),
        (CompletionOptions, COMPLETE, {"stop": ("a", "b c"), "batch": 7}),
        (EvaluationOptions, ["evaluate", "c", "--benchmark", "b"], {"k": (1, 5), "partial": True, "linter": "none"}),
        (BuildOptions, BUILD, {"order": "forward", "samples": 2, "decontaminate": ("a", "b")}),
        (TokenizerOptions, ["tokenizer", "train", "i", "--output", "o"], {"vocab": 512, "read": "edits"}),
    ],
)
def test_a_command_line_gives_the_options_that_it_was_made_from(
    kind: Any, command: list[str], values: dict[str, Any]
) -> None:
    words = [*command, *arguments_of(options_of(kind, values, "here"))]
    click_command = load_command(words.pop(0))
    while subcommands := getattr(click_command, "commands", None):
        click_command = subcommands[words.pop(0)]
    parsed = click_command.make_context("test", words).params
    for name, value in values.items():
        text = ",".join(f"{item:g}" for item in value) if isinstance(value, tuple) and value[0] in (1, 0.95) else value
        found = list(parsed[name]) if isinstance(parsed[name], tuple) else parsed[name]
        assert found == (list(text) if isinstance(text, tuple) else text)


@pytest.mark.parametrize(
    ("values", "message"),
    [({"lintd": True}, "unknown option lintd; did you mean linted"), ({"n": "few"}, "n is 'few'")],
)
def test_unknown_options_and_wrong_types_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"here: {message}"):
        options_of(CompletionOptions, values, "here")


# The command


def study_file(folder: Path) -> tuple[Path, Path, Path]:
    """Return a study file, its recipe and its problems."""
    problems, recipe, file = ROOT / "examples" / "problems.jsonl", folder / "finetune.toml", folder / "study.toml"
    recipe.write_text((ROOT / "recipes" / "nano" / "finetune.toml").read_text())
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
    return file, recipe, problems


def test_plan_prints_the_commands_and_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, _, _ = study_file(tmp_path)
    assert main(["study", str(file), "--output", str(tmp_path / "out"), "--plan"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("lintseq build ")
    assert len(lines) == 1 + 2 * 3 * 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('problems = "example/none"', "has no problem 'example/none'"),
        ('label = "x", validation = true }, { name = "{problems}"', "both for validation and for the result"),
    ],
)
def test_impossible_problems_are_refused(more: str, message: str, tmp_path: Path) -> None:
    file, _, problems = study_file(tmp_path)
    more = more.replace("{problems}", str(problems))
    file.write_text(file.read_text().replace(f'{{ name = "{problems}"', f'{{ name = "{problems}", {more}'))
    with pytest.raises(ConfigError, match=message):
        plan_study(file, tmp_path / "out")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("arms.edits.complete={lintd=true}", "unknown key arms.edits.complete.lintd; did you mean"),
        ("arms.edits.complete={n=0}", "step 'complete problems/edits-0-t1': --n is 0"),
        ('arms.edits.set=["optim.l=3"]', "step 'finetune edits 0': {recipe}: unknown key optim.l; did you mean"),
        ('finetune.set=["loss=median"]', "step 'finetune plain 0': {recipe}: loss is 'median'; use one of mean, sum"),
        ("arms.edits.build={order='forward'}", "step 'build edits': a program has one sequence in order forward"),
        ("arms.edits.build={max_edits='few'}", "arms.edits.build.max_edits is 'few'; expected an integer"),
        ("arms.edits.format=dif", "arms.edits.format: unknown format 'dif'; use one of"),
        ('benchmarks=[{name="{problems}", evaluate={k=3}}]', "0.evaluate.k is 3; expected a list, such as [3]"),
    ],
)
def test_impossible_options_are_refused_before_the_first_step(setting: str, message: str, tmp_path: Path) -> None:
    file, recipe, problems = study_file(tmp_path)
    options = StudyOptions(set=(setting.replace("{problems}", str(problems)),))
    with pytest.raises(ConfigError) as caught:
        run_study(file, tmp_path / "out", options)
    assert message.replace("{recipe}", str(recipe)) in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, recipe, _ = study_file(tmp_path)
    recipe.unlink()
    assert main(["study", str(file), "--output", str(tmp_path / "out")]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_a_packed_study_has_the_same_steps_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, _, _ = study_file(tmp_path)
    (tmp_path / "there").mkdir()
    settings = StudyOptions(set=(f"base.model={tmp_path / 'there'}",))
    (tmp_path / "there" / "config.json").write_text("{}")
    packed = pack_study(file, tmp_path / "study.tar.gz", settings)
    before = plan_study(file, tmp_path / "a", settings)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    os.rename(packed.path, "study.tar.gz")
    file.unlink()
    plan = plan_study("study.tar.gz", "out")
    assert [step.name for step in plan.steps] == [step.name for step in before.steps]
    assert all(Path(name).is_relative_to("out/inputs") for step in plan.steps for name in step.files)
    assert plan_study("study.tar.gz", "out").steps[0].command == plan.steps[0].command


def test_power_tells_what_a_study_detects_and_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, _, _ = study_file(tmp_path)
    assert main(["study", str(file), "--power"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("1 planned comparison, 3 seeds, 10 completions per problem.")
    assert "problems, 12 problems\n  arms whose trainings vary by 1 points" in text
    assert main(["study", str(file), "--power", "--set", "seeds=[0]"]) == 0
    assert "nothing will follow about ways to train" in capsys.readouterr().out
    assert main(["study", str(file)]) == 2
    assert "--output" in capsys.readouterr().err


def test_a_study_detects_less_the_less_it_measures_and_the_more_it_compares() -> None:
    usual: Any = {"seeds": 3, "problems": 100, "completions": 10, "spread": 0.02, "comparisons": 3}
    least = smallest_difference(**usual)
    assert least is not None
    for change in ({"seeds": 5}, {"problems": 400}, {"completions": 50}, {"spread": 0.01}, {"comparisons": 1}):
        better = smallest_difference(**usual | change)
        assert better is not None
        assert 0 < better < least
    assert smallest_difference(**usual | {"seeds": 1}) is None


def test_a_report_is_written_when_a_seed_is_complete() -> None:
    written: list[StudyPlan] = []
    plan = planned()
    progress = running.StudyProgress(plan.steps, BUDGET)
    report = EarlyReports(plan, written.append)
    for step in plan.steps:
        report(progress)
        report(progress)
        first = [result.step for result in plan.results if result.seed == STUDY.seeds[0]]
        assert len(written) == all(name in progress.done for name in first)
        progress.done[step.name] = 1.0
    report(progress)  # the last seed is complete, and the final report is written elsewhere
    (part,) = written
    assert part.study.seeds == STUDY.seeds[:1]
    assert part.study.notes[-1] == "Early report: 1 seed of 2; the study is still running."
    assert {result.seed for result in part.results} == {STUDY.seeds[0]}


def test_two_processes_do_not_run_one_study(tmp_path: Path) -> None:
    file, _, _ = study_file(tmp_path)
    with contextlib.closing(running.lock_study(str(tmp_path / "out"), "other")), pytest.raises(ConfigError) as caught:
        run_study(file, tmp_path / "out")
    assert f"is being written by process {os.getpid()}" in str(caught.value)


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder, message in (
        (tmp_path / "file" / "out", "cannot be written to: Not a directory; choose another"),
        (tmp_path / "file", "is a file, and the study here needs a folder"),
        (tmp_path, "contains other files than a study"),
    ):
        with pytest.raises(ConfigError, match=message):
            running.lock_study(str(folder), "here")


def test_the_time_left_is_estimated_from_finished_steps() -> None:
    steps = [*chain("a", "b", kind="finetune"), *chain("c", "d")]
    progress = running.StudyProgress(steps, BUDGET)
    assert progress.seconds_left(0) is None
    progress.done |= {"a": 60.0, "c": 10.0}
    progress.running["b"] = 100.0
    assert progress.seconds_left(120.0) == 40 / 2 + 10


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.toml")), ids=lambda path: path.stem)
def test_the_studies_of_this_repository_are_valid(path: Path) -> None:
    study = read_study(str(path))
    assert plan_of(study, files={benchmark.name: "x" for benchmark in study.benchmarks}).steps
