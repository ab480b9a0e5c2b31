"""Runs commands without isolation of their own in the jail of `tests/jail.py`: read-only, no network, no devices.

A command reads its input from stdin and writes its answer to stdout, both as JSON; nothing else leaves the jail.
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
    """Return a command's answer to an order; exit if the jail is unavailable or the command fails."""
    words = [sys.executable, JAIL, *options, *command]
    text = None if order is None else json.dumps(order)
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode == NO_JAIL:
        raise SystemExit(f"this runs only in a jail: {done.stderr.strip()}")
    if done.returncode:
        raise SystemExit(f"{command[-1]} exited with status {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def refuse_outside() -> None:
    """Exit unless the root is read-only: for scripts that run programs without a sandbox."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        if words[4] == "/" and "ro" in words[5].split(","):
            return
    raise SystemExit("the root is writable: start this with tests/jail.py")
