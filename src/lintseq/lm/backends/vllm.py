"""vLLM in the process, where it is installed.

Untested: it needs a GPU and a build of its own, which none of our tests has. It is kept small for that. A vLLM
server, `vllm serve MODEL` and `--backend openai`, is the road that is tested, and does edit by edit too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from lintseq.errors import ConfigError
from lintseq.evaluation.cost import ModelShape, shape_of
from lintseq.lm.backends.backend import Finish, Generated, Listener, Request, Sampling, Watches

CHUNK = 1024
"""Requests that are handed over at once; so many are lost if it is killed."""


class Engine:
    """A model in vLLM; a `Backend`."""

    def __init__(self, path: str, *, dtype: str = "auto") -> None:
        try:
            from vllm import LLM
        except ModuleNotFoundError:
            raise ConfigError("the backend vllm needs vLLM, which is installed by itself: pip install vllm") from None
        self.path = path
        self.dtype = dtype
        self.llm: Any = LLM(model=path, dtype=dtype, enable_prefix_caching=True)
        self.shape: ModelShape | None = None
        with suppress(ConfigError):
            self.shape = shape_of(self.llm.llm_engine.model_config.hf_text_config.to_dict())

    def describe(self) -> Mapping[str, Any]:
        return {"backend": "vllm", "model": self.path, "dtype": self.dtype}

    def made_with(self) -> Mapping[str, Any]:
        return {"vllm": version("vllm")}

    def warnings(self) -> Iterable[str]:
        return ()

    def generate(
        self,
        requests: Sequence[Request],
        sampling: Sampling,
        *,
        watches: Watches | None = None,
        listener: Listener | None = None,
    ) -> Iterator[Generated]:
        """Yield completions, some hundreds at a time."""
        if watches is not None:
            raise ConfigError("edit by edit works with --backend transformers, and openai with a vLLM server")
        from vllm import SamplingParams

        for start in range(0, len(requests), CHUNK):
            part = requests[start : start + CHUNK]
            params = [
                SamplingParams(
                    n=1,
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    top_k=sampling.top_k or -1,
                    min_p=sampling.min_p,
                    max_tokens=sampling.max_tokens,
                    min_tokens=sampling.min_tokens,
                    stop=list(sampling.stop) or None,
                    seed=request.seed % (1 << 31),
                    skip_special_tokens=False,
                )
                for request in part
            ]
            texts = [one.prompt if isinstance(one.prompt, str) else self._chat(one.prompt) for one in part]
            for request, output in zip(part, self.llm.generate(texts, params), strict=True):
                if listener is not None:
                    listener(request, output.outputs[0].text)
                yield self._generated(request, output)

    def _chat(self, messages: list[dict[str, Any]]) -> Any:
        ids = self.llm.get_tokenizer().apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        return {"prompt_token_ids": ids}

    def _generated(self, request: Request, output: Any) -> Generated:
        one = output.outputs[0]
        prompt, drawn = len(output.prompt_token_ids), len(one.token_ids)
        stopped = "stop" if isinstance(one.stop_reason, str) else "end"
        finish: Finish = "length" if one.finish_reason == "length" else stopped  # type: ignore[assignment]
        flops = None
        if self.shape is not None:
            flops = self.shape.prompt(prompt) + self.shape.completion(drawn, prompt=prompt)
        return Generated(request, one.text, finish, prompt, drawn, flops)
