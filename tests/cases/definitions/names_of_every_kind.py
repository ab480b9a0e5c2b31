#!/usr/bin/env python3
# Licence: this heads the file and belongs to nobody.
"""A module that binds names in every way there is."""

from __future__ import annotations, division

import os.path
import sys as system
from collections import (
    Counter,
    OrderedDict,
    defaultdict,
)

LIMIT = 10
WIDE, HIGH = LIMIT * 2, 3
if system.platform == "win32":
    SEPARATOR = "\\"
else:
    SEPARATOR = "/"
with open(os.devnull) as nothing:
    pass
for letter in "abc":
    pass
while True:
    counted = Counter()
    break
try:
    import fast
except ImportError:
    fast = None
match LIMIT:
    case int() as matched:
        pass
if (walrus := LIMIT) > 3:
    pass
first = second = defaultdict(list)
annotated: OrderedDict = OrderedDict()
shared = None
del shared


def set_shared() -> None:
    global shared
    shared = 1


def locals_only(data, letter):
    """Use names that are local here, and top names elsewhere."""
    fast = [walrus for walrus in data if (counted := walrus)]
    return fast, letter, counted


def all_of_them():
    """Use each of the names once."""
    return nothing, letter, counted, matched, walrus, first, shared


def split(path: str) -> list[str]:
    """Split a path into its parts."""
    return path.split(SEPARATOR)[:WIDE]


def quick(x):
    """Do it fast, where that can be."""
    return fast.do(x) if fast else os.path.join(x)
