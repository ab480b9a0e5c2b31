"""What the lines of a program need of each other: the graph, and explanations of it."""

from lintseq.needs.graph import NO_UNIT, Analysis, Needs, NeedsBuilder, Removals
