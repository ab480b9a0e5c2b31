"""OpenAI-compatible servers: vLLM, SGLang, llama.cpp, TGI, `transformers serve`, and hosted services.

Each completion is its own request with its own seed, several of them concurrently; a server with a prefix cache still
processes a shared prompt once. The client repeats failed requests; answers without a completion are requested again
here.

The extra parameters `skip_special_tokens` (which preserves `<|diff|>`) and `min_tokens` are dropped, with a warning,
if a server rejects them. A server that rejects top-k or min-p ends the run.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from lintseq.benchmarks.problem import shorten
from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation.cost import ModelShape
from lintseq.lm.backends.backend import (
    EditFilter,
    EditFilterFactory,
    FinishReason,
    GeneratedCompletion,
    GenerationRequest,
    Prompt,
    SamplingParameters,
    TextListener,
)

OPTIONAL_PARAMETERS = ("skip_special_tokens", "min_tokens")
"""Request parameters that can be omitted, in the order in which they are dropped."""
_STOP_KEYS = ("stop_reason", "matched_stop")
"""Where vLLM and SGLang report the text at which they stopped."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A server's answer to one request."""

    text: str
    truncated: bool
    """Whether `max_tokens` ended it."""
    stopped_at: object
    """The stop text that ended it, if any."""
    reports_stop: bool
    """Whether the server says at which stop text it stopped."""
    prompt_tokens: int | None
    completion_tokens: int | None


class OpenAIBackend:
    """A model on a server; a `Backend`."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str = "none",
        concurrency: int = 16,
        timeout: float = 600.0,
        tries: int = 8,
        shape: ModelShape | None = None,
    ) -> None:
        """`timeout` is in seconds per request, which is sent up to `tries` times."""
        try:
            import openai
        except ModuleNotFoundError:
            raise ConfigError("the backend openai needs a package: pip install 'lintseq[openai]'") from None
        self._openai = openai
        self._client = openai.OpenAI(base_url=url, api_key=key, max_retries=tries - 1, timeout=timeout)
        self.url = url
        self.model = model
        self.concurrency = concurrency
        self.tries = tries
        self.shape = shape
        self._lock = threading.Lock()
        self._dropped: set[str] = set()
        self._with_hunks = self._with_separators = self._without_completion = 0

    def describe(self) -> Mapping[str, Any]:
        return {"backend": "openai", "model": self.model}

    def made_with(self) -> Mapping[str, Any]:
        return {"server": self.url, "dropped parameters": sorted(self._dropped)}

    def warnings(self) -> Iterable[str]:
        for name in sorted(self._dropped):
            consequence = ", so completions may be shorter" if name == "min_tokens" else ""
            yield f"the server does not accept {name}{consequence}"
        if self._with_hunks > 1 and not self._with_separators:
            yield (
                f"no completion has a {SEPARATOR}, though {self._with_hunks} have several edits: the server seems to"
                " strip it; serve a tokenizer in which it is not a special token (until then, edits are separated by"
                " their headers, where the format has them)"
            )
        if self._without_completion:
            yield f"{self._without_completion} answers were garbage or had no completion, and were requested again"

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        sampling: SamplingParameters,
        *,
        edit_filters: EditFilterFactory | None = None,
        on_text: TextListener | None = None,
    ) -> Iterator[GeneratedCompletion]:
        """Yield completions as they arrive."""
        if edit_filters is not None and any(not isinstance(request.prompt, str) for request in requests):
            raise ConfigError("edit by edit, a server can only continue a text; use --prompts edits")
        with ThreadPoolExecutor(self.concurrency) as pool:
            try:
                futures = [pool.submit(self._complete, request, sampling, edit_filters) for request in requests]
                for future in as_completed(futures):
                    completion = future.result()
                    self._with_separators += SEPARATOR in completion.text
                    self._with_hunks += "\n@@ -" in completion.text
                    if on_text is not None:
                        on_text(completion.request, completion.text)
                    yield completion
            except BaseException:
                self._client.close()  # ends the retries of requests in flight
                raise
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    # One completion

    def _complete(
        self, request: GenerationRequest, sampling: SamplingParameters, edit_filters: EditFilterFactory | None
    ) -> GeneratedCompletion:
        if edit_filters is not None:
            return self._complete_by_edit(request, sampling, edit_filters(request))
        answer = self._ask(request.prompt, sampling, request.seed, sampling.max_tokens, sampling.stop)
        finish: FinishReason = "length" if answer.truncated else "end"
        if finish == "end" and sampling.stop and answer.stopped_at is not None:
            finish = "stop"
        return GeneratedCompletion(
            request, answer.text, finish, answer.prompt_tokens, answer.completion_tokens, self._flops([answer])
        )

    def _complete_by_edit(
        self, request: GenerationRequest, sampling: SamplingParameters, edit_filter: EditFilter
    ) -> GeneratedCompletion:
        """Request one edit at a time; needs a server that reports whether it stopped at a separator."""
        assert isinstance(request.prompt, str)
        lead = "" if request.prompt.endswith(SEPARATOR) else SEPARATOR
        edits: list[str] = []
        """Each with its trailing newline, without separators."""
        answers: list[_Answer] = []
        kept_tokens = 0
        finish: FinishReason | None = None
        while finish is None:
            prompt = request.prompt + lead + SEPARATOR.join([*edits, ""])
            seed, left = request.seed + len(answers), sampling.max_tokens - kept_tokens
            answer = self._ask(prompt, sampling, seed, left, (SEPARATOR, *sampling.stop))
            answers.append(answer)
            last = not answer.truncated and not self._stopped_at_separator(answer)
            decision = edit_filter.judge(answer.text, last=last or answer.truncated, truncated=answer.truncated)
            if decision == "redraw":
                continue
            if decision != "drop":
                edits.append(answer.text)
                estimate = max(len(answer.text) // 4, 1)  # where the server does not count, so that the loop ends
                kept_tokens += estimate if answer.completion_tokens is None else answer.completion_tokens
            if decision == "stop":
                finish = "edits"
            elif answer.truncated or kept_tokens >= sampling.max_tokens:
                finish = "length"
            elif decision == "drop":
                finish = "gave-up"
            elif last:
                finish = "end"
        drawn = sum(answer.completion_tokens or 0 for answer in answers)
        discarded = max(drawn - kept_tokens, 0)
        more = {**edit_filter.report(), "requests": len(answers), "thrown_tokens": discarded}
        text = (lead if edits else "") + SEPARATOR.join(edits)
        return GeneratedCompletion(request, text, finish, answers[0].prompt_tokens, drawn, self._flops(answers), more)

    def _stopped_at_separator(self, answer: _Answer) -> bool:
        if not answer.reports_stop:
            raise ConfigError(
                f"the server at {self.url} does not report whether it stopped at {SEPARATOR} or at the end of the"
                " text, as vLLM and SGLang do (stop_reason, matched_stop); it cannot generate edit by edit"
            )
        return answer.stopped_at == SEPARATOR

    def _flops(self, answers: Sequence[_Answer]) -> int | None:
        """Return the operations of answers that share a prompt: the prompt once, and every token that was drawn."""
        if self.shape is None:
            return None
        total = self.shape.forward(answers[0].prompt_tokens or 0)
        for answer in answers:
            if answer.prompt_tokens is None or answer.completion_tokens is None:
                return None
            total += self.shape.completion(answer.completion_tokens, prompt=answer.prompt_tokens)
        return total

    # One request

    def _ask(
        self, prompt: Prompt, sampling: SamplingParameters, seed: int, max_tokens: int, stop: Sequence[str]
    ) -> _Answer:
        """Return the server's answer; raises `ToolError` if there is none after several tries."""
        for _ in range(self.tries):
            body = self._send(
                prompt,
                sampling,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=max_tokens,
                seed=seed % (1 << 31),
                **({"stop": list(stop)} if stop else {}),
            )
            if (answer := _read_answer(body)) is not None:
                return answer
            with self._lock:
                self._without_completion += 1
        raise self._no_answer(f"the answer holds no completion: {shorten(body, 200)!r}")

    def _send(self, prompt: Prompt, sampling: SamplingParameters, **parameters: Any) -> str:
        """Return the body of an answer, omitting parameters that the server rejects."""
        client = self._client.completions if isinstance(prompt, str) else self._client.chat.completions
        key = "prompt" if isinstance(prompt, str) else "messages"
        create: Callable[..., Any] = client.with_raw_response.create
        while True:
            extra = self._extra_parameters(sampling, parameters["max_tokens"])
            try:
                raw = create(**{key: prompt}, model=self.model, n=1, extra_body=extra, **parameters)
                return raw.text if isinstance(raw.text, str) else str(raw.text())
            except self._openai.APIStatusError as error:
                message = shorten(" ".join(str(error.message).split()), 300)
                if error.status_code in (408, 409, 429) or error.status_code >= 500:
                    raise self._no_answer(f"status {error.status_code}: {message}") from None
                if error.status_code not in (400, 422) or not self._drop_parameter(extra, message):
                    raise ConfigError(
                        f"the server at {self.url} refuses the request, with status {error.status_code}: {message}"
                    ) from None
            except self._openai.APIConnectionError as error:  # timeouts too
                cause = error.__cause__ or error
                raise self._no_answer(f"{type(error).__name__} ({type(cause).__name__}: {cause})") from None

    def _no_answer(self, reason: str) -> ToolError:
        return ToolError(
            f"the server at {self.url} did not answer a request in {self.tries} tries: {reason};"
            " finished completions are kept: continue with --resume"
        )

    def _extra_parameters(self, sampling: SamplingParameters, max_tokens: int) -> dict[str, Any]:
        """Return the parameters that are not part of OpenAI's protocol."""
        extra: dict[str, Any] = {"skip_special_tokens": False}
        if sampling.min_tokens:
            extra["min_tokens"] = min(sampling.min_tokens, max_tokens)
        extra = {name: value for name, value in extra.items() if name not in self._dropped}
        if sampling.top_k:
            extra["top_k"] = sampling.top_k
        if sampling.min_p:
            extra["min_p"] = sampling.min_p
        return extra

    def _drop_parameter(self, extra: Mapping[str, Any], message: str) -> bool:
        """Drop the parameter that a server seems to reject; return whether one can be dropped."""
        with self._lock:
            candidates = [name for name in OPTIONAL_PARAMETERS if name in extra]
            named = [name for name in candidates if name in message]
            if not named and not any(name in message for name in ("top_k", "min_p")):
                named = candidates
            self._dropped.update(named[:1])
            return bool(named)


def _read_answer(body: str) -> _Answer | None:
    """Return the answer in the body of a response, or None if it holds no completion."""
    try:
        answer = json.loads(body)
        choice = answer["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
    except (ValueError, LookupError, TypeError):
        return None
    if not isinstance(text, str):
        return None
    usage = answer.get("usage") or {}
    return _Answer(
        text,
        choice.get("finish_reason") == "length",
        next((choice[name] for name in _STOP_KEYS if choice.get(name) is not None), None),
        any(name in choice for name in _STOP_KEYS),
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
    )
