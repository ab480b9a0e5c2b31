"""The card of a folder of shards: what machines read of it is valid, what people read of it is true."""

import json
from typing import Any

import pytest
from huggingface_hub import DatasetCard

from lintseq.dataset.card import card_of
from lintseq.dataset.shapes import META_COLUMNS, SHAPES

SETTINGS: dict[str, Any] = {
    "lintseq": "1.2.3",
    "python": "3.12",
    "linters": {},
    "options": {
        "samples": 5,
        "seed": 0,
        "sampling": {"linter": "native", "certify": None},
        "names": {"instruction": "a|b`c", "code": None},
        "distinct": False,
        "licenses": ("MIT", "ISC"),
        "decontaminate": (),
    },
    "inputs": [{"path": "/home/me/data/pairs.jsonl"}],
}
NUMBERS: dict[str, Any] = {
    "rows": 1300,
    "sequences": 1234567,
    "edits_per_sequence": {"mean": 3.14159, "median": 3, "max": 10},
    "lines_per_edit": 2.5,
    "single_edit_share": 0.125,
    "rejections": {"syntax": 1200, "no|field": 34},
    "dropped_draws": {"equal": 7},
    "licenses": {},
}
RECORD = {"id": 1, "edits": ["+x = '```'"], "program": "x" * 2000, "meta": {"linter": "native"}}


def card(
    numbers: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    shape: str = "lintseq",
    **options: Any,
) -> DatasetCard:
    whole = {**SETTINGS, "options": {**SETTINGS["options"], **options}, **(settings or {})}
    return DatasetCard(card_of(whole, NUMBERS | (numbers or {}), SHAPES[shape].columns, json.dumps(RECORD)))


def test_a_card_reads_like_this() -> None:
    text = card().text
    assert "no state has an error that the whole program does not have" in text
    for line in (
        "| edit sequences | 1,234,567 |",
        "| rows read | 1,300 |",
        "| rows rejected | 1,234 |",
        "| edits per sequence | 3.14 (median 3, maximum 10) |",
        "| lines per edit | 2.50 |",
        "| sequences with a single edit | 12.5 % |",
        "| rejected: syntax | 1,200 |",
        "| draws dropped: equal | 7 |",
        "| samples | `5` |",
        "| seed | `0` |",
        "| licenses | `MIT, ISC` |",
        "Inputs: `pairs.jsonl`.",
        'data = load_dataset("path/to/this/folder", split="train")',
    ):
        assert f"\n{line}\n" in text
    assert "distinct" not in text
    assert "/home/me" not in text


def test_the_card_of_changes_names_both_versions() -> None:
    inputs = [{"path": "commits.jsonl", "fields": {"code": "new_contents", "old": "old_contents"}, "fingerprint": {}}]
    text = card(settings={"inputs": inputs}).text
    assert "from an old version to a new one" in text
    assert "no state has an error that neither version has" in text


def test_an_empty_data_set_is_to_be_streamed() -> None:
    text = card({"sequences": 0}).text
    assert '\ndata = load_dataset("path/to/this/folder", split="train", streaming=True)\n' in text


@pytest.mark.parametrize("shape", SHAPES)
def test_the_card_tells_the_type_of_every_column(shape: str) -> None:
    made = card(shape=shape)
    features = made.data.dataset_info["features"]
    assert [feature["name"] for feature in features] == list(SHAPES[shape].columns)
    types = {
        "string": {"dtype": "string"},
        "int": {"dtype": "int64"},
        "strings": {"list": "string"},
        "messages": {"list": [{"name": "role", "dtype": "string"}, {"name": "content", "dtype": "string"}]},
        "meta": {
            "struct": [
                {"name": name, "dtype": {"int": "int64"}.get(word, word)} for name, word in META_COLUMNS.items()
            ]
        },
    }
    for feature in features:
        column = SHAPES[shape].columns[feature["name"]]
        assert feature == {"name": feature["name"], **types[column.type]}
        assert f"| {feature['name']} | {column.description} |" in made.text
    assert made.data.configs == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}
    ]


@pytest.mark.parametrize(
    ("sequences", "size"), [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (1234567, "1M<n<10M"), (10**7, "n>10M")]
)
def test_the_size_category_is_one_of_the_hub(sequences: int, size: str) -> None:
    assert card({"sequences": sequences}).data.size_categories == [size]


@pytest.mark.parametrize(
    ("licenses", "names", "name"),
    [
        ({}, None, None),
        ({"MIT": 10}, "mit", None),
        ({"mit": 4, "Apache-2.0": 6}, ["apache-2.0", "mit"], None),
        ({"MIT, Apache-2.0": 10}, ["apache-2.0", "mit"], None),
        ({"MIT OR Apache-2.0": 10}, ["apache-2.0", "mit"], None),
        ({"GPL-3.0-or-later": 5, "GPL-3.0-only": 5}, "gpl-3.0", None),
        ({"MIT": 9}, ["mit", "unknown"], None),
        ({"My: own #1": 10}, "other", "my-own-1"),
        ({"MIT": 1, "PSF-2.0": 9}, ["mit", "other"], "psf-2.0"),
        ({"PSF-2.0": 1, "Beerware": 9}, "other", "various"),
    ],
)
def test_licenses_have_the_identifiers_of_the_hub(licenses: dict[str, int], names: Any, name: str | None) -> None:
    made = card({"licenses": licenses, "sequences": 10})
    assert made.data.to_dict().get("license") == names
    assert made.data.to_dict().get("license_name") == name
    for license, count in licenses.items():
        assert f"| license {license} | {count} sequences |" in made.text


@pytest.mark.parametrize(
    ("sampling", "claims", "not_claimed"),
    [
        ({"linter": "native", "certify": None}, "By lintseq's own analysis, no state has an error", "checked"),
        ({"linter": "pylint", "certify": None}, "By `pylint`, no state has an error", "own analysis"),
        ({"linter": "native", "certify": "ruff"}, "Each state was also checked by `ruff`", "may have errors"),
        ({"linter": "none", "certify": None}, "intermediate states may have errors", "no state"),
        (None, "converted from an existing data set", "no state"),
    ],
)
def test_the_card_claims_no_more_than_is_known(sampling: Any, claims: str, not_claimed: str) -> None:
    text = " ".join(card(sampling=sampling).text.split())
    assert claims in text
    assert not_claimed not in text


def test_nothing_breaks_a_table() -> None:
    text = card().text
    assert "| names.instruction | `` a\\|b`c `` |" in text
    assert "| rejected: no\\|field | 34 |" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 3 for line in rows)


def test_the_example_is_json_that_is_not_too_long() -> None:
    text = card().text
    (example,) = text.split("````json\n")[1:]
    example_row = json.loads(example.removesuffix("\n````\n"))
    assert example_row == {**RECORD, "program": "x" * 800 + " ..."}


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["/a/b/code/"], "`code`"),
        (["hf:org/name:train", "s3://b/x.jsonl?token=secret"], "`hf:org/name:train`, `s3://b/x.jsonl`"),
        (["hf:/home/me/set"], "`set`"),
        (["-"], "`-`"),
        ([f"{n}.py" for n in range(1012)], ", ".join(f"`{n}.py`" for n in range(10)) + " and 1,002 more"),
    ],
)
def test_inputs_are_named_without_local_directories(paths: list[str], words: str) -> None:
    assert f"\nInputs: {words}.\n" in card(settings={"inputs": [{"path": path} for path in paths]}).text
