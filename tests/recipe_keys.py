"""What lintseq generates from the schema of recipes: the schema files that editors read, and the page of all keys."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lintseq.study.schema import recipe_schema

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "recipes.md"
KINDS = ("pretrain", "finetune", "study")
_MARK = "<!-- Below: all keys, written by `python tests/test_docs.py`. -->"
_TITLES = {"pretrain": "Recipes for pretrain", "finetune": "Recipes for finetune", "study": "Studies"}
_BOUNDS = {"minimum": "≥ {:g}", "exclusiveMinimum": "> {:g}", "maximum": "≤ {:g}", "exclusiveMaximum": "< {:g}"}
_COMMANDS = {"build": "build", "complete": "complete", "evaluate": "evaluate", "train": "tokenizer train"}


def schema_file(kind: str) -> Path:
    return ROOT / ("studies" if kind == "study" else "recipes") / f"{kind}.schema.json"


def files() -> dict[Path, str]:
    """Return what is generated, by path."""
    schemas = {schema_file(kind): json.dumps(recipe_schema(kind), indent=1) + "\n" for kind in KINDS}
    words = PAGE.read_text(encoding="utf-8").partition(_MARK)[0]
    tables = [f"## {_TITLES[kind]}\n\n{table(recipe_schema(kind))}" for kind in KINDS]
    return {**schemas, PAGE: "\n\n".join([words + _MARK, *tables]) + "\n"}


def write() -> None:
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


def keys(schema: Any, at: str = "") -> Iterator[tuple[str, Any, bool]]:
    """Yield the name and the schema of each key, and whether it is required."""
    for name, key in schema.get("properties", {}).items():
        yield at + name, key, name in schema.get("required", [])
        if is_options(name, key):
            continue
        yield from keys(key, f"{at}{name}.")
        yield from keys(key.get("items", {}), f"{at}{name}.N.")
        yield from keys(key.get("additionalProperties") or {}, f"{at}{name}.NAME.")


def is_options(name: str, key: Any) -> bool:
    """Return whether a key has options of a command."""
    return name.rpartition(".")[2] in _COMMANDS and key.get("type") == "object" and "required" not in key


def table(schema: Any) -> str:
    """Return the keys of a schema as a table in Markdown."""
    rows = ["| key | values | default | meaning |", "|---|---|---|---|"]
    for name, key, required in keys(schema):
        meaning = key["description"].replace("<|diff|>", "`<|diff|>`").replace("|", "\\|")
        rows.append(f"| `{name}` | {values(name, key)} | {default(key, required)} | {meaning} |")
    return "\n".join(rows)


def values(name: str, key: Any) -> str:
    """Return the values that a key accepts, in a few words."""
    if "enum" in key:
        return ", ".join(f"`{value}`" for value in key["enum"])
    if key.get("type") == "array":
        return "sections" if "properties" in key["items"] else f"list: {values(name, key['items'])}"
    if key.get("type") == "object":
        return f"options of `lintseq {_COMMANDS[name.rpartition('.')[2]]}`" if is_options(name, key) else "section"
    bounds = [text.format(key[bound]) for bound, text in _BOUNDS.items() if bound in key]
    return " ".join([key.get("type", "any"), *bounds])


def default(key: Any, required: bool) -> str:
    if required:
        return "required"
    value = key.get("default", "")
    return "" if value == "" else f"`{json.dumps(value)}`"
