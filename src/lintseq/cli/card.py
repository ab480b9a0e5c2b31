"""`lintseq card`."""

from lintseq.cli.finetune import card

__all__ = ["card"]
