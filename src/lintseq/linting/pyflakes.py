"""pyflakes, in the process: undefined names and what is certainly wrong, not what is merely unused.

A half-written program is full of things that nothing uses yet, so the kinds in `_UNFINISHED` do not count.
"""

import ast
import warnings

from pyflakes import messages
from pyflakes.checker import Checker

from lintseq.errors import ToolError
from lintseq.linting.diagnostic import Diagnostic
from lintseq.linting.syntax import PYTHON_VERSION, LineNumbers, syntax_errors

_UNFINISHED = {
    # nothing uses it, or nothing assigns it, yet
    "UnusedImport",
    "UnusedVariable",
    "UnusedAnnotation",
    "UnusedIndirectAssignment",
    # binds a name anew where something in between has yet to come
    "ImportShadowedByLoopVar",
    "RedefinedWhileUnused",
    # the placeholder's line has not arrived yet
    "FStringMissingPlaceholders",
    "TStringMissingPlaceholders",
    # says that pyflakes cannot know, not that anything is wrong
    "ImportStarUsed",
    "ImportStarUsage",
}


class PyflakesLinter:
    """All of pyflakes' messages but those in `_UNFINISHED`; doctests are not looked into."""

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
                found = Checker(ast.parse(source), filename="<state>", withDoctest=False).messages
            except RecursionError:
                raise ToolError("pyflakes cannot judge this state: it is nested too deeply") from None
            except Exception as error:
                raise ToolError(f"pyflakes broke on a state of {len(source)} characters: {error!r}") from error
        found = [message for message in found if type(message).__name__ not in _UNFINISHED]
        if not found:
            return []
        number = LineNumbers(source)
        found.sort(key=lambda message: (message.lineno, message.col))
        return [Diagnostic(type(message).__name__, _text(message), number(message.lineno)) for message in found]


def _text(message: messages.Message) -> str:
    return str(message.message % message.message_args)
