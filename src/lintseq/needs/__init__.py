"""The needs between lines of a program: the graph, and explanations of it."""

from lintseq.needs.graph import BODY, HEADER, PART, PLACEHOLDER, RESULT, Analysis, Needs, NeedsBuilder, Removals
