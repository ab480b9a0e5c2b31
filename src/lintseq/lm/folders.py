"""Folders that are there whole or not at all, and what is loaded from them."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from lintseq.errors import ConfigError
from lintseq.storage.workplace import MANIFEST


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


_HUB_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?")


@contextmanager
def loading(what: str, path: str) -> Iterator[None]:
    """Say what was being loaded when that fails: from a folder, or by a name on the Hugging Face Hub.

    What cannot be such a name, or would be in a folder that is here, is not looked for there: that takes long.
    """
    here = os.path.exists(path)
    if not here and (_HUB_NAME.fullmatch(path) is None or os.path.isdir(os.path.dirname(path))):
        raise ConfigError(f"cannot load the {what} {path}: there is no such folder")
    try:
        yield
    except Exception as error:  # of files, the hub, the network: libraries raise nothing narrower
        reason = str(error).strip().partition("\n")[0]
        where = "" if here else "there is no such folder here, and by this name on the Hugging Face Hub: "
        raise ConfigError(f"cannot load the {what} {path}: {where}{type(error).__name__}: {reason}") from None
