"""CPU threads of training and generation: how many there are, and whether they get to run.

Importing this module does not import torch.
"""

import os
import time

from lintseq.errors import check_at_least
from lintseq.reporting.numbers import plural
from lintseq.storage import default_workers

BUSY = "the processors are busy"
"""How the message begins."""
_WATCH_SECONDS = 5.0
"""How long a thread is watched before it is judged."""
_LEAST_SHARE = 0.8
"""A thread that ran for a smaller share of the time had to wait for a processor; on idle ones it runs for 0.93."""


def use_threads(threads: int | None) -> None:
    """Have torch compute with `threads` threads, by default with OMP_NUM_THREADS or one per available processor."""
    import torch

    check_at_least(1, {"--threads": threads})
    if threads is not None:
        torch.set_num_threads(threads)
    elif "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(torch.get_num_threads(), default_workers()))


class ThreadWatch:
    """Finds out whether the thread that computes gets a processor, from its first seconds."""

    def __init__(self) -> None:
        self._wall, self._running = time.monotonic(), time.thread_time()
        self._judged = False

    def note(self) -> str:
        """Return, once, a message if the processors are busy, else nothing; called from the thread that computes."""
        seconds = time.monotonic() - self._wall
        if self._judged or seconds < _WATCH_SECONDS:
            return ""
        self._judged = True
        share = (time.thread_time() - self._running) / seconds
        return "" if share > _LEAST_SHARE else busy_message(share)


def busy_message(share: float) -> str:
    """Return what to say to a user whose training or generation ran for a `share` of the time."""
    import torch

    threads = torch.get_num_threads()
    fewer = "use fewer --threads, or run" if threads > 1 else "run"
    return (
        f"{BUSY}: with {plural(threads, 'thread')} on {plural(default_workers(), 'processor')}, this"
        f" process ran for {share:.0%} of the time and waited for the rest; {fewer} fewer jobs at a time"
    )
