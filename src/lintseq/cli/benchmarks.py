"""`lintseq benchmarks`: list the benchmarks, or the problems of one."""

from dataclasses import asdict
from json import dumps
from typing import Annotated

import typer

from lintseq.benchmarks import ProblemListOptions, list_benchmarks, list_problems
from lintseq.cli.options import with_options
from lintseq.errors import ConfigError


@with_options()
def benchmarks(
    benchmark: Annotated[str | None, "[BENCHMARK]", "Print the problems of this benchmark as JSON lines."] = None,
    *,
    options: ProblemListOptions,
    json: Annotated[bool, "Print the list as JSON."] = False,
) -> None:
    """List the benchmarks, or print the problems of one.

    The list says how many problems each benchmark has, and where its file is or comes from. BENCHMARK may also be a
    file of your own with the columns task_id, prompt, entry_point and test.

    Example: lintseq benchmarks humaneval --data data --prompts edits
    """
    if benchmark is not None:
        for row in list_problems(benchmark, options):
            typer.echo(dumps(row))
        return
    if options != ProblemListOptions(data=options.data, seed=options.seed):
        raise ConfigError("--problems, --prompts and --references need a benchmark; name one")
    listings = list_benchmarks(options.data)
    if json:
        typer.echo(dumps([asdict(listing) for listing in listings]))
        return
    width = max(len(listing.name) for listing in listings)
    for listing in listings:
        path = listing.here or f"not here; {listing.home}"
        typer.echo(f"{listing.name:{width}}  {listing.problems:>5,}  {listing.title:38}  {path}")
