"""Locks and shared memory of `multiprocessing` without /dev/shm, which a process cannot have for itself alone.

The C library keeps named semaphores and shared memory there. At the level `confined`, semaphores have no name: they
are in memory that a program shares with the processes that it forks. Shared memory is a file in the scratch folder.
"""

import ctypes
import mmap
import os
from types import SimpleNamespace
from typing import Any

_SEMAPHORE_BYTES = 32
"""Size of `sem_t` on 64-bit Linux."""


def without_dev_shm(folder: str) -> None:
    """Let `multiprocessing` in this process and its children use a folder instead of /dev/shm."""
    from multiprocessing import heap, shared_memory, synchronize

    def path_of(name: str) -> str:
        return f"{folder}/shm-{name.removeprefix('/')}"

    def shm_open(path: str, flags: int, mode: int = 0o777) -> int:
        return os.open(path_of(path), flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode)

    def shm_unlink(path: str) -> None:
        os.unlink(path_of(path))

    heap.Arena._dir_candidates = []  # type: ignore[attr-defined]
    shared_memory._posixshmem = SimpleNamespace(shm_open=shm_open, shm_unlink=shm_unlink)  # type: ignore[attr-defined]
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):  # others cannot close a semaphore that they did not open
        synchronize._multiprocessing = SimpleNamespace(SemLock=_unnamed_semaphores(libc))  # type: ignore[attr-defined]


def _unnamed_semaphores(libc: ctypes.CDLL) -> type:
    """Return a class like `_multiprocessing.SemLock`, whose semaphores have no name where processes are forked."""
    import _multiprocessing  # type: ignore[import-not-found]

    class SemLock(_multiprocessing.SemLock):  # type: ignore[misc]
        def __new__(cls, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> Any:
            if not unlink:  # processes that are not forked find a semaphore by its name
                return super().__new__(cls, kind, value, maxvalue, name, unlink)
            memory = mmap.mmap(-1, _SEMAPHORE_BYTES)
            address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            libc.sem_init(ctypes.c_void_p(address), 1, value)
            semaphore = cls._rebuild(address, kind, maxvalue, None)
            semaphore._memory = memory
            return semaphore

    return SemLock
