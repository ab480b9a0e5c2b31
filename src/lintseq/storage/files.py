"""Writing to disk: files that are whole or absent, renames that survive a power cut, writes that delay Ctrl-C."""

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any


def open_file(path: str, mode: str) -> IO[bytes]:
    """Return a file open for reading or writing bytes, which the caller closes; a new one gets the folder it is in."""
    if mode == "wb":
        with suppress(FileExistsError):  # opening says that a file is no folder
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    return open(path, mode)


def suffix_of(path: str, suffixes: Iterable[str]) -> str | None:
    """Return the longest of some suffixes that a path ends in, in any capitals; None if it ends in none."""
    return max((suffix for suffix in suffixes if path.lower().endswith(suffix)), key=len, default=None)


def write_atomically(path: str, data: bytes) -> None:
    """Write a file whole or not at all, and its folder; when this returns, the file survives a power cut."""
    temporary = f"{path}.writing"
    try:
        with open_file(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.remove(temporary)
        raise
    sync_directory(os.path.dirname(path))


def sync_directory(path: str) -> None:
    """Make the renames in a directory survive a power cut. Does nothing on Windows, which cannot open directories."""
    if os.name == "posix":
        handle = os.open(path or ".", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C until the context ends, where the system and the thread allow it."""
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before: set[Any] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class OutputStream:
    """Standard output (`-`), a pipe or a device: like an `AppendFile`, but written data cannot be rolled back."""

    def __init__(self, path: str) -> None:
        self._owned = path != "-"
        self._file = open_file(path, "wb") if self._owned else sys.stdout.buffer

    def write(self, lines: bytes) -> None:
        if lines:
            with uninterrupted():
                self._file.write(lines)
                self._file.flush()

    def mark(self) -> None:
        """Do nothing: there is no position to return to."""

    def close(self) -> None:
        if self._owned:
            self._file.close()

    def release(self) -> None:
        """Close it after a failure, of which closing it would be another."""
        with suppress(OSError):
            self.close()
