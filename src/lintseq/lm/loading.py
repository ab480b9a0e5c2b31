"""Loading models and tokenizers from folders and from the Hugging Face Hub, with errors that say what failed."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lintseq.errors import ConfigError

END, PAD = "<|endoftext|>", "<|pad|>"
"""Special tokens of tokenizers trained by lintseq."""

END_TOKENS = (END, "</s>", "<|end_of_text|>", "<eos>", "<|im_end|>")
"""Candidates for the end-of-text token of a bare tokenizer.json, which does not name one."""

_HUB_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?")


def require_package(package: str, purpose: str) -> None:
    """Raise `ConfigError` if a package of the extra `train` is not installed."""
    try:
        __import__(package)
    except ImportError:
        raise ConfigError(f"{purpose} requires {package}: pip install 'lintseq[train]'") from None


@contextmanager
def loading(what: str, path: str) -> Iterator[None]:
    """Raise `ConfigError` naming `what` and `path` if the code in the context fails to load it.

    A path that cannot be a name on the Hub fails at once, without a slow request.
    """
    exists = os.path.exists(path)
    if not exists and (_HUB_NAME.fullmatch(path) is None or os.path.isdir(os.path.dirname(path))):
        raise ConfigError(f"cannot load the {what} {path}: there is no such folder")
    try:
        yield
    except Exception as error:  # files, the Hub, the network: the libraries raise nothing narrower
        reason = str(error).strip().partition("\n")[0]
        source = "" if exists else "there is no such folder, and loading it from the Hugging Face Hub failed: "
        raise ConfigError(f"cannot load the {what} {path}: {source}{type(error).__name__}: {reason}") from None


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
    """Return the tokenizer in a folder, in a tokenizer.json, or on the Hub, as a fast tokenizer of transformers."""
    require_package("transformers", f"loading the tokenizer {path}")
    bare = _bare_file(Path(path))
    if bare is not None:
        return _load_bare(bare)
    from transformers import AutoTokenizer

    with loading("tokenizer", path):
        tokenizer = AutoTokenizer.from_pretrained(path)
    if not tokenizer.is_fast:
        raise ConfigError(f"{path} is not a fast tokenizer; convert it to a tokenizer.json first")
    return tokenizer


def as_pretrained(tokenizer: Any, *, end: str = END, pad: str | None = PAD) -> Any:
    """Return a tokenizer of the library `tokenizers` as one of transformers."""
    require_package("transformers", "saving a tokenizer")
    from transformers import PreTrainedTokenizerFast

    untyped: Any = PreTrainedTokenizerFast
    return untyped(tokenizer_object=tokenizer, eos_token=end, pad_token=pad, clean_up_tokenization_spaces=False)


def _bare_file(path: Path) -> Path | None:
    """Return the tokenizer.json at a path that has no configuration next to it."""
    if path.is_file():
        return path
    file = path / "tokenizer.json"
    configurations = ("tokenizer_config.json", "config.json", "special_tokens_map.json")
    return file if file.is_file() and not any((path / name).exists() for name in configurations) else None


def _load_bare(file: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise ConfigError(f"cannot load {file} as a tokenizer ({error}); expected a tokenizer.json") from None
    vocabulary = tokenizer.get_vocab()
    end = next((token for token in END_TOKENS if token in vocabulary), None)
    if end is None:
        raise ConfigError(
            f"{file} has none of {', '.join(END_TOKENS)}, so its end-of-text token is unknown; put it into a folder"
            " with a tokenizer_config.json that names eos_token"
        )
    return as_pretrained(tokenizer, end=end, pad=PAD if PAD in vocabulary else None)
