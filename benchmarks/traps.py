"""A linter for `hostile.py`: pylint, unless the first line of a program says what else is to become of the process.

Its traps are what real linters and the programs they judge do to a run, each in a pure form.
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
    """Wait, and swallow what a careless tool swallows."""
    while True:
        with suppress(Exception):
            time.sleep(60)


def stubborn() -> None:
    """Wait, and swallow everything, time after time."""
    while True:
        with suppress(BaseException):
            time.sleep(60)


def spinning() -> None:
    """Count in C, where no signal is looked at, and none comes."""
    _block_signals()
    sum(itertools.repeat(0))


def asleep() -> None:
    """Wait for what never comes, and no signal comes either."""
    _block_signals()
    time.sleep(1_000_000)


def leaving() -> None:
    os._exit(7)


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fault() -> None:
    """Read where no memory is."""
    faulthandler._sigsegv()  # type: ignore[attr-defined]


def abort() -> None:
    os.abort()


def gulp() -> None:
    """Take all the memory at once."""
    bytearray(BYTES)


def long_text() -> None:
    """Take it at once, but as a text, which has to be written."""
    len("x" * BYTES)


def graze() -> None:
    """Take it bit by bit, and use it."""
    eaten = []
    for _ in range(BYTES // _BLOCK):
        eaten.append(b"x" * _BLOCK)


def hoard() -> None:
    """Take it in many objects."""
    eaten = []
    for number in range(BYTES // 800_000):
        eaten.append([number] * 100_000)


TRAPS: dict[str, tuple[Callable[[], None], str]] = {
    **{trap.__name__: (trap, "timeout") for trap in (careless, stubborn, spinning, asleep)},
    **{trap.__name__: (trap, "crashed") for trap in (leaving, killed, fault, abort)},
    **{trap.__name__: (trap, "memory") for trap in (gulp, long_text, graze, hoard)},
}
"""By name: what happens, and the reason that the row is to be rejected for."""


class TrapLinter:
    """pylint, with traps."""

    def __init__(self) -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self._pylint = PylintLinter()

    def check(self, source: str) -> list[Diagnostic]:
        first = source.partition("\n")[0]
        if first.startswith(MARK):
            TRAPS[first.removeprefix(MARK)][0]()
        return self._pylint.check(source)


def _block_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
