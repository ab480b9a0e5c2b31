"""Training data from code bases and their histories."""

from lintseq.mining.history import HistoryOptions
from lintseq.mining.mine import MiningOptions, MiningReport, mine
