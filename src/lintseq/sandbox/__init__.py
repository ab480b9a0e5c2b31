"""Running untrusted programs where they can do no harm.

Fork servers import this package too, so it has only jobs and results; the sandbox itself is in `lintseq.sandbox.pool`.
"""

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
