"""Benchmarks as tasks of inspect_ai (extra `inspect`), judged as `lintseq evaluate` judges.

Each benchmark is a task, such as `lintseq/humaneval`, and `lintseq/problems` one of a file of your own. Their scorer,
`verdict`, runs programs in lintseq's sandbox. `lintseq/FOLDER` is a model of lintseq's own inference, which keeps
`<|diff|>` and writes the prompts that the model was finetuned with.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache, partial
from typing import Any

from lintseq.benchmarks import (
    BENCHMARKS,
    CODE,
    PROGRAM,
    Problem,
    check_format,
    load_problems,
    prompt_for,
    select_problems,
)
from lintseq.codecs import SEPARATOR, get_codec
from lintseq.errors import ConfigError, LintseqError, check_at_least, check_choice
from lintseq.evaluation.candidates import Candidate, candidate_of
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.judging import JudgingOptions, judge_in_batches
from lintseq.evaluation.prerequisites import prepare
from lintseq.evaluation.results import UNJUDGED, JudgedCompletion
from lintseq.languages import get_language, get_linter
from lintseq.lm.backends import BackendOptions, open_backend
from lintseq.lm.backends.backend import GeneratedCompletion, GenerationRequest, SamplingParameters
from lintseq.lm.generation import seed_of, style_of
from lintseq.sandbox.isolation import LevelOrAuto
from lintseq.sandbox.pool import Sandbox, shared_sandbox
from lintseq.walks import sample_edits

try:
    import anyio
    import anyio.to_thread
    from inspect_ai import Task, task
    from inspect_ai._util.error import PrerequisiteError
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import (
        ChatMessage,
        ChatMessageAssistant,
        ChatMessageUser,
        GenerateConfig,
        ModelAPI,
        ModelOutput,
        ModelUsage,
        StopReason,
        get_model,
        modelapi,
    )
    from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer, stderr
    from inspect_ai.solver import Generate, Solver, TaskState, solver
    from inspect_ai.util import concurrency
    from rich.text import Text
except ImportError as error:
    raise ConfigError(f"these tasks need inspect_ai ({error}): pip install 'lintseq[inspect]'") from None

STATES_LENGTH = 100_000
"""Characters of states that the explanation of a score shows."""
GATHER_SECONDS = 0.05
"""Time that a model waits for other requests of a batch."""
EXAMPLE = (
    "Write a function `count_words(text)` that returns how often each word occurs.",
    "def count_words(text):\n    counts = {}\n    for word in text.split():\n"
    "        counts[word] = counts.get(word, 0) + 1\n    return counts\n",
)
"""An instruction and a program that answers it."""

Names = str | int | list[str | int]
"""What inspect makes of task ids separated by commas on the command line."""


@contextmanager
def _shown_in_one_line() -> Iterator[None]:
    """Turn what lintseq refuses into the error that inspect shows without a traceback."""
    try:
        yield
    except LintseqError as error:
        message = re.sub("--(data|problems)", r"-T \1", str(error).replace("--sandbox unsafe", "-T level=unsafe"))
        raise PrerequisiteError(Text(f"lintseq: {message}")) from error


# Judging


@dataclass(frozen=True, slots=True)
class BenchmarkJudge:
    """The problems of a benchmark that were selected, and what judges completions of them."""

    about: Mapping[str, Any]
    """What identifies the problems, and how programs are isolated."""
    problems: Mapping[str, Problem]
    """By task id."""
    sandbox: Sandbox
    options: JudgingOptions

    def score(self, completion: Completion) -> Score:
        """Return the score of a completion; takes as long as its tests."""
        problem = self.problems[completion.task_id]
        ((row,),) = judge_in_batches([problem], [completion], self.sandbox, self.options)
        candidate = candidate_of(problem, completion.text, completion.format)
        more: dict[str, Any] = {
            "answer": candidate.text,
            "explanation": explain(row, candidate),
            "metadata": {name: value for name, value in row.as_row().items() if name not in ("completion", "text")},
        }
        if row.verdict in UNJUDGED:
            return Score.unscored(reason="scoring_failed", **more)
        return Score(value=CORRECT if row.verdict == "passed" else INCORRECT, **more)


@cache
def open_judge(
    benchmark: str, problems: str | None, data: str | None, level: LevelOrAuto, timeout: float | None
) -> BenchmarkJudge:
    """Return the judge of a benchmark; starts the sandbox, and runs references if their results are not cached."""
    loaded = load_problems(benchmark, data)
    selection = select_problems(loaded, problems=problems)
    sandbox = shared_sandbox(level)
    # At exit, Python first waits for all threads, some of which wait for a program if Ctrl-C interrupted them.
    threading._register_atexit(sandbox.__exit__)  # type: ignore[attr-defined]
    prepared, not_run = prepare(selection.problems, sandbox, sandbox.isolation.name)
    about = {"benchmark": loaded.as_dict(), **selection.as_settings(), "isolation": sandbox.isolation.summary}
    options = JudgingOptions(timeout, linter=get_linter(get_language().default_linter), not_run=not_run)
    return BenchmarkJudge(about, {problem.task_id: problem for problem in prepared}, sandbox, options)


def explain(row: JudgedCompletion, candidate: Candidate) -> str:
    """Return a verdict, the program, what was repaired, and the state after each edit, as Markdown."""
    parts = [f"**{row.verdict}**"]
    if row.detail:
        parts.append(_block(row.detail, "text"))
    parts += ["**Program**", _block(candidate.text)]
    if candidate.notes:
        parts += ["**Repaired or ignored**", _block("\n".join(map(str, candidate.notes)), "text")]
    states, length = candidate.states or (), 0
    for number, state in enumerate(states, 1):
        length += len(state)
        if length > STATES_LENGTH:
            parts.append(f"{len(states) - number + 1} more states")
            break
        same = number > 1 and state == states[number - 2]
        parts.append(f"**State {number} of {len(states)}**" + (", unchanged" if same else ""))
        parts += [] if same else [_block(state)]
    return "\n\n".join(parts)


def _block(text: str, language: str = "python") -> str:
    """Return a block of code, in a fence that the text does not contain."""
    if not text:
        return "empty"
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", text))])
    return f"{fence}{language}\n{text.removesuffix(chr(10))}\n{fence}"


@scorer(metrics=[accuracy(), stderr()])
def verdict(
    benchmark: str,
    format: str | None = None,
    problems: Names | None = None,
    data: str | None = None,
    level: LevelOrAuto = "auto",
    timeout: float | None = None,
) -> Scorer:
    """Judge completions as `lintseq evaluate` does; `format` is for solvers that do not name the format."""
    with _shown_in_one_line():
        judge = open_judge(benchmark, _joined(problems), data, level, timeout)

    async def score(state: TaskState, target: Target) -> Score:
        chosen = state.metadata.get("format") or format or CODE
        completion = Completion(str(state.sample_id), state.epoch - 1, state.output.completion, chosen)
        async with concurrency(f"sandbox {level}", judge.sandbox.workers):
            return await anyio.to_thread.run_sync(judge.score, completion, abandon_on_cancel=True)

    return score


# Tasks


@solver
def complete(format: str | None = None, example: bool = False) -> Solver:
    """Have the model answer in a format: that of the model if it is one of lintseq, otherwise code.

    With `example`, a program in that format comes first, for models that were not trained on it.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        chosen = format or getattr(get_model().api, "format", None) or CODE
        state.metadata["format"] = chosen
        if example:
            state.messages[:0] = example_of(chosen)
        return await generate(state)

    return solve


def example_of(format: str) -> list[ChatMessage]:
    """Return a conversation in which an instruction is answered in a format."""
    instruction, program = EXAMPLE
    is_code = format in (CODE, PROGRAM)
    answer = program if is_code else get_codec(format).write(sample_edits(program, seed=0))
    return [ChatMessageUser(content=instruction), ChatMessageAssistant(content=answer)]


@task(name="problems")
def problem_task(
    benchmark: str,
    format: str | None = None,
    problems: Names | None = None,
    data: str | None = None,
    level: LevelOrAuto = "auto",
    timeout: float | None = None,
    prompts: str = "messages",
    example: bool = False,
) -> Task:
    """Return the task of a benchmark, or of a file of problems in HumanEval's columns.

    `format`, `problems`, `data` and `timeout` are those of `lintseq evaluate`, `level` is its `--sandbox`. `prompts`
    are `messages`, the instruction alone, or `official`. `example` shows the model the format.
    """
    with _shown_in_one_line():
        check_choice("prompts", prompts, ("messages", "official"))
        check_at_least(0.1, {"timeout": timeout})
        if format is not None:
            check_format(format)
        judge = open_judge(benchmark, _joined(problems), data, level, timeout)
    samples = [
        Sample(input=_input(problem, prompts), id=problem.task_id, target=problem.reference)
        for problem in judge.problems.values()
    ]
    return Task(
        dataset=MemoryDataset(samples, name=judge.about["benchmark"]["name"]),
        solver=complete(format, example),
        scorer=verdict(benchmark, format, problems, data, level, timeout),
        metadata=dict(judge.about),
    )


def _register(benchmark: str) -> None:
    """Register the task of a benchmark."""

    @task(name=benchmark)
    def benchmark_task(
        format: str | None = None,
        problems: Names | None = None,
        data: str | None = None,
        level: LevelOrAuto = "auto",
        timeout: float | None = None,
        prompts: str = "messages",
        example: bool = False,
    ) -> Task:
        return problem_task(benchmark, format, problems, data, level, timeout, prompts, example)


for name in BENCHMARKS:
    _register(name)


def _input(problem: Problem, prompts: str) -> list[ChatMessage]:
    prompt = prompt_for(problem, prompts)
    return [ChatMessageUser(content=prompt if isinstance(prompt, str) else prompt[0]["content"])]


def _joined(names: Names | None) -> str | None:
    return None if names is None else ",".join(map(str, names if isinstance(names, list) else [names]))


# Models


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request, and its completion as soon as it is there."""

    request: GenerationRequest
    sampling: SamplingParameters
    completion: GeneratedCompletion | None = None


_STOP_REASONS: dict[str, StopReason] = {"length": "max_tokens", "prompt-too-long": "model_length"}


@modelapi(name="lintseq")
class LintseqModel(ModelAPI):
    """A model folder, or a model on an OpenAI-compatible server with `--model-base-url`.

    The other options (`-M`) are those of `lintseq.lm.BackendOptions`, and `batch`.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008
        batch: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        with _shown_in_one_line():
            for option in options:
                check_choice("model option", option, ["batch", *(field.name for field in fields(BackendOptions))])
            if base_url is not None:
                options |= {"backend": "openai", "url": base_url}
            self.style = style_of(model_name)
            self.backend = open_backend(model_name, BackendOptions(**options), batch=batch)
        self.format = self.style.format
        """The format that the model was finetuned with, if its folder says so."""
        self._waiting: list[_Waiting] = []
        self._counts: dict[str, int] = {}
        self._turn = anyio.Lock()

    def max_tokens(self) -> int | None:
        return 512

    def max_connections(self) -> int:
        return 128

    async def generate(
        self, input: list[ChatMessage], tools: Any, tool_choice: Any, config: GenerateConfig
    ) -> ModelOutput:
        """Generate with the requests of other samples that wait: the first to get its turn takes all of them."""
        item = self._waiting_for(input, config)
        self._waiting.append(item)
        async with self._turn:
            if item.completion is None:
                await anyio.sleep(GATHER_SECONDS)
                batch = [other for other in self._waiting if other.sampling == item.sampling]
                await anyio.to_thread.run_sync(partial(self._generate, batch))
                self._waiting = [other for other in self._waiting if other.completion is None]
        assert item.completion is not None
        return self._output(item.completion)

    def _waiting_for(self, input: list[ChatMessage], config: GenerateConfig) -> _Waiting:
        maximum = config.max_tokens or self.max_tokens() or 1
        sampling = SamplingParameters(
            1.0 if config.temperature is None else config.temperature,
            1.0 if config.top_p is None else config.top_p,
            top_k=config.top_k or 0,
            max_tokens=maximum,
            min_tokens=min(8, maximum),
            stop=tuple(config.stop_seqs or ()),
        )
        prompt = self._prompt(input)
        key = str(prompt)
        index = self._counts[key] = self._counts.get(key, -1) + 1
        return _Waiting(GenerationRequest(key, index, prompt, seed_of(config.seed or 0, key, index)), sampling)

    def _prompt(self, input: list[ChatMessage]) -> str | list[dict[str, Any]]:
        """Return the prompt as in the model's training: messages, or their text and what leads to the answer."""
        text = "\n".join(message.text for message in input)
        if self.style.prompts in ("plain", "edits"):
            return f"{text}\n{SEPARATOR if self.style.prompts == 'edits' else ''}"
        tokenizer = getattr(self.backend, "tokenizer", None)
        if tokenizer is None or tokenizer.chat_template:
            return [{"role": message.role, "content": message.text} for message in input]
        return text

    def _generate(self, batch: list[_Waiting]) -> None:
        waiting = {(item.request.task_id, item.request.index): item for item in batch}
        for completion in self.backend.generate([item.request for item in batch], batch[0].sampling):
            waiting[completion.request.task_id, completion.request.index].completion = completion

    def _output(self, completion: GeneratedCompletion) -> ModelOutput:
        tokens = (completion.prompt_tokens or 0, completion.completion_tokens or 0)
        output = ModelOutput.from_content(
            self.model_name, completion.text, stop_reason=_STOP_REASONS.get(completion.finish, "stop")
        )
        output.usage = ModelUsage(input_tokens=tokens[0], output_tokens=tokens[1], total_tokens=sum(tokens))
        return output
