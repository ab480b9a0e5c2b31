"""Folders that are there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from lintseq.dataset.outputs.workplace import MANIFEST
from lintseq.errors import ConfigError


@contextmanager
def new_folder(path: str, *, overwrite: bool = False) -> Iterator[str]:
    """Give a folder to write into, which gets the name `path` when all went well and is deleted when it did not."""
    path = path.rstrip("/") or path
    check_free(path, overwrite=overwrite)
    partial = f"{path}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        os.makedirs(partial)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
    try:
        yield partial
        if os.path.isdir(path):
            shutil.rmtree(path)
        os.rename(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_free(path: str, *, overwrite: bool) -> None:
    """Raise `ConfigError` if something is at `path` that may not be replaced."""
    if not os.path.lexists(path) or (os.path.isdir(path) and not os.listdir(path)):
        return
    if not overwrite:
        raise ConfigError(f"{path} exists; name another folder, or replace it with --overwrite")
    if not os.path.isdir(path) or not os.path.exists(os.path.join(path, MANIFEST)):
        raise ConfigError(f"{path} is nothing that lintseq wrote; move it out of the way, or name another folder")
