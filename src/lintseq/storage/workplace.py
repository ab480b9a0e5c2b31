"""The folder in which an unfinished build lies: its lock, its state, and the moves that finish it.

Everything in it is found again after a kill at any moment. Knows nothing of what is in the files.
"""

import json
import os
import shutil
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from lintseq.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_held: set[IO[str]] = set()
"""The locks of this process."""

_STATE = "state.json"
LOCK = "lock"
MANIFEST = "manifest.json"


class Workplace:
    """`OUTPUT.partial`, locked as long as this object is open."""

    def __init__(self, target: str) -> None:
        """Make the folder if there is none and lock it; `ConfigError` if another process has it."""
        self.target = target
        self.path = f"{target}.partial"
        if os.path.lexists(self.path) and not os.path.isdir(self.path):
            raise ConfigError(f"{self.path} is in the way: unfinished work would lie there; move it, or delete it")
        try:
            self._lock = locked(self.path)
        except OSError as error:
            raise ConfigError(f"cannot write {target}: {error.strerror}") from None

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)

    def load(self) -> dict[str, Any] | None:
        """Return the state that was saved last, or None if there is none."""
        try:
            with open(self.file(_STATE), "rb") as file:
                state: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            return None
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state, durably."""
        write_durably(self.file(_STATE), json.dumps(state).encode())

    def clear(self) -> None:
        """Delete everything in the folder but the lock."""
        for entry in os.scandir(self.path):
            if entry.name != LOCK:
                _delete(entry.path)

    def move(self, moves: Sequence[tuple[str, str]]) -> None:
        """Give finished files their names, one after the other; moves that were made before a kill are passed over."""
        for source, target in moves:
            if os.path.lexists(source):
                _replace(source, target, self.file("old"))
        self.close(delete=True)

    def close(self, *, delete: bool = False) -> None:
        """Unlock; with `delete`, the folder goes too. A folder without a state holds nothing and goes anyway."""
        if self._lock.closed:
            return
        if delete or not os.path.exists(self.file(_STATE)):
            shutil.rmtree(self.path, ignore_errors=True)
        _held.discard(self._lock)
        self._lock.close()


def write_durably(path: str, data: bytes) -> None:
    """Write a file whole or not at all; when this returns, it survives a power cut."""
    with open(f"{path}.writing", "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.writing", path)
    sync_folder(os.path.dirname(path))


def sync_folder(folder: str) -> None:
    """Make a renaming survive a power cut; Windows cannot open folders."""
    if os.name == "posix":
        handle = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_ours(folder: str) -> bool:
    """Tell whether a folder is an output of lintseq, or empty, so that it may be replaced."""
    names = set(os.listdir(folder))
    return not names or {MANIFEST, "data"} <= names


def locked(folder: str) -> IO[str]:
    """Make a folder if there is none, and keep other processes from it until what is returned is closed.

    Raises `ConfigError` if another process has it. What was forked does not hold the lock.
    """
    path = os.path.join(folder, LOCK)
    while True:
        os.makedirs(folder, exist_ok=True)
        with suppress(FileNotFoundError):  # whoever had it has just finished, and deleted it
            file = open(path, "a+", encoding="utf-8")  # noqa: SIM115  the caller closes it
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    file.seek(0)
                    owner = file.read().strip() or "another process"
                    file.close()
                    target = folder.removesuffix(".partial")
                    raise ConfigError(f"{target} is being written by {owner}; wait for it, or stop it") from None
            if os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(file.fileno())):
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}")
                file.flush()
                _held.add(file)
                return file
            file.close()


def _let_go() -> None:
    """Close the locks that came by forking; left open, they would be held as long as the child lives."""
    for lock in _held:
        lock.close()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _replace(source: str, target: str, old: str) -> None:
    """Rename a file or a folder, replacing what is there; a folder that is there goes first, to `old`."""
    if os.path.isdir(target) and not os.path.islink(target):
        _delete(old)
        os.rename(target, old)
        os.rename(source, target)
    else:
        os.replace(source, target)
    sync_folder(os.path.dirname(target))


def _delete(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        Path(path).unlink(missing_ok=True)
