"""`lintseq recipes`: list the recipes, studies and examples that come with lintseq, and copy them."""

from dataclasses import asdict
from itertools import groupby
from json import dumps
from typing import Annotated

import typer

from lintseq.bundled import copy_bundled, list_bundled
from lintseq.cli import new_app
from lintseq.cli.options import Overwrite, with_options
from lintseq.study.schema import recipe_schema

recipes = new_app(name="recipes", invoke_without_command=True)


@recipes.callback()
def list_all(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the list.")] = False,
) -> None:
    """List the recipes, studies and examples that come with lintseq.

    Commands take recipes and studies by name; a file of the same name comes first.

    Example: lintseq recipes
    """
    if context.invoked_subcommand is not None:
        return
    files = list_bundled()
    if json:
        typer.echo(dumps([asdict(file) for file in files]))
        return
    width = max(len(file.name) for file in files)
    for kind, group in groupby(files, key=lambda file: file.kind):
        typer.echo(f"lintseq {kind} NAME" if kind != "example" else "lintseq recipes copy examples")
        for file in group:
            typer.echo(f"  {file.name:{width}}  {file.description}")


@recipes.command()
@with_options()
def copy(
    name: Annotated[str, "NAME", "A name from the list, or recipes, studies or examples for all of them."],
    folder: Annotated[str | None, "[FOLDER]", "Where to copy it. [default: the working directory]"] = None,
    *,
    overwrite: Overwrite = False,
) -> None:
    """Copy recipes, studies or examples, to run or to change them.

    Files keep the paths that recipes and studies refer to, such as recipes/nano/finetune.toml. A name that several
    files have stands for all of them.

    Example: lintseq recipes copy examples
    """
    for path in copy_bundled(name, folder or ".", overwrite=overwrite):
        typer.echo(path)


@recipes.command()
@with_options()
def schema(
    kind: Annotated[str | None, "KIND", "pretrain, finetune or study. [default: a schema for all three]"] = None,
) -> None:
    """Print the JSON schema of recipes and studies, for editors and other programs.

    A first line such as `#:schema finetune.schema.json` in a recipe names its schema, relative to the recipe, and
    editors with Taplo or Tombi complete keys, show what they mean and mark mistakes.

    Example: lintseq recipes schema finetune
    """
    typer.echo(dumps(recipe_schema(kind), indent=1))
