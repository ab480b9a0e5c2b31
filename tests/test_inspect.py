"""Tasks of inspect_ai give the verdicts of `lintseq evaluate`, and their logs show how programs came about."""

import gc
import json
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from toys import toy_model, toy_tokenizer

import lintseq
from lintseq.benchmarks import BENCHMARKS, load_problems, prompt_for, reference_completions
from lintseq.codecs import CODECS, SEPARATOR
from lintseq.errors import ConfigError
from lintseq.evaluation.evaluate import EvaluationOptions, evaluate
from lintseq.evaluation.scoring import pass_at_k
from lintseq.lm.backends.backend import GeneratedCompletion
from lintseq.walks import sample_edits

pytest.importorskip("inspect_ai", reason="needs the extra: pip install 'lintseq[inspect]'")

import anyio.from_thread
import inspect_ai
from inspect_ai._util.error import PrerequisiteError
from inspect_ai._util.registry import registry_lookup
from inspect_ai.log import EvalLog, EvalSample, read_eval_log
from inspect_ai.model import GenerateConfig, ModelOutput, ModelUsage, get_model

from lintseq.integrations import inspect as adapter

# inspect_ai leaves streams open, which is found out when they are collected, and its dependencies are in flux.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

ROOT = Path(__file__).parents[1]
OWN = str(ROOT / "examples" / "problems.jsonl")
PROBLEMS = load_problems(OWN).problems
BY_PROMPT = {prompt_for(problem, "messages")[0]["content"]: problem for problem in PROBLEMS}  # type: ignore[index]
LOOP = "while True:\n    pass\n"
WRONG = "def {name}(*_):\n    return 'wrong'\n"


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def run(
    complete: Callable[[str, int], str], folder: Path, *, benchmark: str = OWN, epochs: Any = None, **options: Any
) -> EvalLog:
    """Return the log of a task in which a mock model gives `complete(task_id, number)`."""
    counts: dict[str, int] = {}

    def output(input: Sequence[Any], *_: Any) -> ModelOutput:
        task_id = BY_PROMPT[input[-1].text].task_id
        number = counts[task_id] = counts.get(task_id, -1) + 1
        found = ModelOutput.from_content("mockllm/model", complete(task_id, number))
        found.usage = ModelUsage()  # inspect would load a tokenizer from the network to count
        return found

    model = get_model("mockllm/model", custom_outputs=output)
    arguments = {"benchmark": benchmark, **options}
    (log,) = inspect_ai.eval(
        "lintseq/problems",
        model=model,
        task_args=arguments,
        epochs=epochs,
        log_dir=str(folder),
        display="none",
        log_format="json",
    )
    assert log.status == "success", log.error
    assert isinstance(log, EvalLog)
    return log


def samples_of(log: EvalLog) -> list[EvalSample]:
    assert log.samples is not None
    return log.samples


def metric(log: EvalLog, name: str = "accuracy", reducer: str | None = None) -> float:
    assert log.results is not None
    (score,) = [score for score in log.results.scores if reducer in (None, score.reducer)]
    return float(score.metrics[name].value)


def references(format: str) -> dict[str, str]:
    return {row["task_id"]: row["completion"] for row in reference_completions(PROBLEMS, format)}


def completions(format: str) -> dict[str, str]:
    """Return one completion of each problem: correct, wrong, malformed, empty and endless ones."""
    found = references(format)
    write = (lambda text: text) if format == "code" else lambda text: CODECS[format].write(sample_edits(text, seed=0))
    names = [problem.task_id for problem in PROBLEMS]
    found[names[0]] = write(WRONG.format(name=PROBLEMS[0].entry_point))
    found[names[1]] = ""
    found[names[2]] = found[names[2]][: len(found[names[2]]) // 2]
    found[names[3]] = "I cannot do that.\n\n```\n@@ -9,9 +1 @@\n-nothing\n```\n" + SEPARATOR
    found[names[4]] = write(LOOP)
    found[names[5]] = write(f"import sys\nsys.exit(0)\n{PROBLEMS[5].reference}")
    return found


@pytest.mark.parametrize("format", ["code", "search-replace"])
def test_verdicts_are_those_of_evaluate(format: str, tmp_path: Path) -> None:
    texts = completions(format)
    log = run(lambda task_id, _: texts[task_id], tmp_path, format=format, timeout=1)
    path = tmp_path / "completions.jsonl"
    path.write_text("".join(json.dumps({"task_id": name, "completion": text}) + "\n" for name, text in texts.items()))
    evaluation = evaluate(str(path), OWN, EvaluationOptions(k=(1,), format=format, timeout=1))
    rows = {row.task_id: row for row in evaluation.rows}
    measured = {"seconds", "cpu_seconds"}
    for sample in samples_of(log):
        assert sample.scores is not None
        score, row = sample.scores["verdict"], rows[str(sample.id)]
        expected = {key: value for key, value in row.as_row().items() if key not in ("completion", "text")}
        assert score.metadata is not None
        assert {key: score.metadata[key] for key in expected.keys() - measured} == {
            key: json.loads(json.dumps(expected[key])) for key in expected.keys() - measured
        }
        assert score.value == ("C" if row.verdict == "passed" else "I")
        assert score.answer == row.text
    assert {row.verdict for row in rows.values()} >= {"passed", "failed", "error", "timeout"}
    assert metric(log) == pytest.approx(evaluation.pass_at_k[1])


def test_programs_run_side_by_side_at_most_one_per_worker_and_not_in_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = references("code")
    real, lock = adapter.BenchmarkJudge.score, threading.Lock()
    workers = adapter.shared_sandbox("auto").workers
    side_by_side = min(workers, 4)
    meeting, counts, loops, others = threading.Barrier(side_by_side), [0], set(), set()

    def score(judge: adapter.BenchmarkJudge, completion: Any) -> Any:
        with lock:
            counts.append(counts[-1] + 1)
        meeting.wait(60)
        loops.add(anyio.from_thread.run_sync(threading.get_ident))  # the loop answers
        others.add(threading.get_ident())
        with lock:
            counts.append(counts[-1] - 1)
        return real(judge, completion)

    monkeypatch.setattr(adapter.BenchmarkJudge, "score", score)
    log = run(lambda task_id, _: right[task_id], tmp_path, epochs=side_by_side)
    assert metric(log) == 1.0
    assert side_by_side <= max(counts) <= workers
    assert len(loops) == 1
    assert not loops & others


INTERRUPTED = """
import sys
import inspect_ai
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from lintseq.integrations import inspect as adapter

real = adapter.BenchmarkJudge.score
adapter.BenchmarkJudge.score = lambda *arguments: print("judging", flush=True) or real(*arguments)
output = ModelOutput.from_content("mockllm/model", "while True: pass")
output.usage = ModelUsage()
model = get_model("mockllm/model", custom_outputs=[output] * 99)
arguments = {"benchmark": sys.argv[1], "timeout": 100}
inspect_ai.eval("lintseq/problems", model=model, task_args=arguments, log_dir=sys.argv[2], display="none")
"""


@pytest.mark.slow
def test_ctrl_c_does_not_wait_for_the_programs_that_run(tmp_path: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED, OWN, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "judging\n"
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)  # the programs may run for 100 seconds and more
        finally:
            process.kill()


def test_a_log_shows_the_verdict_the_program_and_each_state(tmp_path: Path) -> None:
    texts = references("diff")
    first = PROBLEMS[0].task_id
    texts[first] += "\n" + SEPARATOR + "@@ what is this\n"
    log = run(lambda task_id, _: texts[task_id], tmp_path, format="diff", problems=[first, PROBLEMS[1].task_id])
    log = read_eval_log(log.location)  # as inspect view reads it
    assert log.eval.task == "lintseq/problems"
    assert log.eval.metadata is not None
    assert log.eval.metadata["benchmark"]["sha256"] == load_problems(OWN).checksum
    assert "isolat" in log.eval.metadata["isolation"] or "confined" in log.eval.metadata["isolation"]
    (sample, _) = samples_of(log)
    assert sample.scores is not None
    text = sample.scores["verdict"].explanation or ""
    count = len(list(lintseq.get_codec("diff").resolve(texts[first]).states()))
    assert text.startswith("**passed**\n\n**Program**\n\n```python\n" + PROBLEMS[0].reference)
    assert "**Repaired or ignored**\n\n```text\nedit " in text
    assert f"**State 1 of {count}**\n\n```python\n" in text
    assert text.endswith(f"**State {count} of {count}**, unchanged")
    assert sample.metadata["format"] == "diff"


def test_a_fence_in_a_program_does_not_end_its_block(tmp_path: Path) -> None:
    program = 'def f():\n    """\n    ```\n    ````\n    """\n'
    log = run(lambda *_: program, tmp_path, format="program", problems=PROBLEMS[0].task_id)
    assert f"`````python\n{program}`````" in (samples_of(log)[0].scores or {})["verdict"].explanation  # type: ignore[operator]


def test_states_that_are_too_long_are_counted(tmp_path: Path) -> None:
    lines = [f"x{number} = '{'1' * 5000}'\n" for number in range(30)]
    text = CODECS["states"].write(sample_edits("".join(lines), seed=0))
    log = run(lambda *_: text, tmp_path, format="states", problems=PROBLEMS[0].task_id)
    explanation = (samples_of(log)[0].scores or {})["verdict"].explanation or ""
    assert explanation.endswith(" more states")
    assert len(explanation) < 400_000


def test_epochs_and_reducers_give_pass_at_k(tmp_path: Path) -> None:
    right = references("code")
    passing = {problem.task_id: number % 4 for number, problem in enumerate(PROBLEMS)}

    def complete(task_id: str, number: int) -> str:
        return right[task_id] if number < passing[task_id] else "pass"

    epochs = inspect_ai.Epochs(3, ["pass_at_1", "pass_at_2"])
    log = run(complete, tmp_path, epochs=epochs)
    for k in (1, 2):
        scores = [pass_at_k(3, count, k) for count in passing.values()]
        assert metric(log, reducer=f"pass_at_{k}") == pytest.approx(sum(scores) / len(scores))


def test_what_cannot_be_judged_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = references("code")
    real = adapter.prepare

    def without_the_first(problems: Any, runner: Any, level: Any) -> Any:
        prepared, _ = real(problems, runner, level)
        return prepared, {problems[0].task_id: "needs torch"}

    monkeypatch.setattr(adapter, "prepare", without_the_first)
    adapter.open_judge.cache_clear()
    try:
        log = run(lambda task_id, number: right[task_id], tmp_path, epochs=inspect_ai.Epochs(2, "pass_at_1"))
    finally:
        adapter.open_judge.cache_clear()
    assert log.results is not None
    assert (log.results.scores[0].scored_samples, log.results.scores[0].unscored_samples) == (11, 1)
    assert metric(log) == 1.0


def test_the_example_scores_completions_in_a_file(tmp_path: Path) -> None:
    files = [str(ROOT / "examples" / name) for name in ("with_inspect.py", "completions.jsonl", "problems.jsonl")]
    done = subprocess.run([sys.executable, *files], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    command = "$ python examples/with_inspect.py examples/completions.jsonl examples/problems.jsonl\n"
    assert command + done.stdout in (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")


# Tasks


def test_every_benchmark_is_a_task_of_the_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["inspect_ai"] == {"lintseq": adapter.__name__}
    for name in [*BENCHMARKS, "problems"]:
        assert registry_lookup("task", f"lintseq/{name}") is not None


REFUSED = [
    ({"format": "difff"}, "unknown format 'difff'; use one of code, .*diff|unknown format 'difff'"),
    ({"level": "strong"}, "there is no level 'strong'; use auto, isolated"),
    ({"prompts": "edits"}, "unknown prompts 'edits'; use one of messages, official"),
    ({"timeout": 0}, "timeout is 0, but must be at least"),
    ({"problems": ["nothing", "else"]}, "-T problems: problems.jsonl has no problem 'nothing'"),
    ({"benchmark": "nowhere.jsonl"}, "cannot read the problems in nowhere.jsonl"),
    ({"benchmark": "humaneval", "data": "nowhere"}, "nowhere is not a folder; -T data and LINTSEQ_DATA name"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[str(options) for options, _ in REFUSED])
def test_what_cannot_work_is_one_line_before_anything_runs(options: dict[str, Any], message: str) -> None:
    with pytest.raises(PrerequisiteError, match=message):
        adapter.problem_task(**{"benchmark": OWN, **options})


def test_missing_data_names_the_file_and_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINTSEQ_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(PrerequisiteError, match=r"HumanEval needs HumanEval.jsonl: not found in .*; and downloading"):
        adapter.problem_task("humaneval", data=str(tmp_path))


def test_a_level_that_is_not_available_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(level: str) -> Any:
        raise ConfigError("programs cannot be isolated here, or choose the sandbox 'unsafe' (--sandbox unsafe)")

    monkeypatch.setattr(adapter, "shared_sandbox", refuse)
    with pytest.raises(PrerequisiteError, match=r"\(-T level=unsafe\)"):
        adapter.problem_task(OWN, level="isolated", timeout=7)


def test_without_inspect_ai_the_extra_is_named() -> None:
    code = "import sys; sys.modules['inspect_ai'] = None; import lintseq.integrations.inspect"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("pip install 'lintseq[inspect]'")


def test_an_example_shows_the_format() -> None:
    task = adapter.problem_task(OWN, format="search-replace", example=True)
    assert task.solver is not None
    for format in ("code", *CODECS):
        question, answer = adapter.example_of(format)
        assert "count_words" in question.text
        assert answer.text == adapter.EXAMPLE[1] or lintseq.get_codec(format).read(answer.text)


# Models


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="needs the extra: pip install 'lintseq[train]'")
    path = tmp_path_factory.mktemp("model")
    toy_model().save_pretrained(path)
    toy_tokenizer().save_pretrained(path)
    return path


def opened(folder: Path, arm: str | None, **options: Any) -> Any:
    recipe = "" if arm is None else f'[data]\narm = "{arm}"\nformat = "search-replace"\n'
    (folder / "recipe.toml").write_text(recipe)
    return get_model(f"lintseq/{folder}", memoize=False, threads=1, device="cpu", **options)


class Recorder:
    """A backend that keeps what it is asked for."""

    tokenizer = type("Tokenizer", (), {"chat_template": None})

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []

    def generate(self, requests: Sequence[Any], sampling: Any, **_: Any) -> Any:
        self.calls.append([(request, sampling) for request in requests])
        for request in reversed(requests):
            yield GeneratedCompletion(request, f"{SEPARATOR}{request.seed}", "length", 3, 4)


@pytest.mark.parametrize(("arm", "format"), [("edits", "search-replace"), ("plain", "code")])
def test_a_model_gets_the_prompts_of_its_training(folder: Path, tmp_path: Path, arm: str, format: str) -> None:
    model = opened(folder, arm)
    model.api.backend = backend = Recorder()
    (log,) = inspect_ai.eval(
        "lintseq/problems", model=model, task_args={"benchmark": OWN}, epochs=2, log_dir=str(tmp_path), display="none"
    )
    requests = [request for call in backend.calls for request, _ in call]
    assert sorted(request.prompt for request in requests) == sorted(
        [str(prompt_for(problem, arm)) for problem in PROBLEMS] * 2
    )
    assert len({request.seed for request in requests}) == len(requests)
    assert len(backend.calls) < len(requests) / 2
    for sample in samples_of(log):
        assert sample.metadata["format"] == format
        assert sample.output.completion.startswith(SEPARATOR)
        assert sample.output.stop_reason == "max_tokens"


def test_a_small_model_answers_and_is_scored(folder: Path, tmp_path: Path) -> None:
    model = opened(folder, None, config=GenerateConfig(max_tokens=12, temperature=0.9, seed=1))
    (log,) = inspect_ai.eval(
        "lintseq/problems",
        model=model,
        task_args={"benchmark": OWN, "format": "diff", "problems": [problem.task_id for problem in PROBLEMS[:3]]},
        log_dir=str(tmp_path),
        display="none",
    )
    assert log.status == "success", log.error
    assert all(sample.output.usage.output_tokens <= 12 for sample in samples_of(log) if sample.output.usage)
    assert metric(log) == 0.0


def test_an_unknown_option_of_a_model_is_one_line(folder: Path) -> None:
    with pytest.raises(PrerequisiteError, match="unknown model option 'devise'; use one of batch, backend"):
        get_model(f"lintseq/{folder}", memoize=False, devise="cpu")
    with pytest.raises(PrerequisiteError, match="cannot load the model no/where/at/all"):
        get_model("lintseq/no/where/at/all", memoize=False)
