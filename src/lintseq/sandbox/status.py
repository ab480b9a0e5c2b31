"""Which sandbox this machine offers, and whether it gives five known programs their verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lintseq.sandbox.isolation import IsolationLevel
from lintseq.sandbox.job import Job, JobResult, Limits, RunCheck, Verdict
from lintseq.sandbox.pool import Sandbox

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


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """The sandbox of this machine."""

    isolation: IsolationLevel
    """The layers that are on."""
    checks: tuple[tuple[Verdict, JobResult], ...] = ()
    """Expected verdict and result of each known program, if they ran."""

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


def sandbox_status(*, check: bool = False) -> SandboxStatus:
    """Return the isolation on this machine, tested from inside, and with `check` also verdicts on known programs.

    Raises `ConfigError` if programs cannot be isolated on this machine.
    """
    with Sandbox(workers=1) as sandbox:
        return SandboxStatus(sandbox.isolation, run_known_programs(sandbox) if check else ())
