"""The source is readable and keeps to the conventions in CONTRIBUTING.md."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lintseq

PACKAGE = Path(lintseq.__file__).parent
SOURCES = {
    path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py")) if "examples" not in path.parts
}
TREES = {path: ast.parse(text) for path, text in SOURCES.items()}
MAY_PARSE_PYTHON = ("linting", "languages/python", "benchmarks", "evaluation", "sandbox")
OPAQUE = re.compile(
    "told|said|asked|shown|room|place|one|mending|tolerant|habits|turner|taught|lessons?|pupils|doubtful|bury|crew|forgive|dissolve"
    "|choosing|Guard|RowTurner|Outcome|Marker"
)
"""Names that say nothing to a reader: use the standard term, or what the value is."""


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield path.relative_to(PACKAGE), node


def test_no_function_is_longer_than_60_lines() -> None:
    long = {}
    for path, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        assert node.end_lineno is not None
        if (lines := node.end_lineno - node.lineno + 1) > 60:
            long[f"{path}:{node.name}"] = lines
    assert not long


def test_a_class_name_has_one_meaning() -> None:
    modules = defaultdict(list)
    for path, node in nodes(ast.ClassDef):
        assert isinstance(node, ast.ClassDef)
        modules[node.name].append(str(path))
    assert not {name: paths for name, paths in modules.items() if len(paths) > 1}


def test_exceptions_are_defined_in_errors() -> None:
    for path, node in nodes(ast.ClassDef):
        assert isinstance(node, ast.ClassDef)
        bases = {ast.unparse(base) for base in node.bases}
        if any(re.search(r"(Error|Exception|Interrupt|Fault)$", base) for base in bases):
            assert str(path) == "errors.py", f"{path} defines {node.name}"


@pytest.mark.parametrize(("comment", "most"), [("# noqa", 15), ("# type: ignore", 30)])
def test_checks_are_rarely_suppressed(comment: str, most: int) -> None:
    assert sum(text.count(comment) for text in SOURCES.values()) <= most


def test_only_some_packages_parse_python() -> None:
    for path, node in nodes(ast.Import, ast.ImportFrom):
        assert isinstance(node, ast.Import | ast.ImportFrom)
        if any(alias.name == "ast" for alias in node.names) or getattr(node, "module", "") == "ast":
            assert str(path).startswith(MAY_PARSE_PYTHON), f"{path} imports ast"


def test_names_are_standard_terms() -> None:
    found = defaultdict(set)
    for path, node in nodes(ast.Name, ast.arg, ast.FunctionDef, ast.ClassDef, ast.Attribute):
        name = next(
            getattr(node, key) for key in ("id", "arg", "name", "attr") if isinstance(getattr(node, key, None), str)
        )
        if OPAQUE.fullmatch(name.strip("_")):
            found[str(path)].add(name)
    assert not {path: names for path, names in found.items() if names}


def test_modules_do_not_import_in_a_circle() -> None:
    names = {
        "lintseq." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in TREES
    }
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        found = set()
        for node in TREES[path].body:
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
        graph[name] = (found & names.keys()) - {name}
        if path.name == "__init__.py":
            continue
        # A submodule is imported through its package, which may import it in turn: that is no circle.
        graph[name] -= {package for package in graph[name] if name.startswith(f"{package}.")}
    TopologicalSorter(graph).prepare()
