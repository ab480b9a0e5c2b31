"""`lintseq card`: rewrite the card of a trained model."""

from typing import Annotated

import typer

from lintseq.cli.options import Quiet, with_options


@with_options()
def card(
    model: Annotated[str, "DIR", "Model trained by finetune or pretrain."],
    results: Annotated[list[str] | None, "RESULTS", "Files written by `lintseq evaluate --output`."] = None,
    *,
    quiet: Quiet = False,
) -> None:
    """Rewrite the card of a trained model, with the scores of its evaluations.

    Example: lintseq card nano-edits humaneval.jsonl
    """
    from lintseq.lm.cards import write_card

    path = write_card(model, results or [])
    if not quiet:
        typer.echo(path)
