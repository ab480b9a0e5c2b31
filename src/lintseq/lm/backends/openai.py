"""Servers that speak OpenAI's protocol: vLLM, SGLang, llama.cpp, TGI, `transformers serve`, and services.

Each completion is a request of its own with its own seed, many of them under way at a time; a server with a prefix
cache feeds a prompt once all the same. What a server leaves out is asked for again, and what it does not know is told.

The extra settings `skip_special_tokens` (so that `<|diff|>` survives) and `min_tokens` are dropped, and that is told,
where a server refuses them. Where it refuses top-k or min-p, nothing is drawn.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from lintseq.benchmarks.problems import shortened
from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation.cost import ModelShape
from lintseq.lm.backends.backend import (
    Finish,
    Generated,
    Listener,
    Request,
    Sampling,
    Watch,
    Watches,
)

OPTIONAL = ("skip_special_tokens", "min_tokens")
"""Settings that can be done without, in the order in which they are dropped."""
_STOPPED = ("stop_reason", "matched_stop")
"""How vLLM and SGLang call the text at which they stopped."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a server is asked."""

    timeout: float = 600.0
    """Seconds for one answer."""
    tries: int = 8
    """How often a request is made before its failure is taken for good."""
    first_pause: float = 0.5
    longest_pause: float = 30.0
    """Seconds between tries; each pause is twice the one before, or what the server asks for."""


class Server:
    """A server and the name of a model on it; a `Backend`."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str = "none",
        concurrency: int = 16,
        patience: Patience = Patience(),
        shape: ModelShape | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            import openai
        except ModuleNotFoundError:
            raise ConfigError("the backend openai needs a package: pip install 'lintseq[openai]'") from None
        self._errors = openai
        self._client = openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=patience.timeout)
        self.url = url
        self.model = model
        self.concurrency = concurrency
        self.patience = patience
        self.shape = shape
        self._sleep = sleep
        self._lock = threading.Lock()
        self._dropped: set[str] = set()
        self._stopping = threading.Event()
        self._hunks = self._led = self._told = 0

    def describe(self) -> Mapping[str, Any]:
        return {"backend": "openai", "model": self.model}

    def made_with(self) -> Mapping[str, Any]:
        return {"server": self.url, "settings not taken": sorted(self._dropped)}

    def warnings(self) -> Iterable[str]:
        for name in sorted(self._dropped):
            yield f"the server does not take {name}" + (
                ", so completions may be shorter" if name == "min_tokens" else ""
            )
        if self._hunks > 1 and not self._led:
            yield (
                f"no completion has a {SEPARATOR}, though {self._hunks} have several edits: the server seems to strip"
                " it; serve a tokenizer in which it is no special token (edits are told apart by their headers, where"
                " the format has them)"
            )
        if self._told:
            yield f"{self._told} answers were garbage or short of completions, and were asked for again"

    def generate(
        self,
        requests: Sequence[Request],
        sampling: Sampling,
        *,
        watches: Watches | None = None,
        listener: Listener | None = None,
    ) -> Iterator[Generated]:
        """Yield completions as they come."""
        if watches is not None and any(not isinstance(one.prompt, str) for one in requests):
            raise ConfigError("edit by edit, a server can be asked to go on with a text alone; use --prompts edits")
        self._stopping.clear()
        waiting = iter(requests)
        running: set[Future[Generated]] = set()
        with ThreadPoolExecutor(self.concurrency) as pool:
            try:
                while True:
                    while len(running) < 2 * self.concurrency and (request := next(waiting, None)) is not None:
                        watch = None if watches is None else watches(request)
                        running.add(pool.submit(self._one, request, sampling, watch))
                    if not running:
                        return
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        generated = future.result()
                        self._look_at(generated)
                        if listener is not None:
                            listener(generated.request, generated.text)
                        yield generated
            finally:
                self._stopping.set()
                for future in running:
                    future.cancel()

    # One completion

    def _one(self, request: Request, sampling: Sampling, watch: Watch | None) -> Generated:
        if watch is not None:
            return self._edit_by_edit(request, sampling, watch)
        choice, usage = self._ask(request.prompt, sampling, request.seed, sampling.max_tokens, list(sampling.stop))
        finish: Finish = "length" if choice.get("finish_reason") == "length" else "end"
        if finish == "end" and sampling.stop and _stopped_at(choice):
            finish = "stop"
        prompt, drawn = usage
        return Generated(request, _text_of(choice), finish, prompt, drawn, self._flops([usage]))

    def _edit_by_edit(self, request: Request, sampling: Sampling, watch: Watch) -> Generated:
        """Ask for one edit at a time; the server has to say whether it stopped at a separator or at the end."""
        assert isinstance(request.prompt, str)
        opened = request.prompt.endswith(SEPARATOR)
        edits: list[str] = []
        """With the newline at the end of each, and without separators."""
        lead = "" if opened else SEPARATOR
        spent: list[tuple[int | None, int | None]] = []
        kept, asked = 0, 0
        finish: Finish | None = None
        while finish is None:
            so_far = lead + SEPARATOR.join([*edits, ""])
            left = sampling.max_tokens - kept
            seed = request.seed + asked
            choice, usage = self._ask(request.prompt + so_far, sampling, seed, left, [SEPARATOR, *sampling.stop])
            asked += 1
            spent.append(usage)
            text, cut = _text_of(choice), choice.get("finish_reason") == "length"
            last = not cut and not self._stopped_at_separator(choice)
            decision = watch.edit(text, last=last or cut, cut=cut)
            if decision == "again":
                continue
            if decision != "drop":
                edits.append(text)
                kept += usage[1] if usage[1] is not None else max(len(text) // 4, 1)  # so that there is an end
            if decision == "enough":
                finish = "edits"
            elif cut or kept >= sampling.max_tokens:
                finish = "length"
            elif decision == "drop":
                finish = "gave-up"
            elif last:
                finish = "end"
        drawn = sum(count or 0 for _, count in spent)
        more = {**watch.report(), "requests": asked, "thrown_tokens": max(drawn - kept, 0)}
        text = (lead if edits else "") + SEPARATOR.join(edits)
        return Generated(request, text, finish, spent[0][0], drawn, self._flops(spent), more)

    def _stopped_at_separator(self, choice: Mapping[str, Any]) -> bool:
        if not any(name in choice for name in _STOPPED):
            raise ConfigError(
                f"the server at {self.url} does not say whether it stopped at {SEPARATOR} or at the end of the text,"
                " as vLLM and SGLang do (stop_reason, matched_stop); edits cannot be drawn one at a time there"
            )
        return _stopped_at(choice) == SEPARATOR

    def _flops(self, spent: Sequence[tuple[int | None, int | None]]) -> int | None:
        """Return what answers took: the prompt once, and each token that was drawn; texts gone on with are kept."""
        if self.shape is None or any(prompt is None or drawn is None for prompt, drawn in spent):
            return None
        shape, first = self.shape, spent[0][0] or 0
        return shape.prompt(first) + sum(shape.completion(drawn or 0, prompt=prompt or 0) for prompt, drawn in spent)

    # One answer

    def _ask(
        self, prompt: Any, sampling: Sampling, seed: int, max_tokens: int, stop: list[str]
    ) -> tuple[dict[str, Any], tuple[int | None, int | None]]:
        """Return a choice and the tokens of its prompt and of itself."""
        pause = self.patience.first_pause
        for attempt in range(1, self.patience.tries + 1):
            wanted = pause
            try:
                return self._answer(prompt, sampling, seed, max_tokens, stop)
            except _TryAgain as trouble:
                if attempt == self.patience.tries or self._stopping.is_set():
                    raise ToolError(
                        f"the server at {self.url} did not answer a request in {attempt} tries: {trouble};"
                        " what was done is kept: go on with --resume"
                    ) from None
                wanted = min(trouble.pause or pause, self.patience.longest_pause)
            self._sleep(wanted)
            pause *= 2
        raise AssertionError

    def _answer(
        self, prompt: Any, sampling: Sampling, seed: int, max_tokens: int, stop: list[str]
    ) -> tuple[dict[str, Any], tuple[int | None, int | None]]:
        extra: dict[str, Any] = {"skip_special_tokens": False, "min_tokens": min(sampling.min_tokens, max_tokens)}
        extra = {name: value for name, value in extra.items() if value != 0 or name != "min_tokens"}
        extra = {name: value for name, value in extra.items() if name not in self._dropped}
        extra |= {"top_k": sampling.top_k} if sampling.top_k else {}
        extra |= {"min_p": sampling.min_p} if sampling.min_p else {}
        same: dict[str, Any] = {
            "model": self.model,
            "n": 1,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": max_tokens,
            "seed": seed % (1 << 31),
            "extra_body": extra,
            **({"stop": stop} if stop else {}),
        }
        try:
            if isinstance(prompt, str):
                raw = self._client.completions.with_raw_response.create(prompt=prompt, **same)
            else:
                raw = self._client.chat.completions.with_raw_response.create(messages=prompt, **same)
        except self._errors.APIStatusError as error:
            raise self._trouble(error, extra) from None
        except self._errors.APIConnectionError as error:  # time-outs too
            cause = error.__cause__ or error
            raise _TryAgain(f"{type(error).__name__} ({type(cause).__name__}: {cause})") from None
        return self._read(raw.text if isinstance(raw.text, str) else raw.text())

    def _trouble(self, error: Any, extra: Mapping[str, Any]) -> Exception:
        """Return what to raise for an answer that is an error, having dropped a setting if that was the reason."""
        status, told = error.status_code, shortened(" ".join(str(error.message).split()), 300)
        if status in (408, 409, 425, 429) or status >= 500:
            asked = error.response.headers.get("retry-after")
            return _TryAgain(f"status {status}: {told}", pause=float(asked) if _is_number(asked) else None)
        if status in (400, 422):
            with self._lock:
                dropping = next((name for name in OPTIONAL if name in extra and name in told), None)
                if dropping is None and not any(name in told for name in ("top_k", "min_p")):
                    dropping = next((name for name in OPTIONAL if name in extra and name not in self._dropped), None)
                if dropping is not None:
                    self._dropped.add(dropping)
                    return _TryAgain(f"status {status}: {told}", pause=1e-3)
        return ConfigError(f"the server at {self.url} refuses the request, with status {status}: {told}")

    def _read(self, body: str) -> tuple[dict[str, Any], tuple[int | None, int | None]]:
        try:
            answer = json.loads(body)
            choice = answer["choices"][0]
            _text_of(choice)
        except (ValueError, LookupError, TypeError):
            with self._lock:
                self._told += 1
            raise _TryAgain(f"the answer holds no completion: {shortened(body, 200)!r}") from None
        usage = answer.get("usage") or {}
        return choice, (_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))

    def _look_at(self, done: Generated) -> None:
        """Remember whether separators come through."""
        self._led += SEPARATOR in done.text
        self._hunks += done.text.count("\n@@ -") > 0


class _TryAgain(Exception):
    """What went wrong with a request that may go well another time."""

    def __init__(self, told: str, *, pause: float | None = None) -> None:
        super().__init__(told)
        self.pause = pause


def _text_of(choice: Mapping[str, Any]) -> str:
    """Return the text of a choice; raises `TypeError` if there is none."""
    text = choice["message"]["content"] if "message" in choice else choice["text"]
    if not isinstance(text, str):
        raise TypeError(f"a text was expected, not {text!r}")
    return text


def _stopped_at(choice: Mapping[str, Any]) -> object:
    return next((choice[name] for name in _STOPPED if choice.get(name) is not None), None)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_number(text: str | None) -> bool:
    try:
        return text is not None and float(text) >= 0
    except ValueError:
        return False
