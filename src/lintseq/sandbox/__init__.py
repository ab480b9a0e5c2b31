"""Running untrusted programs where they can do no harm."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from lintseq.sandbox.isolation import IsolationLevel
    from lintseq.sandbox.pool import Sandbox
    from lintseq.sandbox.status import SandboxStatus, sandbox_status

__all__ = [
    "CallFunction",
    "FeedStdin",
    "IsolationLevel",
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
_MODULES = {"IsolationLevel": "isolation", "Sandbox": "pool", "SandboxStatus": "status", "sandbox_status": "status"}


def __getattr__(name: str) -> Any:
    """Import what fork servers do not need only when it is used; they import this package too."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
