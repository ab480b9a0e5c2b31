"""The pages of the API, made from docstrings: `python tests/reference.py` writes them.

One page for each topic of the stub, and an index, in Markdown for the repository and the site.
"""

import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import lintseq
from lintseq.cli.options import field_docs

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
STUB = ROOT / "src" / "lintseq" / "__init__.pyi"
WRITTEN = "<!-- written by `python tests/reference.py` from the docstrings -->"


def topics() -> dict[str, list[str]]:
    """Return the public names by topic, in the order of the stub."""
    parts = re.split(r"(?m)^# (.+)\n", STUB.read_text(encoding="utf-8"))[1:]
    return {topic: re.findall(r"(\w+) as \1", text) for topic, text in zip(parts[::2], parts[1::2], strict=True)}


def links() -> dict[str, str]:
    """Return where each public name is described, from the folder of the pages."""
    return {
        name: f"{slug(topic)}.md#{name.lower()}{'-1' if name == topic else ''}"  # the page's title is the first
        for topic, names in topics().items()
        for name in names
    }


def slug(topic: str) -> str:
    return re.sub(r"\W+", "-", topic.lower())


def pages() -> dict[Path, str]:
    """Return the text of each page of the API."""
    found = {DOCS / "api.md": index()}
    for topic, names in topics().items():
        parts = [WRITTEN, f"# {topic}"]
        for name in names:
            parts += entry(name, getattr(lintseq, name))
        found[DOCS / "api" / f"{slug(topic)}.md"] = "\n\n".join(parts) + "\n"
    return found


def index() -> str:
    """Return the list of all names, each with the first sentence of its docstring."""
    parts = [
        WRITTEN,
        "# Python API",
        "Every name is in the namespace `lintseq`, and imported when it is first used: `import lintseq` costs a few\n"
        "milliseconds.",
    ]
    for topic, names in topics().items():
        rows = [f"| [`{name}`](api/{links()[name]}) | {summary(getattr(lintseq, name))} |" for name in names]
        parts += [f"## [{topic}](api/{slug(topic)}.md)", "\n".join(["| | |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def summary(value: Any) -> str:
    """Return the first sentence of a docstring."""
    paragraph = " ".join(docstring(value).partition("\n\n")[0].split())
    sentence = re.match(r".*?\.(?= |$)", paragraph)
    return (sentence[0] if sentence else paragraph).replace("|", "\\|")


def entry(name: str, value: Any) -> Iterator[str]:
    """Yield the paragraphs about a public name."""
    yield f"## {name}"
    is_class = inspect.isclass(value)
    if not (is_class and (issubclass(value, BaseException) or getattr(value, "_is_protocol", False))):
        yield f"```python\n{signature(name, value)}\n```"
    yield prose(value)
    if is_class:
        yield from members(value)


def prose(value: Any) -> str:
    """Return a docstring; its examples become blocks of Python."""
    return re.sub(r"(?m)(^>>> (?:.|\n)*?)(?=\n\n|\Z)", r"```pycon\n\1\n```", linked(docstring(value)))


def docstring(value: Any) -> str:
    text = inspect.getdoc(value)
    assert text, f"{value!r} has no docstring"
    return text


def linked(text: str) -> str:
    """Return a text with links at public names, if they cannot be mistaken for another word."""

    def link(match: re.Match[str]) -> str:
        name = match[1]
        ambiguous = name.islower() and "_" not in name
        return match[0] if ambiguous or name not in links() else f"[{match[0]}]({links()[name]})"

    return re.sub(r"`(\w+)(?:\.\w+)?`", link, text)


def signature(name: str, value: Any, *, skip: str = "", width: int = 100) -> str:
    """Return a call with its parameters, one on each line if they are many, in the order that a call takes them."""
    found = inspect.signature(value)
    returns = "" if inspect.isclass(value) else f" -> {annotation(found.return_annotation)}"
    parameters: list[str] = []
    for parameter in found.parameters.values():
        if parameter.name == skip:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parameters:
            parameters.append("*")
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else f" = {default_of(parameter.default)}"
        parameters.append(f"{stars}{parameter.name}: {annotation(parameter.annotation)}{default}")
    line = f"{name}({', '.join(parameters)}){returns}"
    if len(line) <= width:
        return line
    return "\n".join([f"{name}(", *(f"    {parameter}," for parameter in parameters), f"){returns}"])


def annotation(value: Any) -> str:
    text = value if isinstance(value, str) else inspect.formatannotation(value)
    text = re.sub(r"Annotated\[(\w+), [^\]]*\]", r"\1", text)  # a range is part of the table of keys
    text = re.sub(r"Optional\[(.+)\]$", r"\1 | None", text.replace("~", ""))
    return re.sub(r"\b(?:[a-z_]+\.)+(?=\w)", "", text)


def default_of(value: Any) -> str:
    with suppress(TypeError):
        if value == type(value)() and is_dataclass(value):
            return f"{type(value).__name__}()"
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
            call = signature(name, getattr(value, name), skip="self", width=1000)
            rows.append(f"- `{call}`: {described(value, name, inspect.getdoc(function))}")
    if rows:
        yield "\n".join(rows)


def described(owner: type, name: str, doc: str | None) -> str:
    """Return the first paragraph of a member's docstring on one line."""
    assert doc, f"{owner.__name__}.{name} has no docstring"
    return linked(" ".join(doc.partition("\n\n")[0].split()))


if __name__ == "__main__":
    (DOCS / "api").mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
