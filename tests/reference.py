"""The page of the API, made from docstrings: `python tests/reference.py` writes it."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import lintseq
from lintseq.cli.options import field_docs

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "api.md"
STUB = ROOT / "src" / "lintseq" / "__init__.pyi"


def topics() -> dict[str, list[str]]:
    """Return the public names by topic, in the order of the stub."""
    parts = re.split(r"(?m)^# (.+)\n", STUB.read_text(encoding="utf-8"))[1:]
    return {topic: re.findall(r"(\w+) as \1", text) for topic, text in zip(parts[::2], parts[1::2], strict=True)}


def page() -> str:
    """Return `docs/api.md`."""
    parts = [
        "# Python API",
        "Written by `python tests/reference.py` from the docstrings. Every name is in the namespace `lintseq`, and\n"
        "imported when it is first used: `import lintseq` costs a few milliseconds.",
        "\n".join(
            f"- **{topic}**: " + ", ".join(f"[`{name}`](#{name.lower()})" for name in names)
            for topic, names in topics().items()
        ),
    ]
    for topic, names in topics().items():
        parts.append(f"## {topic}")
        for name in names:
            parts += entry(name, getattr(lintseq, name))
    return "\n\n".join(parts) + "\n"


def entry(name: str, value: Any) -> Iterator[str]:
    """Yield the paragraphs about a public name."""
    yield f"### {name}"
    if inspect.isclass(value):
        if not issubclass(value, BaseException) and not getattr(value, "_is_protocol", False):
            yield f"```python\n{signature(name, value)}\n```"
        yield prose(value)
        yield from members(value)
    else:
        yield f"```python\n{signature(name, value)}\n```"
        yield prose(value)


def prose(value: Any) -> str:
    """Return a docstring; its examples become blocks of Python."""
    text = inspect.getdoc(value)
    assert text, f"{value!r} has no docstring"
    return re.sub(r"(?m)(^>>> (?:.|\n)*?)(?=\n\n|\Z)", r"```pycon\n\1\n```", text)


def signature(name: str, value: Any, *, skip: str = "") -> str:
    """Return a call with its parameters, one on each line if they are many, in the order that a call takes them."""
    found = inspect.signature(value)
    returns = "" if inspect.isclass(value) else f" -> {annotation(found.return_annotation)}"
    parameters: list[str] = []
    for parameter in found.parameters.values():
        if parameter.name == skip:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parameters:
            parameters.append("*")
        default = "" if parameter.default is parameter.empty else f" = {default_of(parameter.default)}"
        parameters.append(f"{parameter.name}: {annotation(parameter.annotation)}{default}")
    line = f"{name}({', '.join(parameters)}){returns}"
    if len(line) <= 100:
        return line
    return "\n".join([f"{name}(", *(f"    {parameter}," for parameter in parameters), f"){returns}"])


def annotation(value: Any) -> str:
    text = value if isinstance(value, str) else inspect.formatannotation(value)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=\w)", "", text)


def default_of(value: Any) -> str:
    text = repr(value)
    return "..." if text.startswith("<") or " at 0x" in text else re.sub(r"<(\w+\.\w+): .*?>", r"\1", text)


def members(value: type) -> Iterator[str]:
    """Yield the public fields, properties and methods of a class, each with its first paragraph."""
    docs = field_docs(value) if is_dataclass(value) else {}
    names = [field.name for field in fields(value)] if is_dataclass(value) else []
    rows = [f"- `{name}`: {described(value, name, docs.get(name))}" for name in names if not name.startswith("_")]
    for name, member in vars(value).items():
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if name.startswith("_") or name in docs:
            continue
        if isinstance(function, property):
            rows.append(f"- `{name}`: {described(value, name, inspect.getdoc(function))}")
        elif inspect.isfunction(function):
            call = " ".join(signature(name, getattr(value, name), skip="self").split())
            text = described(value, name, inspect.getdoc(function))
            rows.append(f"- `{call.replace('( ', '(').replace(', )', ')')}`: {text}")
    if rows:
        yield "\n".join(rows)


def described(owner: type, name: str, doc: str | None) -> str:
    """Return the first paragraph of a member's docstring on one line."""
    assert doc, f"{owner.__name__}.{name} has no docstring"
    return " ".join(doc.partition("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
