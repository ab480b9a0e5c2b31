"""Append-only files that can be cut back to any marked position, so that a killed run loses nothing it saved.

Lines are compressed in frames whose boundaries depend only on the lines: a file that was cut back and continued has
the same bytes as one written without interruption.
"""

import gzip
import os
from contextlib import suppress
from typing import Any
from zlib import crc32

from lintseq.errors import ConfigError
from lintseq.storage.files import open_file, suffix_of, uninterrupted

FRAME_BYTES = 1 << 20
"""Number of bytes of lines after which a compressed frame is written."""

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


class AppendFile:
    """A file that only grows; compressed if its name ends in `.gz` or `.zst`.

    `mark` makes everything written so far durable and returns the position, with a checksum, as plain values. A file
    opened with a mark is cut back to it and continues from there. Compressed files hold whole lines; plain ones any
    bytes.
    """

    def __init__(self, path: str, mark: dict[str, Any] | None = None) -> None:
        """Create or replace the file, or with `mark` continue it; raise `ConfigError` if it is damaged before that."""
        self.path = path
        self._compression = COMPRESSIONS.get(suffix_of(path, COMPRESSIONS) or "", "")
        self._pending = bytearray()
        self._checksum = 0
        if mark is None:
            self._file = open_file(path, "wb")
            return
        size: int = mark["size"]
        if not os.path.exists(path) or os.path.getsize(path) < size:
            raise ConfigError(f"{path} has lost some of the {size:,} bytes that were saved; start with --overwrite")
        self._file = open_file(path, "r+b")
        self._file.truncate(size)
        while data := self._file.read(FRAME_BYTES):
            self._checksum = crc32(data, self._checksum)
        if self._checksum != mark["checksum"]:
            self._file.close()
            raise ConfigError(f"{path} is damaged: it is not what was saved; start with --overwrite")
        self._pending += mark["pending"].encode("utf-8", "surrogateescape")

    def write(self, data: bytes) -> None:
        with uninterrupted():
            if not self._compression:
                self._append(data)
                return
            self._pending += data
            while len(self._pending) >= FRAME_BYTES:
                end = self._pending.find(b"\n", FRAME_BYTES - 1) + 1
                if not end:
                    return
                self._write_frame(bytes(self._pending[:end]))
                del self._pending[:end]

    def mark(self) -> dict[str, Any]:
        """Make everything written so far durable and return the position, as plain values."""
        with uninterrupted():
            self._sync()
        pending = self._pending.decode("utf-8", "surrogateescape")
        return {"size": self._file.tell(), "checksum": self._checksum, "pending": pending}

    def close(self) -> None:
        """Write pending data, make it durable, and close the file."""
        if self._file.closed:
            return
        with uninterrupted():
            if self._pending or (self._compression and not self._file.tell()):
                self._write_frame(bytes(self._pending))
                self._pending.clear()
            self._sync()
            self._file.close()

    def release(self) -> None:
        """Close the file without writing pending data: a later run continues from the last mark."""
        self._pending.clear()
        with uninterrupted(), suppress(OSError):  # closing writes the buffer, which fails where the disk is full
            self._file.close()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def _append(self, data: bytes) -> None:
        self._file.write(data)
        self._checksum = crc32(data, self._checksum)

    def _write_frame(self, data: bytes) -> None:
        if self._compression == "gzip":
            self._append(gzip.compress(data, compresslevel=6, mtime=0))
        else:
            import zstandard

            self._append(zstandard.ZstdCompressor(level=3).compress(data))
