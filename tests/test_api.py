"""The public API: complete, documented, typed, and cheap to import."""

import doctest
import inspect
import subprocess
import sys
from dataclasses import dataclass

import pytest
import reference

import lintseq

DOCS = reference.DOCS
NAMES = [name for name in lintseq.__all__ if not name.startswith("_")]


def test_the_reference_is_current() -> None:
    written = {path: path.read_text(encoding="utf-8") for path in [DOCS / "api.md", *(DOCS / "api").iterdir()]}
    assert written == reference.pages(), "out of date; run `python tests/reference.py`"


def test_every_topic_has_names_and_every_name_a_topic() -> None:
    topics = reference.topics()
    assert all(topics.values())
    assert [name for names in topics.values() for name in names] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_documented(name: str) -> None:
    value = getattr(lintseq, name)
    assert inspect.getdoc(value)
    if inspect.isfunction(value):
        hints = inspect.signature(value)
        assert hints.return_annotation is not hints.empty


@dataclass
class Undocumented:
    """A class whose field has no docstring."""

    field: int


def test_a_public_member_without_a_docstring_is_found() -> None:
    with pytest.raises(AssertionError, match=r"Undocumented\.field has no docstring"):
        list(reference.members(Undocumented))


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_public_name_hold(name: str) -> None:
    value = getattr(lintseq, name)
    for test in doctest.DocTestFinder(recurse=False).find(value, name, globs={**vars(lintseq), name: value}):
        assert doctest.DocTestRunner().run(test).failed == 0


def test_the_example_of_the_package_holds() -> None:
    assert doctest.testmod(lintseq).failed == 0


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'nope'"):
        _ = lintseq.nope
    assert set(dir(lintseq)) == set(lintseq.__all__)


def test_importing_the_package_loads_none_of_it() -> None:
    code = "import sys, lintseq; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in loaded if name.startswith("lintseq.")]
