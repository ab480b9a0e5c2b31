"""The options of a draw, and which of them work together."""

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from lintseq.errors import ConfigError
from lintseq.languages.linters import shared_linter
from lintseq.walks.orders import ORDERS

Order = Literal["uniform", "indent", "forward"]
Comments = Literal["attach", "first"]
COMMENTS: tuple[Comments, ...] = get_args(Comments)


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How edit sequences are drawn."""

    linter: str = "native"
    """What decides which lines arrive together: native (the program's needs), none (chance: the paper's RandSeq), or
    any linter as a black box."""
    order: Order = "uniform"
    """Which line is removed next: any (uniform, the paper), preferably an indented one (indent, the published code),
    or the last one (forward: programs grow from top to bottom, and all draws are equal)."""
    comments: Comments = "attach"
    """When comments and blank lines arrive: with the code they describe (attach), or in an edit of their own
    (first)."""
    certify: str | None = None
    """A second linter that must find every state clean."""
    stubs: bool = False
    """Write a program that starts from nothing by way of a stub: signatures and docstrings first, with placeholders
    such as `raise NotImplementedError`, and the bodies of functions later."""


@cache
def check_options(options: SamplingOptions) -> None:
    """Raise `ConfigError` if `options` cannot work; load the linters that they name."""
    if options.order not in ORDERS:
        raise ConfigError(f"unknown order {options.order!r}; use one of {', '.join(ORDERS)}")
    if options.order != "uniform" and options.linter == "none":
        raise ConfigError(f"linter none removes lines in random order only, not in order {options.order!r}")
    if options.comments not in COMMENTS:
        raise ConfigError(f"unknown comments {options.comments!r}; use one of {', '.join(COMMENTS)}")
    if options.linter not in ("native", "none"):
        shared_linter(options.linter)
    if options.stubs and options.linter == "none":
        raise ConfigError("linter none knows no functions, so it cannot start with stubs; use another linter")
    if options.certify is not None:
        if options.linter != "native":
            raise ConfigError(f"only native sequences can be certified, not those of linter {options.linter!r}")
        shared_linter(options.certify)
