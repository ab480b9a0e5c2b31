"""The JSON schema of recipes and studies: it is that of the reader, and it is where editors look for it."""

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import recipe_keys
from hypothesis import given, settings, strategies as st

from lintseq.cli import main
from lintseq.errors import ConfigError
from lintseq.lm.recipes import FinetuneRecipe, PretrainRecipe
from lintseq.lm.settings import from_table
from lintseq.study.files import Study
from lintseq.study.schema import recipe_schema

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("recipes/*/*.toml"), *ROOT.glob("studies/*.toml")])
KINDS = {"pretrain": PretrainRecipe, "finetune": FinetuneRecipe, "study": Study}
SCHEMAS = {kind: recipe_schema(kind) for kind in KINDS}
VALIDATORS = {kind: jsonschema.Draft7Validator(schema) for kind, schema in SCHEMAS.items()}
PATHS = {kind: recipe_keys.schema_file(kind) for kind in KINDS}


def named_schema(path: Path) -> Path:
    """Return the schema that the first line of a file names."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return (path.parent / first.removeprefix("#:schema ")).resolve()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_first_line_of_each_file_names_a_schema_that_accepts_it(path: Path) -> None:
    (kind,) = (kind for kind, file in PATHS.items() if file == named_schema(path))
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    VALIDATORS[kind].validate(table)
    jsonschema.Draft7Validator(recipe_schema()).validate(table)
    from_table(table, KINDS[kind], "here")


def test_the_schema_files_and_the_page_of_keys_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    written = {path: path.read_text(encoding="utf-8") for path in recipe_keys.files()}
    assert written == recipe_keys.files(), "out of date; run `python tests/test_docs.py`"
    for kind, schema in SCHEMAS.items():
        jsonschema.Draft7Validator.check_schema(schema)
        assert main(["recipes", "schema", kind]) == 0
        assert PATHS[kind].read_text(encoding="utf-8") == capsys.readouterr().out


def test_another_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "schema", "build"]) == 2
    assert "use one of pretrain, finetune, study" in capsys.readouterr().err


def test_every_key_is_described() -> None:
    assert not [
        name for schema in SCHEMAS.values() for name, key, _ in recipe_keys.keys(schema) if not key["description"]
    ]


TABLES = [(named_schema(path).name.partition(".")[0], tomllib.loads(path.read_text())) for path in FILES]
VALUES: Any = st.one_of(
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([0.5, 1.5, 1e9, "", "x", "edits", "steps"]),
    st.just([]),
    st.lists(st.integers(-1, 2), max_size=3),
    st.just({}),
)
CAUGHT_BY_BOTH = re.compile(
    r"unknown key|expected (?!a multiple|at most|at least|a weight)|is missing|use one of (?!diff)"
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_the_schema_accepts_what_the_reader_accepts(data: st.DataObject) -> None:
    """Except for combinations, which only the reader knows."""
    kind, table = copy.deepcopy(data.draw(st.sampled_from(TABLES)))
    parent: Any = table
    while (inner := [value for value in children(parent) if isinstance(value, dict)]) and data.draw(st.booleans()):
        parent = data.draw(st.sampled_from(inner))
    if parent and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(parent)))
    else:
        name = data.draw(st.sampled_from(["lr", "batch", "n", "format", "samples", "zzz", "set", "weight"]))
    if name in parent and data.draw(st.booleans()):
        del parent[name]
    else:
        parent[name] = data.draw(VALUES)
    try:
        from_table(table, KINDS[kind], "here")
        message = ""
    except ConfigError as error:
        message = str(error)
    valid = VALIDATORS[kind].is_valid(table)
    assert valid or message, "the schema is stricter than the reader"
    assert not valid or not CAUGHT_BY_BOTH.search(message), message


def children(value: Any) -> list[Any]:
    items = list(value.values())
    return items + [element for item in items if isinstance(item, list) for element in item]
