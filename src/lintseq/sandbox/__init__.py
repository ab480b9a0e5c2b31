"""Running untrusted programs where they can do no harm."""

from lintseq.sandbox.isolation import Isolation
from lintseq.sandbox.job import (
    CallFunction,
    FeedStdin,
    Job,
    JobResult,
    Limits,
    OpaqueValue,
    Raised,
    Returned,
    RunCheck,
    Verdict,
)
from lintseq.sandbox.pool import Sandbox
from lintseq.sandbox.status import SandboxStatus, sandbox_status

__all__ = [
    "CallFunction",
    "FeedStdin",
    "Isolation",
    "Job",
    "JobResult",
    "Limits",
    "OpaqueValue",
    "Raised",
    "Returned",
    "RunCheck",
    "Sandbox",
    "SandboxStatus",
    "Verdict",
    "sandbox_status",
]
