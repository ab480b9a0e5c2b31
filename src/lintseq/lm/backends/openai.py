"""OpenAI-compatible servers: vLLM, SGLang, llama.cpp, TGI, `transformers serve`, and hosted services.

Each completion is its own request with its own seed, several of them concurrently; a server with a prefix cache still
processes a shared prompt once. `ServerClient` sends the requests, and sends them again where that may help.

The extra parameter `skip_special_tokens` preserves `<|diff|>`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError
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
from lintseq.lm.backends.server import OPTIONAL_PARAMETERS, ServerAnswer, ServerClient


class OpenAIBackend:
    """A model on a server; a `Backend`."""

    def __init__(self, client: ServerClient, *, concurrency: int = 16, shape: ModelShape | None = None) -> None:
        self.client = client
        self.concurrency = concurrency
        self.shape = shape
        self._with_hunks = self._with_separators = 0

    def describe(self) -> Mapping[str, Any]:
        return {"backend": "openai", "model": self.client.model}

    def made_with(self) -> Mapping[str, Any]:
        return {"server": self.client.url, "dropped parameters": sorted(self.client.dropped)}

    def warnings(self) -> Iterable[str]:
        for name in sorted(self.client.dropped):
            yield f"the server does not accept {name}{OPTIONAL_PARAMETERS[name]}"
        if self._with_hunks > 1 and not self._with_separators:
            yield (
                f"no completion has a {SEPARATOR}, though {self._with_hunks} have several edits: the server seems to"
                " strip it; serve a tokenizer in which it is not a special token (until then, edits are separated by"
                " their headers, where the format has them)"
            )
        if self.client.without_completion:
            count = self.client.without_completion
            yield f"{count} answers were garbage or had no completion, and were requested again"

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
        pending: SimpleQueue[GenerationRequest] = SimpleQueue()
        results: SimpleQueue[GeneratedCompletion | Exception] = SimpleQueue()
        for request in requests:
            pending.put(request)

        def work() -> None:
            try:
                while True:
                    results.put(self._complete(pending.get_nowait(), sampling, edit_filters))
            except Empty:
                return
            except Exception as error:
                results.put(error)

        for _ in range(min(self.concurrency, len(requests))):
            Thread(target=work, daemon=True).start()  # at an error or Ctrl-C, the process does not wait for answers
        try:
            for _ in requests:
                if isinstance(result := _next_of(results), Exception):
                    raise result
                self._with_separators += SEPARATOR in result.text
                self._with_hunks += "\n@@ -" in result.text
                if on_text is not None:
                    on_text(result.request, result.text)
                yield result
        except BaseException:
            self.client.close()
            raise

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
        answers: list[ServerAnswer] = []
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

    def _stopped_at_separator(self, answer: ServerAnswer) -> bool:
        if not answer.reports_stop:
            raise ConfigError(
                f"the server at {self.client.url} does not report whether it stopped at {SEPARATOR} or at the end of"
                " the text, as vLLM and SGLang do (stop_reason, matched_stop); it cannot generate edit by edit"
            )
        return answer.stopped_at == SEPARATOR

    def _flops(self, answers: Sequence[ServerAnswer]) -> int | None:
        """Return the operations of answers that share a prompt: the prompt once, and every token that was drawn."""
        if self.shape is None:
            return None
        total = self.shape.forward(answers[0].prompt_tokens or 0)
        for answer in answers:
            if answer.prompt_tokens is None or answer.completion_tokens is None:
                return None
            total += self.shape.completion(answer.completion_tokens, prompt=answer.prompt_tokens)
        return total

    def _ask(
        self, prompt: Prompt, sampling: SamplingParameters, seed: int, max_tokens: int, stop: Sequence[str]
    ) -> ServerAnswer:
        """Return the server's answer to one request."""
        optional = {
            "min_tokens": min(sampling.min_tokens, max_tokens),
            "stop": list(stop),
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
        }
        parameters = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": max_tokens,
            "seed": seed % (1 << 31),
            "skip_special_tokens": False,
            **{name: value for name, value in optional.items() if value},
        }
        return self.client.ask(prompt, parameters)


def _next_of(results: SimpleQueue[GeneratedCompletion | Exception]) -> GeneratedCompletion | Exception:
    """Return the next result. A signal that comes right before a wait without end would only be seen after it."""
    while True:
        try:
            return results.get(timeout=1.0)
        except Empty:
            continue
