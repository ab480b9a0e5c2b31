"""Linters judge states: source in, diagnostics out, each with the line to blame.

How a walk reacts to a diagnostic is decided in `walks`; the linters of each language, by name, are listed in
`languages`.
"""

from lintseq.linting.diagnostic import Diagnostic, Finding, Linter, findings, new_diagnostics, normalize
