"""Walks take a program apart, one clean state at a time; in reverse, their steps are edits."""

from lintseq.walks.options import COMMENTS, SamplingOptions, check_options
from lintseq.walks.orders import ORDERS
from lintseq.walks.sampler import ProgramSampler, sample_edits
