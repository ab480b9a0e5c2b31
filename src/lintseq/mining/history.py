"""Rows from the history of git repositories: each has one file before and after a commit, and the commit's message."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

from lintseq.dataset.batches import RowWork
from lintseq.dataset.duplicates import exact_signature
from lintseq.dataset.screening import ScreeningOptions
from lintseq.dataset.shapes import Column
from lintseq.dataset.transform import RowResult
from lintseq.errors import ConfigError, ProgramError, check_at_least
from lintseq.languages import Language, get_language
from lintseq.mining.repository import Commit, Contents, FileChange, Repository, patterns
from lintseq.rows import Fields, Input, Mark, RawRow, encode_row

_TEXT = {
    "repo": "the name of the repository",
    "commit": "the id of the commit",
    "path": "the path of the file",
    "message": "the commit's message, without trailers that name people",
    "old_contents": "the file before the commit",
    "new_contents": "the file after the commit",
    "license": "the licenses of the repository, by its license files",
}
COMMIT_COLUMNS = {name: Column("string", text) for name, text in _TEXT.items()}
_FILES, _NONE = ("100644", "100755"), "000000"
"""Modes of regular files, and of none."""
_SIDES = ("old", "new")
_TRAILER = re.compile(
    r"^(?:[\w-]+: .*<[^<>\n]*@[^<>\n]*>.*|(?:git-svn-id|Change-Id): .*|\(cherry picked from .*|--HG--\n[\s\S]*)\n?",
    re.MULTILINE,
)
"""What tools append to messages: names of people, and ids of other systems."""


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """Which changes of a history become rows."""

    max_files: int = 1
    """Skip commits that change more source files."""
    max_changed_lines: int = 100
    """Skip changes of more lines, those removed and those added."""
    no_tests: bool = False
    """Skip tests, which then do not count for --max-files."""
    min_words: int = 3
    """Skip commits whose message has fewer words."""
    distinct: bool = False
    """Skip changes with the same old and new version as an earlier one."""


def open_histories(paths: Sequence[str], options: HistoryOptions) -> list[Input]:
    """Return the histories of repositories as inputs; raise `ConfigError` for what cannot work."""
    limits = {"--max-changed-lines": options.max_changed_lines, "--min-words": options.min_words}
    check_at_least(1, {"--max-files": options.max_files, **limits})
    if not paths:
        raise ConfigError("no repositories; name at least one")
    repositories = [Repository(path) for path in paths]
    names = [repository.name() for repository in repositories]
    if len(set(names)) < len(names):
        names = [repository.name(parts=2) for repository in repositories]
    if len(set(names)) < len(names):
        raise ConfigError(f"several repositories are named {Counter(names).most_common(1)[0][0]}; name each once")
    return [_input(repository, name, options) for repository, name in zip(repositories, names, strict=True)]


def history_work(options: HistoryOptions, row_timeout: float, row_memory: float) -> RowWork:
    """Return what is done with the rows of histories."""
    screening = ScreeningOptions(duplicates="exact" if options.distinct else "keep")
    return RowWork(partial(CommitMiner, options), COMMIT_COLUMNS, row_timeout, row_memory, screening)


def _input(repository: Repository, name: str, options: HistoryOptions) -> Input:
    """Return a history as an input; its size is the number of commits."""
    fingerprint = {"head": repository.head, "name": name}
    read = partial(_read, repository, {"repo": name, "license": repository.license()}, options)
    columns = {column: {str} for column in COMMIT_COLUMNS}
    return Input(repository.path, repository.commits, fingerprint, read, columns=columns)


def _read(
    repository: Repository, about: Mapping[str, str | None], options: HistoryOptions, after: Mark
) -> Iterator[RawRow]:
    """Yield a row for each change of a source file, and for each commit that is skipped as a whole."""
    language, index = get_language(), 0
    with repository.contents() as contents:
        for number, commit in enumerate(repository.log(), 1):
            message = _TRAILER.sub("", commit.message).strip()
            row = {"repo": about["repo"], "commit": commit.id, "message": message}
            for change, fault in _changes(commit, message, options, language):
                if index >= after.rows:
                    own = row if change is None else {**row, "path": change.path}
                    own |= _rejected(fault) if change is None or fault else _versions(change, contents, language)
                    yield RawRow(index, index + 1, encode_row({**own, "license": about["license"]}), number)
                index += 1


def _changes(
    commit: Commit, message: str, options: HistoryOptions, language: Language
) -> "Iterator[tuple[FileChange | None, ProgramError | None]]":
    """Yield the changes of source files, each with its fault, if any; or why the commit is skipped as a whole."""
    files = [change for change in commit.changes if change.path.endswith(language.suffixes[0])]
    faults = [_fault(change, options, language) for change in files]
    counted = sum(fault is None or fault.reason != "test" for fault in faults)
    words = len(message.split())
    if len(commit.parents) > 1:
        yield None, ProgramError("merge", f"the commit has {len(commit.parents)} parents")
    elif not commit.parents:
        yield None, ProgramError("root", "the commit has no parent, so there is no old version")
    elif not files:
        yield None, ProgramError("other-files", f"the commit changes no file {language.suffixes[0]}")
    elif counted > options.max_files:
        yield (
            None,
            ProgramError("too-many-files", f"the commit changes {counted} files, more than {options.max_files}"),
        )
    elif words < options.min_words:
        yield None, ProgramError("short-message", f"the message has {words} words, fewer than {options.min_words}")
    elif is_routine(message):
        yield None, ProgramError("routine-message", "the message does not say what changes")
    else:
        yield from zip(files, faults, strict=True)


def _fault(change: FileChange, options: HistoryOptions, language: Language) -> ProgramError | None:
    """Return why a change is skipped, as far as that is known without its contents."""
    if change.modes[0] == _NONE:
        return ProgramError("added", "the file is new, or has another name")
    if change.modes[1] == _NONE:
        return ProgramError("deleted", "the file is deleted, or has another name")
    if not set(change.modes) <= set(_FILES):
        return ProgramError("not-a-file", "it is a link or a submodule")
    if change.ids[0] == change.ids[1]:
        return ProgramError("no-change", "only the file's mode changes")
    return _file_fault(change.path, "", options, language)


def _file_fault(path: str, text: str, options: HistoryOptions, language: Language) -> ProgramError | None:
    try:
        language.check_task_file(path, text)
    except ProgramError as error:
        return error if error.reason != "test" or options.no_tests else None
    return None


def _versions(change: FileChange, contents: Contents, language: Language) -> dict[str, Any]:
    """Return the columns with the contents of a file before and after, or why there are none."""
    texts: dict[str, Any] = {}
    for side, id in zip(_SIDES, change.ids, strict=True):
        try:
            texts[f"{side}_contents"] = language.decode(contents.read(id))
        except ProgramError as error:
            return _rejected(ProgramError(error.reason, f"the {side} version: {error.detail}"))
    return texts


def _rejected(fault: ProgramError | None) -> dict[str, Any]:
    return {"rejected": [fault.reason, fault.detail]} if fault else {}


class CommitMiner:
    """Checks changes whose contents are known: what runs in the workers."""

    def __init__(self, options: HistoryOptions) -> None:
        self._options, self._language = options, get_language()
        self._check_syntax = lru_cache(256)(self._language.check_syntax)  # an old version was a new one before

    def read_id(self, row: Mapping[str, Any], fields: Fields | None) -> str:
        """Return the id of a change in the form of git: the commit and the path."""
        return ":".join(row[name] for name in ("commit", "path") if name in row)

    def transform(self, row: Mapping[str, Any], fields: Fields | None, *, source: str, index: int) -> RowResult:
        """Return the row of a change, or raise `ProgramError` with the reason why there is none."""
        if "rejected" in row:
            raise ProgramError(*row["rejected"])
        old, new = row["old_contents"], row["new_contents"]
        if fault := _file_fault(row["path"], new, self._options, self._language):
            raise fault
        changed = changed_lines(old, new)
        if not changed:
            raise ProgramError("only-line-endings", "only line endings change")
        if changed > self._options.max_changed_lines:
            raise ProgramError(
                "too-many-lines", f"{changed} lines change, more than {self._options.max_changed_lines}"
            )
        for side, text in zip(_SIDES, (old, new), strict=True):
            if found := self._check_syntax(text):
                raise ProgramError("syntax", f"the {side} version, line {found[0].line}: {found[0].message}")
        check_secrets(f"{row['message']}\n{old}\n{new}")
        record = {name: row[name] for name in COMMIT_COLUMNS}
        signature = exact_signature(f"{old}\0{new}") if self._options.distinct else None
        return RowResult([record], self.read_id(row, fields), license=row["license"] or "", signature=signature)


def changed_lines(old: str, new: str) -> int:
    """Return how many lines are removed and added; of moved ones, at least one."""
    before, after = (text.replace("\r\n", "\n").removesuffix("\n").split("\n") for text in (old, new))
    removed, added = Counter(before), Counter(after)
    return ((removed - added) + (added - removed)).total() or int(before != after)


def is_routine(message: str) -> bool:
    """Return whether a message does not say what changes, such as `Update setup.py` or `Release 1.2`."""
    routine = patterns()["routine_messages"]
    words = set(re.findall(r"[^\W_]+", re.sub(routine["filler"], " ", message.lower())))
    return re.match(routine["start"], message) is not None or words <= set(routine["words"].split())


def check_secrets(text: str) -> None:
    """Raise `ProgramError` if a text contains what looks like a secret."""
    kinds, value, name = _secrets()
    found = next((kind for kind, pattern in kinds.items() if pattern.search(text)), None)
    values = () if found else value.finditer(text)
    if found or any(name.search(text[text.rfind("\n", 0, match.start()) + 1 : match.start()]) for match in values):
        raise ProgramError("secret", f"the text contains what looks like {found or 'a value named as a secret'}")


@cache
def _secrets() -> tuple[Mapping[str, re.Pattern[str]], re.Pattern[str], re.Pattern[str]]:
    """Return patterns of secrets by kind, of quoted values, and of what stands before a secret one."""
    named = patterns()["named_secrets"]
    kinds = {kind: re.compile(pattern) for kind, pattern in patterns()["secrets"].items()}
    return kinds, re.compile(named["value"]), re.compile(named["name"])
