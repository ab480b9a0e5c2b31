"""What the sandbox runs, and what comes back."""

from dataclasses import dataclass
from typing import Any, Literal

from lintseq.errors import ConfigError

Verdict = Literal["passed", "failed", "error", "timeout", "memory", "output", "sandbox-error"]
"""How a job ended: it did everything; an assertion of the check failed; it raised an exception or exited early; it
exceeded its time, memory or output limit; or the sandbox itself failed, which is not the program's fault."""


_LEAST = {"seconds": 0.01, "memory": 1 << 20, "processes": 1, "scratch": 1 << 16, "output": 0}
"""Limits with which an interpreter that has started can run something."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Resources that a program may use. Raises `ConfigError` if no program could start with them."""

    seconds: float = 10.0
    """CPU time. The wall-clock limit is three times as long plus one second, so that a busy machine does not fail
    correct programs."""
    memory: int = 1 << 30
    """Bytes of all its processes, beyond what an interpreter with the same imports uses."""
    processes: int = 64
    """Number of processes and threads at a time."""
    scratch: int = 64 << 20
    """Bytes of files in its folder."""
    output: int = 1 << 20
    """Bytes printed on each stream."""

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not value >= least:
                raise ConfigError(f"no program can run with {name} limited to {value}; the minimum is {least:,}")


@dataclass(frozen=True, slots=True)
class RunCheck:
    """Runs code after the program, in its namespace. Passes if the code reaches its end."""

    code: str
    """Source text."""


@dataclass(frozen=True, slots=True)
class CallFunction:
    """Calls a function of the program, with fresh arguments each time. Results come back as plain data."""

    function: str
    """A name in the namespace of the program."""
    arguments: tuple[tuple[Any, ...], ...]
    """Positional arguments of each call, made of None, bool, int, float, complex, str, bytes, list, tuple, set,
    frozenset and dict."""


@dataclass(frozen=True, slots=True)
class FeedStdin:
    """Runs the program alone, as `__main__`, with this text on standard input. What it prints comes back."""

    text: str = ""
    """What the program reads."""


@dataclass(frozen=True, slots=True)
class Job:
    """A program, and what to do with it."""

    program: str
    """Source text."""
    task: RunCheck | CallFunction | FeedStdin
    """What to do with the program."""
    limits: Limits = Limits()
    """Resources that it may use."""
    imports: Literal["bare", "numpy", "full"] = "bare"
    """What the interpreter has already imported; affects only speed."""
    scratch: tuple[tuple[str, bytes], ...] = ()
    """Files in its folder at the start: relative path and content."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The return value of a call. Equal values of different types stay distinct."""

    value: Any
    """Plain data, in which an `OpaqueValue` stands for anything else."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The exception that a call raised."""

    type: str
    """Name of its class."""
    message: str
    """Its message, shortened to one line."""


@dataclass(frozen=True, slots=True, eq=False)
class OpaqueValue:
    """Replaces a value, or part of one, whose type is not plain data: a decimal, a date, a generator."""

    type: str
    """Qualified name of its type."""
    text: str | None
    """Its `repr`; None if that only gives an address, and then it equals nothing."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OpaqueValue) or self.text is None:
            return False
        return (self.type, self.text) == (other.type, other.text)

    def __hash__(self) -> int:
        return hash((self.type, self.text))


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a job ended."""

    verdict: Verdict
    """For function calls and standard input, `passed` only means that the program ran to its end; the caller judges
    the values and the output."""
    detail: str = ""
    """The failed assertion or the error, shortened."""
    seconds: float = 0.0
    """Wall-clock time."""
    cpu_seconds: float = 0.0
    """CPU time of all processes of the program."""
    outcomes: tuple[Returned | Raised, ...] = ()
    """Results of the calls, in order; fewer than the calls if the program ended before."""
    stdout: bytes = b""
    """Everything printed, for a program with standard input; otherwise its beginning and end."""
    stderr: bytes = b""
    """Printed to standard error, kept like `stdout`."""
    error: str = ""
    """Name of the exception that ended the program, if one did."""
    suspect: tuple[str, ...] = ()
    """Why a pass of a check may be forged: signs of tampering in the program's text."""
