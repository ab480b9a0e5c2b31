"""Resumable runs: the working directory in which output grows until it is complete.

Owns the lock, the saved progress, the comparison of settings, the manifest, and the renames that complete a run.
Recoverable after a kill at any point; does not know what the files contain.
"""

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Any

from lintseq.errors import ConfigError
from lintseq.storage.files import open_file, sync_directory, write_atomically
from lintseq.storage.public import public

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MANIFEST = "manifest.json"
_STATE = "state.json"
_LOCK = "lock"
_LOCAL = ".local.json"
"""Suffix of the settings next to a directory, with the local paths that its manifest lacks."""
_MAX_DIFFERENCES = 5

_held: set[IO[bytes]] = set()
"""Locks held by this process."""


class WorkDirectory(AbstractContextManager["WorkDirectory"]):
    """`TARGET.partial`, locked while this object is open: output grows in it and is renamed when it is complete.

    `manifest` is None unless an earlier run completed, in which case there is nothing to do. `progress` is what an
    earlier run saved last, None for a new run. See the package docstring for an example.
    """

    def __init__(
        self,
        target: str | os.PathLike[str],
        settings: Mapping[str, Any] | None = None,
        *,
        manifest: str | None = None,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Start a run that writes `target`, or with `resume` continue an earlier one with the same `settings`.

        `manifest` is the path of the manifest of a target that is a file; without it the target is a directory, which
        contains its manifest. Raises `ConfigError` if another process writes the target, if it exists and is not to
        be overwritten, if an unfinished run is to be neither resumed nor overwritten, if a run with other settings is
        to be resumed, and if a directory would be overwritten that lintseq did not write.
        """
        self.name = os.fspath(target).rstrip("/") or os.fspath(target)
        self.target = os.path.realpath(target)
        self.path = f"{self.target}.partial"
        self._local = _plain(settings)
        self.settings: dict[str, Any] | None = public(self._local) if manifest is None else self._local
        self.manifest: dict[str, Any] | None = None
        self.progress: Any = None
        self._is_directory = manifest is None
        self._manifest_path = os.path.join(self.target, MANIFEST) if manifest is None else os.path.realpath(manifest)
        if os.path.lexists(self.path) and not os.path.isdir(self.path):
            raise ConfigError(f"{self.path} is in the way: it is not a working directory; move it, or delete it")
        try:
            self._lock = lock_directory(self.path)
        except OSError as error:
            raise ConfigError(f"cannot write {self.name}: {error.strerror}") from None
        try:
            self._open(resume=resume, overwrite=overwrite)
        except BaseException:
            self.close()
            raise

    def _open(self, *, resume: bool, overwrite: bool) -> None:
        try:
            state = _read_json(self.file(_STATE))
        except ValueError:
            raise ConfigError(f"{self.file(_STATE)} is damaged; delete {self.path} and start again") from None
        if not resume:
            check_writable(self.name, directory=self._is_directory, overwrite=overwrite)
            if state is not None and not overwrite:
                raise ConfigError(
                    f"{self.path} holds an unfinished run: continue it with --resume, or start again with --overwrite"
                )
            self._clear()
        elif state is not None:
            check_settings(state["settings"], self._local, self.path)
            if "moves" in state:
                self._complete(state["moves"])
                self.manifest = read_manifest(self._manifest_path) or {"settings": state["settings"]}
            else:
                self.progress = state["progress"]
        elif os.path.lexists(self.target):
            self.manifest = read_manifest(self._manifest_path)
            if self.manifest is None:
                raise ConfigError(
                    f"{self.name} exists and has no manifest at {self._manifest_path}, so its settings are unknown;"
                    " choose another name, or replace it with --overwrite"
                )
            local = _read_json(f"{self.target}{_LOCAL}") if self._is_directory else None
            if local is None:
                check_settings(self.manifest["settings"], self.settings, self.name)
            else:
                check_settings(local["settings"], self._local, self.name)
        else:
            self._clear()

    def file(self, name: str) -> str:
        """Return the path of a file in this directory."""
        return os.path.join(self.path, name)

    def save(self, progress: Any) -> None:
        """Record durably how far the run is, as plain values; mark the files it depends on before."""
        self._save({"settings": self._local, "progress": progress})

    def finish(self, moves: Sequence[tuple[str, str]], manifest: Mapping[str, Any] | None = None) -> None:
        """Complete the run: write the manifest, give files their final names, and delete this directory.

        `moves` are (path, final path), the target last, so that everything is in place once it exists. The manifest
        holds the settings and what `manifest` adds; without it none is written. In a directory, it has no local paths.
        """
        renames = [(source, os.path.realpath(target)) for source, target in moves]
        if manifest is not None:
            self.manifest = {
                "settings": self.settings,
                **(public(_plain(manifest)) if self._is_directory else manifest),
            }
            if self._is_directory:
                sources = {target: source for source, target in renames}
                _write_json(os.path.join(sources[self.target], MANIFEST), self.manifest)
                _delete(f"{self.target}{_LOCAL}")
                if self._local != self.settings:
                    _write_json(self.file(MANIFEST), {"settings": self._local})
                    renames.insert(0, (self.file(MANIFEST), f"{self.target}{_LOCAL}"))
            else:
                _write_json(self.file(MANIFEST), self.manifest)
                renames.insert(0, (self.file(MANIFEST), self._manifest_path))
        if len(renames) > 1 or os.path.exists(self.file(_STATE)):
            self._save({"settings": self._local, "moves": renames})
        self._complete(renames)

    def discard(self) -> None:
        """Delete the directory with everything in it: there is nothing to resume."""
        with suppress(FileNotFoundError):
            os.remove(self.file(_STATE))
        self.close()

    def close(self) -> None:
        """Unlock the directory; delete it unless progress was saved."""
        if self._lock.closed:
            return
        if not os.path.exists(self.file(_STATE)):
            shutil.rmtree(self.path, ignore_errors=True)
        _held.discard(self._lock)
        self._lock.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _save(self, state: dict[str, Any]) -> None:
        write_atomically(self.file(_STATE), json.dumps(state).encode())

    def _complete(self, moves: Sequence[Sequence[str]]) -> None:
        """Perform the remaining renames; those made before a kill are skipped."""
        for source, target in moves:
            if os.path.lexists(source):
                rename(source, target, self.file("old"))
        self.discard()

    def _clear(self) -> None:
        for entry in os.scandir(self.path):
            if entry.name != _LOCK:
                _delete(entry.path)


class SaveTimer:
    """When to save progress: after some seconds, less often where saving itself takes long."""

    def __init__(self, seconds: float) -> None:
        self._seconds = self._wait = seconds
        self._saved = time.monotonic()

    def run(self, save: Callable[[], object]) -> None:
        """Save if it is time to; saving takes less than a twentieth of the time."""
        started = time.monotonic()
        if started - self._saved >= self._wait:
            save()
            self._saved = time.monotonic()
            self._wait = max(self._seconds, 20 * (self._saved - started))


def check_writable(name: str, *, directory: bool, overwrite: bool) -> None:
    """Raise `ConfigError` if something exists at a path that must not be replaced; an empty directory may be."""
    is_directory = os.path.isdir(name)
    if not os.path.lexists(name) or (directory and is_directory and not os.listdir(name)):
        return
    if not overwrite:
        raise ConfigError(f"{name} exists; choose another name, or replace it with --overwrite")
    if directory and not is_directory:
        raise ConfigError(f"{name} is a file, and a folder would replace it; choose another name")
    if is_directory and not directory:
        raise ConfigError(f"{name} is a folder, and a file would replace it; choose another name")
    if directory and not os.path.exists(os.path.join(name, MANIFEST)):
        raise ConfigError(f"{name} was not written by lintseq, so it is not replaced; choose another name")


def read_manifest(path: str) -> dict[str, Any] | None:
    """Return the manifest of a completed run; None if the file is missing, unreadable or another one."""
    try:
        manifest = _read_json(path)
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and "settings" in manifest else None


def check_settings(before: Any, now: Any, where: str) -> None:
    """Raise `ConfigError` with the differences between the settings of an earlier run and those of this one."""
    differences = list(_differences(_plain(before), _plain(now)))
    if differences:
        more = len(differences) - _MAX_DIFFERENCES
        text = "; ".join(differences[:_MAX_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")
        raise ConfigError(
            f"{where} was made with other settings: {text}. Resume with the same ones, or start with --overwrite"
        )


def lock_directory(path: str) -> IO[bytes]:
    """Create a directory if necessary and lock it until the file that is returned is closed.

    Raises `ConfigError` if another process holds the lock. Forked children do not hold it.
    """
    lock = os.path.join(path, _LOCK)
    while True:
        os.makedirs(path, exist_ok=True)
        with suppress(FileNotFoundError):  # another process has just finished and deleted the directory
            file = open_file(lock, "a+b")
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    file.seek(0)
                    owner = file.read().decode().strip() or "another process"
                    file.close()
                    target = path.removesuffix(".partial")
                    raise ConfigError(f"{target} is being written by {owner}; wait for it, or stop it") from None
            if os.path.exists(lock) and os.path.samestat(os.stat(lock), os.fstat(file.fileno())):
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
                file.flush()
                _held.add(file)
                return file
            file.close()


def rename(source: str, target: str, old: str) -> None:
    """Rename a file or directory durably, replacing the target; a directory that is there moves to `old` first."""
    if os.path.isdir(target) and not os.path.islink(target):
        _delete(old)
        os.rename(target, old)
        os.rename(source, target)
    else:
        os.replace(source, target)
    sync_directory(os.path.dirname(target))


def _release_locks() -> None:
    """Close the locks that a forked child inherited: left open, the child would hold them until it exits."""
    for lock in _held:
        lock.close()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_locks)


def _delete(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        Path(path).unlink(missing_ok=True)


def _write_json(path: str, value: Any) -> None:
    write_atomically(path, json.dumps(value, indent=2).encode() + b"\n")


def _read_json(path: str) -> dict[str, Any] | None:
    with suppress(FileNotFoundError), open(path, "rb") as file:
        value: dict[str, Any] = json.load(file)
        return value
    return None


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back."""
    return json.loads(json.dumps(value, default=str))


def _differences(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Yield what differs, with the path that leads to it."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            yield from _differences(before.get(key), now.get(key), f"{name} {key}".strip())
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (old, new) in enumerate(zip(before, now, strict=True), 1):
            yield from _differences(old, new, f"{name} {number}")
    elif before != now:
        yield f"{name} was {before!r:.80}, and is {now!r:.80}"
