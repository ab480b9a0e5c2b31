"""Runs programs with plain `python`, one process each: the reference for the sandbox's verdicts.

Refuses to run outside the jail of `tests/jail.py`. Reads JSON with `programs` and `limits` (seconds of CPU time, bytes
of memory, workers), and writes the verdict and the seconds of each program.
"""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jailed import refuse_outside

LAUNCHER = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds} + 1))
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
__name__ = "program"
exec(open({path!r}).read())
"""


def main() -> None:
    refuse_outside()
    job = json.load(sys.stdin)
    with ThreadPoolExecutor(job["limits"]["workers"]) as pool:
        numbered = enumerate(job["programs"])
        found = list(pool.map(lambda item: plain(item[1], Path(f"/tmp/{item[0]}"), job["limits"]), numbered))
    json.dump(found, sys.stdout)


def plain(program: str, folder: Path, limits: dict[str, Any]) -> tuple[str, float]:
    """Run a program in its own process; return the verdict and the duration in seconds."""
    folder.mkdir()
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8", errors="surrogatepass")
    code = LAUNCHER.format(path=str(path), **limits)
    started = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", code],
            capture_output=True,
            text=True,
            timeout=3 * limits["seconds"] + 1,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "timeout", time.monotonic() - started
    return verdict(done), time.monotonic() - started


def verdict(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the verdict on a finished process."""
    if done.returncode == 0:
        return "passed"
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "timeout"
    last = (done.stderr.strip().splitlines() or [""])[-1]
    kind = last.partition(":")[0]
    return "memory" if kind == "MemoryError" else "failed" if kind == "AssertionError" else "error"


if __name__ == "__main__":
    main()
