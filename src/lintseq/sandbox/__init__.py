"""Running untrusted programs where they can do no harm.

`run` runs one program, a `Sandbox` many. Fork servers import this package too, so those are imported when first used.
"""

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
    from lintseq.sandbox.pool import Sandbox as Sandbox, run as run


def __getattr__(name: str) -> Any:
    if name not in ("Sandbox", "run"):
        raise AttributeError(f"module 'lintseq.sandbox' has no attribute {name!r}")
    from lintseq.sandbox import pool

    return getattr(pool, name)
