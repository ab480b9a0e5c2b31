"""Something to take tasks out of: `lintseq build examples/stack.py --tasks`."""

from dataclasses import dataclass, field
from typing import Any

MOST = 100


class FullError(Exception):
    """Raised when there is no room for one more."""


@dataclass
class Stack:
    """A pile of values that has room for a hundred.

    The value that was put on it last is the first to be taken away.

    Attributes:
        values: Those on the stack, the top one last.
    """

    values: list[Any] = field(default_factory=list)

    def push(self, value: Any) -> None:
        """Put a value on top. Raise `FullError` if there is no room.

        Args:
            value: Whatever there is.
        """
        if len(self.values) >= MOST:
            raise FullError
        self.values.append(value)

    def pop(self) -> Any:
        """Take the top value away and return it."""
        return self.values.pop()
