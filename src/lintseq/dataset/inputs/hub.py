"""Rows of Hugging Face data sets, streamed by name or saved on disk (extra `hub`)."""

import os
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from lintseq.dataset.inputs.rows import BrokenInputError, Input, Mark, RawRow, encode_row
from lintseq.errors import ConfigError

PREFIX = "hf:"
_NAME = re.compile(r"hf:(?P<name>[^@#:]+)(?:@(?P<revision>[^#:]+))?(?:#(?P<config>[^:]+))?(?::(?P<split>.+))?")


def is_saved(path: str) -> bool:
    """Tell whether a folder holds a data set that `save_to_disk` wrote."""
    return any(os.path.isfile(os.path.join(path, name)) for name in ("dataset_dict.json", "state.json"))


def hub_input(spec: str) -> Input:
    """Return the input of `hf:NAME[@REVISION][#CONFIG][:SPLIT]`, where NAME may be a folder; the split is train
    if nothing else is said."""
    match = _NAME.fullmatch(spec)
    if match is None:
        raise ConfigError(f"cannot read {spec}: it is not of the form hf:NAME[@REVISION][#CONFIG][:SPLIT]")
    _check_datasets(spec)
    if os.path.isdir(match["name"]) and is_saved(match["name"]):
        return saved_input(match["name"], match["split"])
    data = _streamed(match)
    known = (data.info.splits or {}).get(match["split"] or "train")
    fingerprint = {"data set": spec, "version": str(data.info.version), "checksums": data.info.download_checksums}
    size = (known and known.num_examples) or None
    return Input(spec, size, fingerprint, partial(_read_stream, spec), by_rows=True, jumps=False)


def saved_input(path: str, split: str | None = None) -> Input:
    """Return the input of a data set that `save_to_disk` wrote."""
    _check_datasets(path)
    data = _loaded(path, split)
    return Input(path, len(data), {"fingerprint": data._fingerprint}, partial(_read_saved, path, split), by_rows=True)


def _check_datasets(spec: str) -> None:
    try:
        import datasets  # noqa: F401, PLC0415
    except ImportError:
        raise ConfigError(f"reading {spec} needs datasets: pip install 'lintseq[hub]'") from None


def _streamed(match: "re.Match[str]") -> Any:
    import datasets  # noqa: PLC0415

    try:
        return datasets.load_dataset(
            match["name"],
            match["config"],
            split=match["split"] or "train",
            revision=match["revision"],
            streaming=True,
        )
    except Exception as error:  # whatever the hub, a loader or the network comes up with
        raise ConfigError(f"cannot read {match[0]}: {type(error).__name__}: {error}") from None


def _loaded(path: str, split: str | None) -> Any:
    import datasets  # noqa: PLC0415

    try:
        data = datasets.load_from_disk(path)
    except Exception as error:  # files of other versions and damaged ones raise all kinds
        raise ConfigError(f"cannot read {path}: {type(error).__name__}: {error}") from None
    if not isinstance(data, datasets.DatasetDict):
        return data
    if split is None and len(data) == 1:
        return next(iter(data.values()))
    if split not in data:
        raise ConfigError(f"{path} holds the splits {', '.join(data)}; name one, as in hf:{path}:{next(iter(data))}")
    return data[split]


def _read_stream(spec: str, after: Mark) -> Iterator[RawRow]:
    match = _NAME.fullmatch(spec)
    assert match is not None
    data = _streamed(match)
    if after.rows:
        data = data.skip(after.rows)
    yield from _rows(spec, data, after.rows)


def _read_saved(path: str, split: str | None, after: Mark) -> Iterator[RawRow]:
    data = _loaded(path, split)
    if after.rows:
        data = data.select(range(after.rows, len(data)))
    yield from _rows(path, data, after.rows)


def _rows(spec: str, data: Any, index: int) -> Iterator[RawRow]:
    iterator = iter(data)
    while True:
        try:
            row = next(iterator)
        except StopIteration:
            return
        except Exception as error:  # of the network, a server, or a file that does not parse
            raise BrokenInputError(f"{spec}: cannot be read beyond row {index}: {error}") from None
        yield RawRow(index, index + 1, encode_row(row), index + 1)
        index += 1
