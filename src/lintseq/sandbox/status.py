"""Which sandbox this machine offers, and whether it gives five known programs their verdicts."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from typing import Any

from lintseq.sandbox.isolation import IsolationLevel, LevelOrAuto
from lintseq.sandbox.job import Job, JobResult, Limits, RunCheck, Verdict
from lintseq.sandbox.pool import Sandbox
from lintseq.sandbox.visible import PACKAGES

_CHECK = RunCheck("assert add(2, 3) == 5")
_SMALL = Limits(seconds=0.3, memory=256 << 20)
KNOWN_PROGRAMS: Mapping[Verdict, Job] = {
    "passed": Job("def add(a, b):\n    return a + b\n", _CHECK),
    "failed": Job("def add(a, b):\n    return a - b\n", _CHECK),
    "error": Job("import sys\nsys.exit(0)\n", _CHECK),
    "timeout": Job("import time\n\n\ndef add(a, b):\n    time.sleep(60)\n", _CHECK, _SMALL),
    "memory": Job("def add(a, b):\n    return bytearray(1 << 30)\n", _CHECK, _SMALL),
}
"""By expected verdict."""
_SEES = """
import importlib.util, sys

assert sys.executable == {executable!r}, f"programs run {{sys.executable}} and not {executable}"
missing = []
for name in {names!r}:
    try:
        spec = importlib.util.find_spec(name)
        open(spec.origin, "rb").close() if spec.has_location else spec.name
    except Exception:
        missing.append(name)
assert not missing, f"programs do not find packages: {{', '.join(missing)}}"
import {first}
"""


def environment_job() -> Job:
    """Return a job that passes if programs run this Python and find the packages that this process finds."""
    installed = [name for name in sorted(packages_distributions()) if _is_installed(name)]
    first = "numpy" if "numpy" in installed else "orjson"
    return Job("", RunCheck(_SEES.format(executable=sys.executable, names=installed, first=first)))


def _is_installed(name: str) -> bool:
    """Return whether a package is right in a folder of packages.

    Others are, for example, linked to the folder of a project, or in a package that has changed `sys.path`.
    """
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return False
    if spec is None or spec.origin is None:
        return False
    folder = os.path.dirname(spec.origin)
    return os.path.basename(os.path.dirname(folder) if spec.submodule_search_locations else folder) in PACKAGES


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """The sandbox of this machine."""

    isolation: IsolationLevel
    """The layers that are on."""
    checks: tuple[tuple[Verdict, JobResult], ...] = ()
    """Expected verdict and result of each known program, if they ran; the last is what programs see of this Python."""

    @property
    def ok(self) -> bool:
        """Whether all known programs got the expected verdict."""
        return all(result.verdict == expected for expected, result in self.checks)

    def describe(self) -> str:
        """Return the layers and the checks as text."""
        lines = [self.isolation.describe()] + [""] * bool(self.checks)
        for expected, result in self.checks:
            remark = "as expected" if result.verdict == expected else f"NOT {expected}"
            lines.append(f"  {result.verdict:<8} {remark} ({1000 * result.seconds:.0f} ms) {result.detail}".rstrip())
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        checks = [
            {"expected": expected, "verdict": result.verdict, "detail": result.detail}
            for expected, result in self.checks
        ]
        return {**self.isolation.as_dict(), **({"check": checks} if checks else {})}


def run_known_programs(
    sandbox: Sandbox, programs: Mapping[Verdict, Job] = KNOWN_PROGRAMS
) -> tuple[tuple[Verdict, JobResult], ...]:
    """Return the expected verdict and the result of each known program."""
    return tuple(zip(programs, sandbox.run(programs.values()), strict=True))


def sandbox_status(*, check: bool = False, level: LevelOrAuto = "auto") -> SandboxStatus:
    """Return the isolation on this machine, tested from inside, and with `check` also verdicts on known programs.

    The last of them looks whether programs run this Python and find its packages. Raises `ConfigError` if programs
    cannot be isolated on this machine at the level.
    """
    with Sandbox(workers=1, level=level) as sandbox:
        if not check:
            return SandboxStatus(sandbox.isolation)
        (environment,) = sandbox.run([environment_job()])
        return SandboxStatus(sandbox.isolation, (*run_known_programs(sandbox), ("passed", environment)))
