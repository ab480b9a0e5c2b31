"""A file that grows by whole lines and can be cut back to any place that was marked.

Owns compression, and what it takes to go on after the process was killed: lines are compressed in frames
that depend on nothing but the lines, so a file that was cut back and continued has the same bytes as one
that was written in one go.
"""

import gzip
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

import zstandard

FRAME_BYTES = 1 << 20
"""Lines are compressed when there are so many bytes of them."""

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


class GrowingFile:
    """A regular file of lines, plain or compressed as its name says.

    `mark` makes everything durable that was written and returns where the file stands, as plain values;
    opened with that mark, the file goes on from there.
    """

    def __init__(self, path: str, mark: dict[str, Any] | None = None) -> None:
        self.path = path
        self._compression = next((name for end, name in COMPRESSIONS.items() if path.endswith(end)), "")
        self._pending = bytearray()
        if mark is None:
            self._file: IO[bytes] = open(path, "wb")  # noqa: SIM115  `close` does
        else:
            self._file = open(path, "r+b")  # noqa: SIM115
            self._file.truncate(mark["size"])
            self._file.seek(mark["size"])
            self._pending += mark["pending"].encode("utf-8", "surrogateescape")

    def write(self, lines: bytes) -> None:
        with uninterrupted():
            if not self._compression:
                self._file.write(lines)
                return
            self._pending += lines
            while len(self._pending) >= FRAME_BYTES:
                end = self._pending.find(b"\n", FRAME_BYTES - 1) + 1
                if not end:
                    return
                self._write_frame(bytes(self._pending[:end]))
                del self._pending[:end]

    def mark(self) -> dict[str, Any]:
        """Return where the file stands; it is on the disk up to there."""
        with uninterrupted():
            self._file.flush()
            os.fsync(self._file.fileno())
        return {"size": self._file.tell(), "pending": self._pending.decode("utf-8", "surrogateescape")}

    def close(self) -> None:
        if self._file.closed:
            return
        with uninterrupted():
            if self._pending or (self._compression and not self._file.tell()):
                self._write_frame(bytes(self._pending))
                self._pending.clear()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def abandon(self) -> None:
        """Close the file as it is."""
        self._pending.clear()
        with uninterrupted(), suppress(OSError):  # where the disk is full, closing tries to write once more
            self._file.close()

    def _write_frame(self, data: bytes) -> None:
        if self._compression == "gzip":
            self._file.write(gzip.compress(data, compresslevel=6, mtime=0))
        else:
            self._file.write(zstandard.ZstdCompressor(level=3).compress(data))


class Passage:
    """Something that is no regular file: standard output (`-`), a pipe, a device. What is written is gone."""

    def __init__(self, path: str) -> None:
        self._own = path != "-"
        self._file: IO[bytes] = open(path, "wb") if self._own else sys.stdout.buffer  # noqa: SIM115  `close` does

    def write(self, lines: bytes) -> None:
        if lines:
            with uninterrupted():
                self._file.write(lines)
                self._file.flush()

    def close(self) -> None:
        if self._own:
            self._file.close()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait while the context lasts, where the system and the thread can do that."""
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before: set[Any] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
