"""Where files are: folders and patterns, local or remote.

What is hidden, what a package manager or an interpreter put there, and unfinished work of our own are passed
over below a folder or a pattern. Knows nothing of what is in the files.
"""

import glob
import os
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import takewhile
from typing import Any

from lintseq.errors import ConfigError
from lintseq.rows.streams import filesystem, is_remote, remote_stamp

_SKIPPED = {"__pycache__", "node_modules"}
_ENVIRONMENT = "pyvenv.cfg"
"""What an environment of Python is told by."""


def is_pattern(spec: str) -> bool:
    """Tell whether a name stands for the files that match it; a file of that very name goes first."""
    return glob.has_magic(spec) and not _exists(spec)


def is_folder(spec: str) -> bool:
    """Tell whether there is a folder of this name. Of a remote one the name has to look like it: asking is dear."""
    if not is_remote(spec):
        return os.path.isdir(spec)
    if spec.startswith(("http://", "https://")) or os.path.splitext(spec.rstrip("/"))[1]:
        return False
    system, inner = filesystem(spec)
    return bool(system.isdir(inner))


def files_in(folder: str) -> list[str]:
    """Return the files in a folder and those below it, sorted."""
    found: list[str] = []
    for number, (place, folders, files) in enumerate(_walk(folder)):
        if number and _ENVIRONMENT in files:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _is_skipped(name)]
        found += [_joined(place, name) for name in files if not name.startswith(".")]
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
    """Return the folder below which all is that a pattern can match."""
    parts = pattern.replace(os.sep, "/").split("/")
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:first]) or ("/" if first else ".")


def name_below(folder: str, path: str) -> str:
    """Return the name that a file has below a folder, with slashes."""
    if is_remote(path):
        system, inner = filesystem(path)
        return str(inner).removeprefix(str(system._strip_protocol(folder))).lstrip("/")
    return os.path.relpath(path, folder).replace(os.sep, "/")


def names_apart(folders: Iterable[str]) -> dict[str, str]:
    """Return what goes before the names of files of each folder, where those of several folders meet.

    That is the way to it from the folder that all of them lie in, so it does not depend on where that is. Of
    folders that do not meet, on several servers, it is the last part.
    """
    ways = {folder: _way_to(folder) for folder in folders}
    shared = sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*ways.values(), strict=False)))
    return {folder: "".join(f"{part}/" for part in way[shared or -1 :]) for folder, way in ways.items()}


def _way_to(folder: str) -> list[str]:
    path = folder if is_remote(folder) else os.path.abspath(folder).replace(os.sep, "/")
    return path.rstrip("/").split("/")


def stamp_of(files: Iterable[tuple[str, str]]) -> str:
    """Return a hash of files, each a name and a path, that is another one when any of them changes."""
    hashed = blake2b(digest_size=16)
    for name, file in files:
        hashed.update(f"{name}\0{_stamp(file)}\0".encode("utf-8", "surrogateescape"))
    return hashed.hexdigest()


def _stamp(file: str) -> str:
    """Return what changes when a file does."""
    try:
        if is_remote(file):
            return repr(sorted(remote_stamp(file).items()))
        status = os.stat(file)
    except OSError:  # which is told when its row comes
        return "unreadable"
    return f"{status.st_size} {status.st_mtime_ns}"


def _walk(folder: str) -> Iterator[tuple[str, list[str], Any]]:
    """Yield (folder, the folders in it, the files in it); those that are taken out of the list are not entered."""
    if not is_remote(folder):
        yield from os.walk(folder, onerror=_stop)
        return
    system, inner = filesystem(folder)
    for place, folders, files in system.walk(inner, detail=False):
        yield system.unstrip_protocol(place), folders, files


def _stop(error: OSError) -> None:
    raise ConfigError(f"cannot read {error.filename}: {error.strerror}")


def _exists(spec: str) -> bool:
    if not is_remote(spec):
        return os.path.exists(spec)
    system, inner = filesystem(spec)
    return bool(system.exists(inner))


def _joined(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else os.path.join(folder, name)


def _is_skipped(folder: str) -> bool:
    return folder.startswith(".") or folder in _SKIPPED or folder.endswith(".partial")


def _below_skipped(base: str, path: str) -> bool:
    """Tell whether one of the folders between a base and a file is passed over."""
    place = base
    for name in name_below(base, path).split("/")[:-1]:
        place = _joined(place, name)
        if _is_skipped(name) or _exists(_joined(place, _ENVIRONMENT)):
            return True
    return False
