"""`lintseq benchmarks`: which benchmarks there are, and what is in them."""

import os
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lintseq.benchmarks.problems import Problem

Data = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="The folder with the benchmarks' files. [default: $LINTSEQ_DATA]"),
]

Chosen = Annotated[
    str | None,
    typer.Option(
        metavar="WHICH", help="Only these: task ids, commas between, * for anything; or a file, one on each line."
    ),
]


def benchmarks(
    name: Annotated[
        str | None, typer.Argument(metavar="[BENCHMARK]", help="Print the problems of this one, a line of JSON each.")
    ] = None,
    *,
    data: Data = None,
    problems: Chosen = None,
    prompts: Annotated[
        str | None,
        typer.Option(metavar="STYLE", help="Print its prompts instead: official, plain, edits or messages."),
    ] = None,
    references: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="Print its solutions as completions instead: code, program, diff, ..."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the edits that write the solutions.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the benchmarks: how many problems each has, where it comes from, whether it is here.

    BENCHMARK may also be a file of your own with the columns task_id, prompt, entry_point and test.

    Example: lintseq benchmarks humaneval --data data --prompts edits
    """
    from lintseq.benchmarks import load_problems
    from lintseq.benchmarks.selection import choose

    if name is None:
        if any(one is not None for one in (problems, prompts, references)):
            raise ConfigError("--problems, --prompts and --references are of one benchmark; name it")
        show(data, json=json)
        return
    if prompts is not None and references is not None:
        raise ConfigError("--prompts and --references exclude each other; choose one")
    for row in rows(choose(load_problems(name, data), wanted=problems).problems, prompts, references, seed):
        typer.echo(dumps(row))


def rows(
    problems: "Sequence[Problem]", prompts: str | None, references: str | None, seed: int
) -> "Iterable[dict[str, Any]]":
    """Return what is to be printed of each problem."""
    if prompts is not None:
        from lintseq.benchmarks.prompts import prompt_for

        key = "messages" if prompts == "messages" else "prompt"
        return ({"task_id": one.task_id, key: prompt_for(one, prompts)} for one in problems)
    if references is not None:
        from lintseq.evaluation.references import references as solutions

        return solutions(problems, references, seed=seed)
    return (
        {
            "task_id": one.task_id,
            "prompt": one.prompt,
            "instruction": one.instruction,
            "entry_point": one.entry_point,
            "start": one.start,
            "reference": one.reference,
        }
        for one in problems
    )


def show(data: str | None, *, json: bool) -> None:
    """Print the list."""
    from lintseq.benchmarks import BENCHMARKS, data_folder, find

    folder = data_folder(data)
    found: list[dict[str, Any]] = [
        {
            "name": one.name,
            "title": one.title,
            "problems": one.size,
            "files": list(one.files),
            "home": one.home,
            "license": one.license,
            "here": find(one, folder),
        }
        for one in BENCHMARKS.values()
    ]
    if json:
        typer.echo(dumps(found))
        return
    rows = [
        (row["name"], f"{row['problems']:,}", row["title"], _place(row["here"], folder) or f"not here; {row['home']}")
        for row in found
    ]
    rows.insert(0, ("name", "problems", "what", "here or from"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, problems, title, place in rows:
        typer.echo(f"{name:{widths[0]}}  {problems:>{widths[1]}}  {title:{widths[2]}}  {place}")


def _place(path: str | None, folder: str | None) -> str | None:
    """Return where a file is: below the folder that was named, or its whole path."""
    if path is None or folder is None:
        return path
    inside = os.path.relpath(path, folder)
    return path if inside.startswith(os.pardir) else inside
