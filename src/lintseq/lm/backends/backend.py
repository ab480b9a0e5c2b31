"""The interface of inference backends: requests in, completions out, and how tokens are sampled.

Independent of any model or server.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from lintseq.errors import ConfigError, check_at_least

Prompt = str | list[dict[str, Any]]
"""A text to continue, or the messages of a conversation to answer."""

FinishReason = Literal["end", "length", "stop", "edits", "gave-up", "prompt-too-long"]
"""Why a completion ended: end-of-text token; `max_tokens` reached; stop text; `stop_after_edits` reached; an edit was
rejected too often; the prompt fills the model's context."""


@dataclass(frozen=True, slots=True)
class SamplingParameters:
    """How tokens are drawn and when a completion ends.

    Applied in the order temperature, top-k, top-p, min-p, as transformers does.
    """

    temperature: float = 1.0
    """0 always takes the most likely token."""
    top_p: float = 1.0
    """Nucleus sampling: the smallest set of tokens whose probability adds up to this (Holtzman et al. 2020)."""
    min_p: float = 0.0
    """Only tokens at least this probable, relative to the most likely one (Nguyen et al. 2024)."""
    top_k: int = 0
    """Only the k most likely tokens; 0 for no limit."""
    max_tokens: int = 512
    """Maximum number of new tokens."""
    min_tokens: int = 8
    """Minimum number of new tokens: before that, no end-of-text token is drawn."""
    stop: tuple[str, ...] = ()
    """Texts that end a completion; it is cut off before the first of them."""

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("temperature", self.temperature, 0.0, 100.0),
            ("top-p", self.top_p, 1e-6, 1.0),
            ("min-p", self.min_p, 0.0, 1.0),
        ):
            if not low <= value <= high:
                raise ConfigError(f"--{name} {value:g}: choose a number from {low:g} to {high:g}")
        check_at_least(0, {"--top-k": self.top_k})
        if self.max_tokens < 1 or not 0 <= self.min_tokens <= self.max_tokens:
            raise ConfigError(
                f"--max-tokens {self.max_tokens} --min-tokens {self.min_tokens}: the maximum must be at least 1 and"
                " not below the minimum"
            )

    @property
    def name(self) -> str:
        """The setting as part of a file name, such as `t0.8_p0.95`."""
        parts = [f"t{self.temperature:g}"]
        if self.top_p < 1:
            parts.append(f"p{self.top_p:g}")
        if self.min_p > 0:
            parts.append(f"minp{self.min_p:g}")
        if self.top_k:
            parts.append(f"k{self.top_k}")
        return "_".join(parts)


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A completion to generate."""

    task_id: str
    """The id of the problem."""
    index: int
    """Position among the completions of its problem, from 0."""
    prompt: Prompt
    """A text to continue, or the messages of a conversation."""
    seed: int
    """Determines, with the model and the prompt, every draw."""
    start: str = ""
    """The program that the edits change."""


@dataclass(frozen=True, slots=True)
class GeneratedCompletion:
    """A finished completion and its cost."""

    request: GenerationRequest
    """What it answers."""
    text: str
    """The completion, without the prompt and the end-of-text token."""
    finish: FinishReason
    """Why it ended."""
    prompt_tokens: int | None
    """Tokens of the prompt; None if the backend does not say."""
    completion_tokens: int | None
    """All tokens drawn: of the text, the end-of-text token, and discarded edits."""
    flops: int | None = None
    """Floating-point operations for the prompt and every token drawn; a prompt shared by several completions counts
    with each."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further columns of the row: counts from decoding edit by edit."""


EditDecision = Literal["keep", "redraw", "drop", "stop"]
"""Keep the edit; discard it and draw it again; discard it and end the completion; keep it and end the completion."""


class EditFilter(Protocol):
    """Judges the edits of one completion, each as soon as it is written."""

    def judge(self, text: str, *, last: bool, truncated: bool = False) -> EditDecision:
        """Return what to do with an edit.

        `text` runs from one separator to the next, or to the end of the completion for the `last` edit;
        `truncated` means that `max_tokens` ended it.
        """

    def report(self) -> Mapping[str, Any]:
        """Return the columns to add to the completion's row."""


EditFilterFactory = Callable[[GenerationRequest], EditFilter]
TextListener = Callable[[GenerationRequest, str], None]
"""Called with the text of a completion whenever it changes."""


class Backend(Protocol):
    """A model that generates completions."""

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        sampling: SamplingParameters,
        *,
        edit_filters: EditFilterFactory | None = None,
        on_text: TextListener | None = None,
    ) -> Iterator[GeneratedCompletion]:
        """Yield a completion for each request, in the order in which they finish.

        Raises `ConfigError` if the model cannot do what is requested, `ToolError` if a server keeps failing.
        """

    def describe(self) -> Mapping[str, Any]:
        """Return what completions depend on besides requests and sampling: the model, its weights, their dtype."""

    def made_with(self) -> Mapping[str, Any]:
        """Return details that may differ when a run is resumed: versions, device."""

    def warnings(self) -> Iterable[str]:
        """Return problems that users of the completions should know about."""
