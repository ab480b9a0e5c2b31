"""Options made from dataclasses: one per field, documented once."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
import typer
from typer.testing import CliRunner

from lintseq.cli import COMMANDS, PanelCommand, load_command
from lintseq.cli.options import Quiet, field_docs, with_options
from lintseq.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Inner:
    linter: str = "native"
    """Which `linter`
    guides the walk."""
    order: Literal["uniform", "forward"] = "uniform"
    """Order of the edits."""
    undocumented: int = 3
    comments: bool = False
    """Keep comments."""


@dataclass(frozen=True, slots=True)
class Outer:
    count: int
    """How many."""
    inner: Inner = field(default_factory=lambda: Inner(order="forward"))
    least: int | None = None
    """Minimum number of edits."""
    license: tuple[str, ...] = ()
    """License to keep."""
    flag: bool = False
    """A flag."""
    k: tuple[int, ...] | None = None
    """Values of k."""
    rates: tuple[float, ...] = (0.5, 1.0)
    """Rates."""


received: list[tuple[list[str], Outer, bool]] = []


@with_options({"Walk": "linter order", "Output": "quiet"})
def command(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT")], *, options: Outer, quiet: Quiet = False
) -> None:
    """Do something."""
    received.append((inputs, options, quiet))


APP = typer.Typer(add_completion=False, rich_markup_mode=None)
APP.command(cls=PanelCommand)(command)


def test_a_command_receives_the_dataclass_that_its_options_describe():
    arguments = [
        "a",
        "b",
        "--count",
        "2",
        "--license",
        "MIT",
        "--license",
        "X",
        "--order",
        "uniform",
        "--comments",
        "--flag",
        "--k",
        "1,10",
        "--rates",
        "2",
        "-q",
    ]
    assert CliRunner().invoke(APP, arguments).exit_code == 0
    inner = Inner(order="uniform", comments=True)
    options = Outer(2, inner, license=("MIT", "X"), flag=True, k=(1, 10), rates=(2.0,))
    assert received.pop() == (["a", "b"], options, True)


def test_defaults_are_those_of_the_dataclass_even_nested():
    assert CliRunner().invoke(APP, ["a", "--count", "1"]).exit_code == 0
    assert received.pop() == (["a"], Outer(1), False)


def test_numbers_are_separated_by_commas():
    result = CliRunner().invoke(APP, ["a", "--count", "1", "--k", "1;2"])
    assert isinstance(result.exception, ConfigError)
    assert "--k 1;2: expected integers separated by commas" in str(result.exception)
    assert not received
    assert "N,..." in CliRunner().invoke(APP, ["--help"]).stdout


def test_help_groups_options_by_panel_and_shows_docstrings_as_help():
    text = CliRunner().invoke(APP, ["--help"]).stdout
    walk = text.partition("Walk:\n")[2].partition("\n\n")[0]
    assert "--linter" in walk
    assert "Which linter guides the walk." in walk
    assert "uniform|forward" in walk
    assert "--least" not in walk
    assert "--least" in text


@pytest.mark.parametrize("arguments", [[], ["a"], ["a", "--count", "1", "--order", "upward"]])
def test_missing_and_impossible_values_are_configuration_errors(arguments):
    assert isinstance(CliRunner().invoke(APP, arguments).exception, ConfigError)
    assert not received


def test_a_panel_names_only_options_that_exist():
    with pytest.raises(TypeError, match="missing"):
        with_options({"Walk": "missing"})(command)


def test_only_documented_fields_have_docs():
    assert field_docs(Inner).keys() == {"linter", "order", "comments"}


@pytest.mark.parametrize("name", [name for panel in COMMANDS.values() for name in panel])
def test_every_command_loads_by_its_name(name):
    assert load_command(name).name == name
