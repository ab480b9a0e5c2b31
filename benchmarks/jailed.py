"""Runs what has no protection of its own in the jail of `tests/jail.py`: a read-only root, no network, no devices.

Orders go in and answers come back as JSON; nothing else leaves the jail.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import ROOT

JAIL = ROOT / "tests" / "jail.py"
NO_JAIL = 77


def run_jailed(command: Sequence[str | Path], order: Any = None, *, options: Sequence[str] = ()) -> Any:
    """Return what a command says to an order; exit if there is no jail, or the command fails."""
    words = [sys.executable, JAIL, *options, *command]
    text = None if order is None else json.dumps(order)
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode == NO_JAIL:
        raise SystemExit(f"this is run in a jail only: {done.stderr.strip()}")
    if done.returncode:
        raise SystemExit(f"{command[-1]} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def refuse_outside() -> None:
    """Exit unless the root is read-only: for scripts that run what nothing keeps in."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        if words[4] == "/" and "ro" in words[5].split(","):
            return
    raise SystemExit("the root can be written: start this by tests/jail.py")
