"""The data set card of a folder of shards: what a stranger needs to know, as the Hugging Face Hub reads it."""

import json
import os
from collections.abc import Mapping
from typing import Any

from lintseq.dataset.records import COLUMN_WORDS, COLUMNS

_SIZES = [(10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M")]
_LONGEST_EXAMPLE = 4000


def card_of(settings: Mapping[str, Any], manifest: Mapping[str, Any], example: str) -> str:
    """Return the text of a README.md for an output with these settings and numbers; `example` is a record."""
    return "\n".join([*_front_matter(manifest), "", *_body(settings, manifest), *_example(example)]) + "\n"


def _front_matter(manifest: Mapping[str, Any]) -> list[str]:
    lines = ["---"]
    licences = [name.strip().lower() for name in manifest["licences"]]
    if licences:
        lines.append("license:" if len(licences) > 1 else f"license: {json.dumps(licences[0])}")
        lines += [f"- {json.dumps(licence)}" for licence in licences if len(licences) > 1]
    size = next((word for limit, word in _SIZES if manifest["sequences"] < limit), "n>10M")
    return [
        *lines,
        "task_categories:",
        "- text-generation",
        "tags:",
        "- code",
        "- python",
        "- edit-sequences",
        "- lintseq",
        "size_categories:",
        f"- {size}",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        '    path: "data/train-*"',
        "---",
    ]


def _body(settings: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    options = settings["options"]
    edits = manifest["edits_per_sequence"]
    numbers = [
        ("edit sequences", f"{manifest['sequences']:,}"),
        ("programs read", f"{manifest['rows']:,}"),
        ("programs rejected", f"{sum(manifest['rejections'].values()):,}"),
        ("edits a sequence", f"{edits['mean']:.2f} (median {edits['median']}, at most {edits['max']})"),
        ("lines an edit", f"{manifest['lines_per_edit']:.2f}"),
        ("sequences of a single edit", f"{100 * manifest['single_edit_share']:.1f} %"),
    ]
    rejections = [(f"rejected: {reason}", f"{count:,}") for reason, count in manifest["rejections"].items()]
    dropped = [(f"draws left out: {reason}", f"{count:,}") for reason, count in manifest["dropped_draws"].items()]
    licences = [(f"licence {name}", f"{count:,} sequences") for name, count in manifest["licences"].items()]
    return [
        "# Edit sequences",
        "",
        "Programs as edit sequences: each program grows from nothing, a few lines at a time, and has no error after",
        f"any edit that the whole program does not have. Made with lintseq {settings['lintseq']}, after",
        "[Piterbarg, Pinto and Fergus, 2025](https://arxiv.org/abs/2410.02749).",
        "",
        *_table(("", ""), [*numbers, *rejections, *dropped, *licences]),
        "",
        "## Settings",
        "",
        *_table(("setting", "value"), [("python", settings["python"]), *_flat(options)]),
        "",
        "Inputs: " + ", ".join(f"`{os.path.basename(one['path'])}`" for one in settings["inputs"]) + ".",
        "`manifest.json` has all of this for machines. The file of rejected rows has each row that gave nothing,",
        "with the reason.",
        "",
        "## Columns",
        "",
        *_table(("column", "holds"), [(name, COLUMN_WORDS[name]) for name in COLUMNS[options["shape"]]]),
        "",
        "## Loading",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        'data = load_dataset("path/to/this/folder", split="train")',
        "```",
        "",
    ]


def _example(example: str) -> list[str]:
    if not example:
        return []
    text = json.dumps(json.loads(example), indent=2, ensure_ascii=False)
    if len(text) > _LONGEST_EXAMPLE:
        text = text[:_LONGEST_EXAMPLE] + "\n..."
    fence = "````" if "```" in text else "```"
    return ["## An example", "", f"{fence}json", text, fence]


def _table(header: tuple[str, str], rows: list[tuple[str, str]]) -> list[str]:
    return [f"| {header[0]} | {header[1]} |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


def _flat(options: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return settings with dots in their names; what is not set is left out."""
    rows = []
    for name, value in options.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name}.")
        elif value not in (None, "", (), [], False):
            rows.append((f"{prefix}{name}", f"`{value}`"))
    return rows
