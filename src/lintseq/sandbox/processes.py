"""What processes use, read from /proc. Files of a process that has ended read as empty."""

import os
import resource
from collections.abc import Iterator

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = resource.getpagesize()


def other_processes() -> Iterator[str]:
    """Yield the ids of all processes in this process namespace except the first."""
    return (name for name in os.listdir("/proc") if name.isdigit() and name != "1")


def usage(process: str) -> tuple[float, int]:
    """Return the seconds of CPU time and the bytes of resident memory."""
    words = _stat(process)
    return ((int(words[11]) + int(words[12])) * _TICK, int(words[21]) * _PAGE) if len(words) >= 22 else (0.0, 0)


def own_memory(process: str) -> int:
    """Return the bytes that belong to no file, with the process's share of shared ones."""
    lines = _read(f"/proc/{process}/smaps_rollup").split(b"\n")
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith((b"Pss_Anon:", b"Pss_Shmem:")))


def seconds_waited(process: str) -> float:
    """Return the seconds that the threads of a process were ready to run and had no CPU."""
    folder = f"/proc/{process}/task"
    try:
        threads = os.listdir(folder)
    except OSError:
        return 0.0
    statistics = (_read(f"{folder}/{thread}/schedstat").split() for thread in threads)
    return sum(int(words[1]) for words in statistics if len(words) > 1) / 1e9


def children() -> Iterator[int]:
    """Yield the ids of this process's children."""
    parent = [str(os.getpid()).encode()]
    names = os.listdir("/proc") if os.path.isdir("/proc") else []
    return (int(name) for name in names if name.isdigit() and _stat(name)[1:2] == parent)


def _stat(process: str) -> list[bytes]:
    """Return the fields of /proc/PID/stat after the name of the program."""
    return _read(f"/proc/{process}/stat").rpartition(b")")[2].split()


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(65536)
    except OSError:
        return b""
