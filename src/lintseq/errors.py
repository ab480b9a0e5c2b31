"""Every error that lintseq raises on purpose.

LintseqError
├── ProgramError          unusable input: counted, and work continues
├── MalformedEditError    edit text that does not apply: counted, and work continues
│   └── EditFault         the same within the text of one edit, with line and reason
├── BrokenInputError      an input that cannot be read to its end: the rows before that are good
├── EmptyInputError       inputs without any row, or rows of which nothing could be used
├── ConfigError           impossible settings: stops before work starts
│   └── SettingsError     several mistakes in one file of settings, each on a line
├── PlainDataError        a value that is not plain data, or too large to cross the sandbox's boundary
└── ToolError             a broken tool (a linter that crashed): stops the shard
    ├── IsolationError    this machine does not allow programs to be isolated
    └── ServerError       a fork server of the sandbox failed; the job is tried again

KeyboardInterrupt
└── BuildInterrupted      Ctrl-C during a build, with the report of what was done

BaseException
└── RowTimeoutError       a row that exceeded its time limit; never leaves the limit
"""

from collections.abc import Collection, Mapping
from typing import Any


class LintseqError(Exception):
    """Base class of the errors below."""


class ProgramError(LintseqError):
    """A program that cannot be turned into edits; `reason` is a short machine-readable word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class MalformedEditError(LintseqError):
    """An edit that does not parse or does not fit the state it is applied to."""


class EditFault(MalformedEditError):
    """The first irregularity in the text of one edit; `line` counts in that text, from 1."""

    def __init__(self, line: int, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.reason = reason
        self.detail = detail


class BrokenInputError(LintseqError):
    """An input that cannot be read to its end; the rows before that are good."""


class EmptyInputError(LintseqError):
    """Inputs without any row, or rows of which nothing could be used; the message names the remedy."""


class ConfigError(LintseqError):
    """A setting that cannot work; the message names the way out."""


class SettingsError(ConfigError):
    """Several mistakes in a recipe or study; the message has a line for each."""


class ToolError(LintseqError):
    """A tool that we called broke; its verdict, if any, is not to be trusted."""


class IsolationError(ToolError):
    """This machine does not allow programs to be isolated; the message names the step that was refused."""


class ServerError(ToolError):
    """A fork server of the sandbox failed, which is no program's fault."""


class PlainDataError(LintseqError):
    """A value that is not plain data, or that is too large or too deep to be sent."""


class BuildInterrupted(KeyboardInterrupt):
    """A build was interrupted by Ctrl-C; `report`, a `BuildReport`, says what was done before."""

    def __init__(self, report: Any) -> None:
        super().__init__("interrupted")
        self.report = report


class RowTimeoutError(BaseException):
    """A row exceeded its time limit; no `Exception`, so that no tool's `except Exception` swallows it."""


def reason_of(error: Exception) -> str:
    """Return why something failed, in words, without the number and the path in the message of an `OSError`."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def first_line(error: Exception) -> str:
    """Return the first line of a library's message, which may have many, without its full stop."""
    return (str(error).strip() or type(error).__name__).partition("\n")[0].strip().rstrip(".")


def check_at_least(least: float, options: Mapping[str, float | None]) -> None:
    """Raise `ConfigError` for an option, by its name, that is set to less than `least`."""
    for name, value in options.items():
        if value is not None and not value >= least:
            raise ConfigError(f"{name} is {value}, but must be at least {least}")


def check_choice(what: str, value: str, choices: Collection[str]) -> None:
    """Raise `ConfigError` for a value that is none of the choices; `what` names the setting."""
    if value not in choices:
        raise ConfigError(f"unknown {what} {value!r}; use one of {', '.join(choices)}")
