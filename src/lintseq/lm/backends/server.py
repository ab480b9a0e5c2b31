"""Requests to an OpenAI-compatible server: retries, parameters that it rejects, and errors that say what to do.

Owns the decision which failures are temporary. Each retry is announced before its pause. Knows nothing of edits.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from email.utils import parsedate_to_datetime
from typing import Any

from lintseq.benchmarks.problem import shorten
from lintseq.errors import ConfigError, ToolError
from lintseq.lm.backends.backend import Prompt

OPTIONAL_PARAMETERS = {
    "skip_special_tokens": ", so <|diff|> may be missing from completions",
    "min_tokens": ", so completions may be shorter",
    "seed": ", so completions differ from run to run",
}
"""Request parameters that are dropped if a server rejects them, and the consequence."""
_STOP_KEYS = ("stop_reason", "matched_stop")
"""Where vLLM and SGLang report the text at which they stopped."""
_LONGEST_PAUSE = 300.0
"""Seconds; a server that asks for a longer pause ends the run."""
_CONNECT_SECONDS = 10.0
_MODELS_SHOWN = 8
_TEMPORARY = (408, 409, 425, 429, 500)
"""Status codes, besides those above 501, after which a request is sent again."""
_MESSAGE_KEYS = ("error", "message", "detail", "msg")
"""Where servers put the explanation of an error."""


@dataclass(frozen=True, slots=True)
class ServerAnswer:
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


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a request has no answer, if another try may have one."""

    reason: str
    pause: float | None = None
    """Seconds that the server asks to wait."""


class ServerClient:
    """A client of one model on a server, for any number of threads."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str | None = None,
        timeout: float = 600.0,
        tries: int = 8,
        first_pause: float = 1.0,
        on_notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`timeout` is in seconds per request, which is sent up to `tries` times.

        The pause before the second try is `first_pause` seconds, and doubles with each try.
        """
        try:
            import openai
        except ModuleNotFoundError:
            raise ConfigError("the backend openai needs a package: pip install 'lintseq[openai]'") from None
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"--url {url}: write the whole address, such as http://localhost:8000/v1")
        limits = openai.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))
        self._openai = openai
        self._client = openai.OpenAI(base_url=url, api_key=key or "none", max_retries=0, timeout=limits)
        self.url, self.model, self.key, self.timeout = url, model, key, timeout
        self.tries, self.first_pause, self.on_notice = tries, first_pause, on_notice
        self.dropped: set[str] = set()
        """The optional parameters that the server rejects."""
        self.without_completion = 0
        """Answers that were garbage or had no completion."""
        self._accepted: set[str] = set()
        """The parameters of requests that were answered."""
        self._answered = False
        """Whether the server ever answered, be it with an error."""
        self._announced: dict[str, float] = {}
        """The time of the next try after each failure that was announced."""
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def close(self) -> None:
        """Send no more requests, in any thread."""
        self._closed.set()

    def ask(self, prompt: Prompt, parameters: Mapping[str, Any]) -> ServerAnswer:
        """Return the server's answer.

        Raises `ConfigError` if the server refuses the request or cannot be reached, and `ToolError` if it has no
        answer after several tries.
        """
        if self._closed.is_set():
            raise ToolError("the run has ended")
        number = 1
        while not isinstance(result := self._send(prompt, parameters), ServerAnswer):
            if number == self.tries:
                raise ToolError(
                    f"the server at {self.url} did not answer a request in {number} tries: {result.reason}"
                    f"{self._model_hint()}; finished completions are kept: continue with --resume"
                )
            self._wait(result, number)
            number += 1
        return result

    def _wait(self, failure: _Failure, number: int) -> None:
        """Announce the next try, and wait for it."""
        pause = self.first_pause * 2 ** (number - 1) if failure.pause is None else failure.pause
        if pause > _LONGEST_PAUSE:
            raise ToolError(
                f"the server at {self.url} asks to wait {pause:,.0f} seconds ({failure.reason}); finished completions"
                " are kept: continue later with --resume"
            )
        with self._lock:  # requests in flight fail together: announce it once
            now = time.monotonic()
            if new := self._announced.get(failure.reason, now) <= now:
                self._announced[failure.reason] = now + pause
        if new:
            self.on_notice(
                f"no completion from {self.url} ({failure.reason}); next try in {pause:.3g} seconds"
                f" ({number + 1} of {self.tries})"
            )
        if self._closed.wait(pause):
            raise ToolError("the run has ended")

    def _send(self, prompt: Prompt, parameters: Mapping[str, Any]) -> ServerAnswer | _Failure:
        """Send a request without the parameters that the server rejects; return its answer, or why there is none."""
        client = self._client.completions if isinstance(prompt, str) else self._client.chat.completions
        key = "prompt" if isinstance(prompt, str) else "messages"
        create: Callable[..., Any] = client.with_raw_response.create
        while True:
            sent = {name: value for name, value in parameters.items() if name not in self.dropped}
            try:
                raw = create(**{key: prompt}, model=self.model, extra_body=sent)
                text = raw.text if isinstance(raw.text, str) else str(raw.text())
            except self._openai.APIStatusError as error:
                self._answered = True
                message = _message(error.body) or "without a message"
                if error.status_code in _TEMPORARY or error.status_code >= 502:
                    return _Failure(f"status {error.status_code}: {shorten(message, 300)}", _requested_pause(error))
                if error.status_code not in (400, 422) or not self._drop_parameters(sent.keys(), message):
                    raise self._refusal(error.status_code, key, shorten(message, 300)) from None
            except self._openai.APIConnectionError as error:  # timeouts too
                return self._no_connection(error)
            else:
                self._answered = True
                self._accepted.update(sent)
                return self._read(text)

    def _drop_parameters(self, sent: Collection[str], message: str) -> bool:
        """Drop the parameters that a message seems to be about; return whether the request is worth another try."""
        with self._lock:
            if not self.dropped.isdisjoint(sent):  # dropped for another request while this one was in flight
                return True
            candidates = [name for name in OPTIONAL_PARAMETERS if name in sent and name not in self._accepted]
            named = [name for name in sent if re.search(rf"\b{name}\b", message)]
            rejected = [name for name in candidates if name in named] if named else candidates[:1]
            self.dropped.update(rejected)
            return bool(rejected)

    def _no_connection(self, error: Exception) -> _Failure:
        cause = error.__cause__ or error
        kind = type(cause).__name__
        if not self._answered and kind in ("ConnectError", "ConnectTimeout"):
            raise ConfigError(
                f"cannot connect to {self.url} ({cause}): start the server, wait until it is ready, or correct --url"
            ) from None
        if isinstance(error, self._openai.APITimeoutError) and kind != "ConnectTimeout":
            return _Failure(f"no answer within {self.timeout:g} seconds (--timeout)")
        return _Failure(f"{kind}: {cause}")

    def _read(self, body: str) -> ServerAnswer | _Failure:
        if (answer := _read_answer(body)) is not None:
            return answer
        with self._lock:
            self.without_completion += 1
        return _Failure(f"the answer holds no completion: {shorten(body, 200)!r}")

    # Refusals

    def _refusal(self, status: int, key: str, message: str) -> ConfigError:
        """Return the error for a status that another try would not change."""
        if status in (401, 403):
            advice = "set OPENAI_API_KEY" if self.key is None else "correct OPENAI_API_KEY"
            return ConfigError(f"the server at {self.url} denies access, with status {status}: {message}; {advice}")
        hint = self._model_hint()
        if status == 404 and not hint:
            other = "messages" if key == "prompt" else "edits"
            hint = f"; correct --url, which usually ends in /v1, or try --prompts {other}"
        return ConfigError(f"the server at {self.url} refuses the request, with status {status}: {message}{hint}")

    def _model_hint(self) -> str:
        """Return the names of the server's models if `model` is none of them, as the end of a message."""
        try:
            listed = self._client.with_options(timeout=_CONNECT_SECONDS).models.list()
            names = sorted(str(model.id) for model in listed.data)
        except Exception:  # not every server has a list, and some send something else
            return ""
        if not names or self.model in names:
            return ""
        more = f" and {len(names) - _MODELS_SHOWN} more" if len(names) > _MODELS_SHOWN else ""
        near = sorted(names, key=lambda name: -SequenceMatcher(None, name, self.model).ratio())
        return f"; it has no model {self.model!r}: set --model to {' or '.join(near[:_MODELS_SHOWN])}{more}"


def _message(body: Any) -> str:
    """Return a server's explanation from the body of its answer, on one line."""
    while isinstance(body, Mapping):
        body = next((body[name] for name in _MESSAGE_KEYS if body.get(name)), json.dumps(body))
    return " ".join((body if isinstance(body, str) else json.dumps(body)).split()).removesuffix(".")


def _requested_pause(error: Any) -> float | None:
    """Return the seconds that a server asks to wait, if it does: a number, or the time of the next try."""
    text = error.response.headers.get("retry-after", "")
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None


def _read_answer(body: str) -> ServerAnswer | None:
    """Return the answer in the body of a response, or None if it holds no completion."""
    try:
        answer = json.loads(body)
        choice = answer["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
        usage = answer.get("usage") or {}
        counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if not isinstance(text, str):
        return None
    stopped_at = next((choice[name] for name in _STOP_KEYS if choice.get(name) is not None), None)
    reports_stop = any(name in choice for name in _STOP_KEYS)
    return ServerAnswer(text, choice.get("finish_reason") == "length", stopped_at, reports_stop, *counts)
