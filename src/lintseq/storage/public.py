"""What a folder that is shared may say about this machine: names of files, but neither folders nor accounts."""

import os
import re
from typing import Any

ACCOUNT = re.compile(r"(?<=://)(?<!github://)[^/?#\s'\"]*@")
_QUERY = re.compile(r"(://[^?#\s'\"]*)\?[^#\s'\"]*(?<![:,;])")
_LOCAL = re.compile(r"(?<![\w./~])(?:~[\w.-]*|\.{1,2})?/(?!/)[^\s'\"`]+")
"""A path in a text, such as a command, that is absolute or starts with `~`, `.` or `..`."""


def without_secrets(text: str) -> str:
    """Return a text without the accounts and queries of URLs, which may be passwords or keys."""
    return _QUERY.sub(r"\1?***", ACCOUNT.sub("***@", text)) if "://" in text else text


def public(value: Any) -> Any:
    """Return plain values in which local paths are reduced to names, and URLs have no accounts and queries."""
    if isinstance(value, dict):
        return {public(name): public(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [public(item) for item in value]
    return _public_text(value) if isinstance(value, str) else value


def _public_text(text: str) -> str:
    if "://" in text and not text.startswith("file:"):
        return _QUERY.sub(r"\1", ACCOUNT.sub("", text))
    path = text.removeprefix("file://").removeprefix("hf:")
    first = path.partition("/")[0]
    if os.path.isabs(path) or ("/" in path and (first in (".", "..") or first[:1] == "~" or os.path.lexists(first))):
        return os.path.basename(path.rstrip("/")) or path
    return _LOCAL.sub(lambda found: os.path.basename(found[0].rstrip("/")), text)
