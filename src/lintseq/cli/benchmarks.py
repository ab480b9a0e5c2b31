"""`lintseq benchmarks`: list the benchmarks, or the problems of one."""

from dataclasses import asdict
from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lintseq.benchmarks import BenchmarkListing

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
    """List the benchmarks: how many problems each has, where it comes from, whether it is on this machine.

    BENCHMARK may also be a file of your own with the columns task_id, prompt, entry_point and test.

    Example: lintseq benchmarks humaneval --data data --prompts edits
    """
    from lintseq.benchmarks import ProblemListOptions, list_benchmarks, list_problems

    options = ProblemListOptions(data, problems, prompts, references, seed)  # type: ignore[arg-type]
    if name is not None:
        for row in list_problems(name, options):
            typer.echo(dumps(row))
        return
    if options != ProblemListOptions(data=data, seed=seed):
        raise ConfigError("--problems, --prompts and --references need a benchmark; name one")
    listings = list_benchmarks(data)
    typer.echo(dumps([asdict(listing) for listing in listings]) if json else listing_table(listings))


def listing_table(listings: "Sequence[BenchmarkListing]") -> str:
    """Return the list as a table."""
    rows = [("name", "problems", "what", "here or from")]
    for listing in listings:
        rows.append(
            (listing.name, f"{listing.problems:,}", listing.title, listing.here or f"not here; {listing.home}")
        )
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{name:{widths[0]}}  {count:>{widths[1]}}  {title:{widths[2]}}  {where}" for name, count, title, where in rows
    )
