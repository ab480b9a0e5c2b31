"""Add what star imports provide under the running Python to the table of `lintseq.languages.python.star_imports`.

Needs no package: run it with every supported version of Python, `python3.12 tests/star_imports.py` and so on.
"""

import contextlib
import io
import pkgutil
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

TABLE = Path(__file__).parent.parent / "src/lintseq/languages/python/star_imports.txt"
LEFT_OUT = {"antigravity", "distutils", "encodings", "idlelib", "lib2to3", "sre_compile", "sre_constants", "sre_parse"}
LEFT_OUT |= {"builtins", "pydoc_data", "test", "this", "turtledemo"}


def provided_names(module: str) -> set[str] | None:
    """Return the names that `from MODULE import *` binds, except those of builtins; None if it fails."""
    namespace: dict[str, object] = {}
    silent = io.StringIO()
    try:
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            exec(f"from {module} import *", namespace)
    except BaseException:  # for another system, or removed for a reason
        return None
    return namespace.keys() - {"__builtins__"} - vars(sys.modules["builtins"]).keys()


def modules(name: str) -> Iterator[str]:
    """Yield a module of the standard library, if it can be imported, and those inside it, without tests."""
    if not name.rpartition(".")[2].startswith(("_", "test")) and provided_names(name) is not None:
        yield name
        for inner in pkgutil.iter_modules(getattr(sys.modules[name], "__path__", ())):
            yield from modules(f"{name}.{inner.name}")


def stand_in_for_tk() -> types.ModuleType:
    """Return what `tkinter` and `turtle` import where there is no Tk."""
    module = types.ModuleType("_tkinter")
    vars(module).update(TclError=Exception, TK_VERSION="8.6", TCL_VERSION="8.6", READABLE=2, WRITABLE=4, EXCEPTION=8)
    return module


def main() -> None:
    warnings.simplefilter("ignore")
    try:
        import _tkinter  # noqa: F401
    except ImportError:
        sys.modules["_tkinter"] = stand_in_for_tk()
    lines = TABLE.read_text().splitlines() if TABLE.exists() else []
    table = {module: {*names} for module, *names in map(str.split, lines)}
    for top in {*sys.stdlib_module_names, "os.path"} - LEFT_OUT:
        for module in modules(top):
            table.setdefault(module, set()).update(provided_names(module) or ())
    rows = [f"{module} {' '.join(sorted(names))}\n" for module, names in sorted(table.items()) if names]
    TABLE.write_text("".join(rows))


if __name__ == "__main__":
    main()
