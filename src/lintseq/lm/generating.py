"""Completions of many prompts, in a file that survives a kill.

Owns the plan (prompts, how many of each, settings), the seeds, the rows and the file, which `lintseq evaluate` reads
as it is. What draws them is a backend.
"""

import os
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import product
from typing import Any

from lintseq import __version__
from lintseq.benchmarks.problems import Problem
from lintseq.benchmarks.prompts import STYLES, prompt_for
from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError, LintseqError, ProgramError
from lintseq.evaluation.candidates import CODE, check_form
from lintseq.evaluation.run import Row, RowsFile
from lintseq.lm.backends.backend import Backend, Generated, Prompt, Request, Sampling
from lintseq.lm.linted import EditOptions, watches
from lintseq.program import Program
from lintseq.rows import BrokenInputError, parse_row, prompt_of, read_rows, stable_hash
from lintseq.storage.growing import COMPRESSIONS

SAVE_EVERY = 5.0
"""Seconds after which completions are on the disk."""

Progress = Callable[["Tally"], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that completions are wanted of."""

    task_id: str
    prompt: Prompt
    start: str = ""


@dataclass(frozen=True, slots=True)
class Arm:
    """What a model was taught: the prompts that it knows, and the form of what it writes."""

    prompts: str | None = None
    format: str | None = None


@dataclass(slots=True)
class Tally:
    """How far a run is, and what it has cost."""

    total: int
    before: int = 0
    """Completions of earlier runs."""
    done: int = 0
    """Those of this run."""
    tokens: int = 0
    thrown_tokens: int = 0
    flops: int = 0
    seconds: float = 0.0
    finishes: dict[str, int] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Count a completion."""
        self.done += 1
        self.tokens += row.get("completion_tokens") or 0
        self.thrown_tokens += row.get("thrown_tokens") or 0
        self.flops += row.get("flops") or 0
        self.finishes[row["finish_reason"]] = self.finishes.get(row["finish_reason"], 0) + 1


# The plan


def arm_of(model: str) -> Arm:
    """Return what the recipe in a model's folder says of its arm; nothing if there is none."""
    try:
        with open(os.path.join(model, "recipe.toml"), "rb") as file:
            data = tomllib.load(file).get("data", {})
    except (OSError, tomllib.TOMLDecodeError):
        return Arm()
    arm = data.get("arm")
    if arm not in ("edits", "plain"):
        return Arm()
    prompts = "messages" if data.get("layout") == "chat" else arm
    return Arm(prompts, data.get("format", "diff") if arm == "edits" else CODE)


def form_of(format: str | None, prompts: str) -> str | None:
    """Return the form of completions: the one that was said, or that goes with the prompts; None if neither tells."""
    if format is not None:
        check_form(format)
        return format
    return {"edits": "diff", "plain": CODE, "official": CODE}.get(prompts)


def asked_of(problems: Sequence[Problem], style: str) -> list[Asked]:
    """Return the prompts of problems in one of the styles."""
    if style not in STYLES:
        raise ConfigError(f"unknown prompts {style!r}; use one of {', '.join(STYLES)}")
    return [Asked(one.task_id, prompt_for(one, style), one.start) for one in problems]


def read_prompts(path: str) -> list[Asked]:
    """Return the prompts of a file of JSON lines: each has `prompt` or `messages`, and may have `task_id`."""
    found: dict[str, Asked] = {}
    try:
        for raw in read_rows(path):
            try:
                row = parse_row(raw.data)
            except ProgramError as error:
                raise ConfigError(f"{path}, row {raw.number}: {error}") from None
            one = _asked(row, f"{path}, row {raw.number}", raw.number)
            if one.task_id in found:
                raise ConfigError(
                    f"{path}, row {raw.number} has the task_id {one.task_id!r} of another; number it anew"
                )
            found[one.task_id] = one
    except BrokenInputError as error:
        raise ConfigError(str(error)) from None
    if not found:
        raise ConfigError(f"{path} holds no prompts")
    return list(found.values())


def _asked(row: Mapping[str, Any], where: str, number: int) -> Asked:
    prompt = row.get("prompt", row.get("messages"))
    if isinstance(prompt, list):
        proper = bool(prompt) and all(isinstance(one, dict) and {"role", "content"} <= set(one) for one in prompt)
    else:
        proper = isinstance(prompt, str) and bool(prompt)
    if not proper:
        raise ConfigError(f"{where} has neither a text `prompt` nor `messages` with role and content each")
    return Asked(str(row.get("task_id", number)), prompt, str(row.get("state") or ""))


def seed_of(seed: int, task_id: str, index: int) -> int:
    """Return the seed of one completion: a hash below 2**53, so that every JSON reader has it exactly."""
    return stable_hash(seed, task_id, index, "completion") >> 11


def requests_of(asked: Iterable[Asked], *, n: int, seed: int) -> list[Request]:
    """Return `n` requests for each prompt."""
    return [
        Request(one.task_id, index, one.prompt, seed_of(seed, one.task_id, index), one.start)
        for one in asked
        for index in range(n)
    ]


def sweep(
    temperatures: Sequence[float], top_ps: Sequence[float], min_ps: Sequence[float], top_ks: Sequence[int], **same: Any
) -> list[Sampling]:
    """Return every combination of settings, each once; `same` are those that do not vary."""
    grid = [
        Sampling(temperature=temperature, top_p=top_p, min_p=min_p, top_k=top_k, **same)
        for temperature, top_p, min_p, top_k in product(temperatures, top_ps, min_ps, top_ks)
    ]
    return list(dict.fromkeys(grid))


def check_count(n: int, settings: Sequence[Sampling]) -> None:
    """Raise `ConfigError` if completions of a prompt would all be the same."""
    if n > 1 and any(one.temperature == 0 for one in settings):
        raise ConfigError(f"--n {n} at temperature 0 would be the same completion {n} times; choose --n 1 for it")


def output_names(output: str, settings: Sequence[Sampling]) -> list[str]:
    """Return where the completions of each setting go: to `output`, or of several each to a file of its own."""
    if len(settings) == 1:
        return [output]
    ending = next((f".jsonl{end}" for end in COMPRESSIONS if output.endswith(f".jsonl{end}")), ".jsonl")
    return [f"{output.removesuffix(ending)}.{one.name}{ending}" for one in settings]


# The file


def row_of(done: Generated, sampling: Sampling, form: str | None) -> Row:
    """Return the row of a completion."""
    request = done.request
    row: Row = {"task_id": request.task_id, "index": request.index, "completion": done.text}
    told = {
        "format": form,
        "prompt_tokens": done.prompt_tokens,
        "completion_tokens": done.completion_tokens,
        "flops": done.flops,
    }
    row |= {name: value for name, value in told.items() if value is not None}
    return {**row, "seed": request.seed, "finish_reason": done.finish, "sampling": sampling.name, **done.more}


def complete(
    backend: Backend,
    requests: Sequence[Request],
    sampling: Sampling,
    file: RowsFile,
    *,
    form: str | None,
    edits: EditOptions,
    on_progress: Progress = lambda tally: None,
    clock: Callable[[], float] = time.monotonic,
) -> Tally:
    """Draw what is missing in `file`, which is finished then; return what was done.

    What is done is on the disk after some seconds. Rows come in the order in which they are done, and stand in the
    order of the requests when the file is finished.
    """
    started = saved = clock()
    there = {(row["task_id"], row["index"]) for row in file.rows}
    wanted = [one for one in requests if (one.task_id, one.index) not in there]
    tally = Tally(len(requests), before=len(requests) - len(wanted))
    if file.finished:
        return tally
    on_progress(tally)
    waiting: list[Row] = []
    try:
        for done in _generated(backend, wanted, sampling, edits):
            waiting.append(row_of(done, sampling, form))
            tally.add(waiting[-1])
            tally.seconds = clock() - started
            if clock() - saved > SAVE_EVERY:
                file.write(waiting)
                waiting, saved = [], clock()
            on_progress(tally)
    except (KeyboardInterrupt, LintseqError):
        file.write(waiting)
        raise
    file.write(waiting)
    tally.seconds = clock() - started
    order = {(one.task_id, one.index): place for place, one in enumerate(requests)}
    file.finish(
        {"made_with": {"lintseq": __version__, **backend.made_with()}, "totals": asdict(tally)},
        order=lambda row: order[row["task_id"], row["index"]],
    )
    return tally


def _generated(
    backend: Backend, requests: Sequence[Request], sampling: Sampling, edits: EditOptions
) -> Iterator[Generated]:
    if requests:
        yield from backend.generate(requests, sampling, watches=watches(edits, sampling))


def checksum(asked: Sequence[Asked]) -> str:
    """Return a hash of prompts."""
    return sha256(repr([(one.task_id, one.prompt, one.start) for one in asked]).encode()).hexdigest()[:16]


def request_of(instruction: str, style: str, state: Program, *, seed: int) -> Request:
    """Return the request for one program; `style` is `edits` or `messages`."""
    prompt = prompt_of(instruction, state)
    if style == "messages":
        return Request("", 0, [{"role": "user", "content": prompt.removesuffix("\n")}], seed, state.text)
    return Request("", 0, prompt + SEPARATOR, seed, state.text)
