from __future__ import annotations

import typing as t
from typing import TYPE_CHECKING, List, Literal, Optional, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

Key = TypeVar("Key", bound="Base")
Mode = Literal["Base", "other"]


class Base:
    pass


class Node(Base):
    """A node of a tree."""

    parent: "Optional[Node]" = None

    def children(self) -> "List[Leaf]":
        return []


class Leaf(Node):
    """A node without children."""


def pick(keys: Iterable[Key]) -> Key:
    """Pick one of the keys."""
    return next(iter(keys))


def mode() -> Literal["Node", "Leaf"]:
    """Return the mode that is set."""
    return t.cast("Mode", "Node")


@overload
def double(x: int) -> int:
    """Double a number."""


@overload
def double(x: str) -> str: ...


def double(x):
    """Double a number or a text."""
    return x * 2


def commented(x, amounts):
    # type: (Base, List[Decimal]) -> None
    """Take arguments whose types are told in a comment."""
    names = {"Node": x}  # type: ignore
    print(names["Node"])


def twice(x: int) -> int:
    """Double a number twice."""
    return double(double(x))
