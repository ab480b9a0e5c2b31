"""Rows of Hugging Face data sets, streamed from the Hub or saved on disk (extra `hub`).

`datasets` decides how much is read at a time; for Parquet it is a row group.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from importlib.util import find_spec
from typing import Any

from lintseq.errors import ConfigError, first_line
from lintseq.rows.input import Input, Mark, RawRow
from lintseq.rows.tables import numbered_rows

PREFIX = "hf:"
_NAME = re.compile(r"hf:(?P<name>[^@#:]+)(?:@(?P<revision>[^#:]+))?(?:#(?P<config>[^:]+))?(?::(?P<split>.+))?")


def hub_name(spec: str) -> str | None:
    """Return the name of a data set on the Hub in `hf:NAME...`; None for other inputs and for local folders."""
    match = _NAME.fullmatch(spec)
    return None if match is None or os.path.exists(match["name"]) else match["name"]


def is_saved(path: str) -> bool:
    """Return whether a folder is a data set written by `save_to_disk`."""

    def has(*names: str) -> bool:
        return all(os.path.isfile(os.path.join(path, name)) for name in names)

    return has("dataset_dict.json") or has("dataset_info.json", "state.json")


def hub_input(spec: str) -> Input:
    """Return the input of `hf:NAME[@REVISION][#CONFIG][:SPLIT]`; NAME may be a folder, the default split is train."""
    match = _NAME.fullmatch(spec)
    if match is None:
        raise ConfigError(f"cannot read {spec}: expected hf:NAME[@REVISION][#CONFIG][:SPLIT]")
    _check_datasets(spec)
    if os.path.isdir(match["name"]) and is_saved(match["name"]):
        return saved_input(match["name"], match["split"])
    builder, _ = _streamed(match)
    known = (builder.info.splits or {}).get(_split(match))
    size = (known and known.num_examples) or None
    return Input(spec, size, _fingerprint(match, builder), partial(_read_stream, spec), by_rows=True)


def saved_input(path: str, split: str | None = None) -> Input:
    """Return the input of a data set written by `save_to_disk`."""
    _check_datasets(path)
    data = _loaded(path, split)
    return Input(path, len(data), {"fingerprint": data._fingerprint}, partial(_read_saved, path, split), by_rows=True)


def _check_datasets(spec: str) -> None:
    if find_spec("datasets") is None:
        raise ConfigError(f"reading {spec} needs datasets: pip install 'lintseq[hub]'")


def _split(match: "re.Match[str]") -> str:
    return match["split"] or "train"


def _streamed(match: "re.Match[str]") -> tuple[Any, Any]:
    """Return the builder of a data set, and its rows as a stream."""
    import datasets

    with _config_errors(match[0]):
        builder = datasets.load_dataset_builder(match["name"], match["config"], revision=match["revision"])
        return builder, builder.as_streaming_dataset(split=_split(match))


@contextmanager
def _config_errors(spec: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # of the Hub, a loader or the network
        raise ConfigError(
            f"cannot read {spec}: {first_line(error)}; check the name and the network, or read a copy on this machine"
        ) from None


def _fingerprint(match: "re.Match[str]", builder: Any) -> dict[str, Any]:
    """Return plain values that change when the files of a data set do."""
    files = (builder.config.data_files or {}).get(_split(match), [])
    known = [builder.hash, list(map(str, files)), getattr(files, "origin_metadata", None)]
    return {"data set": match[0], "files": blake2b(repr(known).encode(), digest_size=16).hexdigest()}


def _loaded(path: str, split: str | None) -> Any:
    import datasets

    with _config_errors(path):
        data = datasets.load_from_disk(path)
    if isinstance(data, datasets.DatasetDict):
        if split is None and len(data) == 1:
            split = next(iter(data))
        if split not in data:
            example = f"hf:{path}:{next(iter(data))}"
            raise ConfigError(f"{path} has the splits {', '.join(data)}; name one, as in {example}")
        data = data[split]
    return data.with_format(None)


def _read_stream(spec: str, after: Mark) -> Iterator[RawRow]:
    match = _NAME.fullmatch(spec)
    assert match is not None
    _, data = _streamed(match)
    if after.rows:
        data = data.skip(after.rows)
    yield from numbered_rows(spec, data, after.rows)


def _read_saved(path: str, split: str | None, after: Mark) -> Iterator[RawRow]:
    data = _loaded(path, split)
    if after.rows < len(data):  # `select` rejects an empty range
        yield from numbered_rows(path, data.select(range(after.rows, len(data))), after.rows)
