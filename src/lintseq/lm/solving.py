"""One program written by a model, from an instruction."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lintseq.benchmarks import CODE
from lintseq.codecs import SEPARATOR, Resolution, get_codec
from lintseq.codecs.text import end_without_tokens
from lintseq.errors import ConfigError
from lintseq.linting.syntax import syntax_errors
from lintseq.lm.backends import BackendOptions, open_backend
from lintseq.lm.backends.backend import Backend, GeneratedCompletion, GenerationRequest, SamplingParameters
from lintseq.lm.generation import ModelStyle, style_of
from lintseq.lm.linted import DecodingOptions, edit_filters
from lintseq.program import Program
from lintseq.rows import prompt_of
from lintseq.sandbox import JobResult, run


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveOptions:
    """How to write a program."""

    temperature: float = 0.8
    """Sampling temperature; 0 always takes the most likely token."""
    top_p: float = 0.95
    """Nucleus sampling: keep the smallest set of tokens whose probability adds up to P."""
    max_tokens: int = 512
    """Maximum number of new tokens."""
    seed: int = 0
    """Seed of the random draws."""
    check: str | None = None
    """Python code that tests the program, or a file of it; it is run after the program in the sandbox."""
    prompts: Literal["edits", "messages"] | None = None
    """Prompt style. [default: the style that the model was finetuned with, or edits]"""
    format: str | None = None
    """Format of the edits. [default: the one that the model was finetuned with, or diff]"""
    decoding: DecodingOptions = field(default_factory=DecodingOptions)
    """Decoding edit by edit."""
    inference: BackendOptions = field(default_factory=BackendOptions)
    """The backend and its device."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A program that a model wrote."""

    completion: GeneratedCompletion
    """What the model wrote, and what it cost."""
    resolution: Resolution
    """The program, the state after each edit, and notes on what was malformed."""
    warnings: tuple[str, ...] = ()
    """What a reader of the program has to know."""
    checked: JobResult | None = None
    """How the check of the program ended; None without a check."""

    @property
    def program(self) -> Program:
        """The program after the last edit."""
        return self.resolution.program

    @property
    def syntax_error(self) -> str:
        """Why the program does not compile, with its line; empty if it compiles."""
        return next((f"line {error.line}: {error.message}" for error in syntax_errors(self.program.text, "")), "")


def solve(
    instruction: str,
    model: str | Backend,
    options: SolveOptions = SolveOptions(),
    *,
    start: str = "",
    on_progress: Callable[[Resolution], None] | None = None,
    on_notice: Callable[[str], None] = lambda text: None,
) -> Solution:
    """Have a model write a program, and return it with the edits that lead to it.

    `model` is a folder, a name on the Hugging Face Hub or on a server, or an open backend; `start` is a program to
    change. `on_progress` is called with what the text resolves to whenever it changes: after every token, or with a
    server at the end. `on_notice` is that of `open_backend`.

    Raises `ConfigError` for settings that cannot work or a model that cannot be loaded, `ToolError` if a server keeps
    failing.
    """
    minimum = min(8, options.max_tokens)
    sampling = SamplingParameters(
        options.temperature, options.top_p, max_tokens=options.max_tokens, min_tokens=minimum
    )
    check = _code_of(options.check)
    style = style_of(model) if isinstance(model, str) else ModelStyle()
    prompts = options.prompts or style.prompts or "edits"
    if prompts not in ("edits", "messages"):
        raise ConfigError(f"prompts of the style {prompts} do not lead to edits; use edits or messages")
    trained = style.format if style.format not in (None, CODE) and prompts == style.prompts else None
    format = options.format or trained or "diff"
    filters = edit_filters(options.decoding, sampling, format)
    codec, state = get_codec(format), Program.from_text(start)
    backend = model
    if isinstance(backend, str):
        backend = open_backend(backend, options.inference, batch=1, on_notice=on_notice)
    request = solve_request(instruction, prompts, state, seed=options.seed)

    def resolve_growing(request: GenerationRequest, text: str) -> None:
        if on_progress is not None:
            on_progress(codec.resolve(growing_text(text), state))

    listener = None if on_progress is None else resolve_growing
    (completion,) = backend.generate([request], sampling, edit_filters=filters, on_text=listener)
    resolution = codec.resolve(completion.text, state)
    checked = None if check is None else run(resolution.text, check=check)
    return Solution(completion, resolution, tuple(backend.warnings()), checked)


def _code_of(check: str | None) -> str | None:
    """Return the code of a check, which may be in a file; raises `ConfigError` if that does not compile."""
    if check is None:
        return None
    try:
        code = Path(check).read_text(encoding="utf-8") if os.path.isfile(check) else check
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the check {check}: {error}") from None
    for mistake in syntax_errors(code, ""):
        raise ConfigError(f"--check is neither a file nor Python code: line {mistake.line}: {mistake.message}")
    return code


def solve_request(instruction: str, prompts: str, state: Program, *, seed: int) -> GenerationRequest:
    """Return the request for a program in one of the prompt styles `edits` and `messages`."""
    prompt = prompt_of(instruction, state)
    if prompts == "messages":
        messages = [{"role": "user", "content": prompt.removesuffix("\n")}]
        return GenerationRequest("", 0, messages, seed, state.text)
    return GenerationRequest("", 0, prompt + SEPARATOR, seed, state.text)


def growing_text(text: str) -> str:
    """Return unfinished edit text without end-of-text tokens and without a separator that no edit follows yet."""
    return text[: end_without_tokens(text)].removesuffix("\n" + SEPARATOR)
