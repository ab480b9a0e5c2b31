"""Python's linters by name. Each is imported when it is first used."""

from collections.abc import Callable, Mapping

from lintseq.errors import ConfigError
from lintseq.linting import Linter
from lintseq.linting.syntax import CompileLinter


def _pyflakes() -> Linter:
    try:
        from lintseq.linting.pyflakes import PyflakesLinter
    except ModuleNotFoundError:
        raise ConfigError("the pyflakes linter needs pyflakes: pip install pyflakes") from None
    return PyflakesLinter()


def _ruff() -> Linter:
    from lintseq.linting.ruff import RuffLinter

    return RuffLinter()


def _pylint(*, resolve_imports: bool = False) -> Linter:
    try:
        from lintseq.linting.pylint import PylintLinter
    except ModuleNotFoundError:
        raise ConfigError("the pylint linter needs pylint: pip install 'lintseq[linters]'") from None
    return PylintLinter(resolve_imports=resolve_imports)


LINTERS: Mapping[str, Callable[[], Linter]] = {
    "compile": CompileLinter,
    "pyflakes": _pyflakes,
    "ruff": _ruff,
    "pylint": _pylint,
    "pylint+imports": lambda: _pylint(resolve_imports=True),
}
