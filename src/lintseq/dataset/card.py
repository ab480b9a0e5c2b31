"""The data set card of a folder of shards, in the form that the Hugging Face Hub reads."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

from lintseq.dataset.shapes import META_COLUMNS, Column
from lintseq.languages import get_language
from lintseq.reporting.markdown import two_columns
from lintseq.storage import public

_SIZES = [(10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M")]
_MAX_STRING = 800
_MAX_LIST = 8
_MAX_INPUTS = 10
_TEMPLATE = Path(__file__).parent / "templates" / "card.md"
_HUB_LICENSES = frozenset(Path(__file__).with_name("hub_licenses.txt").read_text(encoding="utf-8").split())
"""The identifiers of the Hub for licenses of programs."""


def card_of(
    settings: Mapping[str, Any], manifest: Mapping[str, Any], columns: Mapping[str, Column], example: str
) -> str:
    """Return the text of a README.md for an output with these settings, numbers and columns; `example` is a record."""
    settings = public(settings)
    mined, empty = _is_mined(settings), not manifest["sequences"]
    features = [f"  {line}" for name, column in columns.items() for line in _feature(name, column.type)]
    text = Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=("Changes of programs" if _has_commits(settings) else "Instructions and programs")
        if mined
        else "Edit sequences",
        license="".join(f"{line}\n" for line in _license_lines(manifest)),
        language=get_language().name,
        tags="" if mined else "- edit-sequences\n",
        size=next((word for limit, word in _SIZES if manifest["sequences"] < limit), "n>10M"),
        test_split='  - split: test\n    path: "data/test-*"\n' if "split" in settings else "",
        features="\n".join(features),
        description="\n".join(_description(settings)),
        version=settings["lintseq"],
        paper="" if mined else ", after\n[Piterbarg, Pinto and Fergus, 2025](https://arxiv.org/abs/2410.02749)",
        counts=two_columns(("", "number"), _counts(settings, manifest)),
        loading="The data set is empty. `datasets` loads an empty data set only when streaming:\n\n" * empty,
        streaming=", streaming=True" * empty,
        columns=two_columns(("column", "content"), [(name, column.description) for name, column in columns.items()]),
        inputs=_inputs(settings),
        settings=two_columns(("setting", "value"), list(_flat({"python": settings["python"], **settings["options"]}))),
    )
    return text + _example(example)


def _is_mined(settings: Mapping[str, Any]) -> bool:
    """Return whether the data set holds mined pairs, not edit sequences."""
    return "mines" in settings["options"]


def _has_commits(settings: Mapping[str, Any]) -> bool:
    """Return whether the data set holds changes mined from histories."""
    return bool(settings["options"].get("commits"))


# Metadata


def _feature(name: str, word: str) -> list[str]:
    """Return the lines with the type of a column."""
    fields: Mapping[str, str]
    if word == "strings":
        return [f"- name: {name}", "  list: string"]
    if word == "messages":
        kind, fields = "list", {"role": "string", "content": "string"}
    elif word == "meta":
        kind, fields = "struct", META_COLUMNS
    else:
        return [f"- name: {name}", f"  dtype: {'int64' if word == 'int' else word}"]
    inner = [f"  {line}" for field, type_ in fields.items() for line in _feature(field, type_)]
    return [f"- name: {name}", f"  {kind}:", *inner]


def _license_lines(manifest: Mapping[str, Any]) -> list[str]:
    """Return the licenses of the programs with the identifiers of the Hub; unknown ones are `other`."""
    counts: Mapping[str, int] = manifest["licenses"]
    if not counts:
        return []
    parts = [name for license in counts for name in re.split(r",| AND | OR |[()]", license) if name.strip()]
    names = sorted(set(map(_hub_name, parts)))
    others = [name for name in names if name not in _HUB_LICENSES]
    listed = [name for name in names if name in _HUB_LICENSES] + ["other"] * bool(others)
    if sum(counts.values()) < manifest["sequences"]:
        listed.append("unknown")
    lines = [f"license: {listed[0]}"] if len(listed) == 1 else ["license:", *(f"- {name}" for name in listed)]
    if others:
        lines.append(f"license_name: {json.dumps(others[0] if len(others) == 1 else 'various')}")
    return lines


def _hub_name(license: str) -> str:
    """Return the name of a license in the form of the Hub: lower case, with hyphens."""
    name = re.sub(r"[^a-z0-9.+]+", "-", license.strip().lower()).strip("-")
    return re.sub(r"-(only|or-later)$", "", name)


# Text


def _counts(settings: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    edits, rejected = manifest["edits_per_sequence"], f"{sum(manifest['rejections'].values()):,}"
    records, rows = f"{manifest['sequences']:,}", f"{manifest['rows']:,}"
    if _is_mined(settings):
        kinds = ("changes", "changes and commits") if _has_commits(settings) else ("files", "files and definitions")
        counts = [("pairs", records), (f"{kinds[0]} read", rows), (f"{kinds[1]} rejected", rejected)]
    else:
        counts = [
            ("edit sequences", records),
            ("rows read", rows),
            ("rows rejected", rejected),
            ("edits per sequence", f"{edits['mean']:.2f} (median {edits['median']}, maximum {edits['max']})"),
            ("lines per edit", f"{manifest['lines_per_edit']:.2f}"),
            ("sequences with a single edit", f"{100 * manifest['single_edit_share']:.1f} %"),
        ]
    counts += [(f"rejected: {reason}", f"{count:,}") for reason, count in manifest["rejections"].items()]
    counts += [(f"draws dropped: {reason}", f"{count:,}") for reason, count in manifest["dropped_draws"].items()]
    unit = "pairs" if _is_mined(settings) else "sequences"
    return counts + [(f"license {name}", f"{count:,} {unit}") for name, count in manifest["licenses"].items()]


def _description(settings: Mapping[str, Any]) -> list[str]:
    """Return a description of the records and of the guarantees about states."""
    if _has_commits(settings):
        return ["Changes of single files in the histories of git repositories, each with the message of its commit."]
    if _is_mined(settings):
        return ["Documented functions and classes of code bases, each with all that it needs from its module."]
    sampling = settings["options"].get("sampling")
    if sampling is None:
        return ["Programs as edit sequences, converted from an existing data set."]
    linter, judge = sampling["linter"], sampling["certify"]
    changes = any((source.get("fields") or {}).get("old") for source in settings["inputs"])
    lines = ["Programs as edit sequences: each program grows from nothing, a few lines at a time."]
    known = "the whole program does not have"
    if changes:
        lines = ["Changes of programs as edit sequences: from an old version to a new one, a few lines at a time."]
        known = "neither version has"
    if linter == "none":
        lines.append("No linter chose which lines belong together, so intermediate states may have errors.")
    else:
        judge_name = "lintseq's own analysis" if linter == "native" else _code(linter)
        lines.append(f"By {judge_name}, no state has an error that {known}.")
    if judge is not None:
        lines.append(f"Each state was also checked by {_code(judge)}, with no finding that {known}.")
    return lines


def _inputs(settings: Mapping[str, Any]) -> str:
    names = [_code(source["path"]) for source in settings["inputs"]]
    more = len(names) - _MAX_INPUTS
    return ", ".join(names[:_MAX_INPUTS]) + (f" and {more:,} more" if more > 0 else "")


def _example(example: str) -> str:
    if not example:
        return ""
    text = json.dumps(_shortened(json.loads(example)), indent=2, ensure_ascii=False)
    fence = _fence(text, 3)
    return f"\n## Example\n\n{fence}json\n{text}\n{fence}\n"


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MAX_STRING:
        return value[:_MAX_STRING] + " ..."
    if isinstance(value, list):
        return [*map(_shortened, value[:_MAX_LIST]), *["..."] * (len(value) > _MAX_LIST)]
    if isinstance(value, dict):
        return {name: _shortened(inner) for name, inner in value.items()}
    return value


def _code(text: object) -> str:
    """Return a text as inline code of Markdown."""
    text = str(text)
    fence = _fence(text, 1)
    return f"{fence}{text}{fence}" if len(fence) == 1 else f"{fence} {text} {fence}"


def _fence(text: str, least: int) -> str:
    """Return more backticks than any run of them in a text."""
    return "`" * max([least, *(len(run) + 1 for run in re.findall("`+", text))])


def _flat(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested settings with dots in their names, without those that are not set."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None and value is not False and value not in ("", (), []):
            yield f"{prefix}{name}", _code(", ".join(map(str, value)) if isinstance(value, list | tuple) else value)
