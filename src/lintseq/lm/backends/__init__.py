"""Inference backends: models in the process through transformers, and OpenAI-compatible servers.

Owns the options that choose one; each is imported when it is opened.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lintseq.errors import ConfigError, check_at_least, check_choice
from lintseq.evaluation.cost import read_shape
from lintseq.lm.backends.backend import Backend
from lintseq.lm.loading import require_package
from lintseq.lm.threads import use_threads


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """Where and how the model runs."""

    backend: Literal["transformers", "openai"] = "transformers"
    """Inference backend: a model in the process, or an OpenAI-compatible server such as vLLM."""
    url: str | None = None
    """Address of the server, such as http://localhost:8000/v1. Its API key is read from $OPENAI_API_KEY."""
    device: str | None = None
    """cpu, cuda or cuda:1. [default: a GPU if there is one]"""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the weights; auto keeps the type they were saved in."""
    threads: int | None = None
    """CPU threads. [default: $OMP_NUM_THREADS, or one per available processor]"""
    timeout: float = 600.0
    """Request timeout in seconds."""
    model_config: str | None = None
    """The config.json of a served model, from which operations are computed."""


def open_backend(
    model: str,
    options: BackendOptions = BackendOptions(),
    *,
    batch: int | None = None,
    on_notice: Callable[[str], None] = lambda text: None,
) -> Backend:
    """Return a backend with the model loaded, or one that sends requests to its server.

    `model` is a folder, a name on the Hugging Face Hub, or a name on the server; `batch` is the number of completions
    generated at once. `on_notice` is called, from any thread, with what takes time: loading the model, waiting for a
    server, a request that is sent again after a pause, busy processors. Raises `ConfigError` if the model cannot be
    opened.
    """
    check_choice("backend", options.backend, ("transformers", "openai"))
    check_at_least(1, {"--batch": batch})
    if (options.url is not None) != (options.backend == "openai"):
        raise ConfigError("--url is the address of a server; use it with --backend openai, which requires it")
    if options.url is not None:
        from lintseq.lm.backends.openai import OpenAIBackend
        from lintseq.lm.backends.server import ServerClient

        on_notice(f"waiting for the server at {options.url}")
        key = os.environ.get("OPENAI_API_KEY") or None
        client = ServerClient(options.url, model, key=key, timeout=options.timeout, on_notice=on_notice)
        shape = None if options.model_config is None else read_shape(options.model_config)
        return OpenAIBackend(client, concurrency=batch or 16, shape=shape)
    require_package("torch", f"loading the model {model}")
    on_notice(f"loading the model {model}")
    from lintseq.lm.backends.transformers import open_model

    use_threads(options.threads)
    return open_model(model, device=options.device, dtype=options.dtype, batch=batch, on_notice=on_notice)
