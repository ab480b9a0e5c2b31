"""The shape of the package: imports point one way, and starting it costs little."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import lintseq

PACKAGE = Path(lintseq.__file__).parent
FLOW = [
    "errors",
    "program",
    "edits",
    "needs",
    "linting",
    "languages",
    "walks",
    "codecs",
    "storage",
    "rows",
    "bundled",
    "reporting",
    "sandbox",
    "benchmarks",
    "dataset",
    "mining",
    "evaluation",
    "lm",
    "study",
    "integrations",
    "cli",
]
MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0].removesuffix(".py") in FLOW and "examples" not in path.parts
)


def part(name: str) -> int:
    return FLOW.index(name.split(".")[1]) if "." in name else -1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_modules_to_its_left(path: Path) -> None:
    own = FLOW.index(path.relative_to(PACKAGE).parts[0].removesuffix(".py"))
    module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    found: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.partition(".")[0] == "lintseq" and part(name) > own:
                found.add((module, name))
    assert not found


def test_every_module_has_its_place() -> None:
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - {"__init__", "__main__"} == set(FLOW)


@pytest.mark.parametrize("command", ["import lintseq.walks, lintseq.codecs", "from lintseq.cli import main"])
def test_starting_loads_nothing_heavy(command: str) -> None:
    code = f"import sys; {command}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "pandas", "numpy", "pylint", "astroid", "tokenizers", "zstandard"} & set(loaded)


@pytest.mark.parametrize("folder", ["benchmarks", "examples", "examples/nano", "tests"])
def test_scripts_import_names_that_exist(folder: str) -> None:
    missing = []
    for path in sorted((Path(__file__).parents[1] / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lintseq":
                known = names_in(str(node.module))
                missing += [(path.name, node.module, item.name) for item in node.names if item.name not in known]
    assert not missing


@cache
def names_in(module: str) -> set[str]:
    """Return the names that a module defines or imports, for a package also its modules, without importing it."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    names = {other.stem if other.suffix == ".py" else other.name for other in path.glob("*")}
    files = [path / "__init__.py", path / "__init__.pyi"] if path.is_dir() else [path.with_suffix(".py")]
    for file in filter(Path.exists, files):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                names |= {item.asname or item.name for item in node.names}
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
    return names
