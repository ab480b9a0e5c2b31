"""What the lines of a program need of each other: the graph, and explanations of it."""

from lintseq.needs.graph import (
    NO_UNIT as NO_UNIT,
    Analysis as Analysis,
    Needs as Needs,
    NeedsBuilder as NeedsBuilder,
    Removals as Removals,
)
