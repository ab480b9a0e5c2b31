"""Running untrusted programs where they can do no harm.

Fork servers import this package too, so it has only jobs and results; the sandbox itself is in `lintseq.sandbox.pool`.
"""

from lintseq.sandbox.job import (
    CallFunction as CallFunction,
    FeedStdin as FeedStdin,
    Job as Job,
    JobResult as JobResult,
    Limits as Limits,
    OpaqueValue as OpaqueValue,
    Raised as Raised,
    Returned as Returned,
    RunCheck as RunCheck,
    Verdict as Verdict,
)
