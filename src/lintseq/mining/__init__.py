"""Training pairs from code bases."""

from lintseq.mining.mine import MiningOptions as MiningOptions, MiningReport as MiningReport, mine as mine
