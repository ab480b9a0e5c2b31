"""Conversations in columns: messages with role and content, or with from and value as ShareGPT writes them."""

from collections.abc import Iterator
from typing import Any

USER, ASSISTANT = "user", "assistant"
_ROLES = {"human": USER, "gpt": ASSISTANT, "model": ASSISTANT}
"""Other names of the roles."""


def turns(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the role and the text of each message in a list of messages; nothing if the value is something else."""
    for message in value if isinstance(value, list) else ():
        if isinstance(message, dict):
            role, text = message.get("role", message.get("from")), message.get("content", message.get("value"))
            if isinstance(role, str) and isinstance(text, str):
                yield _ROLES.get(role, role), text
