"""Walks take a program apart, one clean state at a time; in reverse, their steps are edits."""

from lintseq.walks.options import (
    COMMENTS as COMMENTS,
    SamplingOptions as SamplingOptions,
    check_options as check_options,
)
from lintseq.walks.orders import ORDERS as ORDERS
from lintseq.walks.sampler import ProgramSampler as ProgramSampler, sample_edits as sample_edits
