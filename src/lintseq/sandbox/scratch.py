"""Folders that programs wrote in: how much is in them, and removing it.

Whatever a program made of its folder, nothing here follows a link, and depth costs neither stack nor descriptors.
"""

import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress

MAX_ENTRIES = 16384
"""Files and folders that a program may create."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 512
_ENOUGH_MEMORY = 1 << 30
_NO_EXECUTION = 8


def places(temporary: str) -> Iterator[str]:
    """Yield the folders that a scratch folder may be in; memory is first if there is plenty, and no other choice."""
    with suppress(OSError):
        found = os.statvfs("/dev/shm")
        plenty = found.f_bavail * found.f_frsize > _ENOUGH_MEMORY and not found.f_flag & _NO_EXECUTION
        if temporary == "/tmp" and plenty:
            yield "/dev/shm"
    yield from (temporary, "/tmp", "/var/tmp", "/dev/shm")


def free_space(folder: str) -> int:
    """Return the bytes that are free where a folder is."""
    found = os.statvfs(folder)
    return found.f_bfree * found.f_frsize


def exceeds(folder: str, size: int, free_before: int, processes: Iterable[str]) -> bool:
    """Return whether a folder has more bytes or entries than allowed, with the deleted files that processes hold.

    Folders in it that cannot be read count with what became less free since the program started.
    """
    used, entries, hides = _used(folder, size)
    used += sum(map(_deleted_but_open, processes))
    if hides:
        used += max(0, free_before - free_space(folder))
    return used > size or entries > MAX_ENTRIES


def _used(folder: str, size: int) -> tuple[int, int, bool]:
    """Return bytes and entries of a folder that may be changing, or the first counts that are too large.

    The last value is whether a folder in it cannot be read.
    """
    used = entries = 0
    hides = False
    current = os.open(folder, _FOLDER)
    try:
        levels = [os.listdir(current)]
        while levels and used <= size and entries <= MAX_ENTRIES:
            if not levels[-1]:
                levels.pop()
                current = _moved(current, "..") if levels else current
                continue
            name = levels[-1].pop()
            entries += 1
            try:
                info = os.stat(name, dir_fd=current, follow_symlinks=False)
                if stat.S_ISDIR(info.st_mode):
                    current = _moved(current, name)
                    levels.append(os.listdir(current))
                else:
                    used += info.st_blocks * _BLOCK
            except PermissionError:
                hides = True
            except OSError:  # changed meanwhile
                pass
    except OSError:  # changed meanwhile; there will be another time
        pass
    finally:
        os.close(current)
    return used, entries, hides


def _moved(current: int, name: str) -> int:
    """Return a descriptor of a folder next to an open one, which is closed."""
    following = os.open(name, _FOLDER, dir_fd=current)
    os.close(current)
    return following


def _deleted_but_open(process: str) -> int:
    used = 0
    with suppress(OSError):
        for name in os.listdir(f"/proc/{process}/fd"):
            info = os.stat(f"/proc/{process}/fd/{name}")
            if stat.S_ISREG(info.st_mode) and info.st_nlink == 0:
                used += info.st_blocks * _BLOCK
    return used


def remove(folder: str) -> None:
    """Remove a folder with everything in it."""
    empty(folder)
    os.rmdir(folder)


def empty(folder: str) -> tuple[int, int]:
    """Remove everything in a folder that nothing else changes meanwhile; return its bytes and entries."""
    os.chmod(folder, 0o700)
    top = os.open(folder, _FOLDER)
    used = entries = 0
    try:
        while names := os.listdir(top):
            for name in names:
                size, count = _remove(top, name)
                used, entries = used + size, entries + count
    finally:
        os.close(top)
    return used, entries


def _remove(top: int, name: str) -> tuple[int, int]:
    """Remove a file, or a folder with the files in it, whose own folders move up; return bytes and entries."""
    info = os.stat(name, dir_fd=top, follow_symlinks=False)
    if not stat.S_ISDIR(info.st_mode):
        os.unlink(name, dir_fd=top)
        return info.st_blocks * _BLOCK, 1
    used, entries = 0, 1
    os.chmod(name, 0o700, dir_fd=top)
    folder = os.open(name, _FOLDER, dir_fd=top)
    try:
        for entry in os.listdir(folder):
            info = os.stat(entry, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode):
                os.chmod(entry, 0o700, dir_fd=folder)
                os.rename(entry, secrets.token_hex(8), src_dir_fd=folder, dst_dir_fd=top)
            else:
                os.unlink(entry, dir_fd=folder)
                used, entries = used + info.st_blocks * _BLOCK, entries + 1
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
    return used, entries
