"""Completions of many prompts, written to a file that survives a kill.

Owns prompts, seeds, settings and the rows that `lintseq evaluate` reads. Generating them is up to a backend.
"""

import os
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import product
from typing import Any, Literal

from lintseq import __version__
from lintseq.benchmarks import CODE, PROGRAM, check_format, load_problems, prompt_for, select_problems
from lintseq.benchmarks.loading import numbered_rows
from lintseq.benchmarks.problem import Problem
from lintseq.errors import ConfigError, check_at_least
from lintseq.lm.backends import BackendOptions, open_backend
from lintseq.lm.backends.backend import Backend, GeneratedCompletion, GenerationRequest, Prompt, SamplingParameters
from lintseq.lm.linted import DecodingOptions, edit_filters
from lintseq.rows import stable_hash
from lintseq.rows.rows_file import JSON_LINES, RowsFile
from lintseq.storage import SaveTimer, suffix_of

SAVE_SECONDS = 5.0
"""Finished completions are written to disk this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionOptions:
    """Which completions to generate, and how."""

    n: int = 1
    """Completions per problem."""
    seed: int = 0
    """Seed of the random draws."""
    prompts: Literal["official", "plain", "edits", "messages"] | None = None
    """Prompt style. [default: the style that the model was finetuned with]"""
    prompts_file: str | None = None
    """Your own prompts, JSON lines: `prompt` or `messages`, optionally `task_id` and `state`."""
    format: str | None = None
    """Format of the completions: code, diff, udiff, ... [default: goes with the prompts]"""
    data: str | None = None
    """Directory of the benchmark files. [default: $LINTSEQ_DATA]"""
    skip_first: int = 0
    """Leave out the first N problems."""
    problems: str | None = None
    """Only these problems: task ids separated by commas, * matches anything; or a file with one per line."""
    temperature: tuple[float, ...] = (1.0,)
    """Sampling temperatures; 0 always takes the most likely token. Several values are a sweep."""
    top_p: tuple[float, ...] = (1.0,)
    """Nucleus sampling: keep the smallest set of tokens whose probability adds up to P."""
    min_p: tuple[float, ...] = (0.0,)
    """Keep tokens at least P times as likely as the most likely one."""
    top_k: tuple[int, ...] = (0,)
    """Keep the K most likely tokens; 0 for no limit."""
    max_tokens: int = 512
    """Maximum number of new tokens."""
    min_tokens: int = 8
    """Minimum number of new tokens."""
    stop: tuple[str, ...] = ()
    """End a completion before this text; may be repeated."""
    decoding: DecodingOptions = field(default_factory=DecodingOptions)
    """Decoding edit by edit."""
    inference: BackendOptions = field(default_factory=BackendOptions)
    """The backend and its device."""
    batch: int | None = None
    """Number of completions generated at once. [default: 32; on a GPU 128; requests to a server 16]"""

    def grid(self) -> list[SamplingParameters]:
        """Return every combination of the sampling settings, each once."""
        minimum = min(self.min_tokens, self.max_tokens)
        settings = product(self.temperature, self.top_p, self.min_p, self.top_k)
        grid = [SamplingParameters(*setting, self.max_tokens, minimum, self.stop) for setting in settings]
        check_at_least(1, {"--n": self.n})
        if self.n > 1 and any(sampling.temperature == 0 for sampling in grid):
            raise ConfigError(
                f"--n {self.n} at temperature 0 would give the same completion {self.n} times; use --n 1 for it"
            )
        return list(dict.fromkeys(grid))


@dataclass(slots=True)
class CompletionTally:
    """Progress and cost of the completions of one setting."""

    total: int
    """Completions to generate."""
    before: int = 0
    """Completions of earlier runs."""
    done: int = 0
    """Completions of this run."""
    tokens: int = 0
    """New tokens of this run."""
    thrown_tokens: int = 0
    """Tokens of discarded edits, included in `tokens`."""
    flops: int = 0
    """Floating-point operations."""
    seconds: float = 0.0
    """Duration of this run."""
    finishes: dict[str, int] = field(default_factory=dict)
    """Completions by the reason why they ended."""

    def add(self, row: dict[str, Any]) -> None:
        """Count a completion."""
        self.done += 1
        self.tokens += row.get("completion_tokens") or 0
        self.thrown_tokens += row.get("thrown_tokens") or 0
        self.flops += row.get("flops") or 0
        self.finishes[row["finish_reason"]] = self.finishes.get(row["finish_reason"], 0) + 1


@dataclass(frozen=True, slots=True)
class CompletionReport:
    """What `complete` wrote."""

    tallies: Mapping[str, CompletionTally]
    """By output file, one for each sampling setting."""
    warnings: tuple[str, ...]
    """What a reader of the completions has to know."""

    def as_dict(self) -> dict[str, Any]:
        """Return the tallies as plain values, for JSON."""
        return {path: asdict(tally) for path, tally in self.tallies.items()}


CompletionProgress = Callable[[SamplingParameters, CompletionTally], None]


def complete(
    model: str | Backend,
    benchmark: str | None,
    output: str | os.PathLike[str],
    options: CompletionOptions = CompletionOptions(),
    *,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: CompletionProgress = lambda sampling, tally: None,
    on_notice: Callable[[str], None] = lambda text: None,
) -> CompletionReport:
    """Generate completions of a benchmark's problems, or of your prompts, and return what was written.

    `model` is a folder, a name on the Hugging Face Hub or on a server, or an open backend. `benchmark` is a name or a
    file of problems; None with `options.prompts_file`. `output` gets one JSON line per completion, which `evaluate`
    reads; in a sweep each setting has its own file, such as `output.t0.2_p0.9.jsonl`. Finished completions are on
    disk within seconds, and `resume` continues an interrupted run. `on_notice` is that of `open_backend`.

    Raises `ConfigError` for settings that cannot work, a model that cannot be loaded, or an output that exists;
    `ToolError` if a server keeps failing.
    """
    grid = options.grid()
    name = model if isinstance(model, str) else ""
    tasks = _tasks(name, benchmark, options)
    if options.decoding.by_edit and tasks.format in (CODE, PROGRAM):
        raise ConfigError(f"--linted and --stop-after-edits need edits, and --format {tasks.format} has none")
    for sampling in grid:
        edit_filters(options.decoding, sampling, tasks.format or "diff")
    paths = output_names(os.fspath(output), grid)
    for path in paths:
        if os.path.exists(path) and not (resume or overwrite):
            raise ConfigError(
                f"{path} exists; continue with --resume, replace it with --overwrite, or choose another name"
            )
    backend = model
    if isinstance(backend, str):
        backend = open_backend(backend, options.inference, batch=options.batch, on_notice=on_notice)
    requests = requests_of(tasks.prompts, n=options.n, seed=options.seed)
    tallies: dict[str, CompletionTally] = {}
    for path, sampling in zip(paths, grid, strict=True):
        settings = {**backend.describe(), **_settings(tasks, options, sampling)}
        with RowsFile(path, settings, "completions", resume=resume, overwrite=overwrite) as file:
            tallies[path] = _write(backend, requests, sampling, options.decoding, tasks.format, file, on_progress)
    return CompletionReport(tallies, _warnings(backend, tallies.values()))


def output_names(output: str, grid: Sequence[SamplingParameters]) -> list[str]:
    """Return the file of each setting: `output`, or in a sweep one named after the setting."""
    if len(grid) == 1:
        return [output]
    suffix = suffix_of(output, JSON_LINES) or ""
    stem, end = output[: len(output) - len(suffix)], output[len(output) - len(suffix) :]
    return [f"{stem}.{sampling.name}{end}" for sampling in grid]


def _settings(tasks: "_Tasks", options: CompletionOptions, sampling: SamplingParameters) -> dict[str, Any]:
    """Return what the rows depend on besides the model."""
    prompts = repr([(prompt.task_id, prompt.prompt, prompt.start) for prompt in tasks.prompts])
    return {
        **tasks.source,
        "n": options.n,
        "seed": options.seed,
        "sampling": asdict(sampling),
        "format": tasks.format,
        "prompts_sha256": sha256(prompts.encode()).hexdigest()[:16],
        "decoding": asdict(options.decoding) if options.decoding.by_edit else None,
    }


def _warnings(backend: Backend, tallies: Iterable[CompletionTally]) -> tuple[str, ...]:
    warnings = list(backend.warnings())
    if count := sum(tally.finishes.get("prompt-too-long", 0) for tally in tallies):
        warnings.append(f"{count:,} completions are empty: their prompts fill the model's context")
    return tuple(warnings)


# Prompts


@dataclass(frozen=True, slots=True)
class TaskPrompt:
    """The prompt of a problem, and the program that its edits change."""

    task_id: str
    prompt: Prompt
    start: str = ""


@dataclass(frozen=True, slots=True)
class ModelStyle:
    """The prompts that a model was finetuned with, and the format of its completions, as far as known."""

    prompts: str | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True)
class _Tasks:
    prompts: Sequence[TaskPrompt]
    format: str | None
    """Of the completions; None if neither the options nor the model say."""
    source: Mapping[str, Any]
    """Where the prompts come from, for the manifest."""


def _tasks(model: str, benchmark: str | None, options: CompletionOptions) -> _Tasks:
    """Return the prompts to complete; raises `ConfigError` if it is not clear which, or in which style."""
    style = style_of(model)
    if options.format is not None:
        check_format(options.format)
    if (benchmark is None) == (options.prompts_file is None):
        raise ConfigError("choose what to complete: --benchmark, or --prompts-file")
    if benchmark is None:
        assert options.prompts_file is not None
        if options.prompts is not None or options.problems is not None:
            raise ConfigError("--prompts and --problems select from a benchmark; --prompts-file is used as it is")
        source: dict[str, Any] = {"prompts": os.path.basename(options.prompts_file)}
        return _Tasks(read_prompts(options.prompts_file), options.format or style.format, source)
    prompts = options.prompts or style.prompts
    if prompts is None:
        raise ConfigError(f"{model} has no recipe that says which prompts it was trained on; choose with --prompts")
    default = style.format if prompts == style.prompts else None
    format = options.format or default or {"edits": "diff", "plain": CODE, "official": CODE}.get(prompts)
    loaded = load_problems(benchmark, options.data)
    choice = select_problems(loaded, skip_first=options.skip_first, problems=options.problems)
    source = {"benchmark": loaded.as_dict(), **choice.as_settings(), "prompts": prompts}
    return _Tasks(prompts_of(choice.problems, prompts), format, source)


def style_of(model: str) -> ModelStyle:
    """Return the prompts and the format that the recipe in a model's folder names; empty if there is none."""
    try:
        with open(os.path.join(model, "recipe.toml"), "rb") as file:
            data = tomllib.load(file).get("data", {})
    except (OSError, tomllib.TOMLDecodeError):
        return ModelStyle()
    arm = data.get("arm")
    if arm not in ("edits", "plain"):
        return ModelStyle()
    prompts = "messages" if data.get("layout") == "chat" else arm
    return ModelStyle(prompts, data.get("format", "diff") if arm == "edits" else CODE)


def prompts_of(problems: Sequence[Problem], style: str) -> list[TaskPrompt]:
    """Return the prompts of problems in one of the styles."""
    return [TaskPrompt(problem.task_id, prompt_for(problem, style), problem.start) for problem in problems]


def read_prompts(path: str) -> list[TaskPrompt]:
    """Return the prompts in a file of JSON lines, each with `prompt` or `messages`, and optionally `task_id`.

    Raises `ConfigError` with the row that cannot be used.
    """
    prompts: dict[str, TaskPrompt] = {}
    for number, row in numbered_rows(path, "correct the file of prompts"):
        where = f"{path}, row {number}"
        prompt = _prompt_of_row(row, where, number)
        if prompt.task_id in prompts:
            raise ConfigError(f"{where} repeats the task_id {prompt.task_id!r}; each must be unique")
        prompts[prompt.task_id] = prompt
    if not prompts:
        raise ConfigError(f"{path} holds no prompts")
    return list(prompts.values())


def _prompt_of_row(row: Mapping[str, Any], where: str, number: int) -> TaskPrompt:
    prompt = row.get("prompt", row.get("messages"))
    messages = prompt if isinstance(prompt, list) else []
    valid = all(isinstance(message, dict) and {"role", "content"} <= set(message) for message in messages)
    if not (valid and prompt and isinstance(prompt, str | list)):
        raise ConfigError(f"{where} needs a text `prompt`, or `messages` with role and content each")
    return TaskPrompt(str(row.get("task_id", number)), prompt, str(row.get("state") or ""))


def seed_of(seed: int, task_id: str, index: int) -> int:
    """Return the seed of one completion: a hash below 2**53, which every JSON reader represents exactly."""
    return stable_hash(seed, task_id, index, "completion") >> 11


def requests_of(prompts: Iterable[TaskPrompt], *, n: int, seed: int) -> list[GenerationRequest]:
    """Return `n` requests for each prompt."""
    return [
        GenerationRequest(prompt.task_id, index, prompt.prompt, seed_of(seed, prompt.task_id, index), prompt.start)
        for prompt in prompts
        for index in range(n)
    ]


# The file


def _row(completion: GeneratedCompletion, sampling: SamplingParameters, format: str | None) -> dict[str, Any]:
    """Return the row of a completion."""
    request = completion.request
    optional = {
        "format": format,
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "flops": completion.flops,
    }
    return {
        "task_id": request.task_id,
        "index": request.index,
        "completion": completion.text,
        **{name: value for name, value in optional.items() if value is not None},
        "seed": request.seed,
        "finish_reason": completion.finish,
        "sampling": sampling.name,
        **completion.more,
    }


def _write(
    backend: Backend,
    requests: Sequence[GenerationRequest],
    sampling: SamplingParameters,
    decoding: DecodingOptions,
    format: str | None,
    file: RowsFile,
    on_progress: CompletionProgress,
) -> CompletionTally:
    """Generate the missing completions in `file` and finish it.

    Rows are written every few seconds as they finish, and sorted in the order of the requests at the end.
    """
    if file.complete:
        return CompletionTally(len(requests), before=len(requests))
    finished = {(row["task_id"], row["index"]) for row in file.saved}
    missing = [request for request in requests if (request.task_id, request.index) not in finished]
    tally = CompletionTally(len(requests), before=len(requests) - len(missing))
    on_progress(sampling, tally)
    filters = edit_filters(decoding, sampling, format or "diff")
    started, timer = time.monotonic(), SaveTimer(SAVE_SECONDS)
    rows: list[dict[str, Any]] = []

    def save() -> None:
        file.append(rows)
        rows.clear()

    try:
        for completion in backend.generate(missing, sampling, edit_filters=filters) if missing else ():
            rows.append(_row(completion, sampling, format))
            tally.add(rows[-1])
            tally.seconds = time.monotonic() - started
            timer.run(save)
            on_progress(sampling, tally)
    finally:
        save()
    order = {(request.task_id, request.index): index for index, request in enumerate(requests)}
    manifest = {"made_with": {"lintseq": __version__, **backend.made_with()}, "totals": asdict(tally)}
    file.finish(manifest, lambda row: order[row["task_id"], row["index"]])
    return tally
