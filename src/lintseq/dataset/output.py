"""Write a file whole or not at all.

Owns the temporary file, compression and the final renaming; what the bytes mean is left to others.
"""

import gzip
import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

import zstandard

STDOUT = "-"


class OutputFile:
    """A file that appears under its name only when `commit` is called; until then it is `NAME.partial`.

    What is no regular file (a pipe, `/dev/null`, `-` for standard output) is written to directly.
    The name's end, `.gz` or `.zst`, chooses the compression.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.direct = path == STDOUT or is_special(path)
        self._target = path if self.direct else os.path.realpath(path)
        self.partial = path if self.direct else f"{self._target}.partial"
        self._file = sys.stdout.buffer if path == STDOUT else open(self.partial, "wb")  # noqa: SIM115  `_close` does
        self._stream = self._file if self.direct else _compressing(path, self._file)

    def write(self, data: bytes) -> None:
        """Write `data`, all of it: Ctrl-C waits until that is done."""
        if data:
            with uninterrupted():
                self._stream.write(data)
                if self.direct:
                    self._stream.flush()

    def commit(self) -> None:
        """End the file and give it its name."""
        self._close()
        if not self.direct:
            os.replace(self.partial, self._target)
            _sync_folder(os.path.dirname(self._target))

    def abandon(self) -> None:
        """End the file, unless that is done, and leave it under its temporary name."""
        # What goes wrong here went wrong before, in `write`, and was told then.
        with suppress(OSError):
            self._close()

    def _close(self) -> None:
        if self._file.closed or self.path == STDOUT:
            return
        with uninterrupted():
            if self._stream is not self._file:
                self._stream.close()
            self._file.flush()
            if not self.direct:
                os.fsync(self._file.fileno())
            self._file.close()


def is_special(path: str) -> bool:
    """Tell whether there is something at `path` that is no regular file: a pipe, a device."""
    return os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode)


def _compressing(path: str, file: IO[bytes]) -> IO[bytes]:
    if path.endswith(".gz"):
        return cast(IO[bytes], gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0))
    if path.endswith(".zst"):
        return cast(IO[bytes], zstandard.ZstdCompressor().stream_writer(file, closefd=False))
    return file


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C; where the system cannot do that, do nothing."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before: set[Any] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _sync_folder(folder: str) -> None:
    """Make a renaming survive a power cut; Windows cannot open folders."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
