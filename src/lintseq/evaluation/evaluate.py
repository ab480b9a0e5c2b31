"""The evaluation as a whole: completions and a benchmark in, judged completions and scores out.

Owns the order of the steps (read, check the sandbox, find what is missing, run references, judge, score, save) and
what the manifest says. Each step is a module of this package.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

from lintseq.benchmarks import Problem, Runner, shorten
from lintseq.errors import ConfigError
from lintseq.evaluation.completions import CompletionsOptions, OpenedCompletions, open_completions
from lintseq.evaluation.cost import ModelShape, read_shape
from lintseq.evaluation.judging import JudgingOptions, judge_in_batches
from lintseq.evaluation.prerequisites import prepare
from lintseq.evaluation.results import Evaluation, JudgedCompletion
from lintseq.evaluation.results_file import ResultsFile
from lintseq.evaluation.summary import DEFAULT_KS, answers_of, summarize, with_tokens
from lintseq.languages import get_language, get_linter, linter_version
from lintseq.sandbox.isolation import IsolationLevel, LevelOrAuto
from lintseq.sandbox.pool import Sandbox

INSTRUCTION_LENGTH = 2000
"""Characters of an instruction that the manifest keeps."""


@dataclass(frozen=True, slots=True)
class EvaluationOptions(CompletionsOptions):
    """What an evaluation depends on besides the completions and the benchmark."""

    k: tuple[int, ...] = DEFAULT_KS
    """Values of k for pass@k."""
    timeout: float | None = None
    """CPU seconds per program. [default: the benchmark's]"""
    memory: int | None = None
    """Memory per program in MB. [default: the benchmark's]"""
    sandbox: LevelOrAuto = "auto"
    """Level of isolation; auto is the strongest available, unsafe is none: only for programs that you trust."""
    linter: str = get_language().default_linter
    """Linter that judges programs and the states on the way to them; none disables it."""
    tokenizer: str | None = None
    """Count tokens where rows do not give them: a tokenizer.json, its folder, or a name on the Hub."""
    model_config: str | None = None
    """config.json of the model, to compute floating-point operations."""


class IsolatedRunner(Runner, Protocol):
    """Runs jobs, and reports how well it isolates them."""

    @property
    def isolation(self) -> IsolationLevel: ...


@dataclass(frozen=True, slots=True)
class EvaluationProgress:
    """How far an evaluation is."""

    done: int
    """Completions judged, including those of an interrupted run."""
    total: int
    """Completions to judge."""
    isolation: IsolationLevel
    """How programs are isolated."""
    first: bool = False
    """Whether nothing has run yet."""


@dataclass(frozen=True, slots=True)
class _EvaluationPlan:
    """Everything about an evaluation that is known before a program runs."""

    opened: OpenedCompletions
    problems: Mapping[str, Problem]
    """Problems with completions, by task id."""
    judging: JudgingOptions
    options: EvaluationOptions
    shape: ModelShape | None
    tokenizer: Any

    @property
    def settings(self) -> dict[str, Any]:
        """What rows depend on: an interrupted run continues only with the same settings."""
        completions, linter = self.opened.completions, self.options.linter
        return {
            "benchmark": self.opened.benchmark.as_dict(),
            **self.opened.selection.as_settings(),
            "completions": {
                "sha256": completions.checksum,
                "rows": len(completions.items),
                "format": completions.format,
            },
            "timeout": self.options.timeout,
            "memory": self.options.memory,
            "linter": linter if linter == "none" else linter_version(linter),
            "sandbox": self.options.sandbox,
        }

    def scored(
        self, rows: Sequence[JudgedCompletion], isolation: Mapping[str, Any], answers: Mapping[str, Any] | None
    ) -> Evaluation:
        """Return the evaluation with these rows."""
        costed = rows if self.tokenizer is None else with_tokens(rows, self.problems, self.tokenizer)
        summary = {
            "benchmark": self.opened.benchmark.as_dict(),
            **self.opened.selection.as_settings(),
            "format": self.opened.completions.format,
            "missing_problems": len(self.opened.completions.missing),
            **summarize(costed, problems=len(self.problems), ks=self.options.k, shape=self.shape),
            "isolation": isolation,
        }
        if answers:
            summary["answers"] = answers
        instructions = {
            task_id: shorten(problem.instruction, INSTRUCTION_LENGTH) for task_id, problem in self.problems.items()
        }
        return Evaluation(tuple(rows), self.settings, summary, instructions)


def evaluate(
    completions: str,
    benchmark: str,
    options: EvaluationOptions | None = None,
    *,
    output: str | None = None,
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[EvaluationProgress], None] = lambda progress: None,
    runner: IsolatedRunner | None = None,
) -> Evaluation:
    """Run completions against a benchmark's tests and return their verdicts and scores.

    `completions` is a file of JSON lines with `task_id` and `completion`; `benchmark` is a name, or a file of problems
    in HumanEval's columns. Programs run in a sandbox with `workers` processes (default: one per CPU), or in `runner`.
    With `output`, each judged completion is a row of that file, with a manifest next to it; `resume` continues an
    interrupted evaluation, `overwrite` replaces an existing one. `on_progress` is called before the first batch and
    after each.

    Raises `ConfigError` for options or completions that cannot be used, or if programs cannot be isolated here, and
    `ToolError` if the sandbox or a reference solution fails.
    """
    options = options or EvaluationOptions()
    plan = _plan(completions, benchmark, options)
    results = None if output is None else ResultsFile(output, plan.settings, resume=resume, overwrite=overwrite)
    with results or nullcontext():
        if results is not None and results.finished is not None:
            before = results.finished.summary
            return plan.scored(results.finished.rows, before["isolation"], before.get("answers"))
        with Sandbox(workers=workers, level=options.sandbox) if runner is None else nullcontext(runner) as entered:
            rows, problems = _judged(plan, entered, results, on_progress)
            evaluation = plan.scored(rows, entered.isolation.as_dict(), answers_of(problems))
        if results is not None:
            results.finish(evaluation)
        return evaluation


def _plan(completions: str, benchmark: str, options: EvaluationOptions) -> _EvaluationPlan:
    from lintseq.dataset.tokens import load_tokenizer

    _check(options)
    options = replace(options, k=tuple(sorted(set(options.k))))
    linter = None if options.linter == "none" else get_linter(options.linter)
    shape = None if options.model_config is None else read_shape(options.model_config)
    tokenizer = None if options.tokenizer is None else load_tokenizer(options.tokenizer)
    opened = open_completions(completions, benchmark, options)
    memory = None if options.memory is None else options.memory << 20
    judging = JudgingOptions(options.timeout, memory, linter)
    return _EvaluationPlan(opened, opened.problems, judging, options, shape, tokenizer)


def _check(options: EvaluationOptions) -> None:
    if not options.k or min(options.k) < 1:
        raise ConfigError(f"k is {', '.join(map(str, options.k)) or 'empty'}; use integers from 1, such as 1,10")
    for name, minimum in (("timeout", 0.1), ("memory", 16), ("skip_first", 0)):
        value = getattr(options, name)
        if value is not None and value < minimum:
            raise ConfigError(f"--{name.replace('_', '-')} is {value}; the minimum is {minimum}")


def _judged(
    plan: _EvaluationPlan,
    runner: IsolatedRunner,
    results: ResultsFile | None,
    on_progress: Callable[[EvaluationProgress], None],
) -> tuple[list[JudgedCompletion], Sequence[Problem]]:
    """Return the judged completions, after saving each batch, and the problems as they were tested."""
    items = plan.opened.completions.items
    rows = [] if results is None else list(results.rows)
    on_progress(EvaluationProgress(len(rows), len(items), runner.isolation, first=True))
    problems, not_run = prepare(list(plan.problems.values()), runner, runner.isolation.name)
    judging = replace(plan.judging, not_run=not_run)
    for batch in judge_in_batches(problems, items, runner, judging, done=tuple(rows)):
        rows += batch
        if results is not None:
            results.append(batch)
        on_progress(EvaluationProgress(len(rows), len(items), runner.isolation))
    return rows, problems
