"""From what a program wrote and how its process ended to a `JobResult`. Trusts nothing that the program wrote."""

import json
import re
import signal
from dataclasses import dataclass, replace
from typing import Any, cast

from lintseq.errors import PlainDataError, ServerError
from lintseq.sandbox.child import STARTED
from lintseq.sandbox.data import decode
from lintseq.sandbox.job import CallFunction, FeedStdin, Job, JobResult, Raised, Returned, RunCheck, Verdict
from lintseq.sandbox.tampering import signs_of_tampering

END_KEPT = 64 << 10
"""Bytes kept of the beginning, and of the end, of what a program prints besides its task."""
REFUSED = "refused at the level confined"
"""At the beginning of the detail of a failure that may not happen at the level `isolated`."""
_SIGNS_OF_REFUSAL = re.compile(
    r"\[Errno (?:1|97)\]|\[Errno 13\] Permission denied(?!: ['\"](?!/(?:tmp|var/tmp|dev/shm)\b))"
)
"""Operations that a filter refuses, addresses, semaphores, and folders that others share."""
_NEARLY = 0.8
"""A process that was ended by a signal after this part of its CPU time exceeded it; kernels measure coarsely."""


@dataclass(frozen=True, slots=True)
class PrintedOutput:
    """What a program wrote to a stream."""

    beginning: bytes
    """The output up to the limit."""
    end: bytes
    """The end of what exceeds the limit."""
    count: int
    """Bytes written."""

    def text(self, *, whole: bool) -> bytes:
        """Return everything up to the limit if `whole` and nothing is dropped, else the beginning and the end."""
        if whole and not self.end:
            return self.beginning
        beginning = self.beginning[:END_KEPT]
        end = (self.beginning[END_KEPT:] + self.end)[-END_KEPT:]
        left_out = self.count - len(beginning) - len(end)
        return beginning + (f"\n... {left_out} bytes left out ...\n".encode() if left_out else b"") + end


@dataclass(frozen=True, slots=True)
class ProgramOutput:
    """What a program wrote."""

    channel: bytes
    stdout: PrintedOutput
    stderr: PrintedOutput
    overflowed: bool
    """Whether it wrote more than it may."""


def result_of(job: Job, report: dict[str, Any], output: ProgramOutput, nonce: bytes) -> JobResult:
    """Return the result of a job; raises `ServerError` if the program could not even be started."""
    started, *lines = output.channel.split(b"\n")
    if started != STARTED:
        text = output.channel.decode("utf-8", "replace").strip()[:500]
        raise ServerError(f"a program could not be started: {text or report}")
    outcomes, claim = _read_channel(lines, nonce)
    finding = _judge(job, report, output, claim, len(outcomes))
    is_stdin = isinstance(job.task, FeedStdin)
    return replace(
        finding,
        seconds=report["seconds"],
        cpu_seconds=report["cpu"],
        outcomes=outcomes,
        stdout=output.stdout.text(whole=is_stdin),
        stderr=output.stderr.text(whole=is_stdin),
    )


def with_suspicion(job: Job, result: JobResult) -> JobResult:
    """Return the result of a job, with the reasons to doubt it if it passed a check.

    This parses the program, which one thread should do at a time: before Python 3.11.8 others fail meanwhile.
    """
    may_be_forged = result.verdict == "passed" and isinstance(job.task, RunCheck)
    return replace(result, suspect=tuple(signs_of_tampering(job.program))) if may_be_forged else result


def with_refusal(result: JobResult) -> JobResult:
    """Return the result of a confined program, with a remark if it failed on what only this level refuses."""
    refused = result.verdict in ("failed", "error") and _SIGNS_OF_REFUSAL.search(result.detail)
    return replace(result, detail=f"{REFUSED}: {result.detail}") if refused else result


def _read_channel(lines: list[bytes], nonce: bytes) -> tuple[tuple[Returned | Raised, ...], JobResult | None]:
    """Return the outcomes of calls, and the verdict if the nonce precedes it."""
    outcomes: list[Returned | Raised] = []
    for line in lines:
        if line.startswith(nonce):
            return tuple(outcomes), _read_verdict(line.removeprefix(nonce))
        outcome = _read_outcome(line)
        if outcome is None:
            break
        outcomes.append(outcome)
    return tuple(outcomes), None


def _read_verdict(line: bytes) -> JobResult | None:
    try:
        message = json.loads(line)
        verdict, detail, error = (str(message.get(key, "")) for key in ("verdict", "detail", "error"))
    except (ValueError, RecursionError, AttributeError):
        return None
    if verdict not in ("passed", "failed", "error", "memory", "output"):
        return None
    return JobResult(cast(Verdict, verdict), detail, error=error)


def _read_outcome(line: bytes) -> Returned | Raised | None:
    try:
        message = json.loads(line)
        if "returned" in message:
            return Returned(decode(str(message["returned"]).encode()))
        return Raised(str(message["raised"]), str(message["message"]))
    except PlainDataError as error:
        return Raised("PlainDataError", str(error))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _judge(
    job: Job, report: dict[str, Any], output: ProgramOutput, claim: JobResult | None, outcomes: int
) -> JobResult:
    """Return the verdict; `claim` is the program's own, with a valid nonce."""
    limits, status, reason = job.limits, report["status"], report["reason"]
    if output.overflowed:
        return JobResult("output", f"more than {limits.output:,} bytes")
    if reason == "memory":
        return JobResult("memory", f"more than {limits.memory:,} bytes")
    # Without /proc, the CPU time of children is known only after they have ended.
    used = report["cpu"] / limits.seconds
    killed = status in (-signal.SIGXCPU, -signal.SIGKILL) and reason == ""
    if reason == "cpu" or used > 1 or (killed and used > _NEARLY):
        return JobResult("timeout", f"more than {limits.seconds:g} s of processor time")
    if reason == "scratch":
        return JobResult("error", f"its files take more than {limits.scratch:,} bytes, or are too many")
    if reason == "processes":
        return JobResult("error", f"more than {limits.processes:,} processes and threads")
    if reason == "wall":
        return JobResult("timeout", f"more than {3 * limits.seconds + 1:g} s by the clock")
    claims_pass = claim is not None and claim.verdict == "passed"
    if claims_pass and isinstance(job.task, CallFunction) and outcomes != len(job.task.arguments):
        return JobResult("error", "left before all calls were made")
    if claim is not None and (status == 0 or not claims_pass):
        return claim
    if status == 0 and isinstance(job.task, FeedStdin):
        return JobResult("passed")
    if status < 0:
        return JobResult("error", f"ended by {signal.Signals(-status).name}")
    return JobResult("error", f"left early, with status {status}")
