"""pyflakes, in this process: undefined names and certain errors, but nothing that is only unfinished."""

import warnings

from pyflakes import messages
from pyflakes.checker import Checker

from lintseq.errors import ToolError
from lintseq.linting.diagnostic import Diagnostic
from lintseq.linting.syntax import PYTHON_VERSION, LineNumbers, syntax_errors, syntax_tree

UNFINISHED = {
    *("UnusedImport", "UnusedVariable", "UnusedAnnotation", "UnusedIndirectAssignment"),  # not used, or assigned, yet
    *("ImportShadowedByLoopVar", "RedefinedWhileUnused"),  # rebinds a name, where a use in between may be missing
    *("FStringMissingPlaceholders", "TStringMissingPlaceholders"),  # the line of the placeholder may be missing
    *("ImportStarUsed", "ImportStarUsage"),  # means that pyflakes cannot decide
}
"""Messages that do not count: a half-written program is full of things that nothing uses yet."""


class PyflakesLinter:
    """All messages of pyflakes except those in `UNFINISHED`; doctests are not checked."""

    @property
    def version(self) -> str:
        from importlib.metadata import version

        return f"pyflakes {version('pyflakes')} / {PYTHON_VERSION}"

    def check(self, source: str) -> list[Diagnostic]:
        if errors := syntax_errors(source, "SyntaxError"):
            return errors
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = Checker(syntax_tree(source), filename="<state>", withDoctest=False).messages
            except RecursionError:
                raise ToolError("pyflakes cannot judge this state: it is nested too deeply") from None
            except Exception as error:
                raise ToolError(f"pyflakes failed on a state of {len(source)} characters: {error!r}") from error
        found = [message for message in found if type(message).__name__ not in UNFINISHED]
        if not found:
            return []
        number = LineNumbers(source)
        found.sort(key=lambda message: (message.lineno, message.col))
        return [Diagnostic(type(message).__name__, _text(message), number(message.lineno)) for message in found]


def _text(message: messages.Message) -> str:
    return str(message.message % message.message_args)
