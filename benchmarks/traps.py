"""A linter for `hostile.py`: pylint, unless the first line of a program names a trap.

Each trap reproduces something that a real linter, or a program that it checked, has done to the process.
"""

import faulthandler
import itertools
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from lintseq.linting.diagnostic import Diagnostic
from lintseq.linting.pylint import PylintLinter

MARK = "# trap: "
BYTES = 3_000_000_000
_BLOCK = 16_000_000


def careless() -> None:
    """Wait, and swallow exceptions like a careless tool."""
    while True:
        with suppress(Exception):
            time.sleep(60)


def stubborn() -> None:
    """Wait, and swallow every exception repeatedly."""
    while True:
        with suppress(BaseException):
            time.sleep(60)


def spinning() -> None:
    """Loop in C with signals blocked."""
    _block_signals()
    sum(itertools.repeat(0))


def asleep() -> None:
    """Sleep with signals blocked."""
    _block_signals()
    time.sleep(1_000_000)


def leaving() -> None:
    os._exit(7)


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fault() -> None:
    """Cause a segmentation fault."""
    faulthandler._sigsegv()  # type: ignore[attr-defined]


def abort() -> None:
    os.abort()


def allocate_untouched() -> None:
    """Allocate all memory at once, without writing to it."""
    bytearray(BYTES)


def allocate_text() -> None:
    """Allocate all memory at once, and write to it."""
    len("x" * BYTES)


def allocate_blocks() -> None:
    """Allocate memory in blocks."""
    eaten = []
    for _ in range(BYTES // _BLOCK):
        eaten.append(b"x" * _BLOCK)


def allocate_objects() -> None:
    """Allocate memory in many objects."""
    eaten = []
    for number in range(BYTES // 800_000):
        eaten.append([number] * 100_000)


TRAPS: dict[str, tuple[Callable[[], None], str]] = {
    **{trap.__name__: (trap, "timeout") for trap in (careless, stubborn, spinning, asleep)},
    **{trap.__name__: (trap, "crashed") for trap in (leaving, killed, fault, abort)},
    **{
        trap.__name__: (trap, "memory")
        for trap in (allocate_untouched, allocate_text, allocate_blocks, allocate_objects)
    },
}
"""Traps by name, with the reason for which the row must be rejected."""


class TrapLinter:
    """pylint, with traps."""

    def __init__(self) -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self._pylint = PylintLinter()
        self.version = self._pylint.version

    def check(self, source: str) -> list[Diagnostic]:
        first = source.partition("\n")[0]
        if first.startswith(MARK):
            TRAPS[first.removeprefix(MARK)][0]()
        return self._pylint.check(source)


def _block_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
