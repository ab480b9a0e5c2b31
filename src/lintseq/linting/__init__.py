"""Linters judge states: source in, diagnostics out, each with the line to blame.

How a walk reacts to a diagnostic is decided in `walks`; the linters of each language, by name, are listed in
`languages`.
"""

from lintseq.linting.diagnostic import (
    Diagnostic as Diagnostic,
    Finding as Finding,
    Linter as Linter,
    findings as findings,
    new_diagnostics as new_diagnostics,
    normalize as normalize,
)
