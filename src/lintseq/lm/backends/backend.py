"""What generation is made of, whatever does it: requests in, texts out, and how tokens are drawn.

Knows no model and no server.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from lintseq.errors import ConfigError

Prompt = str | list[dict[str, Any]]
"""A text to go on with, or a conversation to answer."""

Finish = Literal["end", "length", "stop", "edits", "gave-up", "no-room"]
"""Why a completion is over: the model said so; it had so many tokens; a stop text came; it had so many edits; an edit
was rejected too often; the prompt left no room."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn, and when that ends."""

    temperature: float = 1.0
    """0 always takes the likeliest token."""
    top_p: float = 1.0
    min_p: float = 0.0
    top_k: int = 0
    """0 is no limit."""
    max_tokens: int = 512
    min_tokens: int = 8
    """Before so many, a completion does not end."""
    stop: tuple[str, ...] = ()
    """Texts in front of which a completion is cut off."""

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("temperature", self.temperature, 0.0, 100.0),
            ("top-p", self.top_p, 1e-6, 1.0),
            ("min-p", self.min_p, 0.0, 1.0),
        ):
            if not least <= value <= most:
                raise ConfigError(f"--{name} {value:g}: choose a number from {least:g} to {most:g}")
        if self.max_tokens < 1 or not 0 <= self.min_tokens <= self.max_tokens:
            raise ConfigError(
                f"--max-tokens {self.max_tokens} --min-tokens {self.min_tokens}: the most is at least 1, and the"
                " least is not more than that"
            )

    @property
    def name(self) -> str:
        """A word for file names that tells settings of a sweep apart."""
        parts = [f"t{self.temperature:g}"]
        if self.top_p < 1:
            parts.append(f"p{self.top_p:g}")
        if self.min_p > 0:
            parts.append(f"minp{self.min_p:g}")
        if self.top_k:
            parts.append(f"k{self.top_k}")
        return "_".join(parts)


@dataclass(frozen=True, slots=True)
class Request:
    """One completion that is wanted."""

    task_id: str
    index: int
    prompt: Prompt
    seed: int
    """All that its draws depend on, beside the model."""
    start: str = ""
    """The program that its edits change."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What came of a request."""

    request: Request
    text: str
    finish: Finish
    prompt_tokens: int | None
    completion_tokens: int | None
    """Those drawn: of the text, of its end, and of what was thrown away."""
    flops: int | None = None
    """Of the prompt and of everything drawn; a prompt that several completions share is counted with each."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What linted decoding tells besides."""


Decision = Literal["keep", "again", "drop", "enough"]
"""Of an edit: it stays, it is drawn again, it goes and the completion is over without it, it is the last."""


class Watch(Protocol):
    """Looks at the edits of one completion, each as soon as it is written."""

    def edit(self, text: str, *, last: bool, cut: bool = False) -> Decision:
        """Return what becomes of an edit.

        `text` is what stands between two separators, or up to the end of the text if it is the `last`;
        `cut` says that no tokens were left for the rest of it.
        """
        ...

    def report(self) -> Mapping[str, Any]:
        """Return what there is to be recorded in the end."""
        ...


Watches = Callable[[Request], Watch]
Listener = Callable[[Request, str], None]
"""Is told a completion's text whenever there is more of it, or less."""


class Backend(Protocol):
    """What draws completions."""

    def generate(
        self,
        requests: Sequence[Request],
        sampling: Sampling,
        *,
        watches: Watches | None = None,
        listener: Listener | None = None,
    ) -> Iterator[Generated]:
        """Yield what comes of requests, each as soon as it is done, in any order."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return what the completions depend on beside requests and sampling: the model, the type of its numbers."""
        ...

    def made_with(self) -> Mapping[str, Any]:
        """Return what is worth knowing besides, and may change when a run is gone on with: versions, the device."""
        ...

    def warnings(self) -> Iterable[str]:
        """Return what a user of the completions has to know."""
        ...
