"""A git repository, read through the `git` program: its commits and the contents of their files.

Nothing in the repository is run, and neither its settings nor those of the user change what is read.
"""

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from lintseq.errors import BrokenInputError, ConfigError, ProgramError

MAX_FILE_BYTES = 1 << 20
_LOG = "log --topo-order --reverse --raw -z --no-abbrev --no-renames --no-color --no-show-signature --no-mailmap"
_FORMAT = ("-O/dev/null", "--diff-merges=off", "--encoding=UTF-8", "--format=%H %P%x00%B", "HEAD")
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
"""Variables that would make git read another repository, as in a hook."""
_LICENSE_FILE = re.compile(r"(?:(?:un)?licen[cs]e|copying)(?:[.-](?!py$).*)?", re.IGNORECASE)
_REMOTE = re.compile(r"(?:(?!file:)\w+://(?:[^/]*@)?|[^/]+@)[^/:@]+(?::\d+(?=/))?[/:](.+?)(?:\.git)?/*")
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a commit adds, changes or deletes."""

    path: str
    modes: tuple[str, str]
    """Its kind before and after the commit; `000000` where there is no file."""
    ids: tuple[str, str]
    """The ids of its contents before and after."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit with the files that it changes; those of a merge are not listed."""

    id: str
    parents: tuple[str, ...]
    message: str
    changes: tuple[FileChange, ...]


class Repository:
    """A repository that can be read: it is complete and has commits."""

    def __init__(self, path: str) -> None:
        """Raise `ConfigError`, which says what to do, for a path that is no such repository."""
        self.path = path
        if not os.path.isdir(path):
            raise ConfigError(f"{path} is not a folder; --commits takes local git repositories: git clone --bare URL")
        try:
            shallow, folder = self._ask("rev-parse", "--is-shallow-repository", "--absolute-git-dir").split("\n", 1)
        except FileNotFoundError:
            raise ConfigError("--commits needs the program git; install it") from None
        except ConfigError as error:
            if "not a git repository" not in str(error):
                raise
            hint = "name the folder of a clone, or a bare repository"
            raise ConfigError(f"{path} is not a git repository; {hint}") from None
        if shallow == "true":
            raise ConfigError(
                f"{path} is a shallow clone; fetch the rest of its history: git -C {path} fetch --unshallow"
            )
        self._folder = folder.strip()
        try:
            self.head = self._ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip()
        except ConfigError:
            hint = f"choose a branch with commits: git -C {path} symbolic-ref HEAD refs/heads/NAME"
            raise ConfigError(f"{path} has no commits on its current branch; {hint}") from None
        self.commits = int(self._ask("rev-list", "--count", "HEAD"))

    def name(self, *, parts: int = 1) -> str:
        """Return `owner/name` by the URL that it was cloned from, or else the last `parts` of its path."""
        url = self._ask("config", "--default", "", "--get", "remote.origin.url").strip()
        if (remote := _REMOTE.fullmatch(url)) is not None:
            return "/".join(remote[1].split("/")[-2:])
        path = Path(re.sub(r"(?:/?\.git)?/*$", "", os.path.realpath(self._folder)))
        return "/".join(path.parts[-parts:])

    def license(self) -> str | None:
        """Return the licenses in the newest commit: SPDX identifiers, or names of license files that are not known."""
        found: dict[str, None] = {}
        with self.contents() as contents:
            for entry in self._ask("ls-tree", "-z", "HEAD").rstrip("\0").split("\0"):
                head, _, name = entry.partition("\t")
                if _LICENSE_FILE.fullmatch(name) and " blob " in head:
                    try:
                        license = _license_in(contents.read(head.split()[2]))
                    except ProgramError:  # a huge file
                        license = None
                    found[license or name] = None
        return " AND ".join(found) or None

    def log(self) -> Iterator[Commit]:
        """Yield the commits, each after its parents; raise `BrokenInputError` if some cannot be read."""
        with TemporaryFile() as errors, self._started([*_LOG.split(), *_FORMAT], errors) as process:
            assert process.stdout is not None
            tokens = _tokens(process.stdout)
            token = next(tokens, None)
            while token is not None:
                id, *parents = token.split()
                message, changes = next(tokens), list[FileChange]()
                while (token := next(tokens, None)) is not None and token.lstrip("\n").startswith(":"):
                    before, after, old, new, _ = token.lstrip("\n:").split()
                    changes.append(FileChange(next(tokens), (before, after), (old, new)))
                yield Commit(id, tuple(parents), message, tuple(changes))
            if process.wait():
                errors.seek(0)
                raise BrokenInputError(f"{self.path}: git log ends early: {_line(errors.read())}")

    @contextmanager
    def contents(self) -> "Iterator[Contents]":
        """Return what reads the contents of files, in one process."""
        with self._started(["cat-file", "--batch"], subprocess.DEVNULL, stdin=subprocess.PIPE) as process:
            yield Contents(self.path, process)

    @contextmanager
    def _started(
        self, arguments: Sequence[str], errors: "IO[bytes] | int", *, stdin: int = subprocess.DEVNULL
    ) -> "Iterator[subprocess.Popen[bytes]]":
        process = subprocess.Popen(
            self._command(arguments), stdin=stdin, stdout=subprocess.PIPE, stderr=errors, env=self._environment()
        )
        try:
            yield process
        finally:
            process.kill()  # waiting for it to end is in vain: forked workers hold its pipes open
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def _ask(self, *arguments: str) -> str:
        """Return what a command of git prints; raise `ConfigError` if it fails."""
        done = subprocess.run(self._command(arguments), capture_output=True, check=False, env=self._environment())
        if done.returncode:
            raise ConfigError(f"git cannot read {self.path}: {_line(done.stderr)}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return ["git", "-C", self.path, *arguments]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
        above = os.path.dirname(os.path.realpath(self.path))  # a folder inside a repository is not one
        return {**kept, "LC_ALL": "C", "GIT_CEILING_DIRECTORIES": above, "GIT_NO_LAZY_FETCH": "1"}


class Contents:
    """The contents of files by id, from a process of `git cat-file --batch`."""

    def __init__(self, path: str, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._path, self._ids, self._answers = path, process.stdin, process.stdout

    def read(self, id: str) -> bytes:
        """Return the contents of a file; raise `ProgramError` if they are missing or huge."""
        try:
            self._ids.write(f"{id}\n".encode())
            self._ids.flush()
        except BrokenPipeError:
            raise BrokenInputError(f"{self._path}: git cat-file ends early") from None
        _, kind, *size = self._answers.readline().decode().split() or ["", ""]
        if kind == "missing":
            raise ProgramError("unreadable", f"the repository lacks the object {id}")
        if not size:
            raise BrokenInputError(f"{self._path}: git cat-file ends early")
        left = int(size[0]) + 1
        if left <= MAX_FILE_BYTES:
            return self._answers.read(left)[:-1]
        while left:
            left -= len(self._answers.read(min(left, _CHUNK)))
        raise ProgramError("too-long", f"{int(size[0]):,} bytes, more than {MAX_FILE_BYTES:,}")


@cache
def patterns() -> dict[str, dict[str, str]]:
    """Return the phrases of licenses and the patterns of secrets."""
    return tomllib.loads(Path(__file__).with_name("patterns.toml").read_text(encoding="utf-8"))


def _license_in(data: bytes) -> str | None:
    """Return the identifier of the license with this text; None if it is not known."""
    text = " ".join(data.decode("utf-8", "replace").lower().replace(",", "").split())
    return next((name for name, phrase in patterns()["licenses"].items() if phrase in text), None)


def _tokens(stream: IO[bytes]) -> Iterator[str]:
    """Yield the parts of a stream that NUL ends."""
    rest = b""
    while data := stream.read(_CHUNK):
        *parts, rest = (rest + data).split(b"\0")
        yield from (part.decode("utf-8", "replace") for part in parts)


def _line(errors: bytes) -> str:
    return " ".join(errors.decode("utf-8", "replace").split()).removeprefix("fatal: ")
