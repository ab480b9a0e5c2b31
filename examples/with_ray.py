"""A deduplicated, decontaminated set of edit sequences with Ray Data: python with_ray.py corpus edits humaneval

`corpus` is a folder of Parquet files with programs, or with two versions of each. `humaneval` is a benchmark, or a
file with problems, that the data must not contain. On a cluster (RAY_ADDRESS=head:6379), the folders have to be on
storage that all nodes share. Each task writes its own Parquet files.
"""

import sys

import ray

from lintseq import BuildOptions, ScreeningOptions
from lintseq.integrations.ray import sample_dataset

if __name__ == "__main__":
    corpus, output, benchmark = sys.argv[1:]
    screening = ScreeningOptions(decontaminate=(benchmark,), duplicates="exact")
    options = BuildOptions(samples=2, min_edits=2, screening=screening)
    programs = ray.data.read_parquet(corpus)
    sample_dataset(programs, options, rejected=f"{output}-rejected").write_parquet(output, mode="overwrite")
