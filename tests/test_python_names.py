"""The names that Python gives are data, the same for every version that runs."""

import builtins
import subprocess
import sys
import typing
from collections.abc import Iterable

import pytest

from lintseq.languages.python.syntax import BUILTIN_CLASSES, BUILTINS, MEMBERS, STDLIB_MODULES, TYPING_NAMES

TYPES = (
    *(list, dict, set, frozenset, tuple, str, bytes, bytearray, int, float, complex, bool, map, filter, zip),
    *(enumerate, range, reversed, type(None), type(...)),
)


def public(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith("_") or name.endswith("__")}


def test_the_tables_know_every_name_of_the_running_version() -> None:
    classes = {name for name, value in vars(builtins).items() if isinstance(value, type)}
    assert public(classes) - {"__loader__"} <= BUILTIN_CLASSES
    assert public(dir(builtins)) <= BUILTINS
    assert set(typing.__all__) <= TYPING_NAMES
    assert public(sys.stdlib_module_names) <= STDLIB_MODULES


@pytest.mark.parametrize("type_", TYPES)
def test_the_tables_know_every_member_of_the_running_version(type_: type) -> None:
    assert set(dir(type_)) <= MEMBERS[type_.__name__]


def test_names_added_to_builtins_make_no_difference() -> None:
    """As gettext's `install` and interactive sessions add them."""
    source = "try:\n    x = 1\n    y = added\nexcept NameError:\n    pass\nfinally:\n    z = 1\n"
    code = (
        f"from lintseq.walks import sample_edits; print([sample_edits({source!r}, seed=n).arrivals for n in range(9)])"
    )
    added = "import builtins; builtins.added = 1\n"
    outputs = [
        subprocess.run([sys.executable, "-c", before + code], capture_output=True, text=True, check=True).stdout
        for before in ("", added)
    ]
    assert outputs[0] == outputs[1]
