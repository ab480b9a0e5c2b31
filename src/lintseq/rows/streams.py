"""The bytes of files, local or remote, decompressed.

Compression is recognized by the first bytes of a file, not by its name.
"""

import io
import os
import re
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import IO, Any, BinaryIO, cast

import zstandard

from lintseq.errors import BrokenInputError, ConfigError, first_line
from lintseq.storage.public import ACCOUNT, without_secrets

STDIN = "-"
CHUNK = 1 << 17
_SAMPLE = 1 << 16
BROKEN = (EOFError, OSError, zlib.error, zstandard.ZstdError)
"""Exceptions where a file cannot be read further; the first one if it ends too early."""
_URL = re.compile(r"[A-Za-z0-9+]+(::[A-Za-z0-9+]+)*://")


def is_remote(path: str) -> bool:
    """Return whether a path is a URL for `fsspec`, possibly a chain such as `simplecache::s3://...`."""
    return _URL.match(path) is not None


def broken_input(message: str) -> BrokenInputError:
    """Return the exception for an input that cannot be read to its end, without secrets in its message."""
    return BrokenInputError(without_secrets(message))


def url_hash(path: str) -> str:
    """Return a hash of a URL with its query but without its account."""
    return blake2b(ACCOUNT.sub("", path).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def filesystem(path: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL and the path in it; raise `ConfigError` if there is none."""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ConfigError(f"reading {path} needs fsspec: pip install 'lintseq[remote]'") from None
    try:
        found, inner = url_to_fs(path)
    except ImportError as error:
        raise ConfigError(f"reading {path} needs another package: {first_line(error)}") from None
    except ValueError:
        raise ConfigError(f"cannot read {path}: no URL begins like that; use https://, s3://, hf:NAME, ...") from None
    return found, inner


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading bytes, with `peek`. Every failure to read is an `OSError`."""
    if path == STDIN:
        yield sys.stdin.buffer
    elif is_remote(path):
        with io.BufferedReader(_Remote(path), CHUNK) as file:
            yield cast(BinaryIO, file)
    else:
        with io.BufferedReader(_Local(path), CHUNK) as file:
            yield cast(BinaryIO, file)


def read_whole(path: str) -> bytes:
    """Return the bytes of a file, of standard input for `-`; raise `ConfigError` if it cannot be read."""
    try:
        with opened(path) as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {_message(error)}") from None


class _Local(io.FileIO):
    """A file on this machine. That it ends before the size that it had when it was opened is an `OSError`."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "rb")
        self._size = os.fstat(self.fileno()).st_size

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        if not count and len(buffer) and self.seekable() and self.tell() < self._size:
            raise OSError(f"it shrank from {self._size:,} bytes while it was read")
        return count


class _Remote(io.RawIOBase):
    """The bytes of a remote file. Every exception of servers and their libraries becomes an `OSError`."""

    def __init__(self, path: str) -> None:
        self._file: Any = None
        system, inner = filesystem(path)
        with _as_os_errors():
            self._file = system.open(inner, "rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def tell(self) -> int:
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        with _as_os_errors():
            return int(self._file.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        with _as_os_errors():
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if self._file is not None and not self.closed:
            self._file.close()
        super().close()


@contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def check_readable(path: str) -> None:
    """Raise `ConfigError` for a file that cannot be opened."""
    if path == STDIN:
        return
    try:
        if is_remote(path):
            with opened(path) as file:
                file.read(1)
            return
        with open(path, "rb") if stat.S_ISREG(os.stat(path).st_mode) else open(os.devnull, "rb"):
            pass
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {_message(error)}") from None
    if not os.access(path, os.R_OK):
        raise ConfigError(f"cannot read {path}: permission denied")


def _message(error: OSError) -> str:
    """Return why a file cannot be read."""
    if isinstance(error, FileNotFoundError) and not error.strerror:  # fsspec's, whose message is only the address
        cause = error.__cause__
        return _message(cause) if isinstance(cause, OSError) else str(cause or "there is no such file")
    if error.errno and error.errno > 0:  # the words of libraries are longer than those of the system
        return os.strerror(error.errno)
    return error.strerror or first_line(error)


def input_size(path: str) -> int | None:
    """Return the size of a file in bytes; None if that is not known in advance."""
    if path == STDIN:
        return None
    if is_remote(path):
        size = remote_version(path).get("size", "")
        return int(size) if size.isdecimal() else None
    status = os.stat(path)
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def fingerprint(path: str) -> dict[str, Any] | None:
    """Return plain values that change when a file does; None if it can be read only once.

    For a local file: its size, its modification time, and a hash of its beginning, middle and end. For a remote file:
    the metadata that its server reports.
    """
    if is_remote(path):
        return remote_version(path)
    size = input_size(path)
    if size is None:
        return None
    hashed = blake2b(digest_size=16)
    with open(path, "rb") as file:
        for position in (0, size // 2, max(size - _SAMPLE, 0)):
            file.seek(position)
            hashed.update(file.read(_SAMPLE))
    return {"size": size, "changed": os.stat(path).st_mtime_ns, "hash": hashed.hexdigest()}


def remote_version(path: str) -> dict[str, str]:
    """Return the metadata of a remote file that changes with it."""
    system, inner = filesystem(path)
    with _as_os_errors():
        info = system.info(inner)
    known = ("size", "ETag", "etag", "LastModified", "mtime", "created", "checksum", "sha256")
    return {name: str(info[name]) for name in known if name in info}


def decompressed(raw: BinaryIO) -> IO[bytes]:
    """Return a stream of the contents of a file, decompressed if it is compressed."""
    magic = cast(io.BufferedReader, raw).peek(4)[:4]
    if magic[:2] == b"\x1f\x8b":
        return io.BufferedReader(_Decompressed(raw, lambda: zlib.decompressobj(wbits=31)), CHUNK)
    if magic == b"\x28\xb5\x2f\xfd":
        return io.BufferedReader(_Decompressed(raw, lambda: zstandard.ZstdDecompressor().decompressobj()), CHUNK)
    return raw


class _Decompressed(io.RawIOBase):
    """The contents of a compressed file.

    Returns everything before a truncation, and then raises `EOFError`. The readers of gzip and zstandard do not: the
    first loses the last bytes, the second does not notice.
    """

    _STEP = 2048  # small, because it may decompress to thousands of times as much

    def __init__(self, raw: BinaryIO, new_frame: Callable[[], Any]) -> None:
        self._raw = raw
        self._new_frame = new_frame
        self._frame: Any = None
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not self._decompress_more():
                return 0
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decompress_more(self) -> bool:
        """Decompress the next bytes; return False at the end of the file.

        A frame is a decompressor of zlib or zstandard; a file is a sequence of them.
        """
        rest = b""
        if self._frame is not None and self._frame.eof:
            # Some media pad frames with zeros.
            rest = self._frame.unused_data.lstrip(b"\0")
            self._frame = None
        compressed = rest or self._raw.read(self._STEP)
        if not compressed:
            if self._frame is not None:
                raise EOFError("the last frame is not complete")
            return False
        if self._frame is None:
            compressed = compressed.lstrip(b"\0")
            self._frame = self._new_frame() if compressed else None
        if self._frame is not None:
            self._ready = memoryview(self._frame.decompress(compressed))
        return True
