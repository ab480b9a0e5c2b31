"""Files in folders and files that match patterns, local or remote.

Hidden files and folders, virtual environments, `node_modules`, `__pycache__` and unfinished outputs are skipped.
"""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import takewhile
from typing import Any

from lintseq.errors import ConfigError
from lintseq.rows.streams import filesystem, is_remote, remote_version

_SKIPPED = {"__pycache__", "node_modules"}
_ENVIRONMENT = "pyvenv.cfg"
"""The file that marks a virtual environment."""


def is_pattern(spec: str) -> bool:
    """Return whether a name is a pattern and not the name of an existing file."""
    return glob.has_magic(spec) and not _exists(spec)


def is_folder(spec: str) -> bool:
    """Return whether a folder of this name exists. A remote name with a suffix is taken for a file without asking."""
    if not is_remote(spec):
        return os.path.isdir(spec)
    if spec.startswith(("http://", "https://")) or os.path.splitext(spec.rstrip("/"))[1]:
        return False
    system, inner = filesystem(spec)
    return bool(system.isdir(inner))


def files_in(folder: str) -> list[str]:
    """Return the files in a folder and below it, sorted."""
    found: list[str] = []
    for number, (current, folders, files) in enumerate(_walk(folder)):
        if number and _ENVIRONMENT in files:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _is_skipped(name)]
        found += [_join(current, name) for name in files if not name.startswith(".")]
    return sorted(found)


def files_matching(pattern: str) -> list[str]:
    """Return the files that match a pattern, sorted; raise `ConfigError` if there are none."""
    if is_remote(pattern):
        system, inner = filesystem(pattern)
        entries = system.glob(inner, detail=True)
        paths = [system.unstrip_protocol(path) for path, entry in entries.items() if entry["type"] == "file"]
    else:
        paths = [path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]
    base = base_of(pattern)
    found = sorted(path for path in paths if not _below_skipped(base, path))
    if not found:
        raise ConfigError(f"no file matches {pattern}")
    return found


def base_of(pattern: str) -> str:
    """Return the folder that contains everything a pattern can match."""
    parts = pattern.replace(os.sep, "/").split("/")
    first = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:first]) or ("/" if first else ".")


def relative_path(folder: str, path: str) -> str:
    """Return the path of a file relative to a folder, with slashes."""
    if is_remote(path):
        system, inner = filesystem(path)
        return str(inner).removeprefix(str(system._strip_protocol(folder))).lstrip("/")
    return os.path.relpath(path, folder).replace(os.sep, "/")


def path_prefixes(folders: Iterable[str]) -> dict[str, str]:
    """Return a prefix for the relative paths of files in each folder that keeps those of several folders distinct.

    It is the path of the folder from the innermost folder that contains all of them, or its name if none does.
    """
    parts_of = {folder: _parts(folder) for folder in folders}
    shared = sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*parts_of.values(), strict=False)))
    return {folder: "".join(f"{part}/" for part in parts[shared or -1 :]) for folder, parts in parts_of.items()}


def _parts(folder: str) -> list[str]:
    path = folder if is_remote(folder) else os.path.abspath(folder).replace(os.sep, "/")
    return path.rstrip("/").split("/")


def fingerprint_of_files(files: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return plain values that change when any of the files does; each is a name and a path."""
    hashed = blake2b(digest_size=16)
    for name, file in files:
        hashed.update(f"{name}\0{_version(file)}\0".encode("utf-8", "surrogateescape"))
    return {"files": len(files), "hash": hashed.hexdigest()}


def _version(file: str) -> str:
    """Return a text that changes when a file does."""
    try:
        if is_remote(file):
            return repr(sorted(remote_version(file).items()))
        status = os.stat(file)
    except OSError:  # reported with its row
        return "unreadable"
    return f"{status.st_size} {status.st_mtime_ns}"


def _walk(folder: str) -> Iterator[tuple[str, list[str], Any]]:
    """Yield folders with the folders and files in them, as `os.walk` does."""
    if not is_remote(folder):
        yield from os.walk(folder, onerror=_raise_unreadable)
        return
    system, inner = filesystem(folder)
    for current, folders, files in system.walk(inner, detail=False):
        yield system.unstrip_protocol(current), folders, files


def _raise_unreadable(error: OSError) -> None:
    raise ConfigError(f"cannot read {error.filename}: {error.strerror}")


def _exists(spec: str) -> bool:
    if not is_remote(spec):
        return os.path.exists(spec)
    system, inner = filesystem(spec)
    return bool(system.exists(inner))


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else os.path.join(folder, name)


def _is_skipped(folder: str) -> bool:
    return folder.startswith(".") or folder in _SKIPPED or folder.endswith(".partial")


def _below_skipped(base: str, path: str) -> bool:
    """Return whether one of the folders between a base and a file is skipped."""
    folder = base
    for name in relative_path(base, path).split("/")[:-1]:
        folder = _join(folder, name)
        if _is_skipped(name) or _exists(_join(folder, _ENVIRONMENT)):
            return True
    return False
