"""Training pairs from code bases."""

from lintseq.mining.mine import MiningOptions, MiningReport, mine
