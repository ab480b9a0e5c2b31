"""Five programs whose verdicts are known, to be run before the verdicts on others are believed."""

from collections.abc import Iterator

from lintseq.sandbox.job import Check, Ending, Job, Limits, Verdict
from lintseq.sandbox.pool import Sandbox

_CHECK = Check("assert add(2, 3) == 5")
_QUICK = Limits(seconds=0.3, memory=256 << 20)
TRIALS: dict[Verdict, Job] = {
    "passed": Job("def add(a, b):\n    return a + b\n", _CHECK),
    "failed": Job("def add(a, b):\n    return a - b\n", _CHECK),
    "error": Job("import sys\nsys.exit(0)\n", _CHECK),
    "timeout": Job("import time\n\n\ndef add(a, b):\n    time.sleep(60)\n", _CHECK, _QUICK),
    "memory": Job("def add(a, b):\n    return bytearray(1 << 30)\n", _CHECK, _QUICK),
}
"""By the verdict that is expected."""


def try_out(sandbox: Sandbox) -> Iterator[tuple[Verdict, Ending]]:
    """Yield the verdict that each of the five should get, and how it ended."""
    yield from zip(TRIALS, sandbox.run(TRIALS.values()), strict=True)
