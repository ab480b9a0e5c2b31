"""What processes use, read from /proc. Files of a process that has ended read as empty."""

import os
import resource

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = resource.getpagesize()


def other_processes() -> list[str]:
    """Return the ids of all processes in this process namespace except the first."""
    return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def usage(process: str) -> tuple[float, int]:
    """Return the seconds of CPU time and the bytes of resident memory."""
    words = _stat(process)
    return ((int(words[11]) + int(words[12])) * _TICK, int(words[21]) * _PAGE) if len(words) >= 22 else (0.0, 0)


def own_memory(process: str, *, inherited: int = 0) -> int:
    """Return the bytes that belong to no file, with the process's share of shared ones.

    Where the kernel does not tell the share, return what exceeds `inherited` bytes.
    """
    lines = _read(f"/proc/{process}/smaps_rollup").split(b"\n")
    if len(lines) > 1:
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith((b"Pss_Anon:", b"Pss_Shmem:")))
    pages = _read(f"/proc/{process}/statm").split()
    return max(0, (int(pages[1]) - int(pages[2])) * _PAGE - inherited) if len(pages) > 2 else 0


def seconds_waited(process: str) -> float:
    """Return the seconds that the threads of a process were ready to run and had no CPU."""
    folder = f"/proc/{process}/task"
    try:
        threads = os.listdir(folder)
    except OSError:
        return 0.0
    statistics = (_read(f"{folder}/{thread}/schedstat").split() for thread in threads)
    return sum(int(words[1]) for words in statistics if len(words) > 1) / 1e9


def threads(process: str) -> int:
    """Return the number of threads."""
    words = _stat(process)
    return int(words[17]) if len(words) > 17 else 0


def is_alive(process: str) -> bool:
    """Return whether a process exists and has not ended, even if nothing has reaped it."""
    return _stat(process)[:1] not in ([], [b"Z"], [b"X"])


def descendants() -> list[str]:
    """Return the ids of this process's children, of theirs, and so on."""
    found: list[str] = []
    pending = [str(os.getpid())]
    children = _children if os.path.exists(f"/proc/self/task/{os.getpid()}/children") else _children_by_parent().get
    while pending:
        new = children(pending.pop()) or []
        found += new
        pending += new
    return found


def _children(process: str) -> list[str]:
    folder = f"/proc/{process}/task"
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [child for name in names for child in _read(f"{folder}/{name}/children").decode().split()]


def _children_by_parent() -> dict[str, list[str]]:
    """Return the ids of all processes by that of their parent: slow, for kernels that do not list children."""
    found: dict[str, list[str]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if name.isdigit() and len(words := _stat(name)) > 1:
            found.setdefault(words[1].decode(), []).append(name)
    return found


def _stat(process: str) -> list[bytes]:
    """Return the fields of /proc/PID/stat after the name of the program."""
    return _read(f"/proc/{process}/stat").rpartition(b")")[2].split()


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(65536)
    except OSError:
        return b""
