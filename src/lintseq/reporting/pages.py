"""HTML pages: templates, escaping, and writing the file.

A page is one file. Its content security policy allows its own script and styles, by their hashes, and nothing else:
it loads nothing, and no text from a data set can run.
"""

import html
import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from lintseq import __version__
from lintseq.errors import ConfigError
from lintseq.storage import suffix_of, write_atomically

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_MARKS = (b'<meta name="generator" content="lintseq ', b"<!-- made by lintseq ")
"""What pages and Markdown reports have near their beginning."""
_UNPRINTABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def page(
    body: str, *, title: str, styles: Sequence[str], scripts: Sequence[str] = (), data: Mapping[str, Any] | None = None
) -> str:
    """Return a whole page: `body` is HTML, styles and scripts name templates, `data` is for the scripts to read."""
    style = "\n".join(map(template, ("colors.css", "base.css", *styles)))
    script = "\n".join(map(template, scripts))
    return fill(
        template("page.html"),
        {
            "policy": f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}",
            "version": __version__,
            "title": escaped(title),
            "style": style,
            "body": body,
            "data": "" if data is None else f'<script type="application/json" id="data">{embedded(data)}</script>',
            "script": script,
        },
    )


def template(name: str) -> str:
    """Return the text of a template."""
    return (files("lintseq.reporting") / "templates" / name).read_text(encoding="utf-8")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a template with each `{{name}}` replaced once; values are not expanded again."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def escaped(text: str, *, quotes: bool = True) -> str:
    """Return text as HTML that displays it; characters that cannot be displayed or stored are replaced.

    Without `quotes`, quotation marks are kept, which is safe anywhere but in attributes.
    """
    return html.escape(replace_controls(text), quote=quotes)


def replace_controls(text: str) -> str:
    """Return text with control characters, except tabs and newlines, replaced by visible symbols."""
    return _UNPRINTABLE.sub(lambda match: _symbol(match[0]), text)


def _symbol(char: str) -> str:
    return chr(0x2400 + ord(char)) if char < " " else "␡" if char == "\x7f" else "�"


def embedded(value: Any) -> str:
    """Return a value as JSON for a `script` element: in ASCII, and without `<`, so no tag can begin in it."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def check_page(path: Path, *, option: str = "--html") -> None:
    """Raise `ConfigError` if `path` cannot be written, or holds something that lintseq did not write.

    `option` is the command-line option that the message suggests.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file with {option}")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ConfigError(f"cannot write {path}: {folder} is not a folder with write permission; choose another path")
    if option == "--html" and suffix_of(str(path), (".html", ".htm")) is None:
        raise ConfigError(f"cannot write {path}: choose a name that ends in .html")
    try:
        with open(path, "rb") as file:
            beginning = file.read(2000)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
    if not any(mark in beginning for mark in _MARKS):
        raise ConfigError(f"{path} exists and is not a page or report of lintseq; choose another path with {option}")


def write_page(path: Path, text: str) -> None:
    """Write a page atomically. Raises `ConfigError` if it cannot be written."""
    try:
        write_atomically(str(path), text.encode())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
