"""The terminal as a screen: keys come in, whole pictures go out, and it is left as it was, whatever happens.

Knows nothing of what is shown.
"""

import os
import select
import signal
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

try:
    import termios
    import tty
except ImportError:  # there are none on Windows; nobody asks for a screen there
    pass

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_TICK = 0.2
"""Seconds after which it is seen that the terminal has another size."""
_REST_OF_A_KEY = 0.05
"""Seconds to wait for the rest of a key that is sent as several bytes."""

KEYS = {
    **{f"\x1b{mark}{end}": name for mark in "[O" for end, name in
       (("A", "up"), ("B", "down"), ("C", "right"), ("D", "left"), ("H", "home"), ("F", "end"))},
    **{f"\x1b[{number}~": name for number, name in
       ((1, "home"), (4, "end"), (5, "page-up"), (6, "page-down"), (7, "home"), (8, "end"))},
    "\x1b": "escape",
    " ": "space",
    "\r": "enter",
    "\n": "enter",
}  # fmt: skip
"""What terminals send for keys that are no letters."""

TERMINAL_LOST = "lost"
"""Comes in place of a key when nobody can press one anymore."""
RESIZED = "resized"
"""Comes in place of a key when the picture is to be drawn anew."""


def there_is_a_screen() -> bool:
    """Tell whether standard input and output are a terminal that can be used as a screen."""
    if os.name != "posix" or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdin.isatty() and sys.stdout.isatty()


def keys_in(text: str) -> Iterator[str]:
    """Yield the names of the keys that a terminal sent; letters are their own names, unknown keys are left out."""
    while text:
        size = _size_of_key(text)
        key, text = text[:size], text[size:]
        if (name := KEYS.get(key, key)) and (len(key) == 1 or key in KEYS):
            yield name


def _size_of_key(text: str) -> int:
    """Return how many of the characters are the first key: `ESC O` and one, `ESC [` up to a letter or `~`."""
    if text[:2] == "\x1bO":
        return min(3, len(text))
    if text[:2] != "\x1b[":
        return 1
    return next((place + 1 for place in range(2, len(text)) if "@" <= text[place] <= "~"), len(text))


class Screen:
    """The terminal while keys are read from it: no echo, no line editing, a screen of its own.

    Whatever ends the block, the terminal is given back as it was: also an error, Ctrl-C, and the signals that ask
    to end. Ctrl-Z gives it back for the time that the process is stopped.
    """

    def __enter__(self) -> Self:
        self._in = sys.stdin.fileno()
        self._before: list[Any] = termios.tcgetattr(self._in)
        self._size = os.get_terminal_size(sys.stdout.fileno())
        self._handlers = {
            number: signal.signal(number, handler)
            for number, handler in (
                (signal.SIGTERM, _leave), (signal.SIGHUP, _leave), (signal.SIGTSTP, self._stop)
            )
        }  # fmt: skip
        self._stale = False
        self._take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return max(self._size.columns, 20), max(self._size.lines, 6)

    def draw(self, lines: list[str]) -> None:
        """Show these lines, which fit the screen, and nothing else."""
        self._write("\x1b[H" + "\n".join(f"{line}\x1b[0m\x1b[K" for line in lines) + "\x1b[J")

    def keys(self) -> Iterator[str]:
        """Yield the names of the keys that are pressed, `RESIZED` and `TERMINAL_LOST`."""
        while True:
            if self._stale or self._size != os.get_terminal_size(sys.stdout.fileno()):
                self._size = os.get_terminal_size(sys.stdout.fileno())
                self._stale = False
                yield RESIZED
            if not self._ready(_TICK):
                continue
            try:
                sent = os.read(self._in, 1024)
                if sent.endswith(b"\x1b") and self._ready(_REST_OF_A_KEY):
                    sent += os.read(self._in, 1024)
            except OSError:
                sent = b""
            if not sent:
                yield TERMINAL_LOST
                return
            yield from keys_in(sent.decode(errors="ignore"))

    def _ready(self, seconds: float) -> bool:
        return bool(select.select([self._in], [], [], seconds)[0])

    def _take(self) -> None:
        tty.setcbreak(self._in)
        self._write(_ENTER)

    def _give_back(self) -> None:
        try:
            self._write(_LEAVE)
        finally:
            termios.tcsetattr(self._in, termios.TCSADRAIN, self._before)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._stop)  # from here on it was told to go on
        self._take()
        self._stale = True

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
