"""What draws completions: models in the process, by transformers or vLLM, and servers that speak OpenAI's protocol.

Owns the table of names; each is imported when it is opened.
"""

from importlib.util import find_spec

from lintseq.errors import ConfigError
from lintseq.evaluation.cost import ModelShape
from lintseq.lm.backends.backend import Backend

BACKENDS = ("transformers", "openai", "vllm")


def open_backend(
    name: str,
    model: str,
    *,
    url: str | None = None,
    key: str | None = None,
    device: str | None = None,
    dtype: str = "auto",
    batch: int | None = None,
    timeout: float = 600.0,
    shape: ModelShape | None = None,
) -> Backend:
    """Return a backend with a model; raises `ConfigError` if it cannot be opened."""
    if name not in BACKENDS:
        raise ConfigError(f"unknown backend {name!r}; use one of {', '.join(BACKENDS)}")
    if (url is not None) != (name == "openai"):
        raise ConfigError("--url is where a server answers; it goes with --backend openai, which needs it")
    if name == "openai":
        from lintseq.lm.backends.openai import Patience, Server

        assert url is not None
        patience = Patience(timeout=timeout)
        return Server(url, model, key=key or "none", concurrency=batch or 16, patience=patience, shape=shape)
    if name == "vllm":
        from lintseq.lm.backends.vllm import Engine

        return Engine(model, dtype=dtype)
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise ConfigError("models in the process need torch and transformers: pip install 'lintseq[train]'")
    from lintseq.lm.backends.transformers import open_model

    return open_model(model, device=device, dtype=dtype, batch=batch)
