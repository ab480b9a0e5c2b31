"""What is to be run, and how it ended. Knows nothing of how programs are kept in."""

from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["passed", "failed", "error", "timeout", "memory", "output", "sandbox-error"]
"""How a program ended: it did all that was asked; an assertion of the check failed; it raised, or left early; it
took too long; it took too much memory; it printed too much; or the sandbox broke, which is nobody's fault."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may take."""

    seconds: float = 10.0
    """Processor time. By the clock it may take three times as long and a second more, so that a busy machine does
    not turn right into wrong."""
    memory: int = 1 << 30
    """Bytes of all its processes, beyond what an interpreter with the imports of its kind has anyway."""
    processes: int = 64
    scratch: int = 64 << 20
    """Bytes of files in its folder."""
    output: int = 1 << 20
    """Bytes that it may print on each stream."""


@dataclass(frozen=True, slots=True)
class Check:
    """Code that runs behind the program in its namespace; what reaches its end has passed."""

    code: str


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of a function of the program, each with fresh arguments; what they return comes back as plain data."""

    function: str
    arguments: tuple[tuple[Any, ...], ...]
    """Of each call: values made of None, bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict."""


@dataclass(frozen=True, slots=True)
class Stdin:
    """The program runs alone, as `__main__`, and reads this; what it prints comes back."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A program and what is to be done with it."""

    program: str
    task: Check | Calls | Stdin
    limits: Limits = Limits()
    imports: Literal["bare", "numpy", "full"] = "bare"
    """What the interpreter that it runs in has imported before, for speed alone."""
    scratch: tuple[tuple[str, bytes], ...] = ()
    """Files that lie in its folder when it starts."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a call returned; equal values of another type stay apart."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """What a call raised instead."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended."""

    verdict: Verdict
    """For calls and standard input, `passed` says that it ran to its end; whether what came back is right is for
    others to say."""
    detail: str = ""
    """The failing assertion or the error, shortened."""
    seconds: float = 0.0
    """By the clock."""
    cpu_seconds: float = 0.0
    """Of processor time, of all its processes."""
    outcomes: tuple[Returned | Raised, ...] = ()
    """Of calls, in order; fewer than there were calls if the program did not come so far."""
    stdout: bytes = b""
    """Of a program that is given standard input, all that it printed; otherwise the first and last of it."""
    stderr: bytes = b""
    error: str = ""
    """The name of the exception that it ended with, if there is one."""
