"""`lintseq card`: rewrite the card of a model or of a data set."""

from typing import Annotated

import typer

from lintseq.cli.options import Quiet, with_options


@with_options()
def card(
    folder: Annotated[str, "DIR", "Model trained by finetune or pretrain, or data set in shards."],
    results: Annotated[list[str] | None, "RESULTS", "Files written by `lintseq evaluate --output`."] = None,
    *,
    license: Annotated[str | None, "ID", "License, as the Hugging Face Hub names it: apache-2.0, mit, ..."] = None,
    dataset: Annotated[list[str] | None, "NAME", "Data set on the Hub that the model learned from."] = None,
    quiet: Quiet = False,
) -> None:
    """Rewrite the card of a model, with the scores of its evaluations, or of a data set.

    The license and the names of data sets are kept from the earlier card. Names of data sets that a recipe reads from
    the Hub are on the card anyway.

    Example: lintseq card nano-edits humaneval.jsonl --license apache-2.0
    """
    from lintseq.lm.cards import write_card

    path = write_card(folder, results or [], license=license, datasets=dataset or [])
    if not quiet:
        typer.echo(path)
