"""Loading models and tokenizers from folders and from the Hugging Face Hub, with errors that say what failed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from lintseq.errors import ConfigError, first_line
from lintseq.lm.settings import may_be_on_hub

END, PAD = "<|endoftext|>", "<|pad|>"
"""Special tokens of tokenizers trained by lintseq."""


def require_package(package: str, purpose: str) -> None:
    """Raise `ConfigError` if a package of the extra `train` is not installed."""
    if find_spec(package) is None:
        raise ConfigError(f"{purpose} requires {package}: pip install 'lintseq[train]'")


@contextmanager
def loading(what: str, path: str) -> Iterator[None]:
    """Raise `ConfigError` naming `what` and `path` if the code in the context fails to load it.

    A path that cannot be a name on the Hub fails at once, without a slow request.
    """
    exists = os.path.exists(path)
    if not exists and not may_be_on_hub(path):
        raise ConfigError(f"cannot load the {what} {path}: there is no such folder")
    try:
        yield
    except Exception as error:  # files, the Hub, the network: the libraries raise nothing narrower
        source = "" if exists else "there is no such folder, and loading it from the Hugging Face Hub failed: "
        raise ConfigError(f"cannot load the {what} {path}: {source}{first_line(error)}") from None


def load_model(path: str, **options: Any) -> Any:
    """Return the causal language model in a folder or on the Hub; `options` are those of `from_pretrained`."""
    require_package("torch", f"loading the model {path}")
    from transformers import AutoModelForCausalLM

    silence_transformers(warnings=False)
    with loading("model", path):
        return AutoModelForCausalLM.from_pretrained(path, **options)


def silence_transformers(*, warnings: bool) -> None:
    """Turn off the progress bars of transformers, and optionally its warnings."""
    from transformers.utils import logging

    untyped: Any = logging
    untyped.disable_progress_bar()
    if warnings:
        untyped.set_verbosity_error()


def load_config(path: str) -> Any:
    """Return the configuration of a language model, of its text part if it has several."""
    from transformers import AutoConfig

    with loading("model", path):
        return AutoConfig.from_pretrained(path).get_text_config()


def load_tokenizer(path: str) -> Any:
    """Return the tokenizer in a folder or on the Hub, as a fast tokenizer of transformers."""
    require_package("transformers", f"loading the tokenizer {path}")
    from transformers import AutoTokenizer

    if os.path.isfile(path):  # it does not say which tokens end and pad a text
        raise ConfigError(
            f"cannot load the tokenizer {path}: it is a file; name a folder with a tokenizer_config.json"
        )
    with loading("tokenizer", path):
        tokenizer = AutoTokenizer.from_pretrained(path)
    if not tokenizer.is_fast:
        raise ConfigError(f"{path} is not a fast tokenizer; convert it to a tokenizer.json first")
    return tokenizer


def as_pretrained(tokenizer: Any, *, end: str = END, pad: str = PAD) -> Any:
    """Return a tokenizer of the library `tokenizers` as one of transformers."""
    require_package("transformers", "saving a tokenizer")
    from transformers import PreTrainedTokenizerFast

    untyped: Any = PreTrainedTokenizerFast
    return untyped(tokenizer_object=tokenizer, eos_token=end, pad_token=pad, clean_up_tokenization_spaces=False)
