"""Source of two tasks: `lintseq mine examples/stack.py --tasks --output tasks.jsonl`."""

from dataclasses import dataclass, field
from typing import Any

MAX_SIZE = 100


class FullError(Exception):
    """Raised when a value is pushed to a full stack."""


@dataclass
class Stack:
    """A stack of at most a hundred values.

    The value that was pushed last is the first to be popped.

    Attributes:
        values: The values on the stack, the top one last.
    """

    values: list[Any] = field(default_factory=list)

    def push(self, value: Any) -> None:
        """Put a value on top. Raise `FullError` if the stack is full.

        Args:
            value: Any value.
        """
        if len(self.values) >= MAX_SIZE:
            raise FullError
        self.values.append(value)

    def pop(self) -> Any:
        """Remove the top value and return it."""
        return self.values.pop()
